//! What a plugin may import: one module an interface of the contract.
//!
//! Each function is decoded, counted, charged and handed to the host, and its refusal goes back to the plugin as an
//! error. Nothing here decides, keeps or knows what the host does with it.

mod cache;
mod codes;
mod context;
mod counters;
mod customers;
mod events;
mod expressions;
mod http;
mod ledger;
mod log;
mod messages;
mod pools;
mod random;
mod records;
mod resources;
mod secrets;
mod weight;

use siyu_engine::ports::plugins::{Asked, CallHost, HostError};
use siyu_model::clock::UtcMs;
use siyu_model::plugin::{CONTRACT_VERSION, Capability};
use siyu_model::stock::counter::COUNT_MAX;
use wasmtime::component::{ComponentNamedList, ComponentType, Lift, Linker, LinkerInstance, Lower};

use crate::contract;
use crate::sandbox::state::{Call, Ctx, End, charge, enter};
pub(crate) use weight::Weight;

/// Links every capability. What a component may use of them is decided before, by its import list.
pub(crate) fn link(linker: &mut Linker<Call>) -> wasmtime::Result<()> {
    log::link(linker)?;
    context::link(linker)?;
    random::link(linker)?;
    records::link(linker)?;
    pools::link(linker)?;
    counters::link(linker)?;
    ledger::link(linker)?;
    codes::link(linker)?;
    customers::link(linker)?;
    events::link(linker)?;
    messages::link(linker)?;
    resources::link(linker)?;
    expressions::link(linker)?;
    http::link(linker)?;
    cache::link(linker)?;
    secrets::link(linker)
}

/// The full name of a capability's interface, such as `siyu:plugin/records@1.0.0`.
pub(crate) fn interface(capability: Capability) -> String {
    format!("siyu:plugin/{capability}@{CONTRACT_VERSION}")
}

/// An interface that is being linked.
struct Offer<'a> {
    capability: Capability,
    instance: LinkerInstance<'a, Call>,
}

impl<'a> Offer<'a> {
    fn new(linker: &'a mut Linker<Call>, capability: Capability) -> wasmtime::Result<Self> {
        let instance = linker.instance(&interface(capability))?;
        Ok(Self { capability, instance })
    }

    /// Links a function that the host may refuse.
    fn ask<P, T>(
        &mut self,
        name: &'static str,
        ask: impl Fn(&mut dyn CallHost, P) -> Asked<T> + Send + Sync + 'static,
    ) -> wasmtime::Result<()>
    where
        P: ComponentNamedList + Lift + Weight + 'static,
        T: ComponentType + Lower + Weight + 'static,
    {
        let what = format!("{}.{name}", self.capability);
        self.instance.func_wrap(name, move |mut store: Ctx<'_>, arguments: P| {
            enter(&mut store, arguments.weight())?;
            let call = store.data_mut();
            let answer = call.with_host(&what, |host| ask(host, arguments))?;
            let answer = refusable(call, answer)?;
            charge(&mut store, answer.weight())?;
            Ok((answer,))
        })
    }

    /// Links a function that has no place for a refusal.
    fn tell<P, T>(
        &mut self,
        name: &'static str,
        tell: impl Fn(&mut Call, P) -> wasmtime::Result<T> + Send + Sync + 'static,
    ) -> wasmtime::Result<()>
    where
        P: ComponentNamedList + Lift + Weight + 'static,
        T: ComponentType + Lower + Weight + 'static,
    {
        self.instance.func_wrap(name, move |mut store: Ctx<'_>, arguments: P| {
            enter(&mut store, arguments.weight())?;
            let answer = tell(store.data_mut(), arguments)?;
            charge(&mut store, answer.weight())?;
            Ok((answer,))
        })
    }
}

impl Weight for contract::Error {
    fn weight(&self) -> usize {
        self.message.len()
    }
}

/// What the plugin gets: a refusal goes back to it, a store that cannot be read ends the call.
fn refusable<T>(call: &mut Call, answer: Asked<T>) -> wasmtime::Result<Result<T, contract::Error>> {
    use contract::ErrorCode;
    let (code, message) = match answer {
        Ok(answer) => return Ok(Ok(answer)),
        Err(HostError::Invalid(message)) => (ErrorCode::Invalid, message),
        Err(HostError::Limit(message)) => (ErrorCode::Limit, message),
        Err(HostError::NotFound(message)) => (ErrorCode::NotFound, message),
        Err(HostError::Conflict(message)) => (ErrorCode::Conflict, message),
        Err(HostError::Storage(message)) => return Err(call.end(End::Storage(message))),
    };
    Ok(Err(contract::Error { code, message }))
}

/// A whole number of the contract: carried as `f64`, because a JavaScript guest has no 64-bit integers.
fn whole(what: &str, number: f64) -> Asked<u64> {
    // 2^53 - 1 is exact in an f64, and so is every whole number below it.
    if number.is_finite() && number.fract() == 0.0 && (0.0..=COUNT_MAX as f64).contains(&number) {
        Ok(number as u64)
    } else {
        Err(HostError::Invalid(format!(
            "`{what}` is {number}: expected a whole number from 0 to {COUNT_MAX}"
        )))
    }
}

/// What an account holds, for the plugin; the host keeps it within 2^53.
fn signed(number: i64) -> f64 {
    let most = COUNT_MAX.cast_signed();
    number.clamp(-most, most) as f64
}

/// An instant of the contract: whole milliseconds since 1970.
fn instant(what: &str, number: f64) -> Asked<UtcMs> {
    let last = UtcMs::LAST.as_millis();
    if number.is_finite() && number.fract() == 0.0 && (0.0..=last as f64).contains(&number) {
        Ok(UtcMs::from_millis(number as i64))
    } else {
        Err(HostError::Invalid(format!(
            "`{what}` is {number}: expected whole milliseconds since 1970 in UTC, at most {last} (the year 9999)"
        )))
    }
}

/// An instant for the plugin.
pub(crate) fn millis(at: UtcMs) -> f64 {
    // At most the year 9999: below 2^53.
    at.as_millis() as f64
}

/// A count for the plugin.
fn count(number: u64) -> f64 {
    number.min(COUNT_MAX) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wholes_are_whole_and_in_range() {
        assert_eq!(whole("units", 0.0), Ok(0));
        assert_eq!(whole("units", -0.0), Ok(0));
        assert_eq!(whole("units", 9_007_199_254_740_991.0), Ok(COUNT_MAX));
        for number in [
            -1.0,
            0.5,
            9_007_199_254_740_992.0,
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::MIN_POSITIVE,
        ] {
            assert!(matches!(whole("units", number), Err(HostError::Invalid(_))), "{number}");
        }
        assert_eq!(
            whole("units", 1.5).unwrap_err().to_string(),
            "`units` is 1.5: expected a whole number from 0 to 9007199254740991"
        );
    }

    #[test]
    fn instants_lie_between_1970_and_9999() {
        assert_eq!(instant("at", 0.0), Ok(UtcMs::EPOCH));
        assert_eq!(instant("at", UtcMs::LAST.as_millis() as f64), Ok(UtcMs::LAST), "{}", millis(UtcMs::LAST));
        for number in [-1.0, 0.5, 253_402_128_000_001.0, f64::NAN] {
            assert!(instant("at", number).is_err(), "{number}");
        }
    }
}
