//! Every request has an id: that of whoever asks, or one of this host. It is in the answer and in what the log says.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use siyu_model::limits::http::REQUEST_ID_BYTES_MAX;
use tracing::Instrument;

/// The field of a request's and an answer's head.
pub(crate) const NAME: &str = "x-request-id";

/// The ids of one host: drawn once, and counted on.
pub(crate) struct RequestIds {
    host: String,
    next: AtomicU64,
}

impl RequestIds {
    pub(crate) fn new() -> Self {
        let mut random = [0; 8];
        if let Err(fault) = getrandom::fill(&mut random) {
            // They only tell requests of one host apart then.
            tracing::warn!(%fault, "there are no random bytes for ids of requests");
        }
        Self { host: format!("{:016x}", u64::from_be_bytes(random)), next: AtomicU64::new(0) }
    }

    /// The id that a request brings, when it is one that can go into a log as it is; else a new one.
    fn of(&self, headers: &HeaderMap) -> HeaderValue {
        let is_plain = |value: &&HeaderValue| {
            let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
            (1..=REQUEST_ID_BYTES_MAX).contains(&value.len()) && value.as_bytes().iter().all(plain)
        };
        if let Some(value) = headers.get(NAME).filter(is_plain) {
            return value.clone();
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        // Hexadecimal digits are a value of a header.
        HeaderValue::from_str(&format!("{}-{number:x}", self.host))
            .unwrap_or(HeaderValue::from_static("unknown"))
    }
}

/// Gives a request its id.
pub(crate) async fn named(ids: std::sync::Arc<RequestIds>, mut request: Request, next: Next) -> Response {
    let id = ids.of(request.headers());
    request.headers_mut().insert(NAME, id.clone());
    let span = tracing::info_span!("request", id = id.to_str().unwrap_or_default());
    let mut response = next.run(request).instrument(span).await;
    response.headers_mut().insert(NAME, id);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_can_be_written_down_is_taken_over_and_any_other_replaced() {
        let ids = RequestIds::new();
        let of = |value: &[u8]| {
            let headers = HeaderMap::from_iter([(
                axum::http::HeaderName::from_static(NAME),
                HeaderValue::from_bytes(value).unwrap(),
            )]);
            ids.of(&headers).to_str().unwrap().to_owned()
        };
        assert_eq!(of(b"4bf92f35-77b3.a_1"), "4bf92f35-77b3.a_1");
        let long = "a".repeat(REQUEST_ID_BYTES_MAX + 1);
        for wrong in [&b""[..], b"a b", b"a=b", b"a\"", "\u{4f60}".as_bytes(), long.as_bytes()] {
            let made = of(wrong);
            assert!(made.starts_with(&ids.host) && made.as_bytes() != wrong, "{made}");
        }
        assert_ne!(ids.of(&HeaderMap::new()), ids.of(&HeaderMap::new()));
    }
}
