//! Runs by workflow, by where they stand and by how they ended.

use std::collections::BTreeMap;

use serde::Serialize;
use siyu_engine::ports::inspect::Inspect;
use siyu_model::run::RunPhase;

use crate::{Frame, InsightError, Local};

/// Runs of a tenant.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunsReport {
    /// Now.
    pub as_of: Local,
    /// By workflow, in the order of playbooks and workflows.
    pub workflows: Vec<RunsOfWorkflow>,
    /// All of them, by phase; a phase without runs is left out.
    pub total: BTreeMap<RunPhase, u64>,
}

/// Runs of one workflow, or reactions of one step of a plugin.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunsOfWorkflow {
    /// The playbook.
    pub playbook: String,
    /// The workflow, or `@plugin/step` for reactions.
    pub workflow: String,
    /// How many.
    pub runs: u64,
    /// By phase; a phase without runs is left out.
    pub phases: BTreeMap<RunPhase, u64>,
    /// With which outcomes they completed.
    pub outcomes: BTreeMap<String, u64>,
    /// By which codes they failed.
    pub failures: BTreeMap<String, u64>,
}

/// Counts runs.
pub async fn runs(inspect: &dyn Inspect, frame: &Frame) -> Result<RunsReport, InsightError> {
    let mut workflows: Vec<RunsOfWorkflow> = Vec::new();
    let mut total = BTreeMap::new();
    // Lines of one workflow come one after another.
    for tally in inspect.run_tallies(None).await? {
        let is_same = |line: &RunsOfWorkflow| {
            line.playbook == tally.playbook.as_str() && line.workflow == tally.workflow
        };
        if !workflows.last().is_some_and(is_same) {
            workflows.push(RunsOfWorkflow {
                playbook: tally.playbook.to_string(),
                workflow: tally.workflow.clone(),
                runs: 0,
                phases: BTreeMap::new(),
                outcomes: BTreeMap::new(),
                failures: BTreeMap::new(),
            });
        }
        *total.entry(tally.phase).or_default() += tally.runs;
        let Some(line) = workflows.last_mut() else { continue };
        line.runs += tally.runs;
        *line.phases.entry(tally.phase).or_default() += tally.runs;
        match (tally.phase, tally.end) {
            (RunPhase::Completed, Some(end)) => *line.outcomes.entry(end).or_default() += tally.runs,
            (RunPhase::Failed, Some(end)) => *line.failures.entry(end).or_default() += tally.runs,
            _ => {}
        }
    }
    Ok(RunsReport { as_of: frame.local(frame.as_of), workflows, total })
}
