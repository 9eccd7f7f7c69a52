//! Issuing: limits, audiences, validity, idempotency.

use super::*;

#[test]
fn a_coupon_has_a_code_a_worth_and_an_end() {
    let mut host = host();
    let coupon = issue(&mut host, "plain", "k1");
    assert_eq!((coupon.value_fen, coupon.min_spend_fen, coupon.replayed), (2_000, 10_000, false));
    assert_eq!(coupon.title, "满100减20");
    assert_eq!(coupon.code.len(), 13, "12 random symbols and a check symbol");
    assert_eq!(coupon.valid_until.to_string(), "2026-11-28T16:00:00Z", "the midnight after 7 whole days");
    let events = host.events_of("coupon.issued");
    assert_eq!(
        events,
        [json!({
            "batch": "plain", "coupon": coupon.coupon, "code": coupon.code, "value_fen": 2_000,
            "valid_from": "2026-11-21T04:00:00Z", "valid_until": "2026-11-28T16:00:00Z",
        })]
    );
}

#[test]
fn the_same_key_gives_the_same_coupon() {
    let mut host = host_with(json!({ "per_customer": 1 }));
    let first = issue(&mut host, "plain", "k1");
    let again = issue(&mut host, "plain", "k1");
    assert!(again.replayed);
    assert_eq!(Issued { replayed: false, ..again }, first);
    assert_eq!(host.events_of("coupon.issued").len(), 1);
    assert_eq!(report(&mut host, "plain").issued, 1);
}

#[test]
fn the_same_key_gives_the_same_coupon_after_it_was_used_and_after_it_expired() {
    let mut host = host();
    let first = issue(&mut host, "plain", "k1");
    redeem(&mut host, "A1", 10_000);
    assert_eq!(issue(&mut host, "plain", "k1").coupon, first.coupon);
    let second = issue(&mut host, "plain", "k2");
    host.advance(Duration::days(9));
    let again = issue(&mut host, "plain", "k2");
    assert_eq!((again.coupon, again.replayed), (second.coupon, true));
}

#[test]
fn a_run_gives_one_coupon_of_a_batch_an_event() {
    let mut host = host();
    host.start_run("friend.added", json!({}));
    let first = host.call::<Issue>(json!({ "batch": "plain" })).done();
    let again = host.call::<Issue>(json!({ "batch": "plain" })).done();
    assert_eq!((again.coupon, again.replayed), (first.coupon.clone(), true));
    host.start_run("friend.added", json!({}));
    let other = host.call::<Issue>(json!({ "batch": "plain" })).done();
    assert_ne!(other.coupon, first.coupon);
}

#[test]
fn keys_of_different_customers_and_batches_are_different_coupons() {
    let mut host = host();
    host.publish::<Batch>("other", plain());
    let mut ids = vec![issue(&mut host, "plain", "k1").coupon, issue(&mut host, "other", "k1").coupon];
    host.act_for("shop:00043");
    ids.push(issue(&mut host, "plain", "k1").coupon);
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 3);
}
