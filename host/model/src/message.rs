//! Messages to customers: a state machine, because on many channels a person sends them.
//!
//! ```text
//! planned ─┬─> sent ─────────────────────────────┬─> delivered
//!          ├─> task_created ─> staff_notified ─┐ ├─> failed
//!          │        └──────────────────────────┴> staff_sent ─> delivered | failed
//!          ├─> failed   the channel refused it for good
//!          ├─> expired  its time passed before it could be sent
//!          ├─> blocked  a rule of contact stopped it; the reason is kept
//!          └─> cancelled
//! ```

use serde::{Deserialize, Serialize};

use crate::clock::UtcMs;
use crate::id::{CustomerId, MessageId, RunId};
use crate::name::{ChannelName, StepId, TemplateName};

/// One message to one customer over one channel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Its id, and the idempotency key towards the channel.
    pub id: MessageId,
    /// To whom.
    pub customer: CustomerId,
    /// Over what.
    pub channel: ChannelName,
    /// Service or marketing: which rules of contact hold.
    pub class: MessageClass,
    /// The template it was rendered from.
    pub template: TemplateName,
    /// What the customer reads.
    pub body: String,
    /// Where it stands.
    pub status: MessageStatus,
    /// Why it was blocked or failed, or what the channel answered.
    pub reason: Option<String>,
    /// How often it was handed to the channel.
    pub attempts: u32,
    /// When it was planned.
    pub planned_at: UtcMs,
    /// Not to be sent before; later than `planned_at` when quiet hours defer it.
    pub due_at: UtcMs,
    /// Not to be sent from this instant on.
    pub expires_at: UtcMs,
    /// When the status last changed.
    pub changed_at: UtcMs,
    /// The run that planned it.
    pub run: Option<RunId>,
    /// The step that planned it.
    pub step: Option<StepId>,
}

/// What the reason of a message begins with that is handed over, as long as nobody knows what became of it.
const HANDED_OVER: &str = "handed over: ";
/// What the reason of a message begins with of which nobody knows, and nobody can be asked, what became.
const UNCERTAIN: &str = "uncertain: ";
/// What the reason of a message begins with that somebody has go once more.
const REDELIVERED: &str = "redelivered after: ";

impl Message {
    /// The same message, handed over to a channel that could double it; `why` nothing is known. Whoever may have it is asked what
    /// became of it at `ask_at`, which is when it is due next.
    #[must_use]
    pub fn handed_over(self, why: &str, ask_at: UtcMs) -> Self {
        Self { reason: Some(format!("{HANDED_OVER}{why}")), due_at: ask_at, ..self }
    }

    /// Whether it was handed over to a channel that could double it, and nothing is known yet.
    pub fn is_handed_over(&self) -> bool {
        self.waits_with(HANDED_OVER)
    }

    /// The same message, of which nobody knows what became: it is never handed over again by itself.
    #[must_use]
    pub fn uncertain(self, why: &str) -> Self {
        Self { reason: Some(format!("{UNCERTAIN}{why}")), ..self }
    }

    /// Whether nobody knows what became of it: somebody has to say.
    pub fn is_uncertain(&self) -> bool {
        self.waits_with(UNCERTAIN)
    }

    /// The same message, which failed or expired, and which somebody has go once more from `now` on.
    #[must_use]
    pub fn once_more(self, now: UtcMs, expires_at: UtcMs) -> Self {
        let before = self.reason.as_deref().unwrap_or(self.status.as_str());
        let reason = Some(format!("{REDELIVERED}{before}"));
        Self { status: MessageStatus::Planned, reason, due_at: now, changed_at: now, expires_at, ..self }
    }

    /// Whether somebody had it go once more, and nothing came of that yet.
    pub fn goes_once_more(&self) -> bool {
        self.waits_with(REDELIVERED)
    }

    /// The same message, which goes at `due_at` at the earliest, and why it has not gone. What a channel says is never taken for one
    /// of the marks above.
    #[must_use]
    pub fn again(self, why: &str, due_at: UtcMs) -> Self {
        let is_mark = [HANDED_OVER, UNCERTAIN, REDELIVERED].iter().any(|mark| why.starts_with(mark));
        let why = if is_mark { format!("the channel says: {why}") } else { why.to_owned() };
        Self { reason: Some(why), due_at, ..self }
    }

    fn waits_with(&self, mark: &str) -> bool {
        let reason = self.reason.as_deref();
        self.status == MessageStatus::Planned && reason.is_some_and(|reason| reason.starts_with(mark))
    }

    /// The object that the channel said with its last verdict, JSON text: what the other side calls the message.
    pub fn details(&self) -> Option<&str> {
        self.reason.as_deref().filter(|text| text.starts_with('{') && text.ends_with('}'))
    }
}

/// Which rules of contact hold for a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageClass {
    /// Belongs to something the customer did: an order, a prize, a question. No quiet hours, no cap.
    Service,
    /// Everything else.
    Marketing,
}

impl MessageClass {
    /// The name in YAML, stores and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Marketing => "marketing",
        }
    }
}

/// Where a message stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageStatus {
    /// Rendered and durable, not yet handed to the channel.
    Planned,
    /// The channel made a task for a member of staff.
    TaskCreated,
    /// The member of staff was told.
    StaffNotified,
    /// The member of staff sent it.
    StaffSent,
    /// The channel took it.
    Sent,
    /// The customer has it.
    Delivered,
    /// The channel refused it for good.
    Failed,
    /// Its time passed.
    Expired,
    /// A rule of contact stopped it.
    Blocked,
    /// Somebody took it back.
    Cancelled,
}

impl MessageStatus {
    /// All states, in the order of the drawing above.
    pub const ALL: [Self; 10] = [
        Self::Planned,
        Self::TaskCreated,
        Self::StaffNotified,
        Self::StaffSent,
        Self::Sent,
        Self::Delivered,
        Self::Failed,
        Self::Expired,
        Self::Blocked,
        Self::Cancelled,
    ];

    /// The name in stores and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::TaskCreated => "task_created",
            Self::StaffNotified => "staff_notified",
            Self::StaffSent => "staff_sent",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Blocked => "blocked",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether no channel changes it any more; people may have what failed or expired go once more.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Delivered | Self::Failed | Self::Expired | Self::Blocked | Self::Cancelled)
    }

    /// Whether the drawing has an arrow from here to `next`.
    pub fn can_become(self, next: Self) -> bool {
        use MessageStatus as S;
        match self {
            S::Planned => {
                matches!(next, S::TaskCreated | S::Sent | S::Failed | S::Expired | S::Blocked | S::Cancelled)
            }
            S::TaskCreated => {
                matches!(next, S::StaffNotified | S::StaffSent | S::Failed | S::Expired | S::Cancelled)
            }
            S::StaffNotified => matches!(next, S::StaffSent | S::Failed | S::Expired | S::Cancelled),
            S::StaffSent | S::Sent => matches!(next, S::Delivered | S::Failed),
            S::Delivered | S::Failed | S::Expired | S::Blocked | S::Cancelled => false,
        }
    }
}

impl std::str::FromStr for MessageStatus {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|status| status.as_str() == text).ok_or_else(|| {
            format!("`{text}` is no message status: expected {}", Self::ALL.map(Self::as_str).join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal_states_are_forever_and_all_others_can_end() {
        for from in MessageStatus::ALL {
            let ways: Vec<_> = MessageStatus::ALL.into_iter().filter(|to| from.can_become(*to)).collect();
            assert_eq!(from.is_terminal(), ways.is_empty(), "{from:?} -> {ways:?}");
            assert!(!from.can_become(from));
            assert_eq!(from.as_str().parse(), Ok(from));
        }
    }

    #[test]
    fn nothing_goes_back_to_planned() {
        assert!(MessageStatus::ALL.into_iter().all(|from| !from.can_become(MessageStatus::Planned)));
    }
}
