//! What is refused when a session is published, and what is warned of.

use siyu_plugin::fake::Host;
use siyu_plugin::prelude::*;
use siyu_plugin::serde_json::Value;

use super::Session;
use crate::Plugin;
use crate::kit::{START, session};

#[track_caller]
fn found(changes: Value) -> Vec<(String, String, bool)> {
    let found = Host::of::<Plugin>().check::<Session>("fs", session(changes));
    found.into_iter().map(|one| (one.pointer, one.code, one.is_error)).collect()
}

/// The one error of a definition.
#[track_caller]
fn check(changes: Value, pointer: &str, code: &str) {
    assert_eq!(found(changes.clone()), [(pointer.to_owned(), code.to_owned(), true)], "{changes}");
}

fn item(changes: Value) -> Value {
    let mut item = json!({ "sku": "cup", "price_fen": 10, "stock": 3 });
    crate::kit::lay_over(&mut item, changes);
    json!({ "items": [item] })
}

#[test]
fn a_plain_session_is_fine() {
    assert_eq!(found(json!({})), []);
}

#[test]
fn a_session_opens_in_one_way() {
    let trigger = json!({ "event": "live.likes_reached", "thresholds": [50_000], "duration": "120s" });
    assert_eq!(found(json!({ "window": null, "trigger": trigger })), []);
    check(json!({ "trigger": trigger }), "/trigger", "OPENS_TWICE");
    check(json!({ "window": null }), "", "OPENS_NEVER");
    let repeat = json!({ "every": "week" });
    check(
        json!({ "window": null, "trigger": trigger, "repeat": repeat }),
        "/repeat",
        "REPEAT_WITHOUT_WINDOW",
    );
}

#[test]
fn a_window_ends_after_its_start() {
    for end in [START, "2026-12-11T19:59:59+08:00"] {
        check(json!({ "window": { "end": end } }), "/window/end", "WINDOW_EMPTY");
    }
    let week = json!({ "every": "week" });
    let long = json!({ "end": "2026-12-18T20:00:00.001+08:00" });
    check(json!({ "window": long, "repeat": week }), "/window/end", "WINDOW_OVERLAPS");
    check(json!({ "repeat": { "every": "week", "until": START } }), "/repeat/until", "REPEAT_OVER");
}

#[test]
fn thresholds_rise() {
    let of = |changes: Value| {
        let mut trigger = json!({ "event": "live.likes_reached", "duration": "120s" });
        crate::kit::lay_over(&mut trigger, changes);
        json!({ "window": null, "trigger": trigger })
    };
    for (thresholds, place) in [(json!([0]), 0), (json!([5, 5]), 1), (json!([5, 4]), 1)] {
        let pointer = format!("/trigger/thresholds/{place}");
        check(of(json!({ "thresholds": thresholds })), &pointer, "THRESHOLDS");
    }
    check(of(json!({ "duration": "0s" })), "/trigger/duration", "WINDOW_EMPTY");
    check(of(json!({ "event": null, "thresholds": [5] })), "/trigger/thresholds", "THRESHOLDS_WITHOUT_EVENT");
    for event in ["", "Live", "live..likes", "flash.opened", &"a".repeat(129)] {
        check(of(json!({ "event": event })), "/trigger/event", "EVENT_TYPE");
        check(json!({ "orders": { "paid": event } }), "/orders/paid", "EVENT_TYPE");
    }
}

#[test]
fn items_are_few_and_told_apart() {
    check(json!({ "items": [] }), "/items", "ITEMS");
    let many: Vec<_> =
        (0..51).map(|n| json!({ "sku": format!("s{n}"), "price_fen": 1, "stock": 1 })).collect();
    check(json!({ "items": many }), "/items", "ITEMS");
    let same = json!({ "sku": "cup", "price_fen": 1, "stock": 1 });
    check(json!({ "items": [same, same] }), "/items/1/sku", "SKU_TWICE");
    for sku in ["", "a b", "a/b", "a%b", "a\u{7}b", &"x".repeat(65)] {
        check(item(json!({ "sku": sku })), "/items/0/sku", "SKU");
    }
}

#[test]
fn numbers_of_an_item_make_sense() {
    check(item(json!({ "stock": 0 })), "/items/0/stock", "STOCK");
    check(item(json!({ "stock": 1_u64 << 53 })), "/items/0/stock", "STOCK");
    check(item(json!({ "price_fen": 0 })), "/items/0/price_fen", "PRICE");
    check(item(json!({ "price_fen": 1_000_000_001 })), "/items/0/price_fen", "PRICE");
    check(item(json!({ "per_customer": 0 })), "/items/0/per_customer", "PER_CUSTOMER");
    check(item(json!({ "stock": 20_000, "per_customer": 10_001 })), "/items/0/per_customer", "PER_CUSTOMER");
    for per_order in [0, 3] {
        let changes = item(json!({ "per_customer": 2, "per_order": per_order }));
        check(changes, "/items/0/per_order", "PER_ORDER");
    }
    assert_eq!(
        found(item(json!({ "per_customer": 4 }))),
        [("/items/0/per_customer".to_owned(), "PER_CUSTOMER_ABOVE_STOCK".to_owned(), false)]
    );
}

#[test]
fn a_struck_through_price_needs_a_basis() {
    check(
        item(json!({ "list_price_fen": 10, "lowest_7d_fen": 10 })),
        "/items/0/list_price_fen",
        "LIST_PRICE_BELOW",
    );
    let warned = |changes: Value| {
        let found = Host::of::<Plugin>().check::<Session>("fs", session(changes));
        found
            .into_iter()
            .map(|one| (one.code, one.is_error, one.message.contains("SAMR Order 32")))
            .collect::<Vec<_>>()
    };
    let code = |code: &str| vec![(code.to_owned(), false, true)];
    assert_eq!(warned(item(json!({ "list_price_fen": 2_990 }))), code("PRICE_BASIS_UNKNOWN"));
    assert_eq!(warned(item(json!({ "list_price_fen": 2_990, "lowest_7d_fen": 2_000 }))), code("PRICE_BASIS"));
    let mut weekly = item(json!({ "list_price_fen": 2_990, "lowest_7d_fen": 2_990 }));
    assert_eq!(warned(weekly.clone()), []);
    weekly["repeat"] = json!({ "every": "week" });
    assert_eq!(warned(weekly), code("PRICE_BASIS_REPEATED"));
}

#[test]
fn holding_waiting_and_asking_have_sensible_limits() {
    let cases = [
        (json!({ "reservation": { "ttl": "0s" } }), "/reservation/ttl", "TTL"),
        (json!({ "reservation": { "ttl": "8d" } }), "/reservation/ttl", "TTL"),
        (json!({ "reservation": { "grace_payment": "25h" } }), "/reservation/grace_payment", "GRACE"),
        (json!({ "reservation": { "review": "0s" } }), "/reservation/review", "REVIEW"),
        (json!({ "reservation": { "timeouts_max": 0 } }), "/reservation/timeouts_max", "TIMEOUTS"),
        (
            json!({ "queue": { "mode": "fifo", "admit_per_second": 0 } }),
            "/queue/admit_per_second",
            "QUEUE_PACE",
        ),
        (json!({ "queue": { "admit_per_second": 100_001 } }), "/queue/admit_per_second", "QUEUE_PACE"),
        (json!({ "queue": { "max_waiting": 0 } }), "/queue/max_waiting", "QUEUE_LENGTH"),
        (json!({ "queue": { "ticket_ttl": "0s" } }), "/queue/ticket_ttl", "TICKET_TTL"),
        (json!({ "anti_abuse": { "challenge_over_rps": 0 } }), "/anti_abuse/challenge_over_rps", "CHALLENGE"),
        (
            json!({ "on_sold_out": { "waitlist": true, "waitlist_max": 0 } }),
            "/on_sold_out/waitlist_max",
            "WAITLIST",
        ),
    ];
    for (changes, pointer, code) in cases {
        check(changes, pointer, code);
    }
    assert_eq!(
        found(json!({ "window": { "warmup": "5m" } })),
        [("/window/warmup".to_owned(), "WARMUP_UNUSED".to_owned(), false)]
    );
}

#[test]
fn a_gate_by_invites_is_a_platform_risk_and_must_be_passable() {
    let risk = ("/gate/invites".to_owned(), "PLATFORM_RISK".to_owned(), false);
    let gate = |invites: Value| json!({ "gate": { "invites": invites } });
    assert_eq!(found(gate(json!({ "min": 2 }))), std::slice::from_ref(&risk));
    for min in [0, 101] {
        let error = ("/gate/invites/min".to_owned(), "INVITES".to_owned(), true);
        assert_eq!(found(gate(json!({ "min": min }))), [error, risk.clone()]);
    }
    let error = ("/gate/invites/kept_for".to_owned(), "INVITES_NEVER".to_owned(), true);
    let never = json!({ "min": 2, "kept_for": "7d", "window": "7d" });
    assert_eq!(found(gate(never)), [error, risk]);
}

#[test]
fn a_mistake_in_writing_has_its_place() {
    for (changes, pointer) in [
        (json!({ "windows": {} }), "/windows"),
        (json!({ "window": { "start": "tomorrow" } }), "/window/start"),
        (item(json!({ "stock": -1 })), "/items/0/stock"),
        (item(json!({ "price_fen": 0.1 })), "/items/0/price_fen"),
        (json!({ "repeat": { "every": "day" } }), "/repeat/every"),
        (json!({ "gate": { "if": "1 +" } }), "/gate/if"),
        (json!({ "queue": { "mode": "lifo" } }), "/queue/mode"),
    ] {
        check(changes, pointer, "DEFINITION");
    }
}
