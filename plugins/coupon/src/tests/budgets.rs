//! Budgets and what a batch costs.

use super::*;

fn budget(basis: &str, limit_fen: u64, warn_at: &[u32]) -> Value {
    json!({ "budget": { "basis": basis, "limit_fen": limit_fen, "warn_at": warn_at } })
}

#[test]
fn a_budget_of_issued_coupons_counts_their_worth() {
    let mut host = host_with(budget("issued", 5_000, &[]));
    issue(&mut host, "plain", "k1");
    issue(&mut host, "plain", "k2");
    try_issue(&mut host, "plain", "k3").refused("BUDGET_EXHAUSTED");
    redeem(&mut host, "A1", 10_000);
    try_issue(&mut host, "plain", "k3").refused("BUDGET_EXHAUSTED");
    let numbers = report(&mut host, "plain");
    assert_eq!((numbers.budget_used_fen, numbers.budget_limit_fen), (Some(4_000), Some(5_000)));
}

#[test]
fn a_budget_of_redeemed_coupons_counts_what_they_took_off() {
    let percent = json!({ "kind": "percent_off", "value_fen": null, "off_bp": 1_000, "min_spend_fen": 0 });
    let mut host = host_with(with(percent, budget("redeemed", 2_500, &[])));
    let coupons: Vec<String> = (0..4).map(|key| issue(&mut host, "plain", &key.to_string()).coupon).collect();
    assert_eq!(redeem(&mut host, "A1", 12_000).discount_fen, 1_200);
    assert_eq!(redeem(&mut host, "A2", 13_000).discount_fen, 1_300);
    redeem_one(&mut host, "A3", 10, &coupons[3]).refused("BUDGET_EXHAUSTED");
    assert_eq!(redeem(&mut host, "A3", 10).discount_fen, 0, "the free choice leaves it out");
    refund(&mut host, "A1");
    assert_eq!(redeem(&mut host, "A3", 12_000).discount_fen, 1_200, "a full refund gives it back");
    let numbers = report(&mut host, "plain");
    assert_eq!((numbers.cost_fen, numbers.budget_used_fen), (2_500, Some(2_500)));
}

#[test]
fn the_free_choice_goes_on_to_a_batch_whose_budget_suffices() {
    let mut host = host();
    let poor = with(budget("redeemed", 3_000, &[]), json!({ "value_fen": 3_000 }));
    host.publish::<Batch>("poor", with(plain(), poor));
    issue(&mut host, "poor", "k1");
    issue(&mut host, "poor", "k2");
    issue(&mut host, "plain", "k1");
    assert_eq!(redeem(&mut host, "A1", 10_000).coupons[0].batch, "poor");
    let second = redeem(&mut host, "A2", 10_000);
    assert_eq!((second.coupons[0].batch.as_str(), second.discount_fen), ("plain", 2_000));
}

#[test]
fn coupons_of_an_order_spend_all_of_their_budgets_or_none() {
    let stacking = json!({ "stacking": { "group": "g", "combinable_with": ["g"] } });
    let mut host = host();
    host.publish::<Batch>("rich", with(with(plain(), stacking.clone()), budget("redeemed", 9_000, &[])));
    let poor = with(budget("redeemed", 2_000, &[]), json!({ "validity": { "relative": { "days": 9 } } }));
    host.publish::<Batch>("poor", with(with(plain(), stacking), poor));
    let (rich, poor) = (issue(&mut host, "rich", "k1"), issue(&mut host, "poor", "k1"));
    let other = issue(&mut host, "poor", "k2");
    redeem_one(&mut host, "A1", 10_000, &other.coupon).done();
    let both = json!({ "order": "A2", "amount_fen": 50_000, "coupons": [rich.coupon, poor.coupon] });
    host.call::<Redeem>(both).refused("BUDGET_EXHAUSTED");
    assert_eq!(report(&mut host, "rich").budget_used_fen, Some(0));
}

#[test]
fn thresholds_are_told_once_when_they_are_crossed() {
    let mut host = host_with(budget("issued", 10_000, &[50, 80, 100]));
    for key in ["k1", "k2", "k3", "k4", "k5"] {
        issue(&mut host, "plain", key);
    }
    let told: Vec<_> = host
        .events_of("budget.threshold")
        .into_iter()
        .map(|event| (event["percent"].clone(), event["used_fen"].clone()))
        .collect();
    assert_eq!(told, [(json!(50), json!(6_000)), (json!(80), json!(8_000)), (json!(100), json!(10_000))]);
    assert_eq!(
        host.events_of("budget.threshold")[0],
        json!({
            "batch": "plain", "basis": "issued", "percent": 50, "used_fen": 6_000, "limit_fen": 10_000,
        })
    );
}

#[test]
fn a_budget_that_is_set_later_counts_from_then_on() {
    let mut host = host();
    issue(&mut host, "plain", "k1");
    host.publish::<Batch>("plain", with(plain(), budget("issued", 2_000, &[])));
    issue(&mut host, "plain", "k2");
    host.advance(Duration::days(30));
    assert_eq!(report(&mut host, "plain").budget_used_fen, Some(0), "never below nothing");
}

#[test]
fn a_raised_budget_holds_for_coupons_that_are_out() {
    let mut host = host_with(budget("redeemed", 2_000, &[]));
    let (one, two) = (issue(&mut host, "plain", "k1"), issue(&mut host, "plain", "k2"));
    redeem_one(&mut host, "A1", 10_000, &one.coupon).done();
    redeem_one(&mut host, "A2", 10_000, &two.coupon).refused("BUDGET_EXHAUSTED");
    host.publish::<Batch>("plain", with(plain(), budget("redeemed", 4_000, &[])));
    redeem_one(&mut host, "A2", 10_000, &two.coupon).done();
}

#[test]
fn a_report_has_the_batch_in_numbers() {
    let mut host = host_with(budget("issued", 100_000, &[]));
    for number in 0..6 {
        issue(&mut host, "plain", &number.to_string());
    }
    redeem(&mut host, "A1", 10_000);
    redeem(&mut host, "A2", 10_000);
    refund(&mut host, "A2");
    let third = host.call::<Lock>(json!({ "order": "A3", "amount_fen": 10_000 })).done();
    let fourth = host.call::<Quote>(json!({ "amount_fen": 10_000 })).done().coupons[0].coupon.clone();
    host.call::<Revoke>(json!({ "coupon": fourth, "reason": "fraud" })).done();
    assert_eq!(third.coupons.len(), 1);
    assert_eq!(
        report(&mut host, "plain"),
        Reported {
            batch: "plain".into(),
            title: "满100减20".into(),
            total: Some(1_000),
            issued: 6,
            locked: 1,
            redeemed: 2,
            restored: 1,
            expired: 0,
            revoked: 1,
            redemption_rate_bp: 1_666,
            cost_fen: 2_000,
            budget_used_fen: Some(10_000),
            budget_limit_fen: Some(100_000),
            issuing: true,
            redeeming: true,
        }
    );
    host.call::<Report>(json!({ "batch": "none" })).failed("UNKNOWN_RESOURCE");
}
