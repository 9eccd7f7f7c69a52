//! Messages that are durable and wait for room at the dispatcher.
//!
//! A channel that stands still must not fill memory: beyond a limit only the ids are kept, and the messages are read from
//! the store again when their turn comes. Nothing here is lost in a crash: what was not sent is planned in the store.

use std::collections::VecDeque;

use siyu_model::id::MessageId;
use siyu_model::limits::executor::OUTBOX_MAX;
use siyu_model::message::{Message, MessageStatus};

/// Messages handed over, and read again, at once.
pub(super) const MESSAGES_PER_BATCH: usize = 1_024;

/// Messages in the order in which they became due.
#[derive(Default)]
pub(super) struct Outbox {
    messages: VecDeque<Message>,
    /// Those behind them, by id; while there are any, further ones come behind these.
    later: VecDeque<MessageId>,
}

impl Outbox {
    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty() && self.later.is_empty()
    }

    pub(super) fn extend(&mut self, messages: Vec<Message>) {
        for message in messages {
            if self.later.is_empty() && self.messages.len() < OUTBOX_MAX {
                self.messages.push_back(message);
            } else {
                self.later.push_back(message.id);
            }
        }
    }

    /// The next messages to hand over; none when there is none, or when they must be read first.
    pub(super) fn next(&mut self) -> Vec<Message> {
        let count = self.messages.len().min(MESSAGES_PER_BATCH);
        self.messages.drain(..count).collect()
    }

    /// There was no room for these.
    pub(super) fn put_back(&mut self, messages: Vec<Message>) {
        messages.into_iter().rev().for_each(|message| self.messages.push_front(message));
    }

    /// Which messages must be read now; they are forgotten here until [`Outbox::read`] brings them back.
    pub(super) fn wants(&mut self) -> Vec<MessageId> {
        if !self.messages.is_empty() {
            return Vec::new();
        }
        let count = self.later.len().min(MESSAGES_PER_BATCH);
        self.later.drain(..count).collect()
    }

    /// Messages as the store has them; those that became something else meanwhile do not go.
    pub(super) fn read(&mut self, messages: Vec<Message>) {
        let planned = messages.into_iter().filter(|message| message.status == MessageStatus::Planned);
        self.messages.extend(planned);
    }

    pub(super) fn clear(&mut self) {
        self.messages.clear();
        self.later.clear();
    }
}
