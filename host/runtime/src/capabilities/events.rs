//! `events`: emitting, planning and counting. Never delivers one: the host records it with the step.

use siyu_engine::ports::plugins::EmitRequest;
use siyu_model::plugin::Capability;
use wasmtime::component::Linker;

use super::{Offer, count, instant};
use crate::sandbox::state::Call;

type Emit = (String, Option<String>, String);
type EmitAt = (String, f64, String, Option<String>, String);

pub(super) fn link(linker: &mut Linker<Call>) -> wasmtime::Result<()> {
    let mut events = Offer::new(linker, Capability::Events)?;
    events.ask("emit", |host, (event_type, customer, data): Emit| {
        host.emit(EmitRequest { event_type: &event_type, customer: customer.as_deref(), data: &data })
    })?;
    events.ask("emit-at", |host, (key, at, event_type, customer, data): EmitAt| {
        let event = EmitRequest { event_type: &event_type, customer: customer.as_deref(), data: &data };
        host.emit_at(&key, instant("at", at)?, event)
    })?;
    events.ask("cancel", |host, (key,): (String,)| host.cancel_planned(&key))?;
    events.ask("count", |host, (event_type, customer, since): (String, Option<String>, f64)| {
        let since = instant("since", since)?;
        Ok(count(host.count_events(&event_type, customer.as_deref(), since)?))
    })
}
