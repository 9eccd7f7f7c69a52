//! Whether a message may leave now: it is due, or its turn at a courier has come. Both times the rules of contact and its time are
//! looked at: between planning and leaving a host may have been down, and a channel may have had others first.
//!
//! Nothing leaves here.

use std::sync::Arc;

use siyu_model::clock::DurationMs;
use siyu_model::id::MessageId;
use siyu_model::limits::deliveries::ASK_MS;
use siyu_model::message::{Message, MessageClass, MessageStatus};
use siyu_model::playbook::Playbook;

use super::couriers::{Begun, Turn};
use super::{contact, receipts};
use crate::memory::{Memory, Worked};
use crate::ports::rows::TimerKind;

/// What stands on a message that was just handed over.
const NOTHING_KNOWN: &str = "nothing is known yet";

/// A message is due: it goes to the dispatcher with the next commit, waits for the end of quiet hours, or has expired.
pub(crate) fn due(memory: &mut Memory, id: MessageId) -> Worked<()> {
    let now = memory.now;
    let Some(message) = to_go(memory, id)? else { return Ok(()) };
    // The other side may have it: then it is asked for, however late it is.
    if message.is_handed_over() || may_go(memory, &message)? {
        memory.set_message(Message { changed_at: now, ..message });
        memory.outbox.push(id);
    }
    Ok(())
}

/// Whether a message that is planned was under way when the host stopped: its timer has fired, or it never had one.
pub(crate) fn was_under_way(message: &Message) -> bool {
    !message.is_uncertain() && (message.due_at <= message.planned_at || message.changed_at >= message.due_at)
}

/// The turn of a message at its courier has come. That it is handed over stands on it from now on, where the courier could double it.
pub(crate) fn begin(memory: &mut Memory, turn: Turn) -> Worked<Begun> {
    let now = memory.now;
    let Some(message) = to_go(memory, turn.message)? else { return Ok(Begun::Gone) };
    if message.is_handed_over() {
        return Ok(Begun::Ask);
    }
    if !may_go(memory, &message)? {
        return Ok(Begun::Gone);
    }
    if !turn.is_idempotent {
        let ask_at = now + DurationMs::from_millis(ASK_MS);
        memory.set_timer(ask_at, TimerKind::Message(message.id));
        memory.set_message(Message { changed_at: now, ..message.handed_over(NOTHING_KNOWN, ask_at) });
    }
    Ok(Begun::HandOver)
}

/// Somebody found out what became of a message that is uncertain: it was sent, or it goes again if it may.
pub(crate) fn settle(memory: &mut Memory, message: Message, is_sent: bool) -> Worked<()> {
    let (id, now) = (message.id, memory.now);
    if is_sent {
        let why = "settled: somebody found out that it was sent".to_owned();
        return receipts::change(memory, message, MessageStatus::Sent, Some(why));
    }
    let again = message.again("settled: somebody found out that it was not sent", now);
    memory.set_message(Message { changed_at: now, ..again });
    due(memory, id)
}

/// Somebody wants a message that failed, or whose time passed, to go once more: under its id, with the time that its template
/// gives, if the rules of contact allow it now. It counts as the touch that it was when it was planned.
pub(crate) fn redeliver(memory: &mut Memory, message: Message) -> Worked<()> {
    let (id, now) = (message.id, memory.now);
    let playbook = playbook_of(memory, &message)?;
    let template = playbook.as_ref().and_then(|playbook| playbook.templates.get(&message.template));
    let lives = template.map_or(message.expires_at.since(message.planned_at), |it| it.expires_after);
    memory.set_message(message.once_more(now, now + lives));
    due(memory, id)
}

/// A message of which it is not over or for somebody to say what becomes of it.
fn to_go(memory: &mut Memory, id: MessageId) -> Worked<Option<Message>> {
    let message = memory.message(id)?;
    let is_to_go = |message: &&Message| message.status == MessageStatus::Planned && !message.is_uncertain();
    Ok(message.filter(is_to_go).cloned())
}

/// Whether the rules let a message go now. One that may not is blocked, has expired, or waits for the end of quiet hours.
fn may_go(memory: &mut Memory, message: &Message) -> Worked<bool> {
    let now = memory.now;
    let rules = ruled_by(memory, message)?;
    // Whoever withdrew their consent meanwhile is not written to.
    if let Some(playbook) = &rules
        && let Some(why) = contact::unwanted(memory, playbook, message.customer)?
    {
        receipts::change(memory, message.clone(), MessageStatus::Blocked, Some(why))?;
        return Ok(false);
    }
    let open_at = match &rules {
        Some(playbook) => contact::first_open(memory, playbook, message.customer, now)?,
        None => now,
    };
    if open_at >= message.expires_at {
        let why = "its time passed before it could go".to_owned();
        receipts::change(memory, message.clone(), MessageStatus::Expired, Some(why))?;
        return Ok(false);
    }
    if open_at > now {
        memory.set_timer(open_at, TimerKind::Message(message.id));
        memory.set_message(Message { due_at: open_at, changed_at: now, ..message.clone() });
        return Ok(false);
    }
    Ok(true)
}

/// The playbook whose rules hold for a marketing message; none for a service message.
fn ruled_by(memory: &mut Memory, message: &Message) -> Worked<Option<Arc<Playbook>>> {
    match message.class {
        MessageClass::Marketing => playbook_of(memory, message),
        MessageClass::Service => Ok(None),
    }
}

/// The playbook whose run planned a message; none when nothing is known of it any more.
fn playbook_of(memory: &mut Memory, message: &Message) -> Worked<Option<Arc<Playbook>>> {
    let Some(run) = message.run else { return Ok(None) };
    let Some(target) = memory.run(run)?.map(|live| live.run.target.clone()) else {
        return Ok(None);
    };
    Ok(memory.books.playbook_of(&target).cloned())
}
