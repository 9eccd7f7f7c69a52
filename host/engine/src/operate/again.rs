//! Beginning a run again: where it failed, or at a step of one that is over. The old run stays as it is.

use siyu_model::id::RunId;
use siyu_model::journal::{JournalEntry, JournalKind};
use siyu_model::json::{self, Value};
use siyu_model::name::StepId;
use siyu_model::playbook::{NodeId, Program};
use siyu_model::run::{Fiber, FiberId, FiberState, Run, RunState, RunStatus};

use super::OperateError;
use super::runs::Operated;
use crate::advance::script_for;
use crate::memory::{Halt, LiveRun, MemoryCell, Worked};

/// A new run of the same version, at the step where the old one failed, with what it had kept.
pub(super) fn retry(cell: &mut MemoryCell, id: RunId, new: Option<RunId>) -> Operated<RunId> {
    let Some(old) = cell.run(id)?.cloned() else {
        return Ok(Err(OperateError::UnknownRun(id)));
    };
    if old.run.state.fibers.is_empty() {
        return Ok(Err(OperateError::Undone(id)));
    }
    let mut state = old.run.state.clone();
    for fiber in &mut state.fibers {
        restart(fiber);
    }
    let detail = Value::map([("retry_of", Value::text(id.to_string()))]);
    begin(cell, old, (state, detail), new, b"retry").map(Ok)
}

/// A new run of the same version at a step, with what the steps before it gave.
pub(super) fn replay(cell: &mut MemoryCell, id: RunId, from: &StepId, new: Option<RunId>) -> Operated<RunId> {
    let Some(old) = cell.run(id)?.cloned() else {
        return Ok(Err(OperateError::UnknownRun(id)));
    };
    let wrong = |why| Ok(Err(OperateError::Step { run: id, step: from.clone(), why }));
    let Some(script) = script_for(cell, &old.run.target)? else {
        return wrong("its version is not kept any more");
    };
    if let Some(customer) = old.run.customer
        && cell.person(customer)?.is_none()
    {
        return wrong("its customer was erased");
    }
    if old.run.event.is_some() && old.event.is_none() {
        return wrong("the event that it began with is not kept any more");
    }
    let program = &script.workflow.program;
    let at = match step_of(program, from) {
        Ok(at) => at,
        Err(why) => return wrong(why),
    };
    let later: Vec<&StepId> =
        program.steps_from(at).into_iter().filter_map(|id| program.node(id)).map(|node| &node.id).collect();
    let mut kept = old.run.state.kept.clone();
    kept.retain(|step, _| !later.contains(&step));
    let state = RunState {
        fibers: vec![Fiber::new(FiberId(0), None, at)],
        next_fiber: 1,
        kept,
        vars: old.run.state.vars.clone(),
        ..RunState::default()
    };
    // What came after the old run began was for the old one: waits of the new one look for what comes now.
    let old = LiveRun { run: Run { since_seq: cell.last_seq(), ..old.run }, ..old };
    let detail =
        Value::map([("replay_of", Value::text(id.to_string())), ("from", Value::text(from.as_str()))]);
    begin(cell, old, (state, detail), new, b"replay").map(Ok)
}

/// The step of this name, where a run can begin.
fn step_of(program: &Program, name: &StepId) -> Result<NodeId, &'static str> {
    let place = program.nodes.iter().position(|node| node.id == *name);
    let place = place.and_then(|place| u32::try_from(place).ok()).map(NodeId);
    let at = place.ok_or("its workflow has no such step")?;
    if program.own_steps().contains(&at) {
        Ok(at)
    } else {
        Err(
            "that step is in a branch of `parallel`, in an item of `each`, or undoes another one; expected a step of the \
             run itself",
        )
    }
}

/// Begins a run like an old one in another state.
fn begin(
    cell: &mut MemoryCell,
    old: LiveRun,
    (state, detail): (RunState, Value),
    new: Option<RunId>,
    how: &[u8],
) -> Worked<RunId> {
    let at = cell.now;
    let new = match new {
        Some(new) => new,
        None => free_id(cell, old.run.id, how)?,
    };
    let run = Run {
        id: new,
        status: RunStatus::Live,
        state,
        started_at: at,
        changed_at: at,
        journal_rows: 0,
        // The key and the place of the old run are free again; a new one does not fight for them.
        key: None,
        slot: None,
        parent: None,
        ..old.run
    };
    let mut live = LiveRun { run, event: old.event, journal: Vec::new() };
    let detail = json::print(&detail).ok();
    live.write(JournalEntry { at, step: None, fiber: 0, kind: JournalKind::Started, detail });
    cell.put_run(live);
    cell.ready.push_back(new);
    Ok(new)
}

/// The id of a new try of a run: the same run may be tried again several times in one instant.
fn free_id(cell: &mut MemoryCell, id: RunId, how: &[u8]) -> Worked<RunId> {
    for number in 0u32.. {
        let new = RunId::derive(cell.now, &[id.as_bytes(), how, &number.to_be_bytes()]);
        if cell.run(new)?.is_none() {
            return Ok(new);
        }
    }
    Err(Halt::Broken(format!("run {id} was tried again too often in one instant")))
}

/// A fiber begins its step anew; one that waits for branches goes on waiting for them.
fn restart(fiber: &mut Fiber) {
    fiber.attempt = 0;
    fiber.deadline = None;
    if !matches!(fiber.state, FiberState::Joining(_)) {
        fiber.state = FiberState::Ready;
    }
}
