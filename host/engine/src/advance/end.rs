//! How runs end: all their fibers stop, what they did is undone if it must be, and others get their place.

use siyu_model::id::RunId;
use siyu_model::journal::{JournalEntry, JournalKind};
use siyu_model::json::Value;
use siyu_model::plugin::Fault;
use siyu_model::run::{Fiber, FiberId, RunEnd, RunStatus};

use super::{Turn, wake};
use crate::admit::{entry_hash, slot_key};
use crate::memory::{MemoryCell, Worked};
use crate::ports::rows::EntryRow;

/// Cancels a run; one that is over stays as it is. Says whether it was cancelled.
pub(crate) fn cancel(cell: &mut MemoryCell, id: RunId, reason: &str) -> Worked<bool> {
    let Some(mut turn) = Turn::begin(cell, id)? else {
        return Ok(false);
    };
    let status = turn.live.run.status.clone();
    if status.is_terminal() || matches!(status, RunStatus::Undoing { .. }) {
        turn.leave();
        return Ok(false);
    }
    let detail = Value::map([("reason", Value::text(reason))]);
    turn.write(FiberId(0), None, JournalKind::Cancelled, Some(detail));
    turn.finish_run(RunEnd::Cancelled { reason: reason.to_owned() })?;
    turn.end();
    Ok(true)
}

impl Turn<'_> {
    /// The run has done what it was for.
    pub(super) fn complete(&mut self, outcome: &str) -> Worked<()> {
        self.finish_run(RunEnd::Completed { outcome: outcome.to_owned() })
    }

    /// A fault that nothing catches.
    pub(super) fn fail_run(&mut self, fault: Fault) -> Worked<()> {
        self.finish_run(RunEnd::Failed { fault })
    }

    /// Stops all fibers. Without anything to undo the run is over, else its compensations run first.
    fn finish_run(&mut self, end: RunEnd) -> Worked<()> {
        let is_queued = self.live.run.status == RunStatus::Queued;
        let fibers: Vec<FiberId> = self.live.run.state.fibers.iter().map(|fiber| fiber.id).collect();
        for fiber in &fibers {
            self.stop_waiting(*fiber)?;
        }
        let must_undo = !matches!(end, RunEnd::Completed { .. }) && !self.live.run.state.undo.is_empty();
        if must_undo && !is_queued {
            self.live.run.status = RunStatus::Undoing { end };
            self.next_undo();
            // A run that is cancelled from outside is not being advanced: let it go on by itself.
            self.cell.ready.push_back(self.live.run.id);
            return Ok(());
        }
        self.over(end)
    }

    /// The fiber that runs the next compensation; without one the run is over.
    pub(super) fn next_undo(&mut self) -> bool {
        let state = &mut self.live.run.state;
        let Some(undo) = state.undo.last() else {
            return false;
        };
        let id = FiberId(state.next_fiber);
        state.next_fiber += 1;
        state.fibers = vec![Fiber::new(id, None, undo.node)];
        true
    }

    /// The run is over: its key and its place are free, and whoever called it goes on.
    pub(super) fn over(&mut self, end: RunEnd) -> Worked<()> {
        let now = self.cell.now;
        let run = &mut self.live.run;
        run.status = RunStatus::Ended { end: end.clone(), at: now };
        // A failed run keeps where it was, so that it can be tried again from there.
        if !matches!(end, RunEnd::Failed { .. }) {
            run.state.fibers.clear();
        }
        let (id, customer) = (run.id, run.customer);
        if let Some(key) = &run.key {
            let hash = entry_hash(&run.target, key);
            if let Some(entry) = self.cell.entry(customer, hash)?.filter(|entry| entry.run == id) {
                self.cell.set_entry(EntryRow { is_alive: false, ..entry })?;
            }
        }
        self.free_place()?;
        if let Some(parent) = self.live.run.parent {
            let vars = Value::map(self.live.run.state.vars.clone());
            wake::by_called(self.cell, parent, id, &end, vars)?;
            self.cell.cause_depth = self.live.run.depth;
        }
        Ok(())
    }

    /// Lets the runs that have waited longest begin, as many as there are places: a newer version may have more of them.
    fn free_place(&mut self) -> Worked<()> {
        let Some(slot) = self.live.run.slot.clone() else {
            return Ok(());
        };
        let Some(concurrency) = self.script.workflow.concurrency.clone() else {
            return Ok(());
        };
        let key = slot_key(&self.live.run.target, slot);
        self.cell.slot_leave(&key, self.live.run.id)?;
        while let Some(next) = self.cell.slot_next(&key, concurrency.limit)? {
            let Some(mut live) = self.cell.take_run(next)? else {
                self.cell.slot_leave(&key, next)?;
                continue;
            };
            self.cell.slot_enter(&key, next)?;
            if live.run.status == RunStatus::Queued {
                let at = self.cell.now;
                live.run.status = RunStatus::Live;
                live.run.changed_at = at;
                live.write(JournalEntry {
                    at,
                    step: None,
                    fiber: 0,
                    kind: JournalKind::Started,
                    detail: None,
                });
                self.cell.ready.push_back(next);
            }
            self.cell.put_run(live);
        }
        Ok(())
    }
}
