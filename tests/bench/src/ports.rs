//! Ports that say how long they took: around the real ones, for the passes that show where time goes. They change nothing.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant;

use async_trait::async_trait;
use siyu_engine::ports::plugins::{CallHost, CallReport, PluginCall, Plugins};
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
use siyu_model::message::Message;
use siyu_model::name::{Key, PlaybookName, TenantName};
use siyu_model::plugin::{CapabilitySet, Fault, Finding, Manifest};

use crate::cpu;

/// How often and how long something was done.
#[derive(Default)]
pub(crate) struct Timer {
    times: AtomicU64,
    wall_ns: AtomicU64,
    busy_ns: AtomicU64,
}

impl Timer {
    fn add(&self, wall: u64, busy: u64) {
        self.times.fetch_add(1, Ordering::Relaxed);
        self.wall_ns.fetch_add(wall, Ordering::Relaxed);
        self.busy_ns.fetch_add(busy, Ordering::Relaxed);
    }

    /// How often.
    pub(crate) fn times(&self) -> f64 {
        self.times.load(Ordering::Relaxed) as f64
    }

    /// How long from begin to end, microseconds in all.
    pub(crate) fn wall_us(&self) -> f64 {
        self.wall_ns.load(Ordering::Relaxed) as f64 / 1e3
    }

    /// How long the caller's own thread worked on it, microseconds in all.
    pub(crate) fn busy_us(&self) -> f64 {
        self.busy_ns.load(Ordering::Relaxed) as f64 / 1e3
    }

    /// Waits for something, and counts both times.
    async fn of<T>(&self, work: impl Future<Output = T>) -> T {
        let (begun, mut work, mut busy) = (Instant::now(), pin!(work), 0);
        let answer = std::future::poll_fn(|context: &mut Context<'_>| -> Poll<T> {
            let turn = Instant::now();
            let polled = Pin::as_mut(&mut work).poll(context);
            busy += nanos(turn);
            polled
        });
        let answer = answer.await;
        self.add(nanos(begun), busy);
        answer
    }
}

fn nanos(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// What the measured ports saw.
#[derive(Default)]
pub(crate) struct Meter {
    /// Calls of plugins.
    pub(crate) calls: Timer,
    /// Commits.
    pub(crate) commits: Timer,
    /// Reads of rows by key, one trip or more each.
    pub(crate) loads: Timer,
    /// All other reads.
    pub(crate) reads: Timer,
    /// Maintenance.
    pub(crate) maintained: Timer,
    lanes: Mutex<BTreeSet<u32>>,
}

impl Meter {
    /// The threads on which plugins were called.
    pub(crate) fn lanes(&self) -> BTreeSet<u32> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Plugins that are measured.
pub(crate) struct MeteredPlugins {
    pub(crate) inner: Arc<dyn Plugins>,
    pub(crate) meter: Arc<Meter>,
}

impl Plugins for MeteredPlugins {
    fn manifest(&self, digest: &PluginDigest) -> Option<Arc<Manifest>> {
        self.inner.manifest(digest)
    }

    fn check_grants(&self, digest: &PluginDigest, granted: CapabilitySet) -> Result<(), Fault> {
        self.inner.check_grants(digest, granted)
    }

    fn call(&self, call: PluginCall<'_>, host: Box<dyn CallHost>) -> CallReport {
        let begun = Instant::now();
        let report = self.inner.call(call, host);
        let spent = nanos(begun);
        self.meter.calls.add(spent, spent);
        self.meter.lanes.lock().unwrap_or_else(PoisonError::into_inner).insert(cpu::this_thread());
        report
    }

    fn check_resource(
        &self,
        digest: &PluginDigest,
        kind: &str,
        name: &str,
        definition: &str,
    ) -> Result<Vec<Finding>, Fault> {
        self.inner.check_resource(digest, kind, name, definition)
    }
}

/// Stores that are measured.
pub(crate) struct MeteredStores {
    pub(crate) inner: Arc<dyn Stores>,
    pub(crate) meter: Arc<Meter>,
}

#[async_trait]
impl Stores for MeteredStores {
    async fn open(&self, tenant: &TenantName) -> Result<Arc<dyn Store>, StoreError> {
        let inner = self.inner.open(tenant).await?;
        Ok(Arc::new(MeteredStore { inner, meter: self.meter.clone() }))
    }

    async fn tenants(&self) -> Result<Vec<TenantName>, StoreError> {
        self.inner.tenants().await
    }
}

struct MeteredStore {
    inner: Arc<dyn Store>,
    meter: Arc<Meter>,
}

#[async_trait]
impl Store for MeteredStore {
    async fn commit(&self, writes: WriteSet) -> Result<(), StoreError> {
        self.meter.commits.of(self.inner.commit(writes)).await
    }

    async fn load_tenant(&self) -> Result<TenantImage, StoreError> {
        self.meter.reads.of(self.inner.load_tenant()).await
    }

    async fn load(&self, wants: Wants) -> Result<Loaded, StoreError> {
        self.meter.loads.of(self.inner.load(wants)).await
    }

    async fn playbook(
        &self,
        name: &PlaybookName,
        digest: PlaybookDigest,
    ) -> Result<Option<PlaybookRow>, StoreError> {
        self.meter.reads.of(self.inner.playbook(name, digest)).await
    }

    async fn timers(
        &self,
        after: Option<(UtcMs, TimerId)>,
        limit: usize,
    ) -> Result<Vec<TimerRow>, StoreError> {
        self.meter.reads.of(self.inner.timers(after, limit)).await
    }

    async fn scan_records(&self, range: RecordRange) -> Result<Vec<(Key, String)>, StoreError> {
        self.meter.reads.of(self.inner.scan_records(range)).await
    }

    async fn count_events(&self, window: EventWindow) -> Result<Windowed, StoreError> {
        self.meter.reads.of(self.inner.count_events(window)).await
    }

    async fn events_since(&self, query: EventsSince) -> Result<Vec<EventRow>, StoreError> {
        self.meter.reads.of(self.inner.events_since(query)).await
    }

    async fn event(&self, seq: EventSeq) -> Result<Option<EventRow>, StoreError> {
        self.meter.reads.of(self.inner.event(seq)).await
    }

    async fn customer_ids(
        &self,
        after: Option<CustomerId>,
        limit: usize,
    ) -> Result<Vec<CustomerId>, StoreError> {
        self.meter.reads.of(self.inner.customer_ids(after, limit)).await
    }

    async fn keys(
        &self,
        table: KeyTable,
        after: Option<StoredKey>,
        limit: usize,
    ) -> Result<Vec<StoredKey>, StoreError> {
        self.meter.reads.of(self.inner.keys(table, after, limit)).await
    }

    async fn runs_of_slot(&self, query: SlotQuery) -> Result<Vec<RunId>, StoreError> {
        self.meter.reads.of(self.inner.runs_of_slot(query)).await
    }

    async fn unsent_messages(
        &self,
        due_before: UtcMs,
        after: Option<MessageId>,
        limit: usize,
    ) -> Result<Vec<Message>, StoreError> {
        self.meter.reads.of(self.inner.unsent_messages(due_before, after, limit)).await
    }

    async fn unfinished(&self, customer: CustomerId, limit: usize) -> Result<Unfinished, StoreError> {
        self.meter.reads.of(self.inner.unfinished(customer, limit)).await
    }

    async fn erase(&self, customer: CustomerId, pseudonym: CustomerId) -> Result<(), StoreError> {
        self.meter.maintained.of(self.inner.erase(customer, pseudonym)).await
    }

    async fn maintain(&self, work: Maintenance) -> Result<MaintenanceReport, StoreError> {
        self.meter.maintained.of(self.inner.maintain(work)).await
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.inner.close().await
    }
}
