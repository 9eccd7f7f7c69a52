//! Reading and changing rows in memory. What a call may have to undo is remembered here, in one place.

use std::sync::Arc;

use siyu_model::clock::UtcMs;
use siyu_model::event::EventSeq;
use siyu_model::id::{MessageId, ReservationId, RunId, ScanId};
use siyu_model::journal::JournalEntry;
use siyu_model::message::Message;
use siyu_model::name::{Key, PlaybookName, PluginName, WorkflowName};
use siyu_model::stock::counter::Counter;
use siyu_model::stock::pool::Pool;
use siyu_model::stock::reservation::Reservation;

use super::read::read;
use super::undo::Undo;
use super::{LiveRun, Memory, Worked};
use crate::ports::rows::{
    CodeRow, Hash16, JournalRow, PlannedEvent, PlaybookRow, RecordKey, ResourceRow, ScanRow, ScheduleRow,
    StockKey, TimerKind,
};
use crate::ports::store::{RecordRange, Wants};

impl Memory {
    /// A document of a plugin.
    pub(crate) fn record(&mut self, key: &RecordKey) -> Worked<Option<Arc<str>>> {
        match key.customer {
            Some(customer) => {
                let place = (key.plugin.clone(), key.key.clone());
                Ok(self.known_person(customer)?.records.get(&place).cloned())
            }
            None => Ok(read!(self.records, key, records).cloned()),
        }
    }

    pub(super) fn known_record(&self, key: &RecordKey) -> Option<Arc<str>> {
        match key.customer {
            Some(customer) => {
                let place = (key.plugin.clone(), key.key.clone());
                self.people.get(&customer).and_then(|person| person.records.get(&place)).cloned()
            }
            None => self.records.get(key).cloned(),
        }
    }

    /// Writes or removes a document.
    pub(crate) fn set_record(&mut self, key: &RecordKey, body: Option<Arc<str>>) -> Worked<()> {
        let before = self.record(key)?;
        match key.customer {
            Some(customer) => {
                let place = (key.plugin.clone(), key.key.clone());
                self.remember(|| Undo::PersonRecord(customer, place.clone(), before));
                let records = &mut self.person_mut(customer)?.records;
                match body {
                    Some(body) => records.insert(place, body),
                    None => records.remove(&place),
                };
            }
            None => {
                self.remember(|| Undo::Record(key.clone(), before));
                self.records.set(key, body, self.batch);
            }
        }
        self.changes.records.insert(key.clone());
        Ok(())
    }

    /// Documents by prefix, in the order of their keys, as memory and store together have them.
    pub(crate) fn scan_records(&mut self, range: RecordRange) -> Worked<Vec<(String, Arc<str>)>> {
        if let Some(customer) = range.customer {
            let records = &self.known_person(customer)?.records;
            let begins = records.iter().filter(|((plugin, key), _)| {
                *plugin == range.plugin
                    && key.as_str().starts_with(&range.prefix)
                    && range.after.as_deref().is_none_or(|after| key.as_str() > after)
            });
            let found = begins.take(range.limit).map(|((_, key), body)| (key.to_string(), body.clone()));
            return Ok(found.collect());
        }
        self.scan_tenant_records(range)
    }

    /// What uncommitted batches wrote or removed lies over what the store has.
    fn scan_tenant_records(&mut self, range: RecordRange) -> Worked<Vec<(String, Arc<str>)>> {
        let changed = self.records.uncommitted(self.committed_batch, |key| {
            key.plugin == range.plugin
                && key.customer.is_none()
                && key.key.as_str().starts_with(&range.prefix)
                && range.after.as_deref().is_none_or(|after| key.key.as_str() > after)
        });
        // Removed rows may hide as many of the store's: ask for that many more.
        let limit = range.limit;
        let ask = RecordRange { limit: limit + changed.len(), ..range };
        let reader = self.reader();
        let mut found: std::collections::BTreeMap<String, Arc<str>> = reader
            .ask(|store| store.scan_records(ask))?
            .into_iter()
            .map(|(key, body)| (key.to_string(), Arc::from(body)))
            .collect();
        for (key, body) in changed {
            match body {
                Some(body) => found.insert(key.key.to_string(), body),
                None => found.remove(key.key.as_str()),
            };
        }
        Ok(found.into_iter().take(limit).collect())
    }

    /// A pool.
    pub(crate) fn pool(&mut self, key: &StockKey) -> Worked<Option<Pool>> {
        Ok(read!(self.pools, key, pools).copied())
    }

    /// Writes a pool.
    pub(crate) fn set_pool(&mut self, key: &StockKey, pool: Pool) {
        let (before, is_first) = self.pools.set(key, Some(pool), self.batch);
        self.remember(|| Undo::Pool(key.clone(), before));
        if is_first {
            self.changes.pools.push(key.clone());
        }
    }

    /// A reservation.
    pub(crate) fn reservation(&mut self, id: ReservationId) -> Worked<Option<Reservation>> {
        Ok(read!(self.reservations, &id, reservations).cloned())
    }

    /// Writes a reservation.
    pub(crate) fn set_reservation(&mut self, reservation: Reservation) {
        let id = reservation.id;
        let (before, is_first) = self.reservations.set(&id, Some(reservation), self.batch);
        self.remember(|| Undo::Reservation(id, before));
        if is_first {
            self.changes.reservations.push(id);
        }
    }

    /// A counter; a new one when it was never used.
    pub(crate) fn counter(&mut self, key: &StockKey) -> Worked<Counter> {
        Ok(read!(self.counters, key, counters).copied().unwrap_or_default())
    }

    /// Writes a counter.
    pub(crate) fn set_counter(&mut self, key: &StockKey, counter: Counter) {
        let (before, is_first) = self.counters.set(key, Some(counter), self.batch);
        self.remember(|| Undo::Counter(key.clone(), before));
        if is_first {
            self.changes.counters.push(key.clone());
        }
    }

    /// A code by its keyed hash.
    pub(crate) fn code(&mut self, lookup: Hash16) -> Worked<Option<&CodeRow>> {
        Ok(read!(self.codes, &lookup, codes))
    }

    /// Adds a code.
    pub(crate) fn add_code(&mut self, row: CodeRow) {
        let lookup = row.lookup;
        let (before, is_first) = self.codes.set(&lookup, Some(row), self.batch);
        self.remember(|| Undo::Code(lookup, before));
        if is_first {
            self.changes.codes.push(lookup);
        }
    }

    /// A message.
    pub(crate) fn message(&mut self, id: MessageId) -> Worked<Option<&Message>> {
        Ok(read!(self.messages, &id, messages))
    }

    /// Writes a message.
    pub(crate) fn set_message(&mut self, message: Message) {
        let id = message.id;
        let (before, is_first) = self.messages.set(&id, Some(message), self.batch);
        self.remember(|| Undo::Message(id, before));
        if is_first {
            self.changes.messages.push(id);
        }
    }

    /// An event that a plugin planned.
    pub(crate) fn planned(&mut self, key: &(PluginName, Key)) -> Worked<Option<PlannedEvent>> {
        Ok(read!(self.planned, key, planned).cloned())
    }

    /// Plans an event or takes the plan back; its timer follows. Says whether there was one.
    pub(crate) fn set_planned(
        &mut self,
        key: &(PluginName, Key),
        event: Option<PlannedEvent>,
    ) -> Worked<bool> {
        let kind = TimerKind::Planned { plugin: key.0.clone(), key: key.1.clone() };
        let before = self.planned(key)?;
        if let Some(before) = &before {
            self.clear_timer(before.due_at, &kind);
        }
        if let Some(event) = &event {
            self.set_timer(event.due_at, kind);
        }
        let (_, is_first) = self.planned.set(key, event, self.batch);
        let was_there = before.is_some();
        self.remember(|| Undo::Planned(key.clone(), before));
        if is_first {
            self.changes.planned.push(key.clone());
        }
        Ok(was_there)
    }

    /// A scan.
    pub(crate) fn scan(&mut self, id: ScanId) -> Worked<Option<ScanRow>> {
        Ok(read!(self.scans, &id, scans).cloned())
    }

    /// Writes a scan.
    pub(crate) fn set_scan(&mut self, scan: ScanRow) {
        let id = scan.id;
        let (before, is_first) = self.scans.set(&id, Some(scan), self.batch);
        self.remember(|| Undo::Scan(id, before));
        if is_first {
            self.changes.scans.push(id);
        }
    }

    /// Sets a timer.
    pub(crate) fn set_timer(&mut self, due_at: UtcMs, kind: TimerKind) {
        if self.is_recording {
            let before = self.timers.snapshot(due_at, &kind);
            self.remember(|| Undo::Timer(before));
        }
        self.timers.set(due_at, kind);
    }

    /// Takes a timer away.
    pub(crate) fn clear_timer(&mut self, due_at: UtcMs, kind: &TimerKind) {
        if self.is_recording {
            let before = self.timers.snapshot(due_at, kind);
            self.remember(|| Undo::Timer(before));
        }
        self.timers.clear(due_at, kind);
    }

    /// A run; none when there is no such run.
    pub(crate) fn run(&mut self, id: RunId) -> Worked<Option<&LiveRun>> {
        Ok(read!(self.runs, &id, runs))
    }

    /// Takes a run out to work on it; it must be put back with [`Memory::put_run`].
    pub(crate) fn take_run(&mut self, id: RunId) -> Worked<Option<LiveRun>> {
        self.run(id)?;
        Ok(self.runs.take(&id))
    }

    /// Puts a run back, changed.
    pub(crate) fn put_run(&mut self, live: LiveRun) {
        let id = live.run.id;
        let (_, is_first) = self.runs.set(&id, Some(live), self.batch);
        if is_first {
            self.changes.runs.push(id);
        }
    }

    /// Puts a run back that was only looked at.
    pub(crate) fn return_run(&mut self, live: LiveRun) {
        let id = live.run.id;
        self.runs.untake(&id, live);
    }

    /// Whether an event was recorded before.
    pub(crate) fn recorded(&mut self, dedupe: Hash16) -> Worked<Option<EventSeq>> {
        Ok(read!(self.dedupes, &dedupe, dedupes).copied())
    }

    /// How far a feed was taken in.
    pub(crate) fn set_feed(&mut self, name: &str, taken: u64) {
        self.feeds.insert(name.to_owned(), taken);
        self.changes.feeds.insert(name.to_owned());
    }

    /// Where a schedule stands.
    pub(crate) fn schedule(&self, playbook: &PlaybookName, workflow: &WorkflowName) -> Option<&ScheduleRow> {
        self.changes.schedules.get(&(playbook.clone(), workflow.clone()))
    }

    /// All schedules of a playbook.
    pub(crate) fn schedules_of(&self, playbook: &PlaybookName) -> Vec<ScheduleRow> {
        self.changes.schedules.values().filter(|row| row.playbook == *playbook).cloned().collect()
    }

    /// Writes a schedule; its timer follows.
    pub(crate) fn set_schedule(&mut self, row: ScheduleRow) {
        let key = (row.playbook.clone(), row.workflow.clone());
        let kind = TimerKind::Schedule { playbook: row.playbook.clone(), workflow: row.workflow.clone() };
        if let Some(at) = self.changes.schedules.get(&key).and_then(|before| before.next_at) {
            self.timers.clear(at, &kind);
        }
        if let Some(at) = row.next_at {
            self.timers.set(at, kind);
        }
        self.changes.schedules_changed.insert(key.clone());
        self.changes.schedules.insert(key, row);
    }

    /// Adds or changes a published version.
    pub(crate) fn write_playbook(&mut self, row: PlaybookRow) {
        self.changes.playbooks.push(row);
    }

    /// Puts a definition into force or takes it away.
    pub(crate) fn write_resource(&mut self, row: ResourceRow) {
        self.changes.resources.push(row);
    }
}

impl LiveRun {
    /// Adds a line to the run's journal.
    pub(crate) fn write(&mut self, entry: JournalEntry) {
        let row = self.run.journal_rows;
        self.run.journal_rows += 1;
        self.journal.push(JournalRow { run: self.run.id, row, entry });
    }
}
