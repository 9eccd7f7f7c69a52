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

#[test]
fn the_same_order_is_handled_once() {
    let mut host = host();
    issue(&mut host, "plain", "k1");
    issue(&mut host, "plain", "k2");
    let first = redeem(&mut host, "A1", 12_000);
    let again = redeem(&mut host, "A1", 12_000);
    assert!(again.replayed);
    assert_eq!(Redeemed { replayed: false, ..again }, first);
    assert_eq!(host.events_of("coupon.redeemed").len(), 1);
    assert_eq!(report(&mut host, "plain").redeemed, 1);
}

#[test]
fn the_same_order_with_another_request_is_told_apart() {
    let mut host = host();
    let coupon = issue(&mut host, "plain", "k1");
    redeem(&mut host, "A1", 12_000);
    try_redeem(&mut host, "A1", 12_001).refused("IDEMPOTENCY_MISMATCH");
    redeem_one(&mut host, "A1", 12_000, &coupon.coupon).refused("IDEMPOTENCY_MISMATCH");
    let lines = json!({ "order": "A1", "lines": [{ "sku": "a", "amount_fen": 12_000 }] });
    host.call::<Redeem>(lines).refused("IDEMPOTENCY_MISMATCH");
}

#[test]
fn an_order_without_a_coupon_may_use_one_later() {
    let mut host = host();
    redeem(&mut host, "A1", 12_000);
    issue(&mut host, "plain", "k1");
    assert_eq!(redeem(&mut host, "A1", 12_000).discount_fen, 2_000);
}

#[test]
fn a_coupon_is_used_once() {
    let mut host = host();
    let coupon = issue(&mut host, "plain", "k1");
    redeem_one(&mut host, "2026112100012345", 10_000, &coupon.coupon).done();
    let refused = redeem_one(&mut host, "A2", 10_000, &coupon.coupon).refused("ALREADY_REDEEMED");
    assert_eq!(refused.details, Some(json!({ "order": "****2345" })), "the other order is masked");
    assert!(!refused.message.contains("20261121"), "{}", refused.message);
    assert_eq!(
        host.events_of("coupon.redeem_refused"),
        [json!({
            "batch": null, "coupon": coupon.coupon, "order": "A2", "reason": "ALREADY_REDEEMED",
        })]
    );
}

#[test]
fn what_was_used_long_ago_is_still_known() {
    let mut host = host();
    let coupons: Vec<Issued> =
        (0..40).map(|number| issue(&mut host, "plain", &format!("k{number}"))).collect();
    for (number, coupon) in coupons.iter().enumerate() {
        redeem_one(&mut host, &format!("A{number}"), 10_000, &coupon.coupon).done();
    }
    assert!(redeem_one(&mut host, "A0", 10_000, &coupons[0].coupon).done().replayed);
    redeem_one(&mut host, "A0", 10_001, &coupons[0].coupon).refused("IDEMPOTENCY_MISMATCH");
    redeem_one(&mut host, "B0", 10_000, &coupons[0].coupon).refused("ALREADY_REDEEMED");
    assert!(issue(&mut host, "plain", "k0").replayed);
    assert_eq!(refund(&mut host, "A0").coupons[0].outcome, Fate::Restored);
    assert!(refund(&mut host, "A0").replayed);
    redeem_one(&mut host, "B0", 10_000, &coupons[0].coupon).done();
}

#[test]
fn the_end_does_not_belong_to_it() {
    let mut host = host();
    let coupon = issue(&mut host, "plain", "k1");
    host.advance_to(coupon.valid_until - Duration::from_millis(1));
    let mut at_the_end = self::host();
    let other = issue(&mut at_the_end, "plain", "k1");
    assert_eq!(redeem_one(&mut host, "A1", 10_000, &coupon.coupon).done().discount_fen, 2_000);
    at_the_end.advance_to(other.valid_until);
    redeem_one(&mut at_the_end, "A1", 10_000, &other.coupon).refused("EXPIRED");
    assert_eq!(redeem(&mut at_the_end, "A1", 10_000).discount_fen, 0);
}

#[test]
fn a_threshold_says_how_much_is_missing() {
    let mut host = host();
    let coupon = issue(&mut host, "plain", "k1");
    let refused = redeem_one(&mut host, "A1", 9_400, &coupon.coupon).refused("MIN_SPEND");
    assert_eq!(refused.details, Some(json!({ "missing_fen": 600 })));
    let event = json!({ "batch": "plain", "coupon": coupon.coupon, "order": "A1", "reason": "MIN_SPEND" });
    assert_eq!(host.events_of("coupon.redeem_refused"), [event]);
}

#[test]
fn a_free_choice_that_finds_nothing_refuses_only_when_asked() {
    let mut host = host();
    assert_eq!(
        redeem(&mut host, "A1", 0),
        Redeemed {
            order: "A1".into(),
            discount_fen: 0,
            pay_fen: 0,
            coupons: vec![],
            lines: vec![],
            replayed: false,
        }
    );
    host.call::<Redeem>(json!({ "order": "A1", "amount_fen": 0, "required": true })).refused("NO_COUPON");
}

#[test]
fn the_discount_is_never_more_than_the_order() {
    let mut host = host_with(json!({ "min_spend_fen": 0 }));
    let coupon = issue(&mut host, "plain", "k1");
    redeem_one(&mut host, "A0", 0, &coupon.coupon).refused("NO_DISCOUNT");
    let redeemed = redeem(&mut host, "A1", 1_500);
    assert_eq!((redeemed.discount_fen, redeemed.pay_fen), (1_500, 0));
}

#[test]
fn a_first_order_coupon_is_for_the_first_order() {
    let newcomer = json!({ "audience": { "first_order_only": true } });
    let mut host = host_with(newcomer.clone());
    let customer = host.act_for("shop:00042");
    let coupon = issue(&mut host, "plain", "k1");
    let before_payment =
        json!({ "order": "A1", "amount_fen": 10_000, "coupon": coupon.coupon, "paid": false });
    host.record("order.paid", Some(&customer), json!({ "order_no": "A1", "amount_fen": 10_000 }));
    host.call::<Redeem>(before_payment).refused("NOT_ELIGIBLE");
    assert_eq!(redeem(&mut host, "A1", 10_000).discount_fen, 2_000, "the paid order is the first one");

    let mut host = host_with(newcomer);
    let coupon = issue(&mut host, "plain", "k1");
    host.record("order.paid", Some(&customer), json!({ "order_no": "A1", "amount_fen": 100 }));
    host.record("order.paid", Some(&customer), json!({ "order_no": "A2", "amount_fen": 10_000 }));
    redeem_one(&mut host, "A2", 10_000, &coupon.coupon).refused("NOT_ELIGIBLE");
}

#[test]
fn inputs_that_make_no_sense_are_refused_with_their_place() {
    let mut host = host();
    for (input, pointer) in [
        (json!({ "order": "", "amount_fen": 1 }), "/order"),
        (json!({ "order": "x".repeat(65), "amount_fen": 1 }), "/order"),
        (json!({ "order": "a\nb", "amount_fen": 1 }), "/order"),
        (json!({ "order": "A1" }), "/amount_fen"),
        (json!({ "order": "A1", "amount_fen": -1 }), "/amount_fen"),
        (json!({ "order": "A1", "amount_fen": 100_000_000_000_001_u64 }), "/amount_fen"),
        (
            json!({ "order": "A1", "amount_fen": 2, "lines": [{ "sku": "a", "amount_fen": 1 }] }),
            "/amount_fen",
        ),
        (json!({ "order": "A1", "lines": [{ "sku": "a", "amount_fen": 1, "count": 0 }] }), "/lines/0/count"),
        (json!({ "order": "A1", "lines": vec![json!({ "sku": "a", "amount_fen": 1 }); 501] }), "/lines"),
        (json!({ "order": "A1", "amount_fen": 1, "coupon": "c", "code": "7K9QW2XZ4MPTY" }), "/code"),
    ] {
        let fault = host.call::<Redeem>(&input).failed("INVALID_INPUT");
        assert_eq!(fault.fields[0].pointer, pointer, "{input}");
    }
    redeem_one(&mut host, "A1", 1, "cpn_nobody").refused("COUPON_UNKNOWN");
}

#[test]
fn a_customer_uses_no_coupon_of_another_by_its_id() {
    let mut host = host();
    let coupon = issue(&mut host, "plain", "k1");
    host.act_for("shop:00043");
    redeem_one(&mut host, "A1", 10_000, &coupon.coupon).refused("COUPON_UNKNOWN");
    assert_eq!(redeem(&mut host, "A1", 10_000).discount_fen, 0);
}

#[test]
fn coupons_for_certain_goods_discount_those_and_no_others() {
    let scope = json!({ "skus": ["steak", "sauce"] });
    let mut host = host_with(json!({ "scope": scope }));
    let coupon = issue(&mut host, "plain", "k1");
    redeem_one(&mut host, "A1", 20_000, &coupon.coupon).refused("NOT_IN_SCOPE");
    let order = |steak: u64| {
        json!({ "order": "A1", "coupon": coupon.coupon, "lines": [
            { "sku": "cup", "amount_fen": 50_000 },
            { "sku": "steak", "amount_fen": steak, "count": 2 },
            { "sku": "sauce", "amount_fen": 1_000 },
        ]})
    };
    host.call::<Redeem>(order(8_999)).refused("MIN_SPEND");
    let redeemed = host.call::<Redeem>(order(9_000)).done();
    let lines: Vec<u64> = redeemed.lines.iter().map(|line| line.discount_fen).collect();
    assert_eq!(lines, [0, 1_800, 200]);
    let again = host.call::<Redeem>(order(9_000)).done();
    assert_eq!((again.lines, again.replayed), (redeemed.lines, true));
}

#[test]
fn a_coupon_of_a_channel_is_for_orders_of_that_channel() {
    let mut host = host_with(json!({ "scope": { "channels": ["live"] } }));
    let coupon = issue(&mut host, "plain", "k1");
    redeem_one(&mut host, "A1", 10_000, &coupon.coupon).refused("NOT_IN_SCOPE");
    let order = |channel: &str| json!({ "order": "A1", "amount_fen": 10_000, "channel": channel, "coupon": coupon.coupon });
    host.call::<Redeem>(order("shop")).refused("NOT_IN_SCOPE");
    assert_eq!(host.call::<Redeem>(order("live")).done().discount_fen, 2_000);
}
