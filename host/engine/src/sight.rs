//! What an expression sees in a tenant's memory.

use std::sync::Arc;

use siyu_model::clock::{UtcMs, Zone};
use siyu_model::customer::Customer;
use siyu_model::event::{Event, EventSeq};
use siyu_model::expr::{Expr, Scope, WindowFault, Windowed, Windows};
use siyu_model::id::CustomerId;
use siyu_model::json::{self, Value};
use siyu_model::name::EventType;
use siyu_model::playbook::Playbook;

use crate::memory::{Memory, Reader, Worked};
use crate::ports::store::EventWindow;

/// Everything that an evaluation reads, taken out of memory, so that memory is free meanwhile.
pub(crate) struct Sight {
    pub(crate) event: Option<Arc<Event>>,
    pub(crate) customer: Option<Arc<Customer>>,
    playbook: Arc<Playbook>,
    vars: Value,
    tenant: Value,
    now: UtcMs,
    log: Log,
}

impl Memory {
    /// What an evaluation for a customer and an event sees.
    pub(crate) fn sight(
        &mut self,
        playbook: &Arc<Playbook>,
        vars: &Value,
        customer: Option<CustomerId>,
        event: Option<Arc<Event>>,
    ) -> Worked<Sight> {
        let customer = match customer {
            Some(id) => Some(self.known_person(id)?.customer.clone()),
            None => None,
        };
        Ok(Sight {
            event,
            log: self.log(customer.as_ref().map(|customer| customer.id)),
            customer,
            playbook: playbook.clone(),
            vars: vars.clone(),
            tenant: self.tenant_value.clone(),
            now: self.now,
        })
    }

    /// The log of a customer's events, committed or not.
    pub(crate) fn log(&self, customer: Option<CustomerId>) -> Log {
        let recent = customer.map(|id| self.recent.of(id).to_vec()).unwrap_or_default();
        Log { customer, reader: self.reader(), committed_seq: self.committed_seq(), recent }
    }
}

impl Sight {
    /// The scope of an evaluation; steps, run and further names are the caller's.
    pub(crate) fn scope(&self) -> Scope<'_> {
        let mut scope = Scope::new(self.now, &self.playbook.zone, &self.vars);
        scope.tenant = &self.tenant;
        scope.event = self.event.as_deref();
        scope.customer = self.customer.as_deref();
        scope.windows = &self.log;
        scope
    }
}

/// A customer as plugins see them, JSON text.
pub(crate) fn described(customer: &Customer, now: UtcMs) -> String {
    let whole = Expr::parse("customer").ok();
    let (zone, empty) = (Zone::utc(), Value::Null);
    let mut scope = Scope::new(now, &zone, &empty);
    scope.customer = Some(customer);
    // `customer` always has a value when the scope has one.
    let whole = whole.and_then(|expr| expr.eval(&scope).ok()).unwrap_or(Value::Null);
    json::print_within(&whole, usize::MAX).unwrap_or_else(|_| "{}".to_owned())
}

/// A customer's events in the store and in uncommitted batches.
pub(crate) struct Log {
    customer: Option<CustomerId>,
    reader: Reader,
    committed_seq: EventSeq,
    recent: Vec<Arc<Event>>,
}

impl Windows for Log {
    fn count(&self, event_type: &EventType, since: UtcMs) -> Result<Windowed, WindowFault> {
        let Some(customer) = self.customer else {
            return Err(WindowFault("there is no customer here".to_owned()));
        };
        let window =
            EventWindow { customer, event_type: event_type.clone(), since, seq_max: self.committed_seq };
        let stored = self
            .reader
            .ask(|store| store.count_events(window))
            .map_err(|halt| WindowFault(halt.to_string()))?;
        let recent =
            self.recent.iter().filter(|event| event.event_type == *event_type && event.occurred_at >= since);
        Ok(recent.fold(stored, |found, event| Windowed {
            count: found.count + 1,
            oldest_at: Some(
                found.oldest_at.map_or(event.occurred_at, |oldest| oldest.min(event.occurred_at)),
            ),
        }))
    }
}
