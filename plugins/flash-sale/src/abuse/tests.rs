//! Bots and hoarders.

use siyu_plugin::prelude::*;

use crate::kit::{cancel, cups, open, reserve, reserve_with, said};

#[test]
fn a_device_buys_for_one_customer() {
    let mut host = open(json!({ "anti_abuse": { "one_device": true } }));
    reserve_with(&mut host, "shop:1", json!({ "order": "o1", "device": "phone" })).done();
    let no = reserve_with(&mut host, "shop:2", json!({ "order": "o2", "device": "phone" }));
    assert_eq!(no.refused("LIMIT_CUSTOMER").details.unwrap(), json!({ "per": "device" }));
    cancel(&mut host, "shop:1", "o1").done();
    reserve_with(&mut host, "shop:1", json!({ "order": "o3", "device": "phone" })).done();
    let fault = reserve(&mut host, "shop:3", "o4").failed("INVALID_INPUT");
    assert_eq!(fault.fields[0].pointer, "/device");
    assert_eq!(cups(&host), (2, 1, 0));
}

#[test]
fn a_young_account_waits_until_it_is_old_enough() {
    let mut host = open(json!({ "anti_abuse": { "min_account_age": "10m" } }));
    let no = reserve(&mut host, "shop:1", "o1").refused("GATE_MEMBER");
    let details = json!({ "missing": "account_age", "eligible_at": "2026-12-11T12:10:00Z" });
    assert_eq!(no.details.unwrap(), details);
    host.advance(Duration::minutes(10));
    reserve(&mut host, "shop:1", "o2").done();
}

#[test]
fn who_asks_faster_than_people_do_is_challenged_until_the_second_is_over() {
    let items = json!([{ "sku": "cup", "price_fen": 10, "stock": 9, "per_customer": 9 }]);
    let mut host = open(json!({ "items": items, "anti_abuse": { "challenge_over_rps": 2 } }));
    for order in ["o1", "o2"] {
        reserve(&mut host, "shop:1", order).done();
    }
    reserve(&mut host, "shop:1", "o3").refused("CHALLENGE_REQUIRED");
    reserve(&mut host, "shop:2", "o4").done();
    reserve_with(&mut host, "shop:1", json!({ "order": "o5", "challenge_passed": true })).done();
    host.advance(Duration::seconds(1));
    reserve(&mut host, "shop:1", "o3").done();
    assert_eq!(said(&host, "flash.refused", "reason"), ["challenge_required"]);
}

#[test]
fn who_holds_and_cancels_without_end_is_stopped() {
    let mut host = open(json!({}));
    for n in 0..100 {
        reserve(&mut host, "shop:1", &format!("o{n}")).done();
        cancel(&mut host, "shop:1", &format!("o{n}")).done();
    }
    reserve(&mut host, "shop:1", "last").refused("ABUSE_HOLDING");
    assert_eq!(cups(&host), (3, 0, 0));
}
