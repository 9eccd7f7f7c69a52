//! `context`: who calls, for whom, and what time it is. Never reads a clock: the time is the call's.

use jiff::civil::DateTime;
use siyu_engine::ports::plugins::CallHost;
use siyu_model::clock::{UtcMs, Zone};
use siyu_model::plugin::Capability;
use wasmtime::component::Linker;

use super::{Offer, Weight, instant, millis};
use crate::contract::{CallContext, LocalTime};
use crate::sandbox::state::{Call, End};

pub(super) fn link(linker: &mut Linker<Call>) -> wasmtime::Result<()> {
    let mut context = Offer::new(linker, Capability::Context)?;
    context.tell("current", |call, ()| call.with_host("context.current", current))?;
    context.tell("local", |call, (at, zone): (f64, String)| {
        let at = at_or_end(call, "context.local", at)?;
        Ok(zone.parse::<Zone>().ok().map(|zone| local(zone.local(at))))
    })?;
    context.tell("start-of-day", |call, (at, zone, days): (f64, String, i32)| {
        let at = at_or_end(call, "context.start-of-day", at)?;
        Ok(zone.parse::<Zone>().ok().map(|zone| millis(zone.start_of_day(at, days))))
    })
}

fn at_or_end(call: &mut Call, what: &str, at: f64) -> wasmtime::Result<UtcMs> {
    instant("at", at).map_err(|refused| call.end(End::Misuse(format!("{what}: {refused}"))))
}

fn current(host: &mut dyn CallHost) -> CallContext {
    let call = host.context();
    CallContext {
        id: call.id.clone(),
        tenant: call.tenant.clone(),
        plugin: call.plugin.clone(),
        step: call.step.clone(),
        run: call.run.as_ref().map(ToString::to_string),
        customer: call.customer.clone(),
        event: call.event.clone(),
        attempt: call.attempt,
        now: millis(call.now),
        zone: call.zone.clone(),
    }
}

fn local(reading: DateTime) -> LocalTime {
    let small = |number: i8| u8::try_from(number).unwrap_or(0);
    LocalTime {
        year: i32::from(reading.year()),
        month: small(reading.month()),
        day: small(reading.day()),
        hour: small(reading.hour()),
        minute: small(reading.minute()),
        second: small(reading.second()),
        weekday: small(reading.weekday().to_monday_one_offset()),
    }
}

impl Weight for CallContext {
    fn weight(&self) -> usize {
        self.id.len()
            + self.tenant.len()
            + self.plugin.len()
            + self.step.len()
            + self.run.weight()
            + self.customer.weight()
            + self.event.weight()
            + self.zone.len()
    }
}

impl Weight for LocalTime {
    fn weight(&self) -> usize {
        0
    }
}
