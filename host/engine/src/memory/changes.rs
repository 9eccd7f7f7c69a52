//! What a batch changed, gathered into one write set.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use siyu_model::event::Identity;
use siyu_model::id::{CustomerId, MessageId, ReservationId, RunId, ScanId, WaitId};
use siyu_model::name::{EventType, Key, PlaybookName, PluginName, SegmentName, Tag, WorkflowName};

use super::{Memory, Worked};
use crate::ports::rows::{
    AccountKey, CustomerRow, EventRow, FactRow, Hash16, LedgerRow, PlannedRow, PlaybookRow, RecordKey,
    ResourceRow, ScheduleRow, StockKey, TagRow, WaitRow, WriteSet,
};

/// Which rows the batch changed, and rows that are only ever added.
#[derive(Default)]
pub(crate) struct Changes {
    pub(super) events: Vec<EventRow>,
    /// In the order of their ids, which is that of time.
    pub(super) customers: BTreeSet<CustomerId>,
    pub(super) identities: Vec<(Identity, CustomerId)>,
    pub(super) facts: HashSet<(CustomerId, EventType)>,
    pub(super) tags: HashSet<(CustomerId, Tag)>,
    pub(super) segments: HashSet<(CustomerId, PlaybookName, SegmentName)>,
    pub(super) runs: Vec<RunId>,
    pub(super) entries: HashSet<(Option<CustomerId>, Hash16)>,
    pub(super) waits: BTreeMap<WaitId, WaitRow>,
    pub(super) waits_over: Vec<WaitId>,
    pub(super) planned: Vec<(PluginName, Key)>,
    pub(super) records: HashSet<RecordKey>,
    pub(super) pools: Vec<StockKey>,
    pub(super) reservations: Vec<ReservationId>,
    pub(super) counters: Vec<StockKey>,
    pub(super) accounts: Vec<AccountKey>,
    /// In the order in which they were made.
    pub(super) ledger: Vec<LedgerRow>,
    pub(super) codes: Vec<Hash16>,
    pub(super) messages: Vec<MessageId>,
    pub(super) scans: Vec<ScanId>,
    pub(super) playbooks: Vec<PlaybookRow>,
    pub(super) resources: Vec<ResourceRow>,
    /// All schedules, and which of them changed.
    pub(super) schedules: BTreeMap<(PlaybookName, WorkflowName), ScheduleRow>,
    pub(super) schedules_changed: HashSet<(PlaybookName, WorkflowName)>,
    pub(super) feeds: HashSet<String>,
}

impl Changes {
    pub(super) fn learn_schedule(&mut self, row: ScheduleRow) {
        self.schedules.insert((row.playbook.clone(), row.workflow.clone()), row);
    }
}

impl Memory {
    /// Everything that the batch changed, as it is now; the next batch begins.
    pub(crate) fn flush(&mut self) -> Worked<WriteSet> {
        let batch = self.batch;
        self.batch += 1;
        let changes = std::mem::take(&mut self.changes);
        let mut writes = WriteSet { at: self.now, events: changes.events, ..WriteSet::default() };
        writes.identities = changes.identities;
        self.flush_customers(&mut writes, changes.customers);
        self.flush_facts(&mut writes, changes.facts);
        self.flush_marks(&mut writes, changes.tags, changes.segments);
        for id in changes.runs {
            if let Some((live, _)) = self.runs.change(&id, batch) {
                writes.journal.append(&mut live.journal);
                writes.runs.push(live.run.clone());
            }
        }
        for (customer, hash) in changes.entries {
            let entry = match customer {
                Some(customer) => self.people.get(&customer).and_then(|person| person.entries.get(&hash)),
                None => self.entries.get(&hash),
            };
            writes.entries.extend(entry.cloned());
        }
        writes.waits = changes.waits.into_values().collect();
        writes.waits_over = changes.waits_over;
        (writes.timers, writes.timers_over) = self.timers.flush();
        writes.planned.extend(changes.planned.into_iter().map(|(plugin, key)| {
            let event = self.planned.get(&(plugin.clone(), key.clone())).cloned();
            PlannedRow { plugin, key, event }
        }));
        for key in changes.records {
            let body = self.known_record(&key);
            writes.records.push((key, body));
        }
        self.flush_stock(&mut writes, changes.pools, changes.reservations, changes.counters);
        writes.accounts.extend(changes.accounts.into_iter().filter_map(|key| {
            let units = self.accounts.get(&key).copied()?;
            Some((key, units))
        }));
        writes.ledger = changes.ledger;
        writes.codes.extend(changes.codes.iter().filter_map(|lookup| self.codes.get(lookup)).cloned());
        writes.messages.extend(changes.messages.iter().filter_map(|id| self.messages.get(id)).cloned());
        writes.scans.extend(changes.scans.iter().filter_map(|id| self.scans.get(id)).cloned());
        writes.playbooks = changes.playbooks;
        writes.resources = changes.resources;
        writes
            .schedules
            .extend(changes.schedules_changed.iter().filter_map(|key| changes.schedules.get(key)).cloned());
        writes.feeds.extend(changes.feeds.into_iter().filter_map(|name| {
            let taken = self.feeds.get(&name).copied()?;
            Some((name, taken))
        }));
        // Schedules are few and stay known.
        self.changes.schedules = changes.schedules;
        Ok(writes)
    }

    fn flush_customers(&self, writes: &mut WriteSet, customers: BTreeSet<CustomerId>) {
        for id in customers {
            if let Some(person) = self.people.get(&id) {
                let attributes = serde_json::to_string(&person.customer.attributes).unwrap_or_default();
                let created_at = person.customer.created_at;
                writes.customers.push(CustomerRow { id, created_at, attributes });
            }
        }
    }

    fn flush_facts(&self, writes: &mut WriteSet, facts: HashSet<(CustomerId, EventType)>) {
        for (customer, event_type) in facts {
            let fact = self.people.get(&customer).and_then(|person| person.customer.facts.get(&event_type));
            writes.facts.extend(fact.map(|fact| FactRow {
                customer,
                event_type: event_type.clone(),
                fact: *fact,
            }));
        }
    }

    fn flush_marks(
        &self,
        writes: &mut WriteSet,
        tags: HashSet<(CustomerId, Tag)>,
        segments: HashSet<(CustomerId, PlaybookName, SegmentName)>,
    ) {
        for (customer, tag) in tags {
            let person = self.people.get(&customer);
            let mark = person.and_then(|person| person.customer.tags.get(&tag)).cloned();
            writes.tags.push(TagRow { customer, tag, mark });
        }
        for (customer, playbook, segment) in segments {
            let person = self.people.get(&customer);
            let row = person.and_then(|person| person.segments.get(&(playbook, segment)));
            writes.segments.extend(row.cloned());
        }
    }

    fn flush_stock(
        &mut self,
        writes: &mut WriteSet,
        pools: Vec<StockKey>,
        reservations: Vec<ReservationId>,
        counters: Vec<StockKey>,
    ) {
        // A row without a value was made and undone inside this batch: the store never had it.
        for key in pools {
            if let Some(pool) = self.pools.get(&key) {
                writes.pools.push((key, *pool));
            }
        }
        writes.reservations.extend(reservations.iter().filter_map(|id| self.reservations.get(id)).cloned());
        for key in counters {
            if let Some(counter) = self.counters.get(&key) {
                writes.counters.push((key, *counter));
            }
        }
    }
}
