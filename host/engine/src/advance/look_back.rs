//! Looking back: an event that came after the run began and before its wait was reached, so that a fast customer is not
//! missed.

use std::collections::BTreeMap;
use std::sync::Arc;

use siyu_model::event::{Event, EventSeq};
use siyu_model::limits;
use siyu_model::name::EventType;
use siyu_model::playbook::Node;
use siyu_model::run::FiberId;

use super::Turn;
use crate::admit;
use crate::memory::{Worked, event_from_row};
use crate::ports::rows::Hash16;
use crate::ports::store::{EventsSince, Whose};

/// Events that are read at once.
const LOOK_BACK_PAGE: u32 = 100;

impl Turn<'_> {
    /// The first event that the wait is for, that came since the run began, and that no wait of this fiber or of those
    /// around it took.
    pub(super) fn came_before(
        &mut self,
        fiber: FiberId,
        node: &Node,
        (types, whose): (&[EventType], Whose),
    ) -> Worked<Option<Arc<Event>>> {
        let run = &self.live.run;
        let last = |event_type: &EventType| run.state.matched_by(fiber, event_type).max(run.since_seq);
        let mut wanted: BTreeMap<EventType, EventSeq> =
            types.iter().map(|event_type| (event_type.clone(), last(event_type))).collect();
        if let Whose::Customer(customer) = whose {
            // The facts know whether any came at all: most waits need no look into the log.
            let facts = &self.cell.known_person(customer)?.customer.clone().facts;
            wanted
                .retain(|event_type, after| facts.get(event_type).is_some_and(|fact| fact.last_seq > *after));
        }
        if wanted.is_empty() {
            return Ok(None);
        }
        if let Some(event) = self.stored_before(fiber, node, (&wanted, whose))? {
            return Ok(Some(event));
        }
        let is_wanted =
            |event: &&Arc<Event>| wanted.get(&event.event_type).is_some_and(|after| event.seq > *after);
        let memory = &self.cell;
        let recent: Vec<Arc<Event>> = match whose {
            Whose::Customer(customer) => {
                memory.recent.of(customer).iter().filter(is_wanted).cloned().collect()
            }
            Whose::Matching(hash) => {
                let theirs = memory.recent.all().filter(|event| self.matches(event, hash));
                theirs.filter(is_wanted).cloned().collect()
            }
        };
        for event in recent {
            if self.fits(fiber, node, &event)? {
                return Ok(Some(event));
            }
        }
        Ok(None)
    }

    /// The same among those that the store has, a page at a time.
    fn stored_before(
        &mut self,
        fiber: FiberId,
        node: &Node,
        (wanted, whose): (&BTreeMap<EventType, EventSeq>, Whose),
    ) -> Worked<Option<Arc<Event>>> {
        let event_types: Vec<EventType> = wanted.keys().cloned().collect();
        let seq_max = self.cell.committed_seq();
        let mut after = wanted.values().copied().min().unwrap_or_default();
        let pages = limits::executor::LOOK_BACK_EVENTS_MAX / LOOK_BACK_PAGE;
        for _ in 0..pages {
            if after >= seq_max {
                break;
            }
            let limit = LOOK_BACK_PAGE as usize;
            let query = EventsSince { event_types: event_types.clone(), whose, after, seq_max, limit };
            let rows = self.cell.reader().ask(|store| store.events_since(query))?;
            let is_last = rows.len() < limit;
            for row in rows {
                after = row.seq;
                let event = Arc::new(event_from_row(row)?);
                let is_new = wanted.get(&event.event_type).is_some_and(|after| event.seq > *after);
                if is_new && self.fits(fiber, node, &event)? {
                    return Ok(Some(event));
                }
            }
            if is_last {
                break;
            }
        }
        Ok(None)
    }

    fn matches(&self, event: &Event, hash: Hash16) -> bool {
        let paths = self.cell.books.match_paths(&event.event_type);
        paths.into_iter().flatten().any(|path| {
            let value = path.iter().try_fold(&event.data, |value, name| value.get(name));
            value.is_some_and(|value| admit::match_hash(path, value) == hash)
        })
    }
}
