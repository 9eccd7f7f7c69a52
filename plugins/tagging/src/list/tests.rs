//! What a customer's tags say of themselves.

use siyu_plugin::prelude::*;

use crate::List;
use crate::testing::{add, pay, remove, shop};

#[test]
fn tags_are_listed_with_who_why_and_since_when() {
    let mut host = shop();
    pay(&mut host, 1);
    add(&mut host, json!({ "tags": ["seed"] })).done();
    remove(&mut host, json!({ "tags": ["value.bronze"], "source": "manual:li.lei" })).done();
    let now = host.now();
    let listed = host.call::<List>(json!({})).done();
    assert_eq!(
        serde_json::to_value(listed).unwrap(),
        json!({
            "tags": [
                { "tag": "lifecycle.first_order", "group": "lifecycle", "value": "first_order", "source": "rule:first",
                  "by_hand": false, "effective_at": now, "expires_at": null, "confidence": 100, "evidence": "1" },
                { "tag": "seed", "group": "", "value": "seed", "source": "workflow", "by_hand": false, "effective_at": now,
                  "expires_at": null, "confidence": 100, "evidence": null },
            ],
            "held_off": [{ "tag": "value.bronze", "since": now }],
        })
    );
    assert_eq!(host.call::<List>(json!({ "group": "value" })).done().tags.len(), 0);
}
