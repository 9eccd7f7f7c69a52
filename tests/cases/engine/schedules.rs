//! What a host makes up for that was down when something fell due.

use std::sync::Arc;

use super::support::Case;
use siyu_engine::doubles::{CommitFault, MemoryStores};
use siyu_engine::ports::inspect::{Inspect, Turn};
use siyu_model::name::TenantName;
use siyu_tests::{FaultyStores, StoreFault, event, workflows};

fn hourly(catch_up: &str) -> String {
    format!(
        "workflow: hourly-{catch_up}\non: {{ schedule: '0 * * * *', catch_up: {catch_up} }}\nsteps: [{{ set: {{ a: 1 }} }}]\n"
    )
}

async fn counts(case: &Case) -> [usize; 3] {
    [case.runs_of("hourly-all").await, case.runs_of("hourly-last").await, case.runs_of("hourly-none").await]
}

#[tokio::test(flavor = "multi_thread")]
async fn ticks_that_a_stopped_host_missed_are_made_up_for_as_the_schedule_says() {
    let texts = [hourly("all"), hourly("last"), hourly("none")];
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let case = Case::open(&texts).await;
    case.go_on_to("2026-11-21T11:00:00+08:00").await;
    assert_eq!(counts(&case).await, [1, 1, 1]);
    // Five ticks pass.
    let case = case.closed_until("2026-11-21T16:30:00+08:00").await;
    assert_eq!(counts(&case).await, [6, 2, 1]);
    // Nothing is made up for twice, and the next tick comes for all.
    let case = case.reopen().await;
    case.go_on_to("2026-11-21T17:00:00+08:00").await;
    assert_eq!(counts(&case).await, [7, 3, 2]);
    // A host that is a few seconds late missed nothing.
    let case = case.closed_until("2026-11-21T18:00:30+08:00").await;
    assert_eq!(counts(&case).await, [8, 4, 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_audience_gets_all_its_runs_although_a_newer_version_came_and_the_host_started_again() {
    let crowd = |word: &str| {
        format!(
            "workflow: crowd\non: {{ schedule: '0 11 * * *', audience: everyone, spread: 1h }}\nsteps: [{{ end: {word} }}]\n"
        )
    };
    let case = Case::open(&[&crowd("old")]).await;
    for customer in 0..4 {
        case.admit(&format!("c{customer}"), "order.refunded", &format!("shop:{customer}")).await;
    }
    case.go_on_to("2026-11-21T11:00:00+08:00").await;
    let begun = case.runs_of("crowd").await;
    assert!((1..4).contains(&begun), "{begun} runs at once");
    case.publish(&[&crowd("new")]).await;
    let case = case.reopen().await;
    case.go_on_to("2026-11-21T12:00:00+08:00").await;
    assert_eq!(case.runs_of("crowd").await, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_of_a_very_long_list_of_missed_ticks_is_the_last_of_all() {
    let text = "workflow: often\non: { schedule: '* * * * *', catch_up: last }\nsteps: [{ set: { a: 1 } }]\n";
    let case = Case::open(&[text]).await;
    let case = case.closed_until("2026-12-21T10:00:30+08:00").await;
    assert_eq!(case.runs_of("often").await, 1);
    case.go_on_to("2026-12-21T10:01:00+08:00").await;
    assert_eq!(case.runs_of("often").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_that_ended_while_the_host_was_down_ends_when_it_is_back() {
    let text = "workflow: resting\non: { event: go }\nsteps:\n  - wait: { event: order.paid, timeout: 2h }\n  - wait: 1h\n";
    let case = Case::open(&[text]).await;
    let run = case.start("shop:1").await;
    let case = case.closed_until("2026-11-21T12:30:00+08:00").await;
    // The second wait counts from when it was reached, not from when it should have been.
    case.go_on_to("2026-11-21T13:29:59+08:00").await;
    assert!(!case.phase(run).await.is_terminal());
    case.go_on_to("2026-11-21T13:30:00+08:00").await;
    assert!(case.phase(run).await.is_terminal());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_schedule_goes_by_its_new_pattern_and_one_that_is_gone_is_silent() {
    let at = |hour: u32| {
        format!("workflow: daily\non: {{ schedule: '0 {hour} * * *' }}\nsteps: [{{ set: {{ a: 1 }} }}]\n")
    };
    let other = "workflow: other\non: { event: go }\nsteps: [{ set: { a: 1 } }]\n";
    let case = Case::open(&[&at(12), other]).await;
    case.publish(&[&at(15), other]).await;
    case.go_on_to("2026-11-21T14:59:59+08:00").await;
    assert_eq!(case.runs_of("daily").await, 0);
    case.go_on_to("2026-11-21T15:00:00+08:00").await;
    assert_eq!(case.runs_of("daily").await, 1);
    case.publish(&[other]).await;
    case.go_on_to("2026-11-25T15:00:00+08:00").await;
    assert_eq!(case.runs_of("daily").await, 1);
    case.publish(&[&at(15), other]).await;
    case.go_on_to("2026-11-26T15:00:00+08:00").await;
    assert_eq!(case.runs_of("daily").await, 2);
}

/// An audience larger than a batch, over a window, with a commit that fails: nobody is left out, nobody is reached twice.
#[tokio::test(flavor = "multi_thread")]
async fn an_audience_that_is_reached_in_batches_survives_a_crash_at_every_one_of_them() {
    let text = "
workflow: campaign
on: { schedule: '0 12 * * *', audience: everyone, spread: 1h }
steps: [{ uses: probe/take@1, with: { key: reached, limit: 100000 } }]
";
    const CUSTOMERS: usize = 700;
    let place = siyu_tests::Place::at("2026-11-21T10:00:00+08:00").unwrap();
    let fault = Arc::new(FaultyStores::new(Arc::new(place.stores()), u64::MAX, StoreFault::Before));
    let tenant = place.open_on(fault.clone()).await.unwrap();
    let inspect = Arc::new(place.inspect().await.unwrap());
    let case = Case { place, tenant, inspect };
    case.publish(&[text]).await;
    for number in 0..CUSTOMERS {
        let id = format!("e{number}");
        case.tenant.admit(event(&id, "order.paid", &format!("shop:{number}"), "{}").unwrap()).await.unwrap();
    }
    for minute in 0..=60 {
        // Every commit is one that fails, before or after it is durable.
        fault.fail_next(if minute % 2 == 0 { StoreFault::Before } else { StoreFault::After });
        let (hour, minute) = (12 + minute / 60, minute % 60);
        case.place.clock.set(format!("2026-11-21T{hour}:{minute:02}:00+08:00").parse().unwrap());
        // The first one fails with the commit, the next one sees what was made up for.
        let _failed = case.tenant.settle().await;
        case.tenant.settle().await.unwrap();
    }
    assert_eq!(case.runs_of("campaign").await, CUSTOMERS);
    assert_eq!(case.counter("reached").await, CUSTOMERS as u64);
    let scans = case.inspect.scans(Turn::first(10)).await.unwrap().items;
    assert_eq!(
        scans.iter().map(|scan| (scan.hits, scan.is_done)).collect::<Vec<_>>(),
        [(CUSTOMERS as u64, true)]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_in_memory_makes_up_for_a_failed_commit_by_itself() {
    let text = "workflow: timed\non: { event: go }\nsteps: [{ wait: 1h }, { uses: probe/take@1, with: { key: n, limit: 9 } }]\n";
    let place = siyu_tests::Place::at("2026-11-21T10:00:00+08:00").unwrap();
    let stores = MemoryStores::new();
    let tenant = place.open_on(Arc::new(stores.clone())).await.unwrap();
    let name = TenantName::new("test").unwrap();
    tenant.publish(workflows(&[text]).unwrap()).await.unwrap().unwrap();
    tenant.admit(event("a", "go", "shop:1", "{}").unwrap()).await.unwrap();
    stores.fail_commit(&name, 0, CommitFault::Before);
    place.clock.set("2026-11-21T11:00:00+08:00".parse().unwrap());
    while tenant.settle().await.is_err() {}
    assert_eq!(stores.events(&name).len(), 1);
    let commits = stores.commits(&name);
    tenant.settle().await.unwrap();
    assert_eq!(stores.commits(&name), commits, "nothing is left to do");
}
