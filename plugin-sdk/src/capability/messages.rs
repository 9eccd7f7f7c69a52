//! `messages`: messages to customers, from a template of the playbook over one of its channels. At most 100 a call.
//!
//! The message leaves the host after the call is kept; rules of contact (quiet hours, caps, refusal) hold, and may block
//! or defer it.
//!
//! ```
//! use siyu_plugin::prelude::*;
//! use siyu_plugin::messages::{self, Enqueued};
//!
//! fn tell(prize: &str) -> Result<(), Stop> {
//!     if let Enqueued::Blocked(reason) = messages::enqueue("you-won", "wecom", &json!({ "prize": prize }))? {
//!         siyu_plugin::log::info(format_args!("not told: {reason}"));
//!     }
//!     Ok(())
//! }
//! ```

use serde::Serialize;

use super::written;
use crate::error::Error;
use crate::port;

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Enqueued {
    /// It is planned; its id.
    Planned(String),
    /// A rule of contact blocked it, and which.
    Blocked(String),
}

/// Plans a message to the call's customer. `variables` is an object: what the template names.
///
/// # Errors
/// `Invalid` without a customer, template or channel, `Invalid` for variables that do not fit, `Limit` beyond 100.
pub fn enqueue(template: &str, channel: &str, variables: &impl Serialize) -> Result<Enqueued, Error> {
    port::enqueue_message(template, channel, None, &written("the variables", variables)?)
}

/// Plans a message to another customer.
///
/// # Errors
/// As [`enqueue`].
pub fn enqueue_to(
    customer: &str,
    template: &str,
    channel: &str,
    variables: &impl Serialize,
) -> Result<Enqueued, Error> {
    port::enqueue_message(template, channel, Some(customer), &written("the variables", variables)?)
}
