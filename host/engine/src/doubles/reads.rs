//! What an executor reads from the tables in memory.
//!
//! Answers come in the order of their keys and hold each row once, however often it was asked for.

use std::collections::BTreeSet;
use std::ops::Bound;

use siyu_model::clock::UtcMs;
use siyu_model::customer::Customer;
use siyu_model::expr::Windowed;
use siyu_model::id::{CustomerId, MessageId, RunId, TimerId};
use siyu_model::message::{Message, MessageStatus};
use siyu_model::name::Key;
use siyu_model::run::RunPhase;

use super::tables::Tables;
use crate::ports::rows::{EventRow, Hash16, JournalRow, LoadedRun, PlaybookRow, TimerRow};
use crate::ports::store::{
    CustomerImage, EventWindow, EventsSince, KeyTable, Loaded, RecordRange, SlotQuery, StoreError, StoredKey,
    TenantImage, Wants, Whose,
};

/// Each wanted key that is there, once and in order, with its row.
fn found<K: Ord, V>(wanted: Vec<K>, get: impl Fn(&K) -> Option<V>) -> Vec<(K, V)> {
    let wanted: BTreeSet<K> = wanted.into_iter().collect();
    wanted.into_iter().filter_map(|key| get(&key).map(|row| (key, row))).collect()
}

/// The same without the keys.
fn rows<K: Ord, V>(wanted: Vec<K>, get: impl Fn(&K) -> Option<V>) -> Vec<V> {
    found(wanted, get).into_iter().map(|(_, row)| row).collect()
}

impl Tables {
    pub(super) fn image(&self) -> TenantImage {
        TenantImage {
            last_seq: self.last_seq,
            at: self.at,
            playbooks: self
                .playbooks
                .values()
                .filter(|row| row.is_active || self.is_kept_by_a_run(row))
                .cloned()
                .collect(),
            resources: self.resources.values().cloned().collect(),
            schedules: self.schedules.values().cloned().collect(),
            scans: self.scans.values().filter(|row| !row.is_done).cloned().collect(),
            feeds: self.feeds.iter().map(|(name, read)| (name.clone(), *read)).collect(),
            customers: self.customers.len() as u64,
            secret: self.secret,
        }
    }

    fn is_kept_by_a_run(&self, row: &PlaybookRow) -> bool {
        let unfinished = self.runs.values().filter(|run| !run.status.is_terminal());
        unfinished.into_iter().any(|run| run.target.version() == row.digest)
    }

    pub(super) fn load(&self, wants: Wants) -> Result<Loaded, StoreError> {
        let mut customers = Vec::new();
        for id in wants.customers.into_iter().collect::<BTreeSet<_>>() {
            customers.extend(self.customer(id)?);
        }
        let matching: BTreeSet<_> = wants.matching.into_iter().collect();
        Ok(Loaded {
            dedupes: found(wants.dedupes, |hash| self.dedupes.get(hash).copied()),
            identities: found(wants.identities, |name| self.identities.get(name).copied()),
            customers,
            runs: rows(wants.runs, |id| self.loaded_run(*id)),
            matching: self
                .waits
                .values()
                .filter(|wait| wait.matching.is_some_and(|hash| matching.contains(&hash)))
                .cloned()
                .collect(),
            entries: rows(wants.entries, |hash| self.entries.get(hash).cloned()),
            records: found(wants.records, |key| {
                let place = (key.customer, key.plugin.clone(), key.key.clone());
                self.records.get(&place).map(|body| body.to_string())
            }),
            pools: found(wants.pools, |key| self.pools.get(key).copied()),
            reservations: rows(wants.reservations, |id| self.reservations.get(id).cloned()),
            counters: found(wants.counters, |key| self.counters.get(key).copied()),
            accounts: found(wants.accounts, |key| self.accounts.get(key).copied()),
            codes: rows(wants.codes, |hash| self.codes.get(hash).cloned()),
            messages: rows(wants.messages, |id| self.messages.get(id).cloned()),
            planned: found(wants.planned, |key| self.planned.get(key).cloned()),
            scans: rows(wants.scans, |id| self.scans.get(id).cloned()),
        })
    }

    fn loaded_run(&self, id: RunId) -> Option<LoadedRun> {
        let run = self.runs.get(&id)?.clone();
        let event = run.event.and_then(|seq| self.events.get(&seq).cloned());
        Some(LoadedRun { run, event })
    }

    pub(super) fn customer(&self, id: CustomerId) -> Result<Option<CustomerImage>, StoreError> {
        let Some(row) = self.customers.get(&id) else {
            return Ok(None);
        };
        let attributes = serde_json::from_str(&row.attributes)
            .map_err(|fault| StoreError::Broken(format!("attributes of customer {id}: {fault}")))?;
        let customer = Customer {
            id,
            created_at: row.created_at,
            attributes,
            identities: self
                .identities
                .iter()
                .filter(|(_, owner)| **owner == id)
                .map(|(name, _)| name.clone())
                .collect(),
            tags: self
                .tags
                .iter()
                .filter(|((owner, _), _)| *owner == id)
                .map(|((_, tag), mark)| (tag.clone(), mark.clone()))
                .collect(),
            facts: self
                .facts
                .iter()
                .filter(|((owner, _), _)| *owner == id)
                .map(|((_, event_type), fact)| (event_type.clone(), *fact))
                .collect(),
        };
        Ok(Some(CustomerImage {
            customer,
            records: self
                .records
                .iter()
                .filter(|((owner, _, _), _)| *owner == Some(id))
                .map(|((_, plugin, key), body)| (plugin.clone(), key.clone(), body.to_string()))
                .collect(),
            waits: self.waits.values().filter(|wait| wait.customer == Some(id)).cloned().collect(),
            entries: self.entries.values().filter(|entry| entry.customer == Some(id)).cloned().collect(),
            segments: self.segments.values().filter(|row| row.customer == id).cloned().collect(),
        }))
    }

    pub(super) fn journal_of(&self, run: RunId) -> Vec<JournalRow> {
        self.journal
            .range((run, 0)..=(run, u32::MAX))
            .map(|((_, row), entry)| JournalRow { run, row: *row, entry: entry.clone() })
            .collect()
    }

    pub(super) fn timers_after(&self, after: Option<(UtcMs, TimerId)>, limit: usize) -> Vec<TimerRow> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.timers
            .range((from, Bound::Unbounded))
            .take(limit)
            .map(|((due_at, id), kind)| TimerRow { due_at: *due_at, id: *id, kind: kind.clone() })
            .collect()
    }

    pub(super) fn scan_records(&self, range: &RecordRange) -> Vec<(Key, String)> {
        self.records
            .iter()
            .filter(|((customer, plugin, _), _)| *customer == range.customer && *plugin == range.plugin)
            .map(|((_, _, key), body)| (key, body))
            .filter(|(key, _)| key.as_str().starts_with(&range.prefix))
            .filter(|(key, _)| range.after.as_deref().is_none_or(|after| key.as_str() > after))
            .take(range.limit)
            .map(|(key, body)| (key.clone(), body.to_string()))
            .collect()
    }

    pub(super) fn count_events(&self, window: &EventWindow) -> Windowed {
        let mut counted = Windowed::default();
        for event in self.events.values().filter(|event| {
            event.customer == Some(window.customer)
                && event.event_type == window.event_type
                && event.occurred_at >= window.since
                && event.seq <= window.seq_max
        }) {
            counted.count += 1;
            let oldest = counted.oldest_at.unwrap_or(event.occurred_at);
            counted.oldest_at = Some(oldest.min(event.occurred_at));
        }
        counted
    }

    pub(super) fn events_since(&self, query: &EventsSince) -> Vec<EventRow> {
        if query.after >= query.seq_max {
            return Vec::new();
        }
        self.events
            .range((Bound::Excluded(query.after), Bound::Included(query.seq_max)))
            .map(|(_, event)| event)
            .filter(|event| query.event_types.contains(&event.event_type))
            .filter(|event| match query.whose {
                Whose::Customer(id) => event.customer == Some(id),
                Whose::Matching(hash) => self.matches.contains(&(hash, event.seq)),
            })
            .take(query.limit)
            .cloned()
            .collect()
    }

    pub(super) fn customer_ids(&self, after: Option<CustomerId>, limit: usize) -> Vec<CustomerId> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.customers.range((from, Bound::Unbounded)).take(limit).map(|(id, _)| *id).collect()
    }

    pub(super) fn keys(&self, table: KeyTable, after: Option<StoredKey>, limit: usize) -> Vec<StoredKey> {
        match table {
            KeyTable::Events => {
                let after = match after {
                    Some(StoredKey::Event(hash)) => Some(hash),
                    _ => None,
                };
                let mut keys: Vec<Hash16> =
                    self.dedupes.keys().copied().filter(|key| Some(*key) > after).collect();
                keys.sort();
                keys.into_iter().take(limit).map(StoredKey::Event).collect()
            }
            KeyTable::Identities => {
                let from = match after {
                    Some(StoredKey::Identity(name)) => Bound::Excluded(name),
                    _ => Bound::Unbounded,
                };
                let names = self.identities.range((from, Bound::Unbounded)).take(limit);
                names.map(|(name, _)| StoredKey::Identity(name.clone())).collect()
            }
            KeyTable::Counters => {
                let from = match after {
                    Some(StoredKey::Counter(key)) => Bound::Excluded(key),
                    _ => Bound::Unbounded,
                };
                let keys = self.counters.range((from, Bound::Unbounded)).take(limit);
                keys.map(|(key, _)| StoredKey::Counter(key.clone())).collect()
            }
        }
    }

    pub(super) fn runs_of_slot(&self, query: &SlotQuery) -> Vec<RunId> {
        self.runs
            .values()
            .filter(|run| {
                run.target.playbook() == &query.playbook
                    && run.target.name() == query.workflow
                    && run.slot.as_deref() == Some(query.slot.as_str())
                    && !run.status.is_terminal()
                    && (run.status.phase() == RunPhase::Queued) == query.queued
            })
            .take(query.limit)
            .map(|run| run.id)
            .collect()
    }

    pub(super) fn unsent_messages(
        &self,
        due_before: UtcMs,
        after: Option<MessageId>,
        limit: usize,
    ) -> Vec<Message> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.messages
            .range((from, Bound::Unbounded))
            .map(|(_, message)| message)
            .filter(|message| message.status == MessageStatus::Planned && message.due_at < due_before)
            .take(limit)
            .cloned()
            .collect()
    }
}
