//! The queue: its pace, its length, and turns that are taken or missed.

use proptest::prelude::*;
use siyu_plugin::fake::{Host, Outcome};
use siyu_plugin::prelude::*;
use siyu_plugin::serde_json::Value;

use super::{Admit, EnterQueue, Place};
use crate::kit::{FIRST, FS, START, before, cups, lay_over, reserve, said};

fn queue(changes: Value) -> Value {
    let mut wanted = json!({ "mode": "fifo", "admit_per_second": 2, "max_waiting": 5, "ticket_ttl": "10s" });
    lay_over(&mut wanted, changes);
    json!({ "window": { "warmup": "5m" }, "queue": wanted, "items": [
        { "sku": "cup", "price_fen": 10, "stock": 100, "per_customer": 2 },
    ] })
}

fn warming(changes: Value) -> Host {
    let mut host = before(queue(changes));
    host.advance(Duration::minutes(55));
    host
}

fn open(changes: Value) -> Host {
    let mut host = warming(changes);
    host.advance_to(START.parse().unwrap());
    host
}

#[track_caller]
fn enter(host: &mut Host, who: &str) -> Outcome<Place> {
    host.act_for(who);
    host.call::<EnterQueue>(json!({ "session": FS }))
}

#[track_caller]
fn admit(host: &mut Host, who: &str) -> Outcome<Place> {
    host.act_for(who);
    host.call::<Admit>(json!({ "session": FS }))
}

#[test]
fn tickets_are_drawn_in_the_warm_up_and_admitted_from_the_start_in_order() {
    let mut host = warming(json!({}));
    let turns: Vec<_> = (1..=3).map(|n| enter(&mut host, &format!("shop:{n}")).done()).collect();
    let seen: Vec<_> = turns.iter().map(|p| (p.ticket, p.ahead, p.admitted_at.to_string())).collect();
    assert_eq!(
        seen,
        [
            (1, 0, "2026-12-11T12:00:00Z".to_owned()),
            (2, 1, "2026-12-11T12:00:00.5Z".to_owned()),
            (3, 2, "2026-12-11T12:00:01Z".to_owned()),
        ]
    );
    reserve(&mut host, "shop:1", "early").refused("NOT_OPEN");
    admit(&mut host, "shop:1").refused("QUEUED");
    host.advance_to(START.parse().unwrap());
    reserve(&mut host, "shop:1", "o1").done();
    let no = reserve(&mut host, "shop:3", "o3").refused("QUEUED");
    let details = json!({ "ticket": 3, "ahead": 2, "admitted_at": "2026-12-11T12:00:01Z" });
    assert_eq!(no.details.unwrap(), details);
    host.advance(Duration::seconds(1));
    for n in [3, 2] {
        assert_eq!(admit(&mut host, &format!("shop:{n}")).done().ticket, n);
        reserve(&mut host, &format!("shop:{n}"), &format!("o{n}")).done();
    }
    assert_eq!(cups(&host), (97, 3, 0));
    assert_eq!(said(&host, "flash.queue_entered", "ticket"), [1, 2, 3]);
    assert_eq!(said(&host, "flash.queue_entered", "occurrence"), [FIRST, FIRST, FIRST]);
}

#[test]
fn nobody_queues_before_the_warm_up_or_after_the_end() {
    let mut host = before(queue(json!({})));
    let no = enter(&mut host, "shop:1").refused("NOT_OPEN");
    assert_eq!(no.details.unwrap()["opens_at"], "2026-12-11T12:00:00Z");
    host.advance(Duration::hours(2));
    enter(&mut host, "shop:1").refused("CLOSED");
    admit(&mut host, "shop:1").refused("CLOSED");
    assert_eq!(said(&host, "flash.refused", "reason"), ["not_open", "closed"]);
}

#[test]
fn a_customer_has_one_ticket_at_a_time() {
    let mut host = open(json!({}));
    let first = enter(&mut host, "shop:1").done();
    enter(&mut host, "shop:2").done();
    let again = enter(&mut host, "shop:1").done();
    assert!(again.replayed);
    assert_eq!((again.ticket, again.admitted_at), (first.ticket, first.admitted_at));
    reserve(&mut host, "shop:1", "o1").done();
    reserve(&mut host, "shop:1", "o2").refused("QUEUED");
    assert_eq!(enter(&mut host, "shop:1").done().ticket, 3, "what was bought with is spent");
}

#[test]
fn a_missed_turn_is_over_and_a_new_one_is_at_the_end() {
    let mut host = open(json!({}));
    enter(&mut host, "shop:1").done();
    host.advance(Duration::seconds(10) - Duration::from_millis(1));
    admit(&mut host, "shop:1").done();
    host.advance(Duration::from_millis(1));
    reserve(&mut host, "shop:1", "o1").refused("TICKET_EXPIRED");
    admit(&mut host, "shop:1").refused("TICKET_EXPIRED");
    enter(&mut host, "shop:2").done();
    let place = enter(&mut host, "shop:1").done();
    assert_eq!((place.ticket, place.ahead, place.replayed), (3, 1, false));
}

#[test]
fn without_a_ticket_there_is_nothing() {
    let mut host = open(json!({}));
    reserve(&mut host, "shop:1", "o1").refused("QUEUED");
    admit(&mut host, "shop:1").refused("QUEUED");
}

#[test]
fn a_full_queue_takes_nobody_until_it_moves() {
    let mut host = open(json!({}));
    for n in 0..5 {
        enter(&mut host, &format!("shop:{n}")).done();
    }
    let no = enter(&mut host, "shop:x").refused("QUEUE_FULL");
    assert_eq!(no.details.unwrap(), json!({ "ahead": 5, "max_waiting": 5 }));
    host.advance(Duration::from_millis(500));
    enter(&mut host, "shop:x").done();
}

#[test]
fn a_turn_before_the_end_may_be_used_after_it_and_no_turn_comes_after_the_end() {
    let mut host = open(json!({ "max_waiting": 100 }));
    host.advance(Duration::hours(1) - Duration::seconds(1));
    enter(&mut host, "shop:1").done();
    enter(&mut host, "shop:2").done();
    enter(&mut host, "shop:3").refused("QUEUE_FULL");
    host.advance(Duration::seconds(5));
    admit(&mut host, "shop:2").done();
    reserve(&mut host, "shop:2", "o2").done();
    reserve(&mut host, "shop:3", "o3").refused("CLOSED");
    host.advance(Duration::seconds(30));
    reserve(&mut host, "shop:1", "o1").refused("TICKET_EXPIRED");
    assert_eq!(cups(&host), (99, 1, 0));
}

#[test]
fn a_sale_that_an_operator_ended_honours_no_ticket() {
    let mut host = open(json!({}));
    enter(&mut host, "shop:1").done();
    host.call::<crate::opening::Close>(json!({ "session": FS })).done();
    reserve(&mut host, "shop:1", "o1").refused("CLOSED");
    admit(&mut host, "shop:1").refused("CLOSED");
}

#[test]
fn a_session_without_a_queue_has_no_tickets() {
    let mut host = crate::kit::open(json!({}));
    let fault = enter(&mut host, "shop:1").failed("INVALID_INPUT");
    assert_eq!(fault.fields[0].pointer, "/session");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn turns_come_in_the_order_of_tickets_and_never_faster_than_the_pace(
        pauses_ms in prop::collection::vec(0u64..3_000, 1..40),
        pace in 1u64..7,
    ) {
        let mut host = warming(json!({ "admit_per_second": pace, "max_waiting": 1_000 }));
        let mut turns = Vec::new();
        for (n, pause) in pauses_ms.iter().enumerate() {
            host.advance(Duration::from_millis(pause * 60));
            if let Outcome::Done(place) = enter(&mut host, &format!("shop:{n}")) {
                turns.push((place.ticket, place.admitted_at));
            }
        }
        for (one, next) in turns.iter().zip(turns.iter().skip(1)) {
            prop_assert_eq!(one.0 + 1, next.0);
            prop_assert!(one.1 < next.1);
        }
        let pace = usize::try_from(pace).unwrap();
        for (one, later) in turns.iter().zip(turns.iter().skip(pace)) {
            // Instants are rounded up to milliseconds.
            prop_assert!(later.1.since(one.1) >= Duration::from_millis(999));
        }
    }
}
