//! Who may buy.

use siyu_plugin::fake::Host;
use siyu_plugin::prelude::*;

use crate::kit::{cups, open, reserve, said};

fn try_it(host: &mut Host, order: &str) -> &'static str {
    match reserve(host, "shop:1", order) {
        siyu_plugin::fake::Outcome::Done(_) => "done",
        siyu_plugin::fake::Outcome::Refused(no) => no.code,
        siyu_plugin::fake::Outcome::Failed(fault) => panic!("{fault}"),
    }
}

#[test]
fn a_group_only_sale_asks_for_one_of_its_groups() {
    let mut host = open(json!({ "gate": { "groups": ["chat_a", "chat_b"] } }));
    assert_eq!(try_it(&mut host, "o1"), "GATE_GROUP");
    let me = host.customer("shop:1");
    for groups in [json!([]), json!("chat_a"), json!(["chat_c"]), json!([1, null])] {
        host.set_attributes(&me, json!({ "groups": groups }));
        assert_eq!(try_it(&mut host, "o2"), "GATE_GROUP");
    }
    host.set_attributes(&me, json!({ "groups": ["chat_c", "chat_b"] }));
    assert_eq!(try_it(&mut host, "o3"), "done");
    assert_eq!(said(&host, "flash.refused", "reason")[0], "gate_group");
}

#[test]
fn a_member_is_one_by_tag_or_by_what_happened_last() {
    let mut host = open(json!({ "gate": { "member_only": true }, "items": [
        { "sku": "cup", "price_fen": 10, "stock": 9, "per_customer": 9 },
    ] }));
    assert_eq!(try_it(&mut host, "o1"), "GATE_MEMBER");
    let me = host.customer("shop:1");
    for (event, expected) in [
        ("member.joined", "done"),
        ("member.expired", "GATE_MEMBER"),
        ("member.renewed", "done"),
        ("member.expired", "GATE_MEMBER"),
    ] {
        host.advance(Duration::seconds(1));
        host.record(event, Some(&me), json!({}));
        assert_eq!(try_it(&mut host, event), expected, "{event}");
        host.advance(Duration::seconds(1));
    }
    host.put_tag(&me, "members_of_something_else");
    assert_eq!(try_it(&mut host, "o2"), "GATE_MEMBER");
    host.put_tag(&me, "member.gold");
    assert_eq!(try_it(&mut host, "o3"), "done");
}

#[test]
fn one_of_the_tags_is_enough() {
    let mut host = open(json!({ "gate": { "tags_any": ["vip", "koc"] } }));
    assert_eq!(try_it(&mut host, "o1"), "GATE_MEMBER");
    let me = host.customer("shop:1");
    host.put_tag(&me, "koc");
    assert_eq!(try_it(&mut host, "o2"), "done");
}

#[test]
fn an_operators_condition_decides_too() {
    let mut host = open(json!({ "gate": { "if": "customer.facts['order.paid'].count >= 1" } }));
    let me = host.customer("shop:1");
    assert_eq!(try_it(&mut host, "o1"), "GATE_MEMBER");
    host.record("order.paid", Some(&me), json!({ "amount_fen": 100 }));
    assert_eq!(try_it(&mut host, "o2"), "done");
}

#[test]
fn a_condition_that_does_not_hold_is_told() {
    let mut host = open(json!({ "gate": { "if": "'vip' in customer.tags" } }));
    let no = reserve(&mut host, "shop:1", "o1").refused("GATE_MEMBER");
    assert_eq!(no.details.unwrap(), json!({ "missing": "condition" }));
    assert_eq!(cups(&host), (3, 0, 0));
}

#[test]
fn who_may_not_buy_takes_nothing_of_stock_and_limit() {
    let mut host = open(json!({ "gate": { "tags_any": ["vip"] } }));
    assert_eq!(try_it(&mut host, "o1"), "GATE_MEMBER");
    let me = host.customer("shop:1");
    host.put_tag(&me, "vip");
    assert_eq!(try_it(&mut host, "o1"), "done", "a refusal does not use the order number up");
}
