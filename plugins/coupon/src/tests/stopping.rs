//! Stopping a batch, and taking coupons back.

use super::*;

fn stop(host: &mut Host, redeeming: bool) {
    host.call::<crate::Stop>(json!({ "batch": "plain", "reason": "misprint", "redeeming": redeeming }))
        .done();
}

#[test]
fn a_stopped_batch_issues_nothing_and_its_coupons_stay_good() {
    let mut host = host();
    issue(&mut host, "plain", "k1");
    stop(&mut host, false);
    assert_eq!(try_issue(&mut host, "plain", "k2").refused("STOPPED").message, "misprint");
    assert!(issue(&mut host, "plain", "k1").replayed);
    assert_eq!(redeem(&mut host, "A1", 10_000).discount_fen, 2_000);
    let resumed = host.call::<Resume>(json!({ "batch": "plain" })).done();
    assert!(resumed.issuing && resumed.changed);
    issue(&mut host, "plain", "k2");
}

#[test]
fn a_batch_that_is_stopped_whole_lets_only_orders_in_flight_finish() {
    let mut host = host();
    let (held, free) = (issue(&mut host, "plain", "k1"), issue(&mut host, "plain", "k2"));
    lock_one(&mut host, "A1", &held.coupon).done();
    stop(&mut host, true);
    redeem_one(&mut host, "A2", 10_000, &free.coupon).refused("STOPPED");
    lock_one(&mut host, "A2", &free.coupon).refused("STOPPED");
    assert_eq!(redeem(&mut host, "A2", 10_000).discount_fen, 0);
    assert_eq!(redeem(&mut host, "A1", 10_000).coupons[0].coupon, held.coupon);
    let numbers = report(&mut host, "plain");
    assert_eq!((numbers.issuing, numbers.redeeming), (false, false));
    host.call::<Resume>(json!({ "batch": "plain" })).done();
    redeem_one(&mut host, "A2", 10_000, &free.coupon).done();
}

#[test]
fn stopping_twice_and_publishing_again_keep_it_stopped() {
    let mut host = host();
    stop(&mut host, false);
    let again = json!({ "batch": "plain", "reason": "misprint" });
    assert!(!host.call::<crate::Stop>(again).done().changed);
    host.publish::<Batch>("plain", with(plain(), json!({ "value_fen": 100 })));
    try_issue(&mut host, "plain", "k1").refused("STOPPED");
    let fault = host.call::<crate::Stop>(json!({ "batch": "plain", "reason": " " })).failed("INVALID_INPUT");
    assert_eq!(fault.fields[0].pointer, "/reason");
    host.call::<crate::Stop>(json!({ "batch": "none", "reason": "x" })).failed("UNKNOWN_RESOURCE");
}

#[test]
fn a_coupon_is_taken_back_with_the_reason() {
    let budget = json!({ "basis": "issued", "limit_fen": 2_000, "warn_at": [] });
    let mut host = host_with(json!({ "budget": budget }));
    let coupon = issue(&mut host, "plain", "k1");
    let revoke = json!({ "coupon": coupon.coupon, "reason": "fraud 17" });
    assert!(!host.call::<Revoke>(&revoke).done().replayed);
    assert!(host.call::<Revoke>(&revoke).done().replayed);
    assert_eq!(
        host.events_of("coupon.revoked"),
        [json!({
            "batch": "plain", "coupon": coupon.coupon, "order": null, "value_fen": 2_000, "reason": "fraud 17",
        })]
    );
    let refused = redeem_one(&mut host, "A1", 10_000, &coupon.coupon).refused("REVOKED");
    assert!(refused.message.contains("fraud 17"), "{}", refused.message);
    host.advance(Duration::days(30));
    assert_eq!(host.events_of("coupon.expired").len(), 0);
    issue(&mut host, "plain", "k2");
}

#[test]
fn what_was_used_or_has_expired_is_not_taken_back() {
    let mut host = host();
    let (used, expired) = (issue(&mut host, "plain", "k1"), issue(&mut host, "plain", "k2"));
    redeem_one(&mut host, "A1", 10_000, &used.coupon).done();
    host.call::<Revoke>(json!({ "coupon": used.coupon, "reason": "x" })).refused("ALREADY_REDEEMED");
    host.advance(Duration::days(9));
    host.call::<Revoke>(json!({ "coupon": expired.coupon, "reason": "x" })).refused("EXPIRED");
    host.call::<Revoke>(json!({ "coupon": "cpn_x", "reason": "x" })).refused("COUPON_UNKNOWN");
    for input in [json!({ "reason": "x" }), json!({ "coupon": "cpn_x", "reason": "" })] {
        host.call::<Revoke>(input).failed("INVALID_INPUT");
    }
}

#[test]
fn a_held_coupon_is_taken_back_only_on_purpose() {
    let mut host = host();
    let coupon = issue(&mut host, "plain", "k1");
    lock_one(&mut host, "A1", &coupon.coupon).done();
    let revoke = json!({ "coupon": coupon.coupon, "reason": "fraud" });
    host.call::<Revoke>(&revoke).refused("LOCKED_BY_OTHER_ORDER");
    host.call::<Revoke>(with(revoke, json!({ "even_if_locked": true }))).done();
    assert_eq!(story(&host)[2..], ["coupon.unlocked", "coupon.revoked"]);
    assert_eq!(report(&mut host, "plain").locked, 0);
    assert_eq!(redeem(&mut host, "A1", 10_000).discount_fen, 0, "the order pays without it");
}

#[test]
fn an_operator_takes_back_by_the_code_whoever_has_it() {
    let mut host = host();
    let customer = host.act_for("shop:00042");
    let coupon = issue(&mut host, "plain", "k1");
    host.act_for_nobody();
    host.call::<Revoke>(json!({ "code": coupon.code, "reason": "compliance" })).done();
    let event = host.events().into_iter().find(|event| event.event_type == "coupon.revoked");
    assert_eq!(event.and_then(|event| event.customer), Some(customer));
}
