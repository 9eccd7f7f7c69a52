//! What is durable, kept beside the store from the write sets that it took, and what each of them must not do.
//!
//! It shares no code with any store. A rule that a write set breaks is remembered; the world looks after every action.

mod books;
mod check;
mod dump;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};

use siyu_engine::ports::rows::{
    AccountKey, EntryRow, EventRow, Hash16, PlannedEvent, ScanRow, StockKey, TimerKind, WaitRow, WriteSet,
};
use siyu_model::clock::{DurationMs, UtcMs};
use siyu_model::customer::{Fact, TagMark};
use siyu_model::event::{EventSeq, Identity};
use siyu_model::id::{CustomerId, MessageId, ReservationId, RunId, ScanId, TimerId, WaitId};
use siyu_model::journal::JournalEntry;
use siyu_model::message::{Message, MessageStatus};
use siyu_model::name::{EventType, Key, PluginName, Tag, TenantName};
use siyu_model::run::{Run, RunPhase, RunStatus};
use siyu_model::stock::counter::Counter;
use siyu_model::stock::pool::Pool;
use siyu_model::stock::reservation::Reservation;

use crate::locked;
use books::Books;

/// What is durable, for all hosts of a world.
#[derive(Clone, Default)]
pub struct Shared(Arc<Mutex<Durable>>);

impl Shared {
    /// Looks at it, or changes it.
    pub fn lock(&self) -> MutexGuard<'_, Durable> {
        locked(&self.0)
    }
}

/// What is durable of each tenant of a world. Cloning shares it.
#[derive(Clone, Default)]
pub(crate) struct Durables(Arc<BTreeMap<TenantName, Shared>>);

impl Durables {
    /// Nothing yet of these tenants.
    pub(crate) fn of_tenants(tenants: impl IntoIterator<Item = TenantName>) -> Self {
        Self(Arc::new(tenants.into_iter().map(|tenant| (tenant, Shared::default())).collect()))
    }

    /// Of one of them.
    pub(crate) fn of(&self, tenant: &TenantName) -> Option<Shared> {
        self.0.get(tenant).cloned()
    }
}

/// Who has the tenant, and until when, in the world's time.
#[derive(Debug, Default)]
pub struct Lease {
    /// The world's time, milliseconds: it never goes back, whatever the clocks of hosts do.
    pub now_ms: i64,
    holder: Option<usize>,
    until_ms: i64,
}

impl Lease {
    /// Whether a host must wait for another one.
    pub fn is_held_by_other(&self, host: usize) -> bool {
        self.holder.is_some_and(|holder| holder != host) && self.until_ms > self.now_ms
    }
}

/// Everything that a tenant's store holds.
#[derive(Default)]
pub struct Durable {
    /// The log.
    pub events: BTreeMap<EventSeq, EventRow>,
    /// Places of events by source and id.
    pub places: HashMap<(String, String), Vec<EventSeq>>,
    /// Runs.
    pub runs: BTreeMap<RunId, Run>,
    /// Their journals.
    pub journal: BTreeMap<RunId, Vec<JournalEntry>>,
    /// Waits.
    pub waits: BTreeMap<WaitId, WaitRow>,
    /// Timers.
    pub timers: BTreeMap<(UtcMs, TimerId), TimerKind>,
    /// Messages.
    pub messages: BTreeMap<MessageId, Message>,
    /// How often each was handed to a channel.
    pub handed: BTreeMap<MessageId, u32>,
    /// Pools.
    pub pools: BTreeMap<StockKey, Pool>,
    /// Counters.
    pub counters: BTreeMap<StockKey, Counter>,
    /// What accounts of plugins hold.
    pub accounts: BTreeMap<AccountKey, i64>,
    /// What the transfers that were posted make of them.
    pub posted: BTreeMap<AccountKey, i64>,
    /// Reservations.
    pub reservations: BTreeMap<ReservationId, Reservation>,
    /// Keys of workflows.
    pub entries: BTreeMap<Hash16, EntryRow>,
    /// Facts of customers.
    pub facts: BTreeMap<(CustomerId, EventType), Fact>,
    /// Customers.
    pub customers: BTreeSet<CustomerId>,
    /// Outside names.
    pub identities: BTreeMap<Identity, CustomerId>,
    /// Tags.
    pub tags: BTreeMap<(CustomerId, Tag), TagMark>,
    /// Planned events.
    pub planned: BTreeMap<(PluginName, Key), PlannedEvent>,
    /// Scans.
    pub scans: BTreeMap<ScanId, ScanRow>,
    /// What journals say that plugins did.
    pub books: Books,
    /// The latest instant that was committed.
    pub at: UtcMs,
    /// Commits.
    pub commits: u64,
    /// Transfers between accounts.
    pub transfers: u64,
    /// Who has the tenant.
    pub lease: Lease,
    /// How many runs of a workflow may be alive under one slot; only workflows where one more never begins at once.
    pub places_max: BTreeMap<String, usize>,
    /// Whether several hosts share it by a fleet.
    pub is_of_a_fleet: bool,
    opening: u64,
    codes: HashSet<Hash16>,
    /// The first thing that went wrong.
    pub violation: Option<String>,
}

impl Durable {
    /// Remembers what went wrong, the first time.
    pub fn accuse(&mut self, what: impl FnOnce() -> String) {
        if self.violation.is_none() {
            self.violation = Some(what());
        }
    }

    fn must(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.accuse(what);
        }
    }

    /// A host took the tenant; gives the number of the opening.
    pub fn opened(&mut self, host: usize, lease_ms: i64) -> u64 {
        self.opening += 1;
        self.lease.holder = Some(host);
        self.lease.until_ms = self.lease.now_ms + lease_ms;
        self.opening
    }

    /// A host gave the tenant back.
    pub fn closed(&mut self, (host, opening): (usize, u64)) {
        if self.opening == opening && self.lease.holder == Some(host) {
            self.lease.holder = None;
        }
    }

    /// An event was acknowledged: it must be in the log by now, and once.
    pub fn acknowledged(&mut self, source: &str, id: &str, seq: EventSeq) {
        let places = self.places.get(&(source.to_owned(), id.to_owned())).cloned().unwrap_or_default();
        self.must(places == [seq], || {
            format!("event {source}/{id} was acknowledged at {}, the log has it at {places:?}", seq.0)
        });
    }

    /// A message was handed to a channel: it must be durable, and planned unless the host is one that lost its lease.
    pub fn handed_over(&mut self, host: usize, message: &Message) {
        *self.handed.entry(message.id).or_default() += 1;
        let known = self.messages.get(&message.id).map(|known| known.status);
        // A host of a fleet may lose a tenant and win it back while what it had before still ends.
        let has_lease = self.lease.holder == Some(host) && !self.is_of_a_fleet;
        let is_fair = known == Some(MessageStatus::Planned) || (known.is_some() && !has_lease);
        self.must(is_fair, || format!("{} was handed over, and in the store it is {known:?}", message.id));
    }

    /// A write set became durable.
    pub fn committed(&mut self, (host, opening): (usize, u64), writes: WriteSet, lease_ms: i64) {
        self.commits += 1;
        let newest = self.opening;
        self.must(opening == newest, || {
            format!(
                "a commit of opening {opening} (host {host}) was taken after opening {newest} had the lease"
            )
        });
        self.lease.until_ms = self.lease.now_ms + lease_ms;
        let before = self.at;
        self.must(writes.at >= before, || format!("a commit of {} came after one of {before}", writes.at));
        self.at = writes.at.max(before);
        self.take_events(&writes);
        let over: HashSet<RunId> = writes
            .runs
            .iter()
            .filter(|run| self.runs.get(&run.id).is_some_and(|known| known.status.is_terminal()))
            .map(|run| run.id)
            .collect();
        self.take_runs(&writes);
        self.take_journal(&writes, &over);
        self.take_messages(&writes);
        self.take_stock(&writes);
        self.take_rest(writes);
    }

    fn take_events(&mut self, writes: &WriteSet) {
        for event in &writes.events {
            let next = self.events.last_key_value().map_or(1, |(seq, _)| seq.0 + 1);
            self.must(event.seq.0 == next, || format!("event {} came where {next} belongs", event.seq.0));
            self.places.entry((event.source.clone(), event.id.clone())).or_default().push(event.seq);
            self.events.insert(event.seq, event.clone());
        }
    }

    fn take_runs(&mut self, writes: &WriteSet) {
        for run in &writes.runs {
            if let Some(known) = self.runs.get(&run.id).cloned() {
                let is_same = known.started_at == run.started_at
                    && known.event == run.event
                    && known.target == run.target
                    && known.customer == run.customer;
                self.must(is_same, || format!("{} became another run", run.id));
                let is_legal = can_become(&known.status, &run.status);
                self.must(is_legal, || {
                    format!("{} was {:?} and became {:?}", run.id, known.status, run.status)
                });
                let is_growing = run.journal_rows >= known.journal_rows;
                self.must(is_growing, || format!("{} lost lines of its journal", run.id));
            }
            self.runs.insert(run.id, run.clone());
        }
    }

    fn take_journal(&mut self, writes: &WriteSet, over: &HashSet<RunId>) {
        for line in &writes.journal {
            let has = self.journal.entry(line.run).or_default().len();
            let is_next = line.row as usize == has;
            self.must(is_next, || {
                format!("{}: line {} of the journal came where {has} belongs", line.run, line.row)
            });
            let is_over = over.contains(&line.run);
            self.must(!is_over, || format!("{} is over and wrote {:?}", line.run, line.entry));
            if let Err(fault) = self.books.take(line) {
                self.accuse(|| format!("{}: {fault}", line.run));
            }
            self.journal.entry(line.run).or_default().push(line.entry.clone());
        }
    }

    fn take_messages(&mut self, writes: &WriteSet) {
        for message in &writes.messages {
            if let Some(known) = self.messages.get(&message.id) {
                let is_legal = if known.status.is_terminal() {
                    known == message
                } else {
                    known.status == message.status || known.status.can_become(message.status)
                };
                let before = known.status;
                let is_same = known.run == message.run && known.body == message.body;
                self.must(is_legal && is_same, || {
                    format!("{} was {before:?} and became {message:?}", message.id)
                });
            }
            self.messages.insert(message.id, message.clone());
        }
    }

    fn take_stock(&mut self, writes: &WriteSet) {
        self.pools.extend(writes.pools.iter().cloned());
        self.counters.extend(writes.counters.iter().cloned());
        self.take_ledger(writes);
        for reservation in &writes.reservations {
            use siyu_model::stock::reservation::ReservationStatus::Held;
            if let Some(known) = self.reservations.get(&reservation.id).cloned() {
                let is_legal = known.status == Held || known == *reservation;
                self.must(is_legal, || format!("{known:?} became {reservation:?}"));
            }
            self.reservations.insert(reservation.id, reservation.clone());
        }
        for code in &writes.codes {
            let is_new = self.codes.insert(code.lookup);
            self.must(is_new, || format!("a code was minted twice: {code:?}"));
        }
    }

    fn take_ledger(&mut self, writes: &WriteSet) {
        self.accounts.extend(writes.accounts.iter().cloned());
        for row in &writes.ledger {
            self.transfers += 1;
            let units = i64::try_from(row.transfer.units).unwrap_or(i64::MAX);
            for (account, units) in [(&row.transfer.from, -units), (&row.transfer.to, units)] {
                let key = AccountKey { plugin: row.plugin.clone(), account: account.clone() };
                *self.posted.entry(key).or_default() += units;
            }
        }
    }

    fn take_rest(&mut self, writes: WriteSet) {
        for id in &writes.waits_over {
            self.waits.remove(id);
        }
        self.waits.extend(writes.waits.into_iter().map(|row| (row.id, row)));
        for place in &writes.timers_over {
            self.timers.remove(place);
        }
        self.timers.extend(writes.timers.into_iter().map(|row| ((row.due_at, row.id), row.kind)));
        self.entries.extend(writes.entries.into_iter().map(|row| (row.hash, row)));
        self.customers.extend(writes.customers.into_iter().map(|row| row.id));
        for (identity, customer) in writes.identities {
            let before = self.identities.insert(identity.clone(), customer);
            self.must(before.is_none(), || format!("{identity} was taken by two customers"));
        }
        self.facts.extend(writes.facts.into_iter().map(|row| ((row.customer, row.event_type), row.fact)));
        for row in writes.tags {
            match row.mark {
                Some(mark) => drop(self.tags.insert((row.customer, row.tag), mark)),
                None => drop(self.tags.remove(&(row.customer, row.tag))),
            }
        }
        for row in writes.planned {
            match row.event {
                Some(event) => drop(self.planned.insert((row.plugin, row.key), event)),
                None => drop(self.planned.remove(&(row.plugin, row.key))),
            }
        }
        self.scans.extend(writes.scans.into_iter().map(|row| (row.id, row)));
    }

    /// The instant that a clock must have passed before nothing of what is durable lies ahead of it.
    pub fn caught_up(&self) -> UtcMs {
        self.at + DurationMs::from_millis(1)
    }
}

/// The arrows of a run's life; a run may also stay where it is.
fn can_become(from: &RunStatus, to: &RunStatus) -> bool {
    use RunPhase as P;
    let (from_phase, to_phase) = (from.phase(), to.phase());
    if from.is_terminal() {
        return from == to;
    }
    if from_phase == to_phase {
        return true;
    }
    match from_phase {
        P::Queued => {
            matches!(to_phase, P::Live | P::Cancelled | P::Completed | P::Failed | P::Undoing | P::Paused)
        }
        P::Live => to_phase != P::Queued,
        P::Paused => to_phase != P::Queued,
        P::Undoing => matches!(to_phase, P::Failed | P::Cancelled),
        _ => false,
    }
}
