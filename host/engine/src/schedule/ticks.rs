//! Ticks of cron patterns, in their time zones, and what happens to ticks that were missed.

use siyu_model::clock::{DurationMs, UtcMs};
use siyu_model::json::Value;
use siyu_model::name::{EventType, PlaybookName, WorkflowName};
use siyu_model::playbook::{Audience, CatchUp, Trigger};
use siyu_model::run::Target;

use super::scans;
use crate::admit::{self, Start};
use crate::memory::{Memory, MemoryCell, PendingEvent, Worked};
use crate::ports::rows::ScheduleRow;

/// A tick that is later than this was missed: the host was down or too busy.
const MISSED_MS: u64 = 60_000;
/// Missed ticks that are looked at in one go; a pattern of every minute for a week stays below.
const MISSED_MAX: usize = 10_080;

/// Plans the next tick of every schedule of a playbook; those of workflows that are gone are taken away.
pub(crate) fn plan(memory: &mut Memory, playbook: &PlaybookName) -> Worked<()> {
    let Some((_, active)) = memory.books.active(playbook).cloned() else {
        return Ok(());
    };
    for row in memory.schedules_of(playbook) {
        let is_there =
            active.workflows.get(&row.workflow).is_some_and(|workflow| pattern(&workflow.trigger).is_some());
        if !is_there && row.next_at.is_some() {
            memory.set_schedule(ScheduleRow { next_at: None, ..row });
        }
    }
    for workflow in active.workflows.values() {
        let (Some(pattern), Trigger::Schedule { cron, zone, .. }) =
            (pattern(&workflow.trigger), &workflow.trigger)
        else {
            continue;
        };
        // A schedule that did not change keeps its next tick: publishing again neither skips nor doubles one.
        let known = memory.schedule(playbook, &workflow.name);
        if known.is_some_and(|row| row.pattern == pattern && row.next_at.is_some()) {
            continue;
        }
        let next_at = cron.next_after(memory.now, zone);
        let (playbook, workflow) = (playbook.clone(), workflow.name.clone());
        memory.set_schedule(ScheduleRow { playbook, workflow, pattern, next_at });
    }
    Ok(())
}

fn pattern(trigger: &Trigger) -> Option<String> {
    match trigger {
        Trigger::Schedule { cron, zone, .. } => Some(format!("{cron} {}", zone.name())),
        _ => None,
    }
}

/// A tick is due.
pub(super) fn due(
    cell: &mut MemoryCell,
    playbook: &PlaybookName,
    workflow: &WorkflowName,
    due_at: UtcMs,
) -> Worked<()> {
    let Some(row) = cell.schedule(playbook, workflow).filter(|row| row.next_at == Some(due_at)).cloned()
    else {
        return Ok(());
    };
    let Some((version, active)) = cell.books.active(playbook).cloned() else {
        return Ok(());
    };
    let Some(found) = active.workflows.get(workflow).cloned() else {
        return Ok(());
    };
    let Trigger::Schedule { cron, zone, catch_up, audience } = &found.trigger else {
        return Ok(());
    };
    let mut ticks = vec![due_at];
    let mut next_at = cron.next_after(due_at, zone);
    while let Some(next) = next_at.filter(|next| *next <= cell.now && ticks.len() < MISSED_MAX) {
        ticks.push(next);
        next_at = cron.next_after(next, zone);
    }
    let now = cell.now;
    let is_missed = |tick: &UtcMs| now.since(*tick) > DurationMs::from_millis(MISSED_MS);
    match catch_up {
        CatchUp::All => {}
        // There are more to look at: the last one is not among these.
        CatchUp::Last if next_at.is_some_and(|next| next <= now) => ticks.clear(),
        CatchUp::Last => drop(ticks.drain(..ticks.len() - 1)),
        CatchUp::None => ticks.retain(|tick| !is_missed(tick)),
    }
    cell.set_schedule(ScheduleRow { next_at, ..row });
    let target = Target::Workflow { playbook: playbook.clone(), version, workflow: workflow.clone() };
    for tick in ticks {
        start(cell, &target, audience.as_ref(), tick)?;
    }
    Ok(())
}

/// One tick: one run, or a scan over the audience.
fn start(cell: &mut MemoryCell, target: &Target, audience: Option<&Audience>, tick: UtcMs) -> Worked<()> {
    let event_type =
        EventType::new("schedule.ticked").expect("`schedule.ticked` follows the rule of event types");
    let data = Value::map([("workflow", Value::text(target.name())), ("at", Value::text(tick.to_string()))]);
    let source = format!("schedule:{}/{}", target.playbook(), target.name());
    let event =
        admit::record_only(cell, PendingEvent { source, event_type, customer: None, data, depth: 0 }, None)?;
    match audience {
        Some(audience) => scans::begin_audience(cell, target, audience.spread, &event),
        None => admit::start_run(cell, Start { target: target.clone(), customer: None, event, parent: None })
            .map(drop),
    }
}
