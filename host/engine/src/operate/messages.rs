//! What people say of messages: what became of one of which nobody knew, and that one which did not arrive goes once more.

use serde::{Deserialize, Serialize};
use siyu_model::id::MessageId;
use siyu_model::message::{Message, MessageStatus};

use super::OperateError;
use super::runs::Operated;
use crate::dispatch;
use crate::memory::{MemoryCell, Worked};

/// What a person says of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It was uncertain, and somebody found out that it was sent.
    Sent,
    /// It was uncertain, and was not sent: it goes again, unless its time is over or a rule of contact forbids it now.
    NotSent,
    /// It failed, or its time passed: it goes once more under the same id, with the time that its template gives, unless a rule of contact
    /// forbids it now.
    Again,
}

/// Does what somebody says of a message; gives the status that it has then.
pub(crate) fn settle(cell: &mut MemoryCell, id: MessageId, fate: Fate) -> Operated<MessageStatus> {
    let Some(message) = cell.message(id)?.cloned() else {
        return Ok(Err(OperateError::UnknownMessage(id)));
    };
    match fate {
        // Whoever got no answer may ask again.
        Fate::Again if message.goes_once_more() => {}
        Fate::Sent if message.status == MessageStatus::Sent => {}
        Fate::Again => {
            if let Some(why) = no_redelivery(cell, &message)? {
                return Ok(Err(OperateError::NoRedelivery { message: id, why }));
            }
            dispatch::redeliver(cell, message)?;
        }
        _ if !message.is_uncertain() => {
            return Ok(Err(OperateError::Certain { message: id, found: message.status.as_str() }));
        }
        _ => dispatch::settle(cell, message, fate == Fate::Sent)?,
    }
    Ok(Ok(cell.message(id)?.map_or(MessageStatus::Planned, |message| message.status)))
}

/// Why a message does not go once more; none when it does.
fn no_redelivery(cell: &mut MemoryCell, message: &Message) -> Worked<Option<String>> {
    if !matches!(message.status, MessageStatus::Failed | MessageStatus::Expired) {
        return Ok(Some(format!("it is {}: expected failed or expired", message.status.as_str())));
    }
    let is_gone = cell.person(message.customer)?.is_none();
    Ok(is_gone.then(|| "its customer was erased".to_owned()))
}
