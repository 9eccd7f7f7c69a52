//! Putting playbooks into force: files are checked, published, and taken back to an earlier version.
//!
//! It decides nothing about a playbook: `siyu-publishing` checks it, and the tenant takes it or not.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Extension, Json};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::{Value, json};
use siyu_engine::host::{HostError, Told};
use siyu_engine::operate::{Publication, Published, Replaces};
use siyu_engine::ports::rows::PlaybookRow;
use siyu_model::access::Scope;
use siyu_model::digest::PlaybookDigest;
use siyu_model::limits::http::{BODY_BYTES_MAX, PLAYBOOK_BYTES_MAX};
use siyu_model::name::{PlaybookName, TenantName};
use siyu_model::playbook::Playbook;
use siyu_publishing::{Checked, in_force};
use siyu_workflow::Bundle;
use tokio::sync::SemaphorePermit;

use super::Route;
use super::query;
use crate::Api;
use crate::body;
use crate::door::Caller;
use crate::problem::Problem;
use crate::workshop::WorkshopError;

/// A playbook's files, and what a client changes in them.
const FILES: &str = r#"{
    "type": "object",
    "additionalProperties": false,
    "required": ["files"],
    "properties": {
        "files": {
            "type": "object", "additionalProperties": {"type": "string"},
            "description": "Path inside the playbook's folder, such as workflows/welcome.yaml, and text."
        },
        "overlay": {
            "type": "object", "additionalProperties": {"type": "string"},
            "description": "The same of a client's overlay, which is laid over the files."
        }
    }
}"#;

/// Which version.
const BACK: &str = r#"{
    "type": "object",
    "additionalProperties": false,
    "required": ["version"],
    "properties": {"version": {"type": "string", "pattern": "^[0-9a-f]{64}$"}}
}"#;

pub(super) fn routes() -> Vec<Route> {
    let write = |path, summary, body, handler| Route {
        method: "POST",
        path,
        scope: Some(Scope::PlaybooksPublish),
        summary,
        query: &[],
        body: Some(body),
        handler,
    };
    vec![
        write(
            "/v1/tenants/{tenant}/playbooks/validate",
            "Everything that publishing checks, and what it would change.",
            FILES,
            post(validate),
        ),
        write(
            "/v1/tenants/{tenant}/playbooks",
            "Checks a playbook, and puts it into force in place of the version that `If-Match` names.",
            FILES,
            post(publish),
        ),
        write(
            "/v1/tenants/{tenant}/playbooks/{playbook}/rollback",
            "Puts an earlier version into force again, with the plugins that it was published with.",
            BACK,
            post(rollback),
        ),
    ]
}

/// Files by their paths; a path that is there twice would hide one of them.
#[derive(Debug, Default)]
struct Files(BTreeMap<String, String>);

impl<'de> Deserialize<'de> for Files {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;

        impl<'de> Visitor<'de> for Each {
            type Value = Files;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of paths and texts")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Files, A::Error> {
                let mut files = BTreeMap::new();
                while let Some((path, text)) = map.next_entry::<String, String>()? {
                    if files.insert(path.clone(), text).is_some() {
                        let path: String = path.escape_debug().take(80).collect();
                        return Err(A::Error::custom(format!("the file `{path}` is there twice")));
                    }
                }
                Ok(Files(files))
            }
        }

        deserializer.deserialize_map(Each)
    }
}

/// What is to be checked or published.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    files: Files,
    #[serde(default)]
    overlay: Option<Files>,
}

impl Written {
    fn bundle(self) -> Result<Bundle, Problem> {
        let read = |files: Files, what: &str| {
            let wrong = |why| Problem::invalid("FILES", format!("{what}: {why}"));
            Bundle::of_files(files.0).map_err(wrong)
        };
        let bundle = read(self.files, "files")?;
        Ok(match self.overlay {
            Some(overlay) => bundle.with_overlay(read(overlay, "overlay")?),
            None => bundle,
        })
    }
}

/// A turn to hold the files of a playbook in memory.
pub(super) fn turn(api: &Api) -> Result<SemaphorePermit<'_>, Problem> {
    api.playbooks.try_acquire().map_err(|_| {
        let detail = "other playbooks are being checked: try again in a second";
        Problem::new(StatusCode::TOO_MANY_REQUESTS, "BUSY", detail)
    })
}

/// The files of a request, checked.
async fn checked(api: &Api, body: Body) -> Result<Checked, Problem> {
    let written: Written = body::json(body, PLAYBOOK_BYTES_MAX).await?;
    let bundle = written.bundle()?;
    Ok(api.workshop.check(bundle).await?)
}

impl From<WorkshopError> for Problem {
    fn from(fault: WorkshopError) -> Self {
        match &fault {
            WorkshopError::Broken { .. } => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "PLUGIN", fault.to_string())
            }
            WorkshopError::Failed => Self::unavailable(fault.to_string()),
        }
    }
}

/// What `If-Match` says of the version in force; none when it is not there (RFC 9110, 13.1.1).
fn replaced(headers: &HeaderMap) -> Result<Option<Replaces>, Problem> {
    let Some(text) = body::header(headers, "if-match")? else { return Ok(None) };
    if text == "*" {
        return Ok(Some(Replaces::Anything));
    }
    let version = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    match version.and_then(|version| version.parse().ok()) {
        Some(version) => Ok(Some(Replaces::Version(version))),
        None => {
            let detail = "`If-Match`: expected one version in double quotes, or `*`";
            Err(Problem::invalid("IF_MATCH", detail))
        }
    }
}

fn overtaken(in_force: Option<PlaybookDigest>) -> Problem {
    let found = in_force.map_or_else(|| "none".to_owned(), |version| version.to_string());
    let detail = format!("the version in force is {found}: look at what changed, and name that one");
    Problem::new(StatusCode::PRECONDITION_FAILED, "VERSION", detail)
}

/// The differences to a version, in the words of whoever wrote it.
fn changes(before: Option<&PlaybookRow>, playbook: &Playbook) -> Value {
    // A version of an older host may have another form: then all of it is new.
    let before = before.and_then(|row| serde_json::from_str::<Playbook>(&row.compiled).ok());
    json!(siyu_publishing::between(before.as_ref(), playbook))
}

/// Two objects as one.
fn joined(mut one: Value, other: Value) -> Value {
    if let (Some(members), Value::Object(more)) = (one.as_object_mut(), other) {
        members.extend(more);
    }
    one
}

/// 200, whether it is valid or not: what was asked is what is to be said of it.
async fn validate(
    State(api): State<Arc<Api>>,
    Extension(tenant): Extension<TenantName>,
    body: Body,
) -> Result<Json<Value>, Problem> {
    let inspect = query::inspect(&api, &tenant).await?;
    let _turn = turn(&api)?;
    let checked = checked(&api, body).await?;
    let answer = match checked.playbook() {
        None => json!({ "valid": false }),
        Some(playbook) => {
            let before = in_force(&*inspect, &playbook.name).await?;
            json!({
                "valid": true, "playbook": playbook.name, "version": playbook.digest(),
                "in_force": before.as_ref().map(|row| row.digest), "changes": changes(before.as_ref(), playbook),
            })
        }
    };
    Ok(Json(joined(answer, checked.diagnostics())))
}

async fn publish(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    Extension(tenant): Extension<TenantName>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let replaces = replaced(&headers)?;
    let inspect = query::inspect(&api, &tenant).await?;
    let _turn = turn(&api)?;
    let checked = checked(&api, body).await?;
    let Some(mut publication) = checked.publication() else {
        let detail = "the playbook has errors: nothing was published";
        let refused = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "PLAYBOOK", detail);
        return Err(refused.with(checked.diagnostics()));
    };
    let playbook = publication.playbook.clone();
    let before = in_force(&*inspect, &playbook.name).await?;
    publication.replaces = match (replaces, &before) {
        (Some(Replaces::Anything), None) => return Err(overtaken(None)),
        (Some(replaces), _) => replaces,
        (None, None) => Replaces::Nothing,
        (None, Some(row)) if row.digest == playbook.digest() => Replaces::Version(row.digest),
        (None, Some(row)) => {
            let found = row.digest;
            let detail = format!("version {found} is in force: say so with `If-Match: \"{found}\"`");
            return Err(Problem::new(StatusCode::PRECONDITION_REQUIRED, "IF_MATCH", detail));
        }
    };
    api.workshop.keep(&playbook).await?;
    let by = Publishing { api: &api, caller: &caller, tenant: &tenant };
    let changes = changes(before.as_ref(), &playbook);
    by.publish("playbooks.publish", publication, joined(json!({ "changes": changes }), checked.diagnostics()))
        .await
}

/// Which version to go back to.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Back {
    version: PlaybookDigest,
}

async fn rollback(
    State(api): State<Arc<Api>>,
    (Extension(caller), Extension(tenant)): (Extension<Caller>, Extension<TenantName>),
    Path((_, playbook)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let none = || Problem::missing("NO_VERSION", "there is no such version");
    let replaces = replaced(&headers)?.unwrap_or_default();
    let back: Back = body::json(body, BODY_BYTES_MAX).await?;
    let name: PlaybookName = playbook.parse().map_err(|_| none())?;
    let inspect = query::inspect(&api, &tenant).await?;
    let _turn = turn(&api)?;
    let row = inspect.playbook(&name, back.version).await?.ok_or_else(none)?;
    let before = in_force(&*inspect, &name).await?;
    let playbook: Arc<Playbook> = serde_json::from_str(&row.compiled).map(Arc::new).map_err(|why| {
        tracing::warn!(%why, "an earlier version is not understood any more");
        let detail =
            "this version was published by a host that wrote it differently: publish its files again";
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "VERSION_FORM", detail)
    })?;
    let changes = changes(before.as_ref(), &playbook);
    let publication = Publication { playbook, files: row.files, replaces };
    let by = Publishing { api: &api, caller: &caller, tenant: &tenant };
    by.publish("playbooks.rollback", publication, json!({ "changes": changes })).await
}

/// Who publishes where.
struct Publishing<'a> {
    api: &'a Api,
    caller: &'a Caller,
    tenant: &'a TenantName,
}

impl Publishing<'_> {
    /// Publishes with its notes, and says what that did and more about it.
    async fn publish(
        &self,
        action: &str,
        publication: Publication,
        more: Value,
    ) -> Result<Response, Problem> {
        let name = publication.playbook.name.clone();
        let detail = publication.playbook.digest().to_string();
        let asked = self.api.door.asked(self.caller, self.tenant, (action, name.as_str()), &detail).await?;
        let done = self.api.host.publish(self.tenant, publication).await.map_err(|fault| match fault {
            HostError::Overtaken { in_force } => overtaken(in_force),
            fault => fault.into(),
        });
        let published = match asked.told(done).await? {
            Told::Done(published) => published,
            Told::Kept(letter) => {
                return Ok((StatusCode::ACCEPTED, Json(json!({ "letter": letter }))).into_response());
            }
        };
        let Published { digest, is_unchanged, resources, resources_gone } = published;
        let mut answer = json!({
            "playbook": name, "version": digest, "is_unchanged": is_unchanged, "resources": resources,
            "resources_gone": resources_gone,
        });
        answer = joined(answer, more);
        if is_unchanged {
            answer["changes"] = json!([]);
        }
        let mut response = Json(answer).into_response();
        if let Ok(tag) = HeaderValue::from_str(&format!("\"{digest}\"")) {
            response.headers_mut().insert(header::ETAG, tag);
        }
        Ok(response)
    }
}
