//! What people read: filters, pages, timelines and numbers, beside a running executor.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;

use siyu_engine::ports::inspect::{
    CohortQuery, Cursor, EventFilter, Group, GroupQuery, Inspect, InspectError, MessageFilter, Moment, Page,
    RunFilter, Span, StockFilter, Turn,
};
use siyu_engine::ports::log::LogPlace;
use siyu_engine::ports::rows::{FactRow, StockKey, WriteSet};
use siyu_engine::ports::store::{RecordRange, Store, StoreError, Stores};
use siyu_model::customer::Fact;
use siyu_model::event::{EventSeq, Identity, Subject};
use siyu_model::limits::inspect::LOG_DETAIL_CHARS_MAX;
use siyu_model::message::MessageStatus;
use siyu_model::name::EventType;
use siyu_model::run::{RunPhase, RunStatus};
use siyu_model::stock::pool::Pool;
use siyu_store::conformance::samples::{
    at, customer, ended, event, everything, line, message, name, playbook, reservation, run, run_id, scan,
    stock_key, version,
};
use siyu_store::{PgInspect, PgOptions, PgStores, SqliteInspect, SqliteOptions, SqliteStores};
use siyu_test_postgres::Scratch;

struct Place {
    /// Which database it is, for messages.
    name: &'static str,
    store: Arc<dyn Store>,
    inspect: Arc<dyn Inspect>,
    /// What holds the database; it goes with the place.
    _kept: Box<dyn Send>,
}

/// The same rows in every database.
async fn places(writes: WriteSet) -> Vec<Place> {
    let tenant = name("t").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let stores = SqliteStores::new(folder.path(), SqliteOptions::default());
    let store = stores.open(&tenant).await.unwrap();
    store.commit(writes.clone()).await.unwrap();
    let inspect = Arc::new(SqliteInspect::open(stores.path(&tenant)).await.unwrap());
    let sqlite = Place { name: "sqlite", store, inspect, _kept: Box::new(folder) };
    let scratch = Scratch::make().unwrap();
    let stores = PgStores::new(&scratch.url(), PgOptions::default()).unwrap();
    let store = stores.open(&tenant).await.unwrap();
    store.commit(writes).await.unwrap();
    let inspect = Arc::new(PgInspect::open(&stores, &tenant).await.unwrap());
    let postgres = Place { name: "postgres", store, inspect, _kept: Box::new(scratch) };
    vec![sqlite, postgres]
}

/// Reads a list to its end in pages of `limit`, and checks that only the last one is short.
async fn all<T, F>(limit: usize, mut read: impl FnMut(Turn) -> F) -> Vec<T>
where
    F: Future<Output = Result<Page<T>, InspectError>>,
{
    let mut items = Vec::new();
    let mut turn = Turn::first(limit);
    loop {
        let page = read(turn).await.unwrap();
        assert!(page.items.len() == limit || page.next.is_none(), "{} items", page.items.len());
        items.extend(page.items);
        let Some(next) = page.next else { return items };
        turn = Turn { after: Some(next), limit };
    }
}

/// 60 runs: every third ended, every tenth paused, two workflows, ten customers.
fn runs() -> WriteSet {
    let mut writes = WriteSet::default();
    for number in 0..60 {
        let mut run = if number % 3 == 0 { ended(number, at(500)).unwrap() } else { run(number).unwrap() };
        if number % 10 == 1 {
            run.status = RunStatus::Paused { since: at(400) };
        }
        if number % 2 == 0 {
            run.target = siyu_model::run::Target::Workflow {
                playbook: name("club").unwrap(),
                version: run.target.version(),
                workflow: name("second-order").unwrap(),
            };
        }
        writes.journal.push(line(run.id, 0));
        writes.runs.push(run);
    }
    writes
}

#[tokio::test]
async fn both_logs_are_read_on_from_any_place_with_where_they_end() {
    const EVENTS: u64 = 25;
    let mut writes = runs();
    writes.events.extend((1..=EVENTS).map(|number| event(number).unwrap()));
    let mut long = line(run_id(0), 1);
    long.entry.detail = Some(format!("\"{}\"", "长".repeat(LOG_DETAIL_CHARS_MAX)));
    writes.journal.push(long);
    for place in places(writes).await {
        for limit in [1, 7, 1_000] {
            let (mut seen, mut seqs, mut lines) = (LogPlace::default(), Vec::new(), Vec::new());
            let end = loop {
                let part = place.inspect.log(seen, limit).await.unwrap();
                if part.events.is_empty() && part.lines.is_empty() {
                    break part.end;
                }
                assert!(part.events.len() <= limit && part.lines.len() <= limit, "{}", place.name);
                seen.event = part.events.last().map_or(seen.event, |event| event.seq);
                seen.line = part.lines.last().map_or(seen.line, |line| line.place);
                seqs.extend(part.events.into_iter().map(|event| event.seq.0));
                lines.extend(part.lines);
            };
            assert_eq!(end, seen, "{}", place.name);
            assert_eq!(seqs, (1..=EVENTS).collect::<Vec<_>>(), "{}", place.name);
            assert!(lines.is_sorted_by_key(|line| line.place), "{}", place.name);
            let cut: Vec<_> = lines.iter().filter(|line| line.is_cut).collect();
            assert!(lines.len() == 61 && cut.len() == 1 && cut[0].line.entry.detail.is_none(), "{cut:?}");
            assert_eq!((cut[0].line.run, cut[0].line.row), (run_id(0), 1));
        }
    }
}

#[tokio::test]
async fn runs_are_listed_newest_first_by_any_filter_page_after_page() {
    for place in places(runs()).await {
        eprintln!("{}", place.name);
        let numbers = |keep: &dyn Fn(u64) -> bool| -> Vec<_> {
            (0..60).rev().filter(|number| keep(*number)).map(run_id).collect()
        };
        let span = Span { from: Some(at(10)), until: Some(at(40)) };
        let none = RunFilter::default;
        let is_paused = |number: u64| number % 10 == 1;
        let cases: Vec<(RunFilter, Vec<_>)> = vec![
            (none(), numbers(&|_| true)),
            (
                RunFilter { phase: Some(RunPhase::Completed), ..none() },
                numbers(&|n| n % 3 == 0 && !is_paused(n)),
            ),
            (RunFilter { phase: Some(RunPhase::Paused), ..none() }, numbers(&is_paused)),
            (RunFilter { phase: Some(RunPhase::Failed), ..none() }, vec![]),
            (RunFilter { customer: Some(customer(4)), ..none() }, numbers(&|n| n % 10 == 4)),
            (RunFilter { workflow: Some("first-order".to_owned()), ..none() }, numbers(&|n| n % 2 == 1)),
            (
                RunFilter {
                    playbook: Some(name("club").unwrap()),
                    workflow: Some("second-order".to_owned()),
                    ..none()
                },
                numbers(&|n| n % 2 == 0),
            ),
            (RunFilter { playbook: Some(name("other").unwrap()), ..none() }, vec![]),
            (RunFilter { started: span, ..none() }, numbers(&|n| (10..40).contains(&n))),
            (
                RunFilter {
                    started: span,
                    customer: Some(customer(4)),
                    phase: Some(RunPhase::Live),
                    ..none()
                },
                numbers(&|n| (10..40).contains(&n) && n % 10 == 4 && n % 3 != 0),
            ),
            (RunFilter { started: Span { from: Some(at(1_000)), until: None }, ..none() }, vec![]),
        ];
        for (filter, expected) in cases {
            for limit in [1, 7, 1_000] {
                let found = all(limit, |turn| place.inspect.runs(filter.clone(), turn)).await;
                let found: Vec<_> = found.into_iter().map(|run| run.id).collect();
                assert_eq!(found, expected, "{filter:?} in pages of {limit}");
            }
        }
    }
}

#[tokio::test]
async fn a_run_is_shown_with_its_event_and_journal_while_the_executor_goes_on() {
    for place in places(everything().unwrap()).await {
        eprintln!("{}", place.name);
        let shown = place.inspect.run(run_id(1)).await.unwrap().unwrap();
        assert_eq!(shown.journal, everything().unwrap().journal);
        assert_eq!(shown.event.map(|event| event.seq), Some(EventSeq(1)));
        let mut next = run(1).unwrap();
        next.journal_rows = 3;
        let writes = WriteSet { journal: vec![line(next.id, 2)], runs: vec![next], ..WriteSet::default() };
        place.store.commit(writes).await.unwrap();
        let shown = place.inspect.run(run_id(1)).await.unwrap().unwrap();
        assert_eq!(shown.journal.len(), 3);
        assert_eq!(shown.run.status, RunStatus::Live);
        assert!(place.inspect.run(run_id(77)).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn a_customer_is_found_by_id_and_by_an_outside_name() {
    for place in places(everything().unwrap()).await {
        eprintln!("{}", place.name);
        let name = |value: &str| {
            Subject::Identity(Identity { namespace: "shop".to_owned(), value: value.to_owned() })
        };
        for (who, is_there) in [
            (Subject::Customer(customer(1)), true),
            (name("00042"), true),
            (Subject::Customer(customer(2)), false),
            (name("00043"), false),
        ] {
            let found = place.inspect.customer(who.clone()).await.unwrap();
            assert_eq!(found.map(|image| image.customer.id), is_there.then(|| customer(1)), "{who}");
        }
    }
}

#[tokio::test]
async fn a_timeline_gives_every_moment_once_even_when_many_share_an_instant() {
    let who = customer(1);
    let mut writes = WriteSet::default();
    for number in 0..40 {
        // Ten instants, each with events, runs and messages.
        let instant = at(number / 4);
        let mut event = event(number + 1).unwrap();
        event.customer = Some(who);
        event.occurred_at = instant;
        writes.events.push(event);
        let mut run = run(number).unwrap();
        run.customer = Some(who);
        run.started_at = instant;
        writes.runs.push(run);
        let mut message = message(number).unwrap();
        message.customer = who;
        message.planned_at = instant;
        writes.messages.push(message);
    }
    let mut sample = everything().unwrap();
    writes.tags.append(&mut sample.tags);
    writes.segments.append(&mut sample.segments);
    for place in places(writes).await {
        eprintln!("{}", place.name);
        let whole = all(1_000, |turn| place.inspect.timeline(who, turn)).await;
        assert_eq!(whole.len(), 122);
        assert!(whole.is_sorted_by_key(|moment| std::cmp::Reverse(moment.at())));
        assert!(whole.iter().any(|moment| matches!(moment, Moment::Tag(..))));
        for limit in [1, 5, 12, 13, 121, 122] {
            let pages = all(limit, |turn| place.inspect.timeline(who, turn)).await;
            assert!(pages == whole, "in pages of {limit}");
        }
        let nobody = all(10, |turn| place.inspect.timeline(customer(9), turn)).await;
        assert_eq!(nobody, []);
    }
}

#[tokio::test]
async fn messages_and_events_are_listed_newest_first_by_any_filter() {
    let mut writes = WriteSet::default();
    for number in 0..30 {
        let mut message = message(number).unwrap();
        if number % 3 == 0 {
            message.status = MessageStatus::Failed;
        }
        if number % 2 == 0 {
            message.channel = name("sms").unwrap();
        }
        writes.messages.push(message);
        let mut event = event(number + 1).unwrap();
        if number % 3 == 0 {
            event.event_type = name("page.seen").unwrap();
        }
        writes.events.push(event);
    }
    for place in places(writes).await {
        eprintln!("{}", place.name);
        let failed = Some(MessageStatus::Failed);
        let sms = || Some(name("sms").unwrap());
        let none = MessageFilter::default;
        let planned = Span { from: Some(at(5)), until: Some(at(9)) };
        for (filter, count) in [
            (none(), 30),
            (MessageFilter { status: failed, ..none() }, 10),
            (MessageFilter { channel: sms(), ..none() }, 15),
            (MessageFilter { status: failed, channel: sms(), ..none() }, 5),
            (MessageFilter { customer: Some(customer(3)), ..none() }, 3),
            (MessageFilter { customer: Some(customer(3)), status: failed, ..none() }, 1),
            (MessageFilter { planned, ..none() }, 4),
        ] {
            let found = all(4, |turn| place.inspect.messages(filter.clone(), turn)).await;
            assert_eq!(found.len(), count, "{filter:?}");
            assert!(found.is_sorted_by_key(|message| std::cmp::Reverse(message.id)), "{filter:?}");
        }
        let none = EventFilter::default;
        let seen = || Some(name("page.seen").unwrap());
        for (filter, count) in [
            (none(), 30),
            (EventFilter { event_type: seen(), ..none() }, 10),
            (EventFilter { customer: Some(customer(1)), ..none() }, 3),
            (EventFilter { customer: Some(customer(1)), event_type: seen(), ..none() }, 1),
            (EventFilter { recorded: planned, ..none() }, 4),
            (EventFilter { recorded: planned, event_type: seen(), ..none() }, 1),
        ] {
            let found = all(4, |turn| place.inspect.events(filter.clone(), turn)).await;
            assert_eq!(found.len(), count, "{filter:?}");
            assert!(found.is_sorted_by_key(|event| std::cmp::Reverse(event.seq)), "{filter:?}");
        }
    }
}

#[tokio::test]
async fn stock_is_listed_by_prefix_page_after_page() {
    let mut writes = WriteSet::default();
    for number in 0..12 {
        for prefix in ["a/", "b/"] {
            let key = stock_key(&format!("{prefix}{number:02}")).unwrap();
            writes.pools.push((key.clone(), Pool::new(number).unwrap()));
            writes.counters.push((key, Default::default()));
        }
        let mut reservation = reservation(number).unwrap();
        reservation.pool = name(if number < 6 { "a/with space" } else { "b/1" }).unwrap();
        writes.reservations.push(reservation);
    }
    for place in places(writes).await {
        eprintln!("{}", place.name);
        let filter = |prefix: &str| StockFilter { plugin: "flash-sale".into(), prefix: prefix.to_owned() };
        for (prefix, keys, reservations) in [("", 24, 12), ("a/", 12, 6), ("b/1", 2, 6), ("c", 0, 0)] {
            let pools = all(5, |turn| place.inspect.pools(filter(prefix), turn)).await;
            let counters = all(5, |turn| place.inspect.counters(filter(prefix), turn)).await;
            let held = all(4, |turn| place.inspect.reservations(filter(prefix), turn)).await;
            assert_eq!((pools.len(), counters.len(), held.len()), (keys, keys, reservations), "{prefix}");
            assert!(pools.is_sorted_by_key(|(key, _)| key.clone()));
            assert!(held.is_sorted_by_key(|row| (row.pool.clone(), row.id)));
        }
        let tallies = place.inspect.reservation_tallies("flash-sale").await.unwrap();
        let tallies: Vec<_> =
            tallies.iter().map(|tally| (tally.pool.as_str(), tally.reservations, tally.units)).collect();
        assert_eq!(tallies, [("a/with space", 6, 6), ("b/1", 6, 6)]);
        assert_eq!(place.inspect.reservation_tallies("coupon").await.unwrap(), []);
        let other = StockFilter { plugin: "coupon".into(), prefix: String::new() };
        assert_eq!(all(5, |turn| place.inspect.pools(other.clone(), turn)).await, []);
    }
}

#[tokio::test]
async fn a_cursor_of_another_list_is_refused_in_words() {
    for place in places(runs()).await {
        eprintln!("{}", place.name);
        let turn = Turn { after: Some(Cursor::new("牛")), limit: 1 };
        let list = place.inspect.runs(RunFilter::default(), turn.clone()).await.unwrap_err();
        let expected = "`牛` is no cursor of runs: expected what an earlier page gave as its next";
        assert_eq!(list.to_string(), expected);
        assert!(place.inspect.timeline(customer(1), turn.clone()).await.is_err());
        assert!(place.inspect.scans(turn.clone()).await.is_err());
        let filter = StockFilter { plugin: "flash-sale".into(), prefix: String::new() };
        assert!(place.inspect.reservations(filter, turn).await.is_err());
    }
}

#[tokio::test]
async fn numbers_say_how_much_there_is_of_what() {
    let mut writes = everything().unwrap();
    writes.playbooks.push(playbook(3, false).unwrap());
    writes.scans.push(scan(5).unwrap());
    for place in places(writes).await {
        eprintln!("{}", place.name);
        let tallies = place.inspect.tallies().await.unwrap();
        assert_eq!(tallies.runs, [(RunPhase::Paused, 1), (RunPhase::Completed, 1)]);
        let by_workflow = place.inspect.run_tallies(None).await.unwrap();
        let by_workflow: Vec<_> = by_workflow
            .iter()
            .map(|tally| (tally.workflow.as_str(), tally.phase, tally.end.as_deref(), tally.runs))
            .collect();
        let expected = [
            ("@coupon/expire", RunPhase::Completed, Some("done"), 1),
            ("first-order", RunPhase::Paused, None, 1),
        ];
        assert_eq!(by_workflow, expected);
        let of = place.inspect.run_tallies(Some((&name("club").unwrap(), "first-order"))).await.unwrap();
        assert_eq!(
            of.iter().map(|tally| (tally.phase, tally.runs)).collect::<Vec<_>>(),
            [(RunPhase::Paused, 1)]
        );
        assert_eq!(place.inspect.run_tallies(Some((&name("club").unwrap(), "other"))).await.unwrap(), []);
        let wecom = || name("wecom").unwrap();
        let messages = [(MessageStatus::Planned, wecom(), 1), (MessageStatus::Sent, wecom(), 1)];
        assert_eq!(tallies.messages, messages);
        assert_eq!(tallies.events, [(name("order.paid").unwrap(), 2)]);
        assert_eq!(tallies.segments, [(name("club").unwrap(), name("loyal").unwrap(), 1)]);
        let versions = all(2, |turn| place.inspect.playbooks(turn)).await;
        let digests: Vec<_> = versions.iter().map(|version| version.digest.0[0]).collect();
        assert_eq!(digests.len(), 3);
        assert_eq!(place.inspect.schedules().await.unwrap(), everything().unwrap().schedules);
        let scans = all(2, |turn| place.inspect.scans(turn)).await;
        assert_eq!(scans.len(), 3);
        let size = place.inspect.size().await.unwrap();
        assert!(size.database_bytes > 100_000 || size.wal_bytes > 100_000, "{size:?}");
        let rows = |table: &str| size.rows.iter().find(|(name, _)| name == table).map(|(_, rows)| *rows);
        assert_eq!((rows("events"), rows("journal"), rows("tags")), (Some(2), Some(2), Some(1)));
        let range = RecordRange {
            plugin: name("coupon").unwrap(),
            customer: Some(customer(1)),
            prefix: "card/".to_owned(),
            after: None,
            limit: usize::MAX,
        };
        assert_eq!(place.inspect.records(range).await.unwrap().len(), 1);
    }
}

/// Orders of one customer: the day of each, counted from the first day of the year.
fn orders(writes: &mut WriteSet, number: u64, days: &[u64]) {
    let event_type = name("order.paid").unwrap();
    let mut fact = None;
    for (order, day) in days.iter().enumerate() {
        let seq = writes.events.len() as u64 + 1;
        let mut event = event(seq).unwrap();
        event.customer = Some(customer(number));
        // Noon, and a minute later for every further order of a day.
        event.occurred_at = at(day * 86_400 + 43_200 + 60 * order as u64);
        fact = Some(Fact::add(fact, event.occurred_at, 100, event.seq));
        writes.events.push(event);
    }
    writes.facts.extend(fact.map(|fact| FactRow { customer: customer(number), event_type, fact }));
}

#[tokio::test]
async fn cohorts_tell_who_came_back_and_in_which_month() {
    let mut writes = WriteSet::default();
    // January has days 0 to 30, February 31 to 58, March 59 to 89.
    orders(&mut writes, 1, &[0]);
    orders(&mut writes, 2, &[0, 0]);
    orders(&mut writes, 3, &[1, 20, 40, 41]);
    orders(&mut writes, 4, &[2, 60]);
    orders(&mut writes, 5, &[31, 58]);
    orders(&mut writes, 6, &[89, 95]);
    for place in places(writes).await {
        eprintln!("{}", place.name);
        let query = |distinct_days| CohortQuery {
            event_type: name("order.paid").unwrap(),
            months: [0, 31, 59, 90].map(|day| at(day * 86_400)).into(),
            distinct_days,
            day_offset_ms: 28_800_000,
        };
        for (distinct_days, january) in [(false, [2, 1, 1]), (true, [1, 1, 1])] {
            let found = place.inspect.cohorts(query(distinct_days)).await.unwrap();
            let found: Vec<_> = found.into_iter().map(|cohort| (cohort.customers, cohort.returned)).collect();
            let expected = [(4, january.to_vec()), (1, vec![1, 0]), (1, vec![0])];
            assert_eq!(found, expected, "distinct days: {distinct_days}");
        }
        let event_type = name("order.paid").unwrap();
        for (at_least, customers) in [(1, 6), (2, 5), (4, 1), (5, 0)] {
            assert_eq!(place.inspect.reach(&event_type, at_least).await.unwrap(), customers, "{at_least}");
        }
        let empty = CohortQuery { months: vec![], ..query(false) };
        assert_eq!(place.inspect.cohorts(empty).await.unwrap(), []);
    }
}

#[tokio::test]
async fn reports_read_facts_first_events_and_instants_in_the_order_of_customers() {
    let mut writes = WriteSet::default();
    for number in 0..9 {
        // As many orders as the customer's number says, the first two in one instant.
        orders(&mut writes, number, &vec![number; number as usize]);
    }
    let seen: EventType = name("page.seen").unwrap();
    for number in [2, 5] {
        let mut event = event(writes.events.len() as u64 + 1).unwrap();
        (event.customer, event.event_type) = (Some(customer(number)), seen.clone());
        let fact = Fact::add(None, event.occurred_at, 0, event.seq);
        writes.facts.push(FactRow { customer: customer(number), event_type: seen.clone(), fact });
        writes.events.push(event);
    }
    let paid: EventType = name("order.paid").unwrap();
    let second = writes.events.iter().position(|event| event.customer == Some(customer(2))).unwrap() + 1;
    writes.events[second].occurred_at = writes.events[second - 1].occurred_at;
    let expected = writes.facts.iter().map(|row| (row.customer, row.event_type.clone(), row.fact));
    let mut expected: Vec<_> = expected.collect();
    expected.sort_by(|one, other| (one.0, &one.1).cmp(&(other.0, &other.1)));
    let mut instants: Vec<_> = writes
        .events
        .iter()
        .filter(|event| event.event_type == paid)
        .filter_map(|event| Some((event.customer?, event.occurred_at)))
        .collect();
    instants.sort();
    for place in places(writes).await {
        eprintln!("{}", place.name);
        for limit in [1, 2, 5, 10_000] {
            let types = [paid.clone(), seen.clone()];
            let facts = all(limit, |turn| place.inspect.facts(&types, turn)).await;
            let facts: Vec<_> =
                facts.into_iter().map(|row| (row.customer, row.event_type, row.fact)).collect();
            assert_eq!(facts, expected, "facts in pages of {limit}");
            let paid_facts = all(limit, |turn| place.inspect.facts(&types[..1], turn)).await;
            assert_eq!(paid_facts.len(), 8, "in pages of {limit}");
            let times = all(limit, |turn| place.inspect.times(&paid, turn)).await;
            assert_eq!(times, instants, "instants in pages of {limit}");
            let firsts = all(limit, |turn| place.inspect.firsts(&paid, turn)).await;
            let who: Vec<_> = firsts.iter().map(|first| first.customer).collect();
            assert_eq!(who, (1..9).map(customer).collect::<Vec<_>>(), "in pages of {limit}");
            assert!(firsts.iter().all(|first| times.contains(&(first.customer, first.occurred_at))));
        }
        let never: EventType = name("never.seen").unwrap();
        assert_eq!(all(5, |turn| place.inspect.times(&never, turn)).await, []);
        let turn = Turn { after: Some(Cursor::new("牛 1 2")), limit: 1 };
        assert!(place.inspect.facts(std::slice::from_ref(&paid), turn.clone()).await.is_err());
        assert!(place.inspect.firsts(&paid, turn.clone()).await.is_err());
        assert!(place.inspect.times(&paid, turn).await.is_err());
    }
}

#[tokio::test]
async fn events_are_counted_by_what_they_hold() {
    let mut writes = WriteSet::default();
    for (number, data) in [
        r#"{"channel":{"kind":"card"},"amount_fen":100}"#,
        r#"{"channel":{"kind":"card"},"amount_fen":250,"card":"a"}"#,
        r#"{"channel":"menu","amount_fen":"many"}"#,
        r#"{"amount_fen":9223372036854775807,"card":"b"}"#,
        r#"{"channel":null,"amount_fen":-7}"#,
        r#"{"channel":{"kind":3},"amount_fen":1.5}"#,
    ]
    .into_iter()
    .enumerate()
    {
        let mut event = event(number as u64 + 1).unwrap();
        event.customer = (number != 4).then(|| customer(number as u64 / 2));
        event.data = data.into();
        writes.events.push(event);
    }
    for place in places(writes).await {
        eprintln!("{}", place.name);
        let query = || GroupQuery {
            event_type: name("order.paid").unwrap(),
            by: vec![&["channel", "kind"], &["card"]],
            having: None,
            customers: true,
            sum: Some(&["amount_fen"]),
            occurred: Span::default(),
        };
        let group = |kind: Option<&str>, card: Option<&str>, events, customers, sum| Group {
            keys: vec![kind.map(str::to_owned), card.map(str::to_owned)],
            events,
            customers,
            sum,
        };
        let found = place.inspect.groups(query()).await.unwrap();
        let expected = [
            group(None, None, 2, 1, -7),
            group(None, Some("b"), 1, 1, 0),
            group(Some("3"), None, 1, 1, 0),
            group(Some("card"), None, 1, 1, 100),
            group(Some("card"), Some("a"), 1, 1, 250),
        ];
        assert_eq!((found.rows.as_slice(), found.is_cut), (&expected[..], false));
        let with_card = GroupQuery { by: vec![], having: Some(&["card"]), ..query() };
        let found = place.inspect.groups(with_card).await.unwrap().rows;
        assert_eq!(found, [Group { keys: vec![], events: 2, customers: 2, sum: 250 }]);
        // Without customers the same, window by window.
        let plain = place.inspect.groups(GroupQuery { customers: false, ..query() }).await.unwrap();
        let expected = expected.into_iter().map(|group| Group { customers: 0, ..group });
        assert_eq!(plain.rows, expected.collect::<Vec<_>>());
        let late = GroupQuery {
            by: vec![&["channel"]],
            sum: None,
            occurred: Span { from: Some(at(3)), until: Some(at(4)) },
            ..query()
        };
        let found = place.inspect.groups(late).await.unwrap().rows;
        let keys = vec![Some("menu".to_owned())];
        assert_eq!(found, [Group { keys, events: 1, customers: 1, sum: 0 }]);
    }
}

#[tokio::test]
async fn what_was_published_and_whose_stock_there_is_can_be_read() {
    let mut writes = everything().unwrap();
    for plugin in ["coupon", "@host"] {
        let key = StockKey { plugin: plugin.into(), key: name("a").unwrap() };
        writes.pools.push((key, Pool::new(1).unwrap()));
    }
    for place in places(writes).await {
        eprintln!("{}", place.name);
        let club = name("club").unwrap();
        let found = place.inspect.playbook(&club, version(2)).await.unwrap();
        assert_eq!(found, Some(playbook(2, false).unwrap()));
        assert_eq!(place.inspect.playbook(&club, version(9)).await.unwrap(), None);
        let resources = place.inspect.resources(&name("coupon").unwrap()).await.unwrap();
        assert_eq!(resources, everything().unwrap().resources);
        assert_eq!(place.inspect.resources(&name("flash-sale").unwrap()).await.unwrap(), []);
        let owners = place.inspect.stock_owners().await.unwrap();
        assert_eq!(owners, ["@host".into(), "coupon".into(), "flash-sale".into()] as [Arc<str>; 3]);
    }
}

#[tokio::test]
async fn what_is_no_store_is_not_opened() {
    let folder = tempfile::tempdir().unwrap();
    let missing = SqliteInspect::open(folder.path().join("nobody.db")).await.err().unwrap();
    assert!(missing.to_string().contains("nobody.db"), "{missing}");
    assert!(!folder.path().join("nobody.db").exists(), "reading makes no file");
    std::fs::write(folder.path().join("empty.db"), "").unwrap();
    let empty = SqliteInspect::open(folder.path().join("empty.db")).await.err().unwrap();
    assert!(matches!(empty, StoreError::Broken(_)), "{empty}");
}
