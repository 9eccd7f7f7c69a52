//! A tenant in memory: what the executor works on between two commits.
//!
//! Everything here is a cache of the store plus what uncommitted batches changed. Reads go to the store only for what
//! is not known; changes are gathered and leave as one write set. After a failed commit the whole memory is dropped and
//! built anew from the store.

mod ahead;
mod cache;
mod cell;
mod changes;
mod customers;
mod erasure;
mod expressions;
mod fetch;
mod key_set;
mod keys;
mod ledger;
mod person;
mod read;
mod recent;
mod rows;
mod timers;
mod undo;

use std::any::Any;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use siyu_model::clock::UtcMs;
use siyu_model::event::{Event, EventSeq, Identity};
use siyu_model::id::{CustomerId, MessageId, ReservationId, RunId, ScanId};
use siyu_model::message::Message;
use siyu_model::name::{Key, PluginName, TenantName};
use siyu_model::run::Run;
use siyu_model::stock::counter::Counter;
use siyu_model::stock::pool::Pool;
use siyu_model::stock::reservation::Reservation;

use crate::books::Books;
use crate::ports::plugins::Plugins;
use crate::ports::rows::{
    AccountKey, CodeRow, EntryRow, EventRow, Hash16, JournalRow, PlannedEvent, RecordKey, ScanRow, StockKey,
    WaitRow,
};
use crate::ports::store::TenantImage;
use crate::slots::Slots;
use crate::tenant::{Numbers, Settings};

use cache::Cache;
pub(crate) use cell::MemoryCell;
use changes::Changes;
pub(crate) use fetch::{Asked, Reader, event_from_row};
pub(crate) use person::Person;
use timers::Timers;

/// Why a batch cannot go on. Everything in memory is dropped, and read again from the store.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum Halt {
    /// The store failed or refused.
    #[error(transparent)]
    Store(#[from] crate::ports::store::StoreError),
    /// An invariant is broken: the tenant stops until somebody looks.
    #[error("a broken invariant: {0}")]
    Broken(String),
}

/// What a computation over memory gives.
pub(crate) type Worked<T> = Result<T, Halt>;

/// A run in memory, with the event that started it.
#[derive(Debug, Clone)]
pub(crate) struct LiveRun {
    pub(crate) run: Run,
    pub(crate) event: Option<Arc<Event>>,
    /// Lines that this batch adds to its journal.
    pub(crate) journal: Vec<JournalRow>,
}

/// An event that the host or a plugin makes: admitted when the step that made it is over.
#[derive(Debug, Clone)]
pub(crate) struct PendingEvent {
    pub(crate) source: String,
    pub(crate) event_type: siyu_model::name::EventType,
    pub(crate) customer: Option<CustomerId>,
    pub(crate) data: siyu_model::json::Value,
    pub(crate) depth: u32,
}

/// A tenant in memory.
pub(crate) struct Memory {
    pub(crate) tenant: TenantName,
    /// What the names `tenant.…` mean in expressions.
    pub(crate) tenant_value: siyu_model::json::Value,
    pub(crate) settings: Arc<Settings>,
    pub(crate) plugins: Arc<dyn Plugins>,
    /// What is counted.
    pub(crate) numbers: Arc<Numbers>,
    pub(crate) books: Books,
    pub(crate) slots: Slots,
    /// The instant of the command that is being executed.
    pub(crate) now: UtcMs,
    /// How many causes lie behind what is being executed.
    pub(crate) cause_depth: u32,
    /// The number of the batch that is being executed; the first is 1.
    pub(crate) batch: u64,
    /// The number of the last batch that is durable.
    committed_batch: u64,
    last_seq: EventSeq,
    /// The last event when the command began.
    command_began_at: EventSeq,
    committed_seq: EventSeq,
    secret: [u8; 32],
    reader: Reader,
    gathering: keys::Gathering,

    people: Cache<CustomerId, Person>,
    identities: Cache<Identity, CustomerId>,
    runs: Cache<RunId, LiveRun>,
    records: Cache<RecordKey, Arc<str>>,
    pools: Cache<StockKey, Pool>,
    reservations: Cache<ReservationId, Reservation>,
    counters: Cache<StockKey, Counter>,
    accounts: Cache<AccountKey, i64>,
    codes: Cache<Hash16, CodeRow>,
    messages: Cache<MessageId, Message>,
    planned: Cache<(PluginName, Key), PlannedEvent>,
    matching: Cache<Hash16, Vec<WaitRow>>,
    entries: Cache<Hash16, EntryRow>,
    dedupes: Cache<Hash16, EventSeq>,
    scans: Cache<ScanId, ScanRow>,
    feeds: HashMap<String, u64>,
    /// How many customers there are, uncommitted ones included.
    pub(crate) customer_total: u64,
    /// Customers that the store may not have yet, with the batch that made them.
    new_customers: BTreeMap<CustomerId, u64>,
    pub(crate) timers: Timers,

    /// The event of the last call of a plugin, as plugins read it.
    pub(crate) event_text: Option<(EventSeq, Arc<str>)>,

    /// Expressions that plugins asked about.
    pub(crate) expressions: expressions::Expressions,

    /// What was forgotten and is large: dropped by somebody who has time.
    pub(crate) forgotten: Option<Box<dyn Any + Send>>,
    changes: Changes,
    undo: Vec<undo::Undo>,
    is_recording: bool,
    /// Events of batches that are not committed: window queries add them to what the store has.
    pub(crate) recent: recent::Recent,
    /// What the named ones among them led to.
    named: BTreeMap<EventSeq, String>,
    /// Events that steps made, to be admitted next.
    pub(crate) pending: VecDeque<PendingEvent>,
    /// Runs that can go on.
    pub(crate) ready: VecDeque<RunId>,
    /// Customers whose segments must be looked at again before the command is over.
    pub(crate) restless: Vec<CustomerId>,
    /// Messages to hand to the dispatcher once this batch is durable.
    pub(crate) outbox: Vec<MessageId>,
    /// Answers of runs to whoever waits, once this batch is durable.
    pub(crate) responses: HashMap<RunId, siyu_model::json::Value>,
    /// Customers to erase once this batch is durable, when nothing is under way for them then.
    pub(crate) erasing: Vec<CustomerId>,
}

impl Memory {
    /// A tenant as the store has it.
    pub(crate) fn new(
        tenant: TenantName,
        settings: Arc<Settings>,
        (reader, plugins): (Reader, Arc<dyn Plugins>),
        image: TenantImage,
    ) -> Worked<Self> {
        let rows_max = settings.rows_cached_max;
        let tenant_value = siyu_model::json::Value::map([("id", tenant.as_str().into())]);
        let mut memory = Self {
            tenant_value,
            numbers: Arc::default(),
            books: Books::from_image(&image.playbooks, &image.resources)?,
            slots: Slots::default(),
            now: image.at,
            cause_depth: 0,
            batch: 1,
            committed_batch: 0,
            last_seq: image.last_seq,
            command_began_at: image.last_seq,
            committed_seq: image.last_seq,
            secret: image.secret,
            reader,
            gathering: keys::Gathering::default(),
            people: Cache::new(settings.customers_cached_max),
            identities: Cache::new(settings.customers_cached_max),
            runs: Cache::new(settings.runs_cached_max),
            records: Cache::new(rows_max),
            pools: Cache::new(rows_max),
            reservations: Cache::new(rows_max),
            counters: Cache::new(rows_max),
            accounts: Cache::new(rows_max),
            codes: Cache::new(rows_max),
            messages: Cache::new(rows_max),
            planned: Cache::new(rows_max),
            matching: Cache::new(rows_max),
            entries: Cache::new(rows_max),
            dedupes: Cache::new(rows_max),
            scans: Cache::new(rows_max),
            feeds: image.feeds.into_iter().collect(),
            customer_total: image.customers,
            new_customers: BTreeMap::new(),
            timers: Timers::new(settings.timer_window_max),
            event_text: None,
            expressions: expressions::Expressions::default(),
            forgotten: None,
            changes: Changes::default(),
            undo: Vec::new(),
            is_recording: false,
            recent: recent::Recent::default(),
            named: BTreeMap::new(),
            pending: VecDeque::new(),
            ready: VecDeque::new(),
            restless: Vec::new(),
            outbox: Vec::new(),
            plugins,
            responses: HashMap::new(),
            erasing: Vec::new(),
            tenant,
            settings,
        };
        for schedule in image.schedules {
            memory.changes.learn_schedule(schedule);
        }
        for scan in image.scans {
            memory.scans.learn(scan.id, Some(scan), 0);
        }
        Ok(memory)
    }

    /// The place of the last event, committed or not.
    pub(crate) fn last_seq(&self) -> EventSeq {
        self.last_seq
    }

    /// What happens next has no cause behind it: a command, a timer, a receipt.
    pub(crate) fn begin_command(&mut self) {
        self.cause_depth = 0;
        self.command_began_at = self.last_seq;
    }

    /// Whether the command has caused as many events as one may, those that are not recorded yet included.
    pub(crate) fn has_caused_enough(&self) -> bool {
        let recorded = self.last_seq.0 - self.command_began_at.0;
        recorded as usize + self.pending.len() >= siyu_model::limits::run::EVENTS_PER_COMMAND_MAX
    }

    /// Reads the store's timers until the next one is known.
    pub(crate) fn read_timers(&mut self) -> Worked<()> {
        while let Some(after) = self.timers.needs_reading() {
            let limit = self.settings.timer_window_max;
            let rows = self.reader.ask(|store| store.timers(after, limit))?;
            self.timers.absorb(rows, limit);
        }
        Ok(())
    }

    /// Messages that go to the dispatcher with the commit of this batch, in the order of their ids: that is how the store
    /// gives those that a crash left behind, so a crash changes nothing.
    pub(crate) fn take_outbox(&mut self) -> Vec<Message> {
        let mut ids = std::mem::take(&mut self.outbox);
        ids.sort_unstable();
        ids.iter().filter_map(|id| self.messages.get(id)).cloned().collect()
    }

    /// How many events of a feed were taken in.
    pub(crate) fn feed(&self, name: &str) -> u64 {
        self.feeds.get(name).copied().unwrap_or(0)
    }

    /// Random bytes that are the same for the same purpose and unguessable from outside.
    pub(crate) fn derive_bytes(&self, purpose: &str, id: &[u8], skip: u64, out: &mut [u8]) {
        let mut hasher = blake3::Hasher::new_keyed(&self.secret);
        hasher.update(purpose.as_bytes());
        hasher.update(&[0]);
        hasher.update(id);
        let mut stream = hasher.finalize_xof();
        stream.set_position(skip);
        stream.fill(out);
    }

    /// Records an event: gives it its place in the log.
    pub(crate) fn record_event(&mut self, mut row: EventRow, data: siyu_model::json::Value) -> Arc<Event> {
        self.last_seq = EventSeq(self.last_seq.0 + 1);
        row.seq = self.last_seq;
        let event = Arc::new(Event {
            seq: row.seq,
            id: row.id.clone(),
            event_type: row.event_type.clone(),
            source: row.source.clone(),
            customer: row.customer,
            occurred_at: row.occurred_at,
            recorded_at: row.recorded_at,
            data,
            depth: row.depth,
        });
        self.dedupes.set(&row.dedupe, Some(row.seq), self.batch);
        self.recent.push(event.clone());
        self.changes.events.push(row);
        event
    }

    /// Says what an event of this batch led to.
    pub(crate) fn set_outcome(&mut self, seq: EventSeq, outcome: String) {
        let first = self.changes.events.first().map_or(seq, |row| row.seq);
        let place = seq.0.checked_sub(first.0).and_then(|place| usize::try_from(place).ok());
        if let Some(row) = place.and_then(|place| self.changes.events.get_mut(place)) {
            row.outcome = outcome;
        }
    }

    /// What a named event led to, while the store may not have it.
    pub(crate) fn outcome(&self, seq: EventSeq) -> Option<String> {
        self.named.get(&seq).cloned()
    }

    /// Remembers what a named event led to until the store has it.
    pub(crate) fn remember_outcome(&mut self, seq: EventSeq, outcome: String) {
        self.named.insert(seq, outcome.clone());
        self.set_outcome(seq, outcome);
    }

    /// Up to which place the store has the log.
    pub(crate) fn committed_seq(&self) -> EventSeq {
        self.committed_seq
    }

    /// The batch is durable: what it changed may be forgotten, and its events are in the store.
    pub(crate) fn committed(&mut self, batch: u64, last_seq: EventSeq) {
        self.committed_batch = batch;
        self.committed_seq = last_seq;
        self.timers.committed();
        self.new_customers.retain(|_, made_in| *made_in > batch);
        self.recent.forget(last_seq);
        self.named.retain(|seq, _| *seq > last_seq);
        self.shrink();
    }

    fn shrink(&mut self) {
        let (batch, committed) = (self.batch, self.committed_batch);
        self.slots.shrink(committed);
        let people = self.people.shrink(batch, committed);
        drop(self.identities.shrink(batch, committed));
        let runs = self.runs.shrink(batch, committed);
        drop(self.records.shrink(batch, committed));
        drop(self.pools.shrink(batch, committed));
        drop(self.reservations.shrink(batch, committed));
        drop(self.counters.shrink(batch, committed));
        drop(self.accounts.shrink(batch, committed));
        drop(self.codes.shrink(batch, committed));
        drop(self.messages.shrink(batch, committed));
        drop(self.planned.shrink(batch, committed));
        drop(self.matching.shrink(batch, committed));
        drop(self.entries.shrink(batch, committed));
        drop(self.dedupes.shrink(batch, committed));
        drop(self.scans.shrink(batch, committed));
        if !people.is_empty() || !runs.is_empty() {
            self.forgotten = Some(Box::new((people, runs)));
        }
    }
}
