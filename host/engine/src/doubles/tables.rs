//! The tables of a tenant in memory, and how a write set changes them.
//!
//! Nothing here is async or fails half-way: a write set is checked whole, then applied whole.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use siyu_model::clock::UtcMs;
use siyu_model::customer::{Fact, TagMark};
use siyu_model::digest::PlaybookDigest;
use siyu_model::event::{EventSeq, Identity};
use siyu_model::id::{CustomerId, MessageId, ReservationId, RunId, ScanId, TimerId, WaitId};
use siyu_model::journal::JournalEntry;
use siyu_model::message::Message;
use siyu_model::name::{
    EventType, Key, OfferName, PlaybookName, PluginName, ResourceName, SegmentName, Tag, WorkflowName,
};
use siyu_model::run::Run;
use siyu_model::stock::counter::Counter;
use siyu_model::stock::pool::Pool;
use siyu_model::stock::reservation::Reservation;

use crate::ports::rows::{
    AccountKey, CodeRow, CustomerRow, EntryRow, EventRow, Hash16, LedgerRow, PlannedEvent, PlaybookRow,
    ResourceRow, ScanRow, ScheduleRow, SegmentRow, StockKey, TimerKind, WaitRow, WriteSet,
};
use crate::ports::store::StoreError;

/// Everything that a tenant keeps, each table by its key.
#[derive(Default)]
pub(super) struct Tables {
    pub(super) secret: [u8; 32],
    pub(super) epoch: u64,
    pub(super) at: UtcMs,
    pub(super) last_seq: EventSeq,
    pub(super) events: BTreeMap<EventSeq, EventRow>,
    pub(super) dedupes: HashMap<Hash16, EventSeq>,
    pub(super) matches: BTreeSet<(Hash16, EventSeq)>,
    pub(super) customers: BTreeMap<CustomerId, CustomerRow>,
    pub(super) identities: BTreeMap<Identity, CustomerId>,
    pub(super) facts: BTreeMap<(CustomerId, EventType), Fact>,
    pub(super) tags: BTreeMap<(CustomerId, Tag), TagMark>,
    pub(super) segments: BTreeMap<(CustomerId, PlaybookName, SegmentName), SegmentRow>,
    pub(super) runs: BTreeMap<RunId, Run>,
    pub(super) journal: BTreeMap<(RunId, u32), JournalEntry>,
    pub(super) entries: BTreeMap<Hash16, EntryRow>,
    pub(super) waits: BTreeMap<WaitId, WaitRow>,
    pub(super) timers: BTreeMap<(UtcMs, TimerId), TimerKind>,
    pub(super) planned: BTreeMap<(PluginName, Key), PlannedEvent>,
    pub(super) records: BTreeMap<(Option<CustomerId>, PluginName, Key), Arc<str>>,
    pub(super) pools: BTreeMap<StockKey, Pool>,
    pub(super) reservations: BTreeMap<ReservationId, Reservation>,
    pub(super) counters: BTreeMap<StockKey, Counter>,
    pub(super) accounts: BTreeMap<AccountKey, i64>,
    /// Oldest first.
    pub(super) ledger: Vec<LedgerRow>,
    pub(super) codes: BTreeMap<Hash16, CodeRow>,
    pub(super) messages: BTreeMap<MessageId, Message>,
    pub(super) playbooks: BTreeMap<(PlaybookName, PlaybookDigest), PlaybookRow>,
    pub(super) resources: BTreeMap<(PluginName, OfferName, ResourceName), ResourceRow>,
    pub(super) schedules: BTreeMap<(PlaybookName, WorkflowName), ScheduleRow>,
    pub(super) scans: BTreeMap<ScanId, ScanRow>,
    pub(super) feeds: BTreeMap<String, u64>,
}

fn doubled(what: &str, which: impl std::fmt::Debug) -> StoreError {
    StoreError::Database(format!("{what} {which:?} is there already"))
}

impl Tables {
    /// What the constraints of a database would refuse.
    pub(super) fn check(&self, writes: &WriteSet) -> Result<(), StoreError> {
        let mut seqs = HashSet::new();
        let mut dedupes = HashSet::new();
        for event in &writes.events {
            if self.events.contains_key(&event.seq) || !seqs.insert(event.seq) {
                return Err(doubled("event", event.seq));
            }
            if self.dedupes.contains_key(&event.dedupe) || !dedupes.insert(event.dedupe) {
                return Err(doubled("event", event.dedupe));
            }
        }
        let mut codes = HashSet::new();
        for code in &writes.codes {
            if self.codes.contains_key(&code.lookup) || !codes.insert(code.lookup) {
                return Err(doubled("code", code.lookup));
            }
        }
        self.check_ledger(writes)?;
        self.check_journal(writes)?;
        self.check_active(writes)
    }

    fn check_ledger(&self, writes: &WriteSet) -> Result<(), StoreError> {
        for (key, units) in &writes.accounts {
            if key.account.restore(*units).is_none() {
                let name = &key.account.name;
                return Err(StoreError::Database(format!(
                    "account {name} of {} would hold {units}",
                    key.plugin
                )));
            }
        }
        if writes.ledger.is_empty() {
            return Ok(());
        }
        let mut places: HashSet<_> = self.ledger.iter().map(|row| (row.posting, row.place)).collect();
        match writes.ledger.iter().find(|row| !places.insert((row.posting, row.place))) {
            Some(row) => Err(doubled("transfer of posting", row.posting)),
            None => Ok(()),
        }
    }

    fn check_journal(&self, writes: &WriteSet) -> Result<(), StoreError> {
        let new: HashSet<RunId> = writes.runs.iter().map(|run| run.id).collect();
        for line in &writes.journal {
            if !self.runs.contains_key(&line.run) && !new.contains(&line.run) {
                return Err(StoreError::Database(format!(
                    "a journal line of run {}, which is not there",
                    line.run
                )));
            }
        }
        Ok(())
    }

    /// At most one version of a playbook is active, after the whole write set.
    fn check_active(&self, writes: &WriteSet) -> Result<(), StoreError> {
        let mut active: BTreeMap<(&PlaybookName, PlaybookDigest), bool> =
            self.playbooks.values().map(|row| ((&row.name, row.digest), row.is_active)).collect();
        active.extend(writes.playbooks.iter().map(|row| ((&row.name, row.digest), row.is_active)));
        let mut names = HashSet::new();
        for ((name, _), is_active) in active {
            if is_active && !names.insert(name) {
                return Err(doubled("an active version of playbook", name));
            }
        }
        Ok(())
    }

    /// Applies a write set that was checked.
    pub(super) fn apply(&mut self, writes: WriteSet) {
        self.at = self.at.max(writes.at);
        for event in writes.events {
            self.last_seq = self.last_seq.max(event.seq);
            self.dedupes.insert(event.dedupe, event.seq);
            self.matches.extend(event.matches.iter().map(|hash| (*hash, event.seq)));
            self.events.insert(event.seq, event);
        }
        self.runs.extend(writes.runs.into_iter().map(|run| (run.id, run)));
        self.journal.extend(writes.journal.into_iter().map(|line| ((line.run, line.row), line.entry)));
        self.entries.extend(writes.entries.into_iter().map(|row| (row.hash, row)));
        for id in &writes.waits_over {
            self.waits.remove(id);
        }
        self.waits.extend(writes.waits.into_iter().map(|row| (row.id, row)));
        for key in &writes.timers_over {
            self.timers.remove(key);
        }
        self.timers.extend(writes.timers.into_iter().map(|row| ((row.due_at, row.id), row.kind)));
        self.messages.extend(writes.messages.into_iter().map(|row| (row.id, row)));
        self.scans.extend(writes.scans.into_iter().map(|row| (row.id, row)));
        self.feeds.extend(writes.feeds);
        self.apply_people(
            writes.customers,
            writes.identities,
            writes.facts.into_iter().map(|row| ((row.customer, row.event_type), row.fact)),
        );
        for row in writes.tags {
            put(&mut self.tags, (row.customer, row.tag), row.mark);
        }
        self.segments.extend(
            writes
                .segments
                .into_iter()
                .map(|row| ((row.customer, row.playbook.clone(), row.segment.clone()), row)),
        );
        for row in writes.planned {
            put(&mut self.planned, (row.plugin, row.key), row.event);
        }
        for (key, body) in writes.records {
            put(&mut self.records, (key.customer, key.plugin, key.key), body);
        }
        self.pools.extend(writes.pools);
        self.reservations.extend(writes.reservations.into_iter().map(|row| (row.id, row)));
        self.counters.extend(writes.counters);
        self.accounts.extend(writes.accounts);
        self.ledger.extend(writes.ledger);
        self.codes.extend(writes.codes.into_iter().map(|row| (row.lookup, row)));
        self.apply_published(writes.playbooks, writes.resources, writes.schedules);
    }

    fn apply_people(
        &mut self,
        customers: Vec<CustomerRow>,
        identities: Vec<(Identity, CustomerId)>,
        facts: impl Iterator<Item = ((CustomerId, EventType), Fact)>,
    ) {
        self.customers.extend(customers.into_iter().map(|row| (row.id, row)));
        self.identities.extend(identities);
        self.facts.extend(facts);
    }

    fn apply_published(
        &mut self,
        playbooks: Vec<PlaybookRow>,
        resources: Vec<ResourceRow>,
        schedules: Vec<ScheduleRow>,
    ) {
        for row in playbooks {
            // A published version is immutable: only whether it is active changes.
            let is_active = row.is_active;
            self.playbooks.entry((row.name.clone(), row.digest)).or_insert(row).is_active = is_active;
        }
        for row in resources {
            let key = (row.plugin.clone(), row.kind.clone(), row.name.clone());
            let is_kept = row.body.is_some();
            put(&mut self.resources, key, is_kept.then_some(row));
        }
        self.schedules
            .extend(schedules.into_iter().map(|row| ((row.playbook.clone(), row.workflow.clone()), row)));
    }
}

/// Sets a row, or removes it when there is none.
fn put<K: Ord, V>(table: &mut BTreeMap<K, V>, key: K, value: Option<V>) {
    match value {
        Some(value) => table.insert(key, value),
        None => table.remove(&key),
    };
}
