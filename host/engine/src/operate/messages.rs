//! What a person found out about a message of which nobody knew what became.

use serde::{Deserialize, Serialize};
use siyu_model::id::MessageId;
use siyu_model::message::MessageStatus;

use super::OperateError;
use super::runs::Operated;
use crate::dispatch;
use crate::memory::MemoryCell;

/// What became of a message that was uncertain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It was sent.
    Sent,
    /// It was not: it goes again, unless its time is over or a rule of contact forbids it now.
    NotSent,
}

/// Settles a message that is uncertain; gives the status that it has then.
pub(crate) fn settle(cell: &mut MemoryCell, id: MessageId, fate: Fate) -> Operated<MessageStatus> {
    let Some(message) = cell.message(id)?.cloned() else {
        return Ok(Err(OperateError::UnknownMessage(id)));
    };
    match fate {
        // Whoever got no answer may ask again.
        Fate::Sent if message.status == MessageStatus::Sent => return Ok(Ok(message.status)),
        _ if !message.is_uncertain() => {
            return Ok(Err(OperateError::Certain { message: id, found: message.status.as_str() }));
        }
        _ => dispatch::settle(cell, message, fate == Fate::Sent)?,
    }
    Ok(Ok(cell.message(id)?.map_or(MessageStatus::Planned, |message| message.status)))
}
