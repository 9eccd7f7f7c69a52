//! Admit: an event comes in. It is recorded once, becomes a fact of its customer, wakes the runs that wait for it and
//! starts those that it triggers.

mod segments;
mod start;

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use siyu_model::clock::UtcMs;
use siyu_model::customer::amount_fen;
use siyu_model::event::{Event, EventSeq, IncomingEvent, Subject};
use siyu_model::id::{CustomerId, RunId};
use siyu_model::json::{self, Value};
use siyu_model::limits;
use siyu_model::name::EventType;

pub(crate) use start::{NotStarted, Start, entry_hash, slot_key, start as start_run};

use crate::memory::{Memory, MemoryCell, PendingEvent, Worked};
use crate::ports::rows::{EventRow, Hash16};

/// What became of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admission {
    /// Its place in the log.
    pub seq: EventSeq,
    /// Whether it was recorded before; then nothing else happened.
    pub is_duplicate: bool,
    /// Its customer.
    pub customer: Option<CustomerId>,
    /// The runs that it started.
    pub started: Vec<RunId>,
}

/// Why an event is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It names a customer by an id that nobody has.
    #[error("there is no customer {0}: name them by an outside name such as shop:00042 to make a new one")]
    UnknownCustomer(CustomerId),
    /// Its data is no object.
    #[error("event data is {found}, expected an object")]
    NoObject {
        /// What kind of value it is.
        found: &'static str,
    },
    /// Its data is no acceptable document.
    #[error("event data: {0}")]
    Data(#[from] json::JsonError),
    /// Another host refused it, in its words.
    #[error("{0}")]
    Elsewhere(String),
}

/// Between hosts a refusal travels as its words.
impl Serialize for Refused {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Refused {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::Elsewhere)
    }
}

/// An event on its way into the log.
struct Entering {
    dedupe: Hash16,
    id: String,
    source: String,
    event_type: EventType,
    customer: Option<CustomerId>,
    occurred_at: UtcMs,
    data: Value,
    depth: u32,
}

/// Takes in an event from outside.
pub(crate) fn incoming(cell: &mut MemoryCell, event: IncomingEvent) -> Worked<Result<Admission, Refused>> {
    let dedupe = incoming_hash(&event.source, &event.id);
    if let Some(seq) = cell.recorded(dedupe)? {
        return Ok(Ok(Admission { seq, is_duplicate: true, customer: None, started: Vec::new() }));
    }
    if let Err(fault) = json::print(&event.data) {
        return Ok(Err(fault.into()));
    }
    let occurred_at = event.time.unwrap_or(cell.now);
    let customer = match event.subject {
        None => None,
        Some(subject) => match resolve(cell, subject, occurred_at)? {
            Ok(customer) => Some(customer),
            Err(refused) => return Ok(Err(refused)),
        },
    };
    let entering = Entering {
        dedupe,
        id: event.id,
        source: event.source,
        event_type: event.event_type,
        customer,
        occurred_at,
        data: event.data,
        depth: 0,
    };
    enter(cell, entering).map(Ok)
}

/// Takes in an event that the host or a plugin made.
pub(crate) fn made(cell: &mut MemoryCell, mut event: PendingEvent) -> Worked<()> {
    if let Some(customer) = event.customer
        && cell.person(customer)?.is_none()
    {
        // What comes late for a customer who was erased is about nobody.
        event.customer = None;
    }
    let entering = entering(cell, event);
    enter(cell, entering).map(drop)
}

/// Records an event that starts exactly the runs that its maker starts: a tick, a manual start, a call. With an id of its
/// own it can be recognised when it comes again.
pub(crate) fn record_only(
    cell: &mut MemoryCell,
    event: PendingEvent,
    id: Option<String>,
) -> Worked<Arc<Event>> {
    let entering = entering(cell, event);
    match id {
        Some(id) => record(cell, Entering { dedupe: named_hash(&entering.source, &id), id, ..entering }),
        None => record(cell, entering),
    }
}

/// An event from inside is recorded in the commit of what made it, so its place in the log can be its id.
fn entering(memory: &Memory, event: PendingEvent) -> Entering {
    let place = memory.last_seq().0 + 1;
    Entering {
        dedupe: Hash16::of_place(place),
        id: place.to_string(),
        source: event.source,
        event_type: event.event_type,
        customer: event.customer,
        occurred_at: memory.now,
        data: event.data,
        depth: event.depth,
    }
}

/// By what an event from outside is recognised when it comes again. It has fewer parts than what recognises the host's own
/// events: whatever source and id somebody outside chooses, theirs is never taken for one of those.
pub(crate) fn incoming_hash(source: &str, id: &str) -> Hash16 {
    Hash16::of(&[source.as_bytes(), id.as_bytes()])
}

/// By what an event that its maker named is recognised.
pub(crate) fn named_hash(source: &str, id: &str) -> Hash16 {
    Hash16::of(&[b"named", source.as_bytes(), id.as_bytes()])
}

/// The customer of a subject. An unknown outside name makes a new customer.
pub(crate) fn resolve(
    cell: &mut MemoryCell,
    subject: Subject,
    at: UtcMs,
) -> Worked<Result<CustomerId, Refused>> {
    let identity = match subject {
        Subject::Customer(id) => {
            return Ok(cell.person(id)?.map(|person| person.id()).ok_or(Refused::UnknownCustomer(id)));
        }
        Subject::Identity(identity) => identity,
    };
    if let Some(customer) = cell.identity(&identity)? {
        return Ok(Ok(customer));
    }
    let id = cell.create_customer(&identity, at);
    let data = Value::map([("identity", Value::text(identity.to_string()))]);
    host_event(cell, "customer.created", Some(id), data);
    Ok(Ok(id))
}

/// Plans an event of the host itself, when anything would notice it.
pub(crate) fn host_event(memory: &mut Memory, event_type: &str, customer: Option<CustomerId>, data: Value) {
    let Ok(event_type) = EventType::new(event_type) else {
        return;
    };
    if !memory.books.is_listened(&event_type) && !is_always_recorded(&event_type) {
        return;
    }
    let (source, depth) = ("siyu".to_owned(), memory.cause_depth + 1);
    memory.pending.push_back(PendingEvent { source, event_type, customer, data, depth });
}

/// Tags, segments and reservations are part of a customer's story; other events of the host are recorded only when
/// something listens.
fn is_always_recorded(event_type: &EventType) -> bool {
    ["tag.", "segment.", "reservation."].iter().any(|family| event_type.as_str().starts_with(family))
}

/// Records an event and adds it to its customer's facts.
fn record(cell: &mut MemoryCell, entering: Entering) -> Worked<Arc<Event>> {
    let data: Arc<str> = json::print(&entering.data).unwrap_or_else(|_| "{}".to_owned()).into();
    let matches = match_hashes(cell, &entering.event_type, &entering.data);
    let amount = amount_fen(&entering.data);
    let row = EventRow {
        seq: EventSeq::default(),
        dedupe: entering.dedupe,
        id: entering.id,
        source: entering.source,
        event_type: entering.event_type.clone(),
        customer: entering.customer,
        occurred_at: entering.occurred_at,
        recorded_at: cell.now,
        data,
        depth: entering.depth,
        outcome: String::new(),
        matches,
    };
    let event = cell.record_event(row, entering.data);
    if let Some(customer) = event.customer {
        cell.add_fact(customer, &event.event_type, event.occurred_at, (amount, event.seq))?;
        cell.restless.push(customer);
    }
    Ok(event)
}

/// The keys under which waits with `match` can find an event.
fn match_hashes(memory: &Memory, event_type: &EventType, data: &Value) -> Vec<Hash16> {
    let Some(paths) = memory.books.match_paths(event_type) else {
        return Vec::new();
    };
    let found = paths.iter().filter_map(|path| {
        let value = path.iter().try_fold(data, |value, name| value.get(name))?;
        Some(match_hash(path, value))
    });
    found.collect()
}

/// The key of a path and a value.
pub(crate) fn match_hash(path: &[Arc<str>], value: &Value) -> Hash16 {
    let path = path.join(".");
    let value = json::print(value).unwrap_or_default();
    Hash16::of(&[path.as_bytes(), value.as_bytes()])
}

/// Records an event, wakes who waits for it and starts what it triggers.
fn enter(cell: &mut MemoryCell, entering: Entering) -> Worked<Admission> {
    let event = record(cell, entering)?;
    cell.cause_depth = event.depth;
    wake_waiting(cell, &event)?;
    let mut outcome = Outcome::default();
    if event.depth > limits::run::CAUSE_DEPTH_MAX {
        outcome.not.push(("*".to_owned(), NotStarted::Loop));
        return finish(cell, &event, outcome);
    }
    for (playbook, workflow) in cell.books.triggered_by(&event.event_type) {
        let name = workflow.to_string();
        match start::by_event(cell, &playbook, &workflow, &event)? {
            Ok(run) => outcome.started.push((name, run)),
            Err(why) => outcome.not.push((name, why)),
        }
    }
    for target in cell.books.reactions_to(&event.event_type) {
        if is_own_echo(&target, &event) {
            continue;
        }
        let name = target.name();
        match start::start(cell, Start::reaction(target, &event))? {
            Ok(run) => outcome.started.push((name, run)),
            Err(why) => outcome.not.push((name, why)),
        }
    }
    finish(cell, &event, outcome)
}

/// Writes what an event led to into its row.
fn finish(cell: &mut MemoryCell, event: &Event, outcome: Outcome) -> Worked<Admission> {
    let text = outcome.to_json();
    cell.set_outcome(event.seq, text);
    let started = outcome.started.into_iter().map(|(_, run)| run).collect();
    Ok(Admission { seq: event.seq, is_duplicate: false, customer: event.customer, started })
}

/// A reservation's end concerns only the plugin that made it.
fn is_own_echo(target: &siyu_model::run::Target, event: &Event) -> bool {
    let siyu_model::run::Target::Reaction { plugin, .. } = target else {
        return false;
    };
    event.event_type.as_str().starts_with("reservation.")
        && event.data.get("plugin").and_then(Value::as_str).is_some_and(|owner| owner != plugin.as_str())
}

fn wake_waiting(cell: &mut MemoryCell, event: &Arc<Event>) -> Worked<()> {
    let mut waits = match event.customer {
        Some(customer) => cell.known_person(customer)?.waits_for(&event.event_type),
        None => Vec::new(),
    };
    for hash in match_hashes(cell, &event.event_type, &event.data) {
        let matching = cell.matching(hash)?;
        waits.extend(matching.into_iter().filter(|wait| wait.event_types.contains(&event.event_type)));
    }
    // The same order whether the waits were in memory or were read again after a restart.
    waits.sort_by_key(|wait| wait.id);
    for wait in waits {
        crate::advance::wake::by_event(cell, &wait, event)?;
    }
    Ok(())
}

/// What an event led to, for people.
#[derive(Default)]
struct Outcome {
    started: Vec<(String, RunId)>,
    not: Vec<(String, NotStarted)>,
}

impl Outcome {
    /// `{"started": {workflow: run}, "not": {workflow: reason}}`, without empty parts.
    fn to_json(&self) -> String {
        let mut members = Vec::new();
        if !self.started.is_empty() {
            let started =
                self.started.iter().map(|(name, run)| (name.as_str(), Value::text(run.to_string())));
            members.push(("started", Value::map(started)));
        }
        if !self.not.is_empty() {
            let not = self.not.iter().map(|(name, why)| (name.as_str(), Value::text(why.to_string())));
            members.push(("not", Value::map(not)));
        }
        if members.is_empty() { String::new() } else { json::print(&Value::map(members)).unwrap_or_default() }
    }
}

/// Goes on until nothing is left to do at this instant: events that steps made, runs that can go on, customers whose
/// segments may have changed.
pub(crate) fn settle(cell: &mut MemoryCell) -> Worked<()> {
    loop {
        if let Some(event) = cell.pending.pop_front() {
            made(cell, event)?;
        } else if let Some(run) = cell.ready.pop_front() {
            crate::advance::advance(cell, run)?;
        } else if let Some(customer) = cell.restless.pop() {
            segments::look(cell, customer)?;
        } else {
            return Ok(());
        }
    }
}

pub(crate) use segments::{forget as forget_segment, look_at as look_at_segment};
