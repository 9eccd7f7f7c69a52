//! The steps of a run, as they are written, with what became of each.

use std::collections::BTreeMap;

use serde::Serialize;
use siyu_engine::ports::rows::JournalRow;
use siyu_model::journal::JournalKind;
use siyu_model::json::Value;
use siyu_model::playbook::{Action, Node, Program};

use super::{parsed, refusal_text};
use crate::brief::brief_of;
use crate::{Frame, Local};

/// A step with what became of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepLine {
    /// Its id.
    pub id: String,
    /// Where it was written: file and line.
    pub place: String,
    /// What it does, such as `uses coupon/issue`.
    pub what: String,
    /// What became of it.
    pub state: StepState,
    /// When that was last told.
    pub at: Option<Local>,
    /// How often it ended: more than once in `each`.
    pub times: u32,
    /// What it gave, the last time.
    pub output: Value,
    /// Why not, for a step that was refused, failed or is tried again.
    pub why: Option<String>,
    /// The same, or what it gave, in one line for people.
    pub told: String,
}

/// What became of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// The run has not come to it, and may.
    Ahead,
    /// The run ended without it.
    NotReached,
    /// It did its work.
    Done,
    /// Its `if` did not hold.
    Skipped,
    /// It waits.
    Waiting,
    /// What it waited for did not come in time.
    TimedOut,
    /// The plugin or a rule of contact said no.
    Refused,
    /// It failed.
    Failed,
    /// It failed and will be tried again.
    Retrying,
    /// It was undone, or is what undid another.
    Compensated,
}

impl StepState {
    /// The name for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ahead => "ahead",
            Self::NotReached => "not reached",
            Self::Done => "done",
            Self::Skipped => "skipped",
            Self::Waiting => "waiting",
            Self::TimedOut => "timed out",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Retrying => "retrying",
            Self::Compensated => "compensated",
        }
    }

    fn of(kind: JournalKind) -> Option<Self> {
        Some(match kind {
            JournalKind::Done
            | JournalKind::Matched
            | JournalKind::Chose
            | JournalKind::Planned
            | JournalKind::Responded
            | JournalKind::Ended => Self::Done,
            JournalKind::Waiting => Self::Waiting,
            JournalKind::TimedOut => Self::TimedOut,
            JournalKind::Refused => Self::Refused,
            JournalKind::Failed => Self::Failed,
            JournalKind::Retry => Self::Retrying,
            JournalKind::Skipped => Self::Skipped,
            JournalKind::Compensated => Self::Compensated,
            JournalKind::Started
            | JournalKind::Queued
            | JournalKind::Paused
            | JournalKind::Resumed
            | JournalKind::Cancelled => return None,
        })
    }

    fn is_end(self) -> bool {
        !matches!(self, Self::Ahead | Self::NotReached | Self::Waiting | Self::Retrying)
    }
}

/// Steps in the order in which they are written; without a program, in the order in which they were first told of.
pub(super) fn steps(
    frame: &Frame,
    program: Option<&Program>,
    journal: &[JournalRow],
    is_over: bool,
) -> Vec<StepLine> {
    let unreached = if is_over { StepState::NotReached } else { StepState::Ahead };
    let mut lines: Vec<StepLine> = Vec::new();
    if let Some(program) = program {
        lines.extend(program.nodes.iter().map(|node| StepLine {
            place: node.place.to_string(),
            what: what(node),
            ..blank(node.id.as_str(), unreached)
        }));
    }
    let mut places: BTreeMap<String, usize> =
        lines.iter().enumerate().map(|(place, line)| (line.id.clone(), place)).collect();
    for row in journal {
        let Some(step) = &row.entry.step else { continue };
        let place = *places.entry(step.to_string()).or_insert_with(|| {
            lines.push(blank(step.as_str(), unreached));
            lines.len() - 1
        });
        tell(frame, &mut lines[place], row);
    }
    lines
}

fn blank(id: &str, state: StepState) -> StepLine {
    StepLine {
        id: id.to_owned(),
        place: String::new(),
        what: String::new(),
        state,
        at: None,
        times: 0,
        output: Value::Null,
        why: None,
        told: String::new(),
    }
}

fn tell(frame: &Frame, line: &mut StepLine, row: &JournalRow) {
    let entry = &row.entry;
    let Some(state) = StepState::of(entry.kind) else { return };
    line.state = state;
    line.at = Some(frame.local(entry.at));
    line.times += u32::from(state.is_end());
    line.why = match state {
        StepState::Refused | StepState::Failed | StepState::Retrying => {
            Some(refusal_text(frame, entry.detail.as_deref()))
        }
        _ => None,
    };
    let detail = parsed(entry.detail.as_deref());
    line.output = match entry.kind {
        JournalKind::Done => detail.get("output").cloned().unwrap_or(detail),
        _ => detail,
    };
    line.told = line.why.clone().unwrap_or_else(|| brief_of(&frame.zone, &line.output));
}

/// What a step does, in a few words.
fn what(node: &Node) -> String {
    match &node.action {
        Action::Uses { plugin, step, .. } => format!("uses {plugin}/{step}"),
        Action::Send { template, channel, .. } => format!("send {template} over {channel}"),
        Action::WaitEvent { types, .. } => {
            let types: Vec<&str> = types.iter().map(|name| name.as_str()).collect();
            format!("wait {}", types.join(" or "))
        }
        Action::WaitFor { .. } => "wait for a time".to_owned(),
        Action::WaitUntil { .. } => "wait until an instant".to_owned(),
        Action::Switch { .. } => "switch".to_owned(),
        Action::Parallel { branches } => format!("parallel, {} branches", branches.len()),
        Action::Each { item, .. } => format!("each {item}"),
        Action::Split { arms, .. } => {
            let arms: Vec<&str> = arms.iter().map(|arm| arm.name.as_str()).collect();
            format!("split {}", arms.join(", "))
        }
        Action::Set { .. } => "set".to_owned(),
        Action::Emit { event_type, .. } => format!("emit {event_type}"),
        Action::Respond { .. } => "respond".to_owned(),
        Action::End { outcome } => format!("end {outcome}"),
        Action::Call { workflow, .. } => format!("call {workflow}"),
    }
}
