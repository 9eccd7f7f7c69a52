//! Which coupons an order uses together, and the best choice.

use proptest::prelude::*;

use super::*;
use crate::basket::{Basket, Line};
use crate::batch::Stacking;
use crate::choice::{self, Candidate};
use crate::terms::{Terms, Worth};
use crate::wallet::{Coupon, Issued as Made};

fn group(name: &str, with: &[&str]) -> Value {
    json!({ "group": name, "combinable_with": with })
}

fn publish(host: &mut Host, name: &str, value_fen: u64, stacking: &Value) {
    let changes = json!({ "value_fen": value_fen, "min_spend_fen": 0, "stacking": stacking });
    host.publish::<Batch>(name, with(plain(), changes));
    issue(host, name, "k1");
}

#[test]
fn coupons_are_used_alone_unless_both_batches_say_otherwise() {
    for (one, two, discount_fen) in [
        (Value::Null, Value::Null, 3_000),
        (group("a", &["b"]), Value::Null, 3_000),
        (group("a", &["b"]), group("b", &[]), 3_000),
        (group("a", &["b"]), group("b", &["a"]), 5_000),
        (group("a", &["b"]), group("b", &["*"]), 5_000),
        (group("a", &["*"]), group("a", &["*"]), 5_000),
        (group("a", &["b"]), group("a", &["b"]), 3_000),
    ] {
        let mut host = host();
        publish(&mut host, "one", 3_000, &one);
        publish(&mut host, "two", 2_000, &two);
        assert_eq!(redeem(&mut host, "A1", 10_000).discount_fen, discount_fen, "{one} {two}");
    }
}

#[test]
fn named_coupons_that_do_not_combine_are_refused() {
    let mut host = host();
    let (one, two) = (issue(&mut host, "plain", "k1"), issue(&mut host, "plain", "k2"));
    let both = json!({ "order": "A1", "amount_fen": 30_000, "coupons": [one.coupon, two.coupon] });
    let refused = host.call::<Redeem>(both).refused("NOT_COMBINABLE");
    assert!(refused.message.contains("stacking group"), "{}", refused.message);
    let twice = json!({ "order": "A1", "amount_fen": 30_000, "coupon": one.coupon, "coupons": [one.coupon] });
    assert_eq!(host.call::<Redeem>(twice).done().discount_fen, 2_000, "the same coupon is one coupon");
}

#[test]
fn five_coupons_are_the_most() {
    let mut host = host_with(json!({ "stacking": group("g", &["g"]), "min_spend_fen": 0, "value_fen": 100 }));
    let coupons: Vec<String> = (0..6).map(|key| issue(&mut host, "plain", &key.to_string()).coupon).collect();
    let all = json!({ "order": "A1", "amount_fen": 30_000, "coupons": coupons });
    host.call::<Redeem>(all).refused("NOT_COMBINABLE");
    assert_eq!(redeem(&mut host, "A1", 30_000).discount_fen, 500);
}

#[test]
fn parts_come_before_amounts_and_thresholds_look_at_what_is_left() {
    let mut host = host();
    let percent = json!({
        "kind": "percent_off", "value_fen": null, "off_bp": 1_000, "min_spend_fen": 0, "stacking": group("p", &["a"]),
    });
    host.publish::<Batch>("percent", with(plain(), percent));
    host.publish::<Batch>("amount", with(plain(), json!({ "stacking": group("a", &["p"]) })));
    issue(&mut host, "percent", "k1");
    issue(&mut host, "amount", "k1");
    // 10 % of 120 are 12, 108 are left, 20 more go off.
    let redeemed = redeem(&mut host, "A1", 12_000);
    let discounts: Vec<u64> = redeemed.coupons.iter().map(|off| off.discount_fen).collect();
    assert_eq!(discounts, [1_200, 2_000]);
    issue(&mut host, "percent", "k2");
    issue(&mut host, "amount", "k2");
    // 10 % of 110 leave 99: below the threshold, so the 20 go off alone.
    let redeemed = redeem(&mut host, "A2", 11_000);
    assert_eq!((redeemed.discount_fen, redeemed.coupons[0].batch.as_str()), (2_000, "amount"));
}

#[test]
fn among_equals_the_one_that_ends_first_is_used() {
    let mut host = host();
    let later = issue(&mut host, "plain", "k1");
    let sooner = json!({ "validity": { "relative": { "days": 2 } } });
    host.publish::<Batch>("sooner", with(plain(), sooner));
    let sooner = issue(&mut host, "sooner", "k1");
    assert_eq!(redeem(&mut host, "A1", 10_000).coupons[0].coupon, sooner.coupon);
    assert_eq!(redeem(&mut host, "A2", 10_000).coupons[0].coupon, later.coupon);
}

#[test]
fn a_quote_says_what_each_coupon_would_do_and_changes_nothing() {
    let mut host = host();
    host.publish::<Batch>("large", with(plain(), json!({ "value_fen": 9_000, "min_spend_fen": 50_000 })));
    let plain = issue(&mut host, "plain", "k1");
    let large = issue(&mut host, "large", "k1");
    let quoted = host.call::<Quote>(json!({ "amount_fen": 12_000 })).done();
    assert_eq!((quoted.discount_fen, quoted.pay_fen, quoted.coupons.len()), (2_000, 10_000, 1));
    assert_eq!((quoted.usable.len(), quoted.usable[0].coupon.as_str()), (1, plain.coupon.as_str()));
    assert_eq!(
        (quoted.unusable[0].coupon.as_str(), quoted.unusable[0].reason.as_str()),
        (large.coupon.as_str(), "MIN_SPEND")
    );
    let named = json!({ "amount_fen": 60_000, "coupons": [plain.coupon, large.coupon] });
    let quoted = host.call::<Quote>(named).done();
    assert_eq!(
        (quoted.discount_fen, quoted.usable.len(), quoted.unusable[0].reason.as_str()),
        (0, 2, "NOT_COMBINABLE")
    );
    let unknown = host.call::<Quote>(json!({ "amount_fen": 1, "coupon": "cpn_x" })).done();
    assert_eq!((unknown.unusable[0].reason.as_str(), &unknown.unusable[0].batch), ("COUPON_UNKNOWN", &None));
    assert_eq!(story(&host), ["coupon.issued", "coupon.issued"]);
    lock_one(&mut host, "A1", &plain.coupon).done();
    assert_eq!(host.call::<Quote>(json!({ "amount_fen": 12_000 })).done().discount_fen, 0);
    assert_eq!(host.call::<Quote>(json!({ "amount_fen": 12_000, "order": "A1" })).done().discount_fen, 2_000);
}

fn terms(worth: Worth, min_spend_fen: u64, group: u8, combinable_with: Vec<u8>) -> Terms {
    let stacking = Stacking {
        group: group.to_string(),
        combinable_with: combinable_with.into_iter().map(|group| group.to_string()).collect(),
    };
    Terms {
        worth,
        min_spend_fen,
        scope: Default::default(),
        first_order_only: false,
        stacking: Some(stacking),
        on_refund: Default::default(),
        transferable: false,
        reminders: Vec::new(),
    }
}

fn candidate(number: usize, terms: Terms) -> Candidate {
    let coupon = Coupon::new(Made {
        id: format!("cpn_{number}"),
        batch: "b".to_owned(),
        terms: 1,
        code: String::new(),
        value_fen: terms.worth.face_fen(),
        from: Instant::EPOCH,
        until: Instant::EPOCH + Duration::days(number as u64 + 1),
    });
    Candidate { coupon, terms }
}

fn worths() -> impl Strategy<Value = Worth> {
    prop_oneof![
        (1..5_000_u64).prop_map(|value_fen| Worth::AmountOff { value_fen }),
        (1..10_000_u32, prop::option::of(1..3_000_u64))
            .prop_map(|(off_bp, max_discount_fen)| Worth::PercentOff { off_bp, max_discount_fen }),
        (1..3_000_u64).prop_map(|value_fen| Worth::Exchange { value_fen }),
        (1..3_000_u64).prop_map(|price_fen| Worth::PriceRight { value_fen: 3_000, price_fen }),
    ]
}

fn candidates(most: usize) -> impl Strategy<Value = Vec<Candidate>> {
    let one = (worths(), 0..9_000_u64, 0..3_u8, prop::collection::vec(0..3_u8, 0..3));
    prop::collection::vec(one, 0..=most).prop_map(|all| {
        let all = all.into_iter().enumerate();
        all.map(|(number, (worth, min, group, with))| candidate(number, terms(worth, min, group, with)))
            .collect()
    })
}

fn baskets() -> impl Strategy<Value = Vec<Line>> {
    let line = (0..5_000_u64, 1..4_u64);
    prop::collection::vec(line, 1..5).prop_map(|lines| {
        let lines = lines.into_iter().enumerate();
        lines.map(|(sku, (amount_fen, count))| Line { sku: sku.to_string(), amount_fen, count }).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_set_takes_more_off_than_the_best(candidates in candidates(5), lines in baskets()) {
        let basket = Basket::new(None, &lines, None).unwrap();
        let best = choice::best(&candidates, &basket);
        let mut most = 0;
        for set in 0..1_u32 << candidates.len() {
            let chosen: Vec<_> = candidates
                .iter()
                .enumerate()
                .filter(|(place, _)| set >> place & 1 == 1)
                .map(|(_, candidate)| candidate.clone())
                .collect();
            if let Ok(applied) = choice::all(&chosen, &basket) {
                most = most.max(applied.discount_fen());
            }
        }
        prop_assert_eq!(best.discount_fen(), most);
        let named: Vec<_> = best.uses.iter().map(|(place, _)| candidates[*place].clone()).collect();
        let again = choice::all(&named, &basket);
        prop_assert_eq!(again.ok().map(|applied| applied.discount_fen()), Some(most), "what is chosen is allowed");
    }

    #[test]
    fn the_choice_does_not_hang_on_the_order_of_the_wallet(
        (candidates, shuffled) in candidates(8).prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())),
        lines in baskets(),
    ) {
        let basket = Basket::new(None, &lines, None).unwrap();
        let ids = |candidates: &[Candidate]| -> Vec<String> {
            let best = choice::best(candidates, &basket);
            best.uses.iter().map(|(place, _)| candidates[*place].coupon.id.clone()).collect()
        };
        prop_assert_eq!(ids(&candidates), ids(&shuffled));
    }

    #[test]
    fn parts_of_a_discount_sum_to_it_and_no_line_goes_below_nothing(candidates in candidates(5), lines in baskets()) {
        let basket = Basket::new(None, &lines, None).unwrap();
        let best = choice::best(&candidates, &basket);
        let left = best.basket.left_fen();
        let offs: Vec<u64> = lines.iter().zip(&left).map(|(line, left)| line.amount_fen - left).collect();
        prop_assert_eq!(offs.iter().sum::<u64>(), best.discount_fen());
        prop_assert!(best.discount_fen() <= basket.amount_fen);
        for (place, discount) in &best.uses {
            prop_assert!(*discount > 0);
            let is_bounded = match candidates[*place].terms.worth {
                Worth::AmountOff { value_fen } | Worth::Exchange { value_fen } => *discount <= value_fen,
                Worth::PercentOff { max_discount_fen, .. } => max_discount_fen.is_none_or(|most| *discount <= most),
                // A right is to a price, whatever the goods cost by then.
                Worth::PriceRight { .. } => true,
            };
            prop_assert!(is_bounded);
        }
    }

    #[test]
    fn a_wallet_full_of_coupons_that_all_combine_is_chosen_from_in_bounded_time(
        values in prop::collection::vec(1..5_000_u64, 100),
    ) {
        let all: Vec<_> = values
            .iter()
            .enumerate()
            .map(|(number, value)| candidate(number, terms(Worth::AmountOff { value_fen: *value }, 0, 0, vec![0])))
            .collect();
        let basket = Basket::new(Some(1_000_000), &[], None).unwrap();
        let mut sorted = values.clone();
        sorted.sort_unstable_by(|one, two| two.cmp(one));
        prop_assert_eq!(choice::best(&all, &basket).discount_fen(), sorted[..5].iter().sum::<u64>());
    }
}
