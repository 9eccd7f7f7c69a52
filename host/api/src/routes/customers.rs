//! Customers: who they are, and all that did and did not happen to them.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;
use serde_json::json;
use siyu_model::access::Scope;
use siyu_model::event::Subject;
use siyu_model::name::TenantName;

use super::Route;
use super::query::{self, List};
use crate::Api;
use crate::problem::Problem;

pub(super) fn routes() -> Vec<Route> {
    vec![Route {
        method: "GET",
        path: "/v1/tenants/{tenant}/customers/{customer}",
        scope: Some(Scope::CustomersRead),
        summary: "A customer by id or by an outside name, with a page of their timeline, newest first.",
        query: &["playbook", "page_size", "page_token"],
        body: None,
        handler: get(show),
    }]
}

/// Which part of a timeline.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Which {
    playbook: Option<String>,
    page_size: Option<usize>,
    page_token: Option<String>,
}

async fn show(
    State(api): State<Arc<Api>>,
    Extension(tenant): Extension<TenantName>,
    Path((_, customer)): Path<(String, String)>,
    which: Result<Query<Which>, axum::extract::rejection::QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Query(which) = which.map_err(|why| Problem::invalid("QUERY", why.body_text()))?;
    let who: Subject = customer.parse().map_err(|_| no_customer())?;
    let (inspect, frame) = query::framed(&api, &tenant, which.playbook.as_deref()).await?;
    let list =
        List { tenant: &tenant, name: "timeline", filter: vec![Some(&customer), which.playbook.as_deref()] };
    let turn = list.turn(which.page_size, which.page_token.as_deref())?;
    let story = siyu_insight::customer(&*inspect, &frame, who, turn).await?.ok_or_else(no_customer)?;
    let next = list.next(story.next);
    query::tagged(
        &headers,
        &json!({ "customer": story.customer, "moments": story.moments, "next_page_token": next }),
    )
}

fn no_customer() -> Problem {
    Problem::missing("NO_CUSTOMER", "there is no such customer")
}
