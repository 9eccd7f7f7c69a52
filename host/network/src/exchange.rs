//! One request and its answer over one connection, which ends with it.

use std::pin::pin;

use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Bytes, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use siyu_engine::ports::network::{Header, Response, SendError, SendErrorCode};
use siyu_model::limits::network::{HEADER_BYTES_MAX, HEADERS_MAX, RESPONSE_BYTES_MAX};
use siyu_model::plugin::Origin;

use crate::connect::Stream;

/// Bytes of a head, and of what is read at once.
const BUFFER_BYTES: usize = 2 * HEADER_BYTES_MAX;

/// Sends a request and reads the whole answer.
pub(crate) async fn exchange(
    origin: &Origin,
    stream: Box<dyn Stream>,
    request: hyper::Request<Full<Bytes>>,
) -> Result<Response, SendError> {
    let failed = |fault: hyper::Error| {
        let code =
            if fault.is_parse_too_large() { SendErrorCode::TooLarge } else { SendErrorCode::Unreachable };
        SendError::after(code, format!("{origin}: the exchange broke: {fault}"))
    };
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(BUFFER_BYTES)
        .max_headers(HEADERS_MAX)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(failed)?;
    let answer = async move {
        let (head, body) = sender.send_request(request).await.map_err(failed)?.into_parts();
        let headers = fields(origin, &head.headers)?;
        let body = whole(origin, body).await?;
        Ok(Response { status: head.status.as_u16(), headers, body })
    };
    let (mut answer, mut connection) = (pin!(answer), pin!(connection));
    tokio::select! {
        biased;
        answer = &mut answer => answer,
        // What came before the connection ended is still there.
        _ended = &mut connection => answer.await,
    }
}

fn fields(origin: &Origin, found: &hyper::HeaderMap) -> Result<Vec<Header>, SendError> {
    let bytes: usize = found.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if bytes > HEADER_BYTES_MAX {
        let message =
            format!("{origin}: the answer's head has {bytes} bytes, at most {HEADER_BYTES_MAX} are read");
        return Err(SendError::after(SendErrorCode::TooLarge, message));
    }
    let header = |(name, value): (&hyper::header::HeaderName, &hyper::header::HeaderValue)| Header {
        name: name.as_str().to_owned(),
        value: String::from_utf8_lossy(value.as_bytes()).into_owned(),
    };
    Ok(found.iter().map(header).collect())
}

async fn whole(origin: &Origin, mut body: Incoming) -> Result<Vec<u8>, SendError> {
    let too_large = || {
        let message =
            format!("{origin}: the answer has more than the {RESPONSE_BYTES_MAX} bytes that are read");
        SendError::after(SendErrorCode::TooLarge, message)
    };
    if body.size_hint().lower() > RESPONSE_BYTES_MAX as u64 {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|fault| {
            SendError::after(SendErrorCode::Unreachable, format!("{origin}: the answer broke off: {fault}"))
        })?;
        // Trailers are of no use to anybody.
        if let Ok(part) = frame.into_data() {
            if bytes.len() + part.len() > RESPONSE_BYTES_MAX {
                return Err(too_large());
            }
            bytes.extend_from_slice(&part);
        }
    }
    Ok(bytes)
}
