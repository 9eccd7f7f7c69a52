//! The host over HTTP: events in, answers out, after the commit that holds them.
//!
//! It decides nothing about events or tenants, and opens no store. It asks nobody who they are: a host listens on
//! loopback addresses only, behind whatever guards the door.

mod events;
mod health;
mod problem;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use siyu_engine::host::Host;
use siyu_model::limits::json::DOCUMENT_BYTES_MAX;
use tokio::net::TcpListener;

pub use problem::Problem;

/// Bytes of a request: an event's document and what is around it.
const BODY_BYTES_MAX: usize = DOCUMENT_BYTES_MAX + 4_096;

/// How long requests that came before the end of a host may take to be answered: those that wait for another host are
/// told that their event is kept.
pub const LAST_REQUESTS: Duration = Duration::from_secs(10);

/// The routes of a host.
pub fn router(host: Arc<Host>) -> Router {
    Router::new()
        .route("/healthz", get(health::live))
        .route("/v1/host", get(health::host))
        .route("/v1/tenants/{tenant}/events", post(events::admit))
        .fallback(problem::no_route)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(host)
}

/// Answers requests until `stop` is over, and then those that came before it. The host goes on.
pub async fn serve(
    listener: TcpListener,
    host: Arc<Host>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    axum::serve(listener, router(host)).with_graceful_shutdown(stop).await
}
