//! Branching: `switch`, `split`, `parallel`, `each`, `call`.

use siyu_model::expr::{Expr, ValueTemplate};
use siyu_model::journal::JournalKind;
use siyu_model::json::Value;
use siyu_model::limits;
use siyu_model::name::{EventType, StepId, WorkflowName};
use siyu_model::playbook::{Arm, Branch, Node, NodeId};
use siyu_model::plugin::Fault;
use siyu_model::run::{Fiber, FiberId, FiberState, Item, Joining, Target};

use super::Turn;
use crate::admit::{self, Start};
use crate::memory::{PendingEvent, Worked};
use crate::ports::rows::Hash16;

impl Turn<'_> {
    pub(super) fn switch(&mut self, fiber: FiberId, node: &Node, branches: &[Branch]) -> Worked<()> {
        for (place, branch) in branches.iter().enumerate() {
            let holds = match &branch.condition {
                None => true,
                Some(condition) => match self.evaluate(fiber, |scope| condition.holds(scope))? {
                    Ok(holds) => holds,
                    Err(fault) => return self.fail(fiber, node, fault),
                },
            };
            if holds {
                let name = branch
                    .condition
                    .as_ref()
                    .map_or_else(|| "else".to_owned(), |expr| expr.source().to_owned());
                let chose = Value::map([("branch", Value::Int(place as i64)), ("if", Value::text(name))]);
                self.write(fiber, Some(node), JournalKind::Chose, Some(chose));
                return self.go_to(fiber, branch.entry.or(node.next));
            }
        }
        self.write(fiber, Some(node), JournalKind::Chose, Some(Value::map([("branch", Value::Null)])));
        self.go_to(fiber, node.next)
    }

    /// The same customer always gets the same arm of the same split.
    pub(super) fn split(&mut self, fiber: FiberId, node: &Node, salt: &str, arms: &[Arm]) -> Worked<()> {
        let run = &self.live.run;
        let who = match (&run.customer, &run.key) {
            (Some(customer), _) => customer.to_string(),
            (None, Some(key)) => key.clone(),
            (None, None) => run.id.to_string(),
        };
        let total: u64 = arms.iter().map(|arm| u64::from(arm.weight)).sum();
        let hash = Hash16::of(&[b"split", salt.as_bytes(), who.as_bytes()]).0;
        let mut at = u128::from_be_bytes(hash) % u128::from(total.max(1));
        let chosen = arms.iter().find(|arm| {
            let weight = u128::from(arm.weight);
            let is_here = at < weight;
            at = at.saturating_sub(weight);
            is_here
        });
        let Some(chosen) = chosen.or(arms.last()) else {
            return self.go_to(fiber, node.next);
        };
        let output = Value::map([("arm", Value::text(chosen.name.as_str()))]);
        let mut onward = node.clone();
        onward.next = chosen.entry.or(node.next);
        self.finish_as(fiber, &onward, JournalKind::Chose, output)
    }

    pub(super) fn parallel(
        &mut self,
        fiber: FiberId,
        node: &Node,
        branches: &[Option<NodeId>],
    ) -> Worked<()> {
        let entries: Vec<NodeId> = branches.iter().flatten().copied().collect();
        if entries.is_empty() {
            return self.finish(fiber, node, Value::map::<&str>([]));
        }
        if let Some(fault) = self.too_many_fibers(node, entries.len()) {
            return self.fail(fiber, node, fault);
        }
        let alive = entries.len() as u32;
        for entry in entries {
            self.spawn(fiber, entry, None);
        }
        let joining = Joining { alive, ..Joining::default() };
        self.change_fiber(fiber, |fiber| fiber.state = FiberState::Joining(joining))
    }

    pub(super) fn each(
        &mut self,
        fiber: FiberId,
        node: &Node,
        (items, name, concurrency, body): (&Expr, &StepId, u32, Option<NodeId>),
    ) -> Worked<()> {
        let value = match self.evaluate(fiber, |scope| items.eval(scope))? {
            Ok(value) => value,
            Err(fault) => return self.fail(fiber, node, fault),
        };
        let Some(list) = value.as_list() else {
            let message = format!("{}: `each` got {}, expected a list", node.place, value.kind());
            return self.fail(fiber, node, Fault::permanent("NOT_A_LIST", message));
        };
        let limit = limits::run::EACH_ITEMS_MAX;
        if list.len() > limit {
            let message =
                format!("{}: `each` got {} items, at most {limit} are allowed", node.place, list.len());
            return self.fail(fiber, node, Fault::permanent("TOO_MANY_ITEMS", message));
        }
        let (Some(body), false) = (body, list.is_empty()) else {
            let results = Value::from(Vec::new());
            return self.finish(fiber, node, Value::map([("results", results)]));
        };
        if let Some(fault) = self.too_many_fibers(node, 1) {
            return self.fail(fiber, node, fault);
        }
        // As many at once as the run has room for; the others wait as if less concurrency had been asked for.
        let room = limits::run::FIBERS_MAX - self.live.run.state.fibers.len();
        let at_once = list.len().min(concurrency.max(1) as usize).min(room);
        for (index, value) in list[..at_once].iter().enumerate() {
            let item = Item { name: name.clone(), index: index as u32, value: value.clone() };
            self.spawn(fiber, body, Some(item));
        }
        let joining = Joining {
            alive: at_once as u32,
            waiting_items: list[at_once..].to_vec(),
            next_index: at_once as u32,
            ..Joining::default()
        };
        self.change_fiber(fiber, |fiber| fiber.state = FiberState::Joining(joining))
    }

    fn too_many_fibers(&self, node: &Node, more: usize) -> Option<Fault> {
        let limit = limits::run::FIBERS_MAX;
        let alive = self.live.run.state.fibers.len();
        (alive + more > limit).then(|| {
            let message = format!(
                "{}: {more} branches more than the {alive} that are alive, at most {limit}",
                node.place
            );
            Fault::permanent("TOO_MANY_BRANCHES", message)
        })
    }

    /// A new fiber below another one.
    pub(super) fn spawn(&mut self, parent: FiberId, entry: NodeId, item: Option<Item>) {
        let state = &mut self.live.run.state;
        let id = FiberId(state.next_fiber);
        state.next_fiber += 1;
        let mut fiber = Fiber::new(id, Some(parent), entry);
        fiber.item = item;
        state.fibers.push(fiber);
    }

    pub(super) fn call_workflow(
        &mut self,
        fiber: FiberId,
        node: &Node,
        (workflow, with): (&WorkflowName, &ValueTemplate),
    ) -> Worked<()> {
        let data = match self.fill_document(fiber, with)? {
            Ok(data) => data,
            Err(fault) => return self.fail(fiber, node, fault),
        };
        let run = &self.live.run;
        let depth = run.depth + 1;
        if depth > limits::run::CAUSE_DEPTH_MAX {
            return self.fail(fiber, node, super::steps::loop_fault(&node.place.to_string()));
        }
        let target = Target::Workflow {
            playbook: run.target.playbook().clone(),
            version: run.target.version(),
            workflow: workflow.clone(),
        };
        let parent = Some((run.id, fiber));
        let customer = run.customer;
        let source = format!("workflow:{}/{}", self.script.playbook.name, self.script.workflow.name);
        let event_type =
            EventType::new("workflow.called").expect("`workflow.called` follows the rule of event types");
        let event =
            admit::record_only(self.cell, PendingEvent { source, event_type, customer, data, depth }, None)?;
        match admit::start_run(self.cell, Start { target, customer, event, parent })? {
            Ok(called) => {
                let detail = Value::map([("run", Value::text(called.to_string()))]);
                self.write(fiber, Some(node), JournalKind::Waiting, Some(detail));
                self.change_fiber(fiber, |fiber| fiber.state = FiberState::Calling { run: called })
            }
            Err(why) => {
                let message = format!("{}: `{workflow}` did not start: {why}", node.place);
                self.fail(fiber, node, Fault::permanent("CALL_NOT_STARTED", message))
            }
        }
    }
}
