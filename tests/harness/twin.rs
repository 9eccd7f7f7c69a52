//! Two stores that must agree: everything is committed to both, and every answer of one is compared with the other's.
//!
//! The second one is what is read on. An answer that differs is a broken store, which stops the tenant and so the test.

use std::fmt::Debug;
use std::sync::Arc;

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
use tokio::sync::RwLock;

/// Two kinds of stores with the same tenants in them.
pub struct TwinStores {
    first: Arc<dyn Stores>,
    second: Arc<dyn Stores>,
}

impl TwinStores {
    /// Both must be empty, or hold the same.
    pub fn new(first: Arc<dyn Stores>, second: Arc<dyn Stores>) -> Self {
        Self { first, second }
    }
}

#[async_trait]
impl Stores for TwinStores {
    async fn open(&self, tenant: &TenantName) -> Result<Arc<dyn Store>, StoreError> {
        let (first, second) = (self.first.open(tenant).await?, self.second.open(tenant).await?);
        Ok(Arc::new(Twin { first, second, commits: RwLock::default() }))
    }

    async fn tenants(&self) -> Result<Vec<TenantName>, StoreError> {
        same("tenants", self.first.tenants().await?, self.second.tenants().await?)
    }
}

struct Twin {
    first: Arc<dyn Store>,
    second: Arc<dyn Store>,
    /// Between the two commits of one write set nothing is read: the stores differ then.
    commits: RwLock<()>,
}

/// The answer that both gave.
fn same<T: Debug>(what: &str, first: T, second: T) -> Result<T, StoreError> {
    let (one, other) = (format!("{first:?}"), format!("{second:?}"));
    if one == other {
        return Ok(second);
    }
    Err(StoreError::Broken(format!("{what}: two stores disagree:\n{one}\n{other}")))
}

/// Rows in an order that does not depend on the store.
fn sorted<T: Debug>(rows: &[T]) -> Vec<String> {
    let mut rows: Vec<String> = rows.iter().map(|row| format!("{row:?}")).collect();
    rows.sort();
    rows
}

macro_rules! same_rows {
    ($first:ident, $second:ident: $($table:ident)*) => {
        $( same(stringify!($table), sorted(&$first.$table), sorted(&$second.$table))?; )*
    };
}

/// Rows of a customer come in no order.
fn in_order(mut loaded: Loaded) -> Loaded {
    for image in &mut loaded.customers {
        image.customer.identities.sort();
        image.records.sort();
        image.waits.sort_by_key(|wait| wait.id);
        image.entries.sort_by_key(|entry| entry.hash.0);
        image.segments.sort_by_key(|row| (row.playbook.clone(), row.segment.clone()));
    }
    loaded
}

#[async_trait]
impl Store for Twin {
    async fn commit(&self, writes: WriteSet) -> Result<(), StoreError> {
        let _both = self.commits.write().await;
        let copy = writes.clone();
        self.first.commit(copy).await?;
        self.second.commit(writes).await
    }

    async fn load_tenant(&self) -> Result<TenantImage, StoreError> {
        let _neither = self.commits.read().await;
        let (first, second) = (self.first.load_tenant().await?, self.second.load_tenant().await?);
        same_rows!(first, second: resources schedules scans feeds);
        let versions = |image: &TenantImage| -> Vec<_> {
            image.playbooks.iter().map(|row| (row.name.clone(), row.digest, row.is_active)).collect()
        };
        same("playbooks", sorted(&versions(&first)), sorted(&versions(&second)))?;
        let numbers = |image: &TenantImage| (image.last_seq, image.at, image.customers);
        same("tenant", numbers(&first), numbers(&second))?;
        Ok(second)
    }

    async fn load(&self, wants: Wants) -> Result<Loaded, StoreError> {
        let _neither = self.commits.read().await;
        let first = in_order(self.first.load(wants.clone()).await?);
        let second = in_order(self.second.load(wants).await?);
        same_rows!(first, second: dedupes identities customers runs matching entries records pools reservations
            counters accounts codes messages planned scans);
        Ok(second)
    }

    async fn playbook(
        &self,
        name: &PlaybookName,
        digest: PlaybookDigest,
    ) -> Result<Option<PlaybookRow>, StoreError> {
        self.second.playbook(name, digest).await
    }

    async fn timers(
        &self,
        after: Option<(UtcMs, TimerId)>,
        limit: usize,
    ) -> Result<Vec<TimerRow>, StoreError> {
        let _neither = self.commits.read().await;
        same("timers", self.first.timers(after, limit).await?, self.second.timers(after, limit).await?)
    }

    async fn scan_records(&self, range: RecordRange) -> Result<Vec<(Key, String)>, StoreError> {
        let _neither = self.commits.read().await;
        let first = self.first.scan_records(range.clone()).await?;
        same("scan_records", first, self.second.scan_records(range).await?)
    }

    async fn count_events(&self, window: EventWindow) -> Result<Windowed, StoreError> {
        let _neither = self.commits.read().await;
        let first = self.first.count_events(window.clone()).await?;
        same("count_events", first, self.second.count_events(window).await?)
    }

    async fn events_since(&self, query: EventsSince) -> Result<Vec<EventRow>, StoreError> {
        let _neither = self.commits.read().await;
        let first = self.first.events_since(query.clone()).await?;
        same("events_since", first, self.second.events_since(query).await?)
    }

    async fn event(&self, seq: EventSeq) -> Result<Option<EventRow>, StoreError> {
        let _neither = self.commits.read().await;
        same("event", self.first.event(seq).await?, self.second.event(seq).await?)
    }

    async fn customer_ids(
        &self,
        after: Option<CustomerId>,
        limit: usize,
    ) -> Result<Vec<CustomerId>, StoreError> {
        let _neither = self.commits.read().await;
        let first = self.first.customer_ids(after, limit).await?;
        same("customer_ids", first, self.second.customer_ids(after, limit).await?)
    }

    async fn keys(
        &self,
        table: KeyTable,
        after: Option<StoredKey>,
        limit: usize,
    ) -> Result<Vec<StoredKey>, StoreError> {
        let _neither = self.commits.read().await;
        let first = self.first.keys(table, after.clone(), limit).await?;
        same("keys", first, self.second.keys(table, after, limit).await?)
    }

    async fn runs_of_slot(&self, query: SlotQuery) -> Result<Vec<RunId>, StoreError> {
        let _neither = self.commits.read().await;
        let first = self.first.runs_of_slot(query.clone()).await?;
        same("runs_of_slot", first, self.second.runs_of_slot(query).await?)
    }

    async fn unsent_messages(
        &self,
        due_before: UtcMs,
        after: Option<MessageId>,
        limit: usize,
    ) -> Result<Vec<Message>, StoreError> {
        let _neither = self.commits.read().await;
        let first = self.first.unsent_messages(due_before, after, limit).await?;
        same("unsent_messages", first, self.second.unsent_messages(due_before, after, limit).await?)
    }

    async fn unfinished(&self, customer: CustomerId, limit: usize) -> Result<Unfinished, StoreError> {
        let _neither = self.commits.read().await;
        let first = self.first.unfinished(customer, limit).await?;
        same("unfinished", first, self.second.unfinished(customer, limit).await?)
    }

    async fn erase(&self, customer: CustomerId, pseudonym: CustomerId) -> Result<(), StoreError> {
        let _both = self.commits.write().await;
        self.first.erase(customer, pseudonym).await?;
        self.second.erase(customer, pseudonym).await
    }

    async fn maintain(&self, work: Maintenance) -> Result<MaintenanceReport, StoreError> {
        self.first.maintain(work).await?;
        self.second.maintain(work).await
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.first.close().await?;
        self.second.close().await
    }
}
