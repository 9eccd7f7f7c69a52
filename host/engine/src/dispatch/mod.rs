//! Dispatch: messages leave the host, through channels only, after the commit that holds them; and their receipts
//! come back as commands.

mod contact;
mod dispatcher;
pub(crate) mod plan;
mod touches;

use std::sync::Arc;

use siyu_model::clock::{DurationMs, UtcMs};
use siyu_model::id::MessageId;
use siyu_model::json::{self, Value};
use siyu_model::message::{Message, MessageClass, MessageStatus};
use siyu_model::name::EventType;
use siyu_model::playbook::Playbook;

pub use dispatcher::Channels;
pub(crate) use dispatcher::{Delivered, Dispatcher};

use crate::admit::host_event;
use crate::memory::{Memory, Worked};
use crate::ports::channel::{Receipt, Verdict};
use crate::ports::rows::TimerKind;

/// The first pause before a message that could not go is handed over again; it doubles each time up to an hour.
const AGAIN_MS: u64 = 30_000;
const AGAIN_MS_MAX: u64 = 3_600_000;

/// A message is due: it goes to the dispatcher with the next commit, waits for the end of quiet hours, or has expired.
///
/// Quiet hours are looked at here again: a host that was down, or a channel that was, must not write to people at night.
pub(crate) fn due(memory: &mut Memory, id: MessageId) -> Worked<()> {
    let now = memory.now;
    let Some(message) = memory.message(id)?.cloned() else {
        return Ok(());
    };
    if message.status != MessageStatus::Planned {
        return Ok(());
    }
    let rules = ruled_by(memory, &message)?;
    // Whoever withdrew their consent meanwhile is not written to.
    if let Some(playbook) = &rules
        && let Some(why) = contact::unwanted(memory, playbook, message.customer)?
    {
        return change(memory, message, MessageStatus::Blocked, Some(why));
    }
    let open_at = match &rules {
        Some(playbook) => contact::first_open(memory, playbook, message.customer, now)?,
        None => now,
    };
    if open_at >= message.expires_at {
        let why = "its time passed before it could go".to_owned();
        return change(memory, message, MessageStatus::Expired, Some(why));
    }
    if open_at > now {
        memory.set_timer(open_at, TimerKind::Message(id));
        memory.set_message(Message { due_at: open_at, changed_at: now, ..message });
        return Ok(());
    }
    memory.set_message(Message { changed_at: now, ..message });
    memory.outbox.push(id);
    Ok(())
}

/// Whether a message that is planned was under way when the host stopped: its timer has fired, or it never had one.
pub(crate) fn was_under_way(message: &Message) -> bool {
    message.due_at <= message.planned_at || message.changed_at >= message.due_at
}

/// The playbook whose rules hold for a marketing message; none for a service message.
fn ruled_by(memory: &mut Memory, message: &Message) -> Worked<Option<Arc<Playbook>>> {
    let (MessageClass::Marketing, Some(run)) = (message.class, message.run) else {
        return Ok(None);
    };
    let Some(target) = memory.run(run)?.map(|live| live.run.target.clone()) else {
        return Ok(None);
    };
    Ok(memory.books.playbook_of(&target).cloned())
}

/// What a channel said of a message, and when; without an instant it was at once.
pub(crate) fn receipt(memory: &mut Memory, receipt: Receipt, at: Option<UtcMs>) -> Worked<()> {
    let Some(mut message) = memory.message(receipt.message)?.cloned() else {
        return Ok(());
    };
    let at = at.unwrap_or(message.changed_at);
    let (verdict, details) = match receipt.verdict {
        Verdict::BecameWith(status, details) => (Verdict::Became(status), json::print(&details).ok()),
        verdict => (verdict, None),
    };
    match verdict {
        Verdict::Became(status) if message.status.can_become(status) => {
            message.attempts += 1;
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
            let reason = format!("uncertain: {reason}");
            change_at(memory, message, MessageStatus::Failed, Some(reason), at)
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

/// A message could not go: it is handed over again after a pause, which grows; not before the other side wants it.
fn later(memory: &mut Memory, mut message: Message, reason: String, wish: Option<DurationMs>, at: UtcMs) {
    message.attempts += 1;
    let pause = AGAIN_MS.saturating_mul(1 << (message.attempts - 1).min(16)).min(AGAIN_MS_MAX);
    let pause = DurationMs::from_millis(pause).max(wish.unwrap_or_default());
    let again_at = memory.now + pause;
    let due_at = again_at.min(message.expires_at);
    memory.set_timer(due_at, TimerKind::Message(message.id));
    memory.set_message(Message { reason: Some(reason), due_at, changed_at: at, ..message });
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

/// Tells of a message's new state, when anything listens. It belongs to the chain of causes of the run that planned it.
fn status_event(memory: &mut Memory, id: MessageId, status: MessageStatus) -> Worked<()> {
    let event_type = format!("message.{}", status.as_str());
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
        ("status", Value::text(status.as_str())),
        ("reason", message.reason.filter(|_| details.is_none()).map_or(Value::Null, Value::text)),
        ("details", details.unwrap_or(Value::Null)),
    ]);
    host_event(memory, &event_type, Some(message.customer), data);
    Ok(())
}
