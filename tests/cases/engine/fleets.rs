//! Several hosts on one Postgres: they share the tenants, take over from one that is gone, accept events for each other,
//! and never two of them write one tenant.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use siyu_engine::host::{Host, HostError, Rules, Told};
use siyu_engine::operate::{ManualStart, ManuallyStarted, RunAction};
use siyu_engine::ports::inspect::{EventFilter, Inspect, RunFilter, Turn};
use siyu_engine::tenant::Admitted;
use siyu_model::clock::DurationMs;
use siyu_model::json::Value;
use siyu_model::name::TenantName;
use siyu_tests::{Hosts, event, workflows};

const GREET: &str = "
workflow: greet
on: { event: go }
steps:
  - respond: ${{ event.how | default('so') }}
  - wait: 30d
";
const BY_HAND: &str = "
workflow: by-hand
on: { manual: true }
steps: [{ wait: 30d }]
";

fn name(number: usize) -> TenantName {
    TenantName::new(&format!("client-{number:03}")).unwrap()
}

/// Hosts whose tenants are free half a minute after their last word: longer than a slow machine stalls.
fn steady() -> Hosts {
    Hosts::living_for(DurationMs::from_millis(30_000)).unwrap()
}

/// Hosts whose tenants are free soon after their last word.
fn nervous() -> Hosts {
    Hosts::living_for(DurationMs::from_millis(2_500)).unwrap()
}

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..1_200 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{what} never came");
}

async fn events(inspect: &dyn Inspect) -> u64 {
    inspect.tallies().await.unwrap().events.iter().map(|(_, count)| count).sum()
}

fn recorded(told: Result<Told<Admitted>, HostError>) -> (bool, usize) {
    match told {
        Ok(Told::Done(Admitted::Recorded { admission, responses })) => {
            (admission.is_duplicate, responses.len())
        }
        other => panic!("{other:?}"),
    }
}

/// A tenant with a playbook, made by this host.
async fn make(host: &Host, tenant: &TenantName) {
    let published = host.publish(tenant, workflows(&[GREET, BY_HAND]).unwrap()).await;
    assert!(matches!(published, Ok(Told::Done(_))), "{published:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_share_the_tenants_evenly_and_one_that_stops_hands_over_at_once() {
    const TENANTS: usize = 9;
    let hosts = steady();
    let (first, _wire) = hosts.start("first", Rules::default()).await.unwrap();
    for number in 0..TENANTS {
        make(&first, &name(number)).await;
    }
    assert_eq!(first.tenants().len(), TENANTS);
    let (second, _wire) = hosts.start("second", Rules::default()).await.unwrap();
    let (third, _wire) = hosts.start("third", Rules::default()).await.unwrap();
    let loads = || [&first, &second, &third].map(|host| host.tenants().len());
    until("an even share", async || loads() == [3, 3, 3]).await;
    let all: BTreeSet<TenantName> =
        [&first, &second, &third].iter().flat_map(|host| host.tenants()).collect();
    assert_eq!(all.len(), TENANTS, "each has one host");
    // Its lease would last for half a minute.
    let begun = std::time::Instant::now();
    third.stop().await;
    until("the hand-over", async || first.tenants().len() + second.tenants().len() == TENANTS).await;
    assert!(begun.elapsed() < Duration::from_secs(20), "nobody waited for the end of a lease");
    for number in 0..TENANTS {
        let admitted = first.admit(&name(number), event("e", "go", "shop:1", "{}").unwrap()).await;
        assert_eq!(recorded(admitted), (false, 1));
    }
    first.stop().await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn any_host_takes_a_wish_for_any_tenant_and_tells_what_became_of_it() {
    let hosts = steady();
    let (first, _wire) = hosts.start("first", Rules::default()).await.unwrap();
    make(&first, &name(0)).await;
    make(&first, &name(1)).await;
    let (second, _wire) = hosts.start("second", Rules::default()).await.unwrap();
    until("an even share", async || first.tenants().len() == 1 && second.tenants().len() == 1).await;
    let theirs = first.tenants().remove(0);
    // An event, what it answered, the same event again, and one that is refused.
    let go = || event("e", "go", "shop:1", r#"{"how":"well"}"#).unwrap();
    match second.admit(&theirs, go()).await {
        Ok(Told::Done(Admitted::Recorded { admission, responses })) => {
            assert!(!admission.is_duplicate);
            assert_eq!(responses.into_values().collect::<Vec<_>>(), [Value::text("well")]);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(recorded(second.admit(&theirs, go()).await), (true, 0));
    let nobody = "cus_0000000000000000000000000a";
    match second.admit(&theirs, event("x", "go", nobody, "{}").unwrap()).await {
        Ok(Told::Done(Admitted::Refused(why))) => assert!(why.to_string().contains("there is no customer")),
        other => panic!("{other:?}"),
    }
    let unknown = second.admit(&name(7), go()).await;
    assert!(matches!(unknown, Err(HostError::NoTenant(_))), "{unknown:?}");
    // What operators do.
    let start = ManualStart {
        playbook: "case".parse().unwrap(),
        workflow: "by-hand".parse().unwrap(),
        customer: Some("shop:2".parse().unwrap()),
        data: Value::map::<String>([]),
        id: Some("once".to_owned()),
        by: "test".to_owned(),
    };
    let started = second.start_run(&theirs, start.clone()).await;
    let Ok(Told::Done(ManuallyStarted::Run(run))) = started else { panic!("{started:?}") };
    assert_eq!(second.start_run(&theirs, start).await.unwrap(), Told::Done(ManuallyStarted::Run(run)));
    let paused = second.act(&theirs, run, RunAction::Pause).await;
    assert!(matches!(paused, Ok(Told::Done(same)) if same == run), "{paused:?}");
    let again = second.act(&theirs, run, RunAction::Pause).await;
    assert!(
        matches!(&again, Err(HostError::Refused(why)) if why.contains("only a run that is")),
        "{again:?}"
    );
    let published = second.publish(&theirs, workflows(&[GREET]).unwrap()).await.unwrap();
    assert!(matches!(&published, Told::Done(published) if !published.is_unchanged), "{published:?}");
    first.stop().await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_says_nothing_any_more_loses_its_tenants_and_can_write_nothing() {
    let hosts = nervous();
    let (first, wire) = hosts.start("first", Rules::default()).await.unwrap();
    make(&first, &name(0)).await;
    let held = first.tenant(&name(0)).await.unwrap();
    let (second, _wire) = hosts.start("second", Rules::default()).await.unwrap();
    assert_eq!(recorded(second.admit(&name(0), event("1", "go", "shop:1", "{}").unwrap()).await), (false, 1));
    wire.cut();
    until("the take-over", async || second.tenants() == [name(0)]).await;
    // Until the new host opened it, what the old one writes is in order and kept; from then on it writes nothing.
    assert_eq!(recorded(second.admit(&name(0), event("2", "go", "shop:1", "{}").unwrap()).await), (false, 1));
    let inspect = hosts.inspect(&name(0)).await.unwrap();
    let before = events(&*inspect).await;
    let refused = held.admit(event("3", "go", "shop:1", "{}").unwrap()).await;
    assert!(refused.is_err(), "{refused:?}");
    drop(held);
    // Its executor ends, and it cannot take the tenant back.
    until("a refusal", async || first.tenant(&name(0)).await.is_err()).await;
    assert_eq!(events(&*inspect).await, before);
    // Joined again, it knows, and what is handed to it goes to the other.
    wire.mend();
    until("a true roster", async || first.tenants().is_empty()).await;
    assert_eq!(recorded(first.admit(&name(0), event("3", "go", "shop:1", "{}").unwrap()).await), (false, 1));
    first.stop().await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_handed_in_while_nobody_has_the_tenant_is_kept_and_done_later() {
    let hosts = nervous();
    let rules = Rules { patience: DurationMs::from_millis(100), ..Rules::default() };
    let (first, wire) = hosts.start("first", rules).await.unwrap();
    make(&first, &name(0)).await;
    let (second, _wire) = hosts.start("second", rules).await.unwrap();
    wire.cut();
    let kept = second.admit(&name(0), event("1", "go", "shop:1", "{}").unwrap()).await;
    assert!(matches!(kept, Ok(Told::Kept(_))), "{kept:?}");
    until("the take-over", async || second.tenants() == [name(0)]).await;
    let inspect = hosts.inspect(&name(0)).await.unwrap();
    until("the event", async || {
        let runs = inspect.runs(RunFilter::default(), Turn::first(10)).await.unwrap();
        runs.items.len() == 1
    })
    .await;
    wire.mend();
    first.stop().await;
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_doubled_while_a_tenant_changes_hosts_under_load() {
    const EVENTS: usize = 400;
    const CALLERS: usize = 8;
    let hosts = steady();
    let (first, _wire) = hosts.start("first", Rules::default()).await.unwrap();
    make(&first, &name(0)).await;
    let (second, _wire) = hosts.start("second", Rules::default()).await.unwrap();
    let (third, _wire) = hosts.start("third", Rules::default()).await.unwrap();
    let (second, third) = (Arc::new(second), Arc::new(third));
    let mut callers = tokio::task::JoinSet::new();
    for caller in 0..CALLERS {
        let (second, third) = (second.clone(), third.clone());
        callers.spawn(async move {
            for number in (caller..EVENTS).step_by(CALLERS) {
                let event = event(&number.to_string(), "go", &format!("shop:{}", number % 20), "{}").unwrap();
                let (one, other) = if number % 2 == 0 { (&second, &third) } else { (&third, &second) };
                let told = one.admit(&name(0), event.clone()).await;
                assert!(matches!(told, Ok(Told::Done(_))), "{told:?}");
                // A third of them is handed in once more, at the other host.
                if number % 3 == 0 {
                    assert_eq!(recorded(other.admit(&name(0), event).await), (true, 0));
                }
            }
        });
    }
    let inspect = hosts.inspect(&name(0)).await.unwrap();
    until("some events", async || events(&*inspect).await > EVENTS as u64 / 4).await;
    // Whoever has the tenant goes: the first, or one of the others to which it went already.
    first.stop().await;
    while let Some(done) = callers.join_next().await {
        done.unwrap();
    }
    let filter = EventFilter { event_type: Some("go".parse().unwrap()), ..EventFilter::default() };
    let page = inspect.events(filter, Turn::first(1_000)).await.unwrap();
    let ids: BTreeSet<&str> = page.items.iter().map(|event| event.id.as_str()).collect();
    assert_eq!((ids.len(), page.items.len()), (EVENTS, EVENTS), "each is there once");
    for host in [second, third] {
        Arc::into_inner(host).unwrap().stop().await;
    }
}
