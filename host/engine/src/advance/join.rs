//! Branches and items coming to their end, and the step that waits for them.

use std::collections::BTreeMap;

use siyu_model::event::EventSeq;
use siyu_model::json::Value;
use siyu_model::name::EventType;
use siyu_model::playbook::Action;
use siyu_model::run::{FiberId, FiberState, Item, Joining};

use super::{Turn, node_of};
use crate::memory::Worked;

impl Turn<'_> {
    /// A fiber has done its last step.
    pub(super) fn fiber_over(&mut self, id: FiberId) -> Worked<()> {
        // Its timer goes with it: an event that came in time leaves what is left of the time behind.
        self.change_fiber(id, |fiber| {
            fiber.deadline = None;
            fiber.state = FiberState::Ready;
        })?;
        let fibers = &mut self.live.run.state.fibers;
        let Some(place) = fibers.iter().position(|fiber| fiber.id == id) else {
            return Ok(());
        };
        let over = fibers.remove(place);
        let Some(parent) = over.parent else { return Ok(()) };
        let script = self.script.clone();
        let node = node_of(&script, self.fiber(parent)?.at)?;
        let (kept, matched) = (over.kept, over.matched);
        match &node.action {
            Action::Each { body, .. } => {
                // Items come one after another: what one took is gone for the next.
                self.take_over(parent, matched)?;
                let result =
                    Value::map(kept.into_iter().map(|(step, value)| (step.as_str().to_owned(), value)));
                let index = over.item.as_ref().map_or(0, |item| item.index);
                let name = over.item.map(|item| item.name);
                let next = self.item_over(parent, index, result)?;
                if let (Some((index, value)), Some(name), Some(body)) = (next, name, *body) {
                    self.spawn(parent, body, Some(Item { name, index, value }));
                }
            }
            _ => {
                // What a branch kept, later steps of the run read.
                if self.fiber(parent)?.parent.is_some() {
                    self.change_fiber(parent, |fiber| fiber.kept.extend(kept))?;
                } else {
                    self.live.run.state.kept.extend(kept);
                }
                self.item_over(parent, 0, Value::Null)?;
                self.change_fiber(parent, |fiber| {
                    if let Some(joining) = joining_mut(&mut fiber.state) {
                        for (event_type, seq) in matched {
                            let last = joining.matched.entry(event_type).or_insert(seq);
                            *last = (*last).max(seq);
                        }
                    }
                })?;
            }
        }
        let Some(joining) = joining(&self.fiber(parent)?.state) else {
            return Ok(());
        };
        if joining.alive > 0 {
            return Ok(());
        }
        let output = match &node.action {
            Action::Each { .. } => {
                let results: Vec<Value> = joining.results.values().cloned().collect();
                Value::map([("results", Value::from(results))])
            }
            _ => Value::map::<&str>([]),
        };
        let matched = joining.matched.clone();
        self.take_over(parent, matched)?;
        self.finish(parent, node, output)
    }

    /// Events that branches or items took count for what comes after them.
    fn take_over(&mut self, parent: FiberId, matched: BTreeMap<EventType, EventSeq>) -> Worked<()> {
        for (event_type, seq) in matched {
            self.consume(parent, &event_type, seq)?;
        }
        Ok(())
    }

    /// One fiber less below a joining one; gives the next item to begin.
    fn item_over(&mut self, parent: FiberId, index: u32, result: Value) -> Worked<Option<(u32, Value)>> {
        let mut next = None;
        self.change_fiber(parent, |fiber| {
            let Some(joining) = joining_mut(&mut fiber.state) else {
                return;
            };
            joining.alive -= 1;
            if result != Value::Null {
                joining.results.insert(index, result);
            }
            if !joining.waiting_items.is_empty() {
                next = Some((joining.next_index, joining.waiting_items.remove(0)));
                joining.next_index += 1;
                joining.alive += 1;
            }
        })?;
        Ok(next)
    }

    /// Ends every fiber below one, with its waits, timers and called runs.
    pub(super) fn drop_below(&mut self, parent: FiberId) -> Worked<()> {
        let children = |turn: &Self| {
            let below = turn.live.run.state.fibers.iter().find(|fiber| fiber.parent == Some(parent));
            below.map(|fiber| fiber.id)
        };
        while let Some(child) = children(self) {
            self.drop_below(child)?;
            self.drop_fiber(child)?;
        }
        Ok(())
    }

    /// Ends a fiber, with its wait, its timer and the run it called.
    pub(super) fn drop_fiber(&mut self, id: FiberId) -> Worked<()> {
        self.stop_waiting(id)?;
        self.live.run.state.fibers.retain(|fiber| fiber.id != id);
        Ok(())
    }
}

/// What a fiber waits for when it waits for its branches or items. A halted one waits too: a run that a branch called may
/// end while this one is paused.
fn joining(state: &FiberState) -> Option<&Joining> {
    match state {
        FiberState::Joining(joining) => Some(joining),
        FiberState::Halted { state, .. } => joining(state),
        _ => None,
    }
}

fn joining_mut(state: &mut FiberState) -> Option<&mut Joining> {
    match state {
        FiberState::Joining(joining) => Some(joining),
        FiberState::Halted { state, .. } => joining_mut(state),
        _ => None,
    }
}
