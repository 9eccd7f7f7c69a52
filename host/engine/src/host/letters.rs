//! What hosts hand each other: wishes for the tenant of another host, and the answers, as JSON text.

use serde::{Deserialize, Serialize};
use siyu_model::clock::UtcMs;
use siyu_model::digest::PlaybookDigest;
use siyu_model::event::{IncomingEvent, Subject};
use siyu_model::id::{CustomerId, MessageId, RunId};
use siyu_model::message::MessageStatus;

use super::HostError;
use crate::operate::{Fate, ManualStart, ManuallyStarted, Publication, Published, RunAction};
use crate::tenant::Admitted;

/// What is wanted of a tenant.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Wanted {
    /// Taking in an event.
    Event(IncomingEvent),
    /// Putting a checked playbook into force.
    Publish(Publication),
    /// Changing the course of a run.
    Act {
        /// Which.
        run: RunId,
        /// How.
        action: RunAction,
    },
    /// Settling a message that is uncertain.
    Settle {
        /// Which.
        message: MessageId,
        /// What became of it.
        fate: Fate,
    },
    /// Erasing a customer.
    Erase(Subject),
    /// Starting a manual workflow.
    Start(ManualStart),
}

/// What became of it. All of it is durable.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Answered {
    Event(Admitted),
    Published(Published),
    Run(RunId),
    Message(MessageStatus),
    Erasing(CustomerId),
    Started(ManuallyStarted),
    /// Another version is in force than the one that was to be replaced, and nothing happened.
    Overtaken(Option<PlaybookDigest>),
    /// What it is about is not there, in words, and nothing happened.
    Missing(String),
    /// It was refused, in words, and nothing happened.
    Refused(String),
}

impl Wanted {
    /// The same in a form that has its effect once, however often it is done: under a name that no other wish has, at the
    /// instant at which it is asked.
    pub(super) fn once(self, name: &str, at: UtcMs) -> Self {
        match self {
            Self::Start(start) => {
                let id = start.id.or_else(|| Some(name.to_owned()));
                Self::Start(ManualStart { id, ..start })
            }
            Self::Act { run, action: RunAction::Retry } => {
                let new = RunId::derive(at, &[run.as_bytes(), b"retry", name.as_bytes()]);
                Self::Act { run, action: RunAction::RetryAs(new) }
            }
            Self::Act { run, action: RunAction::Replay { from, new: None } } => {
                let new = RunId::derive(at, &[run.as_bytes(), b"replay", name.as_bytes()]);
                Self::Act { run, action: RunAction::Replay { from, new: Some(new) } }
            }
            // An event has an id; what is in force, halted or over already stays so.
            other => other,
        }
    }
}

impl Answered {
    /// The answer to an event.
    pub(super) fn event(self) -> Result<Admitted, HostError> {
        match self {
            Self::Event(admitted) => Ok(admitted),
            other => Err(other.refused()),
        }
    }

    /// The answer to a publication.
    pub(super) fn published(self) -> Result<Published, HostError> {
        match self {
            Self::Published(published) => Ok(published),
            Self::Overtaken(in_force) => Err(HostError::Overtaken { in_force }),
            other => Err(other.refused()),
        }
    }

    /// The answer to what operators do to a run.
    pub(super) fn run(self) -> Result<RunId, HostError> {
        match self {
            Self::Run(run) => Ok(run),
            other => Err(other.refused()),
        }
    }

    /// The answer to what somebody found out about a message.
    pub(super) fn message(self) -> Result<MessageStatus, HostError> {
        match self {
            Self::Message(status) => Ok(status),
            other => Err(other.refused()),
        }
    }

    /// The answer to the wish that a customer be erased.
    pub(super) fn erasing(self) -> Result<CustomerId, HostError> {
        match self {
            Self::Erasing(customer) => Ok(customer),
            other => Err(other.refused()),
        }
    }

    /// The answer to a manual start.
    pub(super) fn started(self) -> Result<ManuallyStarted, HostError> {
        match self {
            Self::Started(started) => Ok(started),
            other => Err(other.refused()),
        }
    }

    /// Why it was refused; an answer of another kind is a fault of the host that gave it.
    fn refused(self) -> HostError {
        match self {
            Self::Missing(why) => HostError::Missing(why),
            Self::Refused(why) => HostError::Refused(why),
            other => HostError::Refused(format!("another host answered something else: {other:?}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use siyu_model::json::Value;

    use super::*;

    fn start(id: Option<&str>) -> Wanted {
        Wanted::Start(ManualStart {
            playbook: "p".parse().expect("a name"),
            workflow: "w".parse().expect("a name"),
            customer: None,
            data: Value::map::<String>([]),
            id: id.map(str::to_owned),
            by: "test".to_owned(),
        })
    }

    fn once(wanted: Wanted, name: &str) -> String {
        format!("{:?}", wanted.once(name, UtcMs::EPOCH))
    }

    #[test]
    fn what_would_be_done_twice_gets_a_name_and_what_has_one_keeps_it() {
        assert!(once(start(None), "one").contains(r#"id: Some("one")"#));
        assert!(once(start(Some("own")), "one").contains(r#"id: Some("own")"#));
        let run = RunId::derive(UtcMs::EPOCH, &[b"run"]);
        let act = |action| Wanted::Act { run, action };
        assert_ne!(once(act(RunAction::Retry), "one"), once(act(RunAction::Retry), "two"));
        assert_eq!(once(act(RunAction::Retry), "one"), once(act(RunAction::Retry), "one"));
        assert_eq!(once(act(RunAction::Pause), "one"), format!("{:?}", act(RunAction::Pause)));
    }
}
