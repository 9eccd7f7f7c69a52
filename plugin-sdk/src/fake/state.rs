//! What the host of a test knows: a tenant's tables, its time, and the call that is running.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use siyu_model::clock::{UtcMs, Zone};
use siyu_model::customer::{Customer, Fact, amount_fen};
use siyu_model::event::{Event, EventSeq};
use siyu_model::id::{CustomerId, MessageId, ReservationId};
use siyu_model::json::Value;
use siyu_model::limits;
use siyu_model::name::{EventType, Key, OfferName};
use siyu_model::plugin::{Capability, Fault, HostFault, LogLevel, Manifest};
use siyu_model::secret::SecretValue;
use siyu_model::stock::counter::Counter;
use siyu_model::stock::ledger::Account;
use siyu_model::stock::pool::Pool;
use siyu_model::stock::reservation::Reservation;

use super::SentMessage;
use super::table::Table;
use crate::error::Error;
use crate::http::{self, Request, Response};

thread_local! {
    /// The state while a call runs on this thread.
    static CURRENT: RefCell<Option<Box<State>>> = const { RefCell::new(None) };
}

/// Puts a state under the calls of this thread.
pub(super) fn install(state: Box<State>) {
    let before = CURRENT.replace(Some(state));
    assert!(before.is_none(), "a call is running on this thread already: a test calls one plugin at a time");
}

/// Takes it back.
pub(super) fn uninstall() -> Option<Box<State>> {
    CURRENT.take()
}

/// The state of the call that runs on this thread.
pub(super) fn with<T>(work: impl FnOnce(&mut State) -> T) -> T {
    CURRENT.with_borrow_mut(|state| match state {
        Some(state) => work(state),
        None => panic!(
            "no host: a plugin's code runs in a test through `siyu_plugin::fake::Host`, by `call` or `during`"
        ),
    })
}

/// A tenant.
pub(super) struct State {
    pub(super) manifest: Arc<Manifest>,
    pub(super) zone: Zone,
    pub(super) now: UtcMs,
    pub(super) seed: u64,
    /// Calls so far: each has an id of its own.
    pub(super) calls: u64,
    pub(super) tables: Tables,
    /// The log of events; never undone, because events are recorded when a call is kept.
    pub(super) events: Vec<Arc<Event>>,
    /// Events of kept calls that are not recorded yet.
    pub(super) waiting: VecDeque<Pending>,
    pub(super) log: Vec<(LogLevel, String)>,
    /// Why messages are blocked, if they are.
    pub(super) blocked: Option<String>,
    pub(super) call: Option<Call>,
    /// What a delivery sees of the network.
    pub(super) net: Net,
    /// Values of secrets by the plugin's names, those in force first.
    pub(super) secrets: BTreeMap<String, Vec<SecretValue>>,
}

/// The network of a test.
#[derive(Default)]
pub(super) struct Net {
    /// What peers answer, by the request.
    pub(super) peers: Option<Box<Peers>>,
    /// Requests that were sent.
    pub(super) requests: Vec<Request>,
    /// What the channel remembers, and until when.
    pub(super) cache: BTreeMap<String, (String, UtcMs)>,
}

/// All peers of a test as one function.
pub(super) type Peers = dyn FnMut(&Request) -> Result<Response, http::Error>;

/// What a call can change.
#[derive(Default)]
pub(super) struct Tables {
    pub(super) records: Table<(Option<CustomerId>, Key), String>,
    pub(super) pools: Table<Key, Pool>,
    pub(super) reservations: Table<ReservationId, Reservation>,
    pub(super) counters: Table<Key, Counter>,
    pub(super) accounts: Table<Account, i64>,
    /// Space and code; the reference.
    pub(super) codes: Table<(String, String), String>,
    pub(super) customers: Table<CustomerId, Customer>,
    pub(super) planned: Table<Key, PlannedRow>,
    pub(super) messages: Table<MessageId, SentMessage>,
    /// Kind and name; the definition and its reactions.
    pub(super) resources: Table<(OfferName, String), ResourceRow>,
}

/// An event that is planned.
#[derive(Debug, Clone)]
pub(super) struct PlannedRow {
    pub(super) due_at: UtcMs,
    pub(super) event: Pending,
}

/// An event that is not recorded yet.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pending {
    pub(super) event_type: EventType,
    pub(super) source: String,
    pub(super) customer: Option<CustomerId>,
    pub(super) data: Value,
    pub(super) depth: u32,
}

/// A definition in force.
#[derive(Debug, Clone)]
pub(super) struct ResourceRow {
    pub(super) body: String,
    pub(super) reactions: Vec<(EventType, OfferName)>,
}

/// The call that is running.
#[derive(Debug, Clone, Default)]
pub(super) struct Call {
    pub(super) id: String,
    pub(super) step: String,
    pub(super) run: Option<String>,
    pub(super) customer: Option<CustomerId>,
    pub(super) event: Option<Arc<Event>>,
    /// Causes behind the call.
    pub(super) depth: u32,
    /// Whether it is the check of a definition, to which nothing answers.
    pub(super) is_pure: bool,
    /// Whether it is a delivery, which alone may send requests.
    pub(super) is_delivery: bool,
    /// Whether it is a call of a source.
    pub(super) is_hook: bool,
    /// Requests that it sent.
    pub(super) requests: u32,
    pub(super) pending: Vec<Pending>,
    pub(super) drawn: usize,
    pub(super) minted: u64,
    pub(super) reserved: u64,
    /// Postings made so far.
    pub(super) posted: u64,
    pub(super) emitted: usize,
    pub(super) enqueued: usize,
    pub(super) host_calls: u32,
    pub(super) log_bytes: usize,
    pub(super) log_lines: u32,
    /// What the plugin must not do: the real host would have stopped it, so the call fails whatever the plugin makes of it.
    pub(super) violation: Option<Fault>,
}

impl Tables {
    pub(super) fn keep(&mut self) {
        self.records.keep();
        self.pools.keep();
        self.reservations.keep();
        self.counters.keep();
        self.accounts.keep();
        self.codes.keep();
        self.customers.keep();
        self.planned.keep();
        self.messages.keep();
        self.resources.keep();
    }

    pub(super) fn undo(&mut self) {
        self.records.undo();
        self.pools.undo();
        self.reservations.undo();
        self.counters.undo();
        self.accounts.undo();
        self.codes.undo();
        self.customers.undo();
        self.planned.undo();
        self.messages.undo();
        self.resources.undo();
    }
}

impl State {
    /// The call that is running. Outside of one (a customer is made by the test itself) there is an empty one.
    pub(super) fn call(&mut self) -> &mut Call {
        self.call.get_or_insert_default()
    }

    /// A plugin asks: the call is counted, the manifest must list the capability, and a check must not ask at all.
    pub(super) fn ask(&mut self, capability: Capability) -> Result<(), Error> {
        let is_listed = capability.is_free() || self.manifest.asks_for(capability);
        let call = self.call();
        call.host_calls += 1;
        if call.host_calls > limits::call::HOST_CALLS_MAX {
            let message = format!("the call made more than {} host calls", limits::call::HOST_CALLS_MAX);
            return Err(self.violate(HostFault::HostCallLimit.fault(message)));
        }
        if !is_listed {
            let message = format!(
                "the plugin uses `{capability}`, which its manifest does not list: add it to `capabilities` with the \
                 reason why it is needed"
            );
            return Err(self.violate(HostFault::NotLoadable.fault(message)));
        }
        if call.is_pure && capability != Capability::Log {
            let message =
                format!("a check is pure: it uses `{capability}`, and no capability but `log` answers");
            return Err(self.violate(Fault::permanent("NOT_PURE", message)));
        }
        Ok(())
    }

    pub(super) fn violate(&mut self, fault: Fault) -> Error {
        let error = Error::invalid(fault.message.clone());
        self.call().violation.get_or_insert(fault);
        error
    }

    /// The customer that an argument names; the call's own when it names none.
    pub(super) fn whom(&mut self, customer: Option<&str>) -> Result<CustomerId, Error> {
        let id = match customer {
            None => self
                .call()
                .customer
                .ok_or_else(|| Error::invalid("this call has no customer of its own: name one"))?,
            Some(text) => {
                text.parse().map_err(|fault: siyu_model::id::IdError| Error::invalid(fault.to_string()))?
            }
        };
        if self.tables.customers.get(&id).is_some() {
            Ok(id)
        } else {
            let message = format!("there is no customer {id}");
            Err(Error::new(crate::error::ErrorCode::NotFound, message))
        }
    }

    /// A customer that `whom` has found.
    pub(super) fn known(&self, id: CustomerId) -> Customer {
        self.tables.customers.get(&id).cloned().unwrap_or_else(|| Customer::new(id, self.now))
    }

    /// An event of the host, recorded when the call is kept.
    pub(super) fn host_event(&mut self, event_type: &str, customer: Option<CustomerId>, data: Value) {
        let Ok(event_type) = EventType::new(event_type) else {
            return;
        };
        let depth = self.call().depth + 1;
        self.call().pending.push(Pending { event_type, source: "siyu".to_owned(), customer, data, depth });
    }

    /// Records an event and adds it to its customer's facts.
    pub(super) fn record(&mut self, pending: Pending, occurred_at: UtcMs) -> Arc<Event> {
        let seq = EventSeq(self.events.len() as u64 + 1);
        let event = Arc::new(Event {
            seq,
            id: seq.0.to_string(),
            event_type: pending.event_type,
            source: pending.source,
            customer: pending.customer,
            occurred_at,
            recorded_at: self.now,
            data: pending.data,
            depth: pending.depth,
        });
        self.events.push(event.clone());
        if let Some(id) = event.customer {
            let mut customer = self.known(id);
            let before = customer.facts.get(&event.event_type).copied();
            let fact = Fact::add(before, occurred_at, amount_fen(&event.data), seq);
            customer.facts.insert(event.event_type.clone(), fact);
            self.tables.customers.set(&id, Some(customer));
            self.tables.customers.keep();
        }
        event
    }

    /// Bytes that depend on the test's seed, a purpose and a place, and on nothing else.
    pub(super) fn derive(&self, purpose: &str, place: u64) -> impl Iterator<Item = u8> + use<> {
        // FNV-1a folds the names, splitmix64 draws: fine for tests, and no source of secrets.
        let mut state = purpose.bytes().fold(self.seed ^ 0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        state = state.wrapping_add(place.wrapping_mul(0xd6e8_feb8_6659_fd93));
        std::iter::repeat_with(move || {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            (mixed ^ mixed >> 31).to_be_bytes()
        })
        .flatten()
    }

    /// The steps that react to an event, each once.
    pub(super) fn reactions_to(&self, event_type: &EventType) -> Vec<OfferName> {
        let listed = self.manifest.reactions.iter().map(|reaction| (&reaction.event, &reaction.step));
        let defined = self.tables.resources.rows().values().flat_map(|row| row.reactions.iter());
        let mut steps = Vec::new();
        for (event, step) in listed.chain(defined.map(|(event, step)| (event, step))) {
            if event == event_type && !steps.contains(step) {
                steps.push(step.clone());
            }
        }
        steps
    }

    /// When a customer's events of each type happened, for windows.
    pub(super) fn log_of(&self, customer: CustomerId) -> BTreeMap<EventType, Vec<UtcMs>> {
        let mut log: BTreeMap<EventType, Vec<UtcMs>> = BTreeMap::new();
        for event in self.events.iter().filter(|event| event.customer == Some(customer)) {
            log.entry(event.event_type.clone()).or_default().push(event.occurred_at);
        }
        log
    }
}
