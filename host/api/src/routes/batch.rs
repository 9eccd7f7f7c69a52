//! A batch of events: one a line, each with an answer of its own, in their order.
//!
//! A batch is no transaction: events that were recorded stay so whatever becomes of the others. Whoever gets no answer, or
//! an answer that says to try again, hands the whole batch in again: what was recorded is known by its id.

use std::fmt::Write as _;

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use futures_util::stream;
use serde_json::{Value, json};
use siyu_engine::host::Told;
use siyu_engine::tenant::Admitted;
use siyu_model::limits::http::{BATCH_AT_ONCE, BATCH_BYTES_MAX, BATCH_EVENTS_MAX};
use siyu_model::name::TenantName;

use super::cloud;
use super::events::within_quota;
use crate::Api;
use crate::body;
use crate::problem::Problem;

/// Takes all events of a body in. The status is that of the worst line: 200 when all are recorded, 207 when some are not and never
/// will be, 429 and 503 when the batch is to be handed in again.
pub(super) async fn take(
    api: &Api,
    tenant: &TenantName,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    if body::idempotency_key(headers)?.is_some() {
        let detail = "every event of a batch has an id of its own: expected no `Idempotency-Key`";
        return Err(Problem::invalid("IDEMPOTENCY_KEY", detail));
    }
    let text = body::text(body, BATCH_BYTES_MAX).await?;
    let lines: Vec<(usize, &str)> =
        text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).collect();
    if lines.len() > BATCH_EVENTS_MAX {
        let detail = format!("{} events: expected at most {BATCH_EVENTS_MAX} in one batch", lines.len());
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "BATCH", detail));
    }
    within_quota(api, tenant, lines.len()).await?;
    // They are begun in their order, so a tenant takes them in in their order.
    let mut wishes = Vec::with_capacity(lines.len());
    for (at, line) in lines {
        wishes.push(line_of(api, tenant, at + 1, line));
    }
    let answers: Vec<(StatusCode, Value)> = stream::iter(wishes).buffered(BATCH_AT_ONCE).collect().await;
    Ok(answered(&answers))
}

async fn line_of(api: &Api, tenant: &TenantName, at: usize, line: &str) -> (StatusCode, Value) {
    match one(api, tenant, line).await {
        Ok((status, mut answer)) => {
            answer["line"] = at.into();
            answer["status"] = status.as_u16().into();
            (status, answer)
        }
        Err(problem) => (problem.status(), problem.line(at)),
    }
}

async fn one(api: &Api, tenant: &TenantName, line: &str) -> Result<(StatusCode, Value), Problem> {
    let event = cloud::event(line, None)?;
    match api.host.admit(tenant, event).await? {
        Told::Done(Admitted::Recorded { admission, .. }) => {
            let answer = json!({ "seq": admission.seq, "is_duplicate": admission.is_duplicate });
            Ok((StatusCode::OK, answer))
        }
        Told::Done(Admitted::Refused(why)) => {
            Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "EVENT_REFUSED", why.to_string()))
        }
        Told::Kept(letter) => Ok((StatusCode::ACCEPTED, json!({ "letter": letter }))),
    }
}

fn answered(answers: &[(StatusCode, Value)]) -> Response {
    let has = |status: StatusCode| answers.iter().any(|(found, _)| *found == status);
    let status = if has(StatusCode::SERVICE_UNAVAILABLE) {
        StatusCode::SERVICE_UNAVAILABLE
    } else if has(StatusCode::TOO_MANY_REQUESTS) {
        StatusCode::TOO_MANY_REQUESTS
    } else if answers.iter().any(|(status, _)| !status.is_success()) {
        StatusCode::MULTI_STATUS
    } else {
        StatusCode::OK
    };
    let mut text = String::new();
    for (_, answer) in answers {
        // Text takes whatever is written to it.
        let _ = writeln!(text, "{answer}");
    }
    let mut response = (status, [(header::CONTENT_TYPE, "application/x-ndjson")], text).into_response();
    if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
        response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("1"));
    }
    response
}
