//! What a tenant owes those who hand something in: an answer for everything, and nothing acknowledged that is lost.

use std::collections::HashSet;
use std::sync::Arc;

use super::support::Case;
use siyu_engine::doubles::NativePlugins;
use siyu_engine::ports::inspect::{EventFilter, Inspect, RunFilter, Turn};
use siyu_engine::tenant::{Admitted, Settings, Unavailable};
use siyu_model::event::IncomingEvent;
use siyu_model::limits::executor::INBOX_ALWAYS_TAKEN;
use siyu_model::run::{RunEnd, RunPhase};
use siyu_tests::{FaultyStores, Gate, Place, StoreFault, event, probe_at, workflows};

const COUNTING: &str = "
workflow: counting
on: { event: order.paid }
steps: [{ uses: probe/take@1, with: { key: orders, limit: 1000000 } }]
";

const BLOCKING: &str = "
workflow: blocking
on: { event: go }
steps: [{ uses: probe/block@1 }]
";

fn order(number: usize) -> IncomingEvent {
    event(&format!("o{number}"), "order.paid", &format!("shop:{}", number % 7), "{}").unwrap()
}

/// A place whose step `block` stands at a gate, with a small inbox.
fn gated() -> (Place, Arc<Gate>) {
    let gate = Arc::new(Gate::default());
    let mut place = Place::at("2026-11-21T10:00:00+08:00").unwrap();
    let (manifest, step) = probe_at(gate.clone());
    place.plugins = NativePlugins::default().with(manifest, step);
    place.settings = Settings { inbox_max: 8, ..Settings::default() };
    (place, gate)
}

/// Begins to do something, and returns once it can have been handed in.
async fn begin<T: Send + 'static>(
    what: impl Future<Output = T> + Send + 'static,
) -> tokio::task::JoinHandle<T> {
    let task = tokio::spawn(what);
    tokio::task::yield_now().await;
    task
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_flood_beyond_the_inbox_is_refused_and_nothing_acknowledged_is_lost() {
    let (place, gate) = gated();
    let case = Case::open_in(place, &[COUNTING, BLOCKING]).await;
    let Case { place, tenant, inspect } = case;
    let tenant = Arc::new(tenant);
    let blocked = {
        let tenant = tenant.clone();
        begin(async move { tenant.admit(event("b", "go", "shop:1", "{}").unwrap()).await }).await
    };
    let waiting = gate.clone();
    tokio::task::spawn_blocking(move || waiting.wait_for(1)).await.unwrap();
    let mut tasks = Vec::new();
    for number in 0..100 {
        let tenant = tenant.clone();
        tasks.push(tokio::spawn(async move { (number, tenant.admit(order(number)).await) }));
    }
    // The executor stands still, so at most what the inbox holds is taken in: all others have their answer already.
    let mut busy = 0;
    while tasks.iter().filter(|task| task.is_finished()).count() < 100 - 8 {
        tokio::task::yield_now().await;
    }
    gate.open();
    blocked.await.unwrap().unwrap();
    let mut acknowledged = HashSet::new();
    for task in tasks {
        match task.await.unwrap() {
            (number, Ok(Admitted::Recorded { .. })) => drop(acknowledged.insert(format!("o{number}"))),
            (_, Err(Unavailable::Busy)) => busy += 1,
            (number, other) => panic!("{number}: {other:?}"),
        }
    }
    assert_eq!((acknowledged.len(), busy), (8, 92));
    // A host that dies now has them all.
    Arc::into_inner(tenant).unwrap().stop().await;
    let tenant = place.open().await.unwrap();
    let filter = EventFilter { event_type: Some("order.paid".parse().unwrap()), ..EventFilter::default() };
    let found = inspect.events(filter, Turn::first(1_000)).await.unwrap().items;
    assert_eq!(found.into_iter().map(|row| row.id).collect::<HashSet<_>>(), acknowledged);
    // Those who were refused come again and are taken in.
    for number in 0..100 {
        tenant.admit(order(number)).await.unwrap();
    }
    let case = Case { place, tenant, inspect };
    assert_eq!(case.counter("orders").await, 100);
}

#[tokio::test]
async fn who_would_be_answered_late_is_refused_although_there_is_room() {
    let (mut place, gate) = gated();
    place.settings = Settings { inbox_wait_max_ms: 0, ..Settings::default() };
    let Case { tenant, .. } = Case::open_in(place, &[COUNTING, BLOCKING]).await;
    let tenant = Arc::new(tenant);
    let orders = |numbers: std::ops::Range<usize>| -> Vec<_> {
        let admit = |number| {
            let tenant = tenant.clone();
            tokio::spawn(async move { tenant.admit(order(number)).await })
        };
        numbers.map(admit).collect()
    };
    // As many as are always taken in, whoever waits: they show how long one takes.
    for task in orders(0..INBOX_ALWAYS_TAKEN) {
        assert!(matches!(task.await.unwrap(), Ok(Admitted::Recorded { .. })));
    }
    let blocked = {
        let tenant = tenant.clone();
        begin(async move { tenant.admit(event("b", "go", "shop:1", "{}").unwrap()).await }).await
    };
    let waiting = gate.clone();
    tokio::task::spawn_blocking(move || waiting.wait_for(1)).await.unwrap();
    // The executor stands still while the flood comes: all who are refused have their answer already.
    let flood = orders(INBOX_ALWAYS_TAKEN..INBOX_ALWAYS_TAKEN * 3);
    while flood.iter().filter(|task| task.is_finished()).count() < INBOX_ALWAYS_TAKEN {
        tokio::task::yield_now().await;
    }
    gate.open();
    let (mut taken, mut busy) = (0, 0);
    for task in flood {
        match task.await.unwrap() {
            Ok(Admitted::Recorded { .. }) => taken += 1,
            Err(Unavailable::Busy) => busy += 1,
            other => panic!("{other:?}"),
        }
    }
    blocked.await.unwrap().unwrap();
    assert_eq!((taken, busy), (INBOX_ALWAYS_TAKEN, INBOX_ALWAYS_TAKEN));
    // The feeds of operators wait for room instead.
    let waited = tenant.take_in(order(0)).await;
    assert!(matches!(waited, Ok(Admitted::Recorded { .. })), "{waited:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_tenant_that_is_told_to_stop_does_what_is_in_its_inbox_first() {
    let (place, gate) = gated();
    let case = Case::open_in(place, &[COUNTING, BLOCKING]).await;
    let Case { place, tenant, inspect } = case;
    let tenant = Arc::new(tenant);
    let mut tasks = Vec::new();
    for number in 0..5 {
        let tenant = tenant.clone();
        tasks.push(tokio::spawn(async move {
            tenant.admit(event(&format!("b{number}"), "go", "shop:1", "{}").unwrap()).await
        }));
    }
    let waiting = gate.clone();
    tokio::task::spawn_blocking(move || waiting.wait_for(1)).await.unwrap();
    gate.open();
    for task in tasks {
        assert!(matches!(task.await.unwrap(), Ok(Admitted::Recorded { .. })));
    }
    let feed: Arc<str> = "orders".into();
    for number in 0..6 {
        tenant.feed(order(number), (feed.clone(), number as u64 + 1), None).await.unwrap();
    }
    Arc::into_inner(tenant).unwrap().stop().await;
    let tenant = place.open().await.unwrap();
    assert_eq!(tenant.fed("orders").await.unwrap(), 6);
    let case = Case { place, tenant, inspect };
    assert_eq!(case.counter("orders").await, 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_comes_twice_happens_once_also_in_one_batch_and_after_a_restart() {
    let case = Case::open(&[COUNTING]).await;
    let (first, second) = tokio::join!(case.tenant.admit(order(1)), case.tenant.admit(order(1)));
    let seen = |admitted: Result<Admitted, Unavailable>| match admitted {
        Ok(Admitted::Recorded { admission, .. }) => (admission.seq, admission.is_duplicate),
        other => panic!("{other:?}"),
    };
    let (first, second) = (seen(first), seen(second));
    assert_eq!(first.0, second.0);
    assert_eq!([first.1, second.1].iter().filter(|is_duplicate| **is_duplicate).count(), 1);
    let case = case.reopen().await;
    assert!(seen(case.tenant.admit(order(1)).await).1);
    let elsewhere = IncomingEvent { source: "elsewhere".to_owned(), ..order(1) };
    assert!(!seen(case.tenant.admit(elsewhere).await).1, "another source is another event");
    assert_eq!(case.counter("orders").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_from_outside_never_stands_in_the_way_of_one_that_the_host_makes() {
    let emitting = "workflow: emitting\non: { event: go }\nsteps: [{ uses: probe/emit@1 }]\n";
    let heard = "workflow: heard\non: { event: probe.rang }\nsteps: [{ uses: probe/take@1, with: { key: rung, limit: 99 } }]\n";
    let case = Case::open(&[emitting, heard]).await;
    // The ids that the host's own next events would have, under the names it gives them.
    for source in ["plugin:probe", "siyu", "named", "made"] {
        for number in 0..100 {
            let forged = event(&number.to_string(), "order.paid", "shop:9", "{}").unwrap();
            let forged = IncomingEvent { source: source.to_owned(), ..forged };
            case.tenant.admit(forged).await.unwrap();
        }
    }
    case.start("shop:1").await;
    assert_eq!(case.counter("rung").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_fails_takes_back_its_batch_and_the_next_one_and_nothing_else() {
    for fault in [StoreFault::Before, StoreFault::After] {
        let place = Place::at("2026-11-21T10:00:00+08:00").unwrap();
        let stores = Arc::new(FaultyStores::new(Arc::new(place.stores()), u64::MAX, fault));
        let tenant = Arc::new(place.open_on(stores.clone()).await.unwrap());
        tenant.publish(workflows(&[COUNTING]).unwrap()).await.unwrap().unwrap();
        let mut failed = 0;
        for round in 0..10 {
            if round % 3 == 1 {
                stores.fail_next(fault);
            }
            // Several batches are on their way at once.
            let tasks: Vec<_> = (0..40)
                .map(|number| {
                    let tenant = tenant.clone();
                    tokio::spawn(async move { (number, tenant.admit(order(round * 40 + number)).await) })
                })
                .collect();
            for task in tasks {
                match task.await.unwrap() {
                    (_, Ok(Admitted::Recorded { .. })) => {}
                    (number, Err(Unavailable::Failed(_))) => {
                        failed += 1;
                        // Nobody knows whether it was done: the same event may be handed in again.
                        tenant.admit(order(round * 40 + number)).await.unwrap();
                    }
                    (_, other) => panic!("{other:?}"),
                }
            }
        }
        assert!(failed > 0, "no commit failed");
        tenant.settle().await.unwrap();
        let inspect = Arc::new(place.inspect().await.unwrap());
        let case = Case { place, tenant: Arc::into_inner(tenant).unwrap(), inspect };
        assert_eq!(case.counter("orders").await, 400, "{fault:?}");
        assert_eq!(case.runs_of("counting").await, 400);
    }
}

/// The store fails at a timer, when nobody waits for anything, and does not come back for a while.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_while_the_store_is_away_is_told_so_instead_of_waiting_for_it() {
    let place = Place::at("2026-11-21T10:00:00+08:00").unwrap();
    let stores = Arc::new(FaultyStores::new(Arc::new(place.stores()), u64::MAX, StoreFault::Before));
    let tenant = place.open_on(stores.clone()).await.unwrap();
    let resting = "workflow: resting\non: { event: go }\nsteps: [{ wait: 1h }, { end: rested }]\n";
    tenant.publish(workflows(&[resting]).unwrap()).await.unwrap().unwrap();
    let inspect = Arc::new(place.inspect().await.unwrap());
    let case = Case { place, tenant, inspect };
    let run = case.start("shop:1").await;
    let commits = stores.commits();
    stores.fail_next(StoreFault::Before);
    stores.be_away(true);
    case.place.clock.set("2026-11-21T11:00:00+08:00".parse().unwrap());
    while stores.commits() == commits {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let soon = std::time::Duration::from_secs(20);
    for number in 0..3 {
        let told = tokio::time::timeout(soon, case.tenant.settle()).await.expect("an answer");
        assert!(matches!(told, Err(Unavailable::Failed(_))), "{told:?}");
        let told = tokio::time::timeout(soon, case.tenant.admit(order(number))).await.expect("an answer");
        assert!(matches!(told, Err(Unavailable::Failed(_))), "{told:?}");
    }
    stores.be_away(false);
    while case.tenant.settle().await.is_err() {}
    assert_eq!(case.outcome(run).await, "rested");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_host_takes_the_tenant_and_the_first_one_writes_nothing_more() {
    let case = Case::open(&[COUNTING]).await;
    case.tenant.admit(order(1)).await.unwrap();
    let second = case.place.open().await.unwrap();
    let why = case.tenant.admit(order(2)).await.unwrap_err();
    assert!(matches!(why, Unavailable::Failed(_)), "{why}");
    second.admit(order(3)).await.unwrap();
    assert_eq!(case.counter("orders").await, 2);
    // The first one has ended.
    let why = case.tenant.admit(order(4)).await.unwrap_err();
    assert!(matches!(why, Unavailable::Stopped | Unavailable::Failed(_)), "{why}");
    assert_eq!(case.counter("orders").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_are_none_are_refused_and_leave_nothing() {
    let case = Case::open(&[COUNTING]).await;
    let nobody = "cus_00000000000000000000000000";
    let refused = case.tenant.admit(event("a", "order.paid", nobody, "{}").unwrap()).await.unwrap();
    assert!(matches!(&refused, Admitted::Refused(why) if why.to_string().contains(nobody)), "{refused:?}");
    let mut deep = siyu_model::json::Value::Int(1);
    for _ in 0..200 {
        deep = siyu_model::json::Value::map([("a", deep)]);
    }
    let refused = case.tenant.admit(IncomingEvent { data: deep, ..order(1) }).await.unwrap();
    assert!(matches!(refused, Admitted::Refused(_)), "{refused:?}");
    assert!(case.inspect.events(EventFilter::default(), Turn::first(9)).await.unwrap().items.is_empty());
    // What an event brings may go through a workflow: nothing of it may be too deep to be read again.
    let deepest = format!("{}1{}", r#"{"a":"#.repeat(64), "}".repeat(64));
    let passing = "
workflow: passing
on: { event: go }
steps:
  - id: passed
    emit: order.refunded
    with: { n: 1, inner: ${{ event.data }} }
    on_error: continue
  - set: { deep: ${{ event.data }} }
  - wait: 1h
";
    case.publish(&[COUNTING, passing]).await;
    let deep = IncomingEvent {
        data: siyu_model::json::parse(&deepest).unwrap(),
        ..event("deep", "go", "shop:1", "{}").unwrap()
    };
    let run = case.tenant.admit(deep).await.unwrap();
    assert!(matches!(run, Admitted::Recorded { .. }));
    let case = case.reopen().await;
    case.go_on_to("2026-11-21T12:00:00+08:00").await;
    let runs = case.inspect.runs(RunFilter::default(), Turn::first(9)).await.unwrap().items;
    assert_eq!(runs.iter().map(|run| run.phase).collect::<Vec<_>>(), [RunPhase::Completed]);
    // The id is free: the corrected event is taken in.
    assert!(matches!(case.tenant.admit(order(1)).await.unwrap(), Admitted::Recorded { .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_event_cannot_keep_a_tenant_busy_for_ever() {
    // 100 events of each of 100 runs of each of 100 …: without a limit this never ends.
    let exploding = "
workflow: exploding
on: { event: [go, order.paid] }
steps:
  - each: ${{ [0,1,2,3,4,5,6,7,8,9] }}
    concurrency: 10
    steps:
      - each: ${{ [0,1,2,3,4,5,6,7,8,9] }}
        as: inner
        concurrency: 10
        steps: [{ emit: order.paid }]
";
    let case = Case::open(&[exploding]).await;
    let admitted = case.tenant.admit(event("a", "go", "shop:1", "{}").unwrap()).await.unwrap();
    assert!(matches!(admitted, Admitted::Recorded { .. }));
    // Others have their turn, and the tenant can be stopped: what is left of it is durable.
    let answered = case.tenant.admit(event("b", "order.refunded", "shop:2", "{}").unwrap()).await;
    assert!(matches!(answered, Ok(Admitted::Recorded { .. })));
    case.tenant.stop().await;
    let filter = RunFilter { phase: Some(RunPhase::Failed), ..RunFilter::default() };
    let failed = case.inspect.runs(filter, Turn::first(1)).await.unwrap().items;
    let RunEnd::Failed { fault } = failed[0].end.clone().unwrap() else { panic!("{failed:?}") };
    assert_eq!(fault.code, "TOO_MANY_EVENTS");
}
