//! What a commit promises: whole or not at all, under the lease only, and there for every later host.

use siyu_engine::ports::rows::{PlannedRow, TagRow, WriteSet};
use siyu_engine::ports::store::{Maintenance, StoreError, Wants};
use siyu_model::event::EventSeq;
use siyu_model::message::MessageStatus;
use siyu_model::run::RunStatus;
use siyu_model::stock::pool::Pool;

use super::samples::{
    at, customer, ended, event, everything, hash, line, message, name, playbook, record_key, reservation,
    run, run_id, scan, stock_key, timer, version,
};
use super::{Checked, Failure, Place, open, same, tenant};

pub(super) async fn an_empty_write_set_is_a_commit(place: &dyn Place) -> Checked {
    let store = open(place).await?;
    store.commit(WriteSet::default()).await?;
    let writes = WriteSet { at: at(5), ..WriteSet::default() };
    store.commit(writes).await?;
    store.commit(WriteSet::default()).await?;
    same("the latest instant", &store.load_tenant().await?.at, &at(5))
}

pub(super) async fn a_write_set_is_there_whole_or_not_at_all(place: &dyn Place) -> Checked {
    let store = open(place).await?;
    let mut first = WriteSet::default();
    first.events.push(event(1)?);
    store.commit(first).await?;
    let mut broken = everything()?;
    broken.events = vec![event(2)?];
    // Recorded already: the last row of the batch breaks the commit when all others are written.
    broken.events.push(event(3)?);
    broken.events[1].dedupe = hash(1);
    same("the broken commit", &store.commit(broken).await.is_err(), &true)?;

    let store = open(place).await?;
    let image = store.load_tenant().await?;
    same("the last event", &image.last_seq, &EventSeq(1))?;
    same("the latest instant", &image.at, &at(0).min(image.at))?;
    same("versions", &image.playbooks.len(), &0)?;
    let wants = Wants {
        dedupes: vec![hash(1), hash(2), hash(3)],
        customers: vec![customer(1)],
        runs: vec![run_id(1), run_id(2)],
        records: vec![record_key(None, "batch/1")?],
        pools: vec![stock_key("session-1")?],
        codes: vec![hash(3)],
        ..Wants::default()
    };
    let loaded = store.load(wants).await?;
    same("recorded events", &loaded.dedupes, &vec![(hash(1), EventSeq(1))])?;
    let others = (loaded.customers.len(), loaded.runs.len(), loaded.records.len());
    same("customers, runs and documents", &others, &(0, 0, 0))?;
    same("pools and codes", &(loaded.pools.len(), loaded.codes.len()), &(0, 0))?;
    same("timers", &store.timers(None, 10).await?, &Vec::<()>::new())?;
    same("the journal", &place.journal(&tenant()?, run_id(1)).await?.len(), &0)?;
    store.commit(everything_from(2)?).await?;
    same("the next event", &store.load_tenant().await?.last_seq, &EventSeq(2))
}

/// A write set that fits after the first event.
fn everything_from(seq: u64) -> Result<WriteSet, Failure> {
    Ok(WriteSet { events: vec![event(seq)?], ..WriteSet::default() })
}

pub(super) async fn a_failed_store_refuses_everything_until_it_is_opened_again(place: &dyn Place) -> Checked {
    let store = open(place).await?;
    store.commit(everything_from(1)?).await?;
    let doubled = store.commit(everything_from(1)?).await;
    same("the same event again", &doubled.is_err(), &true)?;
    let next = store.commit(everything_from(2)?).await;
    same("a commit after a failed one", &matches!(next, Err(StoreError::Database(_))), &true)?;
    let store = open(place).await?;
    store.commit(everything_from(2)?).await?;
    same("the last event", &store.load_tenant().await?.last_seq, &EventSeq(2))
}

pub(super) async fn a_stale_lease_is_refused_and_leaves_nothing(place: &dyn Place) -> Checked {
    let stale = open(place).await?;
    stale.commit(everything_from(1)?).await?;
    let owner = open(place).await?;
    owner.commit(everything_from(2)?).await?;
    let refused = stale.commit(everything_from(3)?).await;
    let is_fenced = matches!(&refused, Err(StoreError::Fenced { epoch: 1, .. }));
    same("a commit under a stale lease is fenced", &is_fenced, &true)?;
    owner.commit(everything_from(4)?).await?;
    let wants = Wants { dedupes: (1..=4).map(hash).collect(), ..Wants::default() };
    let mut recorded: Vec<_> = owner.load(wants).await?.dedupes.into_iter().map(|(_, seq)| seq.0).collect();
    recorded.sort_unstable();
    same("recorded events", &recorded, &[1, 2, 4])
}

pub(super) async fn a_stale_lease_cannot_purge(place: &dyn Place) -> Checked {
    let stale = open(place).await?;
    stale.commit(everything_from(1)?).await?;
    let owner = open(place).await?;
    let purge = Maintenance::Purge { before: at(1_000), rows: 100 };
    let refused = stale.maintain(purge).await;
    let is_fenced = matches!(&refused, Err(StoreError::Fenced { .. }));
    same("a purge under a stale lease is fenced", &is_fenced, &true)?;
    let event = owner.event(EventSeq(1)).await?;
    same("the event", &event.is_some(), &true)
}

pub(super) async fn a_changed_row_replaces_the_one_before(place: &dyn Place) -> Checked {
    let store = open(place).await?;
    store.commit(everything()?).await?;
    let mut run = run(1)?;
    run.slot = None;
    run.state.next_fiber = 77;
    run.changed_at = at(60);
    let mut sent = message(2)?;
    sent.status = MessageStatus::Sent;
    sent.changed_at = at(60);
    let pool = Pool::new(9).map_err(|fault| Failure::Sample(fault.to_string()))?;
    let mut scan = scan(1)?;
    scan.seen = 10;
    scan.is_done = true;
    let mut entry = everything()?.entries.swap_remove(0);
    entry.is_alive = false;
    let mut customers = everything()?.customers;
    customers[0].attributes = r#"{"name":"王"}"#.to_owned();
    let changed = WriteSet {
        customers,
        runs: vec![run.clone()],
        messages: vec![sent.clone()],
        pools: vec![(stock_key("session-1")?, pool)],
        records: vec![(record_key(None, "batch/1")?, Some("{}".into()))],
        scans: vec![scan.clone()],
        entries: vec![entry.clone()],
        ..WriteSet::default()
    };
    store.commit(changed).await?;
    let wants = Wants {
        customers: vec![customer(1)],
        runs: vec![run_id(1)],
        messages: vec![sent.id],
        pools: vec![stock_key("session-1")?],
        records: vec![record_key(None, "batch/1")?],
        scans: vec![scan.id],
        entries: vec![entry.hash],
        ..Wants::default()
    };
    let loaded = store.load(wants).await?;
    let found = &loaded.runs[0].run;
    let run_now = (&found.state, &found.slot, &found.status, found.changed_at);
    same("the run", &run_now, &(&run.state, &run.slot, &run.status, run.changed_at))?;
    same("the message", &loaded.messages, &[sent])?;
    same("the pool", &loaded.pools[0].1, &pool)?;
    same("the document", &loaded.records[0].1, "{}")?;
    same("the scan", &loaded.scans, &[scan])?;
    same("the entry", &loaded.entries, &[entry])?;
    let attributes = &loaded.customers[0].customer.attributes;
    same("the attributes", &attributes.get("name").and_then(|name| name.as_str()), &Some("王"))
}

pub(super) async fn a_removed_row_is_gone(place: &dyn Place) -> Checked {
    let store = open(place).await?;
    let all = everything()?;
    let tag = TagRow { mark: None, ..all.tags[0].clone() };
    let plan = PlannedRow { event: None, ..all.planned[0].clone() };
    let mut resource = all.resources[0].clone();
    resource.body = None;
    let key = record_key(Some(customer(1)), "card/1")?;
    let moved = timer(at(200), 1);
    let removed = WriteSet {
        waits_over: all.waits.iter().map(|wait| wait.id).collect(),
        timers_over: vec![(all.timers[0].due_at, all.timers[0].id), (at(1), all.timers[1].id)],
        // The same timer at another instant: taken back and set in one write set.
        timers: vec![moved.clone()],
        tags: vec![tag],
        planned: vec![plan.clone()],
        records: vec![(key.clone(), None), (record_key(None, "never-there")?, None)],
        resources: vec![resource],
        ..WriteSet::default()
    };
    let left = all.timers[1].clone();
    store.commit(all).await?;
    store.commit(removed).await?;
    same("timers", &store.timers(None, 10).await?, &[moved, left])?;
    same("definitions", &store.load_tenant().await?.resources.len(), &0)?;
    let wants = Wants {
        customers: vec![customer(1)],
        matching: vec![hash(7)],
        records: vec![key],
        planned: vec![(plan.plugin, plan.key)],
        ..Wants::default()
    };
    let loaded = store.load(wants).await?;
    let image = &loaded.customers[0];
    let of_customer = (image.customer.tags.len(), image.waits.len(), image.records.len());
    same("tags, waits and documents of the customer", &of_customer, &(0, 0, 0))?;
    let others = (loaded.matching.len(), loaded.records.len(), loaded.planned.len());
    same("waits with match, documents and plans", &others, &(0, 0, 0))
}

pub(super) async fn a_published_version_never_changes(place: &dyn Place) -> Checked {
    let store = open(place).await?;
    let published = playbook(1, true)?;
    let writes = |row| WriteSet { playbooks: vec![row], ..WriteSet::default() };
    store.commit(writes(published.clone())).await?;
    let mut edited = published.clone();
    edited.compiled = r#"{"version":"edited"}"#.into();
    edited.files.clear();
    edited.is_active = false;
    store.commit(writes(edited)).await?;
    let found = store.playbook(&published.name, published.digest).await?;
    let mut expected = published;
    expected.is_active = false;
    same("the version", &found, &Some(expected))?;
    let unknown = store.playbook(&name("club")?, version(9)).await?;
    same("an unknown version", &unknown.is_none(), &true)
}

pub(super) async fn two_active_versions_of_a_playbook_are_refused(place: &dyn Place) -> Checked {
    let store = open(place).await?;
    let writes = |playbooks| WriteSet { playbooks, ..WriteSet::default() };
    store.commit(writes(vec![playbook(1, true)?])).await?;
    // The new one first: the order inside a write set does not matter.
    store.commit(writes(vec![playbook(2, true)?, playbook(1, false)?])).await?;
    let doubled = store.commit(writes(vec![playbook(1, true)?])).await;
    same("a second active version", &doubled.is_err(), &true)
}

pub(super) async fn a_batch_of_ten_thousand_rows_a_table_is_one_commit(place: &dyn Place) -> Checked {
    const ROWS: u64 = 10_000;
    let store = open(place).await?;
    let mut writes = WriteSet::default();
    for number in 1..=ROWS {
        writes.events.push(event(number)?);
        writes.runs.push(run(number)?);
        writes.journal.push(line(run_id(number), 0));
        writes.messages.push(message(number)?);
        writes.timers.push(timer(at(number), number));
        let key = record_key(Some(customer(number)), "card")?;
        writes.records.push((key, Some("{}".into())));
        writes.reservations.push(reservation(number)?);
    }
    store.commit(writes).await?;
    let wants = Wants {
        dedupes: (1..=ROWS).map(hash).collect(),
        runs: (1..=ROWS).map(run_id).collect(),
        ..Wants::default()
    };
    let loaded = store.load(wants).await?;
    same("events", &loaded.dedupes.len(), &10_000)?;
    same("runs", &loaded.runs.len(), &10_000)?;
    same("timers", &store.timers(None, 20_000).await?.len(), &10_000)?;
    let last = place.journal(&tenant()?, run_id(ROWS)).await?;
    same("the last journal", &last, &[line(run_id(ROWS), 0)])
}

pub(super) async fn the_secret_of_a_tenant_is_made_once(place: &dyn Place) -> Checked {
    let first = open(place).await?.load_tenant().await?.secret;
    let second = open(place).await?.load_tenant().await?.secret;
    same("the secret after a restart", &second, &first)?;
    same("a secret of zeros", &(first == [0; 32]), &false)?;
    let other = place.host().open(&name("other")?).await?;
    let other = other.load_tenant().await?.secret;
    same("the secret of another tenant is the same", &(other == first), &false)
}

pub(super) async fn tenants_do_not_see_each_other(place: &dyn Place) -> Checked {
    let first = open(place).await?;
    first.commit(everything()?).await?;
    let second = place.host().open(&name("other")?).await?;
    let image = second.load_tenant().await?;
    same("events of the other", &image.last_seq, &EventSeq(0))?;
    let wants = Wants { customers: vec![customer(1)], dedupes: vec![hash(1)], ..Wants::default() };
    let loaded = second.load(wants).await?;
    same("rows of the other", &(loaded.customers.len(), loaded.dedupes.len()), &(0, 0))?;
    let tenants = place.host().tenants().await?;
    same("tenants", &tenants, &[name::<siyu_model::name::TenantName>("other")?, tenant()?])
}

pub(super) async fn a_journal_goes_on_after_a_restart(place: &dyn Place) -> Checked {
    let mut expected = Vec::new();
    for row in 0..6u32 {
        // Every second line is written by a host that has just started and remembers nothing.
        let store = open(place).await?;
        let mut run = run(1)?;
        run.journal_rows = row + 1;
        expected.push(line(run.id, row));
        let writes =
            WriteSet { journal: vec![line(run.id, row)], runs: vec![run.clone()], ..WriteSet::default() };
        store.commit(writes).await?;
        // The run changes without a line: where its journal ends must not get lost.
        let silent = WriteSet { runs: vec![run], ..WriteSet::default() };
        open(place).await?.commit(silent).await?;
    }
    same("the journal", &place.journal(&tenant()?, run_id(1)).await?, &expected)
}

pub(super) async fn a_journal_goes_on_when_its_run_does_not_change(place: &dyn Place) -> Checked {
    let store = open(place).await?;
    let begin = WriteSet {
        runs: vec![run(1)?],
        journal: vec![line(run_id(1), 0), line(run_id(1), 1)],
        ..WriteSet::default()
    };
    store.commit(begin).await?;
    for row in 2..4 {
        let alone = WriteSet { journal: vec![line(run_id(1), row)], ..WriteSet::default() };
        store.commit(alone).await?;
    }
    let expected: Vec<_> = (0..4).map(|row| line(run_id(1), row)).collect();
    same("the journal", &place.journal(&tenant()?, run_id(1)).await?, &expected)?;
    let nobody = WriteSet { journal: vec![line(run_id(2), 0)], ..WriteSet::default() };
    let refused = store.commit(nobody).await;
    same("a line of a run that is not there", &refused.is_err(), &true)
}

pub(super) async fn a_queued_run_without_lines_becomes_live_with_its_first_line(
    place: &dyn Place,
) -> Checked {
    for restarts in [false, true] {
        let number = 1 + u64::from(restarts);
        let mut queued = run(number)?;
        queued.status = RunStatus::Queued;
        let begin = WriteSet { runs: vec![queued], ..WriteSet::default() };
        let mut store = open(place).await?;
        store.commit(begin).await?;
        if restarts {
            store = open(place).await?;
        }
        let go = WriteSet {
            runs: vec![run(number)?],
            journal: vec![line(run_id(number), 0)],
            ..WriteSet::default()
        };
        store.commit(go).await?;
        // Then it only goes on, and then it ends.
        for next in [run(number)?, ended(number, at(50))?] {
            let expected = next.status.clone();
            let writes = WriteSet { runs: vec![next], ..WriteSet::default() };
            store.commit(writes).await?;
            let wants = Wants { runs: vec![run_id(number)], ..Wants::default() };
            let found = store.load(wants).await?.runs.swap_remove(0).run.status;
            same("where the run stands", &found, &expected)?;
        }
    }
    Ok(())
}

pub(super) async fn interleaved_journals_stay_apart(place: &dyn Place) -> Checked {
    let mut store = open(place).await?;
    for row in 0..5u32 {
        let mut writes = WriteSet::default();
        for number in 1..=20 {
            writes.runs.push(if row == 4 { ended(number, at(99))? } else { run(number)? });
            writes.journal.push(line(run_id(number), 2 * row));
        }
        // A second line of every run in the same write set.
        for number in (1..=20).rev() {
            writes.journal.push(line(run_id(number), 2 * row + 1));
        }
        store.commit(writes).await?;
        if row == 2 {
            store = open(place).await?;
        }
    }
    for number in 1..=20 {
        let expected: Vec<_> = (0..10).map(|row| line(run_id(number), row)).collect();
        let found = place.journal(&tenant()?, run_id(number)).await?;
        same(&format!("the journal of run {number}"), &found, &expected)?;
    }
    Ok(())
}
