//! What the rules of a group say of a customer.

use siyu_plugin::prelude::*;

use crate::testing::{add, evaluate, host, me, pay, remove, shop, story, tags};
use crate::{Evaluate, Group, Why};

#[test]
fn facts_put_a_customer_into_lifecycle_and_value() {
    let mut host = shop();
    for (amount_fen, expected) in [
        (30_000, ["lifecycle.first_order", "value.bronze"]),
        (30_000, ["lifecycle.first_order", "value.silver"]),
        (50_000, ["lifecycle.loyal", "value.gold"]),
    ] {
        pay(&mut host, amount_fen);
        assert_eq!(tags(&mut host), expected);
    }
    assert_eq!(
        story(&host),
        [
            "+lifecycle.first_order",
            "+value.bronze",
            "-value.bronze exclusive_replaced",
            "+value.silver",
            "-lifecycle.first_order exclusive_replaced",
            "+lifecycle.loyal",
            "-value.silver exclusive_replaced",
            "+value.gold",
        ]
    );
}

#[test]
fn a_step_evaluates_the_groups_that_it_names_and_all_without_names() {
    let mut host = shop();
    let me = me(&mut host);
    host.unpublish::<Group>("taste");
    host.record("shop.visited", Some(&me), json!({}));
    assert_eq!(evaluate(&mut host, &["lifecycle"]).done().tags, [""; 0]);
    host.start_run("order.paid", json!({ "amount_fen": 60_000 }));
    let mut named = host.call::<Evaluate>(json!({ "groups": ["value", "value"] })).done();
    assert_eq!(named.tags, ["value.silver"]);
    named = host.call::<Evaluate>(json!({})).done();
    assert_eq!(named.tags, ["lifecycle.first_order", "value.silver"]);
    assert_eq!((named.added.len(), named.removed.len(), named.failed.len()), (0, 0, 0));
}

#[test]
fn an_unknown_group_is_refused_with_the_published_ones() {
    let mut host = shop();
    let refused = evaluate(&mut host, &["lifecicle"]).refused("UNKNOWN_GROUP");
    assert_eq!(refused.message, "there is no tag group `lifecicle`: published are lifecycle, taste, value");
}

#[test]
fn a_dry_run_says_what_would_change_and_changes_nothing() {
    let mut host = shop();
    host.unpublish::<Group>("lifecycle");
    pay(&mut host, 60_000);
    host.publish::<Group>("lifecycle", crate::testing::lifecycle());
    let events = host.events().len();
    let would = host.call::<Evaluate>(json!({ "groups": ["lifecycle"], "dry_run": true })).done();
    assert_eq!(would.added, ["lifecycle.first_order"]);
    assert_eq!(would.tags, ["lifecycle.first_order"]);
    assert_eq!((tags(&mut host), host.events().len()), (vec!["value.silver".to_owned()], events));
    assert_eq!(host.counter("members/lifecycle.first_order"), 0);
}

#[test]
fn adding_what_is_there_is_no_event_and_no_write() {
    let mut host = shop();
    let customer = me(&mut host);
    pay(&mut host, 60_000);
    let (before, marks) = (story(&host), host.tags(&customer));
    host.advance(Duration::days(1));
    pay(&mut host, 10);
    assert_eq!(story(&host), before);
    // A state is true since it began: nothing about it was written again.
    assert_eq!(host.tags(&customer), marks);
}

#[test]
fn two_rules_with_opposite_results_are_decided_by_priority_then_by_name() {
    for (priorities, winner) in [((1, 2), "b"), ((2, 1), "a"), ((1, 1), "a")] {
        let mut host = host();
        let rule = |id: &str, priority: i32| json!({ "id": id, "on": ["order.paid"], "when": "true", "tag": id, "priority": priority });
        let rules = [rule("b", priorities.1), rule("a", priorities.0)];
        host.publish::<Group>("g", json!({ "mode": "exclusive", "tags": ["a", "b"], "rules": rules }));
        pay(&mut host, 1);
        assert_eq!(tags(&mut host), [format!("g.{winner}")], "{priorities:?}");
        assert_eq!(story(&host).len(), 1, "the loser was never on");
    }
}

#[test]
fn what_a_person_says_wins_over_rules() {
    let mut host = shop();
    let me = me(&mut host);
    add(&mut host, json!({ "tags": ["lifecycle.new"], "source": "manual:li.lei" })).done();
    pay(&mut host, 1);
    assert_eq!(tags(&mut host), ["lifecycle.new", "value.bronze"]);
    let seen = evaluate(&mut host, &["lifecycle"]).done();
    assert_eq!(
        serde_json::to_value(&seen.overruled).unwrap(),
        json!([{ "tag": "lifecycle.first_order", "rule": "first", "why": "manual" }])
    );
    // What a person took off stays off as well.
    remove(&mut host, json!({ "tags": ["value.bronze"], "source": "manual:li.lei" })).done();
    pay(&mut host, 1);
    assert_eq!(tags(&mut host), ["lifecycle.new"]);
    // Until somebody hands it back to the rules.
    remove(
        &mut host,
        json!({ "tags": ["value.bronze", "lifecycle.new"], "source": "manual:li.lei", "hold": false }),
    )
    .done();
    evaluate(&mut host, &["lifecycle", "value"]).done();
    assert_eq!(tags(&mut host), ["lifecycle.first_order", "value.bronze"]);
    assert_eq!(host.document::<serde_json::Value>(Some(&me), "memory").unwrap().get("off"), None);
}

#[test]
fn a_rule_that_says_so_overrides_people() {
    let mut host = host();
    host.publish::<Group>(
        "risk",
        json!({ "mode": "exclusive", "tags": ["fine", "blocked"], "rules": [
            { "id": "fraud", "on": ["fraud.found"], "when": "true", "tag": "blocked", "override_manual": true },
        ] }),
    );
    let me = me(&mut host);
    add(&mut host, json!({ "tags": ["risk.fine"], "source": "manual:li.lei" })).done();
    remove(&mut host, json!({ "tags": ["risk.blocked"], "source": "manual:li.lei" })).done();
    host.record("fraud.found", Some(&me), json!({}));
    assert_eq!(tags(&mut host), ["risk.blocked"]);
}

#[test]
fn a_late_event_is_recorded_and_overrides_nothing() {
    let mut host = host();
    host.publish::<Group>(
        "taste",
        json!({ "mode": "exclusive", "tags": ["mild", "spicy"], "rules": [
            { "id": "mild", "on": ["survey.submitted"], "when": "not event.spicy", "tag": "mild" },
            { "id": "spicy", "on": ["survey.submitted"], "when": "event.spicy", "tag": "spicy" },
        ] }),
    );
    let me = me(&mut host);
    let (early, late) = (host.now() - Duration::days(20), host.now() - Duration::days(5));
    host.record_at(late, "survey.submitted", Some(&me), json!({ "spicy": true }));
    assert_eq!(host.tags(&me)[0].effective_at, late);
    host.record_at(early, "survey.submitted", Some(&me), json!({ "spicy": false }));
    assert_eq!(tags(&mut host), ["taste.spicy"]);
    assert_eq!(
        host.events_of("tagging.overruled"),
        [json!({
            "tag": "taste.mild", "group": "taste", "source": "rule:mild", "effective_at": early,
            "standing": "taste.spicy", "standing_source": "rule:spicy", "standing_since": late,
        })]
    );
    // A confirmation moves the instant, so that an event between the two is late as well.
    host.record_at(late + Duration::days(3), "survey.submitted", Some(&me), json!({ "spicy": true }));
    host.record_at(late + Duration::days(2), "survey.submitted", Some(&me), json!({ "spicy": false }));
    assert_eq!(tags(&mut host), ["taste.spicy"]);
    host.record("survey.submitted", Some(&me), json!({ "spicy": false }));
    assert_eq!(tags(&mut host), ["taste.mild"]);
}

#[test]
fn a_late_order_counts_where_a_rule_looks_at_facts() {
    let mut host = shop();
    let me = me(&mut host);
    let then = host.now();
    pay(&mut host, 1);
    host.advance(Duration::days(61));
    assert_eq!(tags(&mut host)[0], "lifecycle.sleeping");
    // An order of the 59th day arrives late. The facts know of it, whenever it arrives: the customer does not sleep.
    host.record_at(then + Duration::days(59), "order.paid", Some(&me), json!({ "amount_fen": 1 }));
    assert_eq!(tags(&mut host)[0], "lifecycle.first_order");
}

#[test]
fn an_import_that_is_true_since_later_stays() {
    let mut host = shop();
    let me = me(&mut host);
    let early = host.now() - Duration::days(3);
    add(&mut host, json!({ "tags": ["lifecycle.lost"], "source": "import" })).done();
    host.record_at(early, "order.paid", Some(&me), json!({ "amount_fen": 1 }));
    assert_eq!(tags(&mut host), ["lifecycle.lost", "value.bronze"]);
    assert_eq!(host.events_of("tagging.overruled").len(), 1);
    host.advance(Duration::seconds(1));
    pay(&mut host, 1);
    assert_eq!(tags(&mut host), ["lifecycle.first_order", "value.bronze"]);
}

#[test]
fn events_of_one_instant_are_decided_by_rank_whatever_comes_first() {
    let mut host = host();
    let rule = |id: &str, priority: i32| json!({ "id": id, "on": [format!("test.{id}")], "when": "event.yes", "tag": id, "priority": priority });
    let rules = [rule("high", 9), rule("low", 1)];
    host.publish::<Group>("g", json!({ "mode": "exclusive", "tags": ["high", "low"], "rules": rules }));
    let me = me(&mut host);
    for (first, second) in [("test.high", "test.low"), ("test.low", "test.high")] {
        host.advance(Duration::seconds(1));
        host.record(first, Some(&me), json!({ "yes": true }));
        host.record(second, Some(&me), json!({ "yes": true }));
        assert_eq!(tags(&mut host), ["g.high"]);
    }
}

#[test]
fn a_tag_goes_when_its_condition_turns_false_only_with_auto_remove() {
    for (auto_remove, expected) in [(true, vec![]), (false, vec!["g.vip".to_owned()])] {
        let mut host = host();
        host.publish::<Group>(
            "g",
            json!({ "mode": "multi", "rules": [
                { "id": "vip", "when": "customer.attributes.level | default(0) >= 3", "tag": "vip", "auto_remove": auto_remove },
            ] }),
        );
        let me = me(&mut host);
        host.set_attributes(&me, json!({ "level": 3 }));
        evaluate(&mut host, &["g"]).done();
        assert_eq!(tags(&mut host), ["g.vip"]);
        host.set_attributes(&me, json!({ "level": 2 }));
        evaluate(&mut host, &["g"]).done();
        assert_eq!(tags(&mut host), expected);
    }
}

#[test]
fn auto_remove_takes_off_only_what_the_rule_put_on() {
    let mut host = host();
    let rules = json!([{ "id": "vip", "when": "false", "tag": "vip", "auto_remove": true }]);
    host.publish::<Group>("g", json!({ "mode": "multi", "rules": rules }));
    add(&mut host, json!({ "tags": ["g.vip"] })).done();
    assert_eq!(evaluate(&mut host, &["g"]).done().tags, ["g.vip"]);
}

#[test]
fn another_rule_for_the_same_tag_keeps_it_on() {
    let mut host = host();
    host.publish::<Group>(
        "g",
        json!({ "mode": "multi", "rules": [
            { "id": "rich", "when": "customer.attributes.rich", "tag": "vip", "auto_remove": true, "priority": 2 },
            { "id": "kind", "when": "customer.attributes.kind", "tag": "vip", "auto_remove": true },
        ] }),
    );
    let me = me(&mut host);
    for (rich, kind, source) in
        [(true, true, Some("rule:rich")), (false, true, Some("rule:kind")), (false, false, None)]
    {
        host.set_attributes(&me, json!({ "rich": rich, "kind": kind }));
        evaluate(&mut host, &["g"]).done();
        assert_eq!(host.tags(&me).first().map(|mark| mark.source.as_str()), source);
    }
    assert_eq!(story(&host), ["+g.vip", "-g.vip rule"]);
}

#[test]
fn hysteresis_keeps_a_tag_from_flapping() {
    let mut host = host();
    host.publish::<Group>(
        "heat",
        json!({ "mode": "multi", "rules": [
            { "id": "hot", "when": "customer.attributes.score > 60", "tag": "hot", "auto_remove": true,
              "hysteresis": { "leave_when": "customer.attributes.score < 40" } },
        ] }),
    );
    let me = me(&mut host);
    for (score, is_hot) in
        [(50, false), (61, true), (50, true), (41, true), (61, true), (39, false), (50, false)]
    {
        host.set_attributes(&me, json!({ "score": score }));
        let found = evaluate(&mut host, &["heat"]).done();
        assert_eq!(!found.tags.is_empty(), is_hot, "{score}");
    }
    assert_eq!(story(&host), ["+heat.hot", "-heat.hot rule"]);
}

#[test]
fn a_rule_that_is_held_by_hysteresis_still_wins_over_lower_ones() {
    let mut host = shop();
    pay(&mut host, 1);
    host.advance(Duration::days(60));
    assert_eq!(tags(&mut host), ["lifecycle.sleeping", "value.bronze"]);
    // The order is an hour old, so `leave_when` holds: awake at once.
    pay(&mut host, 1);
    assert_eq!(tags(&mut host), ["lifecycle.first_order", "value.bronze"]);
}

#[test]
fn a_condition_without_a_value_fails_alone() {
    let mut host = host();
    host.publish::<Group>(
        "g",
        json!({ "mode": "multi", "rules": [
            { "id": "broken", "when": "customer.attributes.unknown > 3", "tag": "a", "auto_remove": true },
            { "id": "fine", "when": "1 < 2", "tag": "b" },
        ] }),
    );
    add(&mut host, json!({ "tags": ["g.c"] })).done();
    let found = evaluate(&mut host, &["g"]).done();
    assert_eq!(found.tags, ["g.b", "g.c"]);
    assert_eq!((found.failed.len(), found.failed[0].rule.as_str()), (1, "broken"));
    assert!(found.failed[0].message.contains("unknown"), "{}", found.failed[0].message);
}

#[test]
fn a_rule_that_fails_keeps_its_tag() {
    let mut host = host();
    let rules =
        json!([{ "id": "vip", "when": "customer.attributes.level >= 3", "tag": "vip", "auto_remove": true }]);
    host.publish::<Group>("g", json!({ "mode": "multi", "rules": rules }));
    let me = me(&mut host);
    host.set_attributes(&me, json!({ "level": 3 }));
    evaluate(&mut host, &["g"]).done();
    host.set_attributes(&me, json!({ "level": null }));
    let found = evaluate(&mut host, &["g"]).done();
    assert_eq!((found.tags.len(), found.failed.len()), (1, 1));
}

#[test]
fn more_conditions_than_fit_into_one_question_are_all_looked_at() {
    let mut host = host();
    let rule = |place: usize| {
        let when = format!("customer.attributes.score >= {place} and '{}' != 'x'", "y".repeat(200));
        json!({ "id": format!("r{place}"), "when": when, "tag": format!("t{place:02}") })
    };
    let rules: Vec<_> = (0..30).map(rule).collect();
    host.publish::<Group>("g", json!({ "mode": "multi", "rules": rules }));
    let me = me(&mut host);
    host.set_attributes(&me, json!({ "score": 20 }));
    assert_eq!(evaluate(&mut host, &["g"]).done().tags.len(), 21);
}

#[test]
fn several_tags_of_an_exclusive_group_become_the_latest() {
    let mut host = shop();
    let me = me(&mut host);
    for tag in ["lifecycle.lost", "lifecycle.new"] {
        host.put_tag(&me, tag);
    }
    let found = evaluate(&mut host, &["lifecycle"]).done();
    assert_eq!(found.tags, ["lifecycle.new"]);
}

#[test]
fn a_multi_group_takes_no_more_than_it_holds() {
    for (on_full, expected) in [("refuse", ["g.a", "g.b"]), ("drop_oldest", ["g.b", "g.c"])] {
        let mut host = host();
        let rules = json!([{ "id": "c", "on": ["order.paid"], "when": "true", "tag": "c" }]);
        host.publish::<Group>("g", json!({ "mode": "multi", "max": 2, "on_full": on_full, "rules": rules }));
        for tag in ["g.a", "g.b"] {
            host.advance(Duration::seconds(1));
            add(&mut host, json!({ "tags": [tag] })).done();
        }
        pay(&mut host, 1);
        assert_eq!(tags(&mut host), expected, "{on_full}");
    }
}

#[test]
fn what_a_person_put_on_is_not_dropped_for_room() {
    let mut host = host();
    let rules = json!([{ "id": "b", "when": "true", "tag": "b" }]);
    host.publish::<Group>(
        "g",
        json!({ "mode": "multi", "max": 1, "on_full": "drop_oldest", "rules": rules }),
    );
    add(&mut host, json!({ "tags": ["g.a"], "source": "manual:li.lei" })).done();
    let found = evaluate(&mut host, &["g"]).done();
    assert_eq!(found.tags, ["g.a"]);
    assert_eq!(found.overruled[0].why, Why::Full);
}

#[test]
fn an_instant_after_now_counts_as_now() {
    let mut host = shop();
    let me = me(&mut host);
    let tomorrow = host.now() + Duration::days(1);
    host.record_at(tomorrow, "order.paid", Some(&me), json!({ "amount_fen": 1 }));
    assert_eq!(host.tags(&me)[0].effective_at, host.now());
}
