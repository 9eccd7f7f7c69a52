//! Following the shop by itself.

use siyu_plugin::fake::Host;
use siyu_plugin::prelude::*;
use siyu_plugin::serde_json::Value;

use crate::kit::{cups, open, reserve, said};

fn shop() -> Host {
    let orders =
        json!({ "paid": "order.paid", "cancelled": "order.cancelled", "refunded": "order.refunded" });
    open(json!({ "orders": orders, "resell_refunds": true }))
}

fn happens(host: &mut Host, event: &str, who: &str, data: Value) -> Value {
    let id = host.customer(who);
    host.record(event, Some(&id), data);
    host.reactions().last().expect("a step reacts").outcome.clone().done()
}

#[test]
fn the_shops_own_events_pay_cancel_and_refund() {
    let mut host = shop();
    for n in [1, 2] {
        reserve(&mut host, &format!("shop:{n}"), &format!("o{n}")).done();
    }
    let paid = happens(&mut host, "order.paid", "shop:1", json!({ "order_no": "o1", "amount_fen": 10 }));
    assert_eq!(paid, json!({ "is_flash": true, "state": "committed" }));
    let gone = happens(&mut host, "order.cancelled", "shop:2", json!({ "order_no": "o2" }));
    assert_eq!(gone, json!({ "is_flash": true, "state": "released" }));
    assert_eq!(cups(&host), (2, 0, 1));
    let back = happens(&mut host, "order.refunded", "shop:1", json!({ "order_no": "o1", "amount_fen": 10 }));
    assert_eq!(back, json!({ "is_flash": true, "state": "refunded" }));
    assert_eq!(cups(&host), (3, 0, 0));
}

#[test]
fn other_orders_are_none_of_its_business() {
    let mut host = shop();
    let none = json!({ "is_flash": false, "state": null });
    for order in [String::new(), "other".to_owned(), "x".repeat(1_000), " ".repeat(200)] {
        for event in ["order.paid", "order.cancelled", "order.refunded"] {
            let data = json!({ "order_no": order, "amount_fen": 1 });
            assert_eq!(happens(&mut host, event, "shop:1", data), none, "{event} {order}");
        }
    }
    assert!(host.events_of("flash.committed").is_empty());
}

#[test]
fn what_is_refused_stands_in_the_events() {
    let mut host = shop();
    reserve(&mut host, "shop:1", "o1").done();
    let looked = happens(&mut host, "order.paid", "shop:1", json!({ "order_no": "o1", "amount_fen": 11 }));
    assert_eq!(looked, json!({ "is_flash": true, "state": "review" }));
    assert_eq!(said(&host, "flash.refused", "reason"), ["amount_mismatch"]);
    let again = happens(&mut host, "order.paid", "shop:1", json!({ "order_no": "o1", "amount_fen": 10 }));
    assert_eq!(again["state"], "committed");
    let paid = happens(&mut host, "order.cancelled", "shop:1", json!({ "order_no": "o1" }));
    assert_eq!(paid["state"], "committed", "what is paid is refunded, not cancelled");
}
