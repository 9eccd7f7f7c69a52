//! A small interpreter of playbooks, written from the language's text and from nothing of the engine: what it says of a
//! stream of events and what the engine says must be the same.
//!
//! It knows what the simulator's plain grammar writes, and the plugin `box`. It has no store, no faults and no limits. Where
//! the language leaves the order of things of one instant open, it says so instead of guessing ([`Fault::Open`]).

mod expr;
mod machine;
mod run;
mod script;
mod stock;
mod tenant;

pub use tenant::{Fault, Happening, Outcome, interpret};
