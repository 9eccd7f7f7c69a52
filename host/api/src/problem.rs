//! What went wrong, as `application/problem+json` (RFC 9457) with a stable code.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use siyu_engine::host::HostError;
use siyu_engine::ports::inspect::InspectError;
use siyu_engine::ports::store::StoreError;
use siyu_engine::tenant::Unavailable;
use siyu_insight::InsightError;

/// Seconds after which whoever was refused may try again.
const RETRY_AFTER_S: u64 = 1;

/// A refusal: what was found, what was expected, where.
#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    /// Seconds after which it may be asked again.
    after_s: u64,
    /// More about it, as an object.
    more: Option<Box<Value>>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), after_s: RETRY_AFTER_S, more: None }
    }

    /// The same with more about it: the members of an object (RFC 9457, 3.2).
    pub(crate) fn with(self, more: Value) -> Self {
        Self { more: Some(Box::new(more)), ..self }
    }

    /// The same that may be asked again after so many seconds.
    pub(crate) fn after(self, after_s: u64) -> Self {
        Self { after_s, ..self }
    }

    /// Seconds after which it may be asked again.
    #[cfg(test)]
    pub(crate) fn after_s(&self) -> u64 {
        self.after_s
    }

    /// Something that the request holds is not as it must be.
    pub(crate) fn invalid(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// Nobody knows who asks.
    pub(crate) fn unknown(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, code, detail)
    }

    /// What is asked for is not there.
    pub(crate) fn missing(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, detail)
    }

    /// The tenant is not there, or out of reach.
    pub(crate) fn no_tenant() -> Self {
        Self::missing("NO_TENANT", "there is no such tenant")
    }

    /// It cannot be done now, and may be asked again.
    pub(crate) fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", detail)
    }

    /// Its status.
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// What it says.
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    /// Whether it is certain that nothing happened.
    pub(crate) fn is_refusal(&self) -> bool {
        self.status.is_client_error()
    }

    /// As a line of an answer to several requests.
    pub(crate) fn line(&self, line: usize) -> Value {
        json!({ "line": line, "status": self.status.as_u16(), "code": self.code, "detail": self.detail })
    }
}

impl Problem {
    /// What a host said, where what it is about, if it is not there, is told by this.
    pub(crate) fn of_host(fault: HostError, missing: impl FnOnce() -> Self) -> Self {
        match fault {
            HostError::Missing(_) => missing(),
            fault => fault.into(),
        }
    }
}

impl From<HostError> for Problem {
    fn from(fault: HostError) -> Self {
        let (status, code) = match &fault {
            HostError::NoTenant(_) => (StatusCode::NOT_FOUND, "NO_TENANT"),
            HostError::Overtaken { .. } => (StatusCode::PRECONDITION_FAILED, "VERSION"),
            HostError::Missing(_) => (StatusCode::NOT_FOUND, "NOT_THERE"),
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
            (HostError::NoTenant(_), _) => return Self::no_tenant(),
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

impl From<InspectError> for Problem {
    fn from(fault: InspectError) -> Self {
        match fault {
            InspectError::Cursor { .. } => Self::invalid("PAGE_TOKEN", fault.to_string()),
            InspectError::Store(fault) => {
                tracing::warn!(%fault, "a tenant could not be read");
                Self::unavailable("the tenant cannot be read now: try again in a moment")
            }
        }
    }
}

impl From<InsightError> for Problem {
    fn from(fault: InsightError) -> Self {
        match fault {
            InsightError::Inspect(fault) => fault.into(),
            InsightError::Zones { .. } => {
                Self::invalid("ZONES", format!("{fault}; name a playbook with `playbook=`"))
            }
            InsightError::UnknownPlaybook { .. } => Self::missing("NO_PLAYBOOK", fault.to_string()),
            fault => {
                tracing::error!(%fault, "a tenant cannot be understood");
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "BROKEN", "what is stored cannot be understood")
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut body = json!({
            "type": "about:blank",
            "title": self.status.canonical_reason().unwrap_or("Error"),
            "status": self.status.as_u16(),
            "code": self.code,
            "detail": self.detail,
        });
        if let (Some(members), Some(Value::Object(more))) =
            (body.as_object_mut(), self.more.map(|more| *more))
        {
            members.extend(more);
        }
        let mut response = (self.status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        let may_ask_again = [
            StatusCode::TOO_MANY_REQUESTS,
            StatusCode::SERVICE_UNAVAILABLE,
            StatusCode::INSUFFICIENT_STORAGE,
        ];
        if may_ask_again.contains(&self.status) {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(self.after_s));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"siyu\""));
        }
        response
    }
}

/// A path that leads nowhere.
pub(crate) async fn no_route() -> Problem {
    Problem::missing("NO_ROUTE", "there is nothing at this path")
}

/// A path that does not take this method.
pub(crate) async fn no_method() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "NO_METHOD", "this path takes other methods: see `Allow`")
}
