//! What hosts hand each other: wishes for the tenant of another host, and the answers, as JSON text.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use siyu_model::event::IncomingEvent;
use siyu_model::id::RunId;
use siyu_model::json::Value;
use siyu_model::name::{PlaybookName, WorkflowName};
use siyu_model::playbook::Playbook;

use crate::operate::{ManualStart, ManuallyStarted, Publication, Published, RunAction};
use crate::tenant::Admitted;

/// What is wanted of a tenant.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Wanted {
    /// Taking in an event.
    Event(IncomingEvent),
    /// Putting a checked playbook into force.
    Publish {
        /// The playbook, compiled.
        playbook: Box<Playbook>,
        /// Its files: path and text.
        files: Vec<(String, String)>,
    },
    /// Changing the course of a run.
    Act {
        /// Which.
        run: RunId,
        /// How.
        action: RunAction,
    },
    /// Starting a manual workflow.
    Start {
        /// Of which playbook.
        playbook: PlaybookName,
        /// Which.
        workflow: WorkflowName,
        /// For whom.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        customer: Option<siyu_model::event::Subject>,
        /// What the run sees as `event`.
        data: Value,
        /// What makes it the same start.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<String>,
        /// Who starts it.
        by: String,
    },
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

impl From<Publication> for Wanted {
    fn from(publication: Publication) -> Self {
        Self::Publish { playbook: Box::new((*publication.playbook).clone()), files: publication.files }
    }
}

impl From<ManualStart> for Wanted {
    fn from(start: ManualStart) -> Self {
        let ManualStart { playbook, workflow, customer, data, id, by } = start;
        Self::Start { playbook, workflow, customer, data, id, by }
    }
}

/// A publication from its parts.
pub(super) fn publication(playbook: Playbook, files: Vec<(String, String)>) -> Publication {
    Publication { playbook: Arc::new(playbook), files }
}
