//! Refunds.

use super::*;

fn part(host: &mut Host, order: &str, refund: &str, fen: u64) -> Restored {
    host.call::<Restore>(json!({ "order": order, "refund": refund, "refund_fen": fen })).done()
}

#[test]
fn a_full_refund_gives_the_coupon_back() {
    let mut host = host();
    let coupon = issue(&mut host, "plain", "k1");
    redeem(&mut host, "A1", 12_000);
    let restored = refund(&mut host, "A1");
    assert_eq!((restored.is_full, restored.refunded_fen, restored.replayed), (true, 10_000, false));
    assert_eq!(
        (restored.coupons[0].outcome, restored.coupons[0].valid_until),
        (Fate::Restored, coupon.valid_until)
    );
    assert_eq!(
        host.events_of("coupon.restored"),
        [json!({
            "batch": "plain", "coupon": coupon.coupon, "order": "A1", "value_fen": 2_000,
            "valid_until": coupon.valid_until, "reason": "refund",
        })]
    );
    let again = redeem(&mut host, "A2", 10_000);
    assert_eq!(again.coupons[0].coupon, coupon.coupon, "it is the same coupon");
    let numbers = report(&mut host, "plain");
    assert_eq!((numbers.issued, numbers.redeemed, numbers.restored, numbers.cost_fen), (1, 2, 1, 2_000));
}

#[test]
fn a_refund_counts_once() {
    let mut host = host();
    issue(&mut host, "plain", "k1");
    redeem(&mut host, "A1", 12_000);
    refund(&mut host, "A1");
    let again = refund(&mut host, "A1");
    assert_eq!((again.replayed, again.coupons.len(), again.is_full), (true, 0, true));
    assert_eq!(report(&mut host, "plain").restored, 1);
    try_redeem(&mut host, "A1", 12_000).refused("ORDER_REFUNDED");
}

#[test]
fn partial_refunds_give_nothing_back_until_they_are_all_of_it() {
    let mut host = host();
    issue(&mut host, "plain", "k1");
    redeem(&mut host, "A1", 12_000);
    let first = part(&mut host, "A1", "r1", 4_000);
    assert_eq!((first.is_full, first.refunded_fen, first.coupons.len()), (false, 4_000, 0));
    assert!(part(&mut host, "A1", "r1", 4_000).replayed, "the same refund again");
    assert!(redeem(&mut host, "A1", 12_000).replayed, "the coupon is still used");
    assert!(!part(&mut host, "A1", "r2", 5_999).is_full);
    let last = part(&mut host, "A1", "r3", 1);
    assert_eq!((last.is_full, last.refunded_fen), (true, 10_000));
    assert_eq!(last.coupons[0].outcome, Fate::Restored);
}

#[test]
fn refunds_are_told_apart_by_the_events_that_start_their_runs() {
    let mut host = host();
    issue(&mut host, "plain", "k1");
    redeem(&mut host, "A1", 12_000);
    for (is_full, replays) in [(false, [false, true]), (true, [false, true])] {
        host.start_run("order.refunded", json!({ "order_no": "A1", "amount_fen": 5_000 }));
        for replayed in replays {
            let restored = host.call::<Restore>(json!({ "order": "A1", "refund_fen": 5_000 })).done();
            assert_eq!((restored.is_full, restored.replayed), (is_full, replayed));
        }
    }
}

#[test]
fn a_free_order_is_refunded_in_full_at_once() {
    let mut host = host_with(json!({ "min_spend_fen": 0 }));
    issue(&mut host, "plain", "k1");
    redeem(&mut host, "A1", 2_000);
    assert!(part(&mut host, "A1", "r1", 0).is_full);
}

#[test]
fn an_order_without_coupons_is_fine() {
    let mut host = host();
    let restored = refund(&mut host, "A1");
    assert_eq!((restored.is_full, restored.coupons.len()), (true, 0));
    host.call::<Restore>(json!({ "order": "A1", "required": true })).refused("ORDER_UNKNOWN");
}

#[test]
fn a_refund_that_comes_too_late_restores_nothing() {
    let budget = json!({ "basis": "issued", "limit_fen": 2_000, "warn_at": [] });
    let mut host = host_with(json!({ "budget": budget }));
    let coupon = issue(&mut host, "plain", "k1");
    redeem(&mut host, "A1", 12_000);
    host.advance_to(coupon.valid_until);
    let restored = refund(&mut host, "A1");
    assert_eq!(restored.coupons[0].outcome, Fate::Expired);
    let expired = &host.events_of("coupon.expired")[0];
    assert_eq!((&expired["reason"], &expired["order"]), (&json!("refunded_too_late"), &json!("A1")));
    redeem_one(&mut host, "A2", 10_000, &coupon.coupon).refused("EXPIRED");
    issue(&mut host, "plain", "k2");
}

#[test]
fn a_batch_may_extend_what_it_gives_back() {
    let mut host = host_with(json!({ "on_refund": "restore_extend_3d" }));
    let coupon = issue(&mut host, "plain", "k1");
    redeem(&mut host, "A1", 12_000);
    host.advance_to(coupon.valid_until + Duration::days(1));
    let restored = refund(&mut host, "A1");
    let until = host.now() + Duration::days(3);
    assert_eq!((restored.coupons[0].outcome, restored.coupons[0].valid_until), (Fate::Restored, until));
    host.advance_to(until - Duration::from_millis(1));
    assert_eq!(redeem(&mut host, "A2", 10_000).coupons[0].coupon, coupon.coupon);

    let mut host = host_with(json!({ "on_refund": "restore_extend_3d" }));
    let coupon = issue(&mut host, "plain", "k1");
    redeem(&mut host, "A1", 12_000);
    assert_eq!(refund(&mut host, "A1").coupons[0].valid_until, coupon.valid_until, "never shorter");
}

#[test]
fn a_batch_may_say_that_it_is_gone() {
    let budget = json!({ "basis": "issued", "limit_fen": 2_000, "warn_at": [] });
    let mut host = host_with(json!({ "on_refund": "void", "budget": budget }));
    let coupon = issue(&mut host, "plain", "k1");
    redeem(&mut host, "A1", 12_000);
    assert_eq!(refund(&mut host, "A1").coupons[0].outcome, Fate::Void);
    assert_eq!(
        host.events_of("coupon.revoked"),
        [json!({
            "batch": "plain", "coupon": coupon.coupon, "order": "A1", "value_fen": 2_000, "reason": "refund",
        })]
    );
    redeem_one(&mut host, "A2", 10_000, &coupon.coupon).refused("REVOKED");
    issue(&mut host, "plain", "k2");
}

#[test]
fn a_restored_coupon_reminds_and_expires_again() {
    let mut host = host();
    issue(&mut host, "plain", "k1");
    redeem(&mut host, "A1", 12_000);
    host.advance(Duration::days(1));
    refund(&mut host, "A1");
    host.advance(Duration::days(30));
    assert_eq!(
        story(&host)[2..],
        ["coupon.restored", "coupon.expiring", "coupon.expiring", "coupon.expired"]
    );
}

#[test]
fn a_restored_first_order_coupon_can_be_used_for_the_next_order() {
    let mut host = host_with(json!({ "audience": { "first_order_only": true } }));
    let customer = host.act_for("shop:00042");
    issue(&mut host, "plain", "k1");
    host.record("order.paid", Some(&customer), json!({ "amount_fen": 12_000 }));
    redeem(&mut host, "A1", 12_000);
    refund(&mut host, "A1");
    host.record("order.paid", Some(&customer), json!({ "amount_fen": 12_000 }));
    assert_eq!(redeem(&mut host, "A2", 12_000).discount_fen, 2_000);
}

#[test]
fn all_coupons_of_an_order_come_back_each_as_its_batch_says() {
    let stacking = json!({ "group": "g", "combinable_with": ["g"] });
    let mut host = host_with(json!({ "stacking": stacking }));
    host.publish::<Batch>(
        "gone",
        with(plain(), json!({ "stacking": stacking, "on_refund": "void", "value_fen": 100 })),
    );
    issue(&mut host, "plain", "k1");
    issue(&mut host, "gone", "k1");
    assert_eq!(redeem(&mut host, "A1", 20_000).discount_fen, 2_100);
    let mut fates: Vec<_> =
        refund(&mut host, "A1").coupons.into_iter().map(|came| (came.batch, came.outcome)).collect();
    fates.sort_by(|one, two| one.0.cmp(&two.0));
    assert_eq!(fates, [("gone".to_owned(), Fate::Void), ("plain".to_owned(), Fate::Restored)]);
}

#[test]
fn more_refunds_than_are_kept_apart_still_add_up() {
    let mut host = host();
    issue(&mut host, "plain", "k1");
    redeem(&mut host, "A1", 12_000);
    for number in 0..99 {
        assert!(!part(&mut host, "A1", &format!("r{number}"), 100).is_full);
    }
    assert!(part(&mut host, "A1", "r99", 100).is_full);
}
