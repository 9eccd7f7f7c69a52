//! Fleets: several hosts that share the tenants of one database, through the engine's own code for it.
//!
//! Every host has a runtime of its own and goes on a slice of time after another. Every question to the database takes a
//! while each way, so that hosts come in between; questions, answers and news get lost or late; leases run out by the
//! database's time, which the world moves.

mod line;
mod node;
mod play;
mod scenario;
mod world;

use siyu_engine::operate::Publication;

pub use line::FleetFault;
pub use scenario::{FleetAction, FleetScenario};

use crate::play::{Failure, Played};

/// Plays a scenario whose versions were compiled already, once.
pub fn play_fleet(scenario: &FleetScenario, publications: &[Publication]) -> Result<Played, Failure> {
    play::play(scenario, publications)
}
