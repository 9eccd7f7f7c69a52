//! Erasing a customer: those who must tell others are told, what is under way ends, and then the store forgets who they
//! were (decision 067).
//!
//! It erases nothing itself: the executor does, between two batches, once nothing is under way in what is durable.

use siyu_model::clock::DurationMs;
use siyu_model::event::Subject;
use siyu_model::id::{CustomerId, RunId};
use siyu_model::json::Value;
use siyu_model::limits::erasure::{AGAIN_MS, TELLING_MS};
use siyu_model::message::MessageStatus;
use siyu_model::name::EventType;

use super::OperateError;
use super::runs::Operated;
use crate::memory::{MemoryCell, PendingEvent, Worked};
use crate::ports::rows::TimerKind;
use crate::{admit, dispatch};

/// What the host says when somebody asks for a customer to be erased.
const ERASING: &str = "customer.erasing";
/// Why what was under way for them ended.
const WHY: &str = "the customer is erased";

/// Somebody asks for a customer to be erased; gives their id. Asking twice is asking once.
pub(crate) fn erase(cell: &mut MemoryCell, who: Subject) -> Operated<CustomerId> {
    let id = match &who {
        Subject::Customer(id) => Some(*id),
        Subject::Identity(identity) => cell.identity(identity)?,
    };
    let erasing = EventType::new(ERASING).expect("`customer.erasing` follows the rule of event types");
    let known = match id {
        Some(id) => cell.person(id)?.map(|person| (id, person.customer.facts.contains_key(&erasing))),
        None => None,
    };
    let Some((id, was_asked)) = known else {
        return Ok(Err(OperateError::UnknownCustomer(who.to_string())));
    };
    if !was_asked {
        let (source, data) = ("siyu".to_owned(), Value::map::<String>([]));
        let event = PendingEvent { source, event_type: erasing, customer: Some(id), data, depth: 0 };
        admit::made(cell, event)?;
        let now = cell.now;
        cell.set_timer(now, TimerKind::Erasure(id));
    }
    Ok(Ok(id))
}

/// Ends what is under way for a customer, but runs that tell others of it for as long as they may take, and looks again
/// until nothing is.
pub(crate) fn erase_when_idle(cell: &mut MemoryCell, id: CustomerId) -> Worked<()> {
    let unfinished = cell.unfinished(id)?;
    for run in unfinished.runs {
        if !tells_others(cell, run)? {
            crate::advance::end::cancel(cell, run, WHY)?;
        }
    }
    for message in unfinished.messages {
        if let Some(message) = cell.message(message)?.cloned() {
            dispatch::change(cell, message, MessageStatus::Cancelled, Some(WHY.to_owned()))?;
        }
    }
    for plan in unfinished.planned {
        cell.set_planned(&plan, None)?;
    }
    cell.erasing.push(id);
    let again_at = cell.now + DurationMs::from_millis(AGAIN_MS);
    cell.set_timer(again_at, TimerKind::Erasure(id));
    Ok(())
}

/// Whether a run was started by the news that its customer is to be erased, and still has time.
fn tells_others(cell: &mut MemoryCell, run: RunId) -> Worked<bool> {
    let now = cell.now;
    let event = cell.run(run)?.and_then(|live| live.event.as_ref());
    Ok(event.is_some_and(|event| {
        event.event_type.as_str() == ERASING && now < event.recorded_at + DurationMs::from_millis(TELLING_MS)
    }))
}
