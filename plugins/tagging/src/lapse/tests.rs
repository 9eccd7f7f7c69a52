//! Time: tags that last, that last anew, and what follows them.

use siyu_plugin::prelude::*;

use crate::Group;
use crate::testing::{add, host, me, pay, story, tags};

fn intent(more: serde_json::Value) -> siyu_plugin::fake::Host {
    let mut host = host();
    let mut definition = json!({ "mode": "exclusive", "tags": ["low", "middle", "high"], "ttl": "30d" });
    definition.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    host.publish::<Group>("intent", definition);
    host
}

#[test]
fn a_tag_goes_when_its_time_is_over_and_the_host_says_so() {
    let mut host = intent(json!({}));
    add(&mut host, json!({ "tags": ["intent.high"] })).done();
    host.advance(Duration::days(30) - Duration::from_millis(1));
    assert_eq!(tags(&mut host), ["intent.high"]);
    host.advance(Duration::from_millis(1));
    assert_eq!(story(&host), ["+intent.high", "-intent.high expired"]);
    assert_eq!(host.events_of("tag.expired").len(), 1);
    assert_eq!(host.counter("members/intent.high"), 0);
}

#[test]
fn a_tag_goes_down_step_by_step() {
    let mut host = intent(json!({ "decay": "downgrade" }));
    add(&mut host, json!({ "tags": ["intent.high"], "source": "manual:li.lei" })).done();
    let mut seen = Vec::new();
    for _ in 0..4 {
        host.advance(Duration::days(30));
        seen.push(tags(&mut host));
    }
    let expected: [&[&str]; 4] = [&["intent.middle"], &["intent.low"], &[], &[]];
    assert_eq!(seen, expected);
    assert_eq!(host.counter("members/intent.middle"), 0);
}

#[test]
fn a_tag_that_came_in_between_is_left_alone() {
    let mut host = intent(json!({ "decay": "downgrade", "on": ["tag.removed"], "rules": [
        { "id": "again", "when": "true", "tag": "high" },
    ] }));
    add(&mut host, json!({ "tags": ["intent.high"] })).done();
    host.advance(Duration::days(30));
    assert_eq!(tags(&mut host), ["intent.high"]);
}

#[test]
fn putting_a_tag_on_again_lets_it_last_anew_unless_its_time_is_fixed() {
    for (mode, days) in [("refresh", 40), ("fixed", 30)] {
        let mut host = intent(json!({ "ttl_mode": mode }));
        let me = me(&mut host);
        let begin = host.now();
        add(&mut host, json!({ "tags": ["intent.high"] })).done();
        host.advance(Duration::days(10));
        assert_eq!(add(&mut host, json!({ "tags": ["intent.high"] })).done().kept, ["intent.high"]);
        assert_eq!(host.tags(&me)[0].expires_at, Some(begin + Duration::days(days)), "{mode}");
        assert_eq!(story(&host), ["+intent.high"]);
    }
}

#[test]
fn a_rule_gives_its_tag_the_rules_own_time_and_renews_it() {
    let mut host = host();
    host.publish::<Group>(
        "g",
        json!({ "mode": "multi", "ttl": "100d", "rules": [
            { "id": "r", "on": ["order.paid"], "when": "true", "tag": "active", "ttl": "10d" },
        ] }),
    );
    let me = me(&mut host);
    pay(&mut host, 1);
    let begin = host.now();
    host.advance(Duration::days(9));
    pay(&mut host, 1);
    let mark = host.tags(&me).remove(0);
    assert_eq!((mark.effective_at, mark.expires_at), (begin, Some(begin + Duration::days(19))));
    host.advance(Duration::days(10));
    assert_eq!(story(&host), ["+g.active", "-g.active expired"]);
}
