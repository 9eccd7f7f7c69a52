//! Redeeming.

use super::*;

#[test]
fn an_order_uses_the_coupon_and_pays_less() {
    let mut host = host();
    let coupon = issue(&mut host, "plain", "k1");
    let redeemed = redeem(&mut host, "A1", 12_000);
    assert_eq!((redeemed.discount_fen, redeemed.pay_fen, redeemed.replayed), (2_000, 10_000, false));
    assert_eq!(
        host.events_of("coupon.redeemed"),
        [json!({
            "batch": "plain", "coupon": coupon.coupon, "order": "A1", "value_fen": 2_000, "order_amount_fen": 12_000,
        })]
    );
    assert!(host.planned().is_empty(), "nothing more happens to it by itself");
}

#[test]
fn an_order_without_a_fitting_coupon_pays_all_of_it() {
    let mut host = host();
    issue(&mut host, "plain", "k1");
    let redeemed = redeem(&mut host, "A1", 9_999);
    assert_eq!((redeemed.discount_fen, redeemed.pay_fen, redeemed.coupons.len()), (0, 9_999, 0));
    assert_eq!(story(&host), ["coupon.issued"]);
}
