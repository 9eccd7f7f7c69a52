//! What hosts hand each other: wishes for the tenant of another host, and the answers, as JSON text.

use serde::{Deserialize, Serialize};
use siyu_model::event::IncomingEvent;
use siyu_model::id::RunId;

use super::HostError;
use crate::operate::{ManualStart, ManuallyStarted, Publication, Published, RunAction};
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
    Started(ManuallyStarted),
    /// It was refused, in words, and nothing happened.
    Refused(String),
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
            Self::Refused(why) => HostError::Refused(why),
            other => HostError::Refused(format!("another host answered something else: {other:?}")),
        }
    }
}
