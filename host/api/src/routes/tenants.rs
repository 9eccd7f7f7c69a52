//! The tenants that somebody reaches.

use std::sync::Arc;

use axum::extract::State;
use axum::routing::get;
use axum::{Extension, Json};
use serde_json::{Value, json};
use siyu_model::access::Scope;

use super::Route;
use crate::Api;
use crate::door::Caller;
use crate::problem::Problem;

pub(super) fn routes() -> Vec<Route> {
    vec![Route {
        method: "GET",
        path: "/v1/tenants",
        scope: Some(Scope::RunsRead),
        summary: "The tenants that the token reaches, on this host and on others of its database.",
        query: &[],
        body: None,
        handler: get(list),
    }]
}

async fn list(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Value>, Problem> {
    let all = api.inspectors.tenants().await.map_err(siyu_engine::ports::inspect::InspectError::from)?;
    let tenants: Vec<_> = all.into_iter().filter(|tenant| caller.grant.reach.holds(tenant)).collect();
    Ok(Json(json!({ "tenants": tenants })))
}
