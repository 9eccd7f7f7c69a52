//! Whether the host lives, and what it has.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use serde::Serialize;
use siyu_model::access::Scope;
use siyu_model::name::TenantName;

use super::Route;
use crate::Api;
use crate::metrics;
use crate::problem::Problem;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route {
            method: "GET",
            path: "/healthz",
            scope: None,
            summary: "Whether the process answers.",
            query: &[],
            body: None,
            handler: get(live),
        },
        Route {
            method: "GET",
            path: "/readyz",
            scope: None,
            summary: "Whether requests can be answered.",
            query: &[],
            body: None,
            handler: get(ready),
        },
        Route {
            method: "GET",
            path: "/metrics",
            scope: Some(Scope::HostRead),
            summary: "Numbers of requests and tenants, for Prometheus.",
            query: &[],
            body: None,
            handler: get(numbers),
        },
        Route {
            method: "GET",
            path: "/v1/host",
            scope: Some(Scope::HostRead),
            summary: "The tenants that this host executes, and how many of them are awake.",
            query: &[],
            body: None,
            handler: get(host),
        },
    ]
}

/// Whether requests can be answered: tokens can be read, so the host's own database is there.
async fn ready(State(api): State<Arc<Api>>) -> Result<&'static str, Problem> {
    api.door.check().await.map(|()| "ready\n")
}

async fn numbers(State(api): State<Arc<Api>>) -> impl IntoResponse {
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (kind, metrics::text(&api.counted, &api.host, api.hub.followers()))
}

async fn live() -> &'static str {
    "ok\n"
}

/// What this host has.
#[derive(Serialize)]
struct OfHost {
    tenants: Vec<TenantName>,
    awake: usize,
}

async fn host(State(api): State<Arc<Api>>) -> Json<OfHost> {
    Json(OfHost { tenants: api.host.tenants(), awake: api.host.awake() })
}
