//! A host for tests: a plugin's code runs natively, under `cargo test`, against the host's own rules.
//!
//! [`Host`] is a tenant with one plugin. Stock, counters, codes, times, expressions and names follow the code of the real
//! host (`siyu-model`). A call is a transaction: a refusal keeps its effects, a fault or a panic drops them. Time stands
//! still until the test lets it go on with [`Host::advance`], which fires planned events and expiries and calls the
//! plugin's reactions. What the real host would not load, such as a capability that the manifest does not list, fails the
//! call whatever the plugin makes of it.
//!
//! What it does not do: schemas, fuel, memory limits, templates of messages, rules of contact, workflows and other
//! plugins.

mod deliver;
mod host;
mod outcome;
pub(crate) mod port;
mod receive;
mod run;
mod state;
mod table;
mod time;
mod view;

pub use host::{Host, Unpublished};
pub use outcome::Outcome;
/// The host's own types, as tests see them.
pub use siyu_model::plugin::{Fault, FaultKind, FieldFault, LogLevel, Manifest};
pub use view::{Planned, Reacted, Recorded, SentMessage};

use siyu_model::json::Value;

/// A value of the host as the test's own kind of JSON.
fn plain(value: &Value) -> serde_json::Value {
    // A value of the host always has a JSON form.
    serde_json::to_value(value).unwrap_or_default()
}
