//! The steps of a workflow as a graph: every step knows what follows it, so a run's place is a number.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::clock::DurationMs;
use crate::expr::{Expr, ValueTemplate};
use crate::name::{ChannelName, EventType, OfferName, PluginName, StepId, TemplateName, WorkflowName};

/// A step's number inside its program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NodeId(pub u32);

/// The steps of a workflow. Numbers inside always name a node of `nodes`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Program {
    /// All steps, by number.
    pub nodes: Vec<Node>,
    /// The first step; none in an empty workflow.
    pub entry: Option<NodeId>,
}

impl Program {
    /// The step of this number.
    pub fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(id.0 as usize)
    }
}

/// Where a step was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The file, relative to the playbook's folder.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: u32,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// One step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// Its id; generated (`_<number>`) when none was written.
    pub id: StepId,
    /// Where it was written.
    pub place: Place,
    /// It is skipped when this does not hold.
    pub condition: Option<Expr>,
    /// What it does.
    pub action: Action,
    /// The step after it; none at the end of the run, of a branch or of an item.
    pub next: Option<NodeId>,
    /// How often a transient fault is tried again.
    pub retry: Retry,
    /// After this long the step has failed, tries included. For `wait` it is part of the action.
    pub timeout: Option<DurationMs>,
    /// What a refusal of the plugin does.
    pub on_refused: OnRefused,
    /// What a fault does.
    pub on_error: OnError,
    /// The step that undoes this one when the run fails or is cancelled later.
    pub compensate: Option<NodeId>,
    /// Whether an expression reads its output, so that the run keeps it.
    pub is_read: bool,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// `uses`: calls a step of a plugin.
    Uses {
        /// The plugin.
        plugin: PluginName,
        /// Its step.
        step: OfferName,
        /// The input.
        with: ValueTemplate,
    },
    /// `send`: plans a message.
    Send {
        /// What.
        template: TemplateName,
        /// Over what.
        channel: ChannelName,
        /// The template's variables.
        with: ValueTemplate,
    },
    /// `wait: { event: … }`.
    WaitEvent {
        /// Which events.
        types: Vec<EventType>,
        /// Only events for which this holds.
        condition: Option<Expr>,
        /// Whose events.
        correlation: Correlation,
        /// After this long the step ends with `timed_out: true`.
        timeout: Option<DurationSource>,
        /// Since when events count.
        since: Since,
    },
    /// `wait: { for: … }`.
    WaitFor {
        /// How long.
        length: DurationSource,
    },
    /// `wait: { until: … }`.
    WaitUntil {
        /// An expression that gives an instant.
        at: Expr,
    },
    /// `switch`: the first branch whose condition holds.
    Switch {
        /// The branches, in order.
        branches: Vec<Branch>,
    },
    /// `parallel`: all branches side by side; the step ends when all have ended.
    Parallel {
        /// First steps of the branches.
        branches: Vec<Option<NodeId>>,
    },
    /// `each`: the body once for every item.
    Each {
        /// An expression that gives a list.
        items: Expr,
        /// The name of the item inside the body.
        item: StepId,
        /// How many items at once.
        concurrency: u32,
        /// First step of the body.
        body: Option<NodeId>,
    },
    /// `split`: one arm by a stable hash of the customer.
    Split {
        /// Makes the hash differ from other splits.
        salt: String,
        /// The arms.
        arms: Vec<Arm>,
    },
    /// `set`: variables of the run.
    Set {
        /// Names and values; an object.
        vars: ValueTemplate,
    },
    /// `emit`: an event of this customer.
    Emit {
        /// Its type.
        event_type: EventType,
        /// Its data.
        data: ValueTemplate,
    },
    /// `respond`: answers whoever started the run and waits for an answer.
    Respond {
        /// The answer.
        body: ValueTemplate,
    },
    /// `end`: ends the run, all branches included.
    End {
        /// What it ended with, for reports.
        outcome: String,
    },
    /// `call`: another workflow of the playbook, and waits for its end.
    Call {
        /// Which.
        workflow: WorkflowName,
        /// What it sees as `event`.
        with: ValueTemplate,
    },
}

/// A branch of `switch`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Branch {
    /// Its condition; none for `else`.
    pub condition: Option<Expr>,
    /// Its first step; none goes on after the `switch`.
    pub entry: Option<NodeId>,
}

/// An arm of `split`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Arm {
    /// Its name.
    pub name: String,
    /// Its share.
    pub weight: u32,
    /// Its first step; none goes on after the `split`.
    pub entry: Option<NodeId>,
}

/// Whose events a wait takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Correlation {
    /// Those of the run's customer.
    Customer,
    /// Those for which a condition over `event` and the run holds, found by an equality in it.
    Match {
        /// The equality that the index finds events by.
        key: MatchKey,
        /// The whole condition.
        condition: Expr,
    },
}

/// `event.<path> == <value>`: how a wait is found when an event comes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MatchKey {
    /// Names below `event`.
    pub path: Vec<Arc<str>>,
    /// The other side; does not read `event`.
    pub value: Expr,
}

/// Since when events count for a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Since {
    /// Since the run began: a fast customer is not missed.
    Run,
    /// Since the wait was reached.
    Now,
}

/// How long something lasts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DurationSource {
    /// As written.
    Fixed(DurationMs),
    /// An expression that gives a duration such as `'7d'`.
    Computed(Expr),
}

/// How often a transient fault is tried again, and how soon: the pause doubles each time, up to `max`, and is spread
/// by up to a quarter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    /// Tries in all, the first included; at least 1.
    pub attempts: u32,
    /// The first pause.
    pub backoff: DurationMs,
    /// The longest pause.
    pub max: DurationMs,
}

impl Default for Retry {
    /// Three tries, after 10 seconds and 20 seconds.
    fn default() -> Self {
        Self { attempts: 3, backoff: DurationMs::from_millis(10_000), max: DurationMs::from_millis(600_000) }
    }
}

/// What a refusal does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnRefused {
    /// The run goes on; `steps.<id>.refused` says why.
    Continue,
    /// The run fails.
    Fail,
    /// Steps by code, then the run goes on after the step. The last arm may be for all other codes.
    Steps(Vec<(Option<String>, Option<NodeId>)>),
}

/// What a fault does, once no try is left.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnError {
    /// The run fails.
    Fail,
    /// The run goes on; `steps.<id>.error` says why.
    Continue,
    /// These steps, then the run goes on after the step.
    Steps(Option<NodeId>),
}
