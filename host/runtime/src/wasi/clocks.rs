//! `wasi:clocks`: the wall clock stands at the call's instant, the other one counts how often it is read. Sleeping moves
//! both at once. Neither ever shows the machine's time.

use wasmtime::component::{ComponentType, LinkerInstance, Lower};

use super::provide;
use crate::capabilities::Weight;
use crate::sandbox::state::Call;

/// Nanoseconds that pass with each reading: loops that wait for time to pass end, and end the same way each time.
const READING_NS: u64 = 1_000;
const NS_PER_MS: u64 = 1_000_000;
const NS_PER_SECOND: u64 = 1_000_000_000;

/// `wall-clock.datetime`.
#[derive(ComponentType, Lower)]
#[component(record)]
struct Datetime {
    seconds: u64,
    nanoseconds: u32,
}

impl Datetime {
    fn of_ns(ns: u128) -> Self {
        let second = u128::from(NS_PER_SECOND);
        Self {
            seconds: u64::try_from(ns / second).unwrap_or(u64::MAX),
            nanoseconds: u32::try_from(ns % second).unwrap_or(0),
        }
    }
}

pub(super) fn link(instance: &mut LinkerInstance<'_, Call>, interface: &str) -> wasmtime::Result<()> {
    match interface {
        "monotonic-clock" => {
            provide(instance, "now", |call, ()| {
                call.wasi.elapsed_ns = call.wasi.elapsed_ns.saturating_add(READING_NS);
                Ok((call.wasi.elapsed_ns,))
            })?;
            provide(instance, "resolution", |_, ()| Ok((READING_NS,)))?;
            provide(instance, "subscribe-instant", |call, (when,): (u64,)| Ok((call.wasi.ready_at(when),)))?;
            provide(instance, "subscribe-duration", |call, (length,): (u64,)| {
                let when = call.wasi.elapsed_ns.saturating_add(length);
                Ok((call.wasi.ready_at(when),))
            })
        }
        "wall-clock" => {
            provide(instance, "now", |call, ()| {
                let now = call.with_host("wasi:clocks/wall-clock.now", |host| host.context().now)?;
                let now_ms = u64::try_from(now.as_millis()).unwrap_or(0);
                let ns = u128::from(now_ms) * u128::from(NS_PER_MS) + u128::from(call.wasi.slept_ns);
                Ok((Datetime::of_ns(ns),))
            })?;
            provide(instance, "resolution", |_, ()| Ok((Datetime::of_ns(u128::from(NS_PER_MS)),)))
        }
        _ => Ok(()),
    }
}

impl Weight for Datetime {
    fn weight(&self) -> usize {
        0
    }
}
