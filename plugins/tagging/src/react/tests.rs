//! What evaluates by itself: events, time, and tags that lead to tags.

use siyu_plugin::fake::Outcome;
use siyu_plugin::prelude::*;

use crate::Group;
use crate::testing::{add, evaluate, host, lifecycle, me, pay, shop, story, tags};

#[test]
fn time_alone_changes_a_tag_and_nothing_looks_before() {
    let mut host = shop();
    pay(&mut host, 1);
    assert_eq!(tags(&mut host), ["lifecycle.first_order", "value.bronze"]);
    host.advance(Duration::days(60) - Duration::from_millis(1));
    assert_eq!(tags(&mut host), ["lifecycle.first_order", "value.bronze"]);
    host.advance(Duration::from_millis(1));
    assert_eq!(tags(&mut host), ["lifecycle.sleeping", "value.bronze"]);
    assert_eq!(host.events_of("tagging.due").len(), 1);
}

#[test]
fn orders_do_not_pile_up_plans() {
    let mut host = shop();
    for _ in 0..20 {
        host.advance(Duration::days(5));
        pay(&mut host, 1);
        assert!(host.planned().len() <= 1, "{:?}", host.planned());
    }
    host.advance(Duration::days(200));
    assert_eq!(tags(&mut host), ["lifecycle.sleeping", "value.bronze"]);
    let looks = host.events_of("tagging.due").len();
    assert!(looks < 40, "{looks} looks in 300 days");
}

#[test]
fn a_window_that_ends_takes_a_tag_off_without_an_event() {
    let mut host = host();
    host.publish::<Group>(
        "g",
        json!({ "mode": "multi", "rules": [
            { "id": "busy", "on": ["order.paid"], "when": "count('order.paid', '10d') >= 2", "tag": "busy", "auto_remove": true },
        ] }),
    );
    pay(&mut host, 1);
    host.advance(Duration::days(2));
    pay(&mut host, 1);
    assert_eq!(tags(&mut host), ["g.busy"]);
    host.advance(Duration::days(9));
    assert_eq!(story(&host), ["+g.busy", "-g.busy rule"]);
}

#[test]
fn a_group_that_is_gone_is_not_evaluated() {
    let mut host = shop();
    pay(&mut host, 1);
    host.unpublish::<Group>("lifecycle");
    host.advance(Duration::days(100));
    pay(&mut host, 1);
    assert_eq!(tags(&mut host), ["lifecycle.first_order", "value.bronze"]);
    assert!(host.planned().is_empty());
}

#[test]
fn an_event_of_nobody_changes_nothing() {
    let mut host = shop();
    host.record("order.paid", None, json!({ "amount_fen": 1 }));
    assert!(host.reactions().iter().all(|reacted| matches!(reacted.outcome, Outcome::Done(_))));
    assert!(story(&host).is_empty());
}

#[test]
fn a_definition_that_names_other_events_follows_those() {
    let mut host = host();
    let me = me(&mut host);
    for event in ["test.one", "test.two"] {
        let rules = json!([{ "id": "r", "on": [event], "when": "event.yes", "tag": event }]);
        host.publish::<Group>("g", json!({ "mode": "multi", "rules": rules }));
    }
    host.record("test.one", Some(&me), json!({ "yes": true }));
    assert!(tags(&mut host).is_empty());
    host.record("test.two", Some(&me), json!({ "yes": true }));
    assert_eq!(tags(&mut host), ["g.test.two"]);
}

#[test]
fn tags_lead_to_tags_in_the_same_instant() {
    let mut host = shop();
    host.publish::<Group>(
        "club",
        json!({ "mode": "multi", "on": ["tag.added", "tag.removed"], "rules": [
            { "id": "vip", "when": "'lifecycle.loyal' in customer.tags and 'value.gold' in customer.tags", "tag": "vip",
              "auto_remove": true },
        ] }),
    );
    for _ in 0..3 {
        pay(&mut host, 40_000);
    }
    assert_eq!(tags(&mut host), ["club.vip", "lifecycle.loyal", "value.gold"]);
    host.advance(Duration::days(60));
    assert_eq!(tags(&mut host), ["lifecycle.sleeping", "value.gold"]);
    assert!(host.reactions().iter().all(|reacted| !matches!(reacted.outcome, Outcome::Refused(_))));
}

#[test]
fn rules_that_set_each_other_off_stop_with_rule_loop() {
    let mut host = host();
    host.publish::<Group>(
        "a",
        json!({ "mode": "multi", "on": ["order.paid", "tag.added", "tag.removed"], "rules": [
            { "id": "when-not-b", "when": "not ('b.on' in customer.tags)", "tag": "on", "auto_remove": true },
        ] }),
    );
    host.publish::<Group>(
        "b",
        json!({ "mode": "multi", "on": ["tag.added", "tag.removed"], "rules": [
            { "id": "when-a", "when": "'a.on' in customer.tags", "tag": "on", "auto_remove": true },
        ] }),
    );
    pay(&mut host, 1);
    // a on, so b on, so a off, which would be the second act of a's rule because of one order.
    assert_eq!(story(&host), ["+a.on", "+b.on"]);
    let loops: Vec<_> = host
        .reactions()
        .iter()
        .filter_map(|reacted| match &reacted.outcome {
            Outcome::Refused(refused) => Some((refused.code, refused.details.clone().unwrap_or_default())),
            _ => None,
        })
        .collect();
    assert_eq!(loops[0].0, "RULE_LOOP");
    assert_eq!(loops[0].1["rules"], json!(["a/when-not-b"]));
    // Another order is another cause.
    host.advance(Duration::seconds(1));
    pay(&mut host, 1);
    assert!(story(&host).len() > 2);
}

#[test]
fn a_chain_of_groups_ends_at_the_hosts_depth() {
    let mut host = host().allowing_faults();
    for place in 0..12 {
        let before =
            if place == 0 { "true".to_owned() } else { format!("'g{}.on' in customer.tags", place - 1) };
        let rules = json!([{ "id": "r", "when": before, "tag": "on" }]);
        let on = if place == 0 { json!(["order.paid"]) } else { json!(["tag.added"]) };
        host.publish::<Group>(&format!("g{place}"), json!({ "mode": "multi", "on": on, "rules": rules }));
    }
    pay(&mut host, 1);
    assert_eq!(tags(&mut host).len(), 9, "eight events that caused runs lie behind the ninth tag");
}

#[test]
fn an_evaluation_by_a_step_and_one_by_the_event_do_the_same_once() {
    let mut host = shop();
    host.start_run("order.paid", json!({ "amount_fen": 60_000 }));
    let marks = story(&host);
    evaluate(&mut host, &["lifecycle", "value"]).done();
    assert_eq!(story(&host), marks);
}

#[test]
fn members_are_counted() {
    let mut host = shop();
    for customer in ["shop:1", "shop:2", "shop:3"] {
        let customer = host.customer(customer);
        host.record("order.paid", Some(&customer), json!({ "amount_fen": 60_000 }));
    }
    assert_eq!(host.counter("members/value.silver"), 3);
    let customer = host.customer("shop:1");
    host.record("order.paid", Some(&customer), json!({ "amount_fen": 60_000 }));
    assert_eq!((host.counter("members/value.silver"), host.counter("members/value.gold")), (2, 1));
}

#[test]
fn a_tag_that_others_put_on_is_not_counted_out() {
    let mut host = shop();
    let me = me(&mut host);
    host.put_tag(&me, "value.gold");
    add(&mut host, json!({ "tags": ["value.silver"] })).done();
    assert_eq!((host.counter("members/value.gold"), host.counter("members/value.silver")), (0, 1));
}

#[test]
fn a_rule_put_into_force_again_changes_nothing() {
    let mut host = shop();
    pay(&mut host, 1);
    let (marks, planned) = (story(&host), host.planned());
    host.publish::<Group>("lifecycle", lifecycle());
    evaluate(&mut host, &["lifecycle"]).done();
    assert_eq!((story(&host), host.planned()), (marks, planned));
}

#[test]
fn what_is_evaluated_again_later_is_no_loop() {
    let mut host = host();
    host.publish::<Group>(
        "g",
        json!({ "mode": "multi", "on": ["tag.added"], "rules": [
            { "id": "r", "when": "customer.attributes.x | default(0) > 0", "tag": "x", "auto_remove": true },
        ] }),
    );
    let me = me(&mut host);
    // A run that the event of a tag started, which goes on for months.
    host.start_run("tag.added", json!({ "tag": "g.x" }));
    host.set_attributes(&me, json!({ "x": 1 }));
    evaluate(&mut host, &["g"]).done();
    assert_eq!(tags(&mut host), ["g.x"]);
    host.set_attributes(&me, json!({ "x": 0 }));
    evaluate(&mut host, &["g"]).refused("RULE_LOOP");
    host.advance(Duration::days(30));
    evaluate(&mut host, &["g"]).done();
    assert!(tags(&mut host).is_empty());
}
