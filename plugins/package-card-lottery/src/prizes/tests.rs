//! Claiming, handing over, and what nobody claims.

use siyu_plugin::fake::{Host, Outcome};
use siyu_plugin::prelude::*;

use super::*;
use crate::testing::{NAME, draw, export, host, rules, simple, verified};

fn claim(host: &mut Host, draw_id: &str) -> Outcome<Claimed> {
    host.call::<Claim>(json!({ "draw_id": draw_id }))
}

#[test]
fn a_prize_is_claimed_once_and_handed_over_once() {
    let mut host = host(simple(json!({})));
    let drawn = draw(&mut host, "A").done();
    assert_eq!(drawn.claim_by.unwrap().to_string(), "2026-12-03T04:00:00Z");
    host.call::<Fulfil>(json!({ "draw_id": drawn.draw_id })).refused("NOT_CLAIMED");
    assert!(!claim(&mut host, &drawn.draw_id).done().replayed);
    assert!(claim(&mut host, &drawn.draw_id).done().replayed);
    let fulfil = json!({ "draw_id": drawn.draw_id, "reference": "SF123" });
    assert_eq!(host.call::<Fulfil>(&fulfil).done().status, PrizeStatus::Fulfilled);
    assert!(host.call::<Fulfil>(&fulfil).done().replayed);
    assert!(claim(&mut host, &drawn.draw_id).done().replayed);
    host.advance(Duration::days(30));
    assert_eq!(host.events_of("prize.claimed").len(), 1);
    let fulfilled = json!({
        "campaign": NAME, "draw_id": drawn.draw_id, "prize": "gold", "value_fen": 10000, "reference": "SF123",
    });
    assert_eq!(host.events_of("prize.fulfilled"), [fulfilled]);
    assert!(host.events_of("prize.unclaimed_expired").is_empty());
}

#[test]
fn the_time_to_claim_is_half_open() {
    let mut host = host(simple(json!({})));
    let drawn = draw(&mut host, "A").done();
    let mut in_time = host.at("2026-12-03T11:59:59.999+08:00");
    claim(&mut in_time, &drawn.draw_id).done();
    let mut host = self::host(simple(json!({})));
    let drawn = draw(&mut host, "A").done();
    // The clock is there before the event that says so was handled.
    let mut too_late = host.at("2026-12-03T12:00:00+08:00");
    claim(&mut too_late, &drawn.draw_id).refused("CLAIM_EXPIRED");
    too_late.advance(Duration::ZERO);
    claim(&mut too_late, &drawn.draw_id).refused("CLAIM_EXPIRED");
    too_late.call::<Fulfil>(json!({ "draw_id": drawn.draw_id })).refused("CLAIM_EXPIRED");
}

#[test]
fn a_prize_is_nobody_elses() {
    let mut host = host(simple(json!({})));
    let drawn = draw(&mut host, "A").done();
    host.act_for("shop:2");
    claim(&mut host, &drawn.draw_id).refused("PRIZE_UNKNOWN");
    host.act_for("shop:1");
    for draw_id in ["x", "a/b", "/1", "", "a/99999999999999999999999"] {
        assert_eq!(claim(&mut host, draw_id).failed("INVALID_INPUT").fields[0].pointer, "/draw_id");
    }
    claim(&mut host, "winter/2").refused("PRIZE_UNKNOWN");
}

#[test]
fn a_coupon_is_not_claimed() {
    let mut host = host(rules());
    let drawn = draw(&mut host, "A").done();
    assert_eq!(drawn.claim_by, None);
    claim(&mut host, &drawn.draw_id).refused("PRIZE_UNKNOWN");
    assert!(host.planned().iter().all(|planned| planned.event_type != "prize.unclaimed_expired"));
}

fn available(host: &Host) -> u64 {
    host.pool(&format!("stock/{NAME}/gold")).unwrap().available
}

#[test]
fn an_unclaimed_prize_is_gone_unless_the_rules_say_otherwise() {
    let mut host = host(simple(json!({ "budget_fen": 10_000 })));
    draw(&mut host, "A").done();
    host.advance(Duration::days(7));
    let expired = json!({ "campaign": NAME, "draw_id": format!("{NAME}/2"), "seq": 2, "prize": "gold", "value_fen": 10000 });
    assert_eq!(host.events_of("prize.unclaimed_expired"), [expired]);
    assert_eq!((available(&host), host.counter(&format!("budget/{NAME}"))), (0, 10_000));
    verified(&mut host);
}

#[test]
fn an_unclaimed_prize_is_drawn_again_where_the_rules_say_so() {
    let mut host = host(simple(json!({ "budget_fen": 10_000, "restock_unclaimed": true })));
    draw(&mut host, "A").done();
    assert_eq!(draw(&mut host, "B").done().reason, "stock");
    host.advance(Duration::days(7));
    assert_eq!((available(&host), host.counter(&format!("budget/{NAME}"))), (1, 0));
    assert_eq!(draw(&mut host, "C").done().prize.id, "gold");
    assert!(export(&mut host)[3].contains("\"kind\":\"returned\""));
    host.call::<crate::Close>(json!({ "campaign": NAME })).done();
    host.advance(Duration::days(7));
    assert_eq!(host.events_of("prize.unclaimed_expired").len(), 2);
    assert_eq!(available(&host), 0, "a closed lottery keeps what it has");
    verified(&mut host);
}

#[test]
fn a_forged_expiry_takes_nothing_away() {
    let mut host = host(simple(json!({ "restock_unclaimed": true })));
    let drawn = draw(&mut host, "A").done();
    let customer = host.act_for("shop:1");
    let forged =
        json!({ "campaign": NAME, "draw_id": drawn.draw_id, "seq": 2, "prize": "gold", "value_fen": 10000 });
    host.record("prize.unclaimed_expired", Some(&customer), &forged);
    assert_eq!(available(&host), 0);
    let unknown = json!({ "campaign": NAME, "draw_id": "x", "seq": 99, "prize": "gold", "value_fen": 1 });
    host.record("prize.unclaimed_expired", Some(&customer), unknown);
    claim(&mut host, &drawn.draw_id).done();
}
