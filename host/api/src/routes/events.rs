//! `POST /v1/tenants/{tenant}/events`: events in, and what they caused at once out, all of it durable.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::json;
use siyu_engine::Admission;
use siyu_engine::host::Told;
use siyu_engine::tenant::Admitted;
use siyu_model::access::Scope;
use siyu_model::id::RunId;
use siyu_model::limits::json::DOCUMENT_BYTES_MAX;
use siyu_model::name::{EventType, TenantName};
use tokio::time::Instant;

use super::{Route, batch, cloud, waiting};
use crate::Api;
use crate::body;
use crate::problem::Problem;

/// Bytes of a request with one event: its document and what is around it.
pub(super) const EVENT_BYTES_MAX: usize = DOCUMENT_BYTES_MAX + 4_096;

/// One event; a batch has one a line.
const EVENT: &str = r#"{
    "type": "object",
    "required": ["type"],
    "properties": {
        "specversion": {"const": "1.0"},
        "id": {"type": "string", "minLength": 1, "maxLength": 256},
        "source": {"type": "string", "minLength": 1, "maxLength": 256, "default": "api"},
        "type": {"type": "string"},
        "subject": {"type": "string", "description": "cus_… or an outside name such as shop:42"},
        "time": {"type": "string", "format": "date-time"},
        "data": {"type": "object"}
    }
}"#;

pub(super) fn routes() -> Vec<Route> {
    vec![Route {
        method: "POST",
        path: "/v1/tenants/{tenant}/events",
        scope: Some(Scope::EventsWrite),
        summary: "Hands in one event as JSON or CloudEvents, or a batch as NDJSON.",
        query: &[],
        body: Some(EVENT),
        handler: post(take),
    }]
}

async fn take(
    State(api): State<Arc<Api>>,
    Extension(tenant): Extension<TenantName>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let answer = match body::kind(&headers).as_str() {
        "application/x-ndjson" | "application/jsonl" => batch::take(&api, &tenant, &headers, body).await,
        "application/cloudevents-batch+json" => {
            let detail = "a batch is `application/x-ndjson`: one event a line";
            Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "BODY", detail))
        }
        _ => one(&api, &tenant, &headers, body).await,
    };
    Ok(api.quota.tell(&tenant, Instant::now(), answer))
}

/// Takes room in the tenant's quotas, where it has some.
pub(super) async fn within_quota(api: &Api, tenant: &TenantName, events: usize) -> Result<(), Problem> {
    api.quota.has_storage(tenant, &*api.inspectors).await?;
    api.quota.take(tenant, events, Instant::now())
}

/// Takes an event in, whichever host has the tenant.
///
/// 200: it is in the log; with its place, the runs that it started, and what they answered. 202: it is durable, and the
/// tenant takes it in as soon as a host has it, or a run has not answered within the time that was given. An event is
/// known by its `source` and `id`: handing it in again does nothing, and answers what came of it.
async fn one(api: &Api, tenant: &TenantName, headers: &HeaderMap, body: Body) -> Result<Response, Problem> {
    let key = body::idempotency_key(headers)?;
    let patience = waiting::patience(headers)?;
    let text = body::text(body, EVENT_BYTES_MAX).await?;
    let event = cloud::event(&text, key)?;
    within_quota(api, tenant, 1).await?;
    let said =
        key.map(|_| (event.event_type.clone(), siyu_model::json::print(&event.data).unwrap_or_default()));
    match api.host.admit(tenant, event).await? {
        Told::Done(Admitted::Recorded { mut admission, mut responses }) => {
            if admission.is_duplicate {
                repeated(api, tenant, &mut admission, said.as_ref()).await?;
            }
            let mut status = StatusCode::OK;
            if patience.is_some() || admission.is_duplicate {
                let runs = admission.started.iter().copied();
                let wait = patience.unwrap_or_default();
                let late = waiting::responses(api, tenant, runs, wait, &mut responses).await?;
                if patience.is_some() && !late.is_empty() {
                    status = StatusCode::ACCEPTED;
                }
            }
            let answer = Json(json!({
                "seq": admission.seq,
                "is_duplicate": admission.is_duplicate,
                "customer": admission.customer,
                "started": admission.started,
                "responses": responses,
            }));
            let mut response = (status, answer).into_response();
            if admission.is_duplicate {
                response.headers_mut().insert("idempotency-replayed", HeaderValue::from_static("true"));
            }
            Ok(response)
        }
        Told::Done(Admitted::Refused(why)) => {
            Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "EVENT_REFUSED", why.to_string()))
        }
        Told::Kept(letter) => Ok((StatusCode::ACCEPTED, Json(json!({ "letter": letter }))).into_response()),
    }
}

/// What an event led to that was recorded before, so that whoever lost the first answer gets it now. A key stands for one
/// content, which is given when there is a key: another one under it is refused.
async fn repeated(
    api: &Api,
    tenant: &TenantName,
    admission: &mut Admission,
    keyed: Option<&(EventType, String)>,
) -> Result<(), Problem> {
    let inspect = super::query::inspect(api, tenant).await?;
    // What retention took away is only known as recorded.
    let Some(row) = inspect.event(admission.seq).await? else { return Ok(()) };
    if keyed.is_some_and(|(event_type, data)| row.event_type != *event_type || *row.data != **data) {
        let seq = admission.seq.0;
        let detail = format!("this key stands for event {seq}, which has another type or other data");
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "IDEMPOTENCY_KEY", detail));
    }
    /// What an event's row says of it.
    #[derive(Default, Deserialize)]
    struct Outcome {
        #[serde(default)]
        started: BTreeMap<String, RunId>,
    }
    let outcome: Outcome = serde_json::from_str(&row.outcome).unwrap_or_default();
    admission.customer = row.customer;
    admission.started = outcome.started.into_values().collect();
    Ok(())
}
