//! A tenant: its log, its clock and what starts and wakes runs.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::rc::Rc;

use serde_json::{Map, Value, json};

use crate::expr::Template;
use crate::run::{Doing, End, Event, Fiber, Run, State};
use crate::script::{Reentry, Workflow, workflow};
use crate::stock::{Pool, Stock};

/// Something that happens to a customer, from outside.
#[derive(Debug, Clone)]
pub struct Happening {
    /// Its id: the same again is nothing new.
    pub id: String,
    /// Its type.
    pub kind: String,
    /// Whose.
    pub customer: Option<String>,
    /// When, milliseconds. Happenings come in the order of their instants.
    pub at: i64,
    /// Its data.
    pub data: Map<String, Value>,
}

/// Why there is no outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Two things happen in one instant, and the language does not say which comes first.
    Open(String),
    /// The playbook uses what this interpreter does not know.
    Unknown(String),
}

impl From<String> for Fault {
    fn from(why: String) -> Self {
        Self::Unknown(why)
    }
}

/// What is left at the end, in texts that do not depend on ids.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// A text a run: workflow, customer, beginning, end, and the lines of its journal; sorted.
    pub runs: Vec<String>,
    /// A text a counter that is not empty, a pool and an account; sorted.
    pub balances: Vec<String>,
    /// A text a message; sorted.
    pub messages: Vec<String>,
}

/// What a playbook makes of events: its workflows' files, the size of its one pool, what happens, and how long time goes on.
pub fn interpret(
    files: &[&str],
    (pool, total): (&str, i64),
    happenings: &[Happening],
    until: i64,
) -> Result<Outcome, Fault> {
    let mut workflows = files.iter().map(|text| workflow(text)).collect::<Result<Vec<_>, _>>()?;
    workflows.sort_by(|one, other| one.name.cmp(&other.name));
    let mut tenant = Tenant { workflows: Rc::new(workflows), ..Tenant::default() };
    tenant.stock.pools.insert(pool.to_owned(), Pool { available: total, ..Pool::default() });
    for happening in happenings {
        tenant.go_on_to(happening.at)?;
        if tenant.known.insert(happening.id.clone()) {
            tenant.now = tenant.now.max(happening.at);
            let (kind, customer) = (happening.kind.clone(), happening.customer.clone());
            tenant.enter(kind, customer, happening.data.clone())?;
            tenant.settle()?;
        }
    }
    tenant.go_on_to(until)?;
    Ok(tenant.outcome())
}

/// A tenant.
#[derive(Default)]
pub(crate) struct Tenant {
    pub(crate) workflows: Rc<Vec<Workflow>>,
    pub(crate) now: i64,
    pub(crate) log: Vec<Rc<Event>>,
    pub(crate) runs: Vec<Run>,
    pub(crate) stock: Stock,
    pub(crate) messages: Vec<String>,
    /// Events that steps made: type, customer, data.
    pub(crate) pending: VecDeque<(String, Option<String>, Map<String, Value>)>,
    pub(crate) ready: VecDeque<usize>,
    known: HashSet<String>,
    /// The last run of a workflow's key.
    keys: HashMap<(usize, String), usize>,
}

/// What falls due.
#[derive(Debug, Clone, Copy)]
enum Due {
    Fiber(usize, u32),
    Units(usize),
}

impl Tenant {
    pub(crate) fn record(
        &mut self,
        kind: String,
        customer: Option<String>,
        data: Map<String, Value>,
    ) -> Rc<Event> {
        let event = Rc::new(Event { seq: self.log.len() as u64 + 1, kind, customer, data });
        self.log.push(event.clone());
        event
    }

    /// An event comes in: it wakes who waits, and starts what it triggers.
    fn enter(
        &mut self,
        kind: String,
        customer: Option<String>,
        data: Map<String, Value>,
    ) -> Result<(), Fault> {
        let event = self.record(kind, customer, data);
        self.wake(&event)?;
        for place in 0..self.workflows.len() {
            let workflows = self.workflows.clone();
            let found = &workflows[place];
            if !found.events.contains(&event.kind) {
                continue;
            }
            let holds = match &found.condition {
                Some(condition) => condition.holds(&names(&event, &found.vars)).unwrap_or(false),
                None => true,
            };
            if holds {
                self.start(place, &event, None)?;
            }
        }
        Ok(())
    }

    fn wake(&mut self, event: &Rc<Event>) -> Result<(), Fault> {
        let mut waiting: Vec<(i64, usize, u32)> = Vec::new();
        for (number, run) in self.runs.iter().enumerate() {
            let is_theirs = run.event.customer.is_some() && run.event.customer == event.customer;
            if run.state != State::Live || !is_theirs {
                continue;
            }
            for fiber in &run.fibers {
                let Doing::Waiting { since, .. } = fiber.doing else { continue };
                if self.takes(number, fiber, event) && fiber.due().is_none_or(|due| due > self.now) {
                    waiting.push((since, number, fiber.id));
                }
            }
        }
        waiting.sort();
        if waiting.windows(2).any(|two| two[0].0 == two[1].0) {
            return Err(Fault::Open(format!("two waits began in one instant and take event {}", event.seq)));
        }
        for (_, run, fiber) in waiting {
            self.matched(run, fiber, event)?;
            self.ready.push_back(run);
        }
        Ok(())
    }

    /// Starts a run, if its key and its places allow that; gives it.
    pub(crate) fn start(
        &mut self,
        place: usize,
        event: &Rc<Event>,
        parent: Option<(usize, u32)>,
    ) -> Result<Option<usize>, Fault> {
        let workflows = self.workflows.clone();
        let found = &workflows[place];
        let names = names(event, &found.vars);
        let text = |value: Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let key = match found.key.as_ref().map(|key| key.eval(&names)) {
            Some(Err(_)) => return Ok(None),
            Some(Ok(value)) => Some(text(value)),
            None => None,
        };
        let slot = match &found.places {
            None => None,
            Some(places) => match places.key.as_ref().map(|key| key.eval(&names)) {
                Some(Err(_)) => return Ok(None),
                Some(Ok(value)) => Some(text(value)),
                None => Some(String::new()),
            },
        };
        if let Some(before) = key.as_ref().and_then(|key| self.keys.get(&(place, key.clone()))) {
            let before = &self.runs[*before];
            let is_alive = !matches!(before.state, State::Ended(_));
            let is_free = match found.reentry {
                Reentry::Always => true,
                Reentry::Once => false,
                Reentry::After(pause) => self.now >= before.started_at + pause,
            };
            if is_alive || !is_free {
                return Ok(None);
            }
        }
        let state = match (&slot, &found.places) {
            (Some(slot), Some(places)) => {
                let alive = self.alive(place, slot);
                match places.on_conflict.as_str() {
                    _ if alive.len() < places.limit => State::Live,
                    "skip" => return Ok(None),
                    "queue" => State::Queued,
                    _ => {
                        let began = |run: usize| self.runs[run].started_at;
                        if alive.windows(2).any(|two| began(two[0]) == began(two[1])) {
                            return Err(Fault::Open(
                                "the oldest two runs began in one millisecond".to_owned(),
                            ));
                        }
                        for oldest in alive {
                            if self.cancel(oldest)? {
                                break;
                            }
                        }
                        State::Live
                    }
                }
            }
            _ => State::Live,
        };
        let number = self.runs.len();
        if let Some(key) = key {
            self.keys.insert((place, key), number);
        }
        let mut run = Run {
            workflow: place,
            event: event.clone(),
            slot,
            parent,
            started_at: self.now,
            fibers: found.entry.map(|entry| Fiber::new(0, None, entry)).into_iter().collect(),
            next_fiber: 1,
            kept: BTreeMap::new(),
            vars: Map::new(),
            matched: BTreeMap::new(),
            undo: Vec::new(),
            journal: Vec::new(),
            state,
        };
        if run.state == State::Live {
            self.ready.push_back(number);
        } else {
            run.journal.push(format!("{} 0 - queued ", self.now));
        }
        self.runs.push(run);
        Ok(Some(number))
    }

    /// Runs that have a place, oldest first.
    pub(crate) fn alive(&self, workflow: usize, slot: &str) -> Vec<usize> {
        let has_place = |run: &Run| {
            let is_alive = matches!(run.state, State::Live | State::Undoing(_));
            run.workflow == workflow && run.slot.as_deref() == Some(slot) && is_alive
        };
        self.runs.iter().enumerate().filter(|(_, run)| has_place(run)).map(|(number, _)| number).collect()
    }

    fn settle(&mut self) -> Result<(), Fault> {
        loop {
            if let Some((kind, customer, data)) = self.pending.pop_front() {
                self.enter(kind, customer, data)?;
            } else if let Some(run) = self.ready.pop_front() {
                self.advance(run)?;
            } else {
                return Ok(());
            }
        }
    }

    /// Everything happens that is due up to an instant.
    fn go_on_to(&mut self, until: i64) -> Result<(), Fault> {
        loop {
            let fibers =
                self.runs.iter().enumerate().filter(|(_, run)| !matches!(run.state, State::Ended(_)));
            let fibers = fibers.flat_map(|(number, run)| {
                run.fibers.iter().filter_map(move |fiber| Some((fiber.due()?, Due::Fiber(number, fiber.id))))
            });
            let units = self.stock.due().map(|(at, place)| (at, Due::Units(place)));
            let mut all: Vec<(i64, Due)> = fibers.chain(units).collect();
            all.sort_by_key(|(at, _)| *at);
            let Some((at, due)) = all.first().copied().filter(|(at, _)| *at <= until) else { return Ok(()) };
            if all.get(1).is_some_and(|(other, _)| *other == at) {
                return Err(Fault::Open(format!("two things are due at {at}")));
            }
            self.now = self.now.max(at);
            match due {
                Due::Units(place) => {
                    self.stock.expire(place);
                    // The host tells of it in the log, and nobody listens.
                    self.record("reservation.expired".to_owned(), None, Map::new());
                }
                Due::Fiber(run, fiber) => self.due(run, fiber, at)?,
            }
            self.settle()?;
        }
    }

    /// A message is planned, and goes.
    pub(crate) fn send(&mut self, template: &str, customer: &str, with: &Value) -> Result<(), Fault> {
        if template != "hello" {
            return Err(Fault::Unknown(format!("the template {template}")));
        }
        let names = with.as_object().cloned().unwrap_or_default();
        let body = Template::text("Hello ${{ n }}.")?.fill(&names)?;
        self.messages.push(format!("{customer} {} sent", body.as_str().unwrap_or_default()));
        Ok(())
    }

    fn outcome(mut self) -> Outcome {
        let workflows = self.workflows.clone();
        let text = |run: &Run| {
            let end = match &run.state {
                State::Ended(End::Completed(word)) => format!("completed {word}"),
                State::Ended(End::Failed(code)) => format!("failed {code}"),
                State::Ended(End::Cancelled) => "cancelled".to_owned(),
                State::Queued => "queued".to_owned(),
                State::Live => "live".to_owned(),
                State::Undoing(_) => "undoing".to_owned(),
            };
            let customer = run.event.customer.as_deref().unwrap_or("-");
            let name = &workflows[run.workflow].name;
            format!("{name} {customer} {} {end}\n  {}", run.started_at, run.journal.join("\n  "))
        };
        let mut runs: Vec<String> = self.runs.iter().map(text).collect();
        let mut balances: Vec<String> = self
            .stock
            .counters
            .iter()
            .filter(|(_, used)| **used != 0)
            .map(|(key, used)| format!("{key} {used}"))
            .collect();
        balances.extend(self.stock.pools.iter().map(|(name, pool)| {
            format!("{name}: {} available, {} reserved, {} sold", pool.available, pool.reserved, pool.sold)
        }));
        balances.extend(self.stock.accounts.iter().map(|((customer, name), units)| {
            let whose = if customer.is_empty() { "-" } else { customer };
            format!("account {whose} {name} {units}")
        }));
        runs.sort();
        balances.sort();
        self.messages.sort();
        Outcome { runs, balances, messages: self.messages }
    }
}

/// What an event and a workflow's constants say, before there is a run.
pub(crate) fn names(event: &Event, vars: &Map<String, Value>) -> Map<String, Value> {
    let mut names = Map::new();
    names.insert("event".to_owned(), Value::Object(event.data.clone()));
    names.insert("vars".to_owned(), Value::Object(vars.clone()));
    if let Some(customer) = &event.customer {
        names.insert("customer".to_owned(), json!({"id": customer}));
    }
    names
}
