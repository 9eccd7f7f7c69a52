//! Playbooks: published versions, what they say, and the definitions that are in force.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::{Value, json};
use siyu_engine::ports::rows::PlaybookRow;
use siyu_insight::Frame;
use siyu_model::access::Scope;
use siyu_model::digest::PlaybookDigest;
use siyu_model::name::{PlaybookName, PluginName, TenantName};
use siyu_model::playbook::Playbook;

use super::query::{self, List};
use super::{Route, publishing};
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
            "/v1/tenants/{tenant}/playbooks/{playbook}",
            "The version of a playbook that is in force, with its files; its tag is for `If-Match`.",
            &[],
            get(active),
        ),
        read(
            "/v1/tenants/{tenant}/playbooks/{playbook}/diff",
            "What differs between two versions: what changed, and by file the lines.",
            &["from!", "to"],
            get(diff),
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
    query::tagged(&headers, &document(row))
}

fn document(row: PlaybookRow) -> Value {
    let files: BTreeMap<String, String> = row.files.into_iter().collect();
    json!({
        "playbook": row.name, "version": row.digest, "published_at": row.published_at.to_string(),
        "is_active": row.is_active, "files": files,
    })
}

fn no_playbook() -> Problem {
    Problem::missing("NO_PLAYBOOK", "there is no such playbook in force")
}

async fn active(
    State(api): State<Arc<Api>>,
    Extension(tenant): Extension<TenantName>,
    Path((_, playbook)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let name: PlaybookName = playbook.parse().map_err(|_| no_playbook())?;
    let inspect = query::inspect(&api, &tenant).await?;
    let row = siyu_publishing::in_force(&*inspect, &name).await?.ok_or_else(no_playbook)?;
    // A version never changes, so that it is the tag of all that is told of it here.
    let tag = row.digest.to_string();
    query::with_tag(&headers, &tag, document(row).to_string())
}

/// Which versions.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Between {
    from: String,
    to: Option<String>,
}

/// From one version to another, or to the one in force.
async fn diff(
    State(api): State<Arc<Api>>,
    Extension(tenant): Extension<TenantName>,
    Path((_, playbook)): Path<(String, String)>,
    between: Result<Query<Between>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<Value>, Problem> {
    let Query(between) = between.map_err(|why| Problem::invalid("QUERY", why.body_text()))?;
    let from: PlaybookDigest = query::parsed("from", &between.from)?;
    let to = between.to.as_deref().map(|text| query::parsed::<PlaybookDigest>("to", text)).transpose()?;
    let none = |which: &str| Problem::missing("NO_VERSION", format!("there is no version as `{which}`"));
    let name: PlaybookName = playbook.parse().map_err(|_| none("from"))?;
    let inspect = query::inspect(&api, &tenant).await?;
    let _turn = publishing::turn(&api)?;
    let before = inspect.playbook(&name, from).await?.ok_or_else(|| none("from"))?;
    let after = match to {
        Some(to) => inspect.playbook(&name, to).await?.ok_or_else(|| none("to"))?,
        None => siyu_publishing::in_force(&*inspect, &name).await?.ok_or_else(|| none("to"))?,
    };
    let compared = tokio::task::spawn_blocking(move || compare(before, after)).await;
    compared.map(Json).map_err(|fault| {
        tracing::error!(%fault, "two versions cannot be compared");
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "BROKEN", "the versions cannot be compared")
    })
}

fn compare(before: PlaybookRow, after: PlaybookRow) -> Value {
    // A version of an older host may have another form: what its files say is told all the same.
    let read = |row: &PlaybookRow| serde_json::from_str::<Playbook>(&row.compiled).ok();
    let changes = match (read(&before), read(&after)) {
        (Some(before), Some(after)) => siyu_publishing::between(Some(&before), &after),
        _ => Vec::new(),
    };
    let (from, to) = (before.digest, after.digest);
    let files = |row: PlaybookRow| row.files.into_iter().collect::<siyu_publishing::Files>();
    let files = siyu_publishing::diff(&files(before), &files(after));
    json!({ "from": from, "to": to, "changes": changes, "files": files })
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
