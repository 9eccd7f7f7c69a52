//! `POST|GET /v1/hooks/{tenant}/{source}`: webhooks in. Nobody shows a token here: the source's plugin knows whether a request
//! is what it says.
//!
//! A request is answered once its events are durable. A sender whose request is not taken is told no more than that, and
//! not whether a tenant or a source is there.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use siyu_engine::hooks::{HookFault, Hooks, Turn};
use siyu_engine::ports::hooks::{Hook, HookRefusal, Room};
use siyu_model::limits::hooks::BODY_BYTES_MAX;
use siyu_model::name::{SourceName, TenantName};
use tokio::time::Instant;

use super::Route;
use super::events::within_quota;
use crate::Api;
use crate::body;
use crate::problem::Problem;

const PATH: &str = "/v1/hooks/{tenant}/{source}";

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route {
            method: "POST",
            path: PATH,
            scope: None,
            summary: "Takes a webhook in; its source's plugin verifies it.",
            query: &[],
            body: None,
            handler: post(take),
        },
        Route {
            method: "GET",
            path: PATH,
            scope: None,
            summary: "Answers a sender that asks whether this URL is right.",
            query: &[],
            body: None,
            handler: get(take),
        },
    ]
}

async fn take(
    State(api): State<Arc<Api>>,
    Path((tenant, source)): Path<(String, String)>,
    head: Head,
    body: Body,
) -> Result<Response, Problem> {
    let hooks = api.hooks.as_deref().ok_or_else(no_source)?;
    // A name that nobody can have is nobody's.
    let tenant: TenantName = tenant.parse().map_err(|_| no_source())?;
    let source: SourceName = source.parse().map_err(|_| no_source())?;
    let turn = hooks.turn(&tenant, &source).map_err(|fault| told((&tenant, &source), fault))?;
    let within = Within { api: &api, refused: Mutex::default() };
    let heard = hear((hooks, &within), &turn, (head, body)).await?;
    heard.map_err(|fault| within.refused().unwrap_or_else(|| told((&tenant, &source), fault)))
}

/// The quotas of a tenant, and what its sender is told when they are used up.
struct Within<'a> {
    api: &'a Api,
    refused: Mutex<Option<Problem>>,
}

impl Within<'_> {
    fn refused(&self) -> Option<Problem> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

#[async_trait]
impl Room for Within<'_> {
    async fn take(&self, tenant: &TenantName, events: usize) -> bool {
        let taken = within_quota(self.api, tenant, events).await;
        let has_room = taken.is_ok();
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = taken.err();
        has_room
    }
}

/// What stands before the body.
type Head = (Method, Result<Query<Vec<(String, String)>>, QueryRejection>, HeaderMap);

async fn hear(
    (hooks, room): (&Hooks, &dyn Room),
    turn: &Turn,
    ((method, query, headers), body): (Head, Body),
) -> Result<Result<Response, HookFault>, Problem> {
    let Query(query) = query.map_err(|_| Problem::invalid("QUERY", "the query cannot be decoded"))?;
    let left = turn.until().saturating_duration_since(Instant::now());
    let body = body::bytes(body, BODY_BYTES_MAX, left).await?;
    let hook = Hook {
        method: method.to_string(),
        query,
        headers: fields(&headers)?,
        body,
        received_at: hooks.clock().now(),
    };
    Ok(hooks.hear(turn, hook, room).await.map(|accepted| {
        let status = StatusCode::from_u16(accepted.status).unwrap_or(StatusCode::OK);
        let mut response = (status, accepted.body).into_response();
        if let Ok(kind) = HeaderValue::from_str(&accepted.content_type) {
            response.headers_mut().insert(header::CONTENT_TYPE, kind);
        }
        response
    }))
}

/// All fields of the head, in their order, each as often as it is there.
fn fields(headers: &HeaderMap) -> Result<Vec<(String, String)>, Problem> {
    let text = |(name, value): (&header::HeaderName, &HeaderValue)| {
        let value = str::from_utf8(value.as_bytes()).ok()?;
        Some((name.as_str().to_owned(), value.to_owned()))
    };
    let fields: Option<Vec<_>> = headers.iter().map(text).collect();
    fields.ok_or_else(|| Problem::invalid("HEADER", "a field of the head is no text: expected UTF-8"))
}

/// The same bytes for every name.
fn no_source() -> Problem {
    Problem::missing("NO_SOURCE", "there is no such source")
}

/// What the sender is told, and what whoever runs the host reads in the log.
fn told((tenant, source): (&TenantName, &SourceName), fault: HookFault) -> Problem {
    match fault {
        HookFault::Unknown => no_source(),
        HookFault::Refused(why) => {
            tracing::info!(%tenant, %source, %why, "a webhook was not taken");
            match why {
                HookRefusal::Unverified(_) => {
                    Problem::unknown("UNVERIFIED", "the request is not signed as this source expects")
                }
                HookRefusal::Stale(_) => Problem::unknown(
                    "STALE",
                    "the request is too old or of the future: sign it again and send it now",
                ),
                HookRefusal::Malformed(_) => {
                    Problem::invalid("MALFORMED", "the request holds something else than this source expects")
                }
            }
        }
        HookFault::Busy => Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "BUSY",
            "more requests are under way than may be: send it again in a moment",
        ),
        // Within says more.
        HookFault::NoRoom => {
            Problem::new(StatusCode::TOO_MANY_REQUESTS, "QUOTA", "the tenant has no room for more events now")
        }
        HookFault::Late => {
            tracing::warn!(%tenant, %source, "a webhook took too long");
            Problem::unavailable("it took too long: send it again")
        }
        HookFault::EventRefused(why) => {
            tracing::warn!(%tenant, %source, %why, "an event of a webhook was refused");
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "EVENT_REFUSED", why)
        }
        HookFault::Plugin(fault) => {
            tracing::error!(%tenant, %source, %fault, "the plugin of a source failed");
            Problem::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "SOURCE_FAILED",
                "the source failed: send it again later",
            )
        }
        HookFault::Secrets(fault) => {
            tracing::error!(%tenant, %source, %fault, "the secrets of a source cannot be used");
            Problem::unavailable("the source is not ready: send it again later")
        }
        // Whoever asks for a tenant that is not there is told the same as for a source that is not there.
        HookFault::Host(siyu_engine::host::HostError::NoTenant(_)) => no_source(),
        HookFault::Host(fault) => fault.into(),
    }
}
