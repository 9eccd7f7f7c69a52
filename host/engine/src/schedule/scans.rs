//! Scans: something is done for many customers, in small durable batches, spread over a window.

use std::sync::Arc;

use siyu_model::clock::DurationMs;
use siyu_model::event::Event;
use siyu_model::id::{CustomerId, ScanId};
use siyu_model::limits;
use siyu_model::playbook::{Audience, Playbook, Trigger, Who};
use siyu_model::run::Target;

use crate::admit::{self, Start};
use crate::memory::{Halt, Memory, MemoryCell, Worked, event_from_row};
use crate::ports::rows::{ScanPurpose, ScanRow, TimerKind};
use crate::ports::store::Wants;

/// Steps in which a spread starts its runs, unless more are needed to keep batches small.
const SPREAD_STEPS: u64 = 128;

/// Begins a scan. It goes on by its timer, a batch at a time.
pub(crate) fn begin(
    memory: &mut Memory,
    purpose: ScanPurpose,
    spread: DurationMs,
    cause: &[u8],
) -> Worked<ScanId> {
    let total = memory.customer_total;
    let form = serde_json::to_vec(&purpose).unwrap_or_default();
    let id = ScanId::derive(memory.now, &[cause, &form]);
    memory.set_scan(ScanRow {
        id,
        purpose,
        started_at: memory.now,
        spread_ms: spread.as_millis(),
        total,
        seen: 0,
        hits: 0,
        after: None,
        is_done: false,
    });
    let now = memory.now;
    memory.set_timer(now, TimerKind::Scan(id));
    Ok(id)
}

/// Begins to start a workflow for its audience.
pub(super) fn begin_audience(
    cell: &mut MemoryCell,
    target: &Target,
    spread: DurationMs,
    event: &Event,
) -> Worked<()> {
    let Target::Workflow { playbook, version, workflow } = target.clone() else {
        return Ok(());
    };
    let purpose = ScanPurpose::Audience { playbook, version, workflow, event: event.seq };
    begin(cell, purpose, spread, &event.seq.0.to_be_bytes()).map(drop)
}

/// A scan goes on with its next batch.
pub(super) fn due(cell: &mut MemoryCell, id: ScanId) -> Worked<()> {
    let Some(mut scan) = cell.scan(id)?.filter(|scan| !scan.is_done) else {
        return Ok(());
    };
    let after = scan.after;
    let batch = batch_of(&scan);
    let customers = cell.customer_ids(after, batch)?;
    let unknown: Vec<CustomerId> =
        customers.iter().filter(|id| cell.person_in_memory(id).is_none()).copied().collect();
    if !unknown.is_empty() {
        cell.fetch(Wants { customers: unknown, ..Wants::default() })?;
    }
    for customer in &customers {
        if visit(cell, &scan, *customer)? {
            scan.hits += 1;
        }
    }
    scan.seen += customers.len() as u64;
    scan.after = customers.last().copied().or(scan.after);
    scan.is_done = customers.len() < batch;
    if !scan.is_done {
        // The window is used evenly: a batch starts when its share of the customers is due.
        let share =
            u128::from(scan.spread_ms) * u128::from(scan.seen) / u128::from(scan.total.max(scan.seen).max(1));
        let at = scan.started_at + DurationMs::from_millis(u64::try_from(share).unwrap_or(u64::MAX));
        let at = at.max(cell.now);
        cell.set_timer(at, TimerKind::Scan(id));
    }
    cell.set_scan(scan);
    Ok(())
}

/// Customers that one batch looks at: few enough that a spread goes in small steps, however few they are in all.
fn batch_of(scan: &ScanRow) -> usize {
    let most = limits::executor::SCAN_BATCH;
    if scan.spread_ms == 0 {
        return most;
    }
    usize::try_from(scan.total.div_ceil(SPREAD_STEPS)).unwrap_or(most).clamp(1, most)
}

/// Does to one customer what the scan is for; says whether it did something.
fn visit(cell: &mut MemoryCell, scan: &ScanRow, customer: CustomerId) -> Worked<bool> {
    match &scan.purpose {
        ScanPurpose::Segment { playbook, segment } => {
            let known =
                cell.books.segments().iter().find(|(owner, name, _)| owner == playbook && name == segment);
            let Some((_, _, condition)) = known.cloned() else {
                return Ok(false);
            };
            admit::look_at_segment(cell, customer, (playbook, segment, &condition), false)?;
            Ok(cell.segment(customer, playbook, segment)?.is_some_and(|row| row.is_member))
        }
        ScanPurpose::Audience { playbook, version, workflow, event } => {
            let target = Target::Workflow {
                playbook: playbook.clone(),
                version: *version,
                workflow: workflow.clone(),
            };
            let Some(script) = crate::advance::script_for(cell, &target)? else {
                return Ok(false);
            };
            let Some(audience) = audience_of(&script.workflow.trigger) else {
                return Ok(false);
            };
            if !belongs(cell, &script.playbook, audience, customer)? {
                return Ok(false);
            }
            let event = event_at(cell, *event)?;
            let started =
                admit::start_run(cell, Start { target, customer: Some(customer), event, parent: None })?;
            Ok(started.is_ok())
        }
    }
}

fn audience_of(trigger: &Trigger) -> Option<&Audience> {
    match trigger {
        Trigger::Schedule { audience, .. } | Trigger::Manual { audience } => audience.as_ref(),
        _ => None,
    }
}

fn belongs(
    cell: &mut MemoryCell,
    playbook: &Arc<Playbook>,
    audience: &Audience,
    customer: CustomerId,
) -> Worked<bool> {
    match &audience.who {
        Who::Segment(segment) => {
            Ok(cell.segment(customer, &playbook.name, segment)?.is_some_and(|row| row.is_member))
        }
        Who::Condition(condition) => {
            let sight = cell.sight(playbook, &playbook.vars, Some(customer), None)?;
            match condition.holds(&sight.scope()) {
                Ok(holds) => Ok(holds),
                Err(fault) if fault.is_transient => {
                    Err(Halt::Store(crate::ports::store::StoreError::Database(fault.message)))
                }
                // A condition that has no value for this customer does not hold.
                Err(_) => Ok(false),
            }
        }
    }
}

/// The tick or the request that began the scan.
fn event_at(cell: &mut MemoryCell, seq: siyu_model::event::EventSeq) -> Worked<Arc<Event>> {
    if let Some(event) = cell.recent.at(seq) {
        return Ok(event.clone());
    }
    let row = cell.reader().ask(|store| store.event(seq))?;
    let row = row.ok_or_else(|| Halt::Broken(format!("event {} is gone, and a scan needs it", seq.0)))?;
    event_from_row(row).map(Arc::new)
}
