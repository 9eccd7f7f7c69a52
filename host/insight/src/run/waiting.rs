//! What a run waits for, fiber by fiber, and until when.

use std::fmt;

use serde::Serialize;
use siyu_engine::ports::rows::JournalRow;
use siyu_model::id::RunId;
use siyu_model::journal::JournalKind;
use siyu_model::json::Value;
use siyu_model::playbook::{Action, Program};
use siyu_model::run::{Fiber, FiberState, Run};

use super::parsed;
use crate::{Frame, Local};

/// One thing that a run waits for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Waiting {
    /// At which step.
    pub step: Option<String>,
    /// In which branch or item; 0 is the run itself.
    pub fiber: u32,
    /// For what.
    #[serde(rename = "for")]
    pub what: WaitingFor,
    /// When it goes on by itself; none when only something else can wake it.
    pub until: Option<Local>,
}

/// What a fiber of a run waits for.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitingFor {
    /// One of these events.
    Events(Vec<String>),
    /// An instant.
    Time,
    /// The next try of a step that failed.
    Retry {
        /// Tries so far.
        attempts: u32,
    },
    /// Its branches or items.
    Branches {
        /// Those that are alive.
        alive: u32,
    },
    /// A run that it called.
    Run(RunId),
    /// Somebody to let it go on.
    Resume,
}

/// As part of a sentence: `for order.paid until 2026-11-28 09:00 (step order)`.
impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.what {
            WaitingFor::Events(types) if types.is_empty() => f.write_str("for an event")?,
            WaitingFor::Events(types) => write!(f, "for {}", types.join(" or "))?,
            WaitingFor::Time => f.write_str("for the time")?,
            WaitingFor::Retry { attempts } => write!(f, "to try again, {attempts} tries so far,")?,
            WaitingFor::Branches { alive } => write!(f, "for {alive} branches")?,
            WaitingFor::Run(run) => write!(f, "for {run}")?,
            WaitingFor::Resume => f.write_str("for somebody to resume it")?,
        }
        if let Some(until) = &self.until {
            write!(f, " until {}", until.minute())?;
        }
        match &self.step {
            Some(step) => write!(f, " (step {step})"),
            None => Ok(()),
        }
    }
}

/// What a run's fibers wait for; nothing for a run that is over.
pub(super) fn waiting(
    frame: &Frame,
    run: &Run,
    program: Option<&Program>,
    journal: &[JournalRow],
) -> Vec<Waiting> {
    if run.status.is_terminal() {
        return Vec::new();
    }
    let fibers = run.state.fibers.iter();
    fibers.filter_map(|fiber| of_fiber(frame, fiber, program, journal)).collect()
}

fn of_fiber(
    frame: &Frame,
    fiber: &Fiber,
    program: Option<&Program>,
    journal: &[JournalRow],
) -> Option<Waiting> {
    let node = program.and_then(|program| program.node(fiber.at));
    let told = journal
        .iter()
        .rev()
        .find(|row| row.entry.fiber == fiber.id.0 && row.entry.kind == JournalKind::Waiting);
    let what = match &fiber.state {
        FiberState::Ready => return None,
        FiberState::Waiting { .. } => WaitingFor::Events(match node.map(|node| &node.action) {
            Some(Action::WaitEvent { types, .. }) => types.iter().map(ToString::to_string).collect(),
            _ => told.map(events_told).unwrap_or_default(),
        }),
        FiberState::Sleeping { .. } => WaitingFor::Time,
        FiberState::Retrying { .. } => WaitingFor::Retry { attempts: fiber.attempt },
        FiberState::Joining(joining) => WaitingFor::Branches { alive: joining.alive },
        FiberState::Calling { run } => WaitingFor::Run(*run),
        FiberState::Halted { .. } => WaitingFor::Resume,
    };
    let step = match node {
        Some(node) => Some(node.id.to_string()),
        None => told.and_then(|row| row.entry.step.as_ref()).map(ToString::to_string),
    };
    Some(Waiting { step, fiber: fiber.id.0, what, until: fiber.due_at().map(|at| frame.local(at)) })
}

/// The events that a line of the journal names.
fn events_told(row: &JournalRow) -> Vec<String> {
    let detail = parsed(row.entry.detail.as_deref());
    let events = detail.get("events").and_then(Value::as_list).unwrap_or_default();
    events.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}
