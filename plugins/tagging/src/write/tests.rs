//! Tags that somebody writes: add, remove and set.

use siyu_plugin::customers::TagMark;
use siyu_plugin::prelude::*;

use crate::testing::{add, host, me, pay, remove, set, shop, story, tags};
use crate::{Group, List};

#[test]
fn a_tag_of_an_exclusive_group_replaces_the_one_before_it_at_once() {
    let mut host = shop();
    let first = add(&mut host, json!({ "tags": ["lifecycle.first_order", "seed_customer"] })).done();
    assert_eq!(first.added, ["lifecycle.first_order", "seed_customer"]);
    host.advance(Duration::seconds(1));
    let second = add(&mut host, json!({ "tags": ["lifecycle.loyal", "seed_customer"] })).done();
    assert_eq!(
        serde_json::to_value(second).unwrap(),
        json!({
            "added": ["lifecycle.loyal"],
            "removed": [{ "tag": "lifecycle.first_order", "reason": "exclusive_replaced" }],
            "kept": ["seed_customer"],
            "overruled": [],
            "tags": ["seed_customer", "lifecycle.loyal"],
        })
    );
    assert_eq!(
        story(&host),
        [
            "+lifecycle.first_order",
            "+seed_customer",
            "-lifecycle.first_order exclusive_replaced",
            "+lifecycle.loyal"
        ]
    );
}

#[test]
fn a_mark_says_who_why_and_when() {
    let mut host = shop();
    let me = me(&mut host);
    let yesterday = host.now() - Duration::days(1);
    host.start_run("friend.added", json!({}));
    add(
        &mut host,
        json!({ "tags": ["taste.spicy"], "source": "manual:li.lei", "effective_at": yesterday, "ttl": "30d", "confidence": 80 }),
    )
    .done();
    assert_eq!(
        host.tags(&me),
        [TagMark {
            tag: "taste.spicy".to_owned(),
            source: "manual:li.lei".to_owned(),
            effective_at: yesterday,
            expires_at: Some(yesterday + Duration::days(30)),
            confidence_percent: 80,
            evidence: Some("1".to_owned()),
        }]
    );
    let listed = host.call::<List>(json!({ "group": "taste" })).done();
    assert_eq!((listed.tags.len(), listed.tags[0].by_hand), (1, true));
}

#[test]
fn what_is_no_tag_of_the_tenant_is_refused_before_anything_changes() {
    for (tag, code) in [
        ("lifecycle.royal", "UNKNOWN_TAG"),
        ("lifecicle.loyal", "UNKNOWN_GROUP"),
        ("taste.", "TAG_INVALID"),
        (".spicy", "TAG_INVALID"),
        ("taste.hot pot", "TAG_INVALID"),
        ("taste.0123456789012345678901234567890", "TAG_INVALID"),
        ("", "TAG_INVALID"),
    ] {
        let mut host = shop();
        let refused = add(&mut host, json!({ "tags": ["taste.sour", tag] })).refused(code);
        assert!(refused.message.len() > 20, "{}", refused.message);
        assert!(tags(&mut host).is_empty(), "{tag}");
    }
}

#[test]
fn case_and_width_find_the_groups_own_spelling() {
    let mut host = shop();
    for written in ["lifecycle.Loyal", "lifecycle.ＬＯＹＡＬ", " lifecycle.loyal "] {
        add(&mut host, json!({ "tags": [written] })).done();
    }
    assert_eq!(story(&host), ["+lifecycle.loyal"]);
    // The first spelling of an open group counts for the whole tenant.
    add(&mut host, json!({ "tags": ["taste.麻Ｌａ"] })).done();
    host.act_for("shop:00043");
    assert_eq!(add(&mut host, json!({ "tags": ["taste.麻la"] })).done().added, ["taste.麻Ｌａ"]);
    assert_eq!(remove(&mut host, json!({ "tags": ["taste.麻LA"] })).done().removed[0].tag, "taste.麻Ｌａ");
}

#[test]
fn a_retired_tag_is_not_put_on_any_more_and_goes() {
    let mut host = host();
    host.publish::<Group>("g", json!({ "mode": "multi", "tags": ["a", "b"] }));
    add(&mut host, json!({ "tags": ["g.a", "g.b"] })).done();
    host.publish::<Group>("g", json!({ "mode": "multi", "tags": ["a"], "retired": ["b"] }));
    assert_eq!(tags(&mut host), ["g.a", "g.b"]);
    add(&mut host, json!({ "tags": ["g.B"] })).refused("TAG_RETIRED");
    let found = crate::testing::evaluate(&mut host, &["g"]).done();
    assert_eq!(found.tags, ["g.a"]);
    assert_eq!(found.removed[0].reason, "retired");
}

#[test]
fn a_group_takes_tags_only_from_its_writers() {
    let mut host = host();
    host.publish::<Group>(
        "risk",
        json!({ "mode": "exclusive", "tags": ["blocked"], "writers": ["manual", "plugin"] }),
    );
    for (source, is_taken) in [
        (json!(null), false),
        (json!("workflow"), false),
        (json!("import:2026-11"), false),
        (json!("wecom:zhangsan"), false),
        (json!("manual:li.lei"), true),
        (json!("plugin:risk-score"), true),
    ] {
        let outcome = add(&mut host, json!({ "tags": ["risk.blocked"], "source": source }));
        let removed = remove(&mut host, json!({ "tags": ["risk.blocked"], "source": source }));
        let cleared = set(&mut host, json!({ "groups": { "risk": null }, "source": source }));
        if is_taken {
            outcome.done();
            removed.done();
            cleared.done();
        } else {
            outcome.refused("NOT_A_WRITER");
            removed.refused("NOT_A_WRITER");
            cleared.refused("NOT_A_WRITER");
        }
    }
}

#[test]
fn nobody_writes_as_a_rule() {
    for source in
        ["rule:r1", "manual", "manual:", "manual: ", "someone", "", &format!("manual:{}", "x".repeat(122))]
    {
        let mut host = shop();
        let fault = add(&mut host, json!({ "tags": ["seed"], "source": source })).failed("INVALID_INPUT");
        assert_eq!(fault.fields[0].pointer, "/source", "{source}");
    }
}

#[test]
fn limits_are_refused_before_anything_changes() {
    let mut host = shop();
    add(&mut host, json!({ "tags": ["taste.a"] })).done();
    let refused = add(&mut host, json!({ "tags": ["taste.b", "taste.c", "taste.d"] })).refused("LIMIT_GROUP");
    assert_eq!(refused.details, Some(json!({ "tag": "taste.d" })));
    assert_eq!(tags(&mut host), ["taste.a"]);
    add(&mut host, json!({ "tags": ["taste.b", "taste.c", "taste.a"] })).done();
    let gone = host.now();
    add(&mut host, json!({ "tags": ["seed"], "expires_at": gone })).refused("ALREADY_EXPIRED");
    let early = gone - Duration::days(40);
    add(&mut host, json!({ "tags": ["seed"], "ttl": "30d", "effective_at": early }))
        .refused("ALREADY_EXPIRED");
}

#[test]
fn the_3001st_tag_is_refused() {
    let mut host = Host::of_many();
    let refused = add(&mut host, json!({ "tags": ["one-more"] })).refused("LIMIT_TAGS");
    assert!(refused.message.contains("3,000"), "{}", refused.message);
    // One that replaces another is none more.
    host.publish::<Group>("g", json!({ "mode": "exclusive", "tags": ["a", "b"] }));
    let me = me(&mut host);
    remove(&mut host, json!({ "tags": ["t0000"] })).done();
    add(&mut host, json!({ "tags": ["g.a"] })).done();
    host.advance(Duration::seconds(1));
    add(&mut host, json!({ "tags": ["g.b"] })).done();
    assert_eq!(host.tags(&me).len(), 3_000);
}

/// A customer with 3,000 tags.
struct Host;
impl Host {
    fn of_many() -> siyu_plugin::fake::Host {
        let mut host = siyu_plugin::fake::Host::of::<crate::Plugin>();
        let me = host.act_for("shop:00042");
        for place in 0..3_000 {
            host.put_tag(&me, &format!("t{place:04}"));
        }
        host
    }
}

#[test]
fn an_older_word_does_not_replace_a_later_one() {
    let mut host = shop();
    let me = me(&mut host);
    let early = host.now() - Duration::days(1);
    add(&mut host, json!({ "tags": ["lifecycle.loyal"] })).done();
    let late = add(
        &mut host,
        json!({ "tags": ["lifecycle.new"], "effective_at": early, "source": "manual:li.lei" }),
    )
    .done();
    assert_eq!(
        serde_json::to_value(&late.overruled).unwrap(),
        json!([{ "tag": "lifecycle.new", "why": "late" }])
    );
    assert_eq!(host.events_of("tagging.overruled").len(), 1);
    // Nor does it change the mark of the same tag, or take it off by `set`.
    let marks = host.tags(&me);
    add(&mut host, json!({ "tags": ["lifecycle.loyal"], "effective_at": early, "source": "manual:li.lei" }))
        .done();
    let kept = set(&mut host, json!({ "groups": { "lifecycle": null }, "effective_at": early })).done();
    assert_eq!((kept.removed.len(), kept.overruled.len()), (0, 1));
    assert_eq!(host.tags(&me), marks);
}

#[test]
fn a_person_who_repeats_what_a_rule_said_makes_it_theirs() {
    let mut host = shop();
    let me = me(&mut host);
    pay(&mut host, 1);
    add(&mut host, json!({ "tags": ["lifecycle.first_order"], "source": "manual:li.lei" })).done();
    assert_eq!(host.tags(&me)[0].source, "manual:li.lei");
    host.advance(Duration::days(70));
    assert_eq!(tags(&mut host)[0], "lifecycle.first_order", "no rule replaces it");
    assert_eq!(story(&host), ["+lifecycle.first_order", "+value.bronze"]);
}

#[test]
fn setting_a_group_leaves_these_values_and_no_others() {
    let mut host = shop();
    add(&mut host, json!({ "tags": ["taste.a", "taste.b", "lifecycle.new"] })).done();
    let groups = json!({ "taste": ["b", "c", "d"], "lifecycle": null, "value": "gold" });
    let found = set(&mut host, json!({ "groups": groups })).done();
    assert_eq!(found.added, ["taste.c", "taste.d", "value.gold"]);
    assert_eq!(found.kept, ["taste.b"]);
    assert_eq!(found.tags, ["taste.b", "taste.c", "taste.d", "value.gold"]);
    assert_eq!(
        story(&host)[3..],
        ["-lifecycle.new workflow", "-taste.a workflow", "+taste.c", "+taste.d", "+value.gold"]
    );
    set(&mut host, json!({ "groups": { "taste": ["a", "b", "c", "d"] } })).refused("LIMIT_GROUP");
    let fault = set(&mut host, json!({ "groups": { "value": ["gold", "silver"] } })).failed("INVALID_INPUT");
    assert_eq!(fault.fields[0].pointer, "/groups/value");
    assert_eq!(tags(&mut host).len(), 4);
}

#[test]
fn a_tag_of_a_group_that_is_gone_can_be_taken_off() {
    let mut host = shop();
    pay(&mut host, 1);
    host.unpublish::<Group>("value");
    remove(&mut host, json!({ "tags": ["value.bronze"] })).done();
    assert_eq!(tags(&mut host), ["lifecycle.first_order"]);
    assert_eq!(host.counter("members/value.bronze"), 0);
    assert_eq!(remove(&mut host, json!({ "tags": ["lifecycle.lost", "nor-this"] })).done().removed.len(), 0);
    remove(&mut host, json!({ "tags": ["never.there"] })).refused("UNKNOWN_GROUP");
}

#[test]
fn terms_that_contradict_each_other_are_no_input() {
    let mut host = shop();
    let later = host.now() + Duration::days(1);
    for (more, pointer) in [
        (json!({ "ttl": "1d", "expires_at": later }), "/ttl"),
        (json!({ "ttl": "0s" }), "/ttl"),
        (json!({ "confidence": 101 }), "/confidence"),
        (json!({ "tag": "seed" }), "/tag"),
    ] {
        let mut input = json!({ "tags": ["seed"] });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let fault = add(&mut host, input).failed("INVALID_INPUT");
        assert_eq!(fault.fields[0].pointer, pointer, "{more}");
    }
}

#[test]
fn sensitive_tags_need_the_customers_consent() {
    let mut host = host();
    host.publish::<Group>(
        "health",
        json!({ "mode": "multi", "category": "health", "purpose": "recipes without sugar",
                "consent": "customer.attributes.health_consent == 'granted'" }),
    );
    let me = me(&mut host);
    let refused = add(&mut host, json!({ "tags": ["health.diabetes"] })).refused("NO_CONSENT");
    assert!(refused.message.contains("nobody knows"), "{}", refused.message);
    host.set_attributes(&me, json!({ "health_consent": "denied" }));
    set(&mut host, json!({ "groups": { "health": ["diabetes"] } })).refused("NO_CONSENT");
    host.set_attributes(&me, json!({ "health_consent": "granted" }));
    add(&mut host, json!({ "tags": ["health.diabetes"] })).done();
    host.set_attributes(&me, json!({ "health_consent": "denied" }));
    set(&mut host, json!({ "groups": { "health": null } })).done();
    assert!(tags(&mut host).is_empty(), "taking off needs no consent");
}

#[test]
fn a_step_writes_a_hundred_tags_at_once_and_no_more() {
    let mut host = host();
    let many: Vec<String> = (0..101).map(|place| format!("t{place}")).collect();
    add(&mut host, json!({ "tags": many[1..] })).done();
    for (outcome, pointer) in [
        (add(&mut host, json!({ "tags": many })), "/tags"),
        (remove(&mut host, json!({ "tags": many })), "/tags"),
        (set(&mut host, json!({ "groups": { "g": many } })), "/groups"),
    ] {
        assert_eq!(outcome.failed("INVALID_INPUT").fields[0].pointer, pointer);
    }
}
