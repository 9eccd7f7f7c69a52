//! What retention promises: it removes what is over, in bounded steps, and never what lives.

use std::sync::Arc;

use siyu_engine::ports::rows::{ScanPurpose, WriteSet};
use siyu_engine::ports::store::{Maintenance, Store, Wants};
use siyu_model::event::EventSeq;
use siyu_model::message::MessageStatus;
use siyu_model::stock::reservation::ReservationStatus;

use super::samples::{at, ended, event, hash, line, message, name, reservation, run, run_id, scan, version};
use super::{Checked, Failure, Place, open, same, tenant};

/// Purges until nothing more is to do; gives the rows of each step.
async fn purge(store: &Arc<dyn Store>, rows: usize) -> Result<Vec<u64>, Failure> {
    let mut steps = Vec::new();
    loop {
        let work = Maintenance::Purge { before: at(100), rows };
        let report = store.maintain(work).await?;
        steps.push(report.rows);
        if !report.more {
            return Ok(steps);
        }
    }
}

/// What is over and what lives, mixed: numbers below 10 are old, from 10 on young.
fn mixed() -> Result<WriteSet, Failure> {
    let mut writes = WriteSet::default();
    for number in 1..=6 {
        let mut event = event(number)?;
        event.matches = vec![hash(900), hash(900 + number)];
        writes.events.push(event);
    }
    let mut young = event(7)?;
    young.recorded_at = at(500);
    writes.events.push(young);
    let mut live = run(1)?;
    live.event = Some(EventSeq(1));
    let mut over = ended(2, at(50))?;
    over.event = Some(EventSeq(2));
    let mut just_over = ended(3, at(100))?;
    just_over.event = Some(EventSeq(3));
    for run in [&live, &over, &just_over] {
        writes.journal.push(line(run.id, 0));
        writes.journal.push(line(run.id, 1));
    }
    writes.runs = vec![live, over, just_over];
    let mut audience = scan(1)?;
    audience.purpose = ScanPurpose::Audience {
        playbook: name("club")?,
        version: version(1),
        workflow: name("first-order")?,
        event: EventSeq(5),
    };
    let mut over = scan(2)?;
    over.is_done = true;
    over.purpose = ScanPurpose::Audience {
        playbook: name("club")?,
        version: version(1),
        workflow: name("first-order")?,
        event: EventSeq(6),
    };
    writes.scans = vec![audience, over];
    for (number, status) in MessageStatus::ALL.into_iter().enumerate() {
        let mut message = message(number as u64)?;
        message.status = status;
        writes.messages.push(message);
    }
    let mut changed = message(20)?;
    changed.status = MessageStatus::Delivered;
    changed.changed_at = at(100);
    writes.messages.push(changed);
    for (number, status) in [(1, ReservationStatus::Held), (2, ReservationStatus::Committed)] {
        let mut reservation = reservation(number)?;
        reservation.status = status;
        reservation.expires_at = at(number);
        writes.reservations.push(reservation);
    }
    Ok(writes)
}

pub(super) async fn purging_removes_what_is_over_and_keeps_what_lives(place: &dyn Place) -> Checked {
    let store = open(place).await?;
    let writes = mixed()?;
    let wants = Wants {
        runs: writes.runs.iter().map(|run| run.id).collect(),
        messages: writes.messages.iter().map(|message| message.id).collect(),
        reservations: writes.reservations.iter().map(|row| row.id).collect(),
        scans: writes.scans.iter().map(|scan| scan.id).collect(),
        dedupes: writes.events.iter().map(|event| event.dedupe).collect(),
        ..Wants::default()
    };
    store.commit(writes).await?;
    purge(&store, 1_000).await?;

    let loaded = store.load(wants).await?;
    let runs: Vec<_> = loaded.runs.iter().map(|loaded| loaded.run.id).collect();
    same("runs", &runs, &[run_id(1), run_id(3)])?;
    let event = loaded.runs[0].event.as_ref().map(|event| event.seq);
    same("the event of the live run", &event, &Some(EventSeq(1)))?;
    let mut events: Vec<_> = loaded.dedupes.iter().map(|(_, seq)| seq.0).collect();
    events.sort_unstable();
    // 1: a live run's; 5: an open scan's; 7: young.
    same("events", &events, &[1, 5, 7])?;
    let statuses: Vec<_> = loaded.messages.iter().map(|message| message.status.as_str()).collect();
    let kept = ["planned", "task_created", "staff_notified", "delivered"];
    same("messages", &statuses, &kept)?;
    let held: Vec<_> = loaded.reservations.iter().map(|row| row.status.as_str()).collect();
    same("reservations", &held, &["held"])?;
    let scans: Vec<_> = loaded.scans.iter().map(|scan| scan.is_done).collect();
    same("scans", &scans, &[false])?;
    for (number, lines) in [(1, 2), (2, 0), (3, 2)] {
        let journal = place.journal(&tenant()?, run_id(number)).await?;
        same(&format!("the journal of run {number}"), &journal.len(), &lines)?;
    }
    // What was purged can be recorded again, under a new place.
    let again = WriteSet {
        events: vec![siyu_engine::ports::rows::EventRow { seq: EventSeq(8), ..super::samples::event(2)? }],
        ..WriteSet::default()
    };
    store.commit(again).await?;
    Ok(())
}

pub(super) async fn purging_is_bounded_and_says_when_there_is_more(place: &dyn Place) -> Checked {
    let store = open(place).await?;
    let mut writes = WriteSet::default();
    for number in 1..=40 {
        writes.events.push(event(number)?);
        // Live ones in between, so that a step which only looks at them still says that there is more.
        let is_over = number > 20;
        let mut run = if is_over { ended(number, at(50))? } else { run(number)? };
        run.journal_rows = 3;
        writes.runs.push(run);
        writes.journal.extend((0..3).map(|row| line(run_id(number), row)));
    }
    store.commit(writes).await?;
    let steps = purge(&store, 10).await?;
    same("a step of more rows than it may", &steps.iter().any(|rows| *rows > 4 * 10), &false)?;
    // 20 runs with 3 lines each, and 40 events, none of which a run needs.
    same("rows removed", &steps.iter().sum::<u64>(), &(20 * 4 + 40))?;
    same("more than one step", &(steps.len() > 3), &true)?;
    let live = Wants { runs: (1..=40).map(run_id).collect(), ..Wants::default() };
    let live = store.load(live).await?.runs;
    same("live runs", &live.len(), &20)?;
    let journal = place.journal(&tenant()?, run_id(1)).await?;
    same("the journal of a live run", &journal.len(), &3)
}

pub(super) async fn purging_again_removes_nothing(place: &dyn Place) -> Checked {
    let store = open(place).await?;
    store.commit(mixed()?).await?;
    purge(&store, 1_000).await?;
    let again = purge(&store, 1_000).await?;
    same("rows removed", &again.iter().sum::<u64>(), &0)?;
    let empty = place.host().open(&name("empty")?).await?;
    let nothing = purge(&empty, 1_000).await?;
    same("rows of an empty tenant", &nothing, &[0])
}
