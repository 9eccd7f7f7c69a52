//! Test doubles: ports that live in memory, always compiled, for tests here and in every crate above.
//!
//! They keep the same promises as the real ones and are checked by the same conformance suite. They are never durable.

mod access;
mod clock;
mod erase;
mod fleet;
mod given;
mod memory;
mod plugins;
mod purge;
mod reads;
mod secrets;
mod tables;

pub use access::MemoryAccess;
pub use clock::HandClock;
pub use fleet::{MemoryFleet, MemoryFleets};
pub use given::{GivenCall, GivenSecrets};
pub use memory::{CommitFault, MemoryStores};
pub use plugins::{NativePlugins, NativeSource, NativeStep};
