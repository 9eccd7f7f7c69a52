//! What the end-to-end tests stand on: playbooks from folders, plugins as functions, stores that fail on demand.

mod faulty;
mod playbooks;
mod probe;

pub use faulty::{FaultyStores, StoreFault};
pub use playbooks::{TestPlaybook, play_all};
pub use probe::probe;
