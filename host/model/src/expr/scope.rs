//! What an expression can see: the roots, and the instant at which its value may change by itself.

use std::cell::Cell;
use std::sync::Arc;

use crate::clock::{UtcMs, Zone};
use crate::customer::{Customer, Fact};
use crate::event::Event;
use crate::id::RunId;
use crate::json::Value;
use crate::name::EventType;

/// What one evaluation sees. Roots that are absent make their names undefined.
pub struct Scope<'a> {
    /// `event`: the envelope (`id, type, source, time, data`), and the members of its data.
    pub event: Option<&'a Event>,
    /// `customer`: `id, created_at, attributes, identities, tags, facts`.
    pub customer: Option<&'a Customer>,
    /// `steps`: outputs by step id.
    pub steps: Option<&'a dyn StepOutputs>,
    /// `vars`: constants of the playbook and what `set` set.
    pub vars: &'a Value,
    /// `tenant`: `id, name`.
    pub tenant: &'a Value,
    /// `run`: `id, started_at, now`.
    pub run: Option<(RunId, UtcMs)>,
    /// Further names: the item of `each`, the variables of a message template.
    pub names: &'a [(Arc<str>, Value)],
    /// The instant of the evaluation: recorded, never ambient.
    pub now: UtcMs,
    /// For calendar days.
    pub zone: &'a Zone,
    /// Counts events in a window.
    pub windows: &'a dyn Windows,
    next_change_at: Cell<Option<UtcMs>>,
}

/// Outputs of finished steps.
pub trait StepOutputs {
    /// The output of a step; none when it has not run (yet).
    fn output(&self, step: &str) -> Option<Value>;
}

/// Counts a customer's events in a window.
pub trait Windows {
    /// How many events of the type happened at `since` or later, and when the oldest of them did.
    fn count(&self, event_type: &EventType, since: UtcMs) -> Result<Windowed, WindowFault>;
}

/// Events in a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Windowed {
    /// How many.
    pub count: u64,
    /// When the oldest happened.
    pub oldest_at: Option<UtcMs>,
}

/// The event log could not be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("events could not be counted: {0}")]
pub struct WindowFault(pub String);

/// For places where windows cannot be counted.
pub struct NoWindows;

impl Windows for NoWindows {
    fn count(&self, _: &EventType, _: UtcMs) -> Result<Windowed, WindowFault> {
        Err(WindowFault("there is no event log in this place".to_owned()))
    }
}

impl<'a> Scope<'a> {
    /// A scope with nothing but time in it.
    pub fn new(now: UtcMs, zone: &'a Zone, empty: &'a Value) -> Self {
        Self {
            event: None,
            customer: None,
            steps: None,
            vars: empty,
            tenant: empty,
            run: None,
            names: &[],
            now,
            zone,
            windows: &NoWindows,
            next_change_at: Cell::new(None),
        }
    }

    /// The next instant at which what was evaluated so far may change although nothing happens: when a window ends
    /// or an instant becomes old enough.
    pub fn next_change_at(&self) -> Option<UtcMs> {
        self.next_change_at.get()
    }

    pub(super) fn changes_at(&self, at: UtcMs) {
        if at > self.now && self.next_change_at.get().is_none_or(|known| at < known) {
            self.next_change_at.set(Some(at));
        }
    }

    pub(super) fn root(&self, name: &str) -> Option<Found<'a>> {
        if let Some((_, value)) = self.names.iter().find(|(known, _)| &**known == name) {
            return Some(Found::Value(value.clone()));
        }
        match name {
            "event" => self.event.map(Found::Event),
            "customer" => self.customer.map(Found::Customer),
            "steps" => self.steps.map(Found::Steps),
            "vars" => Some(Found::Value(self.vars.clone())),
            "tenant" => Some(Found::Value(self.tenant.clone())),
            "run" => self.run.map(|(id, started_at)| Found::Run(id, started_at, self.now)),
            _ => None,
        }
    }
}

/// What a name leads to: a value, or something of the host that is read a name at a time.
#[derive(Clone)]
pub(super) enum Found<'a> {
    Value(Value),
    Event(&'a Event),
    Customer(&'a Customer),
    Facts(&'a Customer),
    Fact(Option<Fact>),
    Steps(&'a dyn StepOutputs),
    Run(RunId, UtcMs, UtcMs),
}

pub(super) fn instant(at: UtcMs) -> Value {
    Value::text(at.to_string())
}

impl<'a> Found<'a> {
    /// The member of this name.
    pub(super) fn attr(&self, name: &str) -> Option<Found<'a>> {
        match self {
            Self::Value(value) => value.get(name).cloned().map(Found::Value),
            Self::Event(event) => event_attr(event, name).map(Found::Value),
            Self::Customer(customer) => match name {
                "facts" => Some(Found::Facts(customer)),
                _ => customer_attr(customer, name).map(Found::Value),
            },
            Self::Facts(customer) => Some(Found::Fact(customer.facts.get(name).copied())),
            Self::Fact(fact) => fact_attr(*fact, name).map(Found::Value),
            Self::Steps(steps) => steps.output(name).map(Found::Value),
            Self::Run(id, started_at, now) => match name {
                "id" => Some(Found::Value(Value::text(id.to_string()))),
                "started_at" => Some(Found::Value(instant(*started_at))),
                "now" => Some(Found::Value(instant(*now))),
                _ => None,
            },
        }
    }

    /// The whole as a value.
    pub(super) fn value(self) -> Value {
        let named = |names: &[&str], found: &Self| {
            Value::map(names.iter().filter_map(|name| Some((*name, found.attr(name)?.value()))))
        };
        match &self {
            Self::Value(value) => value.clone(),
            Self::Event(_) => named(&["id", "type", "source", "time", "data"], &self),
            Self::Customer(_) => {
                named(&["id", "created_at", "attributes", "identities", "tags", "facts"], &self)
            }
            Self::Facts(customer) => Value::map(
                customer.facts.iter().map(|(name, fact)| (name.as_str(), Found::Fact(Some(*fact)).value())),
            ),
            Self::Fact(_) => named(&["count", "sum_fen", "first", "last"], &self),
            Self::Steps(_) => Value::Map(Arc::default()),
            Self::Run(..) => named(&["id", "started_at", "now"], &self),
        }
    }
}

fn event_attr(event: &Event, name: &str) -> Option<Value> {
    match name {
        "id" => Some(Value::text(event.id.as_str())),
        "type" => Some(Value::text(event.event_type.as_str())),
        "source" => Some(Value::text(event.source.as_str())),
        "time" => Some(instant(event.occurred_at)),
        "data" => Some(event.data.clone()),
        _ => event.data.get(name).cloned(),
    }
}

fn customer_attr(customer: &Customer, name: &str) -> Option<Value> {
    match name {
        "id" => Some(Value::text(customer.id.to_string())),
        "created_at" => Some(instant(customer.created_at)),
        "attributes" => Some(customer.attributes.clone()),
        "identities" => Some(Value::List(
            customer.identities.iter().map(|identity| Value::text(identity.to_string())).collect(),
        )),
        "tags" => Some(Value::List(customer.tags.keys().map(|tag| Value::text(tag.as_str())).collect())),
        _ => None,
    }
}

fn fact_attr(fact: Option<Fact>, name: &str) -> Option<Value> {
    match name {
        "count" => Some(Value::Int(fact.map_or(0, |fact| i64::try_from(fact.count).unwrap_or(i64::MAX)))),
        "sum_fen" => Some(Value::Int(fact.map_or(0, |fact| fact.sum_fen))),
        "first" => Some(fact.map_or(Value::Null, |fact| instant(fact.first_at))),
        "last" => Some(fact.map_or(Value::Null, |fact| instant(fact.last_at))),
        _ => None,
    }
}
