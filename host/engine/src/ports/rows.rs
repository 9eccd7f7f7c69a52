//! What a store keeps, row by row: the shape of persistence, the same for every database.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use siyu_model::clock::UtcMs;
use siyu_model::customer::{Fact, TagMark};
pub use siyu_model::digest::Hash16;
use siyu_model::digest::PlaybookDigest;
use siyu_model::event::{EventSeq, Identity};
use siyu_model::id::{CustomerId, MessageId, PostingId, ReservationId, RunId, ScanId, TimerId, WaitId};
use siyu_model::journal::JournalEntry;
use siyu_model::message::Message;
use siyu_model::name::{
    EventType, Key, OfferName, PlaybookName, PluginName, ResourceName, SegmentName, Tag, WorkflowName,
};
use siyu_model::run::{FiberId, Run};
use siyu_model::stock::counter::Counter;
use siyu_model::stock::ledger::{Account, Transfer};
use siyu_model::stock::pool::Pool;
use siyu_model::stock::reservation::Reservation;

/// An event in the log.
#[derive(Debug, Clone, PartialEq)]
pub struct EventRow {
    /// Its place.
    pub seq: EventSeq,
    /// Hash of source and id: an event is recorded once.
    pub dedupe: Hash16,
    /// As handed in.
    pub id: String,
    /// Who says so.
    pub source: String,
    /// What happened.
    pub event_type: EventType,
    /// To whom.
    pub customer: Option<CustomerId>,
    /// When it happened.
    pub occurred_at: UtcMs,
    /// When it was admitted.
    pub recorded_at: UtcMs,
    /// Its facts, a JSON object.
    pub data: Arc<str>,
    /// How many causes lie behind it.
    pub depth: u32,
    /// What it led to, for people: `{"started": {workflow: run}, "not": {workflow: reason}}`.
    pub outcome: String,
    /// Under which keys waits with `match` can find it later.
    pub matches: Vec<Hash16>,
}

/// A customer, without what has rows of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct CustomerRow {
    /// Their id.
    pub id: CustomerId,
    /// When the host first met them.
    pub created_at: UtcMs,
    /// What is known of them, a JSON object.
    pub attributes: String,
}

/// A fact: what the host keeps of one type of event of one customer.
#[derive(Debug, Clone, PartialEq)]
pub struct FactRow {
    /// Whose.
    pub customer: CustomerId,
    /// Which events.
    pub event_type: EventType,
    /// The fact.
    pub fact: Fact,
}

/// A tag on a customer.
#[derive(Debug, Clone, PartialEq)]
pub struct TagRow {
    /// On whom.
    pub customer: CustomerId,
    /// The tag.
    pub tag: Tag,
    /// Its mark; none takes the tag off.
    pub mark: Option<TagMark>,
}

/// Whether a customer is in a segment, and when to look again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentRow {
    /// Who.
    pub customer: CustomerId,
    /// Whose segment.
    pub playbook: PlaybookName,
    /// Which.
    pub segment: SegmentName,
    /// Whether they are in it.
    pub is_member: bool,
    /// Since when.
    pub since: UtcMs,
    /// When that may change although nothing happens.
    pub check_at: Option<UtcMs>,
}

/// A document of a plugin.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordKey {
    /// Whose.
    pub plugin: PluginName,
    /// Of which customer; none for the tenant's.
    pub customer: Option<CustomerId>,
    /// Its key.
    pub key: Key,
}

/// A pool or a counter of a plugin.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StockKey {
    /// Whose; the host's own are under `@host`, which is no plugin's name.
    pub plugin: Arc<str>,
    /// Its key.
    pub key: Key,
}

/// An account of a plugin.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountKey {
    /// Whose; the other side of every transfer is of the same plugin.
    pub plugin: PluginName,
    /// Which.
    pub account: Account,
}

/// A transfer of a posting: a debit and a credit in one row. It never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerRow {
    /// The posting.
    pub posting: PostingId,
    /// Its place in the posting, from 0.
    pub place: u32,
    /// Whose accounts.
    pub plugin: PluginName,
    /// What went from where to where.
    pub transfer: Transfer,
    /// When.
    pub at: UtcMs,
    /// What the plugin calls the posting, such as an order number.
    pub reference: Option<String>,
}

/// A code that was minted or taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeRow {
    /// Keyed hash of plugin, space and code: the code itself is not in the index.
    pub lookup: Hash16,
    /// Whose.
    pub plugin: PluginName,
    /// Which kind of code.
    pub space: String,
    /// The code, encrypted.
    pub sealed: Vec<u8>,
    /// What it stands for.
    pub reference: String,
    /// Since when.
    pub created_at: UtcMs,
}

/// Whether and when a workflow ran for a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryRow {
    /// Hash of playbook, workflow and key.
    pub hash: Hash16,
    /// The customer that it belongs to, so that it is loaded with them.
    pub customer: Option<CustomerId>,
    /// The last run.
    pub run: RunId,
    /// When that began.
    pub started_at: UtcMs,
    /// Whether it is alive.
    pub is_alive: bool,
}

/// A wait for an event. Other waits are timers only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitRow {
    /// Its id.
    pub id: WaitId,
    /// Whose.
    pub run: RunId,
    /// Where in the run.
    pub fiber: FiberId,
    /// The customer whose events it takes; none for a wait with `match`.
    pub customer: Option<CustomerId>,
    /// Which events.
    pub event_types: Vec<EventType>,
    /// The key under which a wait with `match` is found.
    pub matching: Option<Hash16>,
}

/// Something that falls due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimerRow {
    /// When.
    pub due_at: UtcMs,
    /// Its id; timers of one instant fire in the order of their ids.
    pub id: TimerId,
    /// What falls due.
    pub kind: TimerKind,
}

/// What falls due. At most one timer is set for each of these; its id is derived from it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimerKind {
    /// A wait times out, a sleep ends, a step is tried again, or its `timeout` has passed.
    Fiber {
        /// Whose.
        run: RunId,
        /// Where.
        fiber: FiberId,
    },
    /// A reservation runs out.
    Reservation(ReservationId),
    /// A tag goes off.
    Tag {
        /// Of whom.
        customer: CustomerId,
        /// Which.
        tag: Tag,
    },
    /// A segment may change.
    Segment {
        /// For whom.
        customer: CustomerId,
        /// Whose segment.
        playbook: PlaybookName,
        /// Which.
        segment: SegmentName,
    },
    /// An event that a plugin planned.
    Planned {
        /// Whose.
        plugin: PluginName,
        /// Under which key.
        key: Key,
    },
    /// A message is to be sent, or has expired.
    Message(MessageId),
    /// A schedule ticks.
    Schedule {
        /// Of which playbook.
        playbook: PlaybookName,
        /// Which workflow.
        workflow: WorkflowName,
    },
    /// A scan goes on.
    Scan(ScanId),
    /// A run that gave way to others goes on.
    Turn(RunId),
    /// A customer is to be erased as soon as nothing is under way for them.
    Erasure(CustomerId),
}

/// An event that a plugin planned for later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedRow {
    /// Whose.
    pub plugin: PluginName,
    /// Under which key.
    pub key: Key,
    /// The event; none takes the plan back.
    pub event: Option<PlannedEvent>,
}

/// The event of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedEvent {
    /// When.
    pub due_at: UtcMs,
    /// What.
    pub event_type: EventType,
    /// For whom.
    pub customer: Option<CustomerId>,
    /// Its data, a JSON object.
    pub data: Arc<str>,
    /// How many causes lie behind it.
    pub depth: u32,
}

/// A line of a run's journal.
#[derive(Debug, Clone, PartialEq)]
pub struct JournalRow {
    /// Whose.
    pub run: RunId,
    /// Its place in the run's journal, from 0.
    pub row: u32,
    /// The line.
    pub entry: JournalEntry,
}

/// A run with the event that started it.
#[derive(Debug, Clone)]
pub struct LoadedRun {
    /// The run.
    pub run: Run,
    /// Its event.
    pub event: Option<EventRow>,
}

/// A definition for a plugin that is in force.
#[derive(Debug, Clone, PartialEq)]
pub struct ResourceRow {
    /// Whose kind.
    pub plugin: PluginName,
    /// The kind.
    pub kind: OfferName,
    /// Its name.
    pub name: ResourceName,
    /// The playbook that it came with.
    pub playbook: PlaybookName,
    /// The definition, JSON text; none when the playbook no longer has it.
    pub body: Option<Arc<str>>,
    /// What its plugin reacts to because of it: event type and step.
    pub reactions: Vec<(EventType, OfferName)>,
}

/// A published version of a playbook.
#[derive(Debug, Clone, PartialEq)]
pub struct PlaybookRow {
    /// Its name.
    pub name: PlaybookName,
    /// Its version.
    pub digest: PlaybookDigest,
    /// The compiled form, JSON text.
    pub compiled: Arc<str>,
    /// The files as they were written: path and text.
    pub files: Vec<(String, String)>,
    /// When it was published.
    pub published_at: UtcMs,
    /// Whether new runs use it. At most one version of a playbook is active.
    pub is_active: bool,
}

/// Where a schedule stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleRow {
    /// Of which playbook.
    pub playbook: PlaybookName,
    /// Which workflow.
    pub workflow: WorkflowName,
    /// The pattern and zone that the next tick was computed with.
    pub pattern: String,
    /// The next tick; none when there is none any more or the schedule was taken away.
    pub next_at: Option<UtcMs>,
}

/// A pass over customers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanRow {
    /// Its id.
    pub id: ScanId,
    /// What it does to each customer.
    pub purpose: ScanPurpose,
    /// When it began.
    pub started_at: UtcMs,
    /// Over how long it is spread, milliseconds.
    pub spread_ms: u64,
    /// Customers to look at, counted when it began.
    pub total: u64,
    /// Customers looked at.
    pub seen: u64,
    /// Customers for whom it did something.
    pub hits: u64,
    /// The last customer looked at.
    pub after: Option<CustomerId>,
    /// Whether it is over.
    pub is_done: bool,
}

/// What a scan does to each customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScanPurpose {
    /// Starts a run of a workflow for those in its audience.
    Audience {
        /// The playbook.
        playbook: PlaybookName,
        /// The version whose audience it is.
        version: PlaybookDigest,
        /// The workflow.
        workflow: WorkflowName,
        /// The tick or the request: the event of every run.
        event: EventSeq,
    },
    /// Evaluates a segment for the first time.
    Segment {
        /// The playbook.
        playbook: PlaybookName,
        /// The segment.
        segment: SegmentName,
    },
}

/// Everything that one commit changes. Each table once, in whole batches.
#[derive(Debug, Clone, Default)]
pub struct WriteSet {
    /// New events.
    pub events: Vec<EventRow>,
    /// New or changed customers.
    pub customers: Vec<CustomerRow>,
    /// New outside names.
    pub identities: Vec<(Identity, CustomerId)>,
    /// New or changed facts.
    pub facts: Vec<FactRow>,
    /// Tags put on, changed or taken off.
    pub tags: Vec<TagRow>,
    /// New or changed memberships.
    pub segments: Vec<SegmentRow>,
    /// New or changed runs.
    pub runs: Vec<Run>,
    /// New lines of journals.
    pub journal: Vec<JournalRow>,
    /// New or changed entries.
    pub entries: Vec<EntryRow>,
    /// New waits.
    pub waits: Vec<WaitRow>,
    /// Waits that are over.
    pub waits_over: Vec<WaitId>,
    /// New timers.
    pub timers: Vec<TimerRow>,
    /// Timers that fired or were taken back: their due instants and ids.
    pub timers_over: Vec<(UtcMs, TimerId)>,
    /// Planned events, changed or taken back.
    pub planned: Vec<PlannedRow>,
    /// Documents written, or removed when none.
    pub records: Vec<(RecordKey, Option<Arc<str>>)>,
    /// New or changed pools.
    pub pools: Vec<(StockKey, Pool)>,
    /// New or changed reservations.
    pub reservations: Vec<Reservation>,
    /// New or changed counters.
    pub counters: Vec<(StockKey, Counter)>,
    /// What new or changed accounts hold.
    pub accounts: Vec<(AccountKey, i64)>,
    /// New transfers, in the order in which they were made.
    pub ledger: Vec<LedgerRow>,
    /// New codes.
    pub codes: Vec<CodeRow>,
    /// New or changed messages.
    pub messages: Vec<Message>,
    /// Newly published versions, and versions whose activity changed.
    pub playbooks: Vec<PlaybookRow>,
    /// Definitions put into force or taken away.
    pub resources: Vec<ResourceRow>,
    /// New or changed schedules.
    pub schedules: Vec<ScheduleRow>,
    /// New or changed scans.
    pub scans: Vec<ScanRow>,
    /// How far an event file was read: its name and the number of events.
    pub feeds: Vec<(String, u64)>,
    /// The latest instant of anything in here: a virtual clock starts again from it.
    pub at: UtcMs,
}

impl WriteSet {
    /// Whether there is nothing to commit.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
            && self.customers.is_empty()
            && self.identities.is_empty()
            && self.facts.is_empty()
            && self.tags.is_empty()
            && self.segments.is_empty()
            && self.runs.is_empty()
            && self.journal.is_empty()
            && self.entries.is_empty()
            && self.waits.is_empty()
            && self.waits_over.is_empty()
            && self.timers.is_empty()
            && self.timers_over.is_empty()
            && self.planned.is_empty()
            && self.records.is_empty()
            && self.pools.is_empty()
            && self.reservations.is_empty()
            && self.counters.is_empty()
            && self.accounts.is_empty()
            && self.ledger.is_empty()
            && self.codes.is_empty()
            && self.messages.is_empty()
            && self.playbooks.is_empty()
            && self.resources.is_empty()
            && self.schedules.is_empty()
            && self.scans.is_empty()
            && self.feeds.is_empty()
    }
}
