//! What is given back.

use siyu_plugin::fake::{Host, Outcome};
use siyu_plugin::prelude::*;
use siyu_plugin::serde_json::Value;

use super::{GivenBack, Refund};
use crate::hold::HoldState;
use crate::kit::{FIRST, FS, cups, open, pay, reserve, reserve_with, said};

fn sale(resell: bool) -> Host {
    let items = json!([{ "sku": "cup", "price_fen": 10, "stock": 3, "per_customer": 3 }]);
    let mut host = open(json!({ "items": items, "resell_refunds": resell }));
    reserve_with(&mut host, "shop:1", json!({ "order": "o1", "qty": 3 })).done();
    pay(&mut host, "shop:1", "o1", 30).done();
    host
}

fn refund(host: &mut Host, input: Value) -> Outcome<GivenBack> {
    host.act_for("shop:1");
    host.call::<Refund>(input)
}

#[test]
fn refunded_units_stay_sold_unless_the_session_sells_them_again() {
    for (resell, expected) in [(false, (0, 0, 3)), (true, (3, 0, 0))] {
        let mut host = sale(resell);
        let back = refund(&mut host, json!({ "order": "o1" })).done();
        assert_eq!((back.qty, back.refund_fen, back.back_on_sale), (3, 30, resell));
        assert_eq!(refund(&mut host, json!({ "order": "o1" })).done().qty, 0, "once");
        assert_eq!(cups(&host), expected);
        assert_eq!(host.events_of("flash.refunded").len(), 1);
        // The right to buy comes back with the units.
        reserve(&mut host, "shop:1", "o2").refused_unless(resell);
    }
}

trait RefusedUnless {
    fn refused_unless(self, done: bool);
}

impl<T> RefusedUnless for Outcome<T> {
    #[track_caller]
    fn refused_unless(self, done: bool) {
        if done { drop(self.done()) } else { drop(self.refused("LIMIT_CUSTOMER")) }
    }
}

#[test]
fn an_order_can_be_given_back_in_parts_that_add_up() {
    let items = json!([{ "sku": "cup", "price_fen": 10, "stock": 3, "per_customer": 3 }]);
    let mut host = open(json!({ "items": items, "resell_refunds": true }));
    let held = reserve_with(&mut host, "shop:1", json!({ "order": "o1", "qty": 3 })).done();
    let input = json!({ "order": "o1", "amount_fen": 29, "accept_amount": true });
    host.call::<crate::pay::Pay>(input).done();
    let parts: Vec<_> = [1, 1, 1]
        .map(|qty| {
            refund(&mut host, json!({ "reservation": held.reservation, "qty": qty })).done().refund_fen
        })
        .into();
    assert_eq!(parts, [9, 10, 10]);
    refund(&mut host, json!({ "order": "o1", "qty": 4 })).done();
    assert_eq!(cups(&host), (3, 0, 0));
    let first = &host.events_of("flash.refunded")[0];
    assert_eq!(
        *first,
        json!({
            "session": FS, "occurrence": FIRST, "sku": "cup", "qty": 1, "price_fen": 10, "order": "o1",
            "reservation": held.reservation, "refund_fen": 9, "back_on_sale": true,
        })
    );
}

#[test]
fn more_than_was_bought_cannot_be_given_back() {
    let mut host = sale(true);
    for qty in [0, 4] {
        let fault = refund(&mut host, json!({ "order": "o1", "qty": qty })).failed("INVALID_INPUT");
        assert_eq!(fault.fields[0].pointer, "/qty");
    }
    assert_eq!(cups(&host), (0, 0, 3));
}

#[test]
fn what_was_not_paid_is_not_refunded() {
    let mut host = open(json!({}));
    reserve(&mut host, "shop:1", "o1").done();
    refund(&mut host, json!({ "order": "o1" })).refused("UNKNOWN_ORDER");
    refund(&mut host, json!({ "order": "o2" })).refused("UNKNOWN_ORDER");
    assert_eq!(cups(&host), (2, 1, 0));
}

#[test]
fn the_refund_of_a_late_payment_ends_it() {
    let mut host =
        open(json!({ "items": [{ "sku": "cup", "price_fen": 10, "stock": 1 }], "resell_refunds": true }));
    reserve(&mut host, "shop:1", "o1").done();
    host.advance(Duration::minutes(11));
    reserve(&mut host, "shop:2", "o2").done();
    pay(&mut host, "shop:1", "o1", 10).refused("RESERVATION_EXPIRED");
    let back = refund(&mut host, json!({ "order": "o1" })).done();
    assert_eq!((back.refund_fen, back.back_on_sale, back.state), (10, false, HoldState::Refunded));
    assert_eq!(cups(&host), (0, 1, 0));
    assert_eq!(said(&host, "flash.refunded", "back_on_sale"), [false]);
}
