//! Starting manual workflows. A start under a key happens once, however often it is asked for.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::json;
use siyu_engine::host::Told;
use siyu_engine::operate::{ManualStart, ManuallyStarted};
use siyu_model::access::Scope;
use siyu_model::event::Subject;
use siyu_model::json::Value;
use siyu_model::name::TenantName;

use super::events::{EVENT_BYTES_MAX, within_quota};
use super::{Route, waiting};
use crate::Api;
use crate::body;
use crate::door::Caller;
use crate::problem::Problem;

/// What a start may be told.
const START: &str = r#"{
    "type": "object",
    "additionalProperties": false,
    "properties": {"customer": {"type": "string"}, "data": {"type": "object"}}
}"#;

pub(super) fn routes() -> Vec<Route> {
    vec![Route {
        method: "POST",
        path: "/v1/tenants/{tenant}/playbooks/{playbook}/workflows/{workflow}/start",
        scope: Some(Scope::EventsWrite),
        summary: "Starts a manual workflow, for a customer or for its audience.",
        query: &[],
        body: Some(START),
        handler: post(start),
    }]
}

/// What is started with.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct With {
    customer: Option<Subject>,
    data: Option<Value>,
}

/// 200: it runs, with what it answered when the caller waits. 202: it has not answered within the time that was given, or
/// the host that has the tenant has not.
async fn start(
    State(api): State<Arc<Api>>,
    (Extension(caller), Extension(tenant)): (Extension<Caller>, Extension<TenantName>),
    Path((_, playbook, workflow)): Path<(String, String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let none = || Problem::missing("NO_WORKFLOW", "there is no such workflow");
    let id = body::idempotency_key(&headers)?.map(str::to_owned);
    let patience = waiting::patience(&headers)?;
    let with: With = body::json(body, EVENT_BYTES_MAX).await?;
    let start = ManualStart {
        playbook: playbook.parse().map_err(|_| none())?,
        workflow: workflow.parse().map_err(|_| none())?,
        customer: with.customer,
        data: with.data.unwrap_or_else(|| Value::Map(Default::default())),
        id,
        by: caller.actor.to_string(),
    };
    within_quota(&api, &tenant, 1).await?;
    let subject = format!("{playbook}/{workflow}");
    let asked = api.door.asked(&caller, &tenant, ("workflows.start", &subject), "").await?;
    let done = api.host.start_run(&tenant, start).await.map_err(Problem::from);
    let run = match asked.told(done).await? {
        Told::Done(ManuallyStarted::Run(run)) => run,
        Told::Done(ManuallyStarted::Audience(scan)) => {
            return Ok(Json(json!({ "audience": scan })).into_response());
        }
        Told::Kept(letter) => {
            return Ok((StatusCode::ACCEPTED, Json(json!({ "letter": letter }))).into_response());
        }
    };
    let Some(patience) = patience else { return Ok(Json(json!({ "run": run })).into_response()) };
    let mut responses = Default::default();
    let late = waiting::responses(&api, &tenant, std::iter::once(run), patience, &mut responses).await?;
    let status = if late.is_empty() { StatusCode::OK } else { StatusCode::ACCEPTED };
    Ok((status, Json(json!({ "run": run, "response": responses.remove(&run) }))).into_response())
}
