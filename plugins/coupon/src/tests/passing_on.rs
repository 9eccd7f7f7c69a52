//! Coupons that may be passed on.

use super::*;
use crate::steps::check_code::CodeStatus;

/// A host where shop:00042 has a coupon that may be passed on, and shop:00043 acts.
fn given() -> (Host, Issued) {
    let mut host = host_with(json!({ "transferable": true }));
    let coupon = issue(&mut host, "plain", "k1");
    host.act_for("shop:00043");
    (host, coupon)
}

fn by_code(order: &str, code: &str) -> Value {
    json!({ "order": order, "amount_fen": 10_000, "code": code })
}

#[test]
fn whoever_has_the_code_uses_the_coupon() {
    let (mut host, coupon) = given();
    let redeemed = host.call::<Redeem>(by_code("A1", &coupon.code)).done();
    assert_eq!(redeemed.coupons[0].coupon, coupon.coupon);
    let user = host.act_for("shop:00043");
    let event = host.events().into_iter().find(|event| event.event_type == "coupon.redeemed");
    assert_eq!(event.and_then(|event| event.customer), Some(user));
    assert!(host.call::<Redeem>(by_code("A1", &coupon.code)).done().replayed);
    host.call::<Redeem>(by_code("A2", &coupon.code)).refused("ALREADY_REDEEMED");
    host.act_for("shop:00042");
    assert_eq!(redeem(&mut host, "A3", 10_000).discount_fen, 0, "it is the giver's no more");
    try_issue(&mut host, "plain", "k1").refused("LIMIT_CUSTOMER");
}

#[test]
fn a_code_that_could_not_be_used_leaves_the_coupon_with_its_owner() {
    let (mut host, coupon) = given();
    let small = json!({ "order": "A1", "amount_fen": 1, "code": coupon.code });
    host.call::<Redeem>(small).refused("MIN_SPEND");
    host.act_for("shop:00042");
    assert_eq!(redeem(&mut host, "A2", 10_000).discount_fen, 2_000);
}

#[test]
fn a_passed_on_coupon_can_be_held_and_refunded_where_it_is_now() {
    let (mut host, coupon) = given();
    assert_eq!(host.call::<Lock>(by_code("A1", &coupon.code)).done().discount_fen, 2_000);
    assert_eq!(redeem(&mut host, "A1", 10_000).discount_fen, 2_000);
    assert_eq!(refund(&mut host, "A1").coupons[0].outcome, Fate::Restored);
    host.advance(Duration::days(30));
    assert_eq!(host.events_of("coupon.expired").len(), 1);
    assert_eq!(report(&mut host, "plain").locked, 0);
}

#[test]
fn a_coupon_is_passed_on_and_back() {
    let (mut host, coupon) = given();
    for (order, who) in
        [("A1", "shop:00043"), ("A2", "shop:00044"), ("A3", "shop:00042"), ("A4", "shop:00043")]
    {
        host.act_for(who);
        host.call::<Redeem>(by_code(order, &coupon.code)).done();
        refund(&mut host, order);
    }
    assert_eq!(host.call::<Redeem>(by_code("A5", &coupon.code)).done().discount_fen, 2_000);
}

#[test]
fn a_stranger_is_told_that_it_could_be_used_and_of_nothing_else() {
    let (mut host, coupon) = given();
    host.act_for_nobody();
    let ask = json!({ "code": coupon.code, "actor": "device:1" });
    assert_eq!(host.call::<CheckCode>(&ask).done().status, CodeStatus::Valid);
    host.act_for("shop:00042");
    redeem(&mut host, "A1", 10_000);
    host.act_for_nobody();
    host.call::<CheckCode>(&ask).refused("CODE_UNKNOWN");
}

#[test]
fn an_order_takes_no_second_set_of_coupons_by_a_code_of_another() {
    let (mut host, coupon) = given();
    issue(&mut host, "plain", "mine");
    redeem(&mut host, "A1", 10_000);
    host.call::<Redeem>(by_code("A1", &coupon.code)).refused("IDEMPOTENCY_MISMATCH");
}

#[test]
fn an_order_holds_no_second_set_of_coupons_by_a_code_of_another() {
    let (mut host, coupon) = given();
    issue(&mut host, "plain", "mine");
    host.call::<Lock>(json!({ "order": "A1", "amount_fen": 10_000 })).done();
    host.call::<Lock>(by_code("A1", &coupon.code)).refused("IDEMPOTENCY_MISMATCH");
    assert!(host.call::<Lock>(by_code("A2", &coupon.code)).done().locked_until.is_some());
    assert!(host.call::<Lock>(by_code("A2", &coupon.code)).done().replayed);
}

#[test]
fn a_held_coupon_is_not_passed_on() {
    let (mut host, coupon) = given();
    host.act_for("shop:00042");
    lock_one(&mut host, "A1", &coupon.coupon).done();
    host.act_for("shop:00043");
    host.call::<Redeem>(by_code("A2", &coupon.code)).refused("LOCKED_BY_OTHER_ORDER");
}

#[test]
fn a_first_order_coupon_asks_for_the_orders_of_whoever_uses_it() {
    let changes = json!({ "transferable": true, "audience": { "first_order_only": true } });
    let mut host = host_with(changes);
    let coupon = issue(&mut host, "plain", "k1");
    let other = host.act_for("shop:00043");
    for order in ["A1", "A2"] {
        host.record("order.paid", Some(&other), json!({ "order_no": order, "amount_fen": 10_000 }));
    }
    host.call::<Redeem>(by_code("A2", &coupon.code)).refused("NOT_ELIGIBLE");
    host.act_for("shop:00044");
    host.call::<Redeem>(by_code("A3", &coupon.code)).done();
}
