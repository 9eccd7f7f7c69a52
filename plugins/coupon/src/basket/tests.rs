//! What each kind of coupon takes off, to the fen.

use siyu_plugin::prelude::*;

use super::{AMOUNT_FEN_MAX, Basket, Line};
use crate::batch::Scope;
use crate::terms::{Terms, Worth};

fn line(sku: &str, amount_fen: u64, count: u64) -> Line {
    Line { sku: sku.to_owned(), amount_fen, count }
}

fn terms(worth: Worth) -> Terms {
    Terms {
        worth,
        min_spend_fen: 0,
        scope: Scope::default(),
        first_order_only: false,
        stacking: None,
        on_refund: Default::default(),
        transferable: false,
        reminders: Vec::new(),
    }
}

/// Discount and what is left of each line.
fn apply(lines: &[Line], terms: &Terms) -> Result<(u64, Vec<u64>), &'static str> {
    let mut basket = Basket::new(None, lines, None).unwrap();
    let discount = basket.apply(terms).map_err(|refused| refused.code)?;
    Ok((discount, basket.left_fen()))
}

#[test]
fn an_amount_is_split_by_largest_remainder() {
    for (amounts, value_fen, left) in [
        (vec![100, 100, 100], 100, vec![66, 67, 67]),
        (vec![100, 100, 100], 200, vec![33, 33, 34]),
        (vec![1, 1, 9_998], 2_000, vec![1, 1, 7_998]),
        (vec![1, 2, 3], 6, vec![0, 0, 0]),
        (vec![0, 10], 3, vec![0, 7]),
        (vec![333, 333, 334], 1, vec![333, 333, 333]),
    ] {
        let lines: Vec<Line> = amounts.iter().map(|amount| line("a", *amount, 1)).collect();
        let found = apply(&lines, &terms(Worth::AmountOff { value_fen }));
        assert_eq!(found, Ok((value_fen, left)), "{amounts:?}");
    }
}

#[test]
fn a_part_is_rounded_down_and_capped() {
    for (amount, off_bp, cap, discount) in [
        (10_000, 2_000, None, 2_000),
        (9_999, 2_000, None, 1_999),
        (9_999, 1, None, 0),
        (100_000, 2_000, Some(5_000), 5_000),
        (AMOUNT_FEN_MAX, 9_999, None, 99_990_000_000_000),
    ] {
        let found =
            apply(&[line("a", amount, 1)], &terms(Worth::PercentOff { off_bp, max_discount_fen: cap }));
        let expected =
            if discount == 0 { Err("NO_DISCOUNT") } else { Ok((discount, vec![amount - discount])) };
        assert_eq!(found, expected, "{amount} {off_bp} {cap:?}");
    }
}

#[test]
fn an_exchange_gives_one_unit_of_the_dearest_goods_up_to_its_worth() {
    let lines = [line("a", 3_000, 3), line("b", 1_500, 1), line("c", 9_000, 1)];
    let scope = Scope { skus: vec!["a".into(), "b".into()], ..Scope::default() };
    let exchange = |value_fen| Terms { scope: scope.clone(), ..terms(Worth::Exchange { value_fen }) };
    assert_eq!(apply(&lines, &exchange(2_000)), Ok((1_500, vec![3_000, 0, 9_000])));
    assert_eq!(
        apply(&lines, &exchange(800)),
        Ok((800, vec![2_200, 1_500, 9_000])),
        "the earlier line among equals"
    );
    assert_eq!(apply(&lines[2..], &exchange(800)), Err("NOT_IN_SCOPE"));
}

#[test]
fn a_right_makes_one_unit_cost_its_price() {
    let scope = Scope { skus: vec!["wxl".into()], ..Scope::default() };
    let right = Terms { scope, ..terms(Worth::PriceRight { value_fen: 2_900, price_fen: 1 }) };
    assert_eq!(apply(&[line("wxl", 5_800, 2), line("x", 100, 1)], &right), Ok((2_899, vec![2_901, 100])));
    assert_eq!(apply(&[line("wxl", 1, 1)], &right), Err("NO_DISCOUNT"), "it costs no more than the price");
}

#[test]
fn goods_outside_the_scope_count_neither_for_the_threshold_nor_for_the_discount() {
    let scope = Scope { exclude: vec!["gift".into()], ..Scope::default() };
    let coupon = Terms { scope, min_spend_fen: 1_000, ..terms(Worth::AmountOff { value_fen: 500 }) };
    assert_eq!(apply(&[line("gift", 5_000, 1), line("a", 999, 1)], &coupon), Err("MIN_SPEND"));
    assert_eq!(apply(&[line("gift", 5_000, 1), line("a", 1_000, 1)], &coupon), Ok((500, vec![5_000, 500])));
    assert_eq!(apply(&[line("gift", 5_000, 1)], &coupon), Err("NOT_IN_SCOPE"));
}

#[test]
fn a_purchase_without_lines_is_one_line() {
    let mut basket = Basket::new(Some(1_000), &[], None).unwrap();
    assert_eq!(basket.apply(&terms(Worth::AmountOff { value_fen: 300 })), Ok(300));
    assert_eq!((basket.left_fen(), basket.amount_fen), (vec![700], 1_000));
}

#[test]
fn a_refused_coupon_changes_nothing() {
    let mut basket = Basket::new(Some(1_000), &[], None).unwrap();
    let before = basket.clone();
    let coupon = Terms { min_spend_fen: 1_001, ..terms(Worth::AmountOff { value_fen: 300 }) };
    assert_eq!(basket.apply(&coupon).map_err(|refused| refused.code), Err("MIN_SPEND"));
    assert_eq!(basket, before);
}

#[test]
fn amounts_near_the_bound_do_not_overflow() {
    let lines = [line("a", AMOUNT_FEN_MAX / 2, 1), line("b", AMOUNT_FEN_MAX / 2, 1)];
    let found = apply(&lines, &terms(Worth::AmountOff { value_fen: AMOUNT_FEN_MAX - 1 }));
    assert_eq!(found.map(|(discount, _)| discount), Ok(AMOUNT_FEN_MAX - 1));
    let too_much = [line("a", u64::MAX, 1), line("b", u64::MAX, 1)];
    assert!(matches!(Basket::new(None, &too_much, None), Err(Fault::InvalidInput(_))));
}
