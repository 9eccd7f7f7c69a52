//! What wakes a run: an event it waits for, time, the end of a run it called.

use std::sync::Arc;

use siyu_model::clock::{DurationMs, UtcMs};
use siyu_model::event::Event;
use siyu_model::id::RunId;
use siyu_model::json::Value;
use siyu_model::plugin::Fault;
use siyu_model::run::{FiberId, FiberState, RunEnd, RunStatus};

use super::{Turn, node_of};
use crate::memory::{MemoryCell, Worked};
use crate::ports::rows::WaitRow;

/// An event that a wait may be for. The run goes on when it is.
pub(crate) fn by_event(cell: &mut MemoryCell, wait: &WaitRow, event: &Arc<Event>) -> Worked<()> {
    let depth = cell.cause_depth;
    let Some(mut turn) = Turn::begin(cell, wait.run)? else {
        return Ok(());
    };
    // A wait whose time is over takes nothing any more, even if its timer is still to fire.
    let now = turn.cell.now;
    let is_waiting = turn.live.run.state.fiber(wait.fiber).is_some_and(|fiber| {
        let is_over = fiber.due_at().is_some_and(|due_at| due_at <= now);
        matches!(fiber.state, FiberState::Waiting { wait: waiting, .. } if waiting == wait.id) && !is_over
    });
    if !is_waiting || turn.live.run.status != RunStatus::Live {
        turn.leave();
        return Ok(());
    }
    let script = turn.script.clone();
    let node = node_of(&script, turn.fiber(wait.fiber)?.at)?;
    if turn.fits(wait.fiber, node, event)? {
        let state = turn.fiber(wait.fiber)?.state.clone();
        turn.forget_wait(&state)?;
        turn.matched(wait.fiber, node, event)?;
        let id = turn.live.run.id;
        turn.end();
        cell.ready.push_back(id);
    } else {
        turn.leave();
    }
    cell.cause_depth = depth;
    Ok(())
}

/// A fiber's timer fired: a wait timed out, a sleep ended, a try is due, or the step's time is over.
pub(crate) fn by_time(cell: &mut MemoryCell, run: RunId, fiber: FiberId, due_at: UtcMs) -> Worked<()> {
    let Some(mut turn) = Turn::begin(cell, run)? else {
        return Ok(());
    };
    let is_due = turn.live.run.state.fiber(fiber).is_some_and(|fiber| fiber.due_at() == Some(due_at));
    if !is_due || turn.live.run.status.is_terminal() {
        turn.leave();
        return Ok(());
    }
    let script = turn.script.clone();
    let found = turn.fiber(fiber)?.clone();
    let node = node_of(&script, found.at)?;
    if found.deadline == Some(due_at) {
        turn.drop_below(fiber)?;
        turn.stop_waiting(fiber)?;
        // A step whose branches are gone does not wait for them any more, should it be tried again.
        turn.change_fiber(fiber, |fiber| fiber.state = FiberState::Ready)?;
        let message = format!("{}: not done within its `timeout`", node.place);
        turn.fail(fiber, node, Fault::permanent("TIMEOUT", message))?;
    } else {
        match found.state {
            FiberState::Waiting { .. } => {
                turn.forget_wait(&found.state)?;
                turn.timed_out(fiber, node)?;
            }
            FiberState::Sleeping { .. } => turn.finish(fiber, node, Value::map::<&str>([]))?,
            _ => turn.change_fiber(fiber, |fiber| fiber.state = FiberState::Ready)?,
        }
    }
    turn.end();
    cell.ready.push_back(run);
    Ok(())
}

/// A run that a fiber called is over.
pub(crate) fn by_called(
    cell: &mut MemoryCell,
    parent: (RunId, FiberId),
    called: RunId,
    end: &RunEnd,
    vars: Value,
) -> Worked<()> {
    let (run, fiber) = parent;
    let depth = cell.cause_depth;
    let Some(mut turn) = Turn::begin(cell, run)? else {
        return Ok(());
    };
    let is_calling = turn.live.run.state.fiber(fiber).is_some_and(|fiber| is_calling(&fiber.state, called));
    if !is_calling || turn.live.run.status.is_terminal() {
        turn.leave();
        return Ok(());
    }
    let script = turn.script.clone();
    let node = node_of(&script, turn.fiber(fiber)?.at)?;
    match end {
        RunEnd::Completed { outcome } => {
            let output = Value::map([("outcome", Value::text(outcome.as_str())), ("vars", vars)]);
            turn.finish(fiber, node, output)?;
        }
        RunEnd::Failed { fault } => {
            let message = format!("{}: the called {called} failed: {fault}", node.place);
            turn.fail(fiber, node, Fault::permanent("CALLED_RUN_FAILED", message))?;
        }
        RunEnd::Cancelled { reason } => {
            let message = format!("{}: the called {called} was cancelled: {reason}", node.place);
            turn.fail(fiber, node, Fault::permanent("CALLED_RUN_CANCELLED", message))?;
        }
    }
    turn.end();
    cell.ready.push_back(run);
    cell.cause_depth = depth;
    Ok(())
}

/// Fibers whose waits were halted wait again, for what was left of their time.
pub(crate) fn wait_again(
    cell: &mut MemoryCell,
    run: RunId,
    waiting: &[(FiberId, Option<DurationMs>)],
) -> Worked<()> {
    if waiting.is_empty() {
        return Ok(());
    }
    let Some(mut turn) = Turn::begin(cell, run)? else {
        return Ok(());
    };
    let script = turn.script.clone();
    for (fiber, left) in waiting {
        let node = node_of(&script, turn.fiber(*fiber)?.at)?;
        let until = left.map(|left| turn.cell.now + left);
        turn.wait_event_until(*fiber, node, until)?;
    }
    turn.end();
    Ok(())
}

fn is_calling(state: &FiberState, called: RunId) -> bool {
    match state {
        FiberState::Calling { run } => *run == called,
        FiberState::Halted { state, .. } => is_calling(state, called),
        _ => false,
    }
}
