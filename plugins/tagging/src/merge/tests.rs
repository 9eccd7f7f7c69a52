//! Two customers who are one.

use siyu_plugin::prelude::*;

use crate::testing::{add, host, pay, remove, shop, story, tags};
use crate::{Group, Merge, Merged};

/// The customer who goes, with calls still for the one who stays.
fn other(host: &mut siyu_plugin::fake::Host) -> String {
    host.customer("wecom:wmXXXX")
}

fn merge(host: &mut siyu_plugin::fake::Host) -> Merged {
    let from = other(host);
    host.call::<Merge>(json!({ "from": from })).done()
}

fn for_other(host: &mut siyu_plugin::fake::Host, work: impl FnOnce(&mut siyu_plugin::fake::Host)) {
    host.act_for("wecom:wmXXXX");
    work(host);
    host.act_for("shop:00042");
}

#[test]
fn tags_of_both_come_together_and_exclusive_groups_keep_the_latest() {
    for other_is_later in [true, false] {
        let mut host = shop();
        let own = json!({ "tags": ["lifecycle.new", "taste.mild", "seed"] });
        let others = json!({ "tags": ["lifecycle.loyal", "taste.spicy", "seed"] });
        if other_is_later {
            add(&mut host, own).done();
            host.advance(Duration::seconds(1));
            for_other(&mut host, |host| drop(add(host, others).done()));
        } else {
            for_other(&mut host, |host| drop(add(host, others).done()));
            host.advance(Duration::seconds(1));
            add(&mut host, own).done();
        }
        let merged = merge(&mut host);
        let lifecycle = if other_is_later { "lifecycle.loyal" } else { "lifecycle.new" };
        assert_eq!(tags(&mut host), [lifecycle, "seed", "taste.mild", "taste.spicy"]);
        assert_eq!(merged.tags, tags(&mut host));
        assert_eq!(merged.overruled.len(), usize::from(!other_is_later));
        let from = other(&mut host);
        assert_eq!(host.tags(&from), []);
        assert_eq!(host.counter("members/seed"), 1);
        assert!(story(&host).contains(&"-seed merge".to_owned()));
    }
}

#[test]
fn a_merge_again_changes_nothing() {
    let mut host = shop();
    for_other(&mut host, |host| drop(add(host, json!({ "tags": ["lifecycle.loyal"] })).done()));
    merge(&mut host);
    let events = host.events().len();
    let again = merge(&mut host);
    assert_eq!((again.added.len(), again.removed.len(), host.events().len()), (0, 0, events));
}

#[test]
fn nobody_is_merged_with_themselves_or_with_a_stranger() {
    let mut host = shop();
    let me = host.customer("shop:00042");
    host.call::<Merge>(json!({ "from": me })).refused("SAME_CUSTOMER");
    for stranger in ["cus_00000000000000000000000000000000", "shop:00042", ""] {
        host.call::<Merge>(json!({ "from": stranger })).refused("UNKNOWN_CUSTOMER");
        host.call::<Merge>(json!({ "from": me, "into": stranger })).refused("UNKNOWN_CUSTOMER");
    }
}

#[test]
fn marks_move_with_all_that_they_say() {
    let mut host = shop();
    let from = other(&mut host);
    let begin = host.now();
    for_other(&mut host, |host| {
        add(
            host,
            json!({ "tags": ["taste.spicy"], "source": "manual:li.lei", "ttl": "9d", "confidence": 7 }),
        )
        .done();
    });
    let marks = host.tags(&from);
    host.advance(Duration::days(1));
    merge(&mut host);
    let me = host.customer("shop:00042");
    assert_eq!(host.tags(&me), marks);
    assert_eq!(marks[0].expires_at, Some(begin + Duration::days(9)));
    // What a person said of the one is not overwritten by what a list says of the other.
    for_other(&mut host, |host| {
        drop(add(host, json!({ "tags": ["taste.spicy"], "source": "import" })).done())
    });
    merge(&mut host);
    assert_eq!(host.tags(&me), marks);
}

#[test]
fn what_a_person_took_off_of_either_stays_off() {
    let mut host = shop();
    for_other(&mut host, |host| {
        drop(remove(host, json!({ "tags": ["value.bronze"], "source": "manual:li.lei" })).done());
    });
    merge(&mut host);
    pay(&mut host, 1);
    assert_eq!(tags(&mut host), ["lifecycle.first_order"]);
    // And if it was taken off of the one after it was put on the other, it does not come back with the merge.
    for_other(&mut host, |host| drop(add(host, json!({ "tags": ["seed"] })).done()));
    host.advance(Duration::seconds(1));
    remove(&mut host, json!({ "tags": ["seed"], "source": "manual:li.lei" })).done();
    let merged = merge(&mut host);
    assert_eq!(serde_json::to_value(merged.overruled).unwrap(), json!([{ "tag": "seed", "why": "manual" }]));
}

#[test]
fn a_full_group_keeps_the_latest_of_the_other() {
    let mut host = shop();
    add(&mut host, json!({ "tags": ["taste.a", "taste.b"] })).done();
    for_other(&mut host, |host| {
        for tag in ["taste.c", "taste.d"] {
            host.advance(Duration::seconds(1));
            add(host, json!({ "tags": [tag] })).done();
        }
    });
    let merged = merge(&mut host);
    assert_eq!(tags(&mut host), ["taste.a", "taste.b", "taste.d"]);
    assert_eq!(serde_json::to_value(merged.overruled).unwrap(), json!([{ "tag": "taste.c", "why": "full" }]));
}

#[test]
fn the_looks_of_the_one_become_looks_of_the_other() {
    let mut host = shop();
    let from = other(&mut host);
    host.record("order.paid", Some(&from), json!({ "amount_fen": 1 }));
    assert_eq!(host.planned().len(), 1);
    merge(&mut host);
    let planned = host.planned();
    let me = host.customer("shop:00042");
    assert_eq!((planned.len(), planned[0].customer.as_deref()), (1, Some(me.as_str())));
    host.advance(Duration::days(100));
    assert!(host.reactions().iter().any(|reacted| reacted.event_type == "tagging.due"));
}

#[test]
fn tags_without_a_published_group_and_without_consent_are_told_apart() {
    let mut host = host();
    for name in ["gone", "health"] {
        host.publish::<Group>(name, json!({ "mode": "multi" }));
    }
    for_other(&mut host, |host| drop(add(host, json!({ "tags": ["gone.a", "health.b"] })).done()));
    host.unpublish::<Group>("gone");
    host.publish::<Group>(
        "health",
        json!({ "mode": "multi", "category": "health", "purpose": "x", "consent": "customer.attributes.ok | default(false)" }),
    );
    let merged = merge(&mut host);
    assert_eq!(tags(&mut host), ["gone.a"]);
    assert_eq!(
        serde_json::to_value(merged.overruled).unwrap(),
        json!([{ "tag": "health.b", "why": "no_consent" }])
    );
}
