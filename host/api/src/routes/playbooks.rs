//! Playbooks: published versions, what they say, and the definitions that are in force.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::{Value, json};
use siyu_insight::Frame;
use siyu_model::access::Scope;
use siyu_model::digest::PlaybookDigest;
use siyu_model::name::{PlaybookName, PluginName, TenantName};

use super::Route;
use super::query::{self, List};
use crate::Api;
use crate::problem::Problem;

pub(super) fn routes() -> Vec<Route> {
    let read = |path, summary, query, handler| Route {
        method: "GET",
        path,
        scope: Some(Scope::PlaybooksRead),
        summary,
        query,
        body: None,
        handler,
    };
    vec![
        read(
            "/v1/tenants/{tenant}/playbooks",
            "Published versions of all playbooks, newest first.",
            &["page_size", "page_token"],
            get(list),
        ),
        read(
            "/v1/tenants/{tenant}/playbooks/{playbook}/versions/{version}",
            "One version with its files as they were written.",
            &[],
            get(show),
        ),
        read(
            "/v1/tenants/{tenant}/plugins",
            "The plugins of the versions in force, with what they are granted.",
            &[],
            get(plugins),
        ),
        read(
            "/v1/tenants/{tenant}/plugins/{plugin}/resources",
            "Definitions for a plugin that are in force.",
            &[],
            get(resources),
        ),
    ]
}

/// Which part of a list.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Which {
    page_size: Option<usize>,
    page_token: Option<String>,
}

async fn list(
    State(api): State<Arc<Api>>,
    Extension(tenant): Extension<TenantName>,
    which: Result<Query<Which>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<Value>, Problem> {
    let Query(which) = which.map_err(|why| Problem::invalid("QUERY", why.body_text()))?;
    let list = List { tenant: &tenant, name: "playbooks", filter: Vec::new() };
    let turn = list.turn(which.page_size, which.page_token.as_deref())?;
    let page = query::inspect(&api, &tenant).await?.playbooks(turn).await?;
    let versions = page.items.iter().map(|version| {
        json!({
            "playbook": version.name, "version": version.digest, "published_at": version.published_at.to_string(),
            "is_active": version.is_active,
        })
    });
    Ok(Json(json!({ "versions": versions.collect::<Vec<_>>(), "next_page_token": list.next(page.next) })))
}

async fn show(
    State(api): State<Arc<Api>>,
    Extension(tenant): Extension<TenantName>,
    Path((_, playbook, version)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let none = || Problem::missing("NO_VERSION", "there is no such version");
    let name: PlaybookName = playbook.parse().map_err(|_| none())?;
    let digest: PlaybookDigest = version.parse().map_err(|_| none())?;
    let row = query::inspect(&api, &tenant).await?.playbook(&name, digest).await?.ok_or_else(none)?;
    let files: serde_json::Map<String, Value> =
        row.files.into_iter().map(|(path, text)| (path, Value::String(text))).collect();
    query::tagged(
        &headers,
        &json!({
            "playbook": row.name, "version": row.digest, "published_at": row.published_at.to_string(),
            "is_active": row.is_active, "files": files,
        }),
    )
}

async fn plugins(
    State(api): State<Arc<Api>>,
    Extension(tenant): Extension<TenantName>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let inspect = query::inspect(&api, &tenant).await?;
    let frame = Frame::active(&*inspect).await?;
    let plugins = frame.iter().flat_map(|playbook| {
        playbook.plugins.iter().map(|(name, used)| {
            json!({
                "plugin": name, "version": used.version.to_string(), "digest": used.digest, "playbook": playbook.name,
                "grants": used.grants,
            })
        })
    });
    query::tagged(&headers, &json!({ "plugins": plugins.collect::<Vec<_>>() }))
}

async fn resources(
    State(api): State<Arc<Api>>,
    Extension(tenant): Extension<TenantName>,
    Path((_, plugin)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let none = || Problem::missing("NO_PLUGIN", "there is no such plugin");
    let plugin: PluginName = plugin.parse().map_err(|_| none())?;
    let rows = query::inspect(&api, &tenant).await?.resources(&plugin).await?;
    let resources = rows.iter().map(|row| {
        let body = row.body.as_deref().and_then(|text| serde_json::from_str::<Value>(text).ok());
        json!({ "kind": row.kind, "name": row.name, "playbook": row.playbook, "definition": body })
    });
    query::tagged(&headers, &json!({ "resources": resources.collect::<Vec<_>>() }))
}
