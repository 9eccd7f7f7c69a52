//! The port of a test: the functions of the contract over a test's state. The other implementation, of a component, is
//! `crate::port`.
//!
//! Rules of stock, accounts, codes, times, names and expressions are `siyu-model`'s, the host's own. What is written here is what
//! the host does around them, in the same order and with the same words.

mod codes;
mod events;
mod ledger;
mod net;
mod people;
mod records;
mod secrets;
mod stock;

pub(crate) use codes::{adopt_code, find_code, mint_code};
pub(crate) use events::{cancel_planned, count_events, emit, emit_at, enqueue_message};
pub(crate) use ledger::{balance, post};
pub(crate) use net::{cache, cached, peek_cached, send, uncache};
pub(crate) use people::{customer, evaluate, put_tag, remove_tag, set_attributes, tags};
pub(crate) use records::{
    delete_record, insert_record, put_record, record, resource, resource_names, scan_records,
};
pub(crate) use secrets::{decrypt_wecom, encrypt_wecom, is_mac, is_sorted_sha1, mac, macs};
pub(crate) use stock::{
    commit_reservation, counter, define_pool, give_back_counter, pool, release_reservation, reservation,
    reserve, restock_pool, take_counter, take_from_pool,
};
pub(super) use {people::described, people::expire_tag, stock::expire_reservation};

use siyu_model::clock::{UtcMs, Zone};
use siyu_model::event::Event;
use siyu_model::json::{self, Value};
use siyu_model::limits;
use siyu_model::name::Key;
use siyu_model::plugin::{Capability, HostFault, LogLevel};

use super::state::{State, with};
use crate::context::Call;
use crate::error::Error;
use crate::log::Level;
use crate::time::{Instant, LocalTime};

type Asked<T> = Result<T, Error>;

/// Asks for a capability of the call that runs on this thread.
fn ask<T>(capability: Capability, work: impl FnOnce(&mut State) -> Asked<T>) -> Asked<T> {
    with(|state| {
        state.ask(capability)?;
        work(state)
    })
}

fn key(text: &str) -> Asked<Key> {
    Key::new(text).map_err(|fault| Error::invalid(fault.to_string()))
}

/// An object that a plugin gave.
fn object(text: &str) -> Asked<Value> {
    let value = json::parse(text).map_err(|fault| Error::invalid(fault.to_string()))?;
    match value.as_map() {
        Some(_) => Ok(value),
        None => Err(Error::invalid(format!("{}, expected an object", value.kind()))),
    }
}

pub(super) fn utc(at: Instant) -> UtcMs {
    UtcMs::from_millis(at.as_millis())
}

pub(super) fn instant(at: UtcMs) -> Instant {
    Instant::from_millis(at.as_millis())
}

pub(crate) fn log(level: Level, message: &str) {
    let level = match level {
        Level::Debug => LogLevel::Debug,
        Level::Info => LogLevel::Info,
        Level::Warn => LogLevel::Warn,
        Level::Error => LogLevel::Error,
    };
    with(|state| {
        // Whatever it answers: a line is never refused.
        let _ = state.ask(Capability::Log);
        let line = &message[..message.floor_char_boundary(limits::call::LOG_LINE_BYTES_MAX)];
        let call = state.call();
        call.log_lines += 1;
        call.log_bytes += line.len();
        if call.log_lines <= limits::call::LOG_LINES_MAX && call.log_bytes <= limits::call::LOG_BYTES_MAX {
            state.log.push((level, line.to_owned()));
        }
    });
}

/// An event as a plugin sees it.
pub(super) fn event_text(event: &Event, with_customer: bool) -> String {
    let mut members = vec![
        ("id", Value::text(event.id.as_str())),
        ("type", Value::text(event.event_type.as_str())),
        ("source", Value::text(event.source.as_str())),
        ("time", Value::text(event.occurred_at.to_string())),
        ("data", event.data.clone()),
    ];
    if with_customer {
        let customer = event.customer.map_or(Value::Null, |customer| Value::text(customer.to_string()));
        members.push(("customer", customer));
    }
    json::print_within(&Value::map(members), usize::MAX).unwrap_or_default()
}

pub(crate) fn current() -> Call {
    with(|state| {
        // What has no place for an error is refused by failing the call.
        let _ = state.ask(Capability::Context);
        let (now, zone) = (instant(state.now), state.zone.name().to_owned());
        let plugin = format!("{}@{}", state.manifest.name, state.manifest.version);
        let call = state.call().clone();
        Call {
            id: call.id,
            tenant: "test".to_owned(),
            plugin,
            step: call.step,
            run: call.run,
            customer: call.customer.map(|customer| customer.to_string()),
            event_json: call.event.map(|event| event_text(&event, true)),
            attempt: 1,
            now,
            zone,
        }
    })
}

pub(crate) fn local(at: Instant, zone: &str) -> Option<LocalTime> {
    let _ = with(|state| state.ask(Capability::Context));
    let reading = zone.parse::<Zone>().ok()?.local(utc(at));
    let small = |number: i8| u8::try_from(number).unwrap_or(0);
    Some(LocalTime {
        year: i32::from(reading.year()),
        month: small(reading.month()),
        day: small(reading.day()),
        hour: small(reading.hour()),
        minute: small(reading.minute()),
        second: small(reading.second()),
        weekday: small(reading.weekday().to_monday_one_offset()),
    })
}

pub(crate) fn start_of_day(at: Instant, zone: &str, days: i32) -> Option<Instant> {
    let _ = with(|state| state.ask(Capability::Context));
    Some(instant(zone.parse::<Zone>().ok()?.start_of_day(utc(at), days)))
}

pub(crate) fn random(count: u32) -> Vec<u8> {
    with(|state| {
        let count = count as usize;
        let _ = state.ask(Capability::Random);
        let call = state.call();
        let from = call.drawn;
        call.drawn += count;
        let purpose = format!("random/{}", call.id);
        if call.drawn > limits::call::RANDOM_BYTES_MAX {
            let most = limits::call::RANDOM_BYTES_MAX;
            let message = format!("the call drew more than {most} random bytes");
            let _ = state.violate(HostFault::HostCallLimit.fault(message));
            return vec![0; count];
        }
        state.derive(&purpose, 0).skip(from).take(count).collect()
    })
}
