//! `cache`: what a channel remembers between two deliveries. Never keeps anything itself.

use siyu_model::plugin::Capability;
use wasmtime::component::Linker;

use super::{Offer, instant};
use crate::sandbox::state::Call;

pub(super) fn link(linker: &mut Linker<Call>) -> wasmtime::Result<()> {
    let mut cache = Offer::new(linker, Capability::Cache)?;
    cache.ask("get", |host, (key,): (String,)| host.cached(&key))?;
    cache.ask("peek", |host, (key,): (String,)| host.peek_cached(&key))?;
    cache.ask("put", |host, (key, value, expires_at): (String, String, f64)| {
        host.cache(&key, &value, instant("expires-at", expires_at)?)
    })?;
    cache.ask("remove", |host, (key,): (String,)| host.uncache(&key))
}
