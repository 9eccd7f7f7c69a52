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
