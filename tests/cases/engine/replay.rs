//! What a replayed feed owes those who read its history: every event at its own instant, in its order, once.

use std::convert::Infallible;
use std::sync::Arc;

use siyu_engine::dispatch::Channels;
use siyu_engine::ports::clock::VirtualClock;
use siyu_engine::ports::inspect::{Inspect, RunFilter, Turn};
use siyu_engine::replay::{Replay, ReplayError, ReplayTime, Replayed};
use siyu_engine::tenant::{Lanes, Ports, Settings, Tenant};
use siyu_model::clock::{DurationMs, UtcMs};
use siyu_model::event::IncomingEvent;
use siyu_tests::{Place, event, workflows};

const RESTING: &str = "
workflow: resting
on: { event: go }
steps: [{ wait: 30m }]
";

const MINUTE: DurationMs = DurationMs::from_millis(60_000);

fn begin() -> UtcMs {
    "2026-11-21T10:00:00+08:00".parse().unwrap()
}

/// An event each minute.
fn feed(count: usize) -> Vec<IncomingEvent> {
    let mut at = begin();
    let mut events = Vec::new();
    for number in 0..count {
        let event = event(&format!("e{number}"), "go", &format!("shop:{number}"), "{}").unwrap();
        events.push(IncomingEvent { time: Some(at), ..event });
        at = at + MINUTE;
    }
    events
}

/// A tenant on a virtual clock.
async fn open(place: &Place) -> (Tenant, Arc<VirtualClock>) {
    let clock = Arc::new(VirtualClock::starting_at(begin()));
    let ports = Ports {
        stores: Arc::new(place.stores()),
        plugins: Arc::new(place.plugins.clone()),
        clock: clock.clone(),
        channels: Channels::default(),
        lanes: Lanes::unpaced(1),
    };
    let tenant = Tenant::open("test".parse().unwrap(), ports, Settings::default()).await.unwrap();
    tenant.publish(workflows(&[RESTING]).unwrap()).await.unwrap().unwrap();
    (tenant, clock)
}

async fn replay(
    tenant: &Tenant,
    clock: &VirtualClock,
    events: &[IncomingEvent],
    until: Option<UtcMs>,
) -> Result<Replayed, ReplayError<Infallible>> {
    let replay = Replay { tenant, time: ReplayTime::Fast(clock), feed: "orders".into() };
    replay.run(events.iter().cloned().map(Ok), until, |_| {}).await
}

#[tokio::test]
async fn timers_and_events_come_in_the_order_of_their_instants_however_far_the_clock_is_ahead() {
    let place = Place::at("2026-11-21T10:00:00+08:00").unwrap();
    let (tenant, clock) = open(&place).await;
    let events = feed(600);
    let until = begin() + DurationMs::from_millis(700 * 60_000);
    assert_eq!(replay(&tenant, &clock, &events, Some(until)).await.unwrap().runs, 600);
    let inspect = place.inspect().await.unwrap();
    let runs = inspect.runs(RunFilter::default(), Turn::first(1_000)).await.unwrap().items;
    let mut spans: Vec<(UtcMs, Option<UtcMs>)> =
        runs.iter().map(|run| (run.started_at, run.ended_at)).collect();
    spans.sort();
    let expected = events.iter().filter_map(|event| event.time);
    let rested = |at: UtcMs| at + DurationMs::from_millis(30 * 60_000);
    assert_eq!(spans, expected.map(|at| (at, Some(rested(at)))).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_feed_stays_before_an_event_that_is_refused_until_it_is_mended() {
    let place = Place::at("2026-11-21T10:00:00+08:00").unwrap();
    let (tenant, clock) = open(&place).await;
    let mut events = feed(300);
    let mended = events[40].clone();
    events[40].subject = Some("cus_00000000000000000000000000".parse().unwrap());
    let stopped = replay(&tenant, &clock, &events, None).await;
    assert!(matches!(stopped, Err(ReplayError::Refused { place: 41, .. })), "{stopped:?}");
    assert_eq!(tenant.fed("orders").await.unwrap(), 40);
    events[40] = mended;
    let done = replay(&tenant, &clock, &events, None).await.unwrap();
    assert_eq!((done.events, done.skipped, done.duplicates), (260, 40, 0));
    let inspect = place.inspect().await.unwrap();
    assert_eq!(inspect.runs(RunFilter::default(), Turn::first(1_000)).await.unwrap().items.len(), 300);
}
