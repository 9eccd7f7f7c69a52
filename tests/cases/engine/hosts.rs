//! A host of many tenants: they sleep when nothing happens, wake when something does, and lose nothing in between.

use std::sync::Arc;

use siyu_engine::host::{Host, HostError, Rules};
use siyu_engine::ports::inspect::{Inspect, MessageFilter, RunFilter, Turn};
use siyu_engine::ports::store::StoreError;
use siyu_engine::tenant::{Admitted, Unavailable};
use siyu_model::clock::{DurationMs, UtcMs};
use siyu_model::name::TenantName;
use siyu_store::SqliteInspect;
use siyu_tests::{Place, event, workflows};

const GREET: &str = "
workflow: greet
on: { event: go }
steps: [{ wait: 1h }, { end: greeted }]
";

fn name(number: usize) -> TenantName {
    TenantName::new(&format!("client-{number:03}")).unwrap()
}

/// Tenants sleep after a minute.
fn rules() -> Rules {
    Rules { idle: DurationMs::from_millis(60_000), ..Rules::default() }
}

async fn host(place: &Place, rules: Rules) -> Host {
    Host::open(place.ports(), place.settings.clone(), rules).await.unwrap()
}

/// Waits for what the keeper does beside the test; that it never comes ends the test.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..5_000 {
        if holds().await {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    panic!("{what} never came");
}

async fn ended(place: &Place, number: usize) -> usize {
    let inspect = SqliteInspect::open(place.stores().path(&name(number))).await.unwrap();
    let runs = inspect.runs(RunFilter::default(), Turn::first(100)).await.unwrap().items;
    runs.iter().filter(|run| run.end.is_some()).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn tenants_sleep_when_nothing_happens_and_wake_when_something_falls_due() {
    const TENANTS: usize = 12;
    let place = Place::at("2026-11-21T10:00:00+08:00").unwrap();
    let host = host(&place, rules()).await;
    for number in 0..TENANTS {
        let tenant = host.tenant_or_new(&name(number)).await.unwrap();
        tenant.publish(workflows(&[GREET]).unwrap()).await.unwrap().unwrap();
        tenant.admit(event("e", "go", "shop:1", "{}").unwrap()).await.unwrap();
    }
    assert_eq!((host.tenants().len(), host.awake()), (TENANTS, TENANTS));
    place.clock.set("2026-11-21T10:05:00+08:00".parse().unwrap());
    until("sleep", async || host.awake() == 0).await;
    place.clock.set("2026-11-21T11:00:00+08:00".parse().unwrap());
    until("the end of the waits", async || ended(&place, TENANTS - 1).await == 1).await;
    place.clock.set("2026-11-21T11:05:00+08:00".parse().unwrap());
    until("sleep again", async || host.awake() == 0).await;
    for number in 0..TENANTS {
        assert_eq!(ended(&place, number).await, 1, "{number}");
    }
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_starts_again_finds_what_fell_due_while_it_was_down() {
    let place = Place::at("2026-11-21T10:00:00+08:00").unwrap();
    let first = host(&place, rules()).await;
    for number in 0..3 {
        let tenant = first.tenant_or_new(&name(number)).await.unwrap();
        tenant.publish(workflows(&[GREET]).unwrap()).await.unwrap().unwrap();
        tenant.admit(event("e", "go", "shop:1", "{}").unwrap()).await.unwrap();
    }
    first.stop().await;
    place.clock.set("2026-11-21T12:00:00+08:00".parse().unwrap());
    let second = host(&place, rules()).await;
    for number in 0..3 {
        until("what was missed", async || ended(&place, number).await == 1).await;
    }
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_in_use_stays_awake_and_beyond_the_limit_the_one_used_longest_ago_sleeps() {
    let place = Place::at("2026-11-21T10:00:00+08:00").unwrap();
    let host = host(&place, Rules { awake_max: 2, ..rules() }).await;
    let held = host.tenant_or_new(&name(0)).await.unwrap();
    for number in 1..6 {
        place.clock.set(format!("2026-11-21T10:00:{number:02}+08:00").parse().unwrap());
        drop(host.tenant_or_new(&name(number)).await.unwrap());
    }
    // The one that is held cannot sleep, so it is that one and those used last.
    until("rest", async || host.awake() <= 3).await;
    let admitted = held.admit(event("e", "go", "shop:1", "{}").unwrap()).await;
    assert!(matches!(admitted, Ok(Admitted::Recorded { .. })), "{admitted:?}");
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_who_come_while_a_tenant_goes_to_sleep_and_wakes_lose_nothing() {
    const EVENTS: usize = 300;
    let place = Place::at("2026-11-21T10:00:00+08:00").unwrap();
    // Nobody is ever used recently enough: each tenant sleeps whenever nobody holds it.
    let host = Arc::new(host(&place, Rules { idle: DurationMs::from_millis(0), ..rules() }).await);
    drop(host.tenant_or_new(&name(0)).await.unwrap());
    let mut coming = tokio::task::JoinSet::new();
    for number in 0..EVENTS {
        let (host, clock) = (host.clone(), place.clock.clone());
        coming.spawn(async move {
            // Time goes on with each of them, so the keeper looks between them.
            let second: UtcMs = "2026-11-21T10:00:01+08:00".parse().unwrap();
            clock.set(second + DurationMs::from_millis(20 * number as u64));
            let tenant = host.tenant(&name(0)).await.unwrap();
            let event = event(&number.to_string(), "go", &format!("shop:{}", number % 7), "{}").unwrap();
            let admitted = tenant.admit(event).await;
            assert!(matches!(admitted, Ok(Admitted::Recorded { .. })), "{admitted:?}");
        });
    }
    while let Some(done) = coming.join_next().await {
        done.unwrap();
    }
    Arc::into_inner(host).unwrap().stop().await;
    let inspect = SqliteInspect::open(place.stores().path(&name(0))).await.unwrap();
    let events: u64 = inspect.tallies().await.unwrap().events.iter().map(|(_, count)| count).sum();
    assert!(events >= EVENTS as u64, "{events}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_holds_a_tenant_of_a_host_that_stops_is_told_and_nobody_wakes_another() {
    let place = Place::at("2026-11-21T10:00:00+08:00").unwrap();
    let host = host(&place, rules()).await;
    let held = host.tenant_or_new(&name(0)).await.unwrap();
    let unknown = host.tenant(&name(1)).await.err();
    assert!(matches!(unknown, Some(HostError::NoTenant(_))), "{unknown:?}");
    host.stop().await;
    assert!(held.is_over());
    let refused = held.admit(event("e", "go", "shop:1", "{}").unwrap()).await;
    assert!(matches!(refused, Err(Unavailable::Stopped)), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_that_was_fenced_is_opened_again_when_it_is_used() {
    let place = Place::at("2026-11-21T10:00:00+08:00").unwrap();
    let host = host(&place, rules()).await;
    drop(host.tenant_or_new(&name(0)).await.unwrap());
    // Somebody else takes the lease; the host's executor ends at its next commit.
    let stores: Arc<dyn siyu_engine::ports::store::Stores> = Arc::new(place.stores());
    let thief = stores.open(&name(0)).await.unwrap();
    let fenced = host.tenant(&name(0)).await.unwrap();
    let failed = fenced.admit(event("lost", "go", "shop:1", "{}").unwrap()).await;
    assert!(failed.is_err(), "{failed:?}");
    drop(fenced);
    let result: Result<(), StoreError> = thief.close().await;
    result.unwrap();
    until("an end of the fenced executor", async || {
        let tenant = host.tenant(&name(0)).await.unwrap();
        let admitted = tenant.admit(event("kept", "go", "shop:1", "{}").unwrap()).await;
        matches!(admitted, Ok(Admitted::Recorded { .. }))
    })
    .await;
    host.stop().await;
    let inspect = SqliteInspect::open(place.stores().path(&name(0))).await.unwrap();
    let messages = inspect.messages(MessageFilter::default(), Turn::first(10)).await.unwrap();
    assert!(messages.items.is_empty());
}

/// A batch begins thousands of admissions at once, and each is moved a few times: whatever is seldom needed has a box of its own.
#[tokio::test]
async fn an_admission_that_is_begun_takes_little_room() {
    let place = Place::at("2026-11-21T10:00:00+08:00").unwrap();
    let host = host(&place, rules()).await;
    let name = name(1);
    let bytes = size_of_val(&host.admit(&name, event("e", "go", "shop:1", "{}").unwrap()));
    assert!(bytes <= 1_024, "{bytes} bytes");
    host.stop().await;
}
