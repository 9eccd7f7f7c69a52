//! What the plugin does, topic by topic. Here is what the tests share: a host, a plain batch, and calls in a line.

mod budgets;
mod codes;
mod expiry;
mod imports;
mod invariants;
mod issuing;
mod locking;
mod manifest;
mod passing_on;
mod redeeming;
mod refunds;
mod stacking;
mod stopping;
mod wallets;

pub(crate) use siyu_plugin::fake::{Host, Outcome};
pub(crate) use siyu_plugin::prelude::*;
pub(crate) use siyu_plugin::serde_json::Value;

pub(crate) use crate::steps::issue::{Issue, Issued};
pub(crate) use crate::steps::lock::{Lock, Locked};
pub(crate) use crate::steps::redeem::{Redeem, Redeemed};
pub(crate) use crate::steps::report::{Report, Reported};
pub(crate) use crate::steps::restore::{Fate, Restore, Restored};
pub(crate) use crate::{Batch, CheckCode, Import, Plugin, Quote, Resume, Revoke, Unlock};

/// 20 yuan off 100, for 7 days.
pub(crate) fn plain() -> Value {
    json!({
        "title": "满100减20",
        "rules": "全场通用",
        "kind": "amount_off",
        "value_fen": 2_000,
        "min_spend_fen": 10_000,
        "validity": { "relative": { "days": 7 } },
        "total": 1_000,
    })
}

/// A definition with other fields; null takes one out.
pub(crate) fn with(mut definition: Value, changes: Value) -> Value {
    if let (Some(fields), Value::Object(changes)) = (definition.as_object_mut(), changes) {
        for (name, value) in changes {
            if value.is_null() {
                fields.remove(&name);
            } else {
                fields.insert(name, value);
            }
        }
    }
    definition
}

/// A host with a customer and the batch `plain`; every call is made twice and must do the same.
pub(crate) fn host() -> Host {
    let mut host = Host::of::<Plugin>().at("2026-11-21T12:00:00+08:00").repeating();
    host.act_for("shop:00042");
    host.publish::<Batch>("plain", plain());
    host
}

/// A host where `plain` differs by some fields.
pub(crate) fn host_with(changes: Value) -> Host {
    let mut host = host();
    host.publish::<Batch>("plain", with(plain(), changes));
    host
}

/// A coupon of a batch, for a key.
pub(crate) fn try_issue(host: &mut Host, batch: &str, key: &str) -> Outcome<Issued> {
    host.call::<Issue>(json!({ "batch": batch, "key": key }))
}

#[track_caller]
pub(crate) fn issue(host: &mut Host, batch: &str, key: &str) -> Issued {
    try_issue(host, batch, key).done()
}

/// An order uses the best coupons.
pub(crate) fn try_redeem(host: &mut Host, order: &str, amount_fen: u64) -> Outcome<Redeemed> {
    host.call::<Redeem>(json!({ "order": order, "amount_fen": amount_fen }))
}

#[track_caller]
pub(crate) fn redeem(host: &mut Host, order: &str, amount_fen: u64) -> Redeemed {
    try_redeem(host, order, amount_fen).done()
}

/// An order uses a coupon.
pub(crate) fn redeem_one(host: &mut Host, order: &str, amount_fen: u64, coupon: &str) -> Outcome<Redeemed> {
    host.call::<Redeem>(json!({ "order": order, "amount_fen": amount_fen, "coupon": coupon }))
}

pub(crate) fn lock_one(host: &mut Host, order: &str, coupon: &str) -> Outcome<Locked> {
    host.call::<Lock>(json!({ "order": order, "amount_fen": 10_000, "coupon": coupon }))
}

#[track_caller]
pub(crate) fn refund(host: &mut Host, order: &str) -> Restored {
    host.call::<Restore>(json!({ "order": order })).done()
}

#[track_caller]
pub(crate) fn report(host: &mut Host, batch: &str) -> Reported {
    host.call::<Report>(json!({ "batch": batch })).done()
}

/// Types of the plugin's events, in their order.
pub(crate) fn story(host: &Host) -> Vec<String> {
    let events = host.events().into_iter().filter(|event| event.source == "plugin:coupon");
    events.map(|event| event.event_type).collect()
}
