//! Granting chances.

use siyu_plugin::prelude::*;

use super::*;
use crate::testing::{NAME, draw_again, host, rules, simple};

fn by_chance() -> serde_json::Value {
    simple(json!({ "entry": { "by": "chance" }, "limits": { "per_grant": 3 } }))
}

#[test]
fn chances_add_up_and_are_used_up() {
    let mut host = host(by_chance());
    let grant = json!({ "campaign": NAME, "count": 2, "reason": "order" });
    assert_eq!(host.call::<GrantChance>(&grant).done().left, 2);
    draw_again(&mut host).done();
    assert_eq!(host.call::<GrantChance>(&grant).done().left, 3);
    let expected = json!({ "campaign": NAME, "count": 2, "reason": "order", "left": 3 });
    assert_eq!(host.events_of("chance.granted")[1], expected);
}

#[test]
fn the_same_request_grants_once() {
    let mut host = host(by_chance());
    let mut grant = |count: u32| {
        host.call::<GrantChance>(
            json!({ "campaign": NAME, "count": count, "reason": "order", "request": "A1" }),
        )
    };
    assert_eq!(grant(2).done(), Granted { count: 2, left: 2, replayed: false });
    assert_eq!(grant(2).done(), Granted { count: 2, left: 2, replayed: true });
    grant(3).refused("IDEMPOTENCY_MISMATCH");
}

#[test]
fn a_grant_keeps_to_the_rules() {
    let mut host = host(by_chance());
    for (input, pointer) in [
        (json!({ "campaign": NAME, "count": 4, "reason": "x" }), "/count"),
        (json!({ "campaign": NAME, "count": 0, "reason": "x" }), "/count"),
        (json!({ "campaign": NAME, "reason": "" }), "/reason"),
        (json!({ "campaign": NAME, "reason": "x", "request": "" }), "/request"),
    ] {
        assert_eq!(host.call::<GrantChance>(input).failed("INVALID_INPUT").fields[0].pointer, pointer);
    }
    let mut by_card = self::host(rules());
    let wrong =
        by_card.call::<GrantChance>(json!({ "campaign": NAME, "reason": "x" })).failed("INVALID_INPUT");
    assert_eq!(wrong.fields[0].pointer, "/campaign");
}

#[test]
fn nothing_is_granted_after_the_end_and_the_request_is_not_used_up() {
    let mut host = host(by_chance());
    let grant = json!({ "campaign": NAME, "reason": "x", "request": "r" });
    host.call::<crate::Close>(json!({ "campaign": NAME })).done();
    host.call::<GrantChance>(&grant).refused("LOTTERY_CLOSED");
    host.call::<GrantChance>(&grant).refused("LOTTERY_CLOSED");
    host.advance(Duration::days(60));
    host.call::<GrantChance>(&grant).refused("ENDED");
}
