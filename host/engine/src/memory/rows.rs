//! Reading and changing rows in memory. What a call may have to undo is remembered here, in one place.

use std::sync::Arc;

use siyu_model::clock::UtcMs;
use siyu_model::customer::{Customer, Fact, TagMark};
use siyu_model::event::{EventSeq, Identity};
use siyu_model::id::{CustomerId, MessageId, ReservationId, RunId, ScanId, WaitId};
use siyu_model::journal::JournalEntry;
use siyu_model::message::Message;
use siyu_model::name::{EventType, Key, PlaybookName, PluginName, SegmentName, Tag, WorkflowName};
use siyu_model::stock::counter::Counter;
use siyu_model::stock::pool::Pool;
use siyu_model::stock::reservation::Reservation;

use super::undo::Undo;
use super::{Halt, LiveRun, Memory, Person, Worked};
use crate::ports::rows::{
    CodeRow, EntryRow, Hash16, JournalRow, PlannedEvent, PlaybookRow, RecordKey, ResourceRow, ScanRow,
    ScheduleRow, SegmentRow, StockKey, TimerKind, WaitRow,
};
use crate::ports::store::{RecordRange, Wants};

/// A row of a cache by key: from memory, else from the store.
macro_rules! read {
    ($memory:ident . $cache:ident, $key:expr, $want:ident) => {{
        if !$memory.$cache.knows($key) {
            $memory.fetch(Wants { $want: vec![$key.clone()], ..Wants::default() })?;
        }
        let batch = $memory.batch;
        $memory.$cache.touch($key, batch)
    }};
}

impl Memory {
    /// A customer; none when there is no such customer.
    pub(crate) fn person(&mut self, id: CustomerId) -> Worked<Option<&Person>> {
        Ok(read!(self.people, &id, customers))
    }

    /// A customer that must be there because something of theirs is.
    pub(crate) fn known_person(&mut self, id: CustomerId) -> Worked<&Person> {
        self.person(id)?.ok_or_else(|| Halt::Broken(format!("customer {id} is gone")))
    }

    /// A customer when memory has them already.
    pub(crate) fn person_in_memory(&self, id: &CustomerId) -> Option<&Person> {
        self.people.get(id)
    }

    fn person_mut(&mut self, id: CustomerId) -> Worked<&mut Person> {
        self.known_person(id)?;
        let batch = self.batch;
        let found = self.people.change(&id, batch).map(|(person, _)| person);
        found.ok_or_else(|| Halt::Broken(format!("customer {id} is gone")))
    }

    /// Customers in the order of their ids, after one; at most `limit`.
    pub(crate) fn customer_ids(
        &mut self,
        after: Option<CustomerId>,
        limit: usize,
    ) -> Worked<Vec<CustomerId>> {
        let stored = self.reader().ask(|store| store.customer_ids(after, limit))?;
        let is_complete = stored.len() < limit;
        let last = stored.last().copied();
        let new = self.new_customers.keys().copied();
        let new =
            new.filter(|id| after.is_none_or(|after| *id > after) && (is_complete || Some(*id) <= last));
        let all: std::collections::BTreeSet<CustomerId> = stored.into_iter().chain(new).collect();
        Ok(all.into_iter().take(limit).collect())
    }

    /// Whose outside name this is.
    pub(crate) fn identity(&mut self, identity: &Identity) -> Worked<Option<CustomerId>> {
        Ok(read!(self.identities, identity, identities).copied())
    }

    /// Makes a customer, with an outside name when it is known by one.
    pub(crate) fn create_customer(&mut self, customer: Customer) {
        let id = customer.id;
        for identity in &customer.identities {
            self.identities.set(identity, Some(id), self.batch);
            self.changes.identities.push((identity.clone(), id));
        }
        self.people.set(&id, Some(Person::new(customer)), self.batch);
        self.customer_total += 1;
        self.new_customers.insert(id, self.batch);
        self.changes.customers.insert(id);
    }

    /// Adds an event to its customer's facts.
    pub(crate) fn add_fact(
        &mut self,
        id: CustomerId,
        event_type: &EventType,
        occurred_at: UtcMs,
        amount: (i64, EventSeq),
    ) -> Worked<()> {
        let person = self.person_mut(id)?;
        let facts = &mut Arc::make_mut(&mut person.customer).facts;
        let fact = Fact::add(facts.get(event_type).copied(), occurred_at, amount.0, amount.1);
        facts.insert(event_type.clone(), fact);
        self.changes.facts.insert((id, event_type.clone()));
        Ok(())
    }

    /// Changes a customer's attributes or tags, remembering how they were.
    fn change_customer(&mut self, id: CustomerId, change: impl FnOnce(&mut Customer)) -> Worked<()> {
        let before = self.known_person(id)?.customer.clone();
        self.remember(|| Undo::Customer(id, before));
        change(Arc::make_mut(&mut self.person_mut(id)?.customer));
        Ok(())
    }

    /// Replaces a customer's attributes.
    pub(crate) fn set_attributes(
        &mut self,
        id: CustomerId,
        attributes: siyu_model::json::Value,
    ) -> Worked<()> {
        self.change_customer(id, |customer| customer.attributes = attributes)?;
        self.changes.customers.insert(id);
        Ok(())
    }

    /// Puts a tag on, changes its mark, or takes it off; its timer follows. Gives the mark that was there.
    pub(crate) fn set_tag(
        &mut self,
        id: CustomerId,
        tag: &Tag,
        mark: Option<TagMark>,
    ) -> Worked<Option<TagMark>> {
        let before = self.known_person(id)?.customer.tags.get(tag).cloned();
        let timer = |at: Option<UtcMs>| at.map(|at| (at, TimerKind::Tag { customer: id, tag: tag.clone() }));
        if let Some((at, kind)) = timer(before.as_ref().and_then(|mark| mark.expires_at)) {
            self.clear_timer(at, &kind);
        }
        if let Some((at, kind)) = timer(mark.as_ref().and_then(|mark| mark.expires_at)) {
            self.set_timer(at, kind);
        }
        self.change_customer(id, |customer| {
            match mark {
                Some(mark) => customer.tags.insert(tag.clone(), mark),
                None => customer.tags.remove(tag),
            };
        })?;
        self.changes.tags.insert((id, tag.clone()));
        Ok(before)
    }

    /// Writes a membership; its timer follows.
    pub(crate) fn set_segment(&mut self, row: SegmentRow) -> Worked<()> {
        let key = (row.playbook.clone(), row.segment.clone());
        let kind = |row: &SegmentRow| TimerKind::Segment {
            customer: row.customer,
            playbook: row.playbook.clone(),
            segment: row.segment.clone(),
        };
        let before = self.known_person(row.customer)?.segments.get(&key).and_then(|row| row.check_at);
        if before != row.check_at {
            if let Some(at) = before {
                self.clear_timer(at, &kind(&row));
            }
            if let Some(at) = row.check_at {
                self.set_timer(at, kind(&row));
            }
        }
        self.changes.segments.insert((row.customer, key.0.clone(), key.1.clone()));
        self.person_mut(row.customer)?.segments.insert(key, row);
        Ok(())
    }

    /// The membership of a customer in a segment.
    pub(crate) fn segment(
        &mut self,
        id: CustomerId,
        playbook: &PlaybookName,
        segment: &SegmentName,
    ) -> Worked<Option<SegmentRow>> {
        Ok(self.known_person(id)?.segments.get(&(playbook.clone(), segment.clone())).cloned())
    }

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

    /// Which workflow ran for a key.
    pub(crate) fn entry(&mut self, customer: Option<CustomerId>, hash: Hash16) -> Worked<Option<EntryRow>> {
        match customer {
            Some(customer) => Ok(self.known_person(customer)?.entries.get(&hash).cloned()),
            None => Ok(read!(self.entries, &hash, entries).cloned()),
        }
    }

    /// Writes an entry.
    pub(crate) fn set_entry(&mut self, entry: EntryRow) -> Worked<()> {
        self.changes.entries.insert((entry.customer, entry.hash));
        match entry.customer {
            Some(customer) => {
                self.person_mut(customer)?.entries.insert(entry.hash, entry);
            }
            None => {
                let hash = entry.hash;
                self.entries.set(&hash, Some(entry), self.batch);
            }
        }
        Ok(())
    }

    /// Adds a wait.
    pub(crate) fn add_wait(&mut self, wait: WaitRow) -> Worked<()> {
        self.changes.waits.insert(wait.id, wait.clone());
        if let Some(customer) = wait.customer {
            self.person_mut(customer)?.waits.push(wait);
        } else if let Some(hash) = wait.matching {
            let mut waits = self.matching(hash)?;
            waits.push(wait);
            self.matching.set(&hash, Some(waits), self.batch);
        }
        Ok(())
    }

    /// Takes a wait away: one of a customer, or one with `match`.
    pub(crate) fn remove_wait(
        &mut self,
        id: WaitId,
        customer: Option<CustomerId>,
        matching: Option<Hash16>,
    ) -> Worked<()> {
        self.end_wait(id);
        if let Some(hash) = matching {
            let mut waits = self.matching(hash)?;
            waits.retain(|other| other.id != id);
            self.matching.set(&hash, Some(waits), self.batch);
        } else if let Some(customer) = customer {
            self.person_mut(customer)?.remove_wait(id);
        }
        Ok(())
    }

    fn end_wait(&mut self, id: WaitId) {
        // A wait that began in this batch was never written.
        if self.changes.waits.remove(&id).is_none() {
            self.changes.waits_over.push(id);
        }
    }

    /// Waits with `match` under a key.
    pub(crate) fn matching(&mut self, hash: Hash16) -> Worked<Vec<WaitRow>> {
        Ok(read!(self.matching, &hash, matching).cloned().unwrap_or_default())
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
