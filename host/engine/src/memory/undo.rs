//! The undo log of one call of a plugin, or of one publication: what it changed, newest last.

use std::sync::Arc;

use siyu_model::customer::Customer;
use siyu_model::id::{CustomerId, MessageId, ReservationId};
use siyu_model::message::Message;
use siyu_model::name::{Key, PluginName};
use siyu_model::stock::counter::Counter;
use siyu_model::stock::pool::Pool;
use siyu_model::stock::reservation::Reservation;

use super::Memory;
use super::timers::TimerBefore;
use crate::ports::rows::{AccountKey, CodeRow, Hash16, PlannedEvent, RecordKey, ScanRow, StockKey};
use siyu_model::id::ScanId;

/// How something was before it was changed.
pub(crate) enum Undo {
    Customer(CustomerId, Arc<Customer>),
    PersonRecord(CustomerId, (PluginName, Key), Option<Arc<str>>),
    Record(RecordKey, Option<Arc<str>>),
    Pool(StockKey, Option<Pool>),
    Reservation(ReservationId, Option<Reservation>),
    Counter(StockKey, Option<Counter>),
    Account(AccountKey, Option<i64>),
    Code(Hash16, Option<CodeRow>),
    Message(MessageId, Option<Message>),
    Planned((PluginName, Key), Option<PlannedEvent>),
    Scan(ScanId, Option<ScanRow>),
    Timer(TimerBefore),
}

/// A place in the undo log to go back to.
#[must_use]
pub(crate) struct Savepoint {
    undo: usize,
    events: usize,
    outbox: usize,
    ledger: usize,
    is_outermost: bool,
}

impl Memory {
    /// From here on, changes can be undone. Savepoints nest; each must be released or rolled back.
    pub(crate) fn savepoint(&mut self) -> Savepoint {
        let is_outermost = !self.is_recording;
        self.is_recording = true;
        Savepoint {
            undo: self.undo.len(),
            events: self.pending.len(),
            outbox: self.outbox.len(),
            ledger: self.changes.ledger.len(),
            is_outermost,
        }
    }

    /// Keeps what was changed since.
    pub(crate) fn release(&mut self, savepoint: Savepoint) {
        if savepoint.is_outermost {
            self.undo.clear();
            self.is_recording = false;
        }
    }

    /// Undoes what was changed since: memory is as it was.
    pub(crate) fn roll_back(&mut self, savepoint: Savepoint) {
        self.is_recording = false;
        while self.undo.len() > savepoint.undo {
            let Some(before) = self.undo.pop() else { break };
            self.undo_one(before);
        }
        self.pending.truncate(savepoint.events);
        self.outbox.truncate(savepoint.outbox);
        self.changes.ledger.truncate(savepoint.ledger);
        self.is_recording = !savepoint.is_outermost;
    }

    pub(super) fn remember(&mut self, before: impl FnOnce() -> Undo) {
        if self.is_recording {
            self.undo.push(before());
        }
    }

    fn undo_one(&mut self, before: Undo) {
        let batch = self.batch;
        match before {
            Undo::Customer(id, customer) => {
                if let Some((person, _)) = self.people.change(&id, batch) {
                    person.customer = customer;
                }
            }
            Undo::PersonRecord(id, key, body) => {
                if let Some((person, _)) = self.people.change(&id, batch) {
                    match body {
                        Some(body) => person.records.insert(key, body),
                        None => person.records.remove(&key),
                    };
                }
            }
            Undo::Record(key, body) => drop(self.records.set(&key, body, batch)),
            Undo::Pool(key, pool) => drop(self.pools.set(&key, pool, batch)),
            Undo::Reservation(id, reservation) => drop(self.reservations.set(&id, reservation, batch)),
            Undo::Counter(key, counter) => drop(self.counters.set(&key, counter, batch)),
            Undo::Account(key, units) => drop(self.accounts.set(&key, units, batch)),
            Undo::Code(lookup, code) => drop(self.codes.set(&lookup, code, batch)),
            Undo::Message(id, message) => drop(self.messages.set(&id, message, batch)),
            Undo::Planned(key, event) => drop(self.planned.set(&key, event, batch)),
            Undo::Scan(id, scan) => drop(self.scans.set(&id, scan, batch)),
            Undo::Timer(before) => self.timers.restore(before),
        }
    }
}
