//! Time in a test: it stands until the test lets it go on, and then everything that falls due happens in its order.

use siyu_model::clock::UtcMs;
use siyu_model::id::{CustomerId, ReservationId};
use siyu_model::name::{Key, Tag};
use siyu_model::stock::reservation::ReservationStatus;

use super::host::Host;
use super::port::{expire_reservation, expire_tag, utc};
use super::state::{Call, State};
use crate::time::{Duration, Instant};

/// What falls due.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    Planned(Key),
    Reservation(ReservationId),
    Tag(CustomerId, Tag),
}

impl Host {
    /// Lets time go on: planned events are recorded, reservations and tags expire, each at its instant, and the steps that
    /// react run.
    ///
    /// # Panics
    /// When a reaction fails.
    #[track_caller]
    pub fn advance(&mut self, length: Duration) {
        let until = self.now() + length;
        self.advance_to(until);
    }

    /// Lets time go on to an instant; an earlier one changes nothing.
    ///
    /// # Panics
    /// When a reaction fails.
    #[track_caller]
    pub fn advance_to(&mut self, until: Instant) {
        let until = utc(until);
        while let Some((at, due)) = self.state().next_due().filter(|(at, _)| *at <= until) {
            let state = self.state_mut();
            state.now = state.now.max(at);
            self.happen(due);
            self.settle();
        }
        let state = self.state_mut();
        state.now = state.now.max(until);
    }

    fn happen(&mut self, due: Due) {
        let state = self.state_mut();
        state.call = Some(Call::default());
        match due {
            Due::Planned(key) => {
                let planned = state.tables.planned.get(&key).cloned();
                state.tables.planned.set(&key, None);
                state.call().pending.extend(planned.map(|row| row.event));
            }
            Due::Reservation(id) => expire_reservation(state, id),
            Due::Tag(customer, tag) => expire_tag(state, customer, &tag),
        }
        let pending = state.call.take().map(|call| call.pending).unwrap_or_default();
        self.keep(pending);
    }
}

impl State {
    /// What falls due next, and when.
    fn next_due(&self) -> Option<(UtcMs, Due)> {
        let tables = &self.tables;
        let planned = tables.planned.rows().iter().map(|(key, row)| (row.due_at, Due::Planned(key.clone())));
        let held =
            tables.reservations.rows().values().filter(|claim| claim.status == ReservationStatus::Held);
        let held = held.map(|claim| (claim.expires_at, Due::Reservation(claim.id)));
        let tags = tables.customers.rows().values().flat_map(|customer| {
            let marks = customer.tags.iter();
            marks.filter_map(|(tag, mark)| Some((mark.expires_at?, Due::Tag(customer.id, tag.clone()))))
        });
        planned.chain(held).chain(tags).min()
    }
}
