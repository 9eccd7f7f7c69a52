//! Waiting for what runs answer: a caller may give a time, after which the runs are there to be asked.
//!
//! Most runs answer in the commit of their event, and nobody waits. One that waits before its `respond`, such as for
//! another try of a step, is looked at from time to time.

use std::collections::HashMap;
use std::time::Duration;

use axum::http::HeaderMap;
use siyu_engine::ports::inspect::Inspect;
use siyu_model::id::RunId;
use siyu_model::journal::JournalKind;
use siyu_model::json::Value;
use siyu_model::limits::http::WAIT_MS_MAX;
use siyu_model::name::TenantName;
use tokio::time::Instant;

use crate::Api;
use crate::body;
use crate::problem::Problem;

/// Between two looks at runs: short at first.
const LOOK: Duration = Duration::from_millis(10);
const LOOK_MAX: Duration = Duration::from_millis(320);

/// How long the caller waits: `Prefer: wait=5`, in seconds (RFC 7240). None when they do not say.
pub(super) fn patience(headers: &HeaderMap) -> Result<Option<Duration>, Problem> {
    let Some(wishes) = body::header(headers, "prefer")? else { return Ok(None) };
    let wait = wishes.split(',').find_map(|wish| wish.trim().strip_prefix("wait="));
    let Some(wait) = wait else { return Ok(None) };
    let most = WAIT_MS_MAX / 1_000;
    match wait.parse::<u64>() {
        Ok(seconds) if seconds <= most => Ok(Some(Duration::from_secs(seconds))),
        _ => {
            let detail = format!("`Prefer: wait={wait}`: expected 0 to {most} seconds");
            Err(Problem::invalid("PREFER", detail))
        }
    }
}

/// Waits until each of these runs has answered or ended; gives those that did neither.
pub(super) async fn responses(
    api: &Api,
    tenant: &TenantName,
    runs: impl Iterator<Item = RunId>,
    patience: Duration,
    responses: &mut HashMap<RunId, Value>,
) -> Result<Vec<RunId>, Problem> {
    let mut waiting: Vec<RunId> = runs.filter(|run| !responses.contains_key(run)).collect();
    if waiting.is_empty() {
        return Ok(waiting);
    }
    let inspect = super::query::inspect(api, tenant).await?;
    let until = Instant::now() + patience;
    let mut look = LOOK;
    loop {
        let mut left = Vec::new();
        for run in waiting {
            match answered(&*inspect, run).await? {
                Answer::Given(value) => drop(responses.insert(run, value)),
                Answer::Never => {}
                Answer::NotYet => left.push(run),
            }
        }
        waiting = left;
        let now = Instant::now();
        if waiting.is_empty() || now >= until {
            return Ok(waiting);
        }
        tokio::select! {
            () = tokio::time::sleep_until(until.min(now + look)) => {}
            // The runs go on at another host, or here later: they are there to be asked.
            () = api.hub.stopped() => return Ok(waiting),
        }
        look = (look * 2).min(LOOK_MAX);
    }
}

/// What a run said to whoever waits.
enum Answer {
    Given(Value),
    /// It ended without.
    Never,
    NotYet,
}

async fn answered(inspect: &dyn Inspect, run: RunId) -> Result<Answer, Problem> {
    // A run that retention took away has long ended.
    let Some(found) = inspect.run(run).await? else { return Ok(Answer::Never) };
    let line = found.journal.iter().find(|line| line.entry.kind == JournalKind::Responded);
    if let Some(line) = line {
        let value = line.entry.detail.as_deref().and_then(|text| serde_json::from_str(text).ok());
        return Ok(Answer::Given(value.unwrap_or(Value::Null)));
    }
    Ok(if found.run.status.phase().is_terminal() { Answer::Never } else { Answer::NotYet })
}
