//! Durable execution: what happens to an event, from its admission to the messages that leave the host.
//!
//! This crate knows no SQL, no WebAssembly, no YAML and no HTTP: it works on [`ports`].

pub mod doubles;
pub mod ports;
