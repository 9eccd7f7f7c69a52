#![doc = include_str!("../README.md")]

#[cfg(target_family = "wasm")]
mod arena;
#[cfg(target_family = "wasm")]
#[doc(hidden)]
pub mod bindings;
mod capability;
mod channel;
#[cfg(target_family = "wasm")]
#[doc(hidden)]
pub mod component;
mod error;
mod event;
mod export;
#[cfg(not(target_family = "wasm"))]
pub mod fake;
mod json;
mod key;
mod manifest;
mod plugin;
#[cfg(target_family = "wasm")]
mod port;
pub mod prelude;
mod resource;
mod schema;
mod source;
mod step;
mod stop;
mod time;

#[cfg(not(target_family = "wasm"))]
use fake::port;

pub use capability::{
    cache, codes, context, counters, customers, events, expressions, http, ledger, log, messages, pools,
    random, records, resources, secrets,
};
pub use channel::{Channel, Message, Place, SecretUse, Verdict};
pub use error::{Error, ErrorCode};
pub use event::{Event, Incoming, host_events};
pub use expressions::Expression;
pub use key::key;
pub use manifest::{CONTRACT_VERSION, Capability};
pub use plugin::{ChannelEntry, EventEntry, Plugin, ResourceEntry, SourceEntry, StepEntry};
pub use resource::{Finding, Findings, Reaction, Resource};
pub use source::{Accepted, Hook, HookEvent, HookRefusal, Source};
pub use step::{Answer, Step};
pub use stop::{Fault, FieldFault, Refusal, Refused, Stop};
pub use time::{Duration, Instant, LocalTime, TimeError, Zone};
pub use {schemars, serde, serde_json};
