//! The inspect port: what people read of a tenant (CLI, API, console), beside its executor and never in its way.
//!
//! It writes nothing and decides nothing. Every list is bounded and goes on from a cursor, never from a number of rows
//! to skip, so page 1,000 costs what page 1 costs.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use siyu_model::clock::UtcMs;
use siyu_model::customer::TagMark;
use siyu_model::digest::PlaybookDigest;
use siyu_model::event::{EventSeq, Subject};
use siyu_model::id::{CustomerId, RunId};
use siyu_model::limits;
use siyu_model::message::{Message, MessageStatus};
use siyu_model::name::{ChannelName, EventType, Key, PlaybookName, PluginName, SegmentName, Tag};
use siyu_model::run::{Run, RunEnd, RunPhase, Target};
use siyu_model::stock::counter::Counter;
use siyu_model::stock::pool::Pool;
use siyu_model::stock::reservation::{Reservation, ReservationStatus};

use super::log::{LogPart, LogPlace};
use super::rows::{
    AccountKey, EventRow, FactRow, JournalRow, LedgerRow, PlaybookRow, ResourceRow, ScanRow, ScheduleRow,
    SegmentRow, StockKey,
};
use super::store::{CustomerImage, RecordRange, StoreError};

/// Why a question was not answered.
#[derive(Debug, Clone, thiserror::Error)]
pub enum InspectError {
    /// The cursor is not one that this list gave.
    #[error("`{found}` is no cursor of {list}: expected what an earlier page gave as its next")]
    Cursor {
        /// The text, shortened.
        found: String,
        /// Which list.
        list: &'static str,
    },
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Where a list goes on. Opaque: only the list that gave it can read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor(String);

impl Cursor {
    /// From the text of an earlier answer; checked when it is used.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which part of a list is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// Where to go on; none begins.
    pub after: Option<Cursor>,
    /// How many rows at most; held inside 1 to [`limits::inspect::PAGE_ROWS_MAX`].
    pub limit: usize,
}

impl Turn {
    /// The first rows.
    pub fn first(limit: usize) -> Self {
        Self { after: None, limit }
    }

    /// The rows that this turn gives at most.
    pub fn rows(&self) -> usize {
        self.limit.clamp(1, limits::inspect::PAGE_ROWS_MAX)
    }

    /// The first rows of a list of narrow rows that is read to its end: as many as one call gives.
    pub fn stream() -> Self {
        Self::first(limits::inspect::STREAM_ROWS_MAX)
    }

    /// The rows that this turn gives at most of a list of narrow rows.
    pub fn narrow_rows(&self) -> usize {
        self.limit.clamp(1, limits::inspect::STREAM_ROWS_MAX)
    }
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// The rows, in the order of the list.
    pub items: Vec<T>,
    /// Where it goes on; none at the end.
    pub next: Option<Cursor>,
}

/// From an instant on and before another; none is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// From this instant on.
    pub from: Option<UtcMs>,
    /// Before this instant.
    pub until: Option<UtcMs>,
}

/// Which runs.
#[derive(Debug, Clone, Default)]
pub struct RunFilter {
    /// In this phase.
    pub phase: Option<RunPhase>,
    /// Of this playbook.
    pub playbook: Option<PlaybookName>,
    /// Of this workflow, or reaction: what [`Target::name`] says.
    pub workflow: Option<String>,
    /// For this customer.
    pub customer: Option<CustomerId>,
    /// Begun in this span.
    pub started: Span,
}

/// A run in a list.
#[derive(Debug, Clone, PartialEq)]
pub struct RunSummary {
    /// Its id.
    pub id: RunId,
    /// What it executes.
    pub target: Target,
    /// For whom.
    pub customer: Option<CustomerId>,
    /// What identifies "the same" run.
    pub key: Option<String>,
    /// Where it stands.
    pub phase: RunPhase,
    /// How it ended or will end, as far as that is known.
    pub end: Option<RunEnd>,
    /// The event that started it.
    pub event: Option<EventSeq>,
    /// The run that called it.
    pub parent: Option<RunId>,
    /// When it began.
    pub started_at: UtcMs,
    /// When it last changed.
    pub changed_at: UtcMs,
    /// When it ended.
    pub ended_at: Option<UtcMs>,
    /// Lines in its journal.
    pub journal_rows: u32,
}

/// A run with all that is known of it.
#[derive(Debug, Clone)]
pub struct RunDetail {
    /// The run.
    pub run: Run,
    /// The event that started it, while retention keeps it.
    pub event: Option<EventRow>,
    /// Its journal, oldest line first; at most [`limits::run::JOURNAL_ROWS_MAX`] lines.
    pub journal: Vec<JournalRow>,
}

/// Something that happened to a customer.
#[derive(Debug, Clone, PartialEq)]
pub enum Moment {
    /// An event, with what it led to.
    Event(Box<EventRow>),
    /// A run began.
    Run(Box<RunSummary>),
    /// A message was planned; its status is the latest.
    Message(Box<Message>),
    /// A tag was put on that is still there.
    Tag(Tag, TagMark),
    /// They went into a segment, or out of it.
    Segment(SegmentRow),
}

impl Moment {
    /// When it happened.
    pub fn at(&self) -> UtcMs {
        match self {
            Self::Event(event) => event.occurred_at,
            Self::Run(run) => run.started_at,
            Self::Message(message) => message.planned_at,
            Self::Tag(_, mark) => mark.added_at,
            Self::Segment(row) => row.since,
        }
    }
}

/// Which messages.
#[derive(Debug, Clone, Default)]
pub struct MessageFilter {
    /// In this status.
    pub status: Option<MessageStatus>,
    /// Over this channel.
    pub channel: Option<ChannelName>,
    /// To this customer.
    pub customer: Option<CustomerId>,
    /// Planned in this span.
    pub planned: Span,
}

/// Which events.
#[derive(Debug, Clone, Default)]
pub struct EventFilter {
    /// Of this type.
    pub event_type: Option<EventType>,
    /// Of this customer.
    pub customer: Option<CustomerId>,
    /// Recorded in this span.
    pub recorded: Span,
}

/// Which pools, counters or reservations.
#[derive(Debug, Clone)]
pub struct StockFilter {
    /// Whose; the host's own are under `@host`.
    pub plugin: Arc<str>,
    /// What the keys begin with; for reservations, the keys of their pools.
    pub prefix: String,
}

/// Reservations of one pool that stand alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReservationTally {
    /// The pool.
    pub pool: Key,
    /// Where they stand.
    pub status: ReservationStatus,
    /// How many they are.
    pub reservations: u64,
    /// Units of all of them.
    pub units: u64,
}

/// The accounts of a plugin together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerTally {
    /// Whose.
    pub plugin: PluginName,
    /// How many accounts.
    pub accounts: u64,
    /// What all of them hold together: nothing, or the ledger is broken.
    pub sum: i64,
}

/// Which accounts, and which transfers.
#[derive(Debug, Clone)]
pub struct LedgerFilter {
    /// Whose.
    pub plugin: PluginName,
    /// Accounts of this customer; none for all accounts.
    pub customer: Option<CustomerId>,
    /// Accounts of this name; none for all names.
    pub account: Option<Key>,
}

/// How much there is of what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tallies {
    /// Runs by phase, in the order of [`RunPhase::ALL`]; a phase without runs is left out.
    pub runs: Vec<(RunPhase, u64)>,
    /// Messages by status and channel.
    pub messages: Vec<(MessageStatus, ChannelName, u64)>,
    /// Events by type.
    pub events: Vec<(EventType, u64)>,
    /// Members of segments.
    pub segments: Vec<(PlaybookName, SegmentName, u64)>,
}

/// Runs of a workflow that stand alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunTally {
    /// The playbook.
    pub playbook: PlaybookName,
    /// The workflow, or reaction: what [`Target::name`] says.
    pub workflow: String,
    /// Where they stand.
    pub phase: RunPhase,
    /// With which outcome they completed, or by which code they failed.
    pub end: Option<String>,
    /// How many they are.
    pub runs: u64,
}

/// Which cohorts.
#[derive(Debug, Clone)]
pub struct CohortQuery {
    /// The event that makes a customer part of a cohort the first time and a returning one later, such as `order.paid`.
    pub event_type: EventType,
    /// Where months begin, ascending, and where the last one ends: `n + 1` instants for `n` months. They come from the
    /// tenant's calendar, which a store does not know.
    pub months: Vec<UtcMs>,
    /// Count a return only on a later day than the first event. A day is 24 hours.
    pub distinct_days: bool,
    /// How far the tenant's midnight lies before that of UTC, milliseconds: 28,800,000 in Shanghai.
    pub day_offset_ms: i64,
}

/// Customers whose first event was in one month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cohort {
    /// When the month began.
    pub month: UtcMs,
    /// How many they are.
    pub customers: u64,
    /// How many of them came back in this month, the next, and so on to the last month of the query.
    pub returned: Vec<u64>,
}

/// The first time a customer did something.
#[derive(Debug, Clone, PartialEq)]
pub struct First {
    /// Who.
    pub customer: CustomerId,
    /// When it happened.
    pub occurred_at: UtcMs,
    /// Its facts, a JSON object.
    pub data: Arc<str>,
}

/// Which events are counted by what they hold. Paths are names below `data`; the text at a path is the value itself, of
/// a list or an object its JSON.
#[derive(Debug, Clone)]
pub struct GroupQuery {
    /// Of this type.
    pub event_type: EventType,
    /// Events that are alike in all of these are one group; at most [`limits::inspect::GROUP_PATHS_MAX`].
    pub by: Vec<&'static [&'static str]>,
    /// Only events that hold something here; none counts all.
    pub having: Option<&'static [&'static str]>,
    /// Whether customers are counted; else a group has none. Holds them all while it counts.
    pub customers: bool,
    /// The number that is summed: fen, or units. What is no whole number, or beyond ± 10^12, counts as nothing.
    pub sum: Option<&'static [&'static str]>,
    /// Happened in this span.
    pub occurred: Span,
}

/// Events that are alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// What they hold at each path of the query; none where they hold nothing.
    pub keys: Vec<Option<String>>,
    /// How many they are.
    pub events: u64,
    /// Of how many customers.
    pub customers: u64,
    /// The sum of what the query sums.
    pub sum: i64,
}

/// Groups in the order of their keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Groups {
    /// At most [`limits::inspect::GROUPS_MAX`].
    pub rows: Vec<Group>,
    /// Whether there are more than those.
    pub is_cut: bool,
}

/// A published version in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaybookVersion {
    /// The playbook.
    pub name: PlaybookName,
    /// The version.
    pub digest: PlaybookDigest,
    /// When it was published.
    pub published_at: UtcMs,
    /// Whether new runs use it.
    pub is_active: bool,
}

/// How large a tenant's store is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoreSize {
    /// Bytes of the database.
    pub database_bytes: u64,
    /// Bytes of the write-ahead log.
    pub wal_bytes: u64,
    /// Bytes inside the database that hold nothing.
    pub free_bytes: u64,
    /// Rows by table.
    pub rows: Vec<(String, u64)>,
}

/// What people read of a tenant. Lists of what happens are newest first, lists of what has a key in its order.
#[async_trait]
pub trait Inspect: Send + Sync {
    /// Runs, newest first.
    async fn runs(&self, filter: RunFilter, turn: Turn) -> Result<Page<RunSummary>, InspectError>;

    /// One run with its journal.
    async fn run(&self, id: RunId) -> Result<Option<RunDetail>, InspectError>;

    /// A customer by id or by an outside name, with all that belongs to them.
    async fn customer(&self, who: Subject) -> Result<Option<CustomerImage>, InspectError>;

    /// What happened to a customer, newest first.
    async fn timeline(&self, customer: CustomerId, turn: Turn) -> Result<Page<Moment>, InspectError>;

    /// Messages, newest first.
    async fn messages(&self, filter: MessageFilter, turn: Turn) -> Result<Page<Message>, InspectError>;

    /// Events, newest first.
    async fn events(&self, filter: EventFilter, turn: Turn) -> Result<Page<EventRow>, InspectError>;

    /// One event, while retention keeps it.
    async fn event(&self, seq: EventSeq) -> Result<Option<EventRow>, InspectError>;

    /// A part of both logs after a place, at most so many rows of each, oldest first, in one view with where they end.
    async fn log(&self, after: LogPlace, limit: usize) -> Result<LogPart, InspectError>;

    /// Pools, in the order of their keys.
    async fn pools(&self, filter: StockFilter, turn: Turn) -> Result<Page<(StockKey, Pool)>, InspectError>;

    /// Counters, in the order of their keys.
    async fn counters(
        &self,
        filter: StockFilter,
        turn: Turn,
    ) -> Result<Page<(StockKey, Counter)>, InspectError>;

    /// Reservations, in the order of their pools and ids.
    async fn reservations(&self, filter: StockFilter, turn: Turn) -> Result<Page<Reservation>, InspectError>;

    /// Reservations of a plugin by pool and status, in the order of pools. Ended ones only as long as retention keeps
    /// them. Reads all reservations of the plugin.
    async fn reservation_tallies(&self, plugin: &str) -> Result<Vec<ReservationTally>, InspectError>;

    /// The accounts of each plugin that has some, in the order of plugins. Reads all accounts.
    async fn ledgers(&self) -> Result<Vec<LedgerTally>, InspectError>;

    /// What accounts hold: the tenant's first, then those of customers, by name.
    async fn accounts(
        &self,
        filter: LedgerFilter,
        turn: Turn,
    ) -> Result<Page<(AccountKey, i64)>, InspectError>;

    /// Transfers from or to accounts, newest first.
    async fn ledger(&self, filter: LedgerFilter, turn: Turn) -> Result<Page<LedgerRow>, InspectError>;

    /// A plugin's documents by prefix, in the order of their keys; at most [`limits::inspect::PAGE_ROWS_MAX`].
    async fn records(&self, range: RecordRange) -> Result<Vec<(Key, String)>, InspectError>;

    /// How much there is of what. Reads whole indexes: for a page that a person opens, not for every second.
    async fn tallies(&self) -> Result<Tallies, InspectError>;

    /// Runs by workflow, phase and end; at most [`limits::inspect::GROUPS_MAX`] lines. Reads all runs, or all of one
    /// workflow, which is named as [`Target::name`] says.
    async fn run_tallies(&self, of: Option<(&PlaybookName, &str)>) -> Result<Vec<RunTally>, InspectError>;

    /// How many customers did this at least so often.
    async fn reach(&self, event_type: &EventType, at_least: u64) -> Result<u64, InspectError>;

    /// In which months customers came back, by the month of their first time. Reads all events of the type.
    async fn cohorts(&self, query: CohortQuery) -> Result<Vec<Cohort>, InspectError>;

    /// Facts of these types, in the order of customers and types. A narrow list.
    async fn facts(&self, event_types: &[EventType], turn: Turn) -> Result<Page<FactRow>, InspectError>;

    /// The first event of a type of each customer, in the order of customers. A customer whose first event retention
    /// took away is left out. A narrow list.
    async fn firsts(&self, event_type: &EventType, turn: Turn) -> Result<Page<First>, InspectError>;

    /// When each customer did something, in the order of customers and time. Read from an index alone. A narrow list.
    async fn times(
        &self,
        event_type: &EventType,
        turn: Turn,
    ) -> Result<Page<(CustomerId, UtcMs)>, InspectError>;

    /// Events of one type, counted by what they hold. Reads all events of the type.
    async fn groups(&self, query: GroupQuery) -> Result<Groups, InspectError>;

    /// Passes over customers, newest first.
    async fn scans(&self, turn: Turn) -> Result<Page<ScanRow>, InspectError>;

    /// Schedules, by playbook and workflow; at most [`limits::inspect::PAGE_ROWS_MAX`].
    async fn schedules(&self) -> Result<Vec<ScheduleRow>, InspectError>;

    /// Published versions, newest first.
    async fn playbooks(&self, turn: Turn) -> Result<Page<PlaybookVersion>, InspectError>;

    /// One published version.
    async fn playbook(
        &self,
        name: &PlaybookName,
        digest: PlaybookDigest,
    ) -> Result<Option<PlaybookRow>, InspectError>;

    /// Definitions for a plugin that are in force, by kind and name; at most [`limits::inspect::PAGE_ROWS_MAX`].
    async fn resources(&self, plugin: &PluginName) -> Result<Vec<ResourceRow>, InspectError>;

    /// Whose pools there are: plugins, sorted.
    async fn stock_owners(&self) -> Result<Vec<Arc<str>>, InspectError>;

    /// How large the store is. Counts the rows of every table, which takes a while in a large one.
    async fn size(&self) -> Result<StoreSize, InspectError>;

    /// Bytes that the tenant takes, its log included and what holds nothing apart.
    async fn bytes(&self) -> Result<u64, InspectError>;
}
