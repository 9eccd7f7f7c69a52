//! What the end-to-end tests stand on: playbooks from folders, plugins as functions, stores that fail on demand.

mod faulty;
mod fleet;
mod kept;
mod place;
mod playbooks;
mod probe;
mod twin;
pub mod upgrade;

pub use faulty::{FaultyStores, StoreFault};
pub use fleet::{Hosts, Wire};
pub use kept::On;
pub use place::{Place, event, publication, workflows};
pub use playbooks::{Outcome, TestPlaybook, Way, play_all};
pub use probe::{Gate, ProbeStep, probe, probe_at, probe_called};
pub use twin::TwinStores;
