//! Payments: in time, late, twice, and of the wrong amount.

use siyu_plugin::prelude::*;

use crate::hold::HoldState;
use crate::kit::{FIRST, FS, cancel, cups, open, pay, reserve, said};

#[test]
fn a_payment_in_time_sells_once_however_often_it_is_told() {
    let mut host = open(json!({}));
    let held = reserve(&mut host, "shop:1", "o1").done();
    let paid = pay(&mut host, "shop:1", "o1", 10).done();
    assert_eq!((paid.qty, paid.amount_fen, paid.late, paid.replayed), (1, 10, false, false));
    for amount in [10, 10, 99] {
        assert!(pay(&mut host, "shop:1", "o1", amount).done().replayed);
    }
    assert_eq!(cups(&host), (2, 0, 1));
    assert_eq!(
        host.events_of("flash.committed"),
        [json!({
            "session": FS, "occurrence": FIRST, "sku": "cup", "qty": 1, "price_fen": 10, "order": "o1",
            "reservation": held.reservation, "amount_fen": 10, "reason": "in_time",
        })]
    );
}

#[test]
fn a_payment_on_its_way_at_the_end_of_the_hold_is_in_time() {
    let mut host = open(json!({}));
    reserve(&mut host, "shop:1", "o1").done();
    host.advance(Duration::minutes(11) - Duration::from_millis(1));
    assert!(!pay(&mut host, "shop:1", "o1", 10).done().late);
}

#[test]
fn a_late_payment_is_served_from_what_is_left() {
    let mut host = open(json!({}));
    reserve(&mut host, "shop:1", "o1").done();
    host.advance(Duration::minutes(11));
    let paid = pay(&mut host, "shop:1", "o1", 10).done();
    assert!(paid.late);
    assert_eq!(cups(&host), (2, 0, 1));
    assert_eq!(said(&host, "flash.reserved", "reason"), ["customer", "late_payment"]);
    assert_eq!(said(&host, "flash.committed", "reason"), ["late_ok"]);
    assert!(pay(&mut host, "shop:1", "o1", 10).done().replayed);
    reserve(&mut host, "shop:1", "o2").refused("LIMIT_CUSTOMER");
}

#[test]
fn a_late_payment_without_stock_asks_for_the_money_back_once() {
    let mut host = open(json!({ "items": [{ "sku": "cup", "price_fen": 10, "stock": 1 }] }));
    reserve(&mut host, "shop:1", "o1").done();
    host.advance(Duration::minutes(11));
    reserve(&mut host, "shop:2", "o2").done();
    for _ in 0..3 {
        let no = pay(&mut host, "shop:1", "o1", 10).refused("RESERVATION_EXPIRED");
        assert_eq!(no.details.unwrap(), json!({ "refund_required": true, "amount_fen": 10 }));
    }
    let asked = host.events_of("flash.late_payment");
    assert_eq!(asked.len(), 1);
    assert_eq!(
        (&asked[0]["refund_required"], &asked[0]["amount_fen"], &asked[0]["reason"]),
        (&json!(true), &json!(10), &json!("sold_out"))
    );
    assert_eq!(cups(&host), (0, 1, 0));
}

#[test]
fn a_late_payment_does_not_break_the_customers_limit() {
    let mut host = open(json!({}));
    reserve(&mut host, "shop:1", "o1").done();
    host.advance(Duration::minutes(11));
    reserve(&mut host, "shop:1", "o2").done();
    pay(&mut host, "shop:1", "o1", 10).refused("RESERVATION_EXPIRED");
    assert_eq!(said(&host, "flash.late_payment", "reason"), ["limit_customer"]);
    pay(&mut host, "shop:1", "o2", 10).done();
}

#[test]
fn a_payment_that_crosses_a_cancel_is_late() {
    let mut host = open(json!({}));
    reserve(&mut host, "shop:1", "o1").done();
    cancel(&mut host, "shop:1", "o1").done();
    assert!(pay(&mut host, "shop:1", "o1", 10).done().late);
    assert_eq!(cups(&host), (2, 0, 1));
}

#[test]
fn another_amount_is_held_for_a_person_to_look_at() {
    let mut host = open(json!({}));
    reserve(&mut host, "shop:1", "o1").done();
    for _ in 0..2 {
        let no = pay(&mut host, "shop:1", "o1", 9).refused("AMOUNT_MISMATCH");
        let details = json!({ "expected_fen": 10, "amount_fen": 9, "refund_required": false });
        assert_eq!(no.details.unwrap(), details);
    }
    assert_eq!(said(&host, "flash.refused", "reason"), ["amount_mismatch"]);
    host.advance(Duration::hours(20));
    assert_eq!(cups(&host), (2, 1, 0), "held longer than an ordinary hold");
    reserve(&mut host, "shop:1", "o2").refused("CLOSED");
    let input = json!({ "order": "o1", "amount_fen": 9, "accept_amount": true });
    host.call::<super::Pay>(input).done();
    assert_eq!(cups(&host), (2, 0, 1));
    assert_eq!(said(&host, "flash.committed", "reason"), ["reviewed"]);
}

#[test]
fn the_right_amount_ends_a_review() {
    let mut host = open(json!({ "reservation": { "quota_back_on_timeout": false } }));
    reserve(&mut host, "shop:1", "o1").done();
    pay(&mut host, "shop:1", "o1", 1).refused("AMOUNT_MISMATCH");
    pay(&mut host, "shop:1", "o1", 10).done();
    reserve(&mut host, "shop:1", "o2").refused("LIMIT_CUSTOMER");
    assert_eq!(cups(&host), (2, 0, 1));
}

#[test]
fn a_review_that_nobody_ends_gives_units_and_money_back() {
    for quota_back in [true, false] {
        let changes = json!({ "reservation": { "quota_back_on_timeout": quota_back, "review": "30m" } });
        let mut host = open(changes);
        reserve(&mut host, "shop:1", "o1").done();
        pay(&mut host, "shop:1", "o1", 9).refused("AMOUNT_MISMATCH");
        host.advance(Duration::minutes(30));
        assert_eq!(cups(&host), (3, 0, 0));
        assert_eq!(said(&host, "flash.late_payment", "reason"), ["amount_mismatch"]);
        assert_eq!(said(&host, "flash.late_payment", "amount_fen"), [9]);
        pay(&mut host, "shop:1", "o1", 9).refused("RESERVATION_EXPIRED");
        reserve(&mut host, "shop:1", "o2").done();
    }
}

#[test]
fn a_cancelled_review_pays_the_money_back() {
    let mut host = open(json!({}));
    reserve(&mut host, "shop:1", "o1").done();
    pay(&mut host, "shop:1", "o1", 9).refused("AMOUNT_MISMATCH");
    assert_eq!(cancel(&mut host, "shop:1", "o1").done().state, HoldState::RefundDue);
    assert_eq!(host.events_of("flash.late_payment").len(), 1);
    assert_eq!(cups(&host), (3, 0, 0));
}

#[test]
fn a_late_payment_of_another_amount_is_paid_back() {
    let mut host = open(json!({}));
    reserve(&mut host, "shop:1", "o1").done();
    host.advance(Duration::minutes(11));
    let no = pay(&mut host, "shop:1", "o1", 9).refused("AMOUNT_MISMATCH");
    assert_eq!(no.details.unwrap()["refund_required"], true);
    assert_eq!(cups(&host), (3, 0, 0));
}

#[test]
fn an_order_of_something_else_is_unknown() {
    let mut host = open(json!({}));
    pay(&mut host, "shop:1", "o1", 10).refused("UNKNOWN_ORDER");
    assert!(host.events_of("flash.committed").is_empty());
}
