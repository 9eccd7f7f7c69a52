//! What becomes of a step: it is done, was refused, failed, or will be tried again.

use siyu_model::clock::{DurationMs, UtcMs};
use siyu_model::journal::JournalKind;
use siyu_model::json::{self, JsonError, Value};
use siyu_model::limits;
use siyu_model::playbook::{Action, Node, NodeId, OnError, OnRefused, Retry};
use siyu_model::plugin::{Fault, FaultKind, Refusal};
use siyu_model::run::{FiberId, FiberState, Undo};

use super::{Turn, node_of};
use crate::memory::Worked;

impl Turn<'_> {
    /// The step did its work.
    pub(super) fn finish(&mut self, fiber: FiberId, node: &Node, output: Value) -> Worked<()> {
        self.finish_as(fiber, node, JournalKind::Done, output)
    }

    /// The step did its work, told in another kind of line.
    pub(super) fn finish_as(
        &mut self,
        fiber: FiberId,
        node: &Node,
        kind: JournalKind,
        output: Value,
    ) -> Worked<()> {
        let detail = match kind {
            JournalKind::Done => Value::map([("output", output.clone())]),
            _ => output.clone(),
        };
        self.write(fiber, Some(node), kind, Some(detail));
        self.finish_silently(fiber, node, output)
    }

    /// The step did its work, and its line is written already.
    pub(super) fn finish_silently(&mut self, fiber: FiberId, node: &Node, output: Value) -> Worked<()> {
        if let Err(fault) = self.keep(fiber, node, output)? {
            return self.fail(fiber, node, fault);
        }
        if let Some(undo) = node.compensate {
            let compensation = node_of(&self.script.clone(), undo)?.action.clone();
            if let Action::Uses { with, .. } = compensation {
                match self.fill_document(fiber, &with)? {
                    Ok(input) => self.live.run.state.undo.push(Undo { node: undo, input }),
                    Err(fault) => return self.fail(fiber, node, fault),
                }
            }
        }
        self.go_to(fiber, node.next)
    }

    /// Keeps an output if a later expression reads it.
    fn keep(&mut self, fiber: FiberId, node: &Node, output: Value) -> Worked<Result<(), Fault>> {
        if !node.is_read {
            return Ok(Ok(()));
        }
        if let Err(why) = can_be_kept(&output) {
            let message = format!("{}: an output that later steps read: {why}", node.place);
            return Ok(Err(Fault::permanent("KEPT_TOO_LARGE", message)));
        }
        let id = node.id.clone();
        if self.fiber(fiber)?.parent.is_some() {
            self.change_fiber(fiber, |fiber| drop(fiber.kept.insert(id, output)))?;
        } else {
            self.live.run.state.kept.insert(id, output);
        }
        Ok(Ok(()))
    }

    /// The fiber goes to a step; without one it is over.
    pub(super) fn go_to(&mut self, fiber: FiberId, next: Option<NodeId>) -> Worked<()> {
        match next {
            Some(next) => self.change_fiber(fiber, |fiber| {
                fiber.at = next;
                fiber.state = FiberState::Ready;
                fiber.attempt = 0;
                fiber.deadline = None;
            }),
            None => self.fiber_over(fiber),
        }
    }

    /// The plugin said no.
    pub(super) fn refuse(&mut self, fiber: FiberId, node: &Node, refusal: Refusal) -> Worked<()> {
        let details =
            refusal.details.as_deref().and_then(|text| json::parse(text).ok()).unwrap_or(Value::Null);
        let refused = Value::map([
            ("code", Value::text(refusal.code.as_str())),
            ("message", Value::text(refusal.message.as_str())),
            ("details", details),
        ]);
        self.write(fiber, Some(node), JournalKind::Refused, Some(refused.clone()));
        if let OnRefused::Fail = node.on_refused {
            let message = format!("{}: refused: {}", node.place, refusal.message);
            return self.give_up(fiber, node, Fault::permanent(refusal.code, message));
        }
        if let Err(fault) = self.keep(fiber, node, Value::map([("refused", refused)]))? {
            return self.fail(fiber, node, fault);
        }
        let arm = match &node.on_refused {
            OnRefused::Steps(arms) => {
                let fits = |code: &Option<String>| code.as_ref().is_none_or(|code| *code == refusal.code);
                arms.iter().find(|(code, _)| fits(code)).and_then(|(_, entry)| *entry)
            }
            _ => None,
        };
        self.go_to(fiber, arm.or(node.next))
    }

    /// The step failed. A transient fault is tried again while tries and time are left.
    pub(super) fn fail(&mut self, fiber: FiberId, node: &Node, fault: Fault) -> Worked<()> {
        let attempt = self.fiber(fiber)?.attempt + 1;
        if fault.is_transient() && attempt < node.retry.attempts {
            let until = self.retry_at(fiber, node, &fault, attempt);
            if self.fiber(fiber)?.deadline.is_none_or(|deadline| until < deadline) {
                let detail = Value::map([
                    ("code", Value::text(fault.code.as_str())),
                    ("message", Value::text(fault.message.as_str())),
                    ("attempt", Value::Int(i64::from(attempt))),
                    ("again_at", Value::text(until.to_string())),
                ]);
                self.write(fiber, Some(node), JournalKind::Retry, Some(detail));
                return self.change_fiber(fiber, |fiber| {
                    fiber.attempt = attempt;
                    fiber.state = FiberState::Retrying { until };
                });
            }
        }
        self.write(fiber, Some(node), JournalKind::Failed, Some(fault_value(&fault)));
        self.give_up(fiber, node, fault)
    }

    fn retry_at(&self, fiber: FiberId, node: &Node, fault: &Fault, attempt: u32) -> UtcMs {
        let wish = match fault.kind {
            FaultKind::Transient { retry_after_ms } => retry_after_ms.map(u64::from),
            _ => None,
        };
        let pause = pause_ms(node.retry, attempt);
        // Spread by up to a quarter, so that runs that failed together do not come back together.
        let mut spread = [0; 8];
        let id = format!("{}/{}/{attempt}", self.live.run.id, fiber.0);
        self.cell.derive_bytes("retry", id.as_bytes(), 0, &mut spread);
        let pause = pause + u64::from_be_bytes(spread) % (pause / 4 + 1);
        self.cell.now + DurationMs::from_millis(wish.unwrap_or(0).max(pause))
    }

    /// No try is left: `on_error` decides.
    fn give_up(&mut self, fiber: FiberId, node: &Node, fault: Fault) -> Worked<()> {
        let next = match &node.on_error {
            OnError::Fail => return self.fail_branch(fiber, fault),
            OnError::Continue => node.next,
            OnError::Steps(entry) => entry.or(node.next),
        };
        if let Err(fault) = self.keep(fiber, node, Value::map([("error", fault_value(&fault))]))? {
            return self.fail_branch(fiber, fault);
        }
        self.go_to(fiber, next)
    }

    /// A fault that its step does not catch: the step around it may, else the run fails.
    fn fail_branch(&mut self, fiber: FiberId, fault: Fault) -> Worked<()> {
        let Some(parent) = self.fiber(fiber)?.parent else {
            return self.fail_run(fault);
        };
        let script = self.script.clone();
        let node = node_of(&script, self.fiber(parent)?.at)?;
        if node.on_error == OnError::Fail {
            return self.fail_branch(parent, fault);
        }
        self.drop_below(parent)?;
        self.give_up(parent, node, fault)
    }
}

/// Whether a run can keep a value: it is neither too large nor too deep to be read again.
pub(super) fn can_be_kept(value: &Value) -> Result<(), JsonError> {
    let limit = limits::run::KEPT_BYTES_MAX;
    json::check_nested(&json::print_within(value, limit)?, limit, limits::run::KEPT_DEPTH_MAX)
}

/// The pause before the next try: doubles each time, up to the policy's longest.
fn pause_ms(retry: Retry, attempt: u32) -> u64 {
    let doubled = retry.backoff.as_millis().saturating_mul(1u64 << (attempt - 1).min(32));
    doubled.min(retry.max.as_millis())
}

/// A fault as expressions and the journal show it.
pub(super) fn fault_value(fault: &Fault) -> Value {
    let mut members =
        vec![("code", Value::text(fault.code.as_str())), ("message", Value::text(fault.message.as_str()))];
    if !fault.fields.is_empty() {
        let fields = fault.fields.iter().map(|field| {
            let pointer = Value::text(field.pointer.as_str());
            Value::map([("pointer", pointer), ("message", Value::text(field.message.as_str()))])
        });
        members.push(("fields", Value::List(fields.collect())));
    }
    Value::map(members)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let retry = Retry {
            attempts: 99,
            backoff: DurationMs::from_millis(100),
            max: DurationMs::from_millis(1_000),
        };
        let pauses: Vec<u64> = (1..=6).map(|attempt| pause_ms(retry, attempt)).collect();
        assert_eq!(pauses, [100, 200, 400, 800, 1_000, 1_000]);
        assert_eq!(pause_ms(retry, 200), 1_000);
    }
}
