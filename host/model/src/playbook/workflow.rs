//! A workflow: what starts it, how often, and its program.

use serde::{Deserialize, Serialize};

use super::program::Program;
use crate::clock::{DurationMs, Zone};
use crate::cron::Cron;
use crate::expr::Expr;
use crate::json::Value;
use crate::name::{EventType, SegmentName, WorkflowName};

/// One workflow of a playbook.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Workflow {
    /// Its name.
    pub name: WorkflowName,
    /// For people.
    pub title: String,
    /// What starts it.
    pub trigger: Trigger,
    /// What identifies "the same" run: at most one is alive a key.
    pub key: Option<Expr>,
    /// Whether a key may run again.
    pub reentry: Reentry,
    /// How many runs may be alive at once.
    pub concurrency: Option<Concurrency>,
    /// What it is for, in numbers.
    pub goals: Vec<Goal>,
    /// Constants of this workflow, over those of the playbook.
    pub vars: Value,
    /// Its steps.
    pub program: Program,
}

/// What starts a workflow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// An event of one of these types for which the condition holds.
    Event {
        /// The types.
        types: Vec<EventType>,
        /// The condition.
        condition: Option<Expr>,
    },
    /// A cron pattern.
    Schedule {
        /// The pattern.
        cron: Cron,
        /// The zone it goes by.
        zone: Zone,
        /// What happens to ticks that were missed.
        catch_up: CatchUp,
        /// For whom; without it, one run without a customer.
        audience: Option<Audience>,
    },
    /// A person or a program asks for it.
    Manual {
        /// For whom; without it, one run, for the customer that the request names.
        audience: Option<Audience>,
    },
    /// Only other workflows, by `call`.
    Call,
}

/// What happens to ticks that a stopped host missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CatchUp {
    /// Each missed tick starts a run, oldest first.
    All,
    /// Only the last one does.
    Last,
    /// None does.
    None,
}

/// The customers that a schedule or a manual trigger starts runs for, one each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Audience {
    /// Which customers.
    pub who: Who,
    /// Over how long the starts are spread.
    pub spread: DurationMs,
}

/// Which customers an audience is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// The members of a segment.
    Segment(SegmentName),
    /// Those for whom an expression holds.
    Condition(Expr),
}

/// Whether a key may run again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reentry {
    /// Never again.
    Once,
    /// As soon as no run of the key is alive.
    Always,
    /// As soon as no run of the key is alive and the last one began at least this long ago.
    After(DurationMs),
}

/// How many runs of a workflow may be alive at once for a key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Concurrency {
    /// The key; one for all when absent.
    pub key: Option<Expr>,
    /// How many.
    pub limit: u32,
    /// What happens to one more.
    pub on_conflict: OnConflict,
}

/// What happens to a run for which there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnConflict {
    /// It waits for a place, first come first served.
    Queue,
    /// It does not begin.
    Skip,
    /// The oldest is cancelled.
    CancelOldest,
}

/// A goal: a metric and what it should be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Goal {
    /// Its name, such as `take_rate`.
    pub metric: String,
    /// Which side of the threshold is good.
    pub sense: GoalSense,
    /// The threshold.
    pub threshold: f64,
}

/// Which side of a threshold is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GoalSense {
    /// `>=`
    AtLeast,
    /// `<=`
    AtMost,
}
