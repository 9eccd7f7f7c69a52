//! The channel port: handing messages to the world. This is the only way out of the host.

use async_trait::async_trait;
use siyu_model::clock::UtcMs;
use siyu_model::id::MessageId;
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
    /// It will never go, and why.
    Refused(String),
    /// It may go later, and why not now.
    Later(String),
}
