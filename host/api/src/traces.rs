//! A span for each request, for whoever follows requests through the host.

use axum::extract::Request;
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::Response;
use siyu_engine::traces::TARGET;
use tracing::field::Empty;
use tracing::{Instrument, Span};

use crate::request_id;

/// Makes a span a part of the trace that a `traceparent` names (W3C Trace Context).
pub type Adopt = fn(&Span, &str);

/// Follows a request of a route. Only what the table of routes says goes into the span, and no part of a URL, which may name a customer.
pub(crate) async fn follow(
    route: (&'static str, &'static str),
    adopt: Option<Adopt>,
    request: Request,
    next: Next,
) -> Response {
    let span = begin(route, adopt, request.headers());
    let response = next.run(request).instrument(span.clone()).await;
    let status = response.status();
    span.record("http.response.status_code", status.as_u16());
    if status.is_server_error() {
        span.record("otel.status_code", "ERROR");
    }
    response
}

fn begin((method, path): (&'static str, &'static str), adopt: Option<Adopt>, headers: &HeaderMap) -> Span {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let span = tracing::info_span!(
        target: TARGET,
        parent: None,
        "request",
        otel.name = %format_args!("{method} {path}"),
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = method,
        http.route = path,
        http.response.status_code = Empty,
        siyu.request = header(request_id::NAME),
    );
    if let (Some(adopt), Some(parent)) = (adopt, header("traceparent")) {
        adopt(&span, parent);
    }
    span
}
