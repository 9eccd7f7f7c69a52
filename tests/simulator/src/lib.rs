//! A seeded simulation of the whole engine: hosts, stores, clocks, channels and plugins that fail in every way, and what
//! always holds, checked after every action.
//!
//! ```text
//! seed ─> scenario (playbooks by a grammar, actions) ─> play: world of hosts ─> what is durable ─> checks
//!                                                        └─ a failure ─> shrink ─> a small scenario to read
//! ```
//! The same seed is the same play to the last commit, whichever store keeps the rows: each is played twice, and must be. Nothing
//! is random here that the seed did not draw, and no time passes but the world's: it stands still while a database works.

mod backing;
mod channel;
mod durable;
mod fleet;
mod grammar;
mod host;
mod play;
mod plugin;
mod reload;
mod scenario;
mod seeds;
mod shrink;
mod store;
mod world;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub use backing::{Desk, Kept};
pub use channel::ChannelFault;
pub use durable::{Durable, Shared};
pub use fleet::{FleetAction, FleetFault, FleetScenario, play_fleet};
pub use grammar::{Language, Sketch};
pub use play::{Failure, Played, REST_MS, play, play_in};
pub use plugin::{Installed, manifest, plugins};
pub use scenario::{Action, Backing, Cause, Scenario, Time, Wish};
pub use seeds::{Report, run_fleet_seed, run_fleet_seeds, run_seed, run_seeds};
pub use shrink::shrink;
pub use store::{CommitFault, OpenFault, Semantics};
pub use world::{BEGIN, World};

/// How long the way to a store or a channel takes, in the time of a host's runtime: until the host has nothing else to do.
const WAY: Duration = Duration::from_millis(1);

/// Whoever panicked while holding the lock was a simulation that failed already.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
