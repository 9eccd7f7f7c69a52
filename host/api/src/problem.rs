//! What went wrong, as `application/problem+json` (RFC 9457) with a stable code.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use siyu_engine::host::HostError;
use siyu_engine::ports::store::StoreError;
use siyu_engine::tenant::Unavailable;

/// Seconds after which whoever was refused may try again.
const RETRY_AFTER_S: u64 = 1;

/// A refusal: what was found, what was expected, where.
#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into() }
    }

    /// Something that the request holds is not as it must be.
    pub(crate) fn invalid(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }
}

impl From<HostError> for Problem {
    fn from(fault: HostError) -> Self {
        let (status, code) = match &fault {
            HostError::NoTenant(_) => (StatusCode::NOT_FOUND, "NO_TENANT"),
            HostError::Refused(_) => (StatusCode::UNPROCESSABLE_ENTITY, "REFUSED"),
            HostError::Unavailable(Unavailable::Busy) => (StatusCode::TOO_MANY_REQUESTS, "BUSY"),
            HostError::Stopping | HostError::Unavailable(Unavailable::Stopped) => {
                (StatusCode::SERVICE_UNAVAILABLE, "STOPPING")
            }
            HostError::Store(StoreError::Closed { is_gone: true, .. }) => (StatusCode::NOT_FOUND, "MOVED"),
            HostError::Store(StoreError::Closed { .. }) => (StatusCode::SERVICE_UNAVAILABLE, "MOVING"),
            HostError::Unheard => (StatusCode::SERVICE_UNAVAILABLE, "CUT_OFF"),
            // The request can be made again: what was done is known by its id.
            HostError::Elsewhere(_)
            | HostError::Late
            | HostError::Unavailable(Unavailable::Failed(_))
            | HostError::Store(_) => (StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE"),
        };
        if status == StatusCode::SERVICE_UNAVAILABLE {
            tracing::warn!(%fault, "a request could not be served");
        }
        let detail = match (&fault, code) {
            // What a database says is for whoever runs the host.
            (_, "UNAVAILABLE") => {
                "the tenant cannot make it durable now: hand it in again with the same id".to_owned()
            }
            (HostError::NoTenant(_), _) => "there is no such tenant".to_owned(),
            // Where to is for whoever runs the host, who moved it.
            (_, "MOVED") => "the tenant was moved to another place, and takes nothing in here".to_owned(),
            (_, "MOVING") => {
                "the tenant is being moved: hand it in again, with the same id, where the tenant is then".to_owned()
            }
            (_, "CUT_OFF") => {
                "this host does not reach the database that it shares with others: hand it in again with the same \
                 id, at another host or later"
                    .to_owned()
            }
            _ => fault.to_string(),
        };
        Self::new(status, code, detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = json!({
            "type": "about:blank",
            "title": self.status.canonical_reason().unwrap_or("Error"),
            "status": self.status.as_u16(),
            "code": self.code,
            "detail": self.detail,
        });
        let mut response = (self.status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if matches!(self.status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_S));
        }
        response
    }
}

/// A path that leads nowhere.
pub(crate) async fn no_route() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "NO_ROUTE", "there is nothing at this path")
}
