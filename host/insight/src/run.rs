//! One run as a story: where it stands in one sentence, its steps as they were written, what it waits for, what went
//! wrong, and what can be done about it.

mod steps;
mod waiting;

use serde::Serialize;
use siyu_engine::ports::inspect::{Inspect, RunDetail};
use siyu_engine::ports::rows::JournalRow;
use siyu_model::event::Subject;
use siyu_model::id::{CustomerId, RunId};
use siyu_model::journal::JournalKind;
use siyu_model::json::{self, Value};
use siyu_model::name::PlaybookName;
use siyu_model::playbook::Program;
use siyu_model::run::{Run, RunPhase, RunStatus, Target};

pub use steps::{StepLine, StepState};
pub use waiting::{Waiting, WaitingFor};

use crate::brief::brief_of;
use crate::runs::end_text;
use crate::{Frame, InsightError, Local, frame};

/// A run with all that is known of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunStory {
    /// Its id.
    pub id: RunId,
    /// Where it stands, in one sentence.
    pub sentence: String,
    /// The playbook.
    pub playbook: PlaybookName,
    /// The version that it keeps to its end.
    pub version: String,
    /// The workflow, or `@plugin/step` for a reaction of a plugin.
    pub workflow: String,
    /// For whom.
    pub customer: Option<CustomerId>,
    /// What identifies "the same" run.
    pub key: Option<String>,
    /// Where it stands.
    pub phase: RunPhase,
    /// How it ended or will end.
    pub end: Option<String>,
    /// When it began.
    pub started_at: Local,
    /// When it ended.
    pub ended_at: Option<Local>,
    /// The event that started it: type and place in the log; none when retention took it away.
    pub event: Option<EventMark>,
    /// The run that called it.
    pub parent: Option<RunId>,
    /// Steps in the order in which they are written, those that it has not reached included.
    pub steps: Vec<StepLine>,
    /// What it waits for.
    pub waiting: Vec<Waiting>,
    /// Its journal, oldest line first.
    pub journal: Vec<JournalLine>,
    /// What a person can do with it now.
    pub can: Vec<RunVerb>,
    /// What could not be shown, and why.
    pub notes: Vec<String>,
}

/// An event that a run began with.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EventMark {
    /// Its place in the log.
    pub seq: u64,
    /// What happened.
    #[serde(rename = "type")]
    pub event_type: String,
    /// Who says so.
    pub source: String,
    /// When it happened.
    pub occurred_at: Local,
    /// Its facts.
    pub data: Value,
}

/// A line of a run's journal.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JournalLine {
    /// When.
    pub at: Local,
    /// Which step; none for what concerns the whole run.
    pub step: Option<String>,
    /// Which branch or item; 0 is the run itself.
    pub fiber: u32,
    /// What happened.
    pub kind: &'static str,
    /// More about it.
    pub detail: Value,
    /// The same in one line, for people.
    pub told: String,
}

/// What a person can do with a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RunVerb {
    /// Halt it.
    Pause,
    /// Let it go on.
    Resume,
    /// End it.
    Cancel,
    /// Begin a new run at the step where it failed.
    Retry,
    /// Begin a new run at a step, with what the steps before it gave.
    Replay,
}

impl RunVerb {
    /// The name of the command.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Cancel => "cancel",
            Self::Retry => "retry",
            Self::Replay => "replay",
        }
    }
}

/// One run; none when there is no such run.
pub async fn run(inspect: &dyn Inspect, frame: &Frame, id: RunId) -> Result<Option<RunStory>, InsightError> {
    let Some(detail) = inspect.run(id).await? else { return Ok(None) };
    let (program, notes) = program(inspect, &detail.run.target).await?;
    let mut story = story(frame, &detail, program.as_ref(), notes);
    if is_replayable(inspect, &detail, program.as_ref()).await? {
        story.can.push(RunVerb::Replay);
    }
    Ok(Some(story))
}

/// Whether a new run can begin at a step of this one: it is over, and its version, its customer and the event that it
/// began with are still there.
async fn is_replayable(
    inspect: &dyn Inspect,
    RunDetail { run, event, .. }: &RunDetail,
    program: Option<&Program>,
) -> Result<bool, InsightError> {
    if !run.status.is_terminal() || (run.event.is_some() && event.is_none()) {
        return Ok(false);
    }
    let has_step = match &run.target {
        Target::Workflow { .. } => program.is_some_and(|program| !program.own_steps().is_empty()),
        // The one step of a reaction is there as long as its version is.
        Target::Reaction { playbook, version, .. } => {
            match frame::playbook(inspect, playbook, *version).await {
                Ok(found) => found.is_some(),
                Err(InsightError::Playbook { .. }) => false,
                Err(fault) => return Err(fault),
            }
        }
    };
    match run.customer {
        Some(customer) if has_step => Ok(inspect.customer(Subject::Customer(customer)).await?.is_some()),
        _ => Ok(has_step),
    }
}

/// The steps of a run's workflow. A version that cannot be read is a note: the rest of the run can be shown.
async fn program(
    inspect: &dyn Inspect,
    target: &Target,
) -> Result<(Option<Program>, Vec<String>), InsightError> {
    let Target::Workflow { playbook, version, workflow } = target else {
        return Ok((None, Vec::new()));
    };
    let (found, note) = match frame::playbook(inspect, playbook, *version).await {
        Ok(found) => (found, None),
        Err(InsightError::Playbook { why, .. }) => (None, Some(why)),
        Err(fault) => return Err(fault),
    };
    let workflow = found.and_then(|playbook| playbook.workflows.get(workflow).cloned());
    let program = workflow.map(|workflow| workflow.program.clone());
    let missing = || format!("steps that it has not reached are not shown: version {}", version.short());
    let note = match (&program, note) {
        (Some(_), _) => None,
        (None, Some(why)) => Some(format!("{} cannot be read: {why}", missing())),
        (None, None) => Some(format!("{} is not stored", missing())),
    };
    Ok((program, note.into_iter().collect()))
}

fn story(frame: &Frame, detail: &RunDetail, program: Option<&Program>, notes: Vec<String>) -> RunStory {
    let RunDetail { run, event, journal } = detail;
    let steps = steps::steps(frame, program, journal, run.status.is_terminal());
    let waiting = waiting::waiting(frame, run, program, journal);
    let (end, ended_at) = match &run.status {
        RunStatus::Ended { end, at } => (Some(end_text(end)), Some(frame.local(*at))),
        RunStatus::Undoing { end } => (Some(end_text(end)), None),
        _ => (None, None),
    };
    RunStory {
        id: run.id,
        sentence: sentence(frame, run, &waiting, &steps),
        playbook: run.target.playbook().clone(),
        version: run.target.version().to_string(),
        workflow: run.target.name(),
        customer: run.customer,
        key: run.key.clone(),
        phase: run.status.phase(),
        end,
        started_at: frame.local(run.started_at),
        ended_at,
        event: event.as_ref().map(|event| EventMark {
            seq: event.seq.0,
            event_type: event.event_type.to_string(),
            source: event.source.clone(),
            occurred_at: frame.local(event.occurred_at),
            data: parsed(Some(&event.data)),
        }),
        parent: run.parent.map(|(parent, _)| parent),
        steps,
        waiting,
        journal: journal.iter().map(|row| journal_line(frame, row)).collect(),
        can: can(run),
        notes,
    }
}

/// A document of the store; what is none is shown as text.
fn parsed(text: Option<&str>) -> Value {
    text.map_or(Value::Null, |text| json::parse_within(text, usize::MAX).unwrap_or_else(|_| text.into()))
}

fn journal_line(frame: &Frame, row: &JournalRow) -> JournalLine {
    let entry = &row.entry;
    let detail = parsed(entry.detail.as_deref());
    JournalLine {
        at: frame.local(entry.at),
        step: entry.step.as_ref().map(ToString::to_string),
        fiber: entry.fiber,
        kind: entry.kind.as_str(),
        told: brief_of(&frame.zone, detail.get("output").unwrap_or(&detail)),
        detail,
    }
}

/// What its phase alone permits.
fn can(run: &Run) -> Vec<RunVerb> {
    match run.status.phase() {
        RunPhase::Queued => vec![RunVerb::Cancel],
        RunPhase::Live => vec![RunVerb::Pause, RunVerb::Cancel],
        RunPhase::Paused => vec![RunVerb::Resume, RunVerb::Cancel],
        // A run whose compensations ran has no place left to go on from.
        RunPhase::Failed if !run.state.fibers.is_empty() => vec![RunVerb::Retry],
        _ => Vec::new(),
    }
}

/// What a person wants to know first.
fn sentence(frame: &Frame, run: &Run, waiting: &[Waiting], steps: &[StepLine]) -> String {
    let failed_at = || {
        let failed = steps.iter().rev().find(|step| step.state == StepState::Failed);
        failed.map(|step| format!(" at `{}` ({})", step.id, step.place)).unwrap_or_default()
    };
    match &run.status {
        RunStatus::Queued => "Waits for a place under its workflow's `concurrency`.".to_owned(),
        RunStatus::Paused { since } => format!("Paused since {}.", frame.local(*since).minute()),
        RunStatus::Undoing { end } => format!("Undoes what it did, then ends: {}.", end_text(end)),
        RunStatus::Live if waiting.is_empty() => "Goes on at once.".to_owned(),
        RunStatus::Live => {
            let first: Vec<String> = waiting.iter().take(3).map(Waiting::to_string).collect();
            let more = waiting.len() - first.len();
            let more = if more > 0 { format!("; and {more} more") } else { String::new() };
            format!("Waits {}{more}.", first.join("; "))
        }
        RunStatus::Ended { end, at } => {
            let at = frame.local(*at);
            match end.phase() {
                RunPhase::Completed => format!("Completed at {}: {}.", at.minute(), end_text(end)),
                RunPhase::Failed => format!("Failed at {}{}: {}.", at.minute(), failed_at(), end_text(end)),
                _ => format!("Cancelled at {}: {}.", at.minute(), end_text(end)),
            }
        }
    }
}

/// Whether a line tells why something did not happen.
pub(crate) fn is_refusal(kind: JournalKind) -> bool {
    matches!(kind, JournalKind::Refused | JournalKind::Failed)
}

/// A refusal or fault in one line: code and message, or the reason of a message that was not sent.
pub(crate) fn refusal_text(frame: &Frame, detail: Option<&str>) -> String {
    let detail = parsed(detail);
    let text = |name: &str| detail.get(name).and_then(Value::as_str);
    match (text("code"), text("message"), text("reason")) {
        (Some(code), Some(message), _) => format!("{code}: {message}"),
        (_, _, Some(reason)) => reason.to_owned(),
        _ => brief_of(&frame.zone, &detail),
    }
}
