//! `POST /v1/tenants/{tenant}/events`: one event in, and what it caused at once out, all of it durable.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::StringRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use siyu_engine::host::{Host, Told};
use siyu_engine::tenant::Admitted;
use siyu_model::event::IncomingEvent;
use siyu_model::name::TenantName;

use crate::problem::Problem;

/// Takes an event in, whichever host has the tenant.
///
/// 200: it is in the log; with its place, the runs that it started, and what they answered. 202: it is durable, and the
/// tenant takes it in as soon as a host has it. An event is known by its `source` and `id`: handing it in again does
/// nothing and says so.
pub(crate) async fn admit(
    State(host): State<Arc<Host>>,
    Path(tenant): Path<String>,
    body: Result<String, StringRejection>,
) -> Result<Response, Problem> {
    let body = body.map_err(|why| Problem::new(why.status(), "BODY", why.body_text()))?;
    // A name that nobody can have is nobody's.
    let tenant: TenantName = tenant
        .parse()
        .map_err(|_| Problem::new(StatusCode::NOT_FOUND, "NO_TENANT", "there is no such tenant"))?;
    let event = IncomingEvent::from_json(&body).map_err(|why| Problem::invalid("EVENT", why.to_string()))?;
    match host.admit(&tenant, event).await? {
        Told::Done(Admitted::Recorded { admission, responses }) => Ok(Json(json!({
            "seq": admission.seq,
            "is_duplicate": admission.is_duplicate,
            "customer": admission.customer,
            "started": admission.started,
            "responses": responses,
        }))
        .into_response()),
        Told::Done(Admitted::Refused(why)) => {
            Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "EVENT_REFUSED", why.to_string()))
        }
        Told::Kept(letter) => Ok((StatusCode::ACCEPTED, Json(json!({ "letter": letter }))).into_response()),
    }
}
