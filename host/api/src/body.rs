//! Bodies of requests: read within their limits, or refused in words.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderMap, StatusCode, header};
use futures_util::StreamExt;
use hyper::body::Frame;
use serde::de::DeserializeOwned;
use siyu_model::json::check_within;
use siyu_model::limits::http::{BODY_BEYOND_BYTES_MAX, BODY_MS};

use crate::problem::Problem;

/// A body of which is known whether it was read to its end.
struct Watched {
    inner: Body,
    is_read: Arc<AtomicBool>,
}

/// A body, and whether it was read to its end; a request without one has nothing to read.
pub(crate) fn watched(body: Body) -> (Body, Arc<AtomicBool>) {
    let is_read = Arc::new(AtomicBool::new(body.is_end_stream()));
    if body.is_end_stream() {
        return (body, is_read);
    }
    (Body::new(Watched { inner: body, is_read: is_read.clone() }), is_read)
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(context);
        if matches!(polled, Poll::Ready(None)) || self.inner.is_end_stream() {
            self.is_read.store(true, Ordering::Relaxed);
        }
        polled
    }
}

/// Reads a body of text.
pub(crate) async fn text(body: Body, bytes_max: usize) -> Result<String, Problem> {
    let bytes = bytes(body, bytes_max, Duration::from_millis(BODY_MS)).await?;
    String::from_utf8(bytes).map_err(|_| Problem::invalid("BODY", "the body is no text: expected UTF-8"))
}

/// Reads a body as it is.
pub(crate) async fn bytes(body: Body, bytes_max: usize, within: Duration) -> Result<Vec<u8>, Problem> {
    let read = tokio::time::timeout(within, all(body, bytes_max)).await;
    let read = read.map_err(|_| {
        let detail = format!("the body did not come within {} ms", within.as_millis());
        Problem::new(StatusCode::REQUEST_TIMEOUT, "BODY", detail)
    })?;
    let bytes = read.map_err(|fault| {
        // Whoever sent a part of it only is gone, and hears no answer.
        tracing::debug!(%fault, "a body cannot be read");
        Problem::invalid("BODY", "the body ended before its end")
    })?;
    bytes.ok_or_else(|| {
        let detail = format!("the body has more than {bytes_max} bytes");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "BODY", detail)
    })
}

/// The bytes of a body; none when there are too many. Some of what is too much is read and dropped: whoever still writes
/// when the connection is closed does not hear why.
async fn all(body: Body, bytes_max: usize) -> Result<Option<Vec<u8>>, axum::Error> {
    let (mut stream, mut bytes, mut came) = (body.into_data_stream(), Vec::new(), 0_usize);
    while let Some(piece) = stream.next().await {
        let piece = piece?;
        came = came.saturating_add(piece.len());
        if came <= bytes_max {
            bytes.extend_from_slice(&piece);
        } else if came > bytes_max.saturating_add(BODY_BEYOND_BYTES_MAX) {
            break;
        }
    }
    Ok((came <= bytes_max).then_some(bytes))
}

/// Reads a body of JSON; one that is empty reads as `{}`.
pub(crate) async fn json<T: DeserializeOwned>(body: Body, bytes_max: usize) -> Result<T, Problem> {
    let text = text(body, bytes_max).await?;
    let text = if text.trim().is_empty() { "{}" } else { &text };
    check_within(text, bytes_max).map_err(|why| Problem::invalid("BODY", why.to_string()))?;
    serde_json::from_str(text).map_err(|why| Problem::invalid("BODY", why.to_string()))
}

/// The one value of a header; none when it is not there.
pub(crate) fn header<'h>(headers: &'h HeaderMap, name: &'static str) -> Result<Option<&'h str>, Problem> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let wrong = |why: &str| Problem::invalid("HEADER", format!("the header `{name}` {why}"));
    if values.next().is_some() {
        return Err(wrong("is there more than once"));
    }
    value
        .to_str()
        .map(|text| Some(text.trim()))
        .map_err(|_| wrong("holds more than visible ASCII characters"))
}

/// The kind of a body, without its parameters, in lower case; `application/json` when nobody says.
pub(crate) fn kind(headers: &HeaderMap) -> String {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or("application/json");
    kind.trim().to_ascii_lowercase()
}

/// What makes a request the same when it is made again, 1 to 256 bytes.
pub(crate) fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let Some(key) = header(headers, "idempotency-key")? else { return Ok(None) };
    // The draft of the field wants a string of structured fields, and most clients send bare text: both are read.
    let bare = key.strip_prefix('"').and_then(|key| key.strip_suffix('"')).unwrap_or(key);
    if (1..=256).contains(&bare.len()) {
        return Ok(Some(bare));
    }
    let found = bare.len();
    Err(Problem::invalid(
        "IDEMPOTENCY_KEY",
        format!("`Idempotency-Key` has {found} bytes: expected 1 to 256"),
    ))
}
