//! Waiting: for events, for a length of time, until an instant.

use std::sync::Arc;

use siyu_model::clock::{DurationMs, UtcMs};
use siyu_model::event::{Event, EventSeq};
use siyu_model::expr::Expr;
use siyu_model::id::WaitId;
use siyu_model::journal::JournalKind;
use siyu_model::json::Value;
use siyu_model::name::EventType;
use siyu_model::playbook::{Action, Correlation, DurationSource, Node, Since};
use siyu_model::plugin::Fault;
use siyu_model::run::{FiberId, FiberState};

use super::Turn;
use crate::admit;
use crate::memory::Worked;
use crate::ports::rows::WaitRow;
use crate::ports::store::Whose;

impl Turn<'_> {
    pub(super) fn wait_for(&mut self, fiber: FiberId, node: &Node, length: &DurationSource) -> Worked<()> {
        match self.duration(fiber, node, length)? {
            Ok(length) => self.sleep(fiber, node, self.cell.now + length),
            Err(fault) => self.fail(fiber, node, fault),
        }
    }

    pub(super) fn wait_until(&mut self, fiber: FiberId, node: &Node, at: &Expr) -> Worked<()> {
        let value = match self.evaluate(fiber, |scope| at.eval(scope))? {
            Ok(value) => value,
            Err(fault) => return self.fail(fiber, node, fault),
        };
        match value.as_str().map(str::parse::<UtcMs>) {
            Some(Ok(until)) => self.sleep(fiber, node, until),
            _ => {
                let message =
                    format!("{}: `until` is {value:?}, expected an instant in RFC 3339", node.place);
                self.fail(fiber, node, Fault::permanent("NOT_AN_INSTANT", message))
            }
        }
    }

    fn sleep(&mut self, fiber: FiberId, node: &Node, until: UtcMs) -> Worked<()> {
        if until <= self.cell.now {
            return self.finish(fiber, node, Value::map::<&str>([]));
        }
        let detail = Value::map([("until", Value::text(until.to_string()))]);
        self.write(fiber, Some(node), JournalKind::Waiting, Some(detail));
        self.change_fiber(fiber, |fiber| fiber.state = FiberState::Sleeping { until })
    }

    fn duration(
        &mut self,
        fiber: FiberId,
        node: &Node,
        source: &DurationSource,
    ) -> Worked<Result<DurationMs, Fault>> {
        let expr = match source {
            DurationSource::Fixed(length) => return Ok(Ok(*length)),
            DurationSource::Computed(expr) => expr,
        };
        Ok(self.evaluate(fiber, |scope| expr.eval(scope))?.and_then(|value| {
            value.as_str().and_then(|text| text.parse().ok()).ok_or_else(|| {
                let message = format!("{}: {value:?}, expected a duration such as '7d'", node.place);
                Fault::permanent("NOT_A_DURATION", message)
            })
        }))
    }

    /// Waits for an event; one that came since the run began counts, unless `since: now`.
    pub(super) fn wait_event(&mut self, fiber: FiberId, node: &Node) -> Worked<()> {
        let Action::WaitEvent { timeout, .. } = &node.action else {
            return Ok(());
        };
        let until = match timeout {
            None => None,
            Some(source) => match self.duration(fiber, node, source)? {
                Ok(length) => Some(self.cell.now + length),
                Err(fault) => return self.fail(fiber, node, fault),
            },
        };
        self.wait_event_until(fiber, node, until)
    }

    /// The same with the instant at which the wait ends.
    pub(super) fn wait_event_until(
        &mut self,
        fiber: FiberId,
        node: &Node,
        until: Option<UtcMs>,
    ) -> Worked<()> {
        let Action::WaitEvent { types, correlation, since, .. } = &node.action else {
            return Ok(());
        };
        let whose = match self.whose(fiber, node, correlation)? {
            Ok(whose) => whose,
            Err(fault) => return self.fail(fiber, node, fault),
        };
        if *since == Since::Run
            && let Some(event) = self.came_before(fiber, node, (types, whose))?
        {
            return self.matched(fiber, node, &event);
        }
        self.park(fiber, node, types, (whose, until))
    }

    /// Whose events a wait takes.
    fn whose(
        &mut self,
        fiber: FiberId,
        node: &Node,
        correlation: &Correlation,
    ) -> Worked<Result<Whose, Fault>> {
        match correlation {
            Correlation::Customer => Ok(self.live.run.customer.map(Whose::Customer).ok_or_else(|| {
                let message = format!(
                    "{}: this run has no customer, so a wait needs `match` to find its event",
                    node.place
                );
                Fault::permanent("NO_CUSTOMER", message)
            })),
            Correlation::Match { key, .. } => {
                let value = self.evaluate(fiber, |scope| key.value.eval(scope))?;
                Ok(value.map(|value| Whose::Matching(admit::match_hash(&key.path, &value))))
            }
        }
    }

    /// Parks the fiber until an event comes or time runs out.
    fn park(
        &mut self,
        fiber: FiberId,
        node: &Node,
        types: &[EventType],
        (whose, until): (Whose, Option<UtcMs>),
    ) -> Worked<()> {
        let run = &self.live.run;
        // A fiber waits at one place of the journal once.
        let (place, row) = (fiber.0.to_be_bytes(), run.journal_rows.to_be_bytes());
        let wait = WaitId::derive(self.cell.now, &[run.id.as_bytes(), &place, &row]);
        let (customer, matching) = match whose {
            Whose::Customer(customer) => (Some(customer), None),
            Whose::Matching(hash) => (None, Some(hash)),
        };
        let row = WaitRow { id: wait, run: run.id, fiber, customer, event_types: types.to_vec(), matching };
        self.cell.add_wait(row)?;
        let names = types.iter().map(|name| Value::text(name.as_str())).collect();
        let mut detail = vec![("events", Value::List(names))];
        detail.extend(until.map(|until| ("until", Value::text(until.to_string()))));
        self.write(fiber, Some(node), JournalKind::Waiting, Some(Value::map(detail)));
        self.change_fiber(fiber, |fiber| fiber.state = FiberState::Waiting { wait, until, matching })
    }

    /// Whether an event is what the wait is for. A condition that has no value for it does not hold.
    pub(super) fn fits(&mut self, fiber: FiberId, node: &Node, event: &Arc<Event>) -> Worked<bool> {
        let Action::WaitEvent { condition, correlation, .. } = &node.action else {
            return Ok(false);
        };
        let matching = match correlation {
            Correlation::Match { condition, .. } => Some(condition),
            Correlation::Customer => None,
        };
        for condition in [condition.as_ref(), matching].into_iter().flatten() {
            let own = self.live.event.replace(event.clone());
            let holds = self.evaluate(fiber, |scope| condition.holds(scope));
            self.live.event = own;
            if !holds?.unwrap_or(false) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The event came.
    pub(super) fn matched(&mut self, fiber: FiberId, node: &Node, event: &Arc<Event>) -> Worked<()> {
        self.consume(fiber, &event.event_type, event.seq)?;
        let detail = Value::map([
            ("event", Value::text(event.id.as_str())),
            ("type", Value::text(event.event_type.as_str())),
            ("seq", Value::Int(event.seq.0 as i64)),
        ]);
        self.write(fiber, Some(node), JournalKind::Matched, Some(detail));
        let output = Value::map([("timed_out", Value::Bool(false)), ("event", event_value(event))]);
        self.finish_silently(fiber, node, output)
    }

    /// An event counts for a fiber and for what comes after it, not for branches beside it.
    pub(super) fn consume(&mut self, fiber: FiberId, event_type: &EventType, seq: EventSeq) -> Worked<()> {
        let is_inside = self.fiber(fiber)?.parent.is_some();
        let state = &mut self.live.run.state;
        let matched = match state.fiber_mut(fiber).filter(|_| is_inside) {
            Some(fiber) => &mut fiber.matched,
            None => &mut state.matched,
        };
        let last = matched.entry(event_type.clone()).or_insert(seq);
        *last = (*last).max(seq);
        Ok(())
    }

    /// It did not come in time.
    pub(super) fn timed_out(&mut self, fiber: FiberId, node: &Node) -> Worked<()> {
        self.write(fiber, Some(node), JournalKind::TimedOut, None);
        let output = Value::map([("timed_out", Value::Bool(true)), ("event", Value::Null)]);
        self.finish_silently(fiber, node, output)
    }

    /// Takes away the wait, the timer and the called run of a fiber. One that waits for its branches still does.
    pub(super) fn stop_waiting(&mut self, fiber: FiberId) -> Worked<()> {
        let state = match self.fiber(fiber)?.state.clone() {
            // The wait of a halted fiber has no row.
            FiberState::Halted { state, .. } if !matches!(*state, FiberState::Waiting { .. }) => *state,
            state => state,
        };
        self.forget_wait(&state)?;
        if let FiberState::Calling { run } = state {
            super::end::cancel(self.cell, run, "the run that called it does not need it any more")?;
        }
        self.change_fiber(fiber, |fiber| {
            fiber.deadline = None;
            if !matches!(fiber.state, FiberState::Joining(_)) {
                fiber.state = FiberState::Ready;
            }
        })
    }

    /// Removes the row of a wait.
    pub(super) fn forget_wait(&mut self, state: &FiberState) -> Worked<()> {
        let FiberState::Waiting { wait, matching, .. } = state else {
            return Ok(());
        };
        self.cell.remove_wait(*wait, self.live.run.customer, *matching)
    }
}

/// An event as `steps.<id>.event`: its envelope, and the members of its data beside it.
fn event_value(event: &Event) -> Value {
    let mut members = event.data.as_map().cloned().unwrap_or_default();
    let envelope = [
        ("id", Value::text(event.id.as_str())),
        ("type", Value::text(event.event_type.as_str())),
        ("source", Value::text(event.source.as_str())),
        ("time", Value::text(event.occurred_at.to_string())),
    ];
    members.extend(envelope.map(|(name, value)| (Arc::from(name), value)));
    Value::Map(Arc::new(members))
}
