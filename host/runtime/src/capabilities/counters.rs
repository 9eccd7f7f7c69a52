//! `counters`: budgets and quotas. Never counts: the host keeps the books.

use siyu_model::plugin::Capability;
use wasmtime::component::Linker;

use super::{Offer, Weight, count, whole};
use crate::contract::Taken;
use crate::sandbox::state::Call;

pub(super) fn link(linker: &mut Linker<Call>) -> wasmtime::Result<()> {
    let mut counters = Offer::new(linker, Capability::Counters)?;
    counters.ask("take", |host, (key, units, limit): (String, f64, f64)| {
        let (ok, used) = host.take_counter(&key, whole("units", units)?, whole("limit", limit)?)?;
        Ok(Taken { ok, used: count(used) })
    })?;
    counters.ask("give-back", |host, (key, units): (String, f64)| {
        host.give_back_counter(&key, whole("units", units)?)
    })?;
    counters.ask("used", |host, (key,): (String,)| Ok(count(host.counter(&key)?)))
}

impl Weight for Taken {
    fn weight(&self) -> usize {
        0
    }
}
