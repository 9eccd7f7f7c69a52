//! What is published and what is not.

use siyu_plugin::fake::Unpublished;
use siyu_plugin::prelude::*;

use super::names;
use crate::Group;
use crate::testing::{add, host, lifecycle, value};

/// A definition with other members, and what a check says of it: pointers and codes, errors with `!`.
fn check(name: &str, more: serde_json::Value, expected: &[&str]) {
    let mut definition = json!({ "mode": "exclusive", "tags": ["a", "b"] });
    definition.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let found = host().check::<Group>(name, definition);
    let seen: Vec<String> = found
        .iter()
        .map(|finding| {
            format!("{}{} {}", if finding.is_error { "!" } else { "" }, finding.code, finding.pointer)
        })
        .collect();
    assert_eq!(seen, expected, "{more}: {found:#?}");
    assert!(found.iter().all(|finding| finding.message.len() > 20));
}

#[test]
fn a_good_group_has_no_findings() {
    for definition in [lifecycle(), value(), json!({ "mode": "multi" })] {
        assert_eq!(host().check::<Group>("g", definition), []);
    }
}

#[test]
fn names_keep_to_wecoms_limits_and_tell_tags_apart() {
    check(&"g".repeat(31), json!({}), &["!GROUP_NAME "]);
    check("g", json!({ "title": "类".repeat(31) }), &["!GROUP_TITLE /title"]);
    check("g", json!({ "tags": ["a b", "", "c"] }), &["!TAG_NAME /tags/0", "!TAG_NAME /tags/1"]);
    check("g", json!({ "tags": ["VIP", "c", "ｖｉｐ"] }), &["!TAG_COLLISION /tags/2"]);
    check("g", json!({ "retired": ["A"] }), &["!TAG_COLLISION /retired/0"]);
    check("g", json!({ "tags": [], "retired": ["z"] }), &["!RETIRED_OPEN /retired"]);
    let many: Vec<String> = (0..501).map(|place| format!("t{place}")).collect();
    check("g", json!({ "tags": many }), &["!TAGS_MAX /tags"]);
}

#[test]
fn limits_and_times_must_make_sense() {
    check("g", json!({ "max": 2 }), &["!MAX_EXCLUSIVE /max"]);
    check("g", json!({ "mode": "multi", "max": 0 }), &["!MAX_ZERO /max"]);
    check("g", json!({ "mode": "multi", "on_full": "drop_oldest" }), &["ON_FULL_UNUSED /on_full"]);
    check("g", json!({ "ttl": "0s" }), &["!TTL_ZERO /ttl"]);
    check("g", json!({ "ttl_mode": "fixed" }), &["TTL_MODE_UNUSED /ttl_mode"]);
    check("g", json!({ "decay": "downgrade" }), &["!DECAY_TTL /decay"]);
    check("g", json!({ "mode": "multi", "ttl": "1d", "decay": "downgrade" }), &["!DECAY_ORDER /decay"]);
    check("g", json!({ "tags": ["a"], "ttl": "1d", "decay": "downgrade" }), &["!DECAY_ORDER /decay"]);
    check("g", json!({ "writers": [] }), &["!WRITERS_EMPTY /writers"]);
}

#[test]
fn sensitive_categories_need_purpose_and_separate_consent() {
    for category in ["health", "finance", "minors"] {
        check(
            "g",
            json!({ "category": category, "purpose": " " }),
            &["!SENSITIVE_PURPOSE /category", "!SENSITIVE_CONSENT /category"],
        );
        check("g", json!({ "category": category, "purpose": "x", "consent": "customer.attributes.ok" }), &[]);
    }
    check("g", json!({ "tags": ["a", "糖尿病"] }), &["!SENSITIVE_UNDECLARED /tags/1"]);
    check("g", json!({ "title": "家庭收入" }), &["!SENSITIVE_UNDECLARED /title"]);
    check("pregnancy", json!({}), &["!SENSITIVE_UNDECLARED "]);
    check("g", json!({ "tags": ["a", "儿童餐"], "category": "ordinary" }), &[]);
    let rules = json!([{ "id": "r", "when": "true", "tag": "糖尿病" }]);
    check("g", json!({ "tags": [], "rules": rules }), &["!SENSITIVE_UNDECLARED /rules/0/tag"]);
    let found = host().check::<Group>("g", json!({ "mode": "multi", "category": "minors", "purpose": "x" }));
    assert!(
        found[0].message.contains("art. 29") && found[0].message.contains("guardian"),
        "{}",
        found[0].message
    );
}

#[test]
fn rules_are_checked_against_their_group() {
    let of = |rule: serde_json::Value| {
        let mut whole = json!({ "id": "r", "on": ["order.paid"], "when": "true", "tag": "a" });
        whole.as_object_mut().unwrap().extend(rule.as_object().unwrap().clone());
        json!({ "rules": [whole] })
    };
    check("g", of(json!({ "tag": "c" })), &["!RULE_TAG /rules/0/tag"]);
    check("g", of(json!({ "tag": "g.a" })), &["!RULE_TAG /rules/0/tag"]);
    check("g", of(json!({ "id": "a/b" })), &["!RULE_ID /rules/0/id"]);
    check("g", of(json!({ "id": "" })), &["!RULE_ID /rules/0/id"]);
    check("g", of(json!({ "on": ["Order.paid"] })), &["!RULE_ON /rules/0/on/0"]);
    check("g", of(json!({ "on": ["tagging.due"] })), &["!RULE_ON /rules/0/on/0"]);
    check("g", of(json!({ "on": ["timer.daily"] })), &["RULE_TIMER /rules/0/on/0"]);
    check("g", of(json!({ "confidence": 101 })), &["!RULE_CONFIDENCE /rules/0/confidence"]);
    check("g", of(json!({ "ttl": "0s" })), &["!TTL_ZERO /rules/0/ttl"]);
    check("g", of(json!({ "when": "days_since(customer.created_at) > 3" })), &["RULE_DAILY /rules/0/when"]);
    let event = json!({ "rules": [{ "id": "r", "when": "event.yes", "tag": "a" }], "on": ["x.y"] });
    check("g", event, &["!RULE_EVENT /rules/0/when"]);
    let unused = json!({ "mode": "multi", "on": ["x.y"], "rules": [
        { "id": "r", "when": "true", "tag": "a", "hysteresis": { "leave_when": "false" } }] });
    check("g", unused, &["HYSTERESIS_UNUSED /rules/0/hysteresis"]);
    let mut two = of(json!({}));
    two["rules"].as_array_mut().unwrap().push(json!({ "id": "r", "when": "true", "tag": "b" }));
    check("g", two, &["!RULE_ID /rules/1/id", "RULE_TIE /rules/1/priority"]);
    let mut silent = of(json!({}));
    silent["writers"] = json!(["manual"]);
    check("g", silent, &["!WRITERS_RULE /writers"]);
    let many: Vec<_> =
        (0..65).map(|place| json!({ "id": format!("r{place}"), "when": "true", "tag": "a" })).collect();
    check("g", json!({ "rules": many }), &["!RULES_MAX /rules"]);
    check("g", json!({ "on": ["a..b"] }), &["!RULE_ON /on/0"]);
}

#[test]
fn what_is_no_definition_is_found_with_its_place() {
    for (definition, pointer) in [
        (json!({ "mode": "single" }), "/mode"),
        (json!({ "mode": "multi", "tag": [] }), "/tag"),
        (json!({ "mode": "multi", "ttl": "1y" }), "/ttl"),
        (json!({ "mode": "multi", "rules": [{ "id": "r", "when": "a +", "tag": "x" }] }), "/rules/0/when"),
    ] {
        let found = host().check::<Group>("g", definition.clone());
        assert_eq!(
            (found[0].pointer.as_str(), found[0].code.as_str()),
            (pointer, "DEFINITION"),
            "{definition}"
        );
    }
}

#[test]
fn a_tag_that_customers_have_is_retired_before_it_goes() {
    let mut host = host();
    host.publish::<Group>("g", json!({ "mode": "multi", "tags": ["a", "b", "c"] }));
    add(&mut host, json!({ "tags": ["g.b"] })).done();
    let gone = host.try_publish::<Group>("g", json!({ "mode": "multi", "tags": ["a"] }));
    let Err(Unpublished::Fault(fault)) = gone else {
        panic!("expected a fault");
    };
    assert_eq!(fault.code, "TAG_IN_USE");
    assert!(
        fault.message.contains("`b` by 1 customers") && !fault.message.contains("`c`"),
        "{}",
        fault.message
    );
    host.publish::<Group>("g", json!({ "mode": "multi", "tags": ["a"], "retired": ["b"] }));
    crate::testing::evaluate(&mut host, &["g"]).done();
    host.publish::<Group>("g", json!({ "mode": "multi", "tags": ["a"] }));
}

#[test]
fn an_expression_names_what_stands_outside_quotes_and_dots() {
    for (source, reads) in [
        ("event.spicy", true),
        ("not event['spicy']", true),
        ("(event)", true),
        ("count('event') > 1", false),
        ("customer.event", false),
        ("customer . event", false),
        ("events.x", false),
        ("customer.attributes['it''s event'] or event", true),
        ("\"event\" == customer.id", false),
    ] {
        assert_eq!(names(source, "event"), reads, "{source}");
    }
}
