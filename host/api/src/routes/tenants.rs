//! The tenants that somebody reaches, and new ones.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::{Value, json};
use siyu_engine::host::{HostError, Told};
use siyu_engine::ports::inspect::InspectError;
use siyu_model::access::Scope;
use siyu_model::limits::http::BODY_BYTES_MAX;
use siyu_model::name::TenantName;

use super::Route;
use crate::Api;
use crate::body;
use crate::door::Caller;
use crate::problem::Problem;

/// A tenant that is to be.
const NEW: &str = r#"{
    "type": "object",
    "additionalProperties": false,
    "required": ["tenant"],
    "properties": {"tenant": {"type": "string"}}
}"#;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route {
            method: "GET",
            path: "/v1/tenants",
            scope: Some(Scope::RunsRead),
            summary: "The tenants that the token reaches, on this host and on others of its database.",
            query: &[],
            body: None,
            handler: get(list),
        },
        Route {
            method: "POST",
            path: "/v1/tenants",
            scope: Some(Scope::TenantsAdmin),
            summary: "Makes a tenant that the token reaches, in which nothing is published yet.",
            query: &[],
            body: Some(NEW),
            handler: post(create),
        },
    ]
}

async fn all(api: &Api) -> Result<Vec<TenantName>, Problem> {
    Ok(api.inspectors.tenants().await.map_err(InspectError::from)?)
}

async fn list(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Value>, Problem> {
    let tenants: Vec<_> =
        all(&api).await?.into_iter().filter(|tenant| caller.grant.reach.holds(tenant)).collect();
    Ok(Json(json!({ "tenants": tenants })))
}

/// What somebody wants.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    tenant: String,
}

/// 201: it is there now. 200: it was there already.
async fn create(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    body: Body,
) -> Result<Response, Problem> {
    let wish: Wish = body::json(body, BODY_BYTES_MAX).await?;
    let tenant: TenantName =
        wish.tenant.parse().map_err(|why| Problem::invalid("TENANT", format!("`tenant`: {why}")))?;
    if !caller.grant.reach.holds(&tenant) {
        // Whether there is one of that name is not told.
        let detail = "the token does not reach a tenant of this name";
        return Err(Problem::new(StatusCode::FORBIDDEN, "REACH", detail));
    }
    let answer =
        |status, is_new: bool| (status, Json(json!({ "tenant": tenant, "is_new": is_new }))).into_response();
    if all(&api).await?.contains(&tenant) {
        return Ok(answer(StatusCode::OK, false));
    }
    let asked = api.door.asked(&caller, &tenant, ("tenants.create", tenant.as_str()), "").await?;
    let made = match api.host.tenant_or_new(&tenant).await {
        // Another host made it in the same moment.
        Ok(_) | Err(HostError::Elsewhere(_)) => Ok(Told::Done(())),
        Err(fault) => Err(Problem::from(fault)),
    };
    asked.told(made).await?;
    Ok(answer(StatusCode::CREATED, true))
}
