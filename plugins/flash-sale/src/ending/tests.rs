//! Holds that end without a sale.

use siyu_plugin::prelude::*;

use crate::hold::HoldState;
use crate::kit::{FIRST, FS, cancel, cups, open, pay, reserve, said};

#[test]
fn a_hold_that_is_not_paid_ends_after_its_time_and_the_grace() {
    let mut host = open(json!({}));
    reserve(&mut host, "shop:1", "o1").done();
    host.advance(Duration::minutes(11) - Duration::from_millis(1));
    assert_eq!(cups(&host), (2, 1, 0));
    host.advance(Duration::from_millis(1));
    assert_eq!(cups(&host), (3, 0, 0));
    assert_eq!(said(&host, "flash.released", "reason"), ["timeout"]);
    reserve(&mut host, "shop:1", "o2").done();
    reserve(&mut host, "shop:1", "o1").refused("RESERVATION_EXPIRED");
}

#[test]
fn a_customer_lets_go_and_may_hold_again() {
    let mut host = open(json!({}));
    let held = reserve(&mut host, "shop:1", "o1").done();
    let gone = cancel(&mut host, "shop:1", "o1").done();
    assert_eq!((gone.released, gone.state), (1, HoldState::Released));
    assert_eq!(cancel(&mut host, "shop:1", "o1").done().released, 0, "once");
    assert_eq!(cups(&host), (3, 0, 0));
    assert_eq!(
        host.events_of("flash.released"),
        [json!({
            "session": FS, "occurrence": FIRST, "sku": "cup", "qty": 1, "price_fen": 10, "order": "o1",
            "reservation": held.reservation, "reason": "cancelled",
        })]
    );
    reserve(&mut host, "shop:1", "o2").done();
}

#[test]
fn a_hold_can_be_named_by_its_reservation() {
    let mut host = open(json!({}));
    let held = reserve(&mut host, "shop:1", "o1").done();
    host.call::<super::Cancel>(json!({ "reservation": held.reservation })).done();
    host.call::<super::Cancel>(json!({})).failed("INVALID_INPUT");
    host.call::<super::Cancel>(json!({ "reservation": "res_x" })).failed("INVALID_ARGUMENT");
    assert_eq!(cups(&host), (3, 0, 0));
}

#[test]
fn nobody_ends_the_hold_of_another_customer() {
    let mut host = open(json!({}));
    let held = reserve(&mut host, "shop:1", "o1").done();
    cancel(&mut host, "shop:2", "o1").refused("UNKNOWN_ORDER");
    host.call::<super::Cancel>(json!({ "reservation": held.reservation })).refused("UNKNOWN_ORDER");
    pay(&mut host, "shop:2", "o1", 10).refused("UNKNOWN_ORDER");
    assert_eq!(cups(&host), (2, 1, 0));
}

#[test]
fn what_is_paid_is_not_cancelled() {
    let mut host = open(json!({}));
    reserve(&mut host, "shop:1", "o1").done();
    pay(&mut host, "shop:1", "o1", 10).done();
    cancel(&mut host, "shop:1", "o1").refused("ALREADY_PAID");
    host.advance(Duration::days(1));
    assert_eq!(cups(&host), (2, 0, 1));
}

#[test]
fn three_timeouts_are_enough() {
    let mut host = open(json!({}));
    for order in ["o1", "o2", "o3"] {
        reserve(&mut host, "shop:1", order).done();
        host.advance(Duration::minutes(11));
    }
    let no = reserve(&mut host, "shop:1", "o4").refused("ABUSE_HOLDING");
    assert_eq!(no.details.unwrap(), json!({ "timeouts": 3 }));
    reserve(&mut host, "shop:2", "o5").done();
    assert_eq!(said(&host, "flash.refused", "reason"), ["abuse_holding"]);
}

#[test]
fn a_timeout_keeps_the_limit_where_the_session_says_so() {
    let mut host = open(json!({ "reservation": { "quota_back_on_timeout": false } }));
    reserve(&mut host, "shop:1", "o1").done();
    host.advance(Duration::minutes(11));
    assert_eq!(cups(&host), (3, 0, 0), "stock goes back in any case");
    reserve(&mut host, "shop:1", "o2").refused("LIMIT_CUSTOMER");
    reserve(&mut host, "shop:2", "o3").done();
    cancel(&mut host, "shop:2", "o3").done();
    reserve(&mut host, "shop:2", "o4").done();
    // The late payment needs no second part of the limit: the first one is still taken.
    assert!(pay(&mut host, "shop:1", "o1", 10).done().late);
    assert_eq!(cups(&host), (1, 1, 1));
}

#[test]
fn holds_of_a_sale_that_has_ended_are_honoured_until_their_time() {
    let mut host = open(json!({}));
    host.advance(Duration::minutes(59));
    reserve(&mut host, "shop:1", "o1").done();
    reserve(&mut host, "shop:2", "o2").done();
    host.advance(Duration::minutes(5));
    pay(&mut host, "shop:1", "o1", 10).done();
    host.advance(Duration::minutes(10));
    assert_eq!(cups(&host), (2, 0, 1));
    assert_eq!(host.events_of("flash.closed")[0]["items"][0]["reserved"], 2);
}

/// The host gave the units back, and its word of it has not come yet.
fn expire_silently(host: &mut siyu_plugin::fake::Host, reservation: &str) {
    assert!(host.during(|| siyu_plugin::pools::release(reservation)).unwrap());
}

#[test]
fn a_payment_that_crosses_the_expiry_is_late_and_the_end_is_noted_once() {
    let mut host = open(json!({}));
    let held = reserve(&mut host, "shop:1", "o1").done();
    expire_silently(&mut host, &held.reservation);
    assert!(pay(&mut host, "shop:1", "o1", 10).done().late);
    let id = host.customer("shop:1");
    let expired = json!({
        "reservation": held.reservation, "plugin": "flash-sale", "pool": "fs/2026-12-11T20:00/cup", "units": 1,
        "reference": "o1",
    });
    host.record("reservation.expired", Some(&id), expired);
    assert_eq!(said(&host, "flash.released", "reason"), ["timeout"]);
    assert_eq!(said(&host, "flash.committed", "reason"), ["late_ok"]);
    assert_eq!(cups(&host), (2, 0, 1));
}

#[test]
fn a_cancel_that_crosses_the_expiry_lets_go_once() {
    let mut host = open(json!({}));
    let held = reserve(&mut host, "shop:1", "o1").done();
    expire_silently(&mut host, &held.reservation);
    assert_eq!(cancel(&mut host, "shop:1", "o1").done().released, 0);
    assert_eq!(said(&host, "flash.released", "reason"), ["timeout"]);
    assert_eq!(cups(&host), (3, 0, 0));
}

#[test]
fn a_wrong_payment_that_crosses_the_expiry_is_paid_back() {
    let mut host = open(json!({}));
    let held = reserve(&mut host, "shop:1", "o1").done();
    expire_silently(&mut host, &held.reservation);
    pay(&mut host, "shop:1", "o1", 9).refused("AMOUNT_MISMATCH");
    assert_eq!(said(&host, "flash.late_payment", "reason"), ["amount_mismatch"]);
    assert_eq!(cups(&host), (3, 0, 0));
}

#[test]
fn reservations_of_other_makers_are_passed_over() {
    let mut host = open(json!({}));
    let id = host.customer("shop:1");
    for reference in [json!(null), json!("o1"), json!("x".repeat(300))] {
        let data =
            json!({ "reservation": "r", "plugin": "p", "pool": "q", "units": 1, "reference": reference });
        host.record("reservation.expired", Some(&id), data);
    }
    assert!(host.events_of("flash.released").is_empty());
}
