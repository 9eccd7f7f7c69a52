//! A run: one execution of a workflow. Its state is all it needs to go on.

mod fiber;
mod status;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use fiber::{Fiber, FiberId, FiberState, Item, Joining};
pub use status::{RunEnd, RunPhase, RunStatus};

use crate::clock::UtcMs;
use crate::digest::PlaybookDigest;
use crate::event::EventSeq;
use crate::expr::StepOutputs;
use crate::id::{CustomerId, RunId};
use crate::json::Value;
use crate::name::{EventType, OfferName, PlaybookName, PluginName, StepId, WorkflowName};
use crate::playbook::NodeId;

/// One execution of a workflow, or one reaction of a plugin.
#[derive(Debug, Clone)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// What it executes.
    pub target: Target,
    /// For whom.
    pub customer: Option<CustomerId>,
    /// What identifies "the same" run; at most one is alive.
    pub key: Option<String>,
    /// What it takes a place of, under `concurrency`.
    pub slot: Option<String>,
    /// The event that started it.
    pub event: Option<EventSeq>,
    /// The last event that was recorded when it began: later ones count for `since: run`.
    pub since_seq: EventSeq,
    /// How many causes lie behind it.
    pub depth: u32,
    /// The run that called it, and the fiber that waits.
    pub parent: Option<(RunId, FiberId)>,
    /// When it began.
    pub started_at: UtcMs,
    /// When it last changed.
    pub changed_at: UtcMs,
    /// Where it stands.
    pub status: RunStatus,
    /// What it needs to go on.
    pub state: RunState,
    /// Lines in its journal.
    pub journal_rows: u32,
}

/// What a run executes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Target {
    /// A workflow of a version of a playbook.
    Workflow {
        /// The playbook.
        playbook: PlaybookName,
        /// The version that it keeps to its end.
        version: PlaybookDigest,
        /// The workflow.
        workflow: WorkflowName,
    },
    /// A step that a plugin runs by itself when an event comes.
    Reaction {
        /// The playbook that grants the plugin its rights.
        playbook: PlaybookName,
        /// The version that names the plugin's content.
        version: PlaybookDigest,
        /// The plugin.
        plugin: PluginName,
        /// Its step.
        step: OfferName,
    },
}

impl Target {
    /// The playbook.
    pub fn playbook(&self) -> &PlaybookName {
        match self {
            Self::Workflow { playbook, .. } | Self::Reaction { playbook, .. } => playbook,
        }
    }

    /// The version of the playbook.
    pub fn version(&self) -> PlaybookDigest {
        match self {
            Self::Workflow { version, .. } | Self::Reaction { version, .. } => *version,
        }
    }

    /// The name that stores and people see: the workflow's, or `@plugin/step` for a reaction.
    pub fn name(&self) -> String {
        match self {
            Self::Workflow { workflow, .. } => workflow.to_string(),
            Self::Reaction { plugin, step, .. } => format!("@{plugin}/{step}"),
        }
    }

    /// From the name that [`Target::name`] gave; none for a text that it never gives.
    pub fn from_name(playbook: PlaybookName, version: PlaybookDigest, name: &str) -> Option<Self> {
        match name.strip_prefix('@') {
            None => Some(Self::Workflow { playbook, version, workflow: name.parse().ok()? }),
            Some(reaction) => {
                let (plugin, step) = reaction.split_once('/')?;
                Some(Self::Reaction {
                    playbook,
                    version,
                    plugin: plugin.parse().ok()?,
                    step: step.parse().ok()?,
                })
            }
        }
    }
}

/// What a run needs to go on: where its fibers are, and the values that later steps read.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RunState {
    /// Branches that are alive. The first is the run's own.
    pub fibers: Vec<Fiber>,
    /// The number of the next fiber.
    pub next_fiber: u32,
    /// Outputs of finished steps that expressions read.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub kept: BTreeMap<StepId, Value>,
    /// What `set` set.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub vars: BTreeMap<std::sync::Arc<str>, Value>,
    /// The last event of a type that a wait of the run took outside of branches and items: an event lets it go on once.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub matched: BTreeMap<EventType, EventSeq>,
    /// Finished steps that have a `compensate`, oldest first, each with the input of its compensation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undo: Vec<Undo>,
}

/// A finished step that can be undone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Undo {
    /// The compensating step.
    pub node: NodeId,
    /// Its input, computed when the step had finished.
    pub input: Value,
}

impl RunState {
    /// The fiber of this number.
    pub fn fiber(&self, id: FiberId) -> Option<&Fiber> {
        self.fibers.iter().find(|fiber| fiber.id == id)
    }

    /// The fiber of this number, to change it.
    pub fn fiber_mut(&mut self, id: FiberId) -> Option<&mut Fiber> {
        self.fibers.iter_mut().find(|fiber| fiber.id == id)
    }

    /// The last event of a type that a fiber, or one around it, took; the first place of the log when none did.
    pub fn matched_by(&self, fiber: FiberId, event_type: &EventType) -> EventSeq {
        let mut last = self.matched.get(event_type).copied().unwrap_or_default();
        let mut next = self.fiber(fiber);
        while let Some(fiber) = next {
            last = last.max(fiber.matched.get(event_type).copied().unwrap_or_default());
            next = fiber.parent.and_then(|parent| self.fiber(parent));
        }
        last
    }

    /// What a fiber sees as `steps`: its own outputs, then those of the fibers around it, then the run's.
    pub fn outputs(&self, fiber: FiberId) -> Outputs<'_> {
        Outputs { state: self, fiber }
    }
}

/// The outputs that a fiber sees.
pub struct Outputs<'a> {
    state: &'a RunState,
    fiber: FiberId,
}

impl StepOutputs for Outputs<'_> {
    fn output(&self, step: &str) -> Option<Value> {
        let mut next = self.state.fiber(self.fiber);
        while let Some(fiber) = next {
            if let Some(value) = fiber.kept.get(step) {
                return Some(value.clone());
            }
            next = fiber.parent.and_then(|parent| self.state.fiber(parent));
        }
        self.state.kept.get(step).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_sees_its_own_outputs_before_those_around_it() {
        let mut state = RunState::default();
        let mut outer = Fiber::new(FiberId(0), None, NodeId(0));
        outer.kept.insert("a".parse().unwrap(), Value::Int(1));
        let mut inner = Fiber::new(FiberId(1), Some(FiberId(0)), NodeId(1));
        inner.kept.insert("b".parse().unwrap(), Value::Int(2));
        state.fibers = vec![outer, inner];
        state.kept.insert("c".parse().unwrap(), Value::Int(3));
        state.kept.insert("a".parse().unwrap(), Value::Int(9));
        let seen = |fiber, step| state.outputs(FiberId(fiber)).output(step).and_then(|value| value.as_int());
        assert_eq!([seen(1, "a"), seen(1, "b"), seen(1, "c")], [Some(1), Some(2), Some(3)]);
        assert_eq!([seen(0, "a"), seen(0, "b"), seen(0, "x")], [Some(1), None, None]);
    }

    #[test]
    fn a_target_survives_its_name() {
        let playbook: PlaybookName = "club".parse().unwrap();
        let version = PlaybookDigest([1; 32]);
        for name in ["first-order", "@coupon/expire"] {
            assert_eq!(Target::from_name(playbook.clone(), version, name).unwrap().name(), name);
        }
        assert_eq!(Target::from_name(playbook, version, "@coupon"), None);
    }
}
