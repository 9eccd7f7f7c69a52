//! Fibers: the places at which a run is. One for the run, one more for every branch and item that is alive.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::clock::{DurationMs, UtcMs};
use crate::digest::Hash16;
use crate::event::EventSeq;
use crate::id::{RunId, WaitId};
use crate::json::Value;
use crate::name::{EventType, StepId};
use crate::playbook::NodeId;

/// A fiber's number inside its run; 0 is the run's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FiberId(pub u32);

/// One place at which a run is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fiber {
    /// Its number.
    pub id: FiberId,
    /// The fiber that waits for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<FiberId>,
    /// The step it is at.
    pub at: NodeId,
    /// What it does there.
    pub state: FiberState,
    /// Tries of the step so far.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub attempt: u32,
    /// When the step it is at has failed by its `timeout`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<UtcMs>,
    /// Outputs of steps of this branch or item.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub kept: BTreeMap<StepId, Value>,
    /// The last event of a type that a wait of this branch or item took: an event lets each of them go on once.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub matched: BTreeMap<EventType, EventSeq>,
    /// The item of an `each`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<Item>,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// The item that a fiber of an `each` works on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// The name that expressions read.
    pub name: StepId,
    /// Its place in the list, from 0.
    pub index: u32,
    /// The item.
    pub value: Value,
}

/// What a fiber does at its step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FiberState {
    /// It can go on at once.
    Ready,
    /// It waits for an event.
    Waiting {
        /// The wait.
        wait: WaitId,
        /// When the wait ends without one.
        until: Option<UtcMs>,
        /// The key under which a wait with `match` is found.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        matching: Option<Hash16>,
    },
    /// It waits for an instant.
    Sleeping {
        /// The instant.
        until: UtcMs,
    },
    /// It will try its step again.
    Retrying {
        /// When.
        until: UtcMs,
    },
    /// It waits for its branches or items.
    Joining(Joining),
    /// It waits for the end of a run that it called.
    Calling {
        /// The run.
        run: RunId,
    },
    /// It stands still while the run is paused; `left` counts down again when the run goes on.
    Halted {
        /// What it did.
        state: Box<FiberState>,
        /// What was left of its time.
        left: Option<DurationMs>,
        /// What was left of its step's `timeout`.
        deadline_left: Option<DurationMs>,
    },
}

/// A fiber that waits for its branches or items.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Joining {
    /// Fibers that are alive below it.
    pub alive: u32,
    /// Items that have not begun, with the place of the first of them.
    pub waiting_items: Vec<Value>,
    /// The place of the first waiting item.
    pub next_index: u32,
    /// What finished items gave, by place.
    pub results: BTreeMap<u32, Value>,
    /// The last event of a type that a finished branch took: it counts for what comes after the branches, not for those
    /// that are still alive.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub matched: BTreeMap<EventType, EventSeq>,
}

impl Fiber {
    /// A fiber that is about to execute a step.
    pub fn new(id: FiberId, parent: Option<FiberId>, at: NodeId) -> Self {
        Self {
            id,
            parent,
            at,
            state: FiberState::Ready,
            attempt: 0,
            deadline: None,
            kept: BTreeMap::new(),
            matched: BTreeMap::new(),
            item: None,
        }
    }

    /// The instant at which the fiber goes on by itself; none when only something else can wake it.
    pub fn due_at(&self) -> Option<UtcMs> {
        let own = match &self.state {
            FiberState::Ready | FiberState::Halted { .. } => return None,
            FiberState::Waiting { until, .. } => *until,
            FiberState::Sleeping { until } | FiberState::Retrying { until } => Some(*until),
            _ => None,
        };
        match (own, self.deadline) {
            (Some(own), Some(deadline)) => Some(own.min(deadline)),
            (own, deadline) => own.or(deadline),
        }
    }
}
