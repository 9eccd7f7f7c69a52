//! Counting what an executor does: commits, steps, calls of plugins. Changes nothing and keeps nothing.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use siyu_engine::ports::plugins::{
    CallHost, CallReport, DeliveryCall, DeliveryReport, Entry, PluginCall, Plugins,
};
use siyu_engine::ports::rows::{EventRow, PlaybookRow, TimerRow, WriteSet};
use siyu_engine::ports::store::{
    EventWindow, EventsSince, KeyTable, Loaded, Maintenance, MaintenanceReport, RecordRange, SlotQuery,
    Store, StoreError, StoredKey, Stores, TenantImage, Unfinished, Wants,
};
use siyu_model::clock::UtcMs;
use siyu_model::digest::{PlaybookDigest, PluginDigest};
use siyu_model::event::EventSeq;
use siyu_model::expr::Windowed;
use siyu_model::id::{CustomerId, MessageId, RunId, TimerId};
use siyu_model::journal::JournalKind;
use siyu_model::message::Message;
use siyu_model::name::{Key, PlaybookName, TenantName};
use siyu_model::playbook::Playbook;
use siyu_model::plugin::{CapabilitySet, Fault, Finding, Manifest};

/// What was done so far.
#[derive(Default)]
pub(crate) struct Counts {
    commits: AtomicU64,
    steps: AtomicU64,
    calls: AtomicU64,
}

impl Counts {
    /// Transactions that are durable.
    pub(crate) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    /// Steps that came to a result: done, refused, failed, matched, timed out, chosen, planned, answered or undone.
    /// Steps that were skipped, that wait or that will be tried again are none.
    pub(crate) fn steps(&self) -> u64 {
        self.steps.load(Ordering::Relaxed)
    }

    /// Calls of plugins.
    pub(crate) fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    fn committed(&self, steps: u64) {
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.steps.fetch_add(steps, Ordering::Relaxed);
    }
}

fn is_result(kind: JournalKind) -> bool {
    match kind {
        JournalKind::Done
        | JournalKind::Refused
        | JournalKind::Failed
        | JournalKind::Matched
        | JournalKind::TimedOut
        | JournalKind::Chose
        | JournalKind::Planned
        | JournalKind::Responded
        | JournalKind::Compensated => true,
        JournalKind::Started
        | JournalKind::Queued
        | JournalKind::Retry
        | JournalKind::Skipped
        | JournalKind::Waiting
        | JournalKind::Paused
        | JournalKind::Resumed
        | JournalKind::Cancelled
        | JournalKind::Ended => false,
    }
}

/// Stores whose commits are counted.
pub(crate) struct CountedStores {
    stores: Arc<dyn Stores>,
    counts: Arc<Counts>,
    /// A store that is open already: the first who opens gets it.
    open: Mutex<Option<Arc<dyn Store>>>,
    is_once: bool,
}

impl CountedStores {
    pub(crate) fn new(stores: Arc<dyn Stores>, open: Arc<dyn Store>, counts: Arc<Counts>) -> Self {
        Self { stores, counts, open: Mutex::new(Some(open)), is_once: false }
    }

    /// A store that failed is not opened again. For virtual time, which events make: it is ahead of the events that failed
    /// with the store, and nothing may fall due before they came again.
    pub(crate) fn once(self, is_once: bool) -> Self {
        Self { is_once, ..self }
    }
}

#[async_trait]
impl Stores for CountedStores {
    async fn open(&self, tenant: &TenantName) -> Result<Arc<dyn Store>, StoreError> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner).take();
        let store = match open {
            Some(store) => store,
            None if self.is_once => {
                let why = "it failed, and a replay goes on from what is durable when it is called again";
                return Err(StoreError::Database(why.to_owned()));
            }
            None => self.stores.open(tenant).await?,
        };
        Ok(Arc::new(CountedStore { store, counts: self.counts.clone() }))
    }

    async fn tenants(&self) -> Result<Vec<TenantName>, StoreError> {
        self.stores.tenants().await
    }
}

struct CountedStore {
    store: Arc<dyn Store>,
    counts: Arc<Counts>,
}

#[async_trait]
impl Store for CountedStore {
    async fn commit(&self, writes: WriteSet) -> Result<(), StoreError> {
        let steps = writes.journal.iter().filter(|row| row.entry.step.is_some() && is_result(row.entry.kind));
        let steps = steps.count() as u64;
        self.store.commit(writes).await?;
        self.counts.committed(steps);
        Ok(())
    }

    async fn load_tenant(&self) -> Result<TenantImage, StoreError> {
        self.store.load_tenant().await
    }

    async fn load(&self, wants: Wants) -> Result<Loaded, StoreError> {
        self.store.load(wants).await
    }

    async fn playbook(
        &self,
        name: &PlaybookName,
        digest: PlaybookDigest,
    ) -> Result<Option<PlaybookRow>, StoreError> {
        self.store.playbook(name, digest).await
    }

    async fn timers(
        &self,
        after: Option<(UtcMs, TimerId)>,
        limit: usize,
    ) -> Result<Vec<TimerRow>, StoreError> {
        self.store.timers(after, limit).await
    }

    async fn scan_records(&self, range: RecordRange) -> Result<Vec<(Key, String)>, StoreError> {
        self.store.scan_records(range).await
    }

    async fn count_events(&self, window: EventWindow) -> Result<Windowed, StoreError> {
        self.store.count_events(window).await
    }

    async fn events_since(&self, query: EventsSince) -> Result<Vec<EventRow>, StoreError> {
        self.store.events_since(query).await
    }

    async fn event(&self, seq: EventSeq) -> Result<Option<EventRow>, StoreError> {
        self.store.event(seq).await
    }

    async fn customer_ids(
        &self,
        after: Option<CustomerId>,
        limit: usize,
    ) -> Result<Vec<CustomerId>, StoreError> {
        self.store.customer_ids(after, limit).await
    }

    async fn keys(
        &self,
        table: KeyTable,
        after: Option<StoredKey>,
        limit: usize,
    ) -> Result<Vec<StoredKey>, StoreError> {
        self.store.keys(table, after, limit).await
    }

    async fn runs_of_slot(&self, query: SlotQuery) -> Result<Vec<RunId>, StoreError> {
        self.store.runs_of_slot(query).await
    }

    async fn unsent_messages(
        &self,
        due_before: UtcMs,
        after: Option<MessageId>,
        limit: usize,
    ) -> Result<Vec<Message>, StoreError> {
        self.store.unsent_messages(due_before, after, limit).await
    }

    async fn unfinished(&self, customer: CustomerId, limit: usize) -> Result<Unfinished, StoreError> {
        self.store.unfinished(customer, limit).await
    }

    async fn erase(&self, customer: CustomerId, pseudonym: CustomerId) -> Result<(), StoreError> {
        self.store.erase(customer, pseudonym).await
    }

    async fn maintain(&self, work: Maintenance) -> Result<MaintenanceReport, StoreError> {
        self.store.maintain(work).await
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.store.close().await
    }
}

/// Plugins whose calls are counted.
pub(crate) struct CountedPlugins {
    plugins: Arc<dyn Plugins>,
    counts: Arc<Counts>,
}

impl CountedPlugins {
    pub(crate) fn new(plugins: Arc<dyn Plugins>, counts: Arc<Counts>) -> Self {
        Self { plugins, counts }
    }
}

impl Plugins for CountedPlugins {
    fn make_ready<'p>(
        &'p self,
        playbook: &'p Playbook,
    ) -> Pin<Box<dyn Future<Output = Result<(), Fault>> + Send + 'p>> {
        self.plugins.make_ready(playbook)
    }

    fn manifest(&self, digest: &PluginDigest) -> Option<Arc<Manifest>> {
        self.plugins.manifest(digest)
    }

    fn check_grants(&self, digest: &PluginDigest, granted: CapabilitySet) -> Result<(), Fault> {
        self.plugins.check_grants(digest, granted)
    }

    fn call(&self, call: PluginCall<'_>, host: Box<dyn CallHost>) -> CallReport {
        if matches!(call.entry, Entry::Step { .. }) {
            self.counts.calls.fetch_add(1, Ordering::Relaxed);
        }
        self.plugins.call(call, host)
    }

    fn deliver(&self, call: DeliveryCall<'_>, host: Box<dyn CallHost>) -> DeliveryReport {
        self.plugins.deliver(call, host)
    }

    fn check_resource(
        &self,
        digest: &PluginDigest,
        kind: &str,
        name: &str,
        definition: &str,
    ) -> Result<Vec<Finding>, Fault> {
        self.plugins.check_resource(digest, kind, name, definition)
    }
}
