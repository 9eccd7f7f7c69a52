//! What must hold of any bytes at all, a function a target. A fault is a panic, an endless loop or a wrong answer.
//!
//! `cargo xtask fuzz` looks for inputs with libFuzzer; what it kept stands in `corpus` and is tried by a plain test.

mod kept;
#[cfg(feature = "targets")]
mod targets;

pub use kept::{pack, unpack};
#[cfg(feature = "targets")]
pub use targets::{Target, target};

/// The names of all targets.
pub const TARGETS: [&str; 5] = ["yaml", "expression", "component", "event", "cron"];
