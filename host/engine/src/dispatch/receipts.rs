//! What channels say of messages, and who is told of it.

use siyu_model::clock::{DurationMs, UtcMs};
use siyu_model::id::MessageId;
use siyu_model::json::{self, Value};
use siyu_model::message::{Message, MessageStatus};
use siyu_model::name::EventType;

use crate::admit::host_event;
use crate::memory::{Memory, Worked};
use crate::ports::channel::{Receipt, Verdict};
use crate::ports::rows::TimerKind;

/// The first pause before a message that could not go is handed over again; it doubles each time up to an hour.
const AGAIN_MS: u64 = 30_000;
const AGAIN_MS_MAX: u64 = 3_600_000;
/// What `message.uncertain` says where other events have a status.
const UNCERTAIN: &str = "uncertain";

/// What a channel said of a message, and when; without an instant it was at once.
pub(crate) fn receipt(memory: &mut Memory, receipt: Receipt, at: Option<UtcMs>) -> Worked<()> {
    let Some(mut message) = memory.message(receipt.message)?.cloned() else {
        return Ok(());
    };
    let at = at.unwrap_or(message.changed_at);
    if message.is_handed_over() {
        // Something is known now: nobody has to ask at the time that was set for it.
        memory.clear_timer(message.due_at, &TimerKind::Message(message.id));
        message = Message { reason: None, due_at: message.due_at.min(at), ..message };
    }
    let (verdict, details) = match receipt.verdict {
        Verdict::BecameWith(status, details) => (Verdict::Became(status), json::print(&details).ok()),
        verdict => (verdict, None),
    };
    match verdict {
        Verdict::Became(status) if message.status.can_become(status) => {
            // What comes after it was sent is no further try.
            message.attempts += u32::from(message.status == MessageStatus::Planned);
            change_at(memory, message, status, details, at)
        }
        // A receipt that comes twice, or too late, changes nothing: terminal states are forever.
        _ if message.status != MessageStatus::Planned => Ok(()),
        // Nobody would ever hear of it again: it is tried again, and expires when the channel does not learn.
        Verdict::Became(status) | Verdict::BecameWith(status, _) => {
            let reason =
                format!("the channel says `{}`, which a planned message cannot become", status.as_str());
            later(memory, message, reason, None, at);
            Ok(())
        }
        Verdict::Refused(reason) => {
            message.attempts += 1;
            change_at(memory, message, MessageStatus::Failed, Some(reason), at)
        }
        Verdict::Uncertain(reason) => {
            message.attempts += 1;
            uncertain(memory, message, &reason, at)
        }
        Verdict::AskAgain(reason, pause) => {
            message.attempts += 1;
            ask_again(memory, message, &reason, (pause, at))
        }
        Verdict::Later(reason) => {
            later(memory, message, reason, None, at);
            Ok(())
        }
        Verdict::AgainAfter(reason, pause) => {
            later(memory, message, reason, Some(pause), at);
            Ok(())
        }
    }
}

/// A message could not go: it is handed over again after a pause, which grows unless the channel knows how long it is.
fn later(memory: &mut Memory, mut message: Message, reason: String, wish: Option<DurationMs>, at: UtcMs) {
    message.attempts += 1;
    let usual_ms = AGAIN_MS.saturating_mul(1 << (message.attempts - 1).min(16)).min(AGAIN_MS_MAX);
    let pause = wish.unwrap_or(DurationMs::from_millis(usual_ms));
    let again_at = memory.now + pause;
    let due_at = again_at.min(message.expires_at);
    memory.set_timer(due_at, TimerKind::Message(message.id));
    memory.set_message(Message { changed_at: at, ..message.again(&reason, due_at) });
}

/// Nobody can be asked for now what became of a message: they are asked again, until its time is over.
fn ask_again(
    memory: &mut Memory,
    message: Message,
    why: &str,
    (pause, at): (DurationMs, UtcMs),
) -> Worked<()> {
    let ask_at = memory.now + pause;
    if ask_at >= message.expires_at {
        return uncertain(memory, message, why, at);
    }
    memory.set_timer(ask_at, TimerKind::Message(message.id));
    memory.set_message(Message { changed_at: at, ..message.handed_over(why, ask_at) });
    Ok(())
}

/// Nobody knows what became of a message: somebody has to say.
fn uncertain(memory: &mut Memory, message: Message, why: &str, at: UtcMs) -> Worked<()> {
    let id = message.id;
    memory.set_message(Message { changed_at: at, ..message.uncertain(why) });
    told_of(memory, id, UNCERTAIN)
}

/// A message stands somewhere else from now on, and why.
pub(crate) fn change(
    memory: &mut Memory,
    message: Message,
    status: MessageStatus,
    reason: Option<String>,
) -> Worked<()> {
    let now = memory.now;
    change_at(memory, message, status, reason, now)
}

fn change_at(
    memory: &mut Memory,
    message: Message,
    status: MessageStatus,
    reason: Option<String>,
    at: UtcMs,
) -> Worked<()> {
    let id = message.id;
    let reason = reason.or(message.reason);
    memory.set_message(Message { status, reason, changed_at: at, ..message });
    status_event(memory, id, status)
}

/// Tells of a message's new state, when anything listens. It belongs to the chain of causes of the run that planned it.
pub(super) fn status_event(memory: &mut Memory, id: MessageId, status: MessageStatus) -> Worked<()> {
    told_of(memory, id, status.as_str())
}

fn told_of(memory: &mut Memory, id: MessageId, status: &str) -> Worked<()> {
    let event_type = format!("message.{status}");
    let is_listened = EventType::new(&event_type).is_ok_and(|name| memory.books.is_listened(&name));
    let Some(message) = memory.message(id)?.filter(|_| is_listened).cloned() else {
        return Ok(());
    };
    if let Some(run) = message.run
        && let Some(live) = memory.run(run)?
    {
        memory.cause_depth = live.run.depth;
    }
    let details = message.details().and_then(|text| json::parse(text).ok());
    let data = Value::map([
        ("message", Value::text(id.to_string())),
        ("template", Value::text(message.template.as_str())),
        ("channel", Value::text(message.channel.as_str())),
        ("status", Value::text(status)),
        ("reason", message.reason.filter(|_| details.is_none()).map_or(Value::Null, Value::text)),
        ("details", details.unwrap_or(Value::Null)),
    ]);
    host_event(memory, &event_type, Some(message.customer), data);
    Ok(())
}
