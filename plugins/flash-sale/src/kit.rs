//! What the tests share: a session, and customers who want something of it.

use siyu_plugin::fake::{Host, Outcome};
use siyu_plugin::pools::Pool;
use siyu_plugin::prelude::*;
use siyu_plugin::serde_json::{Map, Value};

use crate::Plugin;
use crate::ending::{Cancel, Cancelled};
use crate::pay::{Paid, Pay};
use crate::reserve::{Held, Reserve};
use crate::session::Session;

/// The session of the tests.
pub(crate) const FS: &str = "fs";
/// Its start.
pub(crate) const START: &str = "2026-12-11T20:00:00+08:00";
/// Its only occurrence.
pub(crate) const FIRST: &str = "2026-12-11T20:00";

/// Three cups for 0.10 yuan each, one a customer, from eight to nine in the evening; with other members laid over it.
pub(crate) fn session(changes: Value) -> Value {
    let mut definition = json!({
        "window": { "start": START, "end": "2026-12-11T21:00:00+08:00" },
        "items": [{ "sku": "cup", "price_fen": 10, "stock": 3, "per_customer": 1 }],
    });
    lay_over(&mut definition, changes);
    definition
}

/// Objects are laid over each other, everything else is replaced; null takes away.
pub(crate) fn lay_over(value: &mut Value, changes: Value) {
    let Value::Object(changes) = changes else {
        *value = changes;
        return;
    };
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    let members = value.as_object_mut().expect("it was just made one");
    for (name, change) in changes {
        if change.is_null() {
            members.remove(&name);
        } else {
            lay_over(members.entry(name).or_insert(Value::Null), change);
        }
    }
}

/// A host an hour before the start.
pub(crate) fn before(changes: Value) -> Host {
    let mut host = Host::of::<Plugin>().at("2026-12-11T19:00:00+08:00").repeating();
    host.publish::<Session>(FS, session(changes));
    host
}

/// A host at the start: the sale is open.
pub(crate) fn open(changes: Value) -> Host {
    let mut host = before(changes);
    host.advance_to(START.parse().expect("an instant"));
    host
}

/// A customer holds one cup.
#[track_caller]
pub(crate) fn reserve(host: &mut Host, who: &str, order: &str) -> Outcome<Held> {
    reserve_with(host, who, json!({ "order": order }))
}

/// A customer holds what they want.
#[track_caller]
pub(crate) fn reserve_with(host: &mut Host, who: &str, wish: Value) -> Outcome<Held> {
    host.act_for(who);
    let mut input = json!({ "session": FS, "sku": "cup" });
    lay_over(&mut input, wish);
    host.call::<Reserve>(input)
}

/// A customer pays.
#[track_caller]
pub(crate) fn pay(host: &mut Host, who: &str, order: &str, amount_fen: u64) -> Outcome<Paid> {
    host.act_for(who);
    host.call::<Pay>(json!({ "order": order, "amount_fen": amount_fen }))
}

/// A customer wants it no more.
#[track_caller]
pub(crate) fn cancel(host: &mut Host, who: &str, order: &str) -> Outcome<Cancelled> {
    host.act_for(who);
    host.call::<Cancel>(json!({ "order": order }))
}

/// The cups.
#[track_caller]
pub(crate) fn cups(host: &Host) -> (u64, u64, u64) {
    let pool: Pool = host.pool("fs/2026-12-11T20:00/cup").expect("the sale has opened");
    assert_eq!(pool.available + pool.reserved + pool.sold, pool.total);
    (pool.available, pool.reserved, pool.sold)
}

/// What one field of all events of a type says.
pub(crate) fn said(host: &Host, event_type: &str, field: &str) -> Vec<Value> {
    host.events_of(event_type).into_iter().map(|data| data[field].clone()).collect()
}
