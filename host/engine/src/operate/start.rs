//! Starting manual workflows. A start that names an id happens once, however often it is asked for.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use siyu_model::event::{EventSeq, Subject};
use siyu_model::id::{CustomerId, RunId, ScanId};
use siyu_model::json::Value;
use siyu_model::name::{EventType, PlaybookName, WorkflowName};
use siyu_model::playbook::Trigger;
use siyu_model::run::Target;

use super::runs::{OperateError, Operated};
use crate::admit::{self, Start};
use crate::memory::{Halt, MemoryCell, PendingEvent, Worked};
use crate::ports::rows::ScanPurpose;

/// A manual start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ManualStart {
    /// The playbook.
    pub playbook: PlaybookName,
    /// Its workflow.
    pub workflow: WorkflowName,
    /// For whom; for the workflow's audience when it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<Subject>,
    /// What the run sees as `event`; an object.
    pub data: Value,
    /// What makes it the same start when it is asked for again, 1 to 256 bytes; without one every request is a new start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Who starts it, for the log.
    pub by: String,
}

/// What a manual start began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ManuallyStarted {
    /// A run.
    Run(RunId),
    /// A scan over the workflow's audience, which starts a run each.
    Audience(ScanId),
}

/// What a start led to, as its event keeps it for people and for those who ask again.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Outcome {
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    started: BTreeMap<String, RunId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    audience: Option<ScanId>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    not: BTreeMap<String, String>,
}

impl Outcome {
    fn of(workflow: &WorkflowName, begun: &Result<ManuallyStarted, String>) -> Self {
        let mut outcome = Self::default();
        match begun {
            Ok(ManuallyStarted::Run(run)) => drop(outcome.started.insert(workflow.to_string(), *run)),
            Ok(ManuallyStarted::Audience(scan)) => outcome.audience = Some(*scan),
            Err(why) => drop(outcome.not.insert(workflow.to_string(), why.clone())),
        }
        outcome
    }

    fn begun(self) -> Option<Result<ManuallyStarted, String>> {
        let run = self.started.into_values().next().map(ManuallyStarted::Run);
        let begun = run.or(self.audience.map(ManuallyStarted::Audience)).map(Ok);
        begun.or_else(|| self.not.into_values().next().map(Err))
    }
}

/// Starts a manual workflow.
pub(crate) fn start_manually(cell: &mut MemoryCell, request: ManualStart) -> Operated<ManuallyStarted> {
    let ManualStart { playbook, workflow, customer, data, id, by } = request;
    let source = format!("manual:{by}");
    if let Some(id) = &id
        && let Some(seq) = cell.recorded(admit::named_hash(&source, id))?
    {
        return Ok(begun_before(cell, seq)?.map_err(OperateError::NotStarted));
    }
    let unknown = OperateError::UnknownWorkflow { playbook: playbook.clone(), workflow: workflow.clone() };
    let Some((version, active)) = cell.books.active(&playbook).cloned() else {
        return Ok(Err(unknown));
    };
    let Some(found) = active.workflows.get(&workflow) else {
        return Ok(Err(unknown));
    };
    let Trigger::Manual { audience } = &found.trigger else {
        return Ok(Err(OperateError::NotManual(workflow)));
    };
    if data.as_map().is_none() {
        let why = admit::Refused::NoObject { found: data.kind() };
        return Ok(Err(why.into()));
    }
    let customer: Option<CustomerId> = match customer {
        None => None,
        Some(subject) => match admit::resolve(cell, subject, cell.now)? {
            Ok(customer) => Some(customer),
            Err(refused) => return Ok(Err(refused.into())),
        },
    };
    let event_type =
        EventType::new("manual.started").expect("`manual.started` follows the rule of event types");
    let event = admit::record_only(cell, PendingEvent { source, event_type, customer, data, depth: 0 }, id)?;
    let seq = event.seq;
    let begun = match (audience, customer) {
        (Some(audience), None) => {
            let purpose = ScanPurpose::Audience { playbook, version, workflow: workflow.clone(), event: seq };
            crate::schedule::begin_scan(cell, purpose, audience.spread, &seq.0.to_be_bytes())
                .map(|scan| Ok(ManuallyStarted::Audience(scan)))?
        }
        _ => {
            let target = Target::Workflow { playbook, version, workflow: workflow.clone() };
            let started = admit::start_run(cell, Start { target, customer, event, parent: None })?;
            started.map(ManuallyStarted::Run).map_err(|why| why.to_string())
        }
    };
    let outcome = serde_json::to_string(&Outcome::of(&workflow, &begun)).unwrap_or_default();
    cell.remember_outcome(seq, outcome);
    Ok(begun.map_err(OperateError::NotStarted))
}

/// What the start that an event stands for began.
fn begun_before(cell: &mut MemoryCell, seq: EventSeq) -> Worked<Result<ManuallyStarted, String>> {
    let text = match cell.outcome(seq) {
        Some(text) => text,
        None => cell.reader().ask(|store| store.event(seq))?.map(|row| row.outcome).unwrap_or_default(),
    };
    let outcome: Option<Outcome> = serde_json::from_str(&text).ok();
    let missing = || Halt::Broken(format!("event {} does not say what it started: `{text}`", seq.0));
    outcome.and_then(Outcome::begun).ok_or_else(missing)
}
