//! Starting runs: what triggers allow, what keys and places forbid, and why not.

use std::fmt;
use std::sync::Arc;

use siyu_model::clock::DurationMs;
use siyu_model::event::Event;
use siyu_model::id::{CustomerId, RunId};
use siyu_model::journal::{JournalEntry, JournalKind};
use siyu_model::name::{PlaybookName, WorkflowName};
use siyu_model::playbook::{OnConflict, Reentry, Trigger};
use siyu_model::run::{Fiber, FiberId, Run, RunState, RunStatus, Target};

use crate::books::Script;
use crate::memory::{Halt, LiveRun, MemoryCell, Worked};
use crate::ports::rows::{EntryRow, Hash16};
use crate::slots::SlotKey;

/// A run to start.
pub(crate) struct Start {
    pub(crate) target: Target,
    pub(crate) customer: Option<CustomerId>,
    pub(crate) event: Arc<Event>,
    pub(crate) parent: Option<(RunId, FiberId)>,
}

impl Start {
    /// A plugin's reaction to an event.
    pub(super) fn reaction(target: Target, event: &Arc<Event>) -> Self {
        Self { target, customer: event.customer, event: event.clone(), parent: None }
    }
}

/// Why a run did not start. The words are what people read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NotStarted {
    /// The trigger's `if` did not hold.
    Condition,
    /// An expression of the trigger had no value.
    Expression(String),
    /// A run of the same key is alive.
    KeyAlive(RunId),
    /// The key ran before, and `reentry` says once.
    Once(RunId),
    /// The key ran too recently.
    TooSoon(DurationMs),
    /// There was no place.
    NoPlace,
    /// Too many events lie behind this one.
    Loop,
    /// The workflow is gone.
    Gone,
}

impl fmt::Display for NotStarted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Condition => f.write_str("its `if` did not hold"),
            Self::Expression(why) => write!(f, "an expression had no value: {why}"),
            Self::KeyAlive(run) => write!(f, "{run} of the same key is still alive"),
            Self::Once(run) => write!(f, "`reentry: once`, and {run} ran before"),
            Self::TooSoon(left) => write!(f, "`reentry`: {left} too early"),
            Self::NoPlace => f.write_str("`concurrency`: no place was free"),
            Self::Loop => write!(
                f,
                "a loop: more than {} events that caused runs that emitted events lie behind it",
                siyu_model::limits::run::CAUSE_DEPTH_MAX
            ),
            Self::Gone => f.write_str("the workflow is not published any more"),
        }
    }
}

type Started = Result<RunId, NotStarted>;

/// Starts a workflow of the active version if its trigger takes this event.
pub(super) fn by_event(
    cell: &mut MemoryCell,
    playbook: &PlaybookName,
    workflow: &WorkflowName,
    event: &Arc<Event>,
) -> Worked<Started> {
    let Some((version, _)) = cell.books.active(playbook) else {
        return Ok(Err(NotStarted::Gone));
    };
    let target =
        Target::Workflow { playbook: playbook.clone(), version: *version, workflow: workflow.clone() };
    let Some(script) = cell.books.script(&target) else {
        return Ok(Err(NotStarted::Gone));
    };
    if let Trigger::Event { condition: Some(condition), .. } = &script.workflow.trigger {
        let sight = cell.sight(&script.playbook, &script.vars, event.customer, Some(event.clone()))?;
        match condition.holds(&sight.scope()) {
            Ok(true) => {}
            Ok(false) => return Ok(Err(NotStarted::Condition)),
            Err(fault) if fault.is_transient => return Err(transient(fault)),
            Err(fault) => return Ok(Err(NotStarted::Expression(fault.message))),
        }
    }
    start(cell, Start { target, customer: event.customer, event: event.clone(), parent: None })
}

fn transient(fault: siyu_model::expr::EvalError) -> Halt {
    Halt::Store(crate::ports::store::StoreError::Database(fault.message))
}

/// Starts a run if its key and its places allow it.
pub(crate) fn start(cell: &mut MemoryCell, start: Start) -> Worked<Started> {
    let Some(script) = cell.books.script(&start.target) else {
        return Ok(Err(NotStarted::Gone));
    };
    let workflow = script.workflow.clone();
    let (key, slot) = match keys(cell, &script, &start)? {
        Ok(keys) => keys,
        Err(why) => return Ok(Err(why)),
    };
    let entry = key.as_ref().map(|key| entry_hash(&start.target, key));
    if let Some(hash) = entry {
        let before = cell.entry(start.customer, hash)?;
        if let Some(why) = before.and_then(|before| forbids(workflow.reentry, &before, cell.now)) {
            return Ok(Err(why));
        }
    }
    let slot_key = slot.clone().map(|slot| slot_key(&start.target, slot));
    let status = match (&slot_key, &workflow.concurrency) {
        (Some(slot_key), Some(concurrency)) => {
            match place(cell, slot_key, concurrency.limit, concurrency.on_conflict)? {
                Some(status) => status,
                None => return Ok(Err(NotStarted::NoPlace)),
            }
        }
        _ => RunStatus::Live,
    };
    let run = new_run(cell, &start, &script, (key, slot, status));
    let id = run.id;
    if let Some(slot_key) = &slot_key {
        match run.status {
            RunStatus::Queued => cell.slot_queue(slot_key, id)?,
            _ => cell.slot_enter(slot_key, id)?,
        }
    }
    if let Some(hash) = entry {
        let (customer, started_at) = (start.customer, cell.now);
        cell.set_entry(EntryRow { hash, customer, run: id, started_at, is_alive: true })?;
    }
    let is_live = run.status == RunStatus::Live;
    let mut live = LiveRun { run, event: Some(start.event), journal: Vec::new() };
    if is_live {
        cell.ready.push_back(id);
    } else {
        let at = cell.now;
        live.write(JournalEntry { at, step: None, fiber: 0, kind: JournalKind::Queued, detail: None });
    }
    cell.put_run(live);
    Ok(Ok(id))
}

fn new_run(
    cell: &MemoryCell,
    start: &Start,
    script: &Script,
    (key, slot, status): (Option<String>, Option<String>, RunStatus),
) -> Run {
    let entry = script.workflow.program.entry;
    let fibers = entry.map(|entry| vec![Fiber::new(FiberId(0), None, entry)]).unwrap_or_default();
    let event = start.event.seq.0.to_be_bytes();
    let customer = start.customer.map(|id| *id.as_bytes()).unwrap_or_default();
    let (parent, fiber) = start.parent.map(|(id, fiber)| (*id.as_bytes(), fiber.0)).unwrap_or_default();
    let name = start.target.name();
    let fiber = fiber.to_be_bytes();
    Run {
        id: RunId::derive(cell.now, &[&event, name.as_bytes(), &customer, &parent, &fiber]),
        target: start.target.clone(),
        customer: start.customer,
        key,
        slot,
        event: Some(start.event.seq),
        since_seq: start.event.seq,
        depth: start.event.depth,
        parent: start.parent,
        started_at: cell.now,
        changed_at: cell.now,
        status,
        state: RunState { fibers, next_fiber: 1, ..RunState::default() },
        journal_rows: 0,
    }
}

/// The values of `key` and of the concurrency key.
type Keys = (Option<String>, Option<String>);

fn keys(cell: &mut MemoryCell, script: &Arc<Script>, start: &Start) -> Worked<Result<Keys, NotStarted>> {
    let workflow = &script.workflow;
    if workflow.key.is_none() && workflow.concurrency.is_none() {
        return Ok(Ok((None, None)));
    }
    let sight = cell.sight(&script.playbook, &script.vars, start.customer, Some(start.event.clone()))?;
    let scope = sight.scope();
    let text = |expr: &siyu_model::expr::Expr| match expr.eval(&scope) {
        Ok(siyu_model::json::Value::Text(text)) => Ok(Ok(text.to_string())),
        Ok(other) => Ok(Ok(siyu_model::json::print(&other).unwrap_or_default())),
        Err(fault) if fault.is_transient => Err(transient(fault)),
        Err(fault) => Ok(Err(NotStarted::Expression(fault.message))),
    };
    let key = match workflow.key.as_ref().map(text).transpose()?.transpose() {
        Ok(key) => key,
        Err(why) => return Ok(Err(why)),
    };
    let slot = match &workflow.concurrency {
        None => None,
        Some(concurrency) => match concurrency.key.as_ref().map(text).transpose()?.transpose() {
            Ok(slot) => Some(slot.unwrap_or_default()),
            Err(why) => return Ok(Err(why)),
        },
    };
    Ok(Ok((key, slot)))
}

/// Under which hash a workflow remembers a key. The version does not count: a new version is the same workflow.
pub(crate) fn entry_hash(target: &Target, key: &str) -> Hash16 {
    Hash16::of(&[target.playbook().as_str().as_bytes(), target.name().as_bytes(), key.as_bytes()])
}

/// Which runs share places with a run.
pub(crate) fn slot_key(target: &Target, slot: String) -> SlotKey {
    (target.playbook().clone(), target.name(), slot)
}

fn forbids(reentry: Reentry, before: &EntryRow, now: siyu_model::clock::UtcMs) -> Option<NotStarted> {
    if before.is_alive {
        return Some(NotStarted::KeyAlive(before.run));
    }
    match reentry {
        Reentry::Always => None,
        Reentry::Once => Some(NotStarted::Once(before.run)),
        Reentry::After(pause) => {
            let again_at = before.started_at + pause;
            (now < again_at).then(|| NotStarted::TooSoon(again_at.since(now)))
        }
    }
}

/// The status with which a run begins under `concurrency`; none when it does not begin.
fn place(
    cell: &mut MemoryCell,
    slot: &SlotKey,
    limit: u32,
    on_conflict: OnConflict,
) -> Worked<Option<RunStatus>> {
    let alive = cell.slot_alive(slot)?;
    if alive.len() < limit as usize {
        return Ok(Some(RunStatus::Live));
    }
    match on_conflict {
        OnConflict::Skip => Ok(None),
        OnConflict::Queue => Ok(cell.slot_can_queue(slot)?.then_some(RunStatus::Queued)),
        OnConflict::CancelOldest => {
            // One that is undoing what it did ends by itself: the next oldest makes room.
            let reason = "a newer run took its place (concurrency: cancel_oldest)";
            for oldest in alive {
                if crate::advance::end::cancel(cell, oldest, reason)? {
                    break;
                }
            }
            Ok(Some(RunStatus::Live))
        }
    }
}
