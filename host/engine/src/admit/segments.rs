//! Segments: who is in them is kept up to date when something happens to a customer and when time alone changes it.

use siyu_model::expr::Expr;
use siyu_model::id::CustomerId;
use siyu_model::json::Value;
use siyu_model::name::{PlaybookName, SegmentName};

use super::host_event;
use crate::memory::{Memory, MemoryCell, Worked};
use crate::ports::rows::SegmentRow;

/// Looks at all segments of a customer.
pub(super) fn look(cell: &mut MemoryCell, customer: CustomerId) -> Worked<()> {
    // The same customer may be named several times in one command.
    cell.restless.retain(|other| *other != customer);
    for (playbook, segment, condition) in cell.books.segments().to_vec() {
        look_at(cell, customer, (&playbook, &segment, &condition), true)?;
    }
    Ok(())
}

/// Looks at one segment of a customer. A change is an event, unless the segment is new.
pub(crate) fn look_at(
    memory: &mut Memory,
    customer: CustomerId,
    (playbook, segment, condition): (&PlaybookName, &SegmentName, &Expr),
    is_event: bool,
) -> Worked<()> {
    let Some((_, active)) = memory.books.active(playbook).cloned() else {
        return Ok(());
    };
    let sight = memory.sight(&active, &active.vars, Some(customer), None)?;
    let scope = sight.scope();
    // A condition that has no value for this customer (an attribute they do not have) does not hold.
    let is_member = match condition.holds(&scope) {
        Ok(holds) => holds,
        Err(fault) if fault.is_transient => return Err(crate::memory::Halt::Store(storage(fault.message))),
        Err(_) => false,
    };
    let check_at = scope.next_change_at();
    let before = memory.segment(customer, playbook, segment)?;
    let was_member = before.as_ref().is_some_and(|row| row.is_member);
    if before.as_ref().is_none_or(|row| row.check_at != check_at || row.is_member != is_member) {
        // Nothing is written for people who never were in it and whom time alone will not bring in.
        if before.is_none() && !is_member && check_at.is_none() {
            return Ok(());
        }
        let since = before.filter(|row| row.is_member == is_member).map_or(memory.now, |row| row.since);
        let (playbook, segment) = (playbook.clone(), segment.clone());
        memory.set_segment(SegmentRow { customer, playbook, segment, is_member, since, check_at })?;
    }
    if is_event && is_member != was_member {
        let event_type = if is_member { "segment.entered" } else { "segment.left" };
        let data = Value::map([("segment", segment.as_str().into()), ("playbook", playbook.as_str().into())]);
        host_event(memory, event_type, Some(customer), data);
    }
    Ok(())
}

/// A segment is gone: its members are forgotten one by one as they are met.
pub(crate) fn forget(memory: &mut Memory, row: SegmentRow) -> Worked<()> {
    memory.set_segment(SegmentRow { is_member: false, check_at: None, ..row })
}

fn storage(message: String) -> crate::ports::store::StoreError {
    crate::ports::store::StoreError::Database(message)
}
