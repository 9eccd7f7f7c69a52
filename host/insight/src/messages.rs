//! Messages in a list: where they stand, and why.

use serde::Serialize;
use siyu_engine::ports::inspect::{Inspect, MessageFilter, Turn};
use siyu_model::id::{CustomerId, MessageId, RunId};
use siyu_model::message::{Message, MessageStatus};
use siyu_model::name::{ChannelName, TemplateName};

use crate::fault::InsightError;
use crate::frame::Frame;
use crate::local::Local;

/// A message. What it says stands in the customer's story.
#[derive(Debug, Clone, Serialize)]
pub struct MessageLine {
    /// Its id.
    pub id: MessageId,
    /// Where it stands.
    pub status: MessageStatus,
    /// Whether it may have arrived, and nobody can be asked: somebody has to look, and to settle it. It is planned.
    pub is_uncertain: bool,
    /// Over what.
    pub channel: ChannelName,
    /// From what.
    pub template: TemplateName,
    /// To whom.
    pub customer: CustomerId,
    /// Why it stands there, or what the channel says of it.
    pub reason: Option<String>,
    /// How often it was handed over.
    pub attempts: u32,
    /// When it was planned.
    pub planned_at: Local,
    /// When it goes, or was to go, at the earliest.
    pub due_at: Local,
    /// From when on it does not go.
    pub expires_at: Local,
    /// When it came to stand there.
    pub changed_at: Local,
    /// By which run.
    pub run: Option<RunId>,
}

/// A page of messages.
#[derive(Debug, Clone, Serialize)]
pub struct MessagesPage {
    /// The messages.
    pub messages: Vec<MessageLine>,
    /// Where the list goes on; none at its end.
    pub next: Option<String>,
}

/// Pages that are looked through for one page of those that are uncertain.
const PAGES_MAX: usize = 20;

/// Messages that pass a filter, newest first; of those that are planned only the uncertain ones when `is_uncertain`. These are looked for a page
/// at a time: a page of them may have up to twice as many as it should, or fewer and still go on.
pub async fn messages(
    inspect: &dyn Inspect,
    frame: &Frame,
    (filter, is_uncertain): (MessageFilter, bool),
    turn: Turn,
) -> Result<MessagesPage, InsightError> {
    let limit = turn.limit;
    let status = if is_uncertain { Some(MessageStatus::Planned) } else { filter.status };
    let filter = MessageFilter { status, ..filter };
    let (mut messages, mut turn) = (Vec::new(), turn);
    for page in 1.. {
        let found = inspect.messages(filter.clone(), turn).await?;
        let wanted = found.items.into_iter().filter(|message| !is_uncertain || message.is_uncertain());
        messages.extend(wanted.map(|message| line(frame, message)));
        match found.next {
            Some(next) if is_uncertain && messages.len() < limit && page < PAGES_MAX => {
                turn = Turn { after: Some(next), limit };
            }
            next => return Ok(MessagesPage { messages, next: next.map(|next| next.to_string()) }),
        }
    }
    Ok(MessagesPage { messages, next: None })
}

fn line(frame: &Frame, message: Message) -> MessageLine {
    MessageLine {
        id: message.id,
        status: message.status,
        is_uncertain: message.is_uncertain(),
        channel: message.channel,
        template: message.template,
        customer: message.customer,
        reason: message.reason,
        attempts: message.attempts,
        planned_at: frame.local(message.planned_at),
        due_at: frame.local(message.due_at),
        expires_at: frame.local(message.expires_at),
        changed_at: frame.local(message.changed_at),
        run: message.run,
    }
}
