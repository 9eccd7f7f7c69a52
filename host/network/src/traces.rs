//! A span for each request that is sent, and the field by which its peer can go on with the trace (W3C Trace Context).
//!
//! A span says the method and how it went. It names no host and no part of a URL: a plugin may write a customer into them.

use hyper::Method;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use siyu_engine::ports::network::{Response, SendError, SendErrorCode};
use siyu_engine::traces::TARGET;
use tracing::field::Empty;
use tracing::{Span, info_span};

/// Gives the `traceparent` of a span; none when the span goes to no collector.
pub type Announce = fn(&Span) -> Option<String>;

/// The field with the trace, and the part of the trace that sends the request.
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// A request that is about to be sent, as a part of the delivery that sends it.
pub(crate) fn begin(method: &Method) -> Span {
    info_span!(
        target: TARGET,
        "request",
        otel.name = %method,
        otel.kind = "client",
        otel.status_code = Empty,
        http.request.method = %method,
        http.response.status_code = Empty,
        error.type = Empty,
    )
}

/// Tells the peer of the span. The request was checked before: no plugin can send this field.
pub(crate) fn announce(announce: Option<Announce>, span: &Span, fields: &mut HeaderMap) {
    let parent = announce.filter(|_| !span.is_disabled()).and_then(|announce| announce(span));
    if let Some(value) = parent.and_then(|parent| HeaderValue::from_str(&parent).ok()) {
        fields.insert(TRACEPARENT, value);
    }
}

/// How the request went.
pub(crate) fn ended(span: &Span, answer: &Result<Response, SendError>) {
    if span.is_disabled() {
        return;
    }
    let has_failed = match answer {
        Ok(response) => {
            span.record("http.response.status_code", response.status);
            response.status >= 400
        }
        Err(error) => {
            span.record("error.type", name(error.code));
            true
        }
    };
    if has_failed {
        span.record("otel.status_code", "ERROR");
    }
}

/// What plugins call it.
fn name(code: SendErrorCode) -> &'static str {
    match code {
        SendErrorCode::Invalid => "invalid",
        SendErrorCode::Denied => "denied",
        SendErrorCode::Unreachable => "unreachable",
        SendErrorCode::Timeout => "timeout",
        SendErrorCode::TooLarge => "too-large",
        SendErrorCode::Limit => "limit",
        SendErrorCode::OpenCircuit => "open-circuit",
    }
}
