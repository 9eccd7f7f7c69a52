//! `uses`: a call of a plugin's step.

use siyu_model::expr::ValueTemplate;
use siyu_model::journal::JournalKind;
use siyu_model::json::{self, Value};
use siyu_model::name::{OfferName, PluginName};
use siyu_model::playbook::Node;
use siyu_model::plugin::{Answer, CallUsage, Fault, HostFault};
use siyu_model::run::FiberId;

use super::Turn;
use crate::call::{self, Called, Calling};
use crate::memory::Worked;
use crate::ports::plugins::Entry;

impl Turn<'_> {
    pub(super) fn uses(
        &mut self,
        fiber: FiberId,
        node: &Node,
        target: (&PluginName, &OfferName, &ValueTemplate),
    ) -> Worked<()> {
        let called = match self.call_plugin(fiber, node, target)? {
            Ok(called) => called,
            Err(fault) => return self.fail(fiber, node, fault),
        };
        match called.outcome {
            Ok(Answer::Done(output)) => {
                let kept = if node.is_read { json::parse(&output) } else { Ok(Value::Null) };
                match kept {
                    Ok(value) => {
                        let detail = done_detail(&output, called.usage);
                        self.write_text(fiber, Some(node.id.clone()), JournalKind::Done, Some(detail));
                        self.finish_silently(fiber, node, value)
                    }
                    Err(why) => self.fail(fiber, node, HostFault::BadOutput.fault(why.to_string())),
                }
            }
            Ok(Answer::Refused(refusal)) => self.refuse(fiber, node, refusal),
            Err(fault) => self.fail(fiber, node, fault),
        }
    }

    /// Calls a plugin's step; its effects are kept with its answer, or dropped with its fault. The fault outside is of
    /// an input that could not be made.
    pub(super) fn call_plugin(
        &mut self,
        fiber: FiberId,
        node: &Node,
        (plugin, step, with): (&PluginName, &OfferName, &ValueTemplate),
    ) -> Worked<Result<Called, Fault>> {
        let input = match self.fill(fiber, with)? {
            Ok(input) => input,
            Err(fault) => return Ok(Err(fault)),
        };
        let input = match json::print(&input) {
            Ok(input) => input,
            Err(why) => {
                let message = format!("{}: the input of {plugin}/{step}: {why}", node.place);
                return Ok(Err(HostFault::InputTooLarge.fault(message)));
            }
        };
        let attempt = self.fiber(fiber)?.attempt + 1;
        let run = &self.live.run;
        let calling = Calling {
            playbook: &self.script.playbook,
            plugin,
            id: format!("{}/{}/{}", run.id, fiber.0, node.id),
            run: Some(run.id),
            step: Some(node.id.clone()),
            customer: run.customer,
            event: self.live.event.clone(),
            attempt,
            depth: run.depth,
        };
        call::call(self.cell, calling, Entry::Step { step: step.as_str(), input: &input }).map(Ok)
    }
}

/// What a step gave and what it used; both are the same when the call is repeated.
pub(super) fn done_detail(output: &str, usage: CallUsage) -> String {
    format!(
        r#"{{"output":{output},"used":{{"fuel":{},"memory_bytes":{},"host_calls":{}}}}}"#,
        usage.fuel, usage.memory_bytes, usage.host_calls
    )
}
