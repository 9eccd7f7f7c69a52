//! What people do to runs: pausing, resuming and cancelling them, and beginning them again.

use serde::{Deserialize, Serialize};
use siyu_model::clock::DurationMs;
use siyu_model::id::{MessageId, RunId};
use siyu_model::journal::{JournalEntry, JournalKind};
use siyu_model::name::{PlaybookName, StepId, WorkflowName};
use siyu_model::run::{FiberState, RunPhase, RunStatus};

use super::again;
use crate::admit;
use crate::memory::{LiveRun, MemoryCell, Worked};
use crate::ports::rows::TimerKind;

/// What a person does to a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunAction {
    /// Halts it; its waits and timers stand still.
    Pause,
    /// Lets a halted run go on: what was left of its waits counts from now, so nothing overdue bursts out.
    Resume,
    /// Ends it, and undoes what has a `compensate`.
    Cancel {
        /// Who and why.
        reason: String,
    },
    /// Begins a new run at the step where this one failed.
    Retry,
    /// The same as a run of this id; when that run is there already it is the answer, and nothing happens. So whoever got
    /// no answer may ask again.
    RetryAs(RunId),
    /// Begins a new run at a step of one that is over, with what the steps before it gave. What those did is not done again,
    /// and not undone when the new run fails.
    Replay {
        /// The step: one that the run takes itself, outside of branches and items.
        from: StepId,
        /// The id of the new run, as for [`RunAction::RetryAs`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        new: Option<RunId>,
    },
}

/// Why a person's wish was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OperateError {
    /// No such run.
    #[error("there is no run {0}")]
    UnknownRun(RunId),
    /// The run is not in a state in which that can be done.
    #[error("{run} is {found}: only a run that is {expected} can be {action}")]
    State {
        /// The run.
        run: RunId,
        /// Its state.
        found: &'static str,
        /// The states in which it can be done.
        expected: &'static str,
        /// What was wanted.
        action: &'static str,
    },
    /// The run undid what it had done.
    #[error("{0} was undone by its compensations: start a new run instead of retrying it")]
    Undone(RunId),
    /// The run cannot begin again at that step.
    #[error("{run} cannot begin again at `{step}`: {why}")]
    Step {
        /// The run.
        run: RunId,
        /// The step.
        step: StepId,
        /// Why not.
        why: &'static str,
    },
    /// No such customer.
    #[error("there is no customer {0}")]
    UnknownCustomer(String),
    /// No such message.
    #[error("there is no message {0}")]
    UnknownMessage(MessageId),
    /// What became of the message is known, or not yet asked.
    #[error("{message} is {found}: only a message that is uncertain can be settled")]
    Certain {
        /// The message.
        message: MessageId,
        /// Its status.
        found: &'static str,
    },
    /// The message does not go once more.
    #[error("{message} is not redelivered: {why}")]
    NoRedelivery {
        /// The message.
        message: MessageId,
        /// Why not.
        why: String,
    },
    /// No such workflow.
    #[error("there is no published workflow `{workflow}` in playbook `{playbook}`")]
    UnknownWorkflow {
        /// The playbook.
        playbook: PlaybookName,
        /// The workflow.
        workflow: WorkflowName,
    },
    /// The workflow is not started by hand.
    #[error("`{0}` is not started by hand: its trigger is not `manual`")]
    NotManual(WorkflowName),
    /// The run was not allowed to start.
    #[error("not started: {0}")]
    NotStarted(String),
    /// The customer is not known, or the data is no document.
    #[error(transparent)]
    Refused(#[from] admit::Refused),
}

impl OperateError {
    /// Whether what it is about is not there.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::UnknownRun(_) | Self::UnknownCustomer(_) | Self::UnknownMessage(_))
    }
}

pub(super) type Operated<T> = Worked<Result<T, OperateError>>;

/// Does something to a run; gives the run that goes on: the same, or for a retry the new one.
pub(crate) fn act(cell: &mut MemoryCell, id: RunId, action: RunAction) -> Operated<RunId> {
    let Some(live) = cell.run(id)? else {
        return Ok(Err(OperateError::UnknownRun(id)));
    };
    let phase = live.run.status.phase();
    let wrong =
        |expected, action| Ok(Err(OperateError::State { run: id, found: phase.as_str(), expected, action }));
    match action {
        RunAction::Pause if phase != RunPhase::Live => wrong("live", "paused"),
        RunAction::Pause => pause(cell, id).map(|()| Ok(id)),
        RunAction::Resume if phase != RunPhase::Paused => wrong("paused", "resumed"),
        RunAction::Resume => resume(cell, id).map(|()| Ok(id)),
        RunAction::Cancel { reason } => {
            if crate::advance::end::cancel(cell, id, &reason)? {
                Ok(Ok(id))
            } else {
                wrong("queued, live or paused", "cancelled")
            }
        }
        RunAction::RetryAs(new) | RunAction::Replay { new: Some(new), .. } if cell.run(new)?.is_some() => {
            Ok(Ok(new))
        }
        RunAction::Retry | RunAction::RetryAs(_) if phase != RunPhase::Failed => wrong("failed", "retried"),
        RunAction::Retry => again::retry(cell, id, None),
        RunAction::RetryAs(new) => again::retry(cell, id, Some(new)),
        RunAction::Replay { .. } if !phase.is_terminal() => {
            wrong("completed, failed or cancelled", "replayed")
        }
        RunAction::Replay { from, new } => again::replay(cell, id, &from, new),
    }
}

fn pause(cell: &mut MemoryCell, id: RunId) -> Worked<()> {
    let Some(mut live) = cell.take_run(id)? else {
        return Ok(());
    };
    let now = cell.now;
    let customer = live.run.customer;
    for fiber in &mut live.run.state.fibers {
        if let Some(due_at) = fiber.due_at() {
            cell.clear_timer(due_at, &TimerKind::Fiber { run: id, fiber: fiber.id });
        }
        let (wait, until) = match &fiber.state {
            FiberState::Waiting { wait, until, matching } => (Some((*wait, *matching)), *until),
            FiberState::Sleeping { until } | FiberState::Retrying { until } => (None, Some(*until)),
            _ => (None, None),
        };
        if let Some((wait, matching)) = wait {
            cell.remove_wait(wait, customer, matching)?;
        }
        let left = until.map(|until| until.since(now));
        let deadline_left = fiber.deadline.take().map(|deadline| deadline.since(now));
        let state = Box::new(std::mem::replace(&mut fiber.state, FiberState::Ready));
        fiber.state = FiberState::Halted { state, left, deadline_left };
    }
    write(&mut live, now, JournalKind::Paused);
    live.run.status = RunStatus::Paused { since: now };
    live.run.changed_at = now;
    cell.put_run(live);
    Ok(())
}

fn resume(cell: &mut MemoryCell, id: RunId) -> Worked<()> {
    let Some(mut live) = cell.take_run(id)? else {
        return Ok(());
    };
    let now = cell.now;
    write(&mut live, now, JournalKind::Resumed);
    live.run.status = RunStatus::Live;
    live.run.changed_at = now;
    let mut waiting = Vec::new();
    for fiber in &mut live.run.state.fibers {
        let FiberState::Halted { state, left, deadline_left } = fiber.state.clone() else {
            continue;
        };
        fiber.deadline = deadline_left.map(|left| now + left);
        fiber.state = match *state {
            // The wait is looked for anew: what came meanwhile counts as what comes later.
            FiberState::Waiting { .. } => {
                waiting.push((fiber.id, left));
                FiberState::Ready
            }
            FiberState::Sleeping { .. } => {
                FiberState::Sleeping { until: now + left.unwrap_or(DurationMs::ZERO) }
            }
            FiberState::Retrying { .. } => {
                FiberState::Retrying { until: now + left.unwrap_or(DurationMs::ZERO) }
            }
            other => other,
        };
        if let Some(due_at) = fiber.due_at() {
            cell.set_timer(due_at, TimerKind::Fiber { run: id, fiber: fiber.id });
        }
    }
    cell.put_run(live);
    crate::advance::wake::wait_again(cell, id, &waiting)?;
    cell.ready.push_back(id);
    Ok(())
}

fn write(live: &mut LiveRun, at: siyu_model::clock::UtcMs, kind: JournalKind) {
    live.write(JournalEntry { at, step: None, fiber: 0, kind, detail: None });
}
