//! Runs in a list.

use serde::Serialize;
use siyu_engine::ports::inspect::{Inspect, RunFilter, RunSummary, Turn};
use siyu_model::id::{CustomerId, RunId};
use siyu_model::name::PlaybookName;
use siyu_model::run::{RunEnd, RunPhase};

use crate::{Frame, InsightError, Local};

/// A page of runs, newest first.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunsPage {
    /// The runs.
    pub runs: Vec<RunLine>,
    /// The cursor of the next page; none at the end.
    pub next: Option<String>,
}

/// A run in a list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunLine {
    /// Its id.
    pub id: RunId,
    /// The playbook.
    pub playbook: PlaybookName,
    /// The workflow, or `@plugin/step` for a reaction of a plugin.
    pub workflow: String,
    /// For whom.
    pub customer: Option<CustomerId>,
    /// What identifies "the same" run.
    pub key: Option<String>,
    /// Where it stands.
    pub phase: RunPhase,
    /// How it ended or will end: an outcome, a code with its message, or a reason.
    pub end: Option<String>,
    /// When it began.
    pub started_at: Local,
    /// When it last changed.
    pub changed_at: Local,
    /// When it ended.
    pub ended_at: Option<Local>,
}

/// Runs that pass a filter, newest first.
pub async fn runs(
    inspect: &dyn Inspect,
    frame: &Frame,
    filter: RunFilter,
    turn: Turn,
) -> Result<RunsPage, InsightError> {
    let page = inspect.runs(filter, turn).await?;
    let runs = page.items.iter().map(|run| line(frame, run)).collect();
    Ok(RunsPage { runs, next: page.next.map(|next| next.to_string()) })
}

fn line(frame: &Frame, run: &RunSummary) -> RunLine {
    RunLine {
        id: run.id,
        playbook: run.target.playbook().clone(),
        workflow: run.target.name(),
        customer: run.customer,
        key: run.key.clone(),
        phase: run.phase,
        end: run.end.as_ref().map(end_text),
        started_at: frame.local(run.started_at),
        changed_at: frame.local(run.changed_at),
        ended_at: run.ended_at.map(|at| frame.local(at)),
    }
}

/// How a run ended, for people.
pub(crate) fn end_text(end: &RunEnd) -> String {
    match end {
        RunEnd::Completed { outcome } => outcome.clone(),
        RunEnd::Failed { fault } => format!("{}: {}", fault.code, fault.message),
        RunEnd::Cancelled { reason } => reason.clone(),
    }
}
