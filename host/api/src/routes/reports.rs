//! Reports: what a tenant's customers, coupons, stock, prizes and runs amount to.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;
use siyu_insight::{draws, report};
use siyu_model::access::Scope;
use siyu_model::name::TenantName;

use super::{Route, query};
use crate::Api;
use crate::problem::Problem;

pub(super) fn routes() -> Vec<Route> {
    vec![Route {
        method: "GET",
        path: "/v1/tenants/{tenant}/reports/{report}",
        scope: Some(Scope::ReportsRead),
        summary: "A report in numbers: funnel, repurchase, coupons, stock, prizes or runs.",
        query: &["playbook", "from", "until"],
        body: None,
        handler: get(show),
    }]
}

/// Which days, and whose.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Which {
    playbook: Option<String>,
    from: Option<String>,
    until: Option<String>,
}

async fn show(
    State(api): State<Arc<Api>>,
    Extension(tenant): Extension<TenantName>,
    Path((_, name)): Path<(String, String)>,
    which: Result<Query<Which>, axum::extract::rejection::QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Query(which) = which.map_err(|why| Problem::invalid("QUERY", why.body_text()))?;
    let (inspect, frame) = query::framed(&api, &tenant, which.playbook.as_deref()).await?;
    let has_span = matches!(name.as_str(), "funnel" | "coupons");
    if !has_span && (which.from.is_some() || which.until.is_some()) {
        return Err(Problem::invalid(
            "QUERY",
            format!("the report {name} is over all days: expected no `from` or `until`"),
        ));
    }
    let span = query::span(&frame, which.from.as_deref(), which.until.as_deref())?;
    match name.as_str() {
        "funnel" => query::tagged(&headers, &report::funnel(&*inspect, &frame, span).await?),
        "repurchase" => query::tagged(&headers, &report::repurchase(&*inspect, &frame).await?),
        "coupons" => query::tagged(&headers, &report::coupons(&*inspect, &frame, span).await?),
        "stock" => query::tagged(&headers, &report::stock(&*inspect, &frame).await?),
        "runs" => query::tagged(&headers, &report::runs(&*inspect, &frame).await?),
        "prizes" => query::tagged(&headers, &draws::verify(&*inspect, None).await?),
        _ => Err(Problem::missing(
            "NO_REPORT",
            "there is no such report: expected funnel, repurchase, coupons, stock, prizes or runs",
        )),
    }
}
