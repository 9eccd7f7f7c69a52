//! Following a tenant, or one run, as `text/event-stream`.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;
use siyu_engine::ports::log::LogPlace;
use siyu_model::access::Scope;
use siyu_model::id::RunId;
use siyu_model::name::TenantName;

use super::Route;
use crate::Api;
use crate::body;
use crate::door::Caller;
use crate::live::{self, Claim, Follow, FollowRun, Watch};
use crate::problem::Problem;

pub(super) fn routes() -> Vec<Route> {
    let read = |path, summary, query, handler| Route {
        method: "GET",
        path,
        scope: Some(Scope::RunsRead),
        summary,
        query,
        body: None,
        handler,
    };
    vec![
        read(
            "/v1/tenants/{tenant}/stream",
            "What is recorded and what runs do, as it happens; goes on after `Last-Event-ID`.",
            &["from"],
            get(tenant_stream),
        ),
        read(
            "/v1/tenants/{tenant}/runs/{run}/stream",
            "The journal of a run from its first line on, as it grows, until the run ends.",
            &[],
            get(run_stream),
        ),
    ]
}

/// Where to begin.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Begin {
    from: Option<String>,
}

/// Who wants a seat, and how many the tenant may have.
fn claim<'c>(api: &Api, caller: &'c Caller, tenant: &'c TenantName) -> Claim<'c> {
    Claim { caller, tenant, quota: api.quota.streams(tenant) }
}

async fn tenant_stream(
    State(api): State<Arc<Api>>,
    (Extension(caller), Extension(tenant)): (Extension<Caller>, Extension<TenantName>),
    begin: Result<Query<Begin>, axum::extract::rejection::QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Query(begin) = begin.map_err(|why| Problem::invalid("QUERY", why.body_text()))?;
    let from = match begin.from.as_deref() {
        None | Some("now") => None,
        Some("start") => Some(LogPlace::default()),
        Some(_) => return Err(Problem::invalid("QUERY", "`from`: expected now or start")),
    };
    let seen = match last_id(&headers)? {
        None => from,
        Some(text) => Some(live::place_of(text).ok_or_else(|| wrong_id("such as 41.1207"))?),
    };
    let watch = Watch::take(&api.hub, &api.door, claim(&api, &caller, &tenant), &headers)?;
    Ok(live::answer(Follow::from(&api.hub, tenant, seen, watch).await?))
}

/// 204: the run is over and nothing is missing, which tells a browser not to come back.
async fn run_stream(
    State(api): State<Arc<Api>>,
    (Extension(caller), Extension(tenant)): (Extension<Caller>, Extension<TenantName>),
    Path((_, run)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let run: RunId = run.parse().map_err(|_| Problem::missing("NO_RUN", "there is no such run"))?;
    let seen = match last_id(&headers)? {
        None => None,
        Some(text) => Some(live::row_of(text).ok_or_else(|| wrong_id("a number such as 7"))?),
    };
    let watch = Watch::take(&api.hub, &api.door, claim(&api, &caller, &tenant), &headers)?;
    Ok(match FollowRun::after(&api.hub, (tenant, run), seen, watch).await? {
        Some(follow) => live::answer(follow),
        None => StatusCode::NO_CONTENT.into_response(),
    })
}

/// Where whoever comes back stands; a browser that had nothing says nothing.
fn last_id(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    Ok(body::header(headers, "last-event-id")?.filter(|text| !text.is_empty()))
}

fn wrong_id(expected: &str) -> Problem {
    Problem::invalid(
        "LAST_EVENT_ID",
        format!("`Last-Event-ID` is none of this stream: expected one {expected}"),
    )
}
