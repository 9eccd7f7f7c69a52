//! A store that fails at chosen commits: before it is durable, or after it and before the answer; and one that is away.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use siyu_engine::ports::rows::{EventRow, PlaybookRow, TimerRow, WriteSet};
use siyu_engine::ports::store::{
    EventWindow, EventsSince, KeyTable, Loaded, Maintenance, MaintenanceReport, RecordRange, SlotQuery,
    Store, StoreError, StoredKey, Stores, TenantImage, Unfinished, Wants,
};
use siyu_model::clock::UtcMs;
use siyu_model::digest::PlaybookDigest;
use siyu_model::event::EventSeq;
use siyu_model::expr::Windowed;
use siyu_model::id::{CustomerId, MessageId, RunId, TimerId};
use siyu_model::message::Message;
use siyu_model::name::{Key, PlaybookName, TenantName};

/// When a commit fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreFault {
    /// Before it is durable: nothing of it is kept.
    Before,
    /// After it is durable: all of it is kept, and nobody is told.
    After,
}

/// Stores whose commit number `at` fails, over all tenants and openings.
pub struct FaultyStores {
    inner: Arc<dyn Stores>,
    shared: Arc<Shared>,
}

struct Shared {
    commits: AtomicU64,
    /// Times that rows were read by key.
    loads: AtomicU64,
    /// The number of the commit that fails, and how.
    fault: Mutex<(u64, StoreFault)>,
    /// Whether it cannot be opened.
    is_away: AtomicBool,
}

impl FaultyStores {
    /// The commit after `at` good ones fails; `u64::MAX` never.
    pub fn new(inner: Arc<dyn Stores>, at: u64, fault: StoreFault) -> Self {
        Self {
            inner,
            shared: Arc::new(Shared {
                commits: AtomicU64::new(0),
                loads: AtomicU64::new(0),
                fault: Mutex::new((at, fault)),
                is_away: AtomicBool::new(false),
            }),
        }
    }

    /// Lets the next commit fail.
    pub fn fail_next(&self, fault: StoreFault) {
        *self.shared.fault.lock().unwrap_or_else(PoisonError::into_inner) = (self.commits(), fault);
    }

    /// From now on it cannot be opened, or can again.
    pub fn be_away(&self, is_away: bool) {
        self.shared.is_away.store(is_away, Ordering::SeqCst);
    }

    /// Commits so far, the failed one included.
    pub fn commits(&self) -> u64 {
        self.shared.commits.load(Ordering::SeqCst)
    }

    /// Times that rows were read by key so far.
    pub fn loads(&self) -> u64 {
        self.shared.loads.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Stores for FaultyStores {
    async fn open(&self, tenant: &TenantName) -> Result<Arc<dyn Store>, StoreError> {
        if self.shared.is_away.load(Ordering::SeqCst) {
            return Err(StoreError::Database("away, as a test wants it".to_owned()));
        }
        let inner = self.inner.open(tenant).await?;
        Ok(Arc::new(FaultyStore { inner, shared: self.shared.clone() }))
    }

    async fn tenants(&self) -> Result<Vec<TenantName>, StoreError> {
        self.inner.tenants().await
    }
}

struct FaultyStore {
    inner: Arc<dyn Store>,
    shared: Arc<Shared>,
}

impl FaultyStore {
    /// Makes a change durable, unless it is this one's turn to fail.
    async fn change(
        &self,
        work: impl Future<Output = Result<(), StoreError>> + Send,
    ) -> Result<(), StoreError> {
        let number = self.shared.commits.fetch_add(1, Ordering::SeqCst);
        let (at, fault) = *self.shared.fault.lock().unwrap_or_else(PoisonError::into_inner);
        if number != at {
            return work.await;
        }
        if fault == StoreFault::After {
            work.await?;
        }
        Err(StoreError::Database("a fault that a test made".to_owned()))
    }
}

#[async_trait]
impl Store for FaultyStore {
    async fn commit(&self, writes: WriteSet) -> Result<(), StoreError> {
        self.change(self.inner.commit(writes)).await
    }

    async fn load_tenant(&self) -> Result<TenantImage, StoreError> {
        self.inner.load_tenant().await
    }

    async fn load(&self, wants: Wants) -> Result<Loaded, StoreError> {
        self.shared.loads.fetch_add(1, Ordering::SeqCst);
        self.inner.load(wants).await
    }

    async fn playbook(
        &self,
        name: &PlaybookName,
        digest: PlaybookDigest,
    ) -> Result<Option<PlaybookRow>, StoreError> {
        self.inner.playbook(name, digest).await
    }

    async fn timers(
        &self,
        after: Option<(UtcMs, TimerId)>,
        limit: usize,
    ) -> Result<Vec<TimerRow>, StoreError> {
        self.inner.timers(after, limit).await
    }

    async fn scan_records(&self, range: RecordRange) -> Result<Vec<(Key, String)>, StoreError> {
        self.inner.scan_records(range).await
    }

    async fn count_events(&self, window: EventWindow) -> Result<Windowed, StoreError> {
        self.inner.count_events(window).await
    }

    async fn events_since(&self, query: EventsSince) -> Result<Vec<EventRow>, StoreError> {
        self.inner.events_since(query).await
    }

    async fn event(&self, seq: EventSeq) -> Result<Option<EventRow>, StoreError> {
        self.inner.event(seq).await
    }

    async fn customer_ids(
        &self,
        after: Option<CustomerId>,
        limit: usize,
    ) -> Result<Vec<CustomerId>, StoreError> {
        self.inner.customer_ids(after, limit).await
    }

    async fn keys(
        &self,
        table: KeyTable,
        after: Option<StoredKey>,
        limit: usize,
    ) -> Result<Vec<StoredKey>, StoreError> {
        self.inner.keys(table, after, limit).await
    }

    async fn runs_of_slot(&self, query: SlotQuery) -> Result<Vec<RunId>, StoreError> {
        self.inner.runs_of_slot(query).await
    }

    async fn unsent_messages(
        &self,
        due_before: UtcMs,
        after: Option<MessageId>,
        limit: usize,
    ) -> Result<Vec<Message>, StoreError> {
        self.inner.unsent_messages(due_before, after, limit).await
    }

    async fn unfinished(&self, customer: CustomerId, limit: usize) -> Result<Unfinished, StoreError> {
        self.inner.unfinished(customer, limit).await
    }

    async fn erase(&self, customer: CustomerId, pseudonym: CustomerId) -> Result<(), StoreError> {
        self.change(self.inner.erase(customer, pseudonym)).await
    }

    async fn maintain(&self, work: Maintenance) -> Result<MaintenanceReport, StoreError> {
        self.inner.maintain(work).await
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.inner.close().await
    }
}
