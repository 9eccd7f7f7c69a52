//! Dispatch: messages leave the host, through channels only, after the commit that holds them; and their receipts
//! come back as commands.

mod dispatcher;
pub(crate) mod plan;

use siyu_model::clock::{DurationMs, UtcMs};
use siyu_model::id::MessageId;
use siyu_model::json::Value;
use siyu_model::message::{Message, MessageStatus};

pub use dispatcher::Channels;
pub(crate) use dispatcher::{Delivered, Dispatcher};

use crate::admit::host_event;
use crate::memory::{Memory, Worked};
use crate::ports::channel::{Receipt, Verdict};
use crate::ports::rows::TimerKind;

/// The first pause before a message that could not go is handed over again; it doubles each time up to an hour.
const AGAIN_MS: u64 = 30_000;
const AGAIN_MS_MAX: u64 = 3_600_000;

/// A message is due: it goes to the dispatcher with the next commit, or has expired.
pub(crate) fn due(memory: &mut Memory, id: MessageId) -> Worked<()> {
    let now = memory.now;
    let Some(message) = memory.message(id)?.cloned() else {
        return Ok(());
    };
    if message.status != MessageStatus::Planned {
        return Ok(());
    }
    if now >= message.expires_at {
        return change(
            memory,
            message,
            MessageStatus::Expired,
            Some("its time passed before it could go".to_owned()),
        );
    }
    memory.set_message(Message { changed_at: now, ..message });
    memory.outbox.push(id);
    Ok(())
}

/// What a channel said of a message, and when; without an instant it was at once.
pub(crate) fn receipt(memory: &mut Memory, receipt: Receipt, at: Option<UtcMs>) -> Worked<()> {
    let Some(mut message) = memory.message(receipt.message)?.cloned() else {
        return Ok(());
    };
    let at = at.unwrap_or(message.changed_at);
    match receipt.verdict {
        Verdict::Became(status) if message.status.can_become(status) => {
            message.attempts += 1;
            change_at(memory, message, status, None, at)
        }
        // A receipt that comes twice, or too late, changes nothing: terminal states are forever.
        Verdict::Became(_) => Ok(()),
        Verdict::Refused(_) | Verdict::Later(_) if message.status != MessageStatus::Planned => Ok(()),
        Verdict::Refused(reason) => {
            message.attempts += 1;
            change_at(memory, message, MessageStatus::Failed, Some(reason), at)
        }
        Verdict::Later(reason) => {
            message.attempts += 1;
            let pause = AGAIN_MS.saturating_mul(1 << (message.attempts - 1).min(16)).min(AGAIN_MS_MAX);
            let again_at = memory.now + DurationMs::from_millis(pause);
            message.reason = Some(reason);
            memory.set_timer(again_at.min(message.expires_at), TimerKind::Message(message.id));
            memory.set_message(message);
            Ok(())
        }
    }
}

fn change(
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

/// Tells of a message's new state, when anything listens.
fn status_event(memory: &mut Memory, id: MessageId, status: MessageStatus) -> Worked<()> {
    let Some(message) = memory.message(id)?.cloned() else {
        return Ok(());
    };
    let data = Value::map([
        ("message", Value::text(id.to_string())),
        ("template", Value::text(message.template.as_str())),
        ("channel", Value::text(message.channel.as_str())),
        ("status", Value::text(status.as_str())),
        ("reason", message.reason.map_or(Value::Null, Value::text)),
    ]);
    host_event(memory, &format!("message.{}", status.as_str()), Some(message.customer), data);
    Ok(())
}
