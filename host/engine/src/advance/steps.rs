//! What each kind of step does.

use siyu_model::expr::ValueTemplate;
use siyu_model::journal::JournalKind;
use siyu_model::json::Value;
use siyu_model::limits;
use siyu_model::name::{ChannelName, EventType, TemplateName};
use siyu_model::playbook::{Action, Node};
use siyu_model::plugin::Fault;
use siyu_model::run::FiberId;

use super::Turn;
use super::outcome::can_be_kept;
use crate::dispatch::plan::{self, Plan, Planned};
use crate::memory::{PendingEvent, Worked};

impl Turn<'_> {
    /// Does what a step does.
    pub(super) fn act(&mut self, fiber: FiberId, node: &Node) -> Worked<()> {
        match &node.action {
            Action::Uses { plugin, step, with } => self.uses(fiber, node, (plugin, step, with)),
            Action::Send { template, channel, with } => self.send(fiber, node, (template, channel, with)),
            Action::WaitEvent { .. } => self.wait_event(fiber, node),
            Action::WaitFor { length } => self.wait_for(fiber, node, length),
            Action::WaitUntil { at } => self.wait_until(fiber, node, at),
            Action::Switch { branches } => self.switch(fiber, node, branches),
            Action::Split { salt, arms } => self.split(fiber, node, salt, arms),
            Action::Parallel { branches } => self.parallel(fiber, node, branches),
            Action::Each { items, item, concurrency, body } => {
                self.each(fiber, node, (items, item, *concurrency, *body))
            }
            Action::Set { vars } => self.set(fiber, node, vars),
            Action::Emit { event_type, data } => self.emit(fiber, node, event_type, data),
            Action::Respond { body } => self.respond(fiber, node, body),
            Action::End { outcome } => {
                self.write(fiber, Some(node), JournalKind::Ended, Some(Value::text(outcome.as_str())));
                self.complete(outcome)
            }
            Action::Call { workflow, with } => self.call_workflow(fiber, node, (workflow, with)),
        }
    }

    fn set(&mut self, fiber: FiberId, node: &Node, vars: &ValueTemplate) -> Worked<()> {
        let value = match self.fill(fiber, vars)? {
            Ok(value) => value,
            Err(fault) => return self.fail(fiber, node, fault),
        };
        let mut state_vars = self.live.run.state.vars.clone();
        state_vars.extend(value.as_map().cloned().unwrap_or_default());
        if let Err(why) = can_be_kept(&Value::map(state_vars.clone())) {
            let message = format!("{}: the run's variables: {why}", node.place);
            return self.fail(fiber, node, Fault::permanent("KEPT_TOO_LARGE", message));
        }
        self.live.run.state.vars = state_vars;
        self.finish(fiber, node, value)
    }

    fn emit(
        &mut self,
        fiber: FiberId,
        node: &Node,
        event_type: &EventType,
        data: &ValueTemplate,
    ) -> Worked<()> {
        let data = match self.fill_document(fiber, data)? {
            Ok(data) => data,
            Err(fault) => return self.fail(fiber, node, fault),
        };
        let depth = self.live.run.depth + 1;
        if depth > limits::run::CAUSE_DEPTH_MAX {
            return self.fail(fiber, node, loop_fault(&node.place.to_string()));
        }
        if self.cell.has_caused_enough() {
            return self.fail(fiber, node, flood_fault(&node.place.to_string()));
        }
        let source = format!("workflow:{}/{}", self.script.playbook.name, self.script.workflow.name);
        let customer = self.live.run.customer;
        let event_type = event_type.clone();
        self.cell.pending.push_back(PendingEvent { source, event_type, customer, data: data.clone(), depth });
        self.finish(fiber, node, data)
    }

    fn respond(&mut self, fiber: FiberId, node: &Node, body: &ValueTemplate) -> Worked<()> {
        let body = match self.fill_document(fiber, body)? {
            Ok(body) => body,
            Err(fault) => return self.fail(fiber, node, fault),
        };
        self.cell.responses.insert(self.live.run.id, body.clone());
        self.write(fiber, Some(node), JournalKind::Responded, Some(body));
        self.go_to(fiber, node.next)
    }

    fn send(
        &mut self,
        fiber: FiberId,
        node: &Node,
        (template, channel, with): (&TemplateName, &ChannelName, &ValueTemplate),
    ) -> Worked<()> {
        let Some(customer) = self.live.run.customer else {
            let message = format!("{}: `send` needs a customer, and this run has none", node.place);
            return self.fail(fiber, node, Fault::permanent("NO_CUSTOMER", message));
        };
        let variables = match self.fill_document(fiber, with)? {
            Ok(variables) => variables,
            Err(fault) => return self.fail(fiber, node, fault),
        };
        let cause = format!("{}/{}/{}", self.live.run.id, fiber.0, node.id);
        let plan = Plan {
            playbook: &self.script.playbook,
            template,
            channel,
            customer,
            variables: &variables,
            cause: &cause,
            run: Some((self.live.run.id, node.id.clone())),
        };
        match plan::plan(self.cell, plan)? {
            Err(fault) => self.fail(fiber, node, fault),
            Ok(planned) => {
                let output = planned.output();
                let kind = if matches!(planned, Planned::Blocked { .. }) {
                    JournalKind::Refused
                } else {
                    JournalKind::Planned
                };
                self.finish_as(fiber, node, kind, output)
            }
        }
    }
}

/// Too many events and runs lie behind each other.
pub(crate) fn loop_fault(place: &str) -> Fault {
    let limit = limits::run::CAUSE_DEPTH_MAX;
    Fault::permanent(
        "RULE_LOOP",
        format!("{place}: more than {limit} events that caused runs that emitted events lie behind this one"),
    )
}

/// Too many events come of one command.
pub(crate) fn flood_fault(place: &str) -> Fault {
    let limit = limits::run::EVENTS_PER_COMMAND_MAX;
    Fault::permanent("TOO_MANY_EVENTS", format!("{place}: one command causes at most {limit} events"))
}
