//! What every plugin needs, in one `use`.

pub use schemars::JsonSchema;
pub use serde::{Deserialize, Serialize};
pub use serde_json::json;

pub use crate::channel::{Channel, Message, SecretUse, Verdict};
pub use crate::error::Error;
pub use crate::event::{Event, Incoming};
pub use crate::expressions::Expression;
pub use crate::key::key;
pub use crate::resource::{Findings, Reaction, Resource};
pub use crate::source::{Accepted, Hook, HookEvent, HookRefusal, Source};
pub use crate::step::Step;
pub use crate::stop::{Fault, Refusal, Refused, Stop};
pub use crate::time::{Duration, Instant, Zone};
