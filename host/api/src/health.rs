//! Whether the host lives, and what it has.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use siyu_engine::host::Host;
use siyu_model::name::TenantName;

/// `GET /healthz`: the process answers.
pub(crate) async fn live() -> &'static str {
    "ok\n"
}

/// What this host has.
#[derive(Serialize)]
pub(crate) struct OfHost {
    tenants: Vec<TenantName>,
    awake: usize,
}

/// `GET /v1/host`: the tenants that this host executes, and how many of them are awake.
pub(crate) async fn host(State(host): State<Arc<Host>>) -> Json<OfHost> {
    Json(OfHost { tenants: host.tenants(), awake: host.awake() })
}
