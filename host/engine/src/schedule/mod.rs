//! Schedule: what falls due. Timers fire once, in the order of their instants.

mod scans;
mod ticks;

use siyu_model::clock::UtcMs;
use siyu_model::json;

use crate::admit;
use crate::memory::{Halt, MemoryCell, PendingEvent, Worked};
use crate::ports::rows::TimerKind;

pub(crate) use scans::begin as begin_scan;
pub(crate) use ticks::plan as plan_schedule;

/// Does what a timer stands for.
pub(crate) fn fire(cell: &mut MemoryCell, due_at: UtcMs, kind: TimerKind) -> Worked<()> {
    match kind {
        TimerKind::Fiber { run, fiber } => crate::advance::wake::by_time(cell, run, fiber, due_at),
        TimerKind::Turn(run) => {
            cell.ready.push_back(run);
            Ok(())
        }
        TimerKind::Reservation(id) => crate::call::expire_reservation(cell, id, due_at),
        // Timers of a customer who was erased meanwhile are for nobody.
        TimerKind::Tag { customer, .. }
        | TimerKind::Segment { customer, .. }
        | TimerKind::Erasure(customer)
            if cell.person(customer)?.is_none() =>
        {
            Ok(())
        }
        TimerKind::Tag { customer, tag } => crate::call::expire_tag(cell, customer, &tag, due_at),
        TimerKind::Segment { customer, playbook, segment } => {
            segment_due(cell, customer, (&playbook, &segment))
        }
        TimerKind::Erasure(customer) => crate::operate::erase_when_idle(cell, customer),
        TimerKind::Planned { plugin, key } => planned_due(cell, &(plugin, key), due_at),
        TimerKind::Message(id) => crate::dispatch::due(cell, id),
        TimerKind::Schedule { playbook, workflow } => ticks::due(cell, &playbook, &workflow, due_at),
        TimerKind::Scan(id) => scans::due(cell, id),
    }
}

fn segment_due(
    cell: &mut MemoryCell,
    customer: siyu_model::id::CustomerId,
    (playbook, segment): (&siyu_model::name::PlaybookName, &siyu_model::name::SegmentName),
) -> Worked<()> {
    let known =
        cell.books.segments().iter().find(|(owner, name, _)| owner == playbook && name == segment).cloned();
    match known {
        Some((_, _, condition)) => {
            admit::look_at_segment(cell, customer, (playbook, segment, &condition), true)
        }
        None => match cell.segment(customer, playbook, segment)? {
            Some(row) => admit::forget_segment(cell, row),
            None => Ok(()),
        },
    }
}

/// An event that a plugin planned comes true.
fn planned_due(
    cell: &mut MemoryCell,
    place: &(siyu_model::name::PluginName, siyu_model::name::Key),
    due_at: UtcMs,
) -> Worked<()> {
    let Some(event) = cell.planned(place)?.filter(|event| event.due_at == due_at) else {
        return Ok(());
    };
    cell.set_planned(place, None)?;
    let data = json::parse(&event.data)
        .map_err(|fault| Halt::Broken(format!("planned event {}: {fault}", place.1)))?;
    cell.pending.push_back(PendingEvent {
        source: format!("plugin:{}", place.0),
        event_type: event.event_type,
        customer: event.customer,
        data,
        depth: event.depth,
    });
    Ok(())
}
