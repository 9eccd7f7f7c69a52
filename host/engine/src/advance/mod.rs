//! Advance: a run goes on until it waits or ends.
//!
//! A step of the workflow changes the run only when it is over; a plugin's effects come with it or not at all.

pub(crate) mod end;
mod flow;
mod join;
mod look_back;
mod outcome;
mod steps;
mod undo;
mod uses;
mod waits;
pub(crate) mod wake;

use std::sync::Arc;

use siyu_model::expr::{EvalError, Scope, ValueTemplate};
use siyu_model::id::RunId;
use siyu_model::journal::{JournalEntry, JournalKind};
use siyu_model::json::{self, Value};
use siyu_model::limits;
use siyu_model::name::StepId;
use siyu_model::playbook::{Node, NodeId};
use siyu_model::plugin::Fault;
use siyu_model::run::{Fiber, FiberId, FiberState, RunStatus, Target};

use crate::books::Script;
use crate::memory::{Halt, LiveRun, MemoryCell, Worked};
use crate::ports::rows::TimerKind;

/// A run that is being worked on: out of memory, with its script.
pub(crate) struct Turn<'a> {
    cell: &'a mut MemoryCell,
    live: LiveRun,
    script: Arc<Script>,
}

/// Lets a run go on. A run that is gone, over or halted is left as it is.
pub(crate) fn advance(cell: &mut MemoryCell, id: RunId) -> Worked<()> {
    let Some(mut turn) = Turn::begin(cell, id)? else {
        return Ok(());
    };
    turn.go()?;
    turn.end();
    Ok(())
}

impl<'a> Turn<'a> {
    /// Takes a run out of memory.
    pub(crate) fn begin(cell: &'a mut MemoryCell, id: RunId) -> Worked<Option<Self>> {
        let Some(live) = cell.take_run(id)? else {
            return Ok(None);
        };
        let script = script_of(cell, &live)?;
        cell.cause_depth = live.run.depth;
        Ok(Some(Self { cell, live, script }))
    }

    /// Puts the run back, changed.
    pub(crate) fn end(mut self) {
        self.live.run.changed_at = self.cell.now;
        self.cell.put_run(self.live);
    }

    /// Puts the run back as it was.
    fn leave(self) {
        self.cell.return_run(self.live);
    }

    /// Executes ready fibers until none is left, the run is over, or others should have their turn.
    fn go(&mut self) -> Worked<()> {
        let mut steps = 0;
        while matches!(self.live.run.status, RunStatus::Live | RunStatus::Undoing { .. }) {
            let ready = self.live.run.state.fibers.iter().find(|fiber| fiber.state == FiberState::Ready);
            let Some(fiber) = ready.map(|fiber| fiber.id) else {
                break;
            };
            if steps == limits::run::STEPS_PER_TURN {
                let (now, run) = (self.cell.now, self.live.run.id);
                self.cell.set_timer(now, TimerKind::Turn(run));
                break;
            }
            steps += 1;
            match self.live.run.status {
                RunStatus::Undoing { .. } => self.undo_step(fiber)?,
                _ => self.step(fiber)?,
            }
            if self.live.run.journal_rows > limits::run::JOURNAL_ROWS_MAX
                && !self.live.run.status.is_terminal()
            {
                let message = format!("the journal has {} lines", limits::run::JOURNAL_ROWS_MAX);
                self.fail_run(Fault::permanent("JOURNAL_FULL", message))?;
            }
        }
        // A run without steps, or one whose last fiber ended.
        if self.live.run.status == RunStatus::Live && self.live.run.state.fibers.is_empty() {
            self.complete("done")?;
        }
        Ok(())
    }

    /// Executes the step that a fiber is at.
    fn step(&mut self, fiber: FiberId) -> Worked<()> {
        let script = self.script.clone();
        let at = self.fiber(fiber)?.at;
        let node = node_of(&script, at)?;
        if self.fiber(fiber)?.attempt == 0 {
            if let Some(condition) = &node.condition {
                match self.evaluate(fiber, |scope| condition.holds(scope))? {
                    Ok(true) => {}
                    Ok(false) => {
                        self.write(fiber, Some(node), JournalKind::Skipped, None);
                        return self.go_to(fiber, node.next);
                    }
                    Err(fault) => return self.fail(fiber, node, fault),
                }
            }
            if let Some(timeout) = node.timeout {
                let deadline = self.cell.now + timeout;
                self.change_fiber(fiber, |fiber| fiber.deadline = Some(deadline))?;
            }
        }
        self.act(fiber, node)
    }

    /// The fiber of a number; the caller has it from the run itself.
    fn fiber(&self, id: FiberId) -> Worked<&Fiber> {
        let run = &self.live.run;
        run.state.fiber(id).ok_or_else(|| Halt::Broken(format!("run {} has no fiber {}", run.id, id.0)))
    }

    /// Changes a fiber; its timer follows.
    fn change_fiber(&mut self, id: FiberId, change: impl FnOnce(&mut Fiber)) -> Worked<()> {
        let run = &mut self.live.run;
        let kind = TimerKind::Fiber { run: run.id, fiber: id };
        let missing = || Halt::Broken(format!("a run has no fiber {}", id.0));
        let fiber = run.state.fiber_mut(id).ok_or_else(missing)?;
        let before = fiber.due_at();
        change(fiber);
        let after = fiber.due_at();
        if before != after {
            if let Some(before) = before {
                self.cell.clear_timer(before, &kind);
            }
            if let Some(after) = after {
                self.cell.set_timer(after, kind);
            }
        }
        Ok(())
    }

    /// Evaluates something that a fiber sees. The inner result is the expression's own.
    fn evaluate<T>(
        &mut self,
        fiber: FiberId,
        evaluation: impl FnOnce(&Scope<'_>) -> Result<T, EvalError>,
    ) -> Worked<Result<T, Fault>> {
        let run = &self.live.run;
        let vars = if run.state.vars.is_empty() {
            self.script.vars.clone()
        } else {
            self.script.vars.patched(&run.state.vars)
        };
        let sight = self.cell.sight(&self.script.playbook, &vars, run.customer, self.live.event.clone())?;
        let outputs = run.state.outputs(fiber);
        let names = self.item_names(fiber);
        let mut scope = sight.scope();
        scope.steps = Some(&outputs);
        scope.run = Some((run.id, run.started_at));
        scope.names = &names;
        match evaluation(&scope) {
            Ok(value) => Ok(Ok(value)),
            Err(fault) if fault.is_transient => {
                Err(Halt::Store(crate::ports::store::StoreError::Database(fault.message)))
            }
            Err(fault) => {
                let place =
                    run.state.fiber(fiber).and_then(|fiber| self.script.workflow.program.node(fiber.at));
                let place = place.map(|node| format!("{}: ", node.place)).unwrap_or_default();
                Ok(Err(Fault::permanent("EXPRESSION", format!("{place}{}", fault.message))))
            }
        }
    }

    /// Fills a document in that leaves the run: it is within the limits of documents.
    fn fill_document(&mut self, fiber: FiberId, template: &ValueTemplate) -> Worked<Result<Value, Fault>> {
        let value = match self.fill(fiber, template)? {
            Ok(value) => value,
            Err(fault) => return Ok(Err(fault)),
        };
        if let Err(why) = json::print(&value) {
            let place = self.fiber(fiber)?.at;
            let place = node_of(&self.script, place)?.place.to_string();
            return Ok(Err(Fault::permanent("BAD_DOCUMENT", format!("{place}: {why}"))));
        }
        Ok(Ok(value))
    }

    /// Fills a document in, however large or deep it gets.
    fn fill(&mut self, fiber: FiberId, template: &ValueTemplate) -> Worked<Result<Value, Fault>> {
        if let ValueTemplate::Const(value) = template {
            return Ok(Ok(value.clone()));
        }
        self.evaluate(fiber, |scope| template.fill(scope))
    }

    /// The items of the `each` steps around a fiber, innermost first.
    fn item_names(&self, fiber: FiberId) -> Vec<(Arc<str>, Value)> {
        let state = &self.live.run.state;
        let mut names = Vec::new();
        let mut next = state.fiber(fiber);
        while let Some(fiber) = next {
            if let Some(item) = &fiber.item {
                names.push((Arc::from(item.name.as_str()), item.value.clone()));
            }
            next = fiber.parent.and_then(|parent| state.fiber(parent));
        }
        names
    }

    /// Adds a line to the journal.
    fn write(&mut self, fiber: FiberId, node: Option<&Node>, kind: JournalKind, detail: Option<Value>) {
        let detail = detail.map(|detail| json::print(&detail).unwrap_or_else(|fault| format!("\"{fault}\"")));
        self.write_text(fiber, node.map(|node| node.id.clone()), kind, detail);
    }

    fn write_text(
        &mut self,
        fiber: FiberId,
        step: Option<StepId>,
        kind: JournalKind,
        detail: Option<String>,
    ) {
        let at = self.cell.now;
        self.live.write(JournalEntry { at, step, fiber: fiber.0, kind, detail });
    }
}

/// What a run executes.
fn script_of(cell: &mut MemoryCell, live: &LiveRun) -> Worked<Arc<Script>> {
    let (target, run) = (&live.run.target, live.run.id);
    let missing = || Halt::Broken(format!("run {run}: there is no `{}` in its version", target.name()));
    script_for(cell, target)?.ok_or_else(missing)
}

/// What a target stands for; none when its version has no such workflow. A version that is not in memory is read from the
/// store: a newer one may have come since, and the host may have started again.
pub(crate) fn script_for(cell: &mut MemoryCell, target: &Target) -> Worked<Option<Arc<Script>>> {
    if let Some(script) = cell.books.script(target) {
        return Ok(Some(script));
    }
    let (playbook, version) = (target.playbook().clone(), target.version());
    let Some(row) = cell.reader().ask(|store| store.playbook(&playbook, version))? else {
        return Ok(None);
    };
    cell.books.learn(&row)?;
    Ok(cell.books.script(target))
}

fn node_of(script: &Script, at: NodeId) -> Worked<&Node> {
    let name = &script.workflow.name;
    script
        .workflow
        .program
        .node(at)
        .ok_or_else(|| Halt::Broken(format!("workflow {name} has no step {}", at.0)))
}
