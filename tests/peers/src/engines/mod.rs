//! Who is measured: how each is installed, set, started and asked.

mod dbos;
mod obelisk;
mod restate;
mod siyu;
pub(crate) mod within;

use crate::kit::Kit;
use crate::round::Engine;
use crate::table::Gives;

/// Engines of one maker.
pub(crate) struct Family {
    /// Makes it ready, and gives its version.
    pub(crate) install: fn(&Kit) -> anyhow::Result<String>,
    /// It with each of its stores and settings.
    pub(crate) engines: Vec<Engine>,
    /// What it promises.
    pub(crate) gives: Gives,
}

/// As an operator would set a server of this size; what is durable when stays as it is.
pub(crate) const POSTGRES: [&str; 2] = ["shared_buffers=1GB", "wal_buffers=16MB"];

/// All of them.
pub(crate) fn all() -> Vec<Family> {
    vec![siyu::family(), dbos::family(), restate::family(), obelisk::family()]
}

/// What they are called.
pub(crate) fn names() -> Vec<&'static str> {
    all().iter().flat_map(|family| family.engines.iter().map(|engine| engine.name)).collect()
}
