//! What the tests share: a tenant with groups, customers, and short words for what happens.

use siyu_plugin::fake::{Host, Outcome};
use siyu_plugin::prelude::*;

use crate::{Add, Evaluate, Evaluated, Group, Plugin, Remove, Set, Written};

/// A tenant whose every call is repeated, at 2026-11-21T12:00+08:00.
pub(crate) fn host() -> Host {
    let mut host = Host::of::<Plugin>().at("2026-11-21T12:00:00+08:00").repeating();
    host.act_for("shop:00042");
    host
}

/// The customer that calls are for.
pub(crate) fn me(host: &mut Host) -> String {
    host.customer("shop:00042")
}

/// Lifecycle and value, as a shop has them.
pub(crate) fn shop() -> Host {
    let mut host = host();
    host.publish::<Group>("lifecycle", lifecycle());
    host.publish::<Group>("value", value());
    host.publish::<Group>(
        "taste",
        json!({ "mode": "multi", "max": 3, "rules": [
            { "id": "spicy", "on": ["survey.submitted"], "when": "event.spicy", "tag": "spicy", "ttl": "180d" },
            { "id": "mild", "on": ["survey.submitted"], "when": "not event.spicy", "tag": "mild" },
        ] }),
    );
    host
}

pub(crate) fn lifecycle() -> serde_json::Value {
    json!({
        "title": "生命周期", "mode": "exclusive", "tags": ["new", "first_order", "loyal", "sleeping", "lost"],
        "rules": [
            { "id": "first", "on": ["order.paid"], "when": "customer.facts['order.paid'].count >= 1", "tag": "first_order", "priority": 10 },
            { "id": "loyal", "when": "count('order.paid', '90d') >= 3", "tag": "loyal", "priority": 50 },
            { "id": "sleeping", "when": "older_than(customer.facts['order.paid'].last, '60d')", "tag": "sleeping", "priority": 60,
              "hysteresis": { "leave_when": "within(customer.facts['order.paid'].last, '7d')" } },
        ],
    })
}

pub(crate) fn value() -> serde_json::Value {
    json!({ "mode": "exclusive", "tags": ["bronze", "silver", "gold"], "on": ["order.paid", "order.refunded"], "rules": [
        { "id": "bronze", "when": "customer.facts['order.paid'].sum_fen > 0", "tag": "bronze", "priority": 1, "auto_remove": true },
        { "id": "silver", "when": "customer.facts['order.paid'].sum_fen >= 50000", "tag": "silver", "priority": 2, "auto_remove": true },
        { "id": "gold", "when": "customer.facts['order.paid'].sum_fen >= 100000", "tag": "gold", "priority": 3, "auto_remove": true },
    ] })
}

/// The customer pays.
pub(crate) fn pay(host: &mut Host, amount_fen: i64) {
    let me = me(host);
    host.record("order.paid", Some(&me), json!({ "amount_fen": amount_fen }));
}

/// The customer's tags, in the order of their names.
pub(crate) fn tags(host: &mut Host) -> Vec<String> {
    let me = me(host);
    host.tags(&me).into_iter().map(|mark| mark.tag).collect()
}

/// The events about tags, shortly: `+tag` and `-tag reason`.
pub(crate) fn story(host: &Host) -> Vec<String> {
    let words = |event: siyu_plugin::fake::Recorded| {
        let text = |name: &str| event.data[name].as_str().unwrap_or_default().to_owned();
        match event.event_type.as_str() {
            "tag.added" => Some(format!("+{}", text("tag"))),
            "tag.removed" => Some(format!("-{} {}", text("tag"), text("reason"))),
            _ => None,
        }
    };
    host.events().into_iter().filter_map(words).collect()
}

pub(crate) fn add(host: &mut Host, input: serde_json::Value) -> Outcome<Written> {
    host.call::<Add>(input)
}

pub(crate) fn remove(host: &mut Host, input: serde_json::Value) -> Outcome<Written> {
    host.call::<Remove>(input)
}

pub(crate) fn set(host: &mut Host, input: serde_json::Value) -> Outcome<Written> {
    host.call::<Set>(input)
}

pub(crate) fn evaluate(host: &mut Host, groups: &[&str]) -> Outcome<Evaluated> {
    host.call::<Evaluate>(json!({ "groups": groups }))
}
