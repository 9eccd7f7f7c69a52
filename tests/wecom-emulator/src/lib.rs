#![doc = include_str!("../README.md")]

mod acts;
mod broadcasts;
mod callback;
mod clock;
pub mod codes;
mod content;
mod crypto;
mod emulator;
mod paging;
mod people;
mod rates;
mod record;
mod routes;
mod server;
mod settings;
mod tags;
mod tokens;
mod ways;
mod welcome;
mod world;

pub use acts::Act;
pub use broadcasts::{Broadcast, Sent};
pub use callback::Envelope;
pub use clock::Clock;
pub use codes::Refusal;
pub use content::{Content, Text};
pub use crypto::{Seal, SealError};
pub use emulator::{Emulator, Sight, StartError};
pub use record::{Called, CalledBack, Complaint, Record};
pub use settings::{Faults, Limits, Settings};
pub use ways::Way;
pub use welcome::Welcome;
