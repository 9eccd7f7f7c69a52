//! What time does.

use super::*;

#[test]
fn a_coupon_reminds_twice_and_expires() {
    let mut host = host();
    let coupon = issue(&mut host, "plain", "k1");
    host.advance(Duration::days(30));
    assert_eq!(story(&host), ["coupon.issued", "coupon.expiring", "coupon.expiring", "coupon.expired"]);
    let times: Vec<String> = host
        .events()
        .into_iter()
        .filter(|event| event.event_type != "coupon.issued")
        .map(|event| event.time.to_string())
        .collect();
    assert_eq!(times, ["2026-11-25T16:00:00Z", "2026-11-27T16:00:00Z", "2026-11-28T16:00:00Z"]);
    assert_eq!(
        host.events_of("coupon.expired"),
        [json!({
            "batch": "plain", "coupon": coupon.coupon, "order": null, "value_fen": 2_000, "reason": "unused",
        })]
    );
    let report = report(&mut host, "plain");
    assert_eq!((report.issued, report.expired, report.redeemed), (1, 1, 0));
    assert!(host.planned().is_empty());
}

#[test]
fn a_used_coupon_reminds_nobody_and_does_not_expire() {
    let mut host = host();
    issue(&mut host, "plain", "k1");
    redeem(&mut host, "A1", 10_000);
    host.advance(Duration::days(30));
    assert_eq!(story(&host), ["coupon.issued", "coupon.redeemed"]);
}

#[test]
fn reminders_that_would_come_before_the_issue_are_left_out() {
    let day = json!({ "relative": { "days": 1, "end_of_day": false } });
    for (validity, reminders, story_of_it) in [
        (day.clone(), json!(["72h", "24h"]), vec!["coupon.issued", "coupon.expired"]),
        (day.clone(), json!(["1h"]), vec!["coupon.issued", "coupon.expiring", "coupon.expired"]),
        (day, json!([]), vec!["coupon.issued", "coupon.expired"]),
    ] {
        let mut host = host_with(json!({ "validity": validity, "reminders": reminders }));
        issue(&mut host, "plain", "k1");
        host.advance(Duration::days(2));
        assert_eq!(story(&host), story_of_it, "{reminders}");
    }
}

#[test]
fn a_reminder_says_what_a_message_needs() {
    let mut host = host();
    let coupon = issue(&mut host, "plain", "k1");
    host.advance(Duration::days(5));
    assert_eq!(
        host.events_of("coupon.expiring"),
        [json!({
            "batch": "plain", "coupon": coupon.coupon, "code": coupon.code, "value_fen": 2_000,
            "valid_until": coupon.valid_until, "left": "3d",
        })]
    );
}

#[test]
fn a_held_coupon_reminds_nobody() {
    let mut host = host();
    let coupon = issue(&mut host, "plain", "k1");
    let first_reminder = coupon.valid_until - Duration::hours(72);
    host.advance_to(first_reminder - Duration::minutes(1));
    lock_one(&mut host, "A1", &coupon.coupon).done();
    host.advance(Duration::hours(1));
    assert_eq!(story(&host), ["coupon.issued", "coupon.locked", "coupon.unlocked"], "the moment has passed");
    host.advance(Duration::days(9));
    assert_eq!(story(&host)[3..], ["coupon.expiring", "coupon.expired"]);
}

#[test]
fn an_expired_coupon_gives_its_worth_back_to_the_budget() {
    let budget = json!({ "basis": "issued", "limit_fen": 2_000, "warn_at": [] });
    let mut host = host_with(json!({ "budget": budget }));
    issue(&mut host, "plain", "k1");
    try_issue(&mut host, "plain", "k2").refused("BUDGET_EXHAUSTED");
    host.advance(Duration::days(9));
    issue(&mut host, "plain", "k2");
}

#[test]
fn every_coupon_of_a_customer_expires_by_itself() {
    let mut host = host();
    for key in ["k1", "k2", "k3"] {
        issue(&mut host, "plain", key);
        host.advance(Duration::days(1));
    }
    host.advance(Duration::days(30));
    assert_eq!(host.events_of("coupon.expired").len(), 3);
    assert_eq!(report(&mut host, "plain").expired, 3);
    assert!(host.reactions().iter().all(|reaction| reaction.step == "follow"));
}

#[test]
fn a_batch_that_is_gone_from_the_playbook_lets_its_coupons_be_used_and_expire() {
    let mut host = host();
    issue(&mut host, "plain", "k1");
    issue(&mut host, "plain", "k2");
    host.unpublish::<Batch>("plain");
    assert_eq!(redeem(&mut host, "A1", 10_000).discount_fen, 2_000);
    host.advance(Duration::days(30));
    assert_eq!(host.events_of("coupon.expired").len(), 1);
}
