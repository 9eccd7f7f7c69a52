//! Runs: where they stand, why, and what people do to them.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::{Value, json};
use siyu_engine::host::Told;
use siyu_engine::operate::RunAction;
use siyu_engine::ports::inspect::RunFilter;
use siyu_insight::RunStory;
use siyu_model::access::Scope;
use siyu_model::clock::UtcMs;
use siyu_model::id::RunId;
use siyu_model::limits::http::BODY_BYTES_MAX;
use siyu_model::name::{StepId, TenantName};

use super::Route;
use super::query::{self, List};
use crate::Api;
use crate::body;
use crate::door::Caller;
use crate::problem::Problem;

/// By what runs are found.
const WHICH: &[&str] =
    &["phase", "playbook", "workflow", "customer", "from", "until", "page_size", "page_token"];

/// What a cancellation may be told.
const WHY: &str =
    r#"{"type": "object", "additionalProperties": false, "properties": {"reason": {"type": "string"}}}"#;

/// Where a run begins again.
const FROM: &str = r#"{"type": "object", "additionalProperties": false, "required": ["from"], "properties": {"from": {"type": "string"}}}"#;

pub(super) fn routes() -> Vec<Route> {
    let read = |path, summary, query, handler| Route {
        method: "GET",
        path,
        scope: Some(Scope::RunsRead),
        summary,
        query,
        body: None,
        handler,
    };
    let write = |path, summary, body, handler| Route {
        method: "POST",
        path,
        scope: Some(Scope::RunsWrite),
        summary,
        query: &[],
        body,
        handler,
    };
    vec![
        read("/v1/tenants/{tenant}/runs", "Runs, newest first.", WHICH, get(list)),
        read("/v1/tenants/{tenant}/runs/{run}", "A run with its steps, waits and journal.", &[], get(show)),
        read(
            "/v1/tenants/{tenant}/runs/{run}/journal",
            "The journal of a run, oldest line first.",
            &["page_size", "page_token"],
            get(journal),
        ),
        write(
            "/v1/tenants/{tenant}/runs/{run}/cancel",
            "Ends a run, and undoes what can be undone.",
            Some(WHY),
            post(cancel),
        ),
        write(
            "/v1/tenants/{tenant}/runs/{run}/pause",
            "Halts a run: its waits and timers stand still.",
            None,
            post(pause),
        ),
        write("/v1/tenants/{tenant}/runs/{run}/resume", "Lets a halted run go on.", None, post(resume)),
        write(
            "/v1/tenants/{tenant}/runs/{run}/retry",
            "Begins a new run at the step where one failed.",
            None,
            post(retry),
        ),
        write(
            "/v1/tenants/{tenant}/runs/{run}/replay",
            "Begins a new run at a step of one that is over, with what the steps before it gave.",
            Some(FROM),
            post(replay),
        ),
    ]
}

/// Which runs.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Which {
    phase: Option<String>,
    playbook: Option<String>,
    workflow: Option<String>,
    customer: Option<String>,
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
    let list = List {
        tenant: &tenant,
        name: "runs",
        filter: [&which.phase, &which.playbook, &which.workflow, &which.customer, &which.from, &which.until]
            .map(Option::as_deref)
            .to_vec(),
    };
    let turn = list.turn(which.page_size, which.page_token.as_deref())?;
    let filter = RunFilter {
        phase: which.phase.as_deref().map(|text| query::parsed("phase", text)).transpose()?,
        playbook: which.playbook.as_deref().map(|text| query::parsed("playbook", text)).transpose()?,
        workflow: which.workflow.clone(),
        customer: match query::customer(&*inspect, which.customer.as_deref()).await? {
            Some(customer) => customer,
            None => return Ok(Json(json!({ "runs": [], "next_page_token": "" }))),
        },
        started: query::span(&frame, which.from.as_deref(), which.until.as_deref())?,
    };
    let page = siyu_insight::runs(&*inspect, &frame, filter, turn).await?;
    Ok(Json(json!({ "runs": page.runs, "next_page_token": list.next(page.next) })))
}

/// The run that a path names; a text that no run can have is nobody's.
fn run_of(text: &str) -> Result<RunId, Problem> {
    text.parse().map_err(|_| no_run())
}

fn no_run() -> Problem {
    Problem::missing("NO_RUN", "there is no such run")
}

async fn story(api: &Api, tenant: &TenantName, run: RunId) -> Result<RunStory, Problem> {
    let inspect = query::inspect(api, tenant).await?;
    // The frame is that of the run's own playbook, so that tenants with several zones can be read too.
    let found = inspect.run(run).await?.ok_or_else(no_run)?;
    let playbook = found.run.target.playbook().clone();
    let frame = match siyu_insight::Frame::of(&*inspect, Some(&playbook)).await {
        Err(siyu_insight::InsightError::UnknownPlaybook { .. }) => {
            siyu_insight::Frame::of(&*inspect, None).await?
        }
        frame => frame?,
    };
    siyu_insight::run(&*inspect, &frame, run).await?.ok_or_else(no_run)
}

async fn show(
    State(api): State<Arc<Api>>,
    Extension(tenant): Extension<TenantName>,
    Path((_, run)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let run = run_of(&run)?;
    query::tagged(&headers, &story(&api, &tenant, run).await?)
}

/// Which part of a journal.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Part {
    page_size: Option<usize>,
    page_token: Option<String>,
}

async fn journal(
    State(api): State<Arc<Api>>,
    Extension(tenant): Extension<TenantName>,
    Path((_, text)): Path<(String, String)>,
    part: Asked<Part>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Query(part) = part.map_err(|why| Problem::invalid("QUERY", why.body_text()))?;
    let run = run_of(&text)?;
    let list = List { tenant: &tenant, name: "journal", filter: vec![Some(&text)] };
    let turn = list.turn(part.page_size, part.page_token.as_deref())?;
    // A line never moves: its place in the journal is where a list goes on.
    let after = turn.after.as_ref().map(|after| after.as_str().parse::<usize>()).transpose();
    let after = after.map_err(|_| Problem::invalid("PAGE_TOKEN", "`page_token` is none of this list"))?;
    let mut journal = story(&api, &tenant, run).await?.journal;
    let end = after.unwrap_or(0).saturating_add(turn.limit);
    let next = list.next((journal.len() > end).then_some(end));
    journal.truncate(end);
    journal.drain(..after.unwrap_or(0).min(journal.len()));
    query::tagged(&headers, &json!({ "journal": journal, "next_page_token": next }))
}

/// What an action may be told.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Why {
    reason: Option<String>,
}

/// One action on one run: who, where, which.
struct Wish<'w> {
    api: &'w Api,
    caller: &'w Caller,
    tenant: &'w TenantName,
    run: &'w str,
}

impl Wish<'_> {
    async fn act(
        self,
        name: &str,
        detail: &str,
        action: impl FnOnce(RunId) -> RunAction,
    ) -> Result<Response, Problem> {
        let run = run_of(self.run)?;
        let inspect = query::inspect(self.api, self.tenant).await?;
        // That it is not there is told from that it cannot be done.
        if inspect.run(run).await?.is_none() {
            return Err(no_run());
        }
        let asked = self.api.door.asked(self.caller, self.tenant, (name, &run.to_string()), detail).await?;
        let done = self.api.host.act(self.tenant, run, action(run)).await;
        let done = done.map_err(|fault| Problem::of_host(fault, no_run));
        match asked.told(done).await? {
            Told::Done(run) => Ok(Json(json!({ "run": run })).into_response()),
            Told::Kept(letter) => {
                Ok((StatusCode::ACCEPTED, Json(json!({ "letter": letter }))).into_response())
            }
        }
    }
}

async fn cancel(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    Extension(tenant): Extension<TenantName>,
    Path((_, run)): Path<(String, String)>,
    body: Body,
) -> Result<Response, Problem> {
    let why: Why = body::json(body, BODY_BYTES_MAX).await?;
    let reason = why.reason.unwrap_or_else(|| format!("cancelled by {}", caller.actor));
    let wish = Wish { api: &api, caller: &caller, tenant: &tenant, run: &run };
    let detail = reason.clone();
    wish.act("runs.cancel", &detail, |_| RunAction::Cancel { reason }).await
}

async fn pause(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    Extension(tenant): Extension<TenantName>,
    Path((_, run)): Path<(String, String)>,
) -> Result<Response, Problem> {
    Wish { api: &api, caller: &caller, tenant: &tenant, run: &run }
        .act("runs.pause", "", |_| RunAction::Pause)
        .await
}

async fn resume(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    Extension(tenant): Extension<TenantName>,
    Path((_, run)): Path<(String, String)>,
) -> Result<Response, Problem> {
    Wish { api: &api, caller: &caller, tenant: &tenant, run: &run }
        .act("runs.resume", "", |_| RunAction::Resume)
        .await
}

/// Under a key the new run has an id that follows from the key, so asking again gives the same run.
async fn retry(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    Extension(tenant): Extension<TenantName>,
    Path((_, run)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let key = body::idempotency_key(&headers)?;
    let wish = Wish { api: &api, caller: &caller, tenant: &tenant, run: &run };
    wish.act("runs.retry", key.unwrap_or_default(), |run| match key {
        Some(key) => {
            RunAction::RetryAs(RunId::derive(instant_of(run), &[run.as_bytes(), b"retry", key.as_bytes()]))
        }
        None => RunAction::Retry,
    })
    .await
}

/// Where a run begins again.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct From {
    from: StepId,
}

/// Under a key like a retry.
async fn replay(
    State(api): State<Arc<Api>>,
    (Extension(caller), Extension(tenant)): (Extension<Caller>, Extension<TenantName>),
    Path((_, run)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let From { from } = body::json(body, BODY_BYTES_MAX).await?;
    let key = body::idempotency_key(&headers)?;
    let wish = Wish { api: &api, caller: &caller, tenant: &tenant, run: &run };
    let detail = format!("from {from} {}", key.unwrap_or_default());
    wish.act("runs.replay", detail.trim_end(), |run| {
        let id = |key: &str| RunId::derive(instant_of(run), &[run.as_bytes(), b"replay", key.as_bytes()]);
        RunAction::Replay { from, new: key.map(id) }
    })
    .await
}

/// When a run began: the first 48 bits of its id, milliseconds (RFC 9562, UUID version 7).
fn instant_of(run: RunId) -> UtcMs {
    let millis = run.as_bytes()[..6].iter().fold(0i64, |millis, byte| millis << 8 | i64::from(*byte));
    UtcMs::from_millis(millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_tells_when_it_began() {
        let at = UtcMs::from_millis(1_764_000_000_123);
        assert_eq!(instant_of(RunId::derive(at, &[b"a"])), at);
    }
}
