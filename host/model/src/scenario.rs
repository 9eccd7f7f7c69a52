//! Scenarios: what `tests/*.yaml` of a playbook say. Things happen on a virtual clock, then something is expected.

use serde::{Deserialize, Serialize};

use crate::clock::{DurationMs, UtcMs};
use crate::event::{IncomingEvent, Subject};
use crate::expr::Expr;
use crate::json::Value;
use crate::message::MessageStatus;
use crate::name::{
    EventType, Key, OfferName, PluginName, SegmentName, StepId, Tag, TemplateName, WorkflowName,
};
use crate::playbook::Place;
use crate::run::RunPhase;

/// One test of a playbook.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// What it shows, as a sentence.
    pub name: String,
    /// Where it was written.
    pub place: Place,
    /// When it begins.
    pub at: UtcMs,
    /// From which codes and draws are derived: the same seed gives the same.
    pub seed: String,
    /// Plugin steps that are not called but answer what is written here.
    pub mocks: Vec<Mock>,
    /// What happens and what is expected, in order.
    pub beats: Vec<Beat>,
}

/// A plugin step that answers what is written.
#[derive(Debug, Clone, PartialEq)]
pub struct Mock {
    /// Whose step.
    pub plugin: PluginName,
    /// Which.
    pub step: OfferName,
    /// Its answers in turn; the last one repeats.
    pub answers: Vec<MockAnswer>,
}

/// What a mocked step answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MockAnswer {
    /// Its output.
    Done(Value),
    /// A refusal with this code.
    Refused(String),
    /// A transient fault with this code.
    Transient(String),
    /// A permanent fault with this code.
    Permanent(String),
}

/// Something that happens, or that is expected.
#[derive(Debug, Clone, PartialEq)]
pub struct Beat {
    /// Where it was written.
    pub place: Place,
    /// What.
    pub kind: BeatKind,
}

/// What a beat is.
#[derive(Debug, Clone, PartialEq)]
pub enum BeatKind {
    /// An event comes in; without a time it happens now.
    Event(IncomingEvent),
    /// A manual workflow is started.
    Start {
        /// Which.
        workflow: WorkflowName,
        /// For whom.
        customer: Option<Subject>,
        /// What it sees as `event`.
        data: Value,
    },
    /// Time passes; everything that falls due happens.
    Advance(DurationMs),
    /// Time passes until an instant.
    Until(UtcMs),
    /// Something must hold now.
    Expect(Expectation),
}

/// What must hold.
#[derive(Debug, Clone, PartialEq)]
pub enum Expectation {
    /// The newest run of a workflow for a customer.
    Run {
        /// Which workflow.
        workflow: WorkflowName,
        /// For whom.
        customer: Option<Subject>,
        /// In which state.
        phase: Option<RunPhase>,
        /// At which step it waits.
        at: Option<StepId>,
        /// What it ended with.
        outcome: Option<String>,
        /// How many such runs there are in all.
        count: Option<u64>,
    },
    /// A step of the newest run of a workflow for a customer.
    Step {
        /// Which workflow.
        workflow: WorkflowName,
        /// For whom.
        customer: Option<Subject>,
        /// Which step.
        step: StepId,
        /// How it went: `done`, `refused`, `failed`, `skipped`, `timed_out`, `waiting` …
        went: Option<String>,
        /// The code of a refusal or fault.
        code: Option<String>,
        /// Members that its output must have.
        output: Option<Value>,
    },
    /// Messages to a customer.
    Messages {
        /// To whom.
        customer: Subject,
        /// From which template.
        template: Option<TemplateName>,
        /// In which state.
        status: Option<MessageStatus>,
        /// How many.
        count: Option<u64>,
        /// What the newest of them contains.
        contains: Option<String>,
    },
    /// Tags of a customer.
    Tags {
        /// Whose.
        customer: Subject,
        /// Those that must be there.
        has: Vec<Tag>,
        /// Those that must not.
        lacks: Vec<Tag>,
    },
    /// Whether a customer is in a segment.
    Segment {
        /// Who.
        customer: Subject,
        /// Which.
        segment: SegmentName,
        /// Whether they are in it.
        is_member: bool,
    },
    /// Events of a type.
    Events {
        /// Which.
        event_type: EventType,
        /// Whose; everybody's when absent.
        customer: Option<Subject>,
        /// How many.
        count: u64,
    },
    /// A pool of a plugin.
    Pool {
        /// Whose.
        plugin: PluginName,
        /// Which.
        key: Key,
        /// Units that must be available.
        available: Option<u64>,
        /// Units that must be reserved.
        reserved: Option<u64>,
        /// Units that must be sold.
        sold: Option<u64>,
    },
    /// An expression over a customer.
    Holds {
        /// Whose.
        customer: Subject,
        /// What must hold.
        condition: Expr,
    },
}
