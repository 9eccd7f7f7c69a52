//! What comes into a tenant's inbox, and the answers that leave after the commit.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use siyu_model::clock::UtcMs;
use siyu_model::event::{IncomingEvent, Subject};
use siyu_model::id::{CustomerId, MessageId, RunId};
use siyu_model::json::Value;
use siyu_model::message::MessageStatus;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tracing::Span;

use crate::admit::{Admission, Refused};
use crate::operate::{
    Fate, ManualStart, ManuallyStarted, OperateError, Publication, PublishError, Published, RunAction,
};

/// A command: what is wanted, and when it came.
pub(crate) struct Command {
    pub(crate) at: UtcMs,
    /// For a collector: from now until everything that follows at once was done.
    pub(crate) span: Span,
    pub(crate) queued: Queued,
    pub(crate) wish: Wish,
}

/// When a command was put into the inbox, and how many stood there before it.
pub(crate) struct Queued {
    pub(crate) since: Instant,
    pub(crate) ahead: usize,
}

impl Command {
    /// When it happens in virtual time: an event says so itself.
    pub(crate) fn instant(&self) -> UtcMs {
        match &self.wish {
            Wish::Event { event: IncomingEvent { time: Some(time), .. }, .. } => *time,
            _ => self.at,
        }
    }
}

/// Where an answer goes.
pub(crate) type Reply<T> = oneshot::Sender<Result<T, Unavailable>>;

/// What is wanted.
pub(crate) enum Wish {
    Event { event: IncomingEvent, feed: Option<(Arc<str>, u64)>, reply: Option<Reply<Admitted>> },
    Fed { feed: String, reply: Reply<u64> },
    Publish { publication: Box<Publication>, reply: Reply<Result<Published, PublishError>> },
    Act { run: RunId, action: RunAction, reply: Reply<Result<RunId, OperateError>> },
    SettleMessage { message: MessageId, fate: Fate, reply: Reply<Result<MessageStatus, OperateError>> },
    Erase { who: Subject, reply: Reply<Result<CustomerId, OperateError>> },
    Start { request: Box<ManualStart>, reply: Reply<Result<ManuallyStarted, OperateError>> },
    Settle { reply: Reply<Option<UtcMs>> },
}

/// What became of an event that was handed in, all of it durable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Admitted {
    /// It is in the log.
    Recorded {
        /// Its place, its customer, the runs that it started.
        admission: Admission,
        /// What its runs answered with `respond` before they first waited.
        responses: HashMap<RunId, Value>,
    },
    /// It was refused, and nothing happened.
    Refused(Refused),
}

/// Why a command got no answer of its own. Whether it was done is unknown only for [`Unavailable::Failed`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// The inbox is full, or what is in it takes too long: nothing was done; try again after a moment.
    #[error("the tenant has more to do than it can hold: try again in a second")]
    Busy,
    /// The store failed: it may or may not have been done; the same event can be handed in again.
    #[error("the tenant could not make it durable: {0}")]
    Failed(String),
    /// The tenant is stopped.
    #[error("the tenant is stopped")]
    Stopped,
}

impl Unavailable {
    /// The tenant stopped or failed before it came to the command, or while it executed it.
    pub(crate) fn unanswered() -> Self {
        Self::Failed("the tenant stopped before it was durable".to_owned())
    }
}

/// An answer that waits for its commit.
pub(crate) enum Answer {
    Event(Reply<Admitted>, Admitted),
    Fed(Reply<u64>, u64),
    Publish(Reply<Result<Published, PublishError>>, Result<Published, PublishError>),
    Act(Reply<Result<RunId, OperateError>>, Result<RunId, OperateError>),
    Message(Reply<Result<MessageStatus, OperateError>>, Result<MessageStatus, OperateError>),
    Erase(Reply<Result<CustomerId, OperateError>>, Result<CustomerId, OperateError>),
    Start(Reply<Result<ManuallyStarted, OperateError>>, Result<ManuallyStarted, OperateError>),
}

impl Answer {
    /// Gives the answer: what it is about is durable. Nobody may be waiting any more.
    pub(crate) fn give(self) {
        match self {
            Self::Event(reply, answer) => drop(reply.send(Ok(answer))),
            Self::Fed(reply, answer) => drop(reply.send(Ok(answer))),
            Self::Publish(reply, answer) => drop(reply.send(Ok(answer))),
            Self::Act(reply, answer) => drop(reply.send(Ok(answer))),
            Self::Message(reply, answer) => drop(reply.send(Ok(answer))),
            Self::Erase(reply, answer) => drop(reply.send(Ok(answer))),
            Self::Start(reply, answer) => drop(reply.send(Ok(answer))),
        }
    }

    /// The commit failed.
    pub(crate) fn fail(self, why: &str) {
        let why = || Unavailable::Failed(why.to_owned());
        match self {
            Self::Event(reply, _) => drop(reply.send(Err(why()))),
            Self::Fed(reply, _) => drop(reply.send(Err(why()))),
            Self::Publish(reply, _) => drop(reply.send(Err(why()))),
            Self::Act(reply, _) => drop(reply.send(Err(why()))),
            Self::Message(reply, _) => drop(reply.send(Err(why()))),
            Self::Erase(reply, _) => drop(reply.send(Err(why()))),
            Self::Start(reply, _) => drop(reply.send(Err(why()))),
        }
    }
}

impl Wish {
    /// Why it cannot be done.
    pub(crate) fn fail(self, why: &Unavailable) {
        match self {
            Self::Event { reply, .. } => {
                if let Some(reply) = reply {
                    drop(reply.send(Err(why.clone())));
                }
            }
            Self::Fed { reply, .. } => drop(reply.send(Err(why.clone()))),
            Self::Publish { reply, .. } => drop(reply.send(Err(why.clone()))),
            Self::Act { reply, .. } => drop(reply.send(Err(why.clone()))),
            Self::SettleMessage { reply, .. } => drop(reply.send(Err(why.clone()))),
            Self::Erase { reply, .. } => drop(reply.send(Err(why.clone()))),
            Self::Start { reply, .. } => drop(reply.send(Err(why.clone()))),
            Self::Settle { reply } => drop(reply.send(Err(why.clone()))),
        }
    }
}
