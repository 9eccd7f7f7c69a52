//! The store port: a tenant's durable state. One implementation a database, one conformance suite for all.
//!
//! The executor is the only writer of a tenant. It commits whole write sets, reads whole batches by key, and has few
//! range reads; decisions are never made here.

use async_trait::async_trait;
use siyu_model::clock::UtcMs;
use siyu_model::customer::Customer;
use siyu_model::digest::PlaybookDigest;
use siyu_model::event::{EventSeq, Identity};
use siyu_model::expr::Windowed;
use siyu_model::id::{CustomerId, MessageId, ReservationId, RunId, ScanId, TimerId};
use siyu_model::message::Message;
use siyu_model::name::{EventType, Key, PlaybookName, PluginName, TenantName};
use siyu_model::stock::counter::Counter;
use siyu_model::stock::pool::Pool;
use siyu_model::stock::reservation::Reservation;

use super::rows::{
    AccountKey, CodeRow, EntryRow, EventRow, Hash16, LoadedRun, PlannedEvent, PlaybookRow, RecordKey,
    ResourceRow, ScanRow, ScheduleRow, SegmentRow, StockKey, TimerRow, WaitRow, WriteSet,
};

/// Why the store did not do it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// Another executor owns the tenant now: this one must stop.
    #[error("the lease of tenant {tenant} is lost: epoch {epoch} is no longer the current one")]
    Fenced {
        /// The tenant.
        tenant: TenantName,
        /// The epoch of the executor that tried.
        epoch: u64,
    },
    /// Another host has the tenant.
    #[error("tenant {tenant} is executed by {holder}")]
    Elsewhere {
        /// The tenant.
        tenant: TenantName,
        /// By which host, in words.
        holder: String,
    },
    /// The database is of a newer version of Siyu.
    #[error("{place} has schema version {found}, this host knows versions up to {known}: use a newer host")]
    Newer {
        /// Which database.
        place: String,
        /// Its version.
        found: i64,
        /// The newest version known.
        known: i64,
    },
    /// The tenant is executed nowhere, or somewhere else.
    #[error("{place} {why}")]
    Closed {
        /// Which database.
        place: String,
        /// What became of it, and what opens it.
        why: String,
        /// Whether it will not be executed here again by itself: it lives elsewhere now.
        is_gone: bool,
    },
    /// What is stored breaks an invariant: the tenant stops.
    #[error("stored state is broken: {0}")]
    Broken(String),
    /// The database failed; whether a commit is in it is unknown.
    #[error("the database failed: {0}")]
    Database(String),
}

/// A tenant's durable state, owned by one executor.
#[async_trait]
pub trait Store: Send + Sync {
    /// Makes all changes of a write set durable, in one transaction, or none of them; fenced by the epoch with which
    /// the store was opened. After an error nobody knows which, until the store was opened again.
    async fn commit(&self, writes: WriteSet) -> Result<(), StoreError>;

    /// Everything that an executor needs before its first command.
    async fn load_tenant(&self) -> Result<TenantImage, StoreError>;

    /// Rows by key; what is not there is not in the answer.
    async fn load(&self, wants: Wants) -> Result<Loaded, StoreError>;

    /// A published version.
    async fn playbook(
        &self,
        name: &PlaybookName,
        digest: PlaybookDigest,
    ) -> Result<Option<PlaybookRow>, StoreError>;

    /// Timers in the order of due instant and id, after the given one.
    async fn timers(
        &self,
        after: Option<(UtcMs, TimerId)>,
        limit: usize,
    ) -> Result<Vec<TimerRow>, StoreError>;

    /// A plugin's documents by prefix, in the order of their keys.
    async fn scan_records(&self, range: RecordRange) -> Result<Vec<(Key, String)>, StoreError>;

    /// Events of a customer in a window, among those up to `seq_max`.
    async fn count_events(&self, window: EventWindow) -> Result<Windowed, StoreError>;

    /// Events after a place in the log, oldest first.
    async fn events_since(&self, query: EventsSince) -> Result<Vec<EventRow>, StoreError>;

    /// One event.
    async fn event(&self, seq: EventSeq) -> Result<Option<EventRow>, StoreError>;

    /// Customers in the order of their ids, after the given one.
    async fn customer_ids(
        &self,
        after: Option<CustomerId>,
        limit: usize,
    ) -> Result<Vec<CustomerId>, StoreError>;

    /// Runs of a slot, oldest first: those that are queued, or those that have a place.
    async fn runs_of_slot(&self, query: SlotQuery) -> Result<Vec<RunId>, StoreError>;

    /// Messages that are planned and due before an instant, in the order of their ids: handed over again after a crash.
    async fn unsent_messages(
        &self,
        due_before: UtcMs,
        after: Option<MessageId>,
        limit: usize,
    ) -> Result<Vec<Message>, StoreError>;

    /// Keys of a table in their own order, after the given one.
    async fn keys(
        &self,
        table: KeyTable,
        after: Option<StoredKey>,
        limit: usize,
    ) -> Result<Vec<StoredKey>, StoreError>;

    /// What is under way for a customer, at most so many of each.
    async fn unfinished(&self, customer: CustomerId, limit: usize) -> Result<Unfinished, StoreError>;

    /// Erases a customer for whom nothing is under way, in one transaction, fenced like a commit: who they were goes, and
    /// what is counted stays under the pseudonym, which is nobody's id. Without such a customer nothing changes.
    async fn erase(&self, customer: CustomerId, pseudonym: CustomerId) -> Result<(), StoreError>;

    /// Bounded maintenance: moves the write-ahead log into the database, removes what retention lets go, gives pages
    /// back. Called when the executor has time.
    async fn maintain(&self, work: Maintenance) -> Result<MaintenanceReport, StoreError>;

    /// Ends cleanly: nothing is lost when it is not called.
    async fn close(&self) -> Result<(), StoreError>;
}

/// Opens tenants.
#[async_trait]
pub trait Stores: Send + Sync {
    /// Opens a tenant's store for its executor, making it when it is new, and takes the lease: whoever had it before is
    /// fenced from now on.
    async fn open(&self, tenant: &TenantName) -> Result<std::sync::Arc<dyn Store>, StoreError>;

    /// The tenants that exist, sorted.
    async fn tenants(&self) -> Result<Vec<TenantName>, StoreError>;
}

/// What an executor needs before its first command.
#[derive(Debug, Default)]
pub struct TenantImage {
    /// The last event of the log.
    pub last_seq: EventSeq,
    /// The latest instant that was committed.
    pub at: UtcMs,
    /// Active versions of playbooks, and versions that unfinished runs keep.
    pub playbooks: Vec<PlaybookRow>,
    /// Definitions in force.
    pub resources: Vec<ResourceRow>,
    /// Schedules.
    pub schedules: Vec<ScheduleRow>,
    /// Scans that are not over.
    pub scans: Vec<ScanRow>,
    /// How far event files were read.
    pub feeds: Vec<(String, u64)>,
    /// How many customers there are.
    pub customers: u64,
    /// 32 random bytes of the tenant, from which codes, random draws and seals are derived.
    pub secret: [u8; 32],
}

/// Rows that are wanted, by key.
#[derive(Debug, Clone, Default)]
pub struct Wants {
    /// Which of these events are recorded.
    pub dedupes: Vec<Hash16>,
    /// Whose names these are.
    pub identities: Vec<Identity>,
    /// Customers with all that belongs to them.
    pub customers: Vec<CustomerId>,
    /// Runs with their events.
    pub runs: Vec<RunId>,
    /// Waits with `match`, by their keys.
    pub matching: Vec<Hash16>,
    /// Entries that belong to no customer.
    pub entries: Vec<Hash16>,
    /// Documents of the tenant.
    pub records: Vec<RecordKey>,
    /// Pools.
    pub pools: Vec<StockKey>,
    /// Reservations.
    pub reservations: Vec<ReservationId>,
    /// Counters.
    pub counters: Vec<StockKey>,
    /// Accounts.
    pub accounts: Vec<AccountKey>,
    /// Codes.
    pub codes: Vec<Hash16>,
    /// Messages.
    pub messages: Vec<MessageId>,
    /// Planned events.
    pub planned: Vec<(PluginName, Key)>,
    /// Scans.
    pub scans: Vec<ScanId>,
}

/// Rows that were wanted and are there.
#[derive(Debug, Default)]
pub struct Loaded {
    /// Recorded events: their keys and places.
    pub dedupes: Vec<(Hash16, EventSeq)>,
    /// Known names.
    pub identities: Vec<(Identity, CustomerId)>,
    /// Customers.
    pub customers: Vec<CustomerImage>,
    /// Runs.
    pub runs: Vec<LoadedRun>,
    /// Waits with `match`.
    pub matching: Vec<WaitRow>,
    /// Entries.
    pub entries: Vec<EntryRow>,
    /// Documents.
    pub records: Vec<(RecordKey, String)>,
    /// Pools.
    pub pools: Vec<(StockKey, Pool)>,
    /// Reservations.
    pub reservations: Vec<Reservation>,
    /// Counters.
    pub counters: Vec<(StockKey, Counter)>,
    /// What accounts hold.
    pub accounts: Vec<(AccountKey, i64)>,
    /// Codes.
    pub codes: Vec<CodeRow>,
    /// Messages.
    pub messages: Vec<Message>,
    /// Planned events.
    pub planned: Vec<((PluginName, Key), PlannedEvent)>,
    /// Scans.
    pub scans: Vec<ScanRow>,
}

/// A customer with all that belongs to them and a step may read.
#[derive(Debug, Clone)]
pub struct CustomerImage {
    /// Attributes, names, tags and facts.
    pub customer: Customer,
    /// Documents that plugins keep of them.
    pub records: Vec<(PluginName, Key, String)>,
    /// Waits for their events.
    pub waits: Vec<WaitRow>,
    /// Which workflows ran for them.
    pub entries: Vec<EntryRow>,
    /// Their segments.
    pub segments: Vec<SegmentRow>,
}

/// A table whose keys can be gathered: those of which rows are looked for that mostly are not there yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyTable {
    /// Recorded events.
    Events,
    /// Names of customers.
    Identities,
    /// Counters.
    Counters,
}

impl KeyTable {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Events, Self::Identities, Self::Counters];
}

/// The key of a row that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoredKey {
    /// Of a recorded event.
    Event(Hash16),
    /// Of a name.
    Identity(Identity),
    /// Of a counter.
    Counter(StockKey),
}

/// A range of a plugin's documents.
#[derive(Debug, Clone)]
pub struct RecordRange {
    /// Whose.
    pub plugin: PluginName,
    /// Of which customer; none for the tenant's.
    pub customer: Option<CustomerId>,
    /// What the keys begin with.
    pub prefix: String,
    /// What the keys come after.
    pub after: Option<String>,
    /// How many.
    pub limit: usize,
}

/// A window of a customer's events.
#[derive(Debug, Clone)]
pub struct EventWindow {
    /// Whose.
    pub customer: CustomerId,
    /// Which.
    pub event_type: EventType,
    /// Happened at this instant or later.
    pub since: UtcMs,
    /// Recorded at this place or before.
    pub seq_max: EventSeq,
}

/// Events after a place in the log.
#[derive(Debug, Clone)]
pub struct EventsSince {
    /// Which.
    pub event_types: Vec<EventType>,
    /// Whose, or under which key.
    pub whose: Whose,
    /// Recorded after this place …
    pub after: EventSeq,
    /// … and at this place or before.
    pub seq_max: EventSeq,
    /// How many.
    pub limit: usize,
}

/// Whose events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// A customer's.
    Customer(CustomerId),
    /// Those that a wait with `match` looks for.
    Matching(Hash16),
}

/// Runs of a slot.
#[derive(Debug, Clone)]
pub struct SlotQuery {
    /// The workflow's playbook.
    pub playbook: PlaybookName,
    /// The workflow's name.
    pub workflow: String,
    /// The slot.
    pub slot: String,
    /// Queued ones, or those that have a place.
    pub queued: bool,
    /// How many.
    pub limit: usize,
}

/// What is under way for a customer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unfinished {
    /// Runs that have not ended.
    pub runs: Vec<RunId>,
    /// Messages that have not left the host, or that staff have not sent.
    pub messages: Vec<MessageId>,
    /// Events that plugins planned.
    pub planned: Vec<(PluginName, Key)>,
    /// Stock that is held.
    pub reservations: Vec<ReservationId>,
}

impl Unfinished {
    /// Whether nothing is under way.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
            && self.messages.is_empty()
            && self.planned.is_empty()
            && self.reservations.is_empty()
    }
}

/// Maintenance to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Maintenance {
    /// Moves the write-ahead log into the database.
    Checkpoint,
    /// Removes at most `rows` rows that ended or happened before an instant.
    Purge {
        /// What ended before it may go.
        before: UtcMs,
        /// How many rows of each table at most.
        rows: usize,
    },
}

/// What maintenance did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MaintenanceReport {
    /// Rows removed.
    pub rows: u64,
    /// Whether there is more to do.
    pub more: bool,
    /// Bytes of the write-ahead log.
    pub wal_bytes: u64,
}
