//! Rows of a write set as the parameters of statements: one function a table, cells in the order in which each database
//! takes them apart.
//!
//! Nothing is checked here: what a row may hold is the model's rule and the schema's constraint.

use serde::Serialize;
use siyu_engine::ports::rows::{
    AccountKey, CodeRow, CustomerRow, EntryRow, EventRow, FactRow, LedgerRow, PlannedRow, PlaybookRow,
    RecordKey, ResourceRow, ScanRow, ScheduleRow, SegmentRow, StockKey, TagRow, TimerRow, WaitRow,
};
use siyu_engine::ports::store::StoreError;
use siyu_model::id::CustomerId;
use siyu_model::message::Message;
use siyu_model::run::{Run, RunStatus};
use siyu_model::stock::counter::Counter;
use siyu_model::stock::pool::Pool;
use siyu_model::stock::reservation::Reservation;

use crate::database::Batch;

/// A document as JSON text.
pub(crate) fn json<T: Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|fault| StoreError::Broken(format!("not writable as JSON: {fault}")))
}

/// Rows whose documents may fail to become text.
fn rows<T, B: Batch>(
    shape: &'static str,
    rows: &[T],
    mut fill: impl FnMut(&T, &mut B) -> Result<(), StoreError>,
) -> Result<B, StoreError> {
    let mut batch = B::for_rows(shape, rows.len());
    let mut fault = None;
    for row in rows {
        batch.row(|cells| fault = fault.take().or(fill(row, cells).err()));
    }
    fault.map_or(Ok(batch), Err)
}

pub(crate) fn events<B: Batch>(events: &[EventRow]) -> B {
    let mut matches = Vec::new();
    B::of("events", events, |event, row| {
        matches.clear();
        matches.extend(event.matches.iter().flat_map(|hash| hash.0));
        row.count(event.seq.0)
            .bytes(&event.dedupe.0)
            .text(&event.id)
            .text(&event.source)
            .text(event.event_type.as_str())
            .opt_bytes(event.customer.as_ref().map(|id| &id.as_bytes()[..]))
            .int(event.occurred_at.as_millis())
            .int(event.recorded_at.as_millis())
            .int(event.depth.into())
            .text(&event.data)
            .text(&event.outcome)
            .opt_bytes((!matches.is_empty()).then_some(&matches));
    })
}

pub(crate) fn event_matches<B: Batch>(events: &[EventRow]) -> B {
    let pairs = events.iter().flat_map(|event| event.matches.iter().map(|hash| (hash, event.seq)));
    B::of("event_matches", pairs, |(hash, seq), row| {
        row.bytes(&hash.0).count(seq.0);
    })
}

pub(crate) fn customers<B: Batch>(customers: &[CustomerRow]) -> B {
    B::of("customer_cells", customers, |customer, row| {
        row.bytes(customer.id.as_bytes()).int(customer.created_at.as_millis()).text(&customer.attributes);
    })
}

pub(crate) fn facts<B: Batch>(facts: &[FactRow]) -> B {
    B::of("facts", facts, |row, cells| {
        cells
            .bytes(row.customer.as_bytes())
            .text(row.event_type.as_str())
            .count(row.fact.count)
            .int(row.fact.sum_fen)
            .int(row.fact.first_at.as_millis())
            .int(row.fact.last_at.as_millis())
            .count(row.fact.last_seq.0);
    })
}

pub(crate) fn tags<B: Batch>(tags: &[TagRow]) -> B {
    let put = tags.iter().filter_map(|row| Some((row, row.mark.as_ref()?)));
    B::of("tags", put, |(tag, mark), row| {
        row.bytes(tag.customer.as_bytes())
            .text(tag.tag.as_str())
            .text(&mark.source)
            .int(mark.added_at.as_millis())
            .int(mark.effective_at.as_millis())
            .opt_int(mark.expires_at.map(|at| at.as_millis()))
            .int(mark.confidence_percent.into())
            .opt_text(mark.evidence.as_deref());
    })
}

pub(crate) fn segments<B: Batch>(segments: &[SegmentRow]) -> B {
    B::of("segment_members", segments, |segment, row| {
        row.bytes(segment.customer.as_bytes())
            .text(segment.playbook.as_str())
            .text(segment.segment.as_str())
            .flag(segment.is_member)
            .int(segment.since.as_millis())
            .opt_int(segment.check_at.map(|at| at.as_millis()));
    })
}

/// What a run's phase does not say: since when it is paused, how it ends; none when the phase says all.
pub(crate) fn status(run: &Run) -> Result<Option<String>, StoreError> {
    match &run.status {
        RunStatus::Queued | RunStatus::Live => Ok(None),
        status => json(status).map(Some),
    }
}

fn ended_at(run: &Run) -> Option<i64> {
    match &run.status {
        RunStatus::Ended { at, .. } => Some(at.as_millis()),
        _ => None,
    }
}

/// What changes with every step of a run, with the place of the last line of its journal, where this write set has one.
pub(crate) fn going_on<B: Batch>(runs: &[&Run], last: impl Fn(&Run) -> Option<i64>) -> Result<B, StoreError> {
    rows::<_, B>("run_step", runs, |run, row| {
        row.bytes(run.id.as_bytes())
            .int(run.changed_at.as_millis())
            .int(run.journal_rows.into())
            .opt_int(last(run))
            .text(&json(&run.state)?);
        Ok(())
    })
}

/// Whole runs, each with the place of the last line of its journal, where this write set has one.
pub(crate) fn runs<B: Batch>(runs: &[&Run], last: impl Fn(&Run) -> Option<i64>) -> Result<B, StoreError> {
    rows::<_, B>("run_cells", runs, |run, row| {
        let status = status(run)?;
        row.bytes(run.id.as_bytes())
            .text(run.target.playbook().as_str())
            .bytes(&run.target.version().0)
            .text(&run.target.name())
            .opt_bytes(run.customer.as_ref().map(|id| &id.as_bytes()[..]))
            .opt_text(run.key.as_deref())
            .opt_text(run.slot.as_deref())
            .opt_count(run.event.map(|seq| seq.0))
            .count(run.since_seq.0)
            .int(run.depth.into())
            .opt_bytes(run.parent.as_ref().map(|(id, _)| &id.as_bytes()[..]))
            .opt_int(run.parent.map(|(_, fiber)| fiber.0.into()))
            .int(run.started_at.as_millis())
            .int(run.changed_at.as_millis())
            .text(run.status.phase().as_str())
            .opt_int(ended_at(run))
            .opt_text(status.as_deref())
            .int(run.journal_rows.into())
            .opt_int(last(run))
            .text(&json(&run.state)?);
        Ok(())
    })
}

pub(crate) fn entries<B: Batch>(entries: &[EntryRow]) -> B {
    B::of("entries", entries, |entry, row| {
        row.bytes(&entry.hash.0)
            .opt_bytes(entry.customer.as_ref().map(|id| &id.as_bytes()[..]))
            .bytes(entry.run.as_bytes())
            .int(entry.started_at.as_millis())
            .flag(entry.is_alive);
    })
}

pub(crate) fn waits<B: Batch>(waits: &[WaitRow]) -> Result<B, StoreError> {
    rows::<_, B>("waits", waits, |wait, row| {
        row.bytes(wait.id.as_bytes())
            .bytes(wait.run.as_bytes())
            .int(wait.fiber.0.into())
            .opt_bytes(wait.customer.as_ref().map(|id| &id.as_bytes()[..]))
            .text(&json(&wait.event_types)?)
            .opt_bytes(wait.matching.as_ref().map(|hash| &hash.0[..]));
        Ok(())
    })
}

pub(crate) fn timers<B: Batch>(timers: &[TimerRow]) -> Result<B, StoreError> {
    rows::<_, B>("timers", timers, |timer, row| {
        row.int(timer.due_at.as_millis()).bytes(timer.id.as_bytes()).text(&json(&timer.kind)?);
        Ok(())
    })
}

pub(crate) fn planned<B: Batch>(planned: &[PlannedRow]) -> B {
    let put = planned.iter().filter_map(|row| Some((row, row.event.as_ref()?)));
    B::of("planned", put, |(plan, event), row| {
        row.text(plan.plugin.as_str())
            .text(plan.key.as_str())
            .int(event.due_at.as_millis())
            .text(event.event_type.as_str())
            .opt_bytes(event.customer.as_ref().map(|id| &id.as_bytes()[..]))
            .text(&event.data)
            .int(event.depth.into());
    })
}

/// The customer of a row that may be the tenant's: those are under a customer of no bytes.
fn owner(customer: Option<&CustomerId>) -> &[u8] {
    customer.map_or(&[], |id| &id.as_bytes()[..])
}

/// The key of a document.
pub(crate) fn record_key<'r, B: Batch>(key: &RecordKey, row: &'r mut B) -> &'r mut B {
    row.bytes(owner(key.customer.as_ref())).text(key.plugin.as_str()).text(key.key.as_str())
}

pub(crate) fn pools<B: Batch>(pools: &[(StockKey, Pool)]) -> B {
    B::of("pools", pools, |(key, pool), row| {
        row.text(&key.plugin)
            .text(key.key.as_str())
            .count(pool.total())
            .count(pool.available())
            .count(pool.reserved())
            .count(pool.sold());
    })
}

pub(crate) fn reservations<B: Batch>(reservations: &[Reservation]) -> Result<B, StoreError> {
    rows::<_, B>("reservations", reservations, |reservation, row| {
        row.bytes(reservation.id.as_bytes())
            .text(reservation.plugin.as_str())
            .text(reservation.pool.as_str())
            .opt_bytes(reservation.customer.as_ref().map(|id| &id.as_bytes()[..]))
            .count(reservation.units)
            .text(&json(&reservation.counters)?)
            .opt_text(reservation.reference.as_deref())
            .text(reservation.status.as_str())
            .int(reservation.expires_at.as_millis());
        Ok(())
    })
}

pub(crate) fn counters<B: Batch>(counters: &[(StockKey, Counter)]) -> B {
    B::of("counters", counters, |(key, counter), row| {
        row.text(&key.plugin).text(key.key.as_str()).count(counter.used()).count(counter.limit());
    })
}

pub(crate) fn accounts<B: Batch>(accounts: &[(AccountKey, i64)]) -> B {
    B::of("accounts", accounts, |(key, units), row| {
        row.text(key.plugin.as_str())
            .bytes(owner(key.account.customer.as_ref()))
            .text(key.account.name.as_str())
            .int(*units);
    })
}

/// Keys of accounts, in the shape of those of documents.
pub(crate) fn account_keys<B: Batch>(keys: &[AccountKey]) -> B {
    B::of("record_key", keys, |key, row| {
        row.bytes(owner(key.account.customer.as_ref()))
            .text(key.plugin.as_str())
            .text(key.account.name.as_str());
    })
}

pub(crate) fn ledger<B: Batch>(ledger: &[LedgerRow]) -> B {
    B::of("ledger_cells", ledger, |entry, row| {
        let (from, to) = (&entry.transfer.from, &entry.transfer.to);
        row.bytes(entry.posting.as_bytes())
            .int(entry.place.into())
            .text(entry.plugin.as_str())
            .opt_bytes(from.customer.as_ref().map(|id| &id.as_bytes()[..]))
            .text(from.name.as_str())
            .opt_bytes(to.customer.as_ref().map(|id| &id.as_bytes()[..]))
            .text(to.name.as_str())
            .count(entry.transfer.units)
            .int(entry.at.as_millis())
            .opt_text(entry.reference.as_deref());
    })
}

pub(crate) fn codes<B: Batch>(codes: &[CodeRow]) -> B {
    B::of("codes", codes, |code, row| {
        row.bytes(&code.lookup.0)
            .text(code.plugin.as_str())
            .text(&code.space)
            .bytes(&code.sealed)
            .text(&code.reference)
            .int(code.created_at.as_millis());
    })
}

pub(crate) fn messages<B: Batch>(messages: &[Message]) -> B {
    B::of("message_cells", messages, |message, row| {
        row.bytes(message.id.as_bytes())
            .bytes(message.customer.as_bytes())
            .text(message.channel.as_str())
            .text(message.class.as_str())
            .text(message.template.as_str())
            .text(&message.body)
            .text(message.status.as_str())
            .opt_text(message.reason.as_deref())
            .int(message.attempts.into())
            .int(message.planned_at.as_millis())
            .int(message.due_at.as_millis())
            .int(message.expires_at.as_millis())
            .int(message.changed_at.as_millis())
            .opt_bytes(message.run.as_ref().map(|id| &id.as_bytes()[..]))
            .opt_text(message.step.as_ref().map(|step| step.as_str()));
    })
}

/// Versions, inactive ones first: at most one of a playbook is active after every single row.
pub(crate) fn playbooks<B: Batch>(playbooks: &[PlaybookRow]) -> Result<B, StoreError> {
    let mut sorted: Vec<&PlaybookRow> = playbooks.iter().collect();
    sorted.sort_by_key(|playbook| playbook.is_active);
    rows::<_, B>("playbook_cells", &sorted, |playbook, row| {
        row.text(playbook.name.as_str())
            .bytes(&playbook.digest.0)
            .text(&playbook.compiled)
            .text(&json(&playbook.files)?)
            .int(playbook.published_at.as_millis())
            .flag(playbook.is_active);
        Ok(())
    })
}

pub(crate) fn resources<B: Batch>(resources: &[ResourceRow]) -> Result<B, StoreError> {
    let in_force: Vec<_> = resources.iter().filter_map(|row| Some((row, row.body.as_ref()?))).collect();
    rows::<_, B>("resources", &in_force, |(resource, body), row| {
        row.text(resource.plugin.as_str())
            .text(resource.kind.as_str())
            .text(resource.name.as_str())
            .text(resource.playbook.as_str())
            .text(body)
            .text(&json(&resource.reactions)?);
        Ok(())
    })
}

pub(crate) fn schedules<B: Batch>(schedules: &[ScheduleRow]) -> B {
    B::of("schedules", schedules, |schedule, row| {
        row.text(schedule.playbook.as_str())
            .text(schedule.workflow.as_str())
            .text(&schedule.pattern)
            .opt_int(schedule.next_at.map(|at| at.as_millis()));
    })
}

pub(crate) fn scans<B: Batch>(scans: &[ScanRow]) -> Result<B, StoreError> {
    rows::<_, B>("scans", scans, |scan, row| {
        row.bytes(scan.id.as_bytes())
            .text(&json(&scan.purpose)?)
            .int(scan.started_at.as_millis())
            .count(scan.spread_ms)
            .count(scan.total)
            .count(scan.seen)
            .count(scan.hits)
            .opt_bytes(scan.after.as_ref().map(|id| &id.as_bytes()[..]))
            .flag(scan.is_done);
        Ok(())
    })
}
