//! The waiting list: what comes back goes to those who came first.

use siyu_plugin::fake::Host;
use siyu_plugin::prelude::*;
use siyu_plugin::serde_json::Value;

use crate::events::WaitlistCalled;
use crate::hold::HoldState;
use crate::kit::{FS, cancel, cups, lay_over, open, pay, reserve, reserve_with, said};
use crate::refund::Refund;
use crate::restock::Restock;

fn sale(stock: u64, changes: Value) -> Host {
    let mut wanted = json!({
        "items": [{ "sku": "cup", "price_fen": 10, "stock": stock, "per_customer": 2 }],
        "on_sold_out": { "waitlist": true },
    });
    lay_over(&mut wanted, changes);
    open(wanted)
}

#[track_caller]
fn wait(host: &mut Host, who: &str, order: &str) -> u64 {
    let no = reserve(host, who, order).refused("SOLD_OUT");
    no.details.unwrap()["waitlist_position"].as_u64().expect("a position")
}

#[test]
fn who_waits_gets_what_comes_back_in_the_order_of_coming() {
    let mut host = sale(2, json!({}));
    for n in [1, 2] {
        reserve(&mut host, &format!("shop:{n}"), &format!("o{n}")).done();
    }
    for (n, position) in [(3, 1), (4, 2), (5, 3)] {
        assert_eq!(wait(&mut host, &format!("shop:{n}"), &format!("o{n}")), position);
    }
    assert_eq!(said(&host, "flash.waitlisted", "position"), [1, 2, 3]);
    cancel(&mut host, "shop:1", "o1").done();
    host.advance(Duration::minutes(11));
    assert_eq!(said(&host, "flash.waitlist_called", "order"), ["o3", "o4", "o5"]);
    let reasons = said(&host, "flash.reserved", "reason");
    assert_eq!(reasons, ["customer", "customer", "waitlist", "waitlist", "waitlist"]);
    // o3 was held at the start of the eleven minutes and timed out with o2.
    assert_eq!(cups(&host), (0, 2, 0));
    assert_eq!(pay(&mut host, "shop:5", "o5", 10).done().qty, 1);
    let again = reserve(&mut host, "shop:4", "o4").done();
    assert_eq!((again.state, again.replayed), (HoldState::Held, true));
}

#[test]
fn asking_again_keeps_the_place() {
    let mut host = sale(1, json!({}));
    reserve(&mut host, "shop:1", "o1").done();
    assert_eq!(wait(&mut host, "shop:2", "o2"), 1);
    assert_eq!(wait(&mut host, "shop:3", "o3"), 2);
    assert_eq!(wait(&mut host, "shop:2", "o2"), 1);
    assert_eq!(wait(&mut host, "shop:2", "another"), 1, "one place a customer and sku");
    assert_eq!(host.events_of("flash.waitlisted").len(), 2);
}

#[test]
fn who_leaves_the_list_is_passed_over() {
    let mut host = sale(1, json!({}));
    reserve(&mut host, "shop:1", "o1").done();
    wait(&mut host, "shop:2", "o2");
    wait(&mut host, "shop:3", "o3");
    let gone = cancel(&mut host, "shop:2", "o2").done();
    assert_eq!((gone.released, gone.state), (0, HoldState::Released));
    cancel(&mut host, "shop:1", "o1").done();
    assert_eq!(said(&host, "flash.reserved", "order"), ["o1", "o3"]);
}

#[test]
fn who_bought_enough_in_the_meantime_is_passed_over() {
    let mut host = sale(3, json!({ "resell_refunds": true }));
    reserve_with(&mut host, "shop:1", json!({ "order": "o1", "qty": 2 })).done();
    reserve(&mut host, "shop:2", "o2").done();
    reserve_with(&mut host, "shop:3", json!({ "order": "o3", "qty": 2 })).refused("SOLD_OUT");
    wait(&mut host, "shop:4", "o4");
    // Two come back: they are for o3, who wants two; the other waits on.
    cancel(&mut host, "shop:1", "o1").done();
    assert_eq!(said(&host, "flash.waitlist_called", "order"), ["o3"]);
    cancel(&mut host, "shop:2", "o2").done();
    assert_eq!(said(&host, "flash.waitlist_called", "order"), ["o3", "o4"]);
    assert_eq!(cups(&host), (0, 3, 0));
}

#[test]
fn a_small_wish_does_not_overtake_a_large_one() {
    let mut host = sale(2, json!({}));
    for n in [1, 2] {
        reserve(&mut host, &format!("shop:{n}"), &format!("o{n}")).done();
    }
    reserve_with(&mut host, "shop:3", json!({ "order": "o3", "qty": 2 })).refused("SOLD_OUT");
    wait(&mut host, "shop:4", "o4");
    cancel(&mut host, "shop:1", "o1").done();
    assert!(host.events_of("flash.waitlist_called").is_empty());
    cancel(&mut host, "shop:2", "o2").done();
    assert_eq!(said(&host, "flash.waitlist_called", "order"), ["o3"]);
    assert_eq!(cups(&host), (0, 2, 0));
}

#[test]
fn a_wish_that_can_never_be_met_does_not_wait() {
    let mut host = sale(1, json!({}));
    let no = reserve_with(&mut host, "shop:1", json!({ "order": "o1", "qty": 2 })).refused("SOLD_OUT");
    assert_eq!(no.details.unwrap()["waitlist_position"], Value::Null);
    reserve(&mut host, "shop:1", "o2").done();
}

#[test]
fn who_has_all_they_may_have_does_not_wait() {
    let mut host = sale(2, json!({}));
    reserve_with(&mut host, "shop:1", json!({ "order": "o1", "qty": 2 })).done();
    reserve(&mut host, "shop:1", "o2").refused("LIMIT_CUSTOMER");
}

#[test]
fn a_full_list_takes_nobody() {
    let mut host = sale(1, json!({ "on_sold_out": { "waitlist_max": 1 } }));
    reserve(&mut host, "shop:1", "o1").done();
    wait(&mut host, "shop:2", "o2");
    let no = reserve(&mut host, "shop:3", "o3").refused("SOLD_OUT");
    assert_eq!(no.details.unwrap()["waitlist_position"], Value::Null);
}

#[test]
fn more_units_and_resold_refunds_serve_the_list() {
    let mut host = sale(1, json!({ "resell_refunds": true }));
    reserve(&mut host, "shop:1", "o1").done();
    pay(&mut host, "shop:1", "o1", 10).done();
    wait(&mut host, "shop:2", "o2");
    wait(&mut host, "shop:3", "o3");
    host.act_for("shop:1");
    host.call::<Refund>(json!({ "order": "o1" })).done();
    assert_eq!(said(&host, "flash.waitlist_called", "order"), ["o2"]);
    host.call::<Restock>(json!({ "session": FS, "sku": "cup", "qty": 2 })).done();
    assert_eq!(said(&host, "flash.waitlist_called", "order"), ["o2", "o3"]);
    assert_eq!(cups(&host), (1, 2, 0));
}

#[test]
fn a_long_list_is_served_in_several_calls() {
    let mut host = sale(1, json!({}));
    reserve(&mut host, "shop:0", "o0").done();
    for n in 1..=120 {
        wait(&mut host, &format!("shop:{n}"), &format!("o{n}"));
    }
    host.call::<Restock>(json!({ "session": FS, "sku": "cup", "qty": 120 })).done();
    host.advance(Duration::ZERO);
    assert_eq!(cups(&host), (0, 121, 0));
    let orders: Vec<_> = (0..=120).map(|n| json!(format!("o{n}"))).collect();
    assert_eq!(said(&host, "flash.reserved", "order"), orders);
}

#[test]
fn who_no_longer_may_buy_makes_room_for_the_next() {
    let mut host = sale(1, json!({ "gate": { "tags_any": ["vip"] } }));
    for n in 1..=3 {
        let id = host.customer(&format!("shop:{n}"));
        host.put_tag(&id, "vip");
    }
    reserve(&mut host, "shop:1", "o1").done();
    wait(&mut host, "shop:2", "o2");
    wait(&mut host, "shop:3", "o3");
    host.act_for("shop:2");
    host.during(|| siyu_plugin::customers::current().remove_tag("vip", "manual")).unwrap();
    cancel(&mut host, "shop:1", "o1").done();
    host.advance(Duration::ZERO);
    assert_eq!(said(&host, "flash.reserved", "order"), ["o1", "o3"]);
    assert_eq!(said(&host, "flash.refused", "reason"), ["sold_out", "sold_out", "gate_member"]);
}

#[test]
fn the_list_is_served_after_the_end_but_not_after_an_operator_ended_the_sale() {
    for by_hand in [false, true] {
        let mut host = sale(1, json!({}));
        host.advance(Duration::minutes(55));
        reserve(&mut host, "shop:1", "o1").done();
        wait(&mut host, "shop:2", "o2");
        if by_hand {
            host.call::<crate::opening::Close>(json!({ "session": FS })).done();
        }
        host.advance(Duration::minutes(11));
        assert_eq!(host.events_of("flash.waitlist_called").len(), usize::from(!by_hand));
        assert_eq!(cups(&host), if by_hand { (1, 0, 0) } else { (0, 1, 0) });
    }
}

#[test]
fn a_payment_while_waiting_is_late() {
    let mut host = sale(1, json!({}));
    reserve(&mut host, "shop:1", "o1").done();
    wait(&mut host, "shop:2", "o2");
    pay(&mut host, "shop:2", "o2", 10).refused("RESERVATION_EXPIRED");
    cancel(&mut host, "shop:1", "o1").done();
    assert_eq!(cups(&host), (1, 0, 0), "who asked for the money back waits no more");
}

#[test]
fn who_is_called_and_finds_nothing_keeps_the_place() {
    let mut host = sale(1, json!({}));
    reserve(&mut host, "shop:1", "o1").done();
    wait(&mut host, "shop:2", "o2");
    wait(&mut host, "shop:3", "o3");
    // Called too early: somebody was faster.
    host.act_for("shop:2");
    let (session, occurrence, sku, order) = (FS, "2026-12-11T20:00", "cup", "o2");
    let called = WaitlistCalled { session, occurrence, sku, qty: 1, price_fen: 10, order, place: 1 };
    host.during(|| called.emit()).unwrap();
    assert_eq!(cups(&host), (0, 1, 0));
    cancel(&mut host, "shop:1", "o1").done();
    assert_eq!(said(&host, "flash.reserved", "order"), ["o1", "o2"]);
    cancel(&mut host, "shop:2", "o2").done();
    assert_eq!(said(&host, "flash.reserved", "order"), ["o1", "o2", "o3"]);
}
