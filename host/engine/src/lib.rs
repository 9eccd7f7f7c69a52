//! Durable execution: what happens to an event, from its admission to the messages that leave the host.
//!
//! This crate knows no SQL, no WebAssembly, no YAML and no HTTP: it works on [`ports`].
//!
//! The way of an event through the code, by the six verbs that are folders here:
//! [`tenant`] takes a batch from the inbox; `admit` records the event, wakes and starts runs; `advance` lets them go on;
//! `call` calls plugins; the tenant's executor commits and answers; [`dispatch`] sends messages.
//! `memory` is what all of them work on between two commits, `schedule` fires what falls due, and [`operate`] is what
//! people do. [`hooks`] makes events of webhooks. A [`host`] has many tenants and keeps those awake in which something happens.

mod admit;
mod advance;
mod books;
mod call;
pub mod dispatch;
pub mod doubles;
pub mod hooks;
pub mod host;
mod memory;
pub mod operate;
pub mod ports;
pub mod replay;
pub mod scenario;
mod schedule;
mod sight;
mod signal;
mod slots;
pub mod tenant;
pub mod traces;

pub use admit::{Admission, Refused};
