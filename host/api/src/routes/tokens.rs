//! Tokens: listed, made and revoked by those whose own token gives as much; and the notes of what was changed.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::{Value, json};
use siyu_engine::ports::access::{NewToken, NoteRow, TokenRow};
use siyu_model::access::{Grant, Reach, Role, Scope};
use siyu_model::id::TokenId;
use siyu_model::limits::access::DAYS;
use siyu_model::limits::http::{BODY_BYTES_MAX, PAGE_ROWS};
use siyu_model::limits::inspect::PAGE_ROWS_MAX;

use super::Route;
use crate::Api;
use crate::body;
use crate::door::Caller;
use crate::problem::Problem;

/// What a new token is to be.
const WISH: &str = r#"{
    "type": "object",
    "additionalProperties": false,
    "required": ["name", "role"],
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 128},
        "role": {"enum": ["host-admin", "agency", "operator", "integrator", "viewer"]},
        "tenants": {
            "type": "string",
            "description": "Names with commas between them, or * for all; those of the maker when absent."
        },
        "scopes": {"type": "array", "minItems": 1, "items": {"type": "string"}, "description": "Only these of the role; all of it when absent."},
        "days": {"type": "integer", "minimum": 1, "maximum": 3650, "default": 90}
    }
}"#;

pub(super) fn routes() -> Vec<Route> {
    let route = |method, path, scope, summary, handler| Route {
        method,
        path,
        scope: Some(scope),
        summary,
        query: &[],
        body: None,
        handler,
    };
    vec![
        route(
            "GET",
            "/v1/tokens",
            Scope::TokensAdmin,
            "Tokens that give no more than the one that asks, those that are over too.",
            get(list),
        ),
        Route {
            body: Some(WISH),
            ..route(
                "POST",
                "/v1/tokens",
                Scope::TokensAdmin,
                "Makes a token, which gives at most what its maker's gives, and shows it once.",
                post(create),
            )
        },
        route(
            "DELETE",
            "/v1/tokens/{token}",
            Scope::TokensAdmin,
            "Revokes a token: hosts refuse it within a second.",
            delete(revoke),
        ),
        Route {
            query: &["page_size", "page_token"],
            ..route(
                "GET",
                "/v1/audit",
                Scope::AuditRead,
                "Who changed what in the tenants that the token reaches, newest first.",
                get(audit),
            )
        },
    ]
}

fn document(api: &Api, row: &TokenRow) -> Value {
    json!({
        "id": row.id,
        "name": row.name,
        "role": row.grant.role,
        "scopes": row.grant.scopes().collect::<Vec<_>>(),
        "tenants": row.grant.reach,
        "state": api.door.state(row),
        "made_at": row.made_at.to_string(),
        "made_by": row.made_by,
        "expires_at": row.expires_at.to_string(),
        "revoked_at": row.revoked_at.map(|at| at.to_string()),
        "used_at": row.used_at.map(|at| at.to_string()),
    })
}

/// All of them: there are at most 10,000 that are valid, and those that are over go after a while.
async fn list(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Value>, Problem> {
    let rows = api.door.tokens(&caller).await?;
    Ok(Json(json!({ "tokens": rows.iter().map(|row| document(&api, row)).collect::<Vec<_>>() })))
}

/// What somebody wants.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    name: String,
    role: String,
    tenants: Option<String>,
    scopes: Option<Vec<String>>,
    days: Option<u32>,
}

async fn create(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    body: Body,
) -> Result<Response, Problem> {
    let wish: Wish = body::json(body, BODY_BYTES_MAX).await?;
    let wrong = |why: &dyn std::fmt::Display| Problem::invalid("TOKEN_WISH", why.to_string());
    let role: Role = wish.role.parse().map_err(|why| wrong(&why))?;
    let reach = match &wish.tenants {
        Some(text) => text.parse::<Reach>().map_err(|why| wrong(&why))?,
        None => caller.grant.reach.clone(),
    };
    let parsed =
        |scopes: Vec<String>| scopes.iter().map(|text| text.parse()).collect::<Result<Vec<Scope>, _>>();
    let only = wish.scopes.map(parsed).transpose().map_err(|why| wrong(&why))?;
    let new = NewToken {
        name: wish.name,
        grant: Grant { role, only, reach },
        days: wish.days.unwrap_or(DAYS),
        made_by: caller.actor.to_string(),
    };
    let (token, row) = api.door.issue(&caller, new).await?;
    let mut answer = document(&api, &row);
    answer["token"] = token.expose().into();
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}

async fn revoke(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    Path(token): Path<String>,
) -> Result<StatusCode, Problem> {
    let id: TokenId = token.parse().map_err(|_| Problem::missing("NO_TOKEN", "there is no such token"))?;
    api.door.revoke(&caller, id).await.map(|()| StatusCode::NO_CONTENT)
}

/// Which part of the notes.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Which {
    page_size: Option<usize>,
    page_token: Option<String>,
}

async fn audit(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    which: Result<Query<Which>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<Value>, Problem> {
    let Query(which) = which.map_err(|why| Problem::invalid("QUERY", why.body_text()))?;
    let limit = which.page_size.unwrap_or(PAGE_ROWS);
    if !(1..=PAGE_ROWS_MAX).contains(&limit) {
        let detail = format!("`page_size` is {limit}: expected 1 to {PAGE_ROWS_MAX}");
        return Err(Problem::invalid("QUERY", detail));
    }
    // A place says nothing about notes that are out of reach but how many there are.
    let before = match which.page_token.as_deref().filter(|text| !text.is_empty()) {
        None => None,
        Some(text) => Some(text.parse::<u64>().map_err(|_| {
            Problem::invalid(
                "PAGE_TOKEN",
                "`page_token` is none: expected the `next_page_token` of an earlier page",
            )
        })?),
    };
    let (rows, next) = api.door.notes(&caller, before, limit).await?;
    let changes = rows.iter().map(|NoteRow { place, note, .. }| {
        json!({
            "place": place, "at": note.at.to_string(), "actor": note.actor, "tenant": note.tenant,
            "action": note.action, "subject": note.subject, "outcome": note.outcome, "detail": note.detail,
        })
    });
    let next = next.map(|place| place.to_string()).unwrap_or_default();
    Ok(Json(json!({ "changes": changes.collect::<Vec<_>>(), "next_page_token": next })))
}
