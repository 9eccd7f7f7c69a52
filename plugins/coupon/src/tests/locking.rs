//! Holding coupons while an order is paid.

use super::*;

#[test]
fn a_held_coupon_is_for_its_order_alone() {
    let mut host = host();
    let coupon = issue(&mut host, "plain", "k1");
    let locked = lock_one(&mut host, "A-000001", &coupon.coupon).done();
    assert_eq!((locked.discount_fen, locked.replayed), (2_000, false));
    assert_eq!(locked.locked_until, Some(host.now() + Duration::minutes(15)));
    for refused in [
        lock_one(&mut host, "A2", &coupon.coupon).refused("LOCKED_BY_OTHER_ORDER"),
        redeem_one(&mut host, "A2", 10_000, &coupon.coupon).refused("LOCKED_BY_OTHER_ORDER"),
    ] {
        assert_eq!(refused.details.map(|details| details["order"].clone()), Some(json!("****0001")));
    }
    assert_eq!(redeem(&mut host, "A2", 10_000).discount_fen, 0, "the free choice leaves it out");
    let redeemed = redeem(&mut host, "A-000001", 10_000);
    assert_eq!(redeemed.coupons[0].coupon, coupon.coupon);
    assert_eq!(report(&mut host, "plain").locked, 0);
    host.advance(Duration::days(30));
    assert_eq!(story(&host), ["coupon.issued", "coupon.locked", "coupon.redeem_refused", "coupon.redeemed"]);
}

#[test]
fn holding_again_changes_nothing() {
    let mut host = host();
    let coupon = issue(&mut host, "plain", "k1");
    let first = lock_one(&mut host, "A1", &coupon.coupon).done();
    host.advance(Duration::minutes(5));
    let again = lock_one(&mut host, "A1", &coupon.coupon).done();
    assert!(again.replayed);
    assert_eq!(Locked { replayed: false, ..again }, first, "the end stays where it was");
    assert_eq!(host.events_of("coupon.locked").len(), 1);
    let other = json!({ "order": "A1", "amount_fen": 20_000, "coupon": coupon.coupon });
    host.call::<Lock>(other).refused("IDEMPOTENCY_MISMATCH");
}

#[test]
fn an_unpaid_order_lets_go_when_time_runs_out() {
    let mut host = host();
    let coupon = issue(&mut host, "plain", "k1");
    lock_one(&mut host, "A1", &coupon.coupon).done();
    assert_eq!(report(&mut host, "plain").locked, 1);
    host.advance(Duration::minutes(15));
    assert_eq!(
        host.events_of("coupon.unlocked"),
        [json!({
            "batch": "plain", "coupon": coupon.coupon, "order": "A1", "value_fen": 2_000, "reason": "ttl",
        })]
    );
    assert_eq!(report(&mut host, "plain").locked, 0);
    lock_one(&mut host, "A2", &coupon.coupon).done();
}

#[test]
fn a_hold_that_was_taken_in_time_outlives_the_coupon() {
    let mut host = host();
    let coupon = issue(&mut host, "plain", "k1");
    host.advance_to(coupon.valid_until - Duration::minutes(1));
    lock_one(&mut host, "A1", &coupon.coupon).done();
    host.advance(Duration::minutes(10));
    assert_eq!(redeem(&mut host, "A1", 10_000).discount_fen, 2_000);
    assert_eq!(host.events_of("coupon.expired").len(), 0);
}

#[test]
fn a_coupon_that_expires_while_it_is_held_is_over_when_the_hold_is() {
    let mut host = host();
    let coupon = issue(&mut host, "plain", "k1");
    host.advance_to(coupon.valid_until - Duration::minutes(1));
    lock_one(&mut host, "A1", &coupon.coupon).done();
    host.advance(Duration::minutes(15));
    assert_eq!(story(&host)[3..], ["coupon.locked", "coupon.unlocked", "coupon.expired"]);
    redeem_one(&mut host, "A1", 10_000, &coupon.coupon).refused("EXPIRED");
    let numbers = report(&mut host, "plain");
    assert_eq!((numbers.locked, numbers.expired), (0, 1));
}

#[test]
fn a_hold_ends_at_its_end() {
    let mut host = host();
    let coupon = issue(&mut host, "plain", "k1");
    lock_one(&mut host, "A1", &coupon.coupon).done();
    host.advance(Duration::minutes(15) - Duration::from_millis(1));
    redeem_one(&mut host, "A2", 10_000, &coupon.coupon).refused("LOCKED_BY_OTHER_ORDER");
    host.advance(Duration::from_millis(1));
    redeem_one(&mut host, "A2", 10_000, &coupon.coupon).done();
}

#[test]
fn a_cancelled_order_lets_go_at_once() {
    let mut host = host();
    let coupon = issue(&mut host, "plain", "k1");
    lock_one(&mut host, "A1", &coupon.coupon).done();
    let unlock = json!({ "order": "A1", "reason": "cancelled" });
    assert_eq!(host.call::<Unlock>(&unlock).done().coupons.first(), Some(&coupon.coupon));
    assert_eq!(host.call::<Unlock>(&unlock).done().coupons, [""; 0], "once is enough");
    assert_eq!(host.events_of("coupon.unlocked")[0]["reason"], "cancelled");
    lock_one(&mut host, "A2", &coupon.coupon).done();
    host.advance(Duration::days(30));
    assert_eq!(host.events_of("coupon.expired").len(), 1);
    assert_eq!(report(&mut host, "plain").locked, 0);
}

#[test]
fn one_coupon_of_an_order_can_be_let_go() {
    let mut host = host_with(json!({ "stacking": { "group": "g", "combinable_with": ["g"] } }));
    let (one, two) = (issue(&mut host, "plain", "k1"), issue(&mut host, "plain", "k2"));
    let both = json!({ "order": "A1", "amount_fen": 30_000, "coupons": [one.coupon, two.coupon] });
    assert_eq!(host.call::<Lock>(both).done().discount_fen, 4_000);
    host.call::<Unlock>(json!({ "order": "A1", "coupon": one.coupon })).done();
    assert_eq!(redeem(&mut host, "A1", 30_000).coupons[0].coupon, two.coupon);
    assert_eq!(redeem(&mut host, "A2", 30_000).coupons[0].coupon, one.coupon);
}

#[test]
fn the_best_coupon_is_held_when_none_is_named() {
    let mut host = host();
    host.publish::<Batch>("better", with(plain(), json!({ "value_fen": 3_000 })));
    issue(&mut host, "plain", "k1");
    let better = issue(&mut host, "better", "k1");
    let locked = host.call::<Lock>(json!({ "order": "A1", "amount_fen": 10_000, "ttl": "30m" })).done();
    assert_eq!(locked.coupons[0].coupon, better.coupon);
    assert_eq!(redeem(&mut host, "A1", 10_000).discount_fen, 3_000);
    let nothing = host.call::<Lock>(json!({ "order": "A2", "amount_fen": 100 })).done();
    assert_eq!((nothing.locked_until, nothing.coupons.len()), (None, 0));
    host.call::<Lock>(json!({ "order": "A2", "amount_fen": 100, "required": true })).refused("NO_COUPON");
}

#[test]
fn the_total_is_looked_at_again_when_the_order_is_paid() {
    let mut host = host();
    let coupon = issue(&mut host, "plain", "k1");
    lock_one(&mut host, "A1", &coupon.coupon).done();
    try_redeem(&mut host, "A1", 9_000).refused("MIN_SPEND");
    assert_eq!(redeem(&mut host, "A1", 11_000).discount_fen, 2_000, "the coupon is still held");
}

#[test]
fn an_order_that_has_used_its_coupons_holds_no_more() {
    let mut host = host();
    issue(&mut host, "plain", "k1");
    let other = issue(&mut host, "plain", "k2");
    redeem(&mut host, "A1", 10_000);
    lock_one(&mut host, "A1", &other.coupon).refused("ALREADY_REDEEMED");
}

#[test]
fn a_hold_lasts_more_than_nothing_and_at_most_a_week() {
    let mut host = host();
    issue(&mut host, "plain", "k1");
    for ttl in ["0s", "7d 1ms"] {
        let fault = host
            .call::<Lock>(json!({ "order": "A1", "amount_fen": 10_000, "ttl": ttl }))
            .failed("INVALID_INPUT");
        assert_eq!(fault.fields[0].pointer, "/ttl");
    }
}

#[test]
fn a_right_to_buy_for_one_fen_that_is_not_paid_is_free_again() {
    let right = json!({
        "kind": "price_right", "value_fen": 2_900, "price_fen": 1, "min_spend_fen": 0, "scope": { "skus": ["wxl"] },
    });
    let mut host = host_with(right);
    issue(&mut host, "plain", "k1");
    let order = |number: &str| json!({ "order": number, "lines": [{ "sku": "wxl", "amount_fen": 2_900 }] });
    assert_eq!(host.call::<Lock>(order("A1")).done().discount_fen, 2_899);
    host.advance(Duration::minutes(15));
    let redeemed = host.call::<Redeem>(order("A2")).done();
    assert_eq!((redeemed.discount_fen, redeemed.pay_fen), (2_899, 1));
}
