//! The store in memory: plain maps behind the [`Store`] port, with commits that fail on demand.
//!
//! It never writes a file, and what it keeps is gone with it. "Opening again" means opening from the same
//! [`MemoryStores`]: that is how a test restarts a host.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use siyu_model::clock::UtcMs;
use siyu_model::customer::Customer;
use siyu_model::digest::PlaybookDigest;
use siyu_model::expr::Windowed;
use siyu_model::id::{CustomerId, MessageId, RunId, TimerId};
use siyu_model::message::Message;
use siyu_model::name::{Key, PlaybookName, TenantName};

use super::tables::Tables;
use crate::ports::rows::{AccountKey, EventRow, JournalRow, LedgerRow, PlaybookRow, TimerRow, WriteSet};
use crate::ports::store::{
    EventWindow, EventsSince, KeyTable, Loaded, Maintenance, MaintenanceReport, RecordRange, SlotQuery,
    Store, StoreError, StoredKey, Stores, TenantImage, Unfinished, Wants,
};

/// How a commit is made to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommitFault {
    /// Nothing of the write set is kept, and the caller gets an error.
    Before,
    /// All of the write set is kept, and the caller gets an error all the same: the answer is lost on its way.
    After,
}

/// Tenants in memory. Cloning shares them.
#[derive(Clone, Default)]
pub struct MemoryStores {
    tenants: Arc<Mutex<BTreeMap<TenantName, Arc<Mutex<Kept>>>>>,
}

/// What one tenant keeps, and the faults that wait for it.
#[derive(Default)]
struct Kept {
    tables: Tables,
    /// Commits since the tenant was made, failed ones counted.
    commits: u64,
    /// The number of the commit that fails, from 0, and how.
    faults: BTreeMap<u64, CommitFault>,
}

/// Whoever panicked while holding the lock was a test that failed already.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl MemoryStores {
    /// No tenants yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes the commit after the next `skipped` ones fail. The store that fails refuses everything further until the
    /// tenant is opened again.
    pub fn fail_commit(&self, tenant: &TenantName, skipped: u64, fault: CommitFault) {
        let kept = self.kept(tenant);
        let mut kept = lock(&kept);
        let number = kept.commits + skipped;
        kept.faults.insert(number, fault);
    }

    /// Commits of a tenant so far, failed ones counted: where a test that crashes at each of them ends.
    pub fn commits(&self, tenant: &TenantName) -> u64 {
        lock(&self.kept(tenant)).commits
    }

    /// The journal of a run, oldest line first.
    pub fn journal(&self, tenant: &TenantName, run: RunId) -> Vec<JournalRow> {
        lock(&self.kept(tenant)).tables.journal_of(run)
    }

    /// Every event of a tenant's log, oldest first.
    pub fn events(&self, tenant: &TenantName) -> Vec<EventRow> {
        lock(&self.kept(tenant)).tables.events.values().cloned().collect()
    }

    /// Every message of a tenant, in the order of their ids.
    pub fn messages(&self, tenant: &TenantName) -> Vec<Message> {
        lock(&self.kept(tenant)).tables.messages.values().cloned().collect()
    }

    /// What every account of a tenant holds, in the order of plugins, customers and names.
    pub fn accounts(&self, tenant: &TenantName) -> Vec<(AccountKey, i64)> {
        let kept = self.kept(tenant);
        let kept = lock(&kept);
        kept.tables.accounts.iter().map(|(key, units)| (key.clone(), *units)).collect()
    }

    /// Every transfer between accounts of a tenant, oldest first.
    pub fn ledger(&self, tenant: &TenantName) -> Vec<LedgerRow> {
        lock(&self.kept(tenant)).tables.ledger.clone()
    }

    /// Every customer of a tenant with attributes, names, tags and facts, in the order of their ids.
    pub fn customers(&self, tenant: &TenantName) -> Vec<Customer> {
        let kept = self.kept(tenant);
        let kept = lock(&kept);
        let ids: Vec<CustomerId> = kept.tables.customers.keys().copied().collect();
        ids.into_iter()
            .filter_map(|id| kept.tables.customer(id).ok().flatten())
            .map(|image| image.customer)
            .collect()
    }

    fn kept(&self, tenant: &TenantName) -> Arc<Mutex<Kept>> {
        let mut tenants = lock(&self.tenants);
        let kept = tenants.entry(tenant.clone()).or_insert_with(|| {
            let mut kept = Kept::default();
            kept.tables.secret = *blake3::hash(tenant.as_str().as_bytes()).as_bytes();
            Arc::new(Mutex::new(kept))
        });
        kept.clone()
    }
}

#[async_trait]
impl Stores for MemoryStores {
    async fn open(&self, tenant: &TenantName) -> Result<Arc<dyn Store>, StoreError> {
        let kept = self.kept(tenant);
        let epoch = {
            let mut kept = lock(&kept);
            kept.tables.epoch += 1;
            kept.tables.epoch
        };
        Ok(Arc::new(MemoryStore { tenant: tenant.clone(), kept, epoch, is_broken: AtomicBool::new(false) }))
    }

    async fn tenants(&self) -> Result<Vec<TenantName>, StoreError> {
        Ok(lock(&self.tenants).keys().cloned().collect())
    }
}

/// One executor's view of a tenant in memory.
struct MemoryStore {
    tenant: TenantName,
    kept: Arc<Mutex<Kept>>,
    epoch: u64,
    is_broken: AtomicBool,
}

impl MemoryStore {
    fn fenced(&self) -> StoreError {
        StoreError::Fenced { tenant: self.tenant.clone(), epoch: self.epoch }
    }

    /// Does something under the lease; the first failure is the last thing this store does.
    fn write<T>(&self, work: impl FnOnce(&mut Kept) -> Result<T, StoreError>) -> Result<T, StoreError> {
        if self.is_broken.load(Ordering::SeqCst) {
            return Err(StoreError::Database("an earlier commit failed: open the tenant again".to_owned()));
        }
        let mut kept = lock(&self.kept);
        let done = if kept.tables.epoch == self.epoch { work(&mut kept) } else { Err(self.fenced()) };
        if done.is_err() {
            self.is_broken.store(true, Ordering::SeqCst);
        }
        done
    }

    /// Makes a change durable, unless it is this one's turn to fail.
    fn change(&self, work: impl FnOnce(&mut Tables) -> Result<(), StoreError>) -> Result<(), StoreError> {
        self.write(|kept| {
            let number = kept.commits;
            kept.commits += 1;
            let fault = kept.faults.remove(&number);
            if fault == Some(CommitFault::Before) {
                return Err(StoreError::Database("injected before the commit".to_owned()));
            }
            work(&mut kept.tables)?;
            match fault {
                Some(_) => Err(StoreError::Database("injected after the commit".to_owned())),
                None => Ok(()),
            }
        })
    }

    fn read<T>(&self, work: impl FnOnce(&Tables) -> T) -> T {
        work(&lock(&self.kept).tables)
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn commit(&self, writes: WriteSet) -> Result<(), StoreError> {
        self.change(|tables| {
            tables.check(&writes)?;
            tables.apply(writes);
            Ok(())
        })
    }

    async fn load_tenant(&self) -> Result<TenantImage, StoreError> {
        Ok(self.read(Tables::image))
    }

    async fn load(&self, wants: Wants) -> Result<Loaded, StoreError> {
        self.read(|tables| tables.load(wants))
    }

    async fn playbook(
        &self,
        name: &PlaybookName,
        digest: PlaybookDigest,
    ) -> Result<Option<PlaybookRow>, StoreError> {
        Ok(self.read(|tables| tables.playbooks.get(&(name.clone(), digest)).cloned()))
    }

    async fn timers(
        &self,
        after: Option<(UtcMs, TimerId)>,
        limit: usize,
    ) -> Result<Vec<TimerRow>, StoreError> {
        Ok(self.read(|tables| tables.timers_after(after, limit)))
    }

    async fn scan_records(&self, range: RecordRange) -> Result<Vec<(Key, String)>, StoreError> {
        Ok(self.read(|tables| tables.scan_records(&range)))
    }

    async fn count_events(&self, window: EventWindow) -> Result<Windowed, StoreError> {
        Ok(self.read(|tables| tables.count_events(&window)))
    }

    async fn events_since(&self, query: EventsSince) -> Result<Vec<EventRow>, StoreError> {
        Ok(self.read(|tables| tables.events_since(&query)))
    }

    async fn customer_ids(
        &self,
        after: Option<CustomerId>,
        limit: usize,
    ) -> Result<Vec<CustomerId>, StoreError> {
        Ok(self.read(|tables| tables.customer_ids(after, limit)))
    }

    async fn event(&self, seq: siyu_model::event::EventSeq) -> Result<Option<EventRow>, StoreError> {
        Ok(self.read(|tables| tables.events.get(&seq).cloned()))
    }

    async fn keys(
        &self,
        table: KeyTable,
        after: Option<StoredKey>,
        limit: usize,
    ) -> Result<Vec<StoredKey>, StoreError> {
        Ok(self.read(|tables| tables.keys(table, after, limit)))
    }

    async fn runs_of_slot(&self, query: SlotQuery) -> Result<Vec<RunId>, StoreError> {
        Ok(self.read(|tables| tables.runs_of_slot(&query)))
    }

    async fn unsent_messages(
        &self,
        due_before: UtcMs,
        after: Option<MessageId>,
        limit: usize,
    ) -> Result<Vec<Message>, StoreError> {
        Ok(self.read(|tables| tables.unsent_messages(due_before, after, limit)))
    }

    async fn unfinished(&self, customer: CustomerId, limit: usize) -> Result<Unfinished, StoreError> {
        Ok(self.read(|tables| tables.unfinished(customer, limit)))
    }

    async fn erase(&self, customer: CustomerId, pseudonym: CustomerId) -> Result<(), StoreError> {
        self.change(|tables| {
            tables.erase(customer, pseudonym);
            Ok(())
        })
    }

    async fn maintain(&self, work: Maintenance) -> Result<MaintenanceReport, StoreError> {
        match work {
            Maintenance::Checkpoint => Ok(MaintenanceReport::default()),
            Maintenance::Purge { before, rows } => self.write(|kept| Ok(kept.tables.purge(before, rows))),
        }
    }

    async fn close(&self) -> Result<(), StoreError> {
        Ok(())
    }
}
