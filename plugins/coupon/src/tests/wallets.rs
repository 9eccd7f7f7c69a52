//! What coupons a customer has.

use super::*;
use crate::Wallet;
use crate::steps::wallet::{Held, Status};

fn wallet(host: &mut Host, input: Value) -> Held {
    host.call::<Wallet>(input).done()
}

#[test]
fn a_wallet_lists_coupons_that_end_first_in_front() {
    let mut host = host();
    issue(&mut host, "plain", "k1");
    let short = json!({ "title": "今天", "validity": { "relative": { "days": 0 } }, "kind": "percent_off", "value_fen": null, "off_bp": 500 });
    host.publish::<Batch>("short", with(plain(), short));
    issue(&mut host, "short", "k1");
    let later = json!({ "validity": { "relative": { "days": 7, "starts_after": "1d" } } });
    host.publish::<Batch>("later", with(plain(), later));
    issue(&mut host, "later", "k1");
    let held = wallet(&mut host, json!({}));
    let seen: Vec<_> =
        held.coupons.iter().map(|entry| (entry.batch.as_str(), entry.kind.as_str(), entry.status)).collect();
    assert_eq!(held.count, 3);
    assert_eq!(
        seen,
        [
            ("short", "percent_off", Status::Valid),
            ("plain", "amount_off", Status::Valid),
            ("later", "amount_off", Status::NotStarted),
        ]
    );
    assert_eq!(wallet(&mut host, json!({ "batch": "short" })).coupons[0].title, "今天");
}

#[test]
fn held_and_stopped_coupons_are_shown_as_such_and_used_ones_are_not() {
    let mut host = host();
    let (one, two) = (issue(&mut host, "plain", "k1"), issue(&mut host, "plain", "k2"));
    lock_one(&mut host, "A1", &one.coupon).done();
    host.call::<crate::Stop>(json!({ "batch": "plain", "reason": "x", "redeeming": true })).done();
    let mut statuses: Vec<_> =
        wallet(&mut host, json!({})).coupons.into_iter().map(|entry| (entry.coupon, entry.status)).collect();
    statuses.sort_by_key(|(_, status)| *status != Status::Locked);
    assert_eq!(statuses, [(one.coupon, Status::Locked), (two.coupon, Status::Stopped)]);
    redeem(&mut host, "A1", 10_000);
    assert_eq!(wallet(&mut host, json!({})).count, 1);
    host.act_for("shop:00043");
    assert_eq!(wallet(&mut host, json!({})), Held { count: 0, coupons: vec![] });
}

#[test]
fn a_coupon_is_seen_for_the_first_time_once() {
    let mut host = host();
    let coupon = issue(&mut host, "plain", "k1");
    wallet(&mut host, json!({}));
    assert_eq!(host.events_of("coupon.viewed").len(), 0);
    wallet(&mut host, json!({ "viewed": true }));
    wallet(&mut host, json!({ "viewed": true }));
    let event = json!({ "batch": "plain", "coupon": coupon.coupon, "value_fen": 2_000 });
    assert_eq!(host.events_of("coupon.viewed"), [event]);
}

#[test]
fn a_full_wallet_is_seen_in_two_looks() {
    let mut host = host();
    for number in 0..100 {
        issue(&mut host, "plain", &number.to_string());
    }
    for seen in [50, 100, 100] {
        wallet(&mut host, json!({ "viewed": true }));
        assert_eq!(host.events_of("coupon.viewed").len(), seen);
    }
}
