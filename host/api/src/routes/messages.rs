//! Messages: where they stand, why, what somebody found out about those of which nobody knew, and those that go once more.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::{Value, json};
use siyu_engine::host::Told;
use siyu_engine::operate::Fate;
use siyu_engine::ports::inspect::MessageFilter;
use siyu_model::access::Scope;
use siyu_model::id::MessageId;
use siyu_model::limits::http::BODY_BYTES_MAX;
use siyu_model::name::TenantName;

use super::Route;
use super::query::{self, List};
use crate::Api;
use crate::body;
use crate::door::Caller;
use crate::problem::Problem;

/// By what messages are found.
const WHICH: &[&str] = &[
    "status",
    "is_uncertain",
    "channel",
    "customer",
    "playbook",
    "from",
    "until",
    "page_size",
    "page_token",
];

/// What somebody found out.
const FATE: &str = r#"{"type": "object", "additionalProperties": false, "required": ["was_sent"], "properties": {"was_sent": {"type": "boolean"}}}"#;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route {
            method: "GET",
            path: "/v1/tenants/{tenant}/messages",
            scope: Some(Scope::RunsRead),
            summary: "Messages, newest first.",
            query: WHICH,
            body: None,
            handler: get(list),
        },
        Route {
            method: "POST",
            path: "/v1/tenants/{tenant}/messages/{message}/settle",
            scope: Some(Scope::RunsWrite),
            summary: "Says what became of a message that is uncertain: it was sent, or it goes again.",
            query: &[],
            body: Some(FATE),
            handler: post(settle),
        },
        Route {
            method: "POST",
            path: "/v1/tenants/{tenant}/messages/{message}/redeliver",
            scope: Some(Scope::RunsWrite),
            summary: "Has a message that failed or expired go once more, under the same id and with the time that its template gives.",
            query: &[],
            body: None,
            handler: post(redeliver),
        },
    ]
}

/// Which messages.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Which {
    status: Option<String>,
    is_uncertain: Option<String>,
    channel: Option<String>,
    customer: Option<String>,
    playbook: Option<String>,
    from: Option<String>,
    until: Option<String>,
    page_size: Option<usize>,
    page_token: Option<String>,
}

type Asked<T> = Result<Query<T>, axum::extract::rejection::QueryRejection>;

async fn list(
    State(api): State<Arc<Api>>,
    Extension(tenant): Extension<TenantName>,
    which: Asked<Which>,
) -> Result<Json<Value>, Problem> {
    let Query(which) = which.map_err(|why| Problem::invalid("QUERY", why.body_text()))?;
    let (inspect, frame) = query::framed(&api, &tenant, which.playbook.as_deref()).await?;
    let filter = [
        &which.status,
        &which.is_uncertain,
        &which.channel,
        &which.customer,
        &which.playbook,
        &which.from,
        &which.until,
    ];
    let list = List { tenant: &tenant, name: "messages", filter: filter.map(Option::as_deref).to_vec() };
    let turn = list.turn(which.page_size, which.page_token.as_deref())?;
    let is_uncertain =
        which.is_uncertain.as_deref().map(|text| query::parsed("is_uncertain", text)).transpose()?;
    let is_uncertain: bool = is_uncertain.unwrap_or(false);
    if is_uncertain && which.status.is_some() {
        let detail = "`status` and `is_uncertain=true`: expected one of them; what is uncertain is planned";
        return Err(Problem::invalid("QUERY", detail));
    }
    let filter = MessageFilter {
        status: which.status.as_deref().map(|text| query::parsed("status", text)).transpose()?,
        channel: which.channel.as_deref().map(|text| query::parsed("channel", text)).transpose()?,
        customer: match query::customer(&*inspect, which.customer.as_deref()).await? {
            Some(customer) => customer,
            None => return Ok(Json(json!({ "messages": [], "next_page_token": "" }))),
        },
        planned: query::span(&frame, which.from.as_deref(), which.until.as_deref())?,
    };
    let page = siyu_insight::messages(&*inspect, &frame, (filter, is_uncertain), turn).await?;
    Ok(Json(json!({ "messages": page.messages, "next_page_token": list.next(page.next) })))
}

/// What somebody found out.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Found {
    was_sent: bool,
}

async fn settle(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    Extension(tenant): Extension<TenantName>,
    Path((_, message)): Path<(String, String)>,
    body: Body,
) -> Result<Response, Problem> {
    let found: Found = body::json(body, BODY_BYTES_MAX).await?;
    let noted = match found.was_sent {
        true => (Fate::Sent, "messages.settle", "it was sent"),
        false => (Fate::NotSent, "messages.settle", "it was not sent"),
    };
    say(&api, (&caller, &tenant), &message, noted).await
}

async fn redeliver(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    Extension(tenant): Extension<TenantName>,
    Path((_, message)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let noted = (Fate::Again, "messages.redeliver", "it goes once more");
    say(&api, (&caller, &tenant), &message, noted).await
}

/// Says something of a message, notes it, and gives the status that the message has then.
async fn say(
    api: &Api,
    (caller, tenant): (&Caller, &TenantName),
    message: &str,
    (fate, action, detail): (Fate, &'static str, &str),
) -> Result<Response, Problem> {
    // A text that no message can have is nobody's.
    let message: MessageId = message.parse().map_err(|_| no_message())?;
    let subject = message.to_string();
    let asked = api.door.asked(caller, tenant, (action, &subject), detail).await?;
    let done = api.host.settle_message(tenant, message, fate).await;
    let done = done.map_err(|fault| Problem::of_host(fault, no_message));
    match asked.told(done).await? {
        Told::Done(status) => Ok(Json(json!({ "message": message, "status": status })).into_response()),
        Told::Kept(letter) => Ok((StatusCode::ACCEPTED, Json(json!({ "letter": letter }))).into_response()),
    }
}

fn no_message() -> Problem {
    Problem::missing("NO_MESSAGE", "there is no such message")
}
