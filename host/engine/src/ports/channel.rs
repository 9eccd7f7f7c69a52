//! The channel port: handing messages to the world. This is the only way out of the host.

use std::sync::Arc;

use async_trait::async_trait;
use siyu_model::clock::{DurationMs, UtcMs};
use siyu_model::id::MessageId;
use siyu_model::json::Value;
use siyu_model::message::{Message, MessageStatus};

/// A way to reach customers.
///
/// Delivery is at least once: after a crash a message is handed over again under the same id, and a channel that can
/// tell answers from what it already did.
#[async_trait]
pub trait Channel: Send + Sync {
    /// Hands over a batch; one receipt for each, in any order. `now` is the instant that the receipts carry.
    async fn deliver(&self, messages: &[Message], now: UtcMs) -> Vec<Receipt>;
}

/// A way to reach customers that takes one message at a time, and may take seconds for it.
///
/// Delivery is at least once when the other side knows a message by its id. When it does not, a message of which nobody knows what
/// became is asked for, and never handed over again by itself.
#[async_trait]
pub trait Courier: Send + Sync {
    /// Whether the other side knows a message by its id.
    fn is_idempotent(&self) -> bool;
    /// Hands a message over once. `now` is the instant of the call.
    async fn hand_over(&self, parcel: Parcel, now: UtcMs) -> Tried;
    /// Asks what became of a message that was handed over. [`Tried::Unknown`]: it could not be asked, and is asked again.
    async fn reconcile(&self, parcel: Parcel, now: UtcMs) -> Tried;
}

/// A message and the customer as `customers.get` gives them, JSON text; `null` when they are gone.
#[derive(Debug, Clone)]
pub struct Parcel {
    /// The message.
    pub message: Message,
    /// The customer.
    pub customer: Arc<str>,
}

/// What became of one try.
#[derive(Debug, Clone, PartialEq)]
pub enum Tried {
    /// What the channel says.
    Said(Verdict),
    /// It says nothing, and the other side may have the message: why.
    Unknown(String),
    /// It was asked what became of the message, and it cannot be told.
    CannotTell,
}

/// What a channel says of a message.
#[derive(Debug, Clone, PartialEq)]
pub struct Receipt {
    /// Which message.
    pub message: MessageId,
    /// Where it stands now.
    pub verdict: Verdict,
}

/// What became of a message that was handed over.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// It stands here now: `sent`, `task_created`, `delivered` …
    Became(MessageStatus),
    /// The same, and an object with what the other side calls it.
    BecameWith(MessageStatus, Value),
    /// It will never go, and why.
    Refused(String),
    /// It may go later, and why not now.
    Later(String),
    /// The same, and how long the other side wants to be left alone.
    AgainAfter(String, DurationMs),
    /// It may have arrived, and handing it over again could double it: why nobody knows. Never handed over again by itself.
    Uncertain(String),
    /// The same, and whoever knows cannot be asked for now: it is asked again after a pause.
    AskAgain(String, DurationMs),
}
