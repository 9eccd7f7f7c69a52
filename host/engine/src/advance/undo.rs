//! Undoing: the compensations of finished steps, newest first, before a failed or cancelled run is over.

use siyu_model::expr::ValueTemplate;
use siyu_model::journal::JournalKind;
use siyu_model::json::Value;
use siyu_model::playbook::Action;
use siyu_model::plugin::{Answer, Fault};
use siyu_model::run::{FiberId, FiberState, RunStatus};

use super::outcome::fault_value;
use super::uses::done_detail;
use super::{Turn, node_of};
use crate::memory::Worked;

impl Turn<'_> {
    /// Runs the newest compensation. One that cannot be done is told in the journal, and the others still run.
    pub(super) fn undo_step(&mut self, fiber: FiberId) -> Worked<()> {
        let script = self.script.clone();
        let node = node_of(&script, self.fiber(fiber)?.at)?;
        let input = self.live.run.state.undo.last().map(|undo| undo.input.clone());
        let (Some(input), Action::Uses { plugin, step, .. }) = (input, &node.action) else {
            return self.undone();
        };
        let with = ValueTemplate::Const(input);
        let called = match self.call_plugin(fiber, node, (plugin, step, &with))? {
            Ok(called) => called,
            Err(fault) => return self.undo_failed(fiber, fault),
        };
        match called.outcome {
            Ok(Answer::Done(output)) => {
                let detail = done_detail(&output, called.usage);
                self.write_text(fiber, Some(node.id.clone()), JournalKind::Compensated, Some(detail));
                self.undone()
            }
            Ok(Answer::Refused(refusal)) => {
                let detail = [("code", refusal.code), ("message", refusal.message)];
                let detail = Value::map(detail.map(|(name, text)| (name, Value::text(text))));
                self.write(fiber, Some(node), JournalKind::Compensated, Some(detail));
                self.undone()
            }
            Err(fault) => self.undo_failed(fiber, fault),
        }
    }

    fn undo_failed(&mut self, fiber: FiberId, fault: Fault) -> Worked<()> {
        let script = self.script.clone();
        let node = node_of(&script, self.fiber(fiber)?.at)?;
        let attempt = self.fiber(fiber)?.attempt + 1;
        if fault.is_transient() && attempt < node.retry.attempts {
            let until = self.cell.now + node.retry.backoff;
            return self.change_fiber(fiber, |fiber| {
                fiber.attempt = attempt;
                fiber.state = FiberState::Retrying { until };
            });
        }
        self.write(fiber, Some(node), JournalKind::Failed, Some(fault_value(&fault)));
        self.undone()
    }

    fn undone(&mut self) -> Worked<()> {
        self.live.run.state.undo.pop();
        if self.next_undo() {
            return Ok(());
        }
        let RunStatus::Undoing { end } = self.live.run.status.clone() else {
            return Ok(());
        };
        // What was undone cannot be tried again from where it failed: no place is kept.
        self.live.run.state.fibers.clear();
        self.over(end)
    }
}
