//! What the next commands and timers will need, so that it can be loaded in a few reads.

use std::collections::{HashSet, VecDeque};

use siyu_model::clock::UtcMs;
use siyu_model::event::Subject;
use siyu_model::id::{CustomerId, RunId};
use siyu_model::name::EventType;

use super::Memory;
use crate::ports::rows::TimerKind;
use crate::ports::store::Wants;
use crate::tenant::{Command, Wish};

impl Memory {
    /// The rows that the next commands and timers need and memory does not know, and how many of the commands need none
    /// of them. Rows of the first `loaded` commands were loaded before.
    pub(crate) fn wants(
        &self,
        (commands, loaded): (&VecDeque<Command>, usize),
        until: UtcMs,
        limit: usize,
    ) -> (Option<Wants>, usize) {
        let mut wanted = Wanted::default();
        let mut complete = commands.len().min(limit);
        for (place, command) in commands.iter().take(limit).enumerate().skip(loaded) {
            self.want_command(&command.wish, &mut wanted);
            if !wanted.is_empty() {
                complete = complete.min(place);
            }
        }
        // In virtual time the timers that fire between the commands are not known yet; the nearest are likely.
        let until = commands.back().map_or(until, |last| last.at.max(until));
        for kind in self.timers.peek_due(until, limit) {
            self.want_timer(kind, &mut wanted);
        }
        (wanted.finish(), complete)
    }

    fn want_command(&self, wish: &Wish, wanted: &mut Wanted) {
        let Wish::Event { event, .. } = wish else { return };
        let dedupe = crate::admit::incoming_hash(&event.source, &event.id);
        if !self.dedupes.knows(&dedupe) {
            wanted.rows.dedupes.push(dedupe);
        }
        match &event.subject {
            Some(Subject::Identity(identity)) => match self.identities.get(identity) {
                Some(customer) => self.want_customer(*customer, Some(&event.event_type), wanted),
                None if !self.identities.knows(identity) => wanted.rows.identities.push(identity.clone()),
                None => {}
            },
            Some(Subject::Customer(id)) => self.want_customer(*id, Some(&event.event_type), wanted),
            None => {}
        }
    }

    fn want_customer(&self, id: CustomerId, event_type: Option<&EventType>, wanted: &mut Wanted) {
        match (self.people.get(&id), event_type) {
            (Some(person), Some(event_type)) => {
                for wait in person.waits.iter().filter(|wait| wait.event_types.contains(event_type)) {
                    self.want_run(wait.run, wanted);
                }
            }
            (Some(_), None) => {}
            (None, _) if !self.people.knows(&id) => wanted.customer(id),
            (None, _) => {}
        }
    }

    fn want_run(&self, id: RunId, wanted: &mut Wanted) {
        match self.runs.get(&id) {
            Some(live) => {
                if let Some(customer) = live.run.customer {
                    self.want_customer(customer, None, wanted);
                }
            }
            None if !self.runs.knows(&id) => wanted.run(id),
            None => {}
        }
    }

    fn want_timer(&self, kind: &TimerKind, wanted: &mut Wanted) {
        match kind {
            TimerKind::Fiber { run, .. } | TimerKind::Turn(run) => self.want_run(*run, wanted),
            TimerKind::Tag { customer, .. }
            | TimerKind::Segment { customer, .. }
            | TimerKind::Erasure(customer) => {
                self.want_customer(*customer, None, wanted);
            }
            TimerKind::Reservation(id) if !self.reservations.knows(id) => wanted.rows.reservations.push(*id),
            TimerKind::Planned { plugin, key } => {
                let place = (plugin.clone(), key.clone());
                match self.planned.get(&place) {
                    Some(event) => {
                        if let Some(customer) = event.customer {
                            self.want_customer(customer, Some(&event.event_type), wanted);
                        }
                    }
                    None if !self.planned.knows(&place) => wanted.rows.planned.push(place),
                    None => {}
                }
            }
            TimerKind::Message(id) if !self.messages.knows(id) => wanted.rows.messages.push(*id),
            TimerKind::Scan(id) if !self.scans.knows(id) => wanted.rows.scans.push(*id),
            _ => {}
        }
    }
}

/// Rows that are wanted, each once.
#[derive(Default)]
struct Wanted {
    rows: Wants,
    customers: HashSet<CustomerId>,
    runs: HashSet<RunId>,
}

impl Wanted {
    fn customer(&mut self, id: CustomerId) {
        if self.customers.insert(id) {
            self.rows.customers.push(id);
        }
    }

    fn run(&mut self, id: RunId) {
        if self.runs.insert(id) {
            self.rows.runs.push(id);
        }
    }

    fn is_empty(&self) -> bool {
        let rows = &self.rows;
        rows.dedupes.is_empty()
            && rows.identities.is_empty()
            && rows.customers.is_empty()
            && rows.runs.is_empty()
            && rows.reservations.is_empty()
            && rows.planned.is_empty()
            && rows.messages.is_empty()
            && rows.scans.is_empty()
    }

    fn finish(self) -> Option<Wants> {
        (!self.is_empty()).then_some(self.rows)
    }
}
