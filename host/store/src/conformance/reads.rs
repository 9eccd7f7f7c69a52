//! What a read promises: exactly what was committed, each row once, ranges in order and with their boundaries.

use siyu_engine::ports::rows::{Hash16, StockKey, WriteSet};
use siyu_engine::ports::store::{
    CustomerImage, EventWindow, EventsSince, KeyTable, Loaded, Maintenance, RecordRange, SlotQuery,
    StoredKey, Wants, Whose,
};
use siyu_model::customer::Customer;
use siyu_model::event::{EventSeq, Identity};
use siyu_model::json;
use siyu_model::message::MessageStatus;
use siyu_model::name::Key;
use siyu_model::run::{RunEnd, RunStatus};

use super::samples::{
    at, customer, ended, event, everything, hash, message, name, of_customer, playbook, record_key, run,
    run_id, scan, timer,
};
use super::{Checked, Failure, Place, open, same};

/// Everything that the sample of everything has, by key.
fn all_of(writes: &WriteSet) -> Wants {
    Wants {
        dedupes: writes.events.iter().map(|event| event.dedupe).collect(),
        identities: writes.identities.iter().map(|(name, _)| name.clone()).collect(),
        customers: writes.customers.iter().map(|customer| customer.id).collect(),
        runs: writes.runs.iter().map(|run| run.id).collect(),
        matching: writes.waits.iter().filter_map(|wait| wait.matching).collect(),
        entries: writes.entries.iter().map(|entry| entry.hash).collect(),
        records: writes.records.iter().map(|(key, _)| key.clone()).collect(),
        pools: writes.pools.iter().map(|(key, _)| key.clone()).collect(),
        reservations: writes.reservations.iter().map(|row| row.id).collect(),
        counters: writes.counters.iter().map(|(key, _)| key.clone()).collect(),
        accounts: writes.accounts.iter().map(|(key, _)| key.clone()).collect(),
        codes: writes.codes.iter().map(|code| code.lookup).collect(),
        messages: writes.messages.iter().map(|message| message.id).collect(),
        planned: writes.planned.iter().map(|plan| (plan.plugin.clone(), plan.key.clone())).collect(),
        scans: writes.scans.iter().map(|scan| scan.id).collect(),
    }
}

/// The customer that the sample of everything has, as it should be loaded.
fn customer_of(writes: &WriteSet) -> Result<CustomerImage, Failure> {
    let row = &writes.customers[0];
    let mut whole = Customer::new(row.id, row.created_at);
    whole.attributes = json::parse(&row.attributes).map_err(|fault| Failure::Sample(fault.to_string()))?;
    whole.identities = writes.identities.iter().map(|(name, _)| name.clone()).collect();
    whole.identities.sort();
    for tag in &writes.tags {
        whole.tags.extend(tag.mark.clone().map(|mark| (tag.tag.clone(), mark)));
    }
    for fact in &writes.facts {
        whole.facts.insert(fact.event_type.clone(), fact.fact);
    }
    let mine = |id| id == Some(row.id);
    Ok(CustomerImage {
        customer: whole,
        records: writes
            .records
            .iter()
            .filter(|(key, _)| mine(key.customer))
            .filter_map(|(key, body)| Some((key.plugin.clone(), key.key.clone(), body.as_ref()?.to_string())))
            .collect(),
        waits: writes.waits.iter().filter(|wait| mine(wait.customer)).cloned().collect(),
        entries: writes.entries.iter().filter(|entry| mine(entry.customer)).cloned().collect(),
        segments: writes.segments.clone(),
    })
}

fn sorted<T: Ord + Clone>(rows: &[T]) -> Vec<T> {
    let mut rows = rows.to_vec();
    rows.sort();
    rows
}

pub(super) async fn every_row_comes_back_as_it_was_committed(place: &dyn Place) -> Checked {
    open(place).await?.commit(everything()?).await?;
    everything_is_there(place).await
}

/// A store may make ready for what commits usually hold. This one holds what none before it did.
pub(super) async fn every_row_comes_back_whatever_was_committed_before(place: &dyn Place) -> Checked {
    let store = open(place).await?;
    for kinds in 1..32_u64 {
        // Of five kinds of rows each combination once.
        let rows = of_customer(100 + kinds)?;
        let mut writes = WriteSet { at: rows.at, ..WriteSet::default() };
        if kinds & 1 != 0 {
            writes.customers = rows.customers;
        }
        if kinds & 2 != 0 {
            writes.identities = rows.identities;
        }
        if kinds & 4 != 0 {
            writes.facts = rows.facts;
        }
        if kinds & 8 != 0 {
            writes.tags = rows.tags;
        }
        if kinds & 16 != 0 {
            writes.segments = rows.segments;
        }
        store.commit(writes).await?;
    }
    store.commit(everything()?).await?;
    everything_is_there(place).await?;
    let both = Wants { customers: vec![customer(131)], ..Wants::default() };
    let loaded = open(place).await?.load(both).await?;
    let kept: Vec<_> =
        loaded.customers.iter().map(|image| (image.customer.tags.len(), image.segments.len())).collect();
    same("a customer of the last of those commits: tags and segments", &kept, &[(1, 1)])
}

/// That a new host finds all of the sample of everything: nothing can come from memory.
async fn everything_is_there(place: &dyn Place) -> Checked {
    let store = open(place).await?;
    let writes = everything()?;
    let mut loaded = store.load(all_of(&writes)).await?;
    loaded.runs.sort_by_key(|loaded| loaded.run.id);
    let dedupes: Vec<_> = writes.events.iter().map(|event| (event.dedupe, event.seq)).collect();
    same("recorded events", &sorted(&loaded.dedupes), &sorted(&dedupes))?;
    same("names", &sorted(&loaded.identities), &sorted(&writes.identities))?;
    same("the customer", &loaded.customers, &[customer_of(&writes)?])?;
    let runs: Vec<_> = loaded.runs.iter().map(|loaded| &loaded.run).collect();
    same("runs", &runs, &writes.runs)?;
    let events: Vec<_> = loaded.runs.iter().map(|loaded| loaded.event.as_ref()).collect();
    same("events of runs", &events, &[Some(&writes.events[0]), None])?;
    same("waits with match", &loaded.matching, &[writes.waits[1].clone()])?;
    let mut entries = writes.entries.clone();
    entries.sort_by_key(|entry| entry.hash);
    loaded.entries.sort_by_key(|entry| entry.hash);
    same("entries", &loaded.entries, &entries)?;
    let records: Vec<_> = writes
        .records
        .iter()
        .filter_map(|(key, body)| Some((key.clone(), body.as_ref()?.to_string())))
        .collect();
    same("documents", &sorted(&loaded.records), &sorted(&records))?;
    same("pools", &loaded.pools, &writes.pools)?;
    loaded.reservations.sort_by_key(|row| row.id);
    same("reservations", &loaded.reservations, &writes.reservations)?;
    same("counters", &loaded.counters, &writes.counters)?;
    loaded.accounts.sort();
    same("accounts", &loaded.accounts, &writes.accounts)?;
    same("codes", &loaded.codes, &writes.codes)?;
    loaded.messages.sort_by_key(|message| message.id);
    same("messages", &loaded.messages, &writes.messages)?;
    let plan = &writes.planned[0];
    let planned = plan.event.clone().map(|event| ((plan.plugin.clone(), plan.key.clone()), event));
    same("plans", &loaded.planned.first(), &planned.as_ref())?;
    loaded.scans.sort_by_key(|scan| scan.id);
    same("scans", &loaded.scans, &writes.scans)?;
    for event in &writes.events {
        same("the event", &store.event(event.seq).await?, &Some(event))?;
    }
    same("timers", &store.timers(None, 10).await?, &writes.timers)
}

pub(super) async fn what_is_not_there_is_not_in_the_answer(place: &dyn Place) -> Checked {
    let store = open(place).await?;
    let loaded = store.load(all_of(&everything()?)).await?;
    same("rows of an empty tenant", &loaded, &Loaded::default())?;
    same("nothing wanted", &store.load(Wants::default()).await?, &Loaded::default())?;
    same("an event", &store.event(EventSeq(1)).await?.is_none(), &true)?;
    same("timers", &store.timers(None, 10).await?.len(), &0)?;
    same("customers", &store.load_tenant().await?.customers, &0)
}

pub(super) async fn a_row_wanted_twice_comes_once(place: &dyn Place) -> Checked {
    let store = open(place).await?;
    store.commit(everything()?).await?;
    let once = all_of(&everything()?);
    let mut twice = once.clone();
    twice.dedupes.extend(once.dedupes);
    twice.identities.extend(once.identities);
    twice.customers.extend(once.customers);
    twice.runs.extend(once.runs);
    twice.matching.extend(once.matching);
    twice.records.extend(once.records);
    twice.pools.extend(once.pools);
    let loaded = store.load(twice).await?;
    let found = [
        loaded.dedupes.len(),
        loaded.identities.len(),
        loaded.customers.len(),
        loaded.runs.len(),
        loaded.matching.len(),
        loaded.records.len(),
        loaded.pools.len(),
    ];
    same("rows", &found, &[2, 2, 1, 2, 1, 2, 1])
}

pub(super) async fn a_tenant_starts_from_what_is_in_force(place: &dyn Place) -> Checked {
    let store = open(place).await?;
    let mut writes = everything()?;
    writes.runs.clear();
    writes.journal.clear();
    store.commit(writes).await?;
    let image = open(place).await?.load_tenant().await?;
    let writes = everything()?;
    same("the last event", &image.last_seq, &EventSeq(2))?;
    same("the latest instant", &image.at, &writes.at)?;
    same("active versions", &image.playbooks, &[playbook(1, true)?])?;
    same("definitions", &image.resources, &writes.resources)?;
    same("schedules", &image.schedules, &writes.schedules)?;
    same("open scans", &image.scans, &[scan(1)?])?;
    same("feeds", &image.feeds, &writes.feeds)?;
    same("customers", &image.customers, &1)
}

pub(super) async fn a_version_that_an_unfinished_run_keeps_is_part_of_the_start(
    place: &dyn Place,
) -> Checked {
    let store = open(place).await?;
    let begin = WriteSet {
        playbooks: vec![playbook(1, false)?, playbook(2, true)?, playbook(3, false)?],
        runs: vec![run(1)?],
        ..WriteSet::default()
    };
    store.commit(begin).await?;
    let versions = |rows: Vec<siyu_engine::ports::rows::PlaybookRow>| {
        let mut digests: Vec<_> = rows.iter().map(|row| row.digest.0[0]).collect();
        digests.sort_unstable();
        digests
    };
    let while_live = versions(store.load_tenant().await?.playbooks);
    same("versions while the run lives", &while_live, &[1, 2])?;
    let end = WriteSet { runs: vec![ended(1, at(9))?], ..WriteSet::default() };
    store.commit(end).await?;
    let after = versions(store.load_tenant().await?.playbooks);
    same("versions after its end", &after, &[2])
}

pub(super) async fn timers_come_in_the_order_of_their_instants_page_after_page(place: &dyn Place) -> Checked {
    let store = open(place).await?;
    let mut timers = Vec::new();
    for number in 0..50 {
        // Five timers an instant, so that pages end between timers of one instant.
        timers.push(timer(at(number / 5), number));
    }
    timers.push(timer(siyu_model::clock::UtcMs::EPOCH, 99));
    let writes = WriteSet { timers: timers.iter().rev().cloned().collect(), ..WriteSet::default() };
    store.commit(writes).await?;
    timers.sort_by_key(|timer| (timer.due_at, timer.id));
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = store.timers(after, 7).await?;
        let Some(last) = page.last() else { break };
        after = Some((last.due_at, last.id));
        found.extend(page);
    }
    same("timers", &found, &timers)
}

pub(super) async fn documents_come_by_prefix_in_the_order_of_their_keys(place: &dyn Place) -> Checked {
    let store = open(place).await?;
    let keys = ["a", "a/", "a/1", "a/10", "a/2", "a/牛", "a/\u{10ffff}", "a0", "b", "\u{10ffff}x"];
    let mut writes = WriteSet::default();
    for owner in [None, Some(customer(1)), Some(customer(2))] {
        for key in keys {
            let body = format!("{owner:?}");
            writes.records.push((record_key(owner, key)?, Some(body.into())));
        }
    }
    store.commit(writes).await?;
    let cases: [(&str, Option<&str>, usize, &[&str]); 7] = [
        ("", None, 99, &keys),
        ("a/", None, 99, &["a/", "a/1", "a/10", "a/2", "a/牛", "a/\u{10ffff}"]),
        ("a/", Some("a/10"), 2, &["a/2", "a/牛"]),
        ("a/", Some("a/\u{10ffff}"), 9, &[]),
        ("\u{10ffff}", None, 9, &["\u{10ffff}x"]),
        ("c", None, 9, &[]),
        ("a", None, 0, &[]),
    ];
    for (prefix, after, limit, expected) in cases {
        for owner in [None, Some(customer(1))] {
            let range = RecordRange {
                plugin: name("coupon")?,
                customer: owner,
                prefix: prefix.to_owned(),
                after: after.map(str::to_owned),
                limit,
            };
            let found = store.scan_records(range).await?;
            let found_keys: Vec<_> = found.iter().map(|(key, _)| key.as_str()).collect();
            same(&format!("keys under `{prefix}` after {after:?}"), &found_keys, &expected)?;
            let of_owner = found.iter().all(|(_, body)| *body == format!("{owner:?}"));
            same("documents of their owner only", &of_owner, &true)?;
        }
    }
    Ok(())
}

pub(super) async fn a_window_counts_from_its_first_instant_and_up_to_its_place(place: &dyn Place) -> Checked {
    let store = open(place).await?;
    let mut writes = WriteSet::default();
    for seq in 1..=10 {
        let mut event = event(seq)?;
        event.customer = Some(customer(1));
        // Late ones: the log is not in the order of what happened.
        event.occurred_at = at(100 - seq);
        writes.events.push(event);
    }
    writes.events[9].event_type = name("order.refunded")?;
    writes.events[8].customer = Some(customer(2));
    store.commit(writes).await?;
    for (since, seq_max, count, oldest) in [
        (at(0), 10, 8, Some(at(92))),
        (at(92), 10, 8, Some(at(92))),
        (at(93), 10, 7, Some(at(93))),
        (at(99), 10, 1, Some(at(99))),
        (at(100), 10, 0, None),
        (at(0), 3, 3, Some(at(97))),
        (at(0), 0, 0, None),
    ] {
        let window = EventWindow {
            customer: customer(1),
            event_type: name("order.paid")?,
            since,
            seq_max: EventSeq(seq_max),
        };
        let found = store.count_events(window).await?;
        let what = format!("events since {since} up to {seq_max}");
        same(&what, &(found.count, found.oldest_at), &(count, oldest))?;
    }
    Ok(())
}

pub(super) async fn a_wait_looks_back_in_the_order_of_the_log(place: &dyn Place) -> Checked {
    let store = open(place).await?;
    let mut writes = WriteSet::default();
    for seq in 1..=12 {
        let mut event = event(seq)?;
        event.customer = Some(customer(1));
        event.event_type = name(["order.paid", "order.refunded", "page.seen"][(seq % 3) as usize])?;
        event.occurred_at = at(100 - seq);
        if seq % 2 == 0 {
            event.matches = vec![hash(500), hash(600 + seq)];
        }
        writes.events.push(event);
    }
    store.commit(writes).await?;
    let mine = Whose::Customer(customer(1));
    let keyed = Whose::Matching(hash(500));
    type Case<'c> = (Whose, &'c [&'c str], u64, u64, usize, &'c [u64]);
    let cases: [Case<'_>; 7] = [
        (mine, &["order.paid", "order.refunded"], 0, 12, 99, &[1, 3, 4, 6, 7, 9, 10, 12]),
        (mine, &["order.paid"], 3, 9, 99, &[6, 9]),
        (mine, &["order.paid", "order.refunded"], 0, 12, 3, &[1, 3, 4]),
        (mine, &[], 0, 12, 99, &[]),
        (keyed, &["order.paid", "order.refunded", "page.seen"], 2, 10, 99, &[4, 6, 8, 10]),
        (keyed, &["page.seen"], 0, 12, 1, &[2]),
        (Whose::Customer(customer(2)), &["order.paid"], 12, 1, 99, &[]),
    ];
    for (whose, event_types, after, seq_max, limit, expected) in cases {
        let query = EventsSince {
            event_types: event_types.iter().map(|text| name(text)).collect::<Result<_, _>>()?,
            whose,
            after: EventSeq(after),
            seq_max: EventSeq(seq_max),
            limit,
        };
        let what = format!("{query:?}");
        let found: Vec<_> = store.events_since(query).await?.iter().map(|event| event.seq.0).collect();
        same(&what, &found, &expected)?;
    }
    Ok(())
}

pub(super) async fn places_of_a_slot_are_told_from_its_queue(place: &dyn Place) -> Checked {
    let store = open(place).await?;
    let mut writes = WriteSet::default();
    let undoing = RunStatus::Undoing { end: RunEnd::Cancelled { reason: "operator".to_owned() } };
    let paused = RunStatus::Paused { since: at(1) };
    let over = ended(9, at(9))?.status;
    let queued = RunStatus::Queued;
    let statuses = [queued.clone(), RunStatus::Live, queued, paused, undoing, over];
    for (number, status) in statuses.into_iter().enumerate().rev() {
        let mut run = run(number as u64)?;
        run.slot = Some("a".to_owned());
        run.status = status;
        writes.runs.push(run);
    }
    for (number, slot) in [(20, Some("b")), (21, None)] {
        let mut run = run(number)?;
        run.slot = slot.map(str::to_owned);
        writes.runs.push(run);
    }
    store.commit(writes).await?;
    for (slot, queued, limit, expected) in [
        ("a", true, 9, vec![run_id(0), run_id(2)]),
        ("a", true, 1, vec![run_id(0)]),
        ("a", false, 9, vec![run_id(1), run_id(3), run_id(4)]),
        ("a", false, 2, vec![run_id(1), run_id(3)]),
        ("b", false, 9, vec![run_id(20)]),
        ("c", false, 9, vec![]),
    ] {
        let query = SlotQuery {
            playbook: name("club")?,
            workflow: "first-order".to_owned(),
            slot: slot.to_owned(),
            queued,
            limit,
        };
        let what = format!("{query:?}");
        same(&what, &store.runs_of_slot(query).await?, &expected)?;
    }
    Ok(())
}

pub(super) async fn planned_messages_that_are_due_are_handed_over_again(place: &dyn Place) -> Checked {
    let store = open(place).await?;
    let mut messages = Vec::new();
    for number in 0..10 {
        let mut message = message(number)?;
        message.due_at = at(if number == 4 { 1_000 } else { number });
        if number == 5 {
            message.status = MessageStatus::Sent;
        }
        messages.push(message);
    }
    let writes = WriteSet { messages: messages.iter().rev().cloned().collect(), ..WriteSet::default() };
    store.commit(writes).await?;
    let due: Vec<_> = [0, 1, 2, 3, 6, 7].map(|number| messages[number].clone()).into();
    let first = store.unsent_messages(at(8), None, 4).await?;
    same("the first page", &first, &&due[..4])?;
    let second = store.unsent_messages(at(8), Some(due[3].id), 4).await?;
    same("the second page", &second, &&due[4..])
}

pub(super) async fn customers_come_in_the_order_of_their_ids(place: &dyn Place) -> Checked {
    let store = open(place).await?;
    let mut writes = WriteSet::default();
    for number in (0..30).rev() {
        let mut row = everything()?.customers.swap_remove(0);
        row.id = customer(number);
        writes.customers.push(row);
    }
    store.commit(writes).await?;
    let expected: Vec<_> = (0..30).map(customer).collect();
    let first = store.customer_ids(None, 20).await?;
    same("the first page", &first, &&expected[..20])?;
    let second = store.customer_ids(Some(expected[19]), 20).await?;
    same("the second page", &second, &&expected[20..])?;
    same("customers", &store.load_tenant().await?.customers, &30)
}

pub(super) async fn keys_come_in_their_own_order_page_after_page(place: &dyn Place) -> Checked {
    let store = open(place).await?;
    for table in KeyTable::ALL {
        same("keys of nothing", &store.keys(table, None, 10).await?, &Vec::<StoredKey>::new())?;
    }
    let sample = everything()?;
    let mut writes = WriteSet::default();
    // Texts that come after each other by their bytes and not by any language.
    for text in ["B", "a", "\u{e9}", "z", "\u{1f600}", "\u{5201}", "a b", "~"] {
        let name = Identity { namespace: "shop".to_owned(), value: text.to_owned() };
        writes.identities.push((name, customer(1)));
    }
    writes.identities.push((Identity { namespace: "a".to_owned(), value: "z".to_owned() }, customer(1)));
    for number in 1..=9 {
        writes.events.push(event(number)?);
        let (key, counter) = &sample.counters[0];
        let text = format!("{}/{}", key.key.as_str(), 10 - number);
        let key = Key::new(&text).map_err(|fault| Failure::Sample(fault.to_string()))?;
        writes.counters.push((StockKey { plugin: sample.counters[0].0.plugin.clone(), key }, *counter));
    }
    let mut names: Vec<Identity> = writes.identities.iter().map(|(name, _)| name.clone()).collect();
    names.sort();
    let mut hashes: Vec<Hash16> = writes.events.iter().map(|event| event.dedupe).collect();
    hashes.sort();
    let mut counters: Vec<StockKey> = writes.counters.iter().map(|(key, _)| key.clone()).collect();
    counters.sort();
    let expected = [
        hashes.into_iter().map(StoredKey::Event).collect::<Vec<_>>(),
        names.into_iter().map(StoredKey::Identity).collect(),
        counters.into_iter().map(StoredKey::Counter).collect(),
    ];
    store.commit(writes).await?;
    for (table, expected) in KeyTable::ALL.into_iter().zip(expected) {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = store.keys(table, after, 4).await?;
            after = page.last().cloned();
            if after.is_none() {
                break;
            }
            found.extend(page);
        }
        same("keys", &found, &expected)?;
    }
    Ok(())
}

pub(super) async fn the_last_place_of_the_log_outlives_its_events(place: &dyn Place) -> Checked {
    let store = open(place).await?;
    let writes = WriteSet { events: (1..=3).map(event).collect::<Result<_, _>>()?, ..WriteSet::default() };
    store.commit(writes).await?;
    let purge = Maintenance::Purge { before: at(1_000), rows: 100 };
    store.maintain(purge).await?;
    same("the event", &store.event(EventSeq(3)).await?.is_none(), &true)?;
    let image = open(place).await?.load_tenant().await?;
    same("the last event", &image.last_seq, &EventSeq(3))
}
