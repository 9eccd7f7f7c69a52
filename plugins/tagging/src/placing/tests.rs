//! What holds whatever is written in whatever order.

use std::collections::BTreeMap;

use proptest::prelude::*;
use siyu_plugin::fake::Host;
use siyu_plugin::prelude::*;

use crate::{Add, Erase, Evaluate, Group, Merge, Plugin, Remove, Set};

/// What somebody does to one of two customers.
#[derive(Debug, Clone)]
enum Act {
    Add { tags: Vec<usize>, by_hand: bool, days_ago: u64 },
    Remove { tag: usize, by_hand: bool },
    Set { level: Option<usize> },
    Score(i64),
    Pay,
    Evaluate,
    Wait(u64),
    Merge,
    Erase,
}

const TAGS: [&str; 8] =
    ["level.low", "level.middle", "level.high", "taste.a", "taste.b", "taste.c", "taste.d", "free"];

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (prop::collection::vec(0..TAGS.len(), 1..3), any::<bool>(), 0..4u64)
            .prop_map(|(tags, by_hand, days_ago)| Act::Add { tags, by_hand, days_ago }),
        2 => (0..TAGS.len(), any::<bool>()).prop_map(|(tag, by_hand)| Act::Remove { tag, by_hand }),
        1 => prop::option::of(0..3usize).prop_map(|level| Act::Set { level }),
        3 => (0..10i64).prop_map(Act::Score),
        2 => Just(Act::Pay),
        3 => Just(Act::Evaluate),
        2 => (1..100u64).prop_map(Act::Wait),
        1 => Just(Act::Merge),
        1 => Just(Act::Erase),
    ]
}

fn shop() -> Host {
    let mut host = Host::of::<Plugin>().at("2026-11-21T12:00:00+08:00").repeating();
    host.publish::<Group>(
        "level",
        json!({ "mode": "exclusive", "tags": ["low", "middle", "high"], "ttl": "3d", "decay": "downgrade",
                "on": ["order.paid"], "rules": [
            { "id": "low", "when": "customer.attributes.score | default(0) < 3", "tag": "low", "auto_remove": true },
            { "id": "middle", "when": "customer.attributes.score | default(0) >= 3", "tag": "middle", "priority": 1,
              "hysteresis": { "leave_when": "customer.attributes.score | default(0) < 2" } },
            { "id": "high", "when": "count('order.paid', '2d') >= 2", "tag": "high", "priority": 2, "auto_remove": true },
        ] }),
    );
    host.publish::<Group>(
        "taste",
        json!({ "mode": "multi", "max": 2, "on_full": "drop_oldest", "wecom_sync": "all", "on": ["tag.added", "tag.removed"],
                "rules": [
            { "id": "d", "when": "'level.high' in customer.tags", "tag": "d", "auto_remove": true },
        ] }),
    );
    host
}

fn perform(host: &mut Host, customers: &[String; 2], (who, act): (bool, &Act)) {
    let name = ["shop:1", "shop:2"][usize::from(who)];
    let (me, other) = (&customers[usize::from(who)], &customers[usize::from(!who)]);
    host.act_for(name);
    let source = |by_hand: bool| if by_hand { "manual:li.lei" } else { "workflow" };
    match act {
        Act::Add { tags, by_hand, days_ago } => {
            let tags: Vec<_> = tags.iter().map(|tag| TAGS[*tag]).collect();
            let at = host.now() - Duration::days(*days_ago);
            drop(host.call::<Add>(json!({ "tags": tags, "source": source(*by_hand), "effective_at": at })));
        }
        Act::Remove { tag, by_hand } => {
            host.call::<Remove>(json!({ "tags": [TAGS[*tag]], "source": source(*by_hand) })).done();
        }
        Act::Set { level } => {
            let level = level.map(|level| ["low", "middle", "high"][level]);
            host.call::<Set>(json!({ "groups": { "level": level } })).done();
        }
        Act::Score(score) => host.set_attributes(me, json!({ "score": score })),
        Act::Pay => host.record("order.paid", Some(me), json!({ "amount_fen": 100 })),
        Act::Evaluate => drop(host.call::<Evaluate>(json!({}))),
        Act::Wait(hours) => host.advance(Duration::hours(*hours)),
        Act::Merge => drop(host.call::<Merge>(json!({ "from": other })).done()),
        Act::Erase => drop(host.call::<Erase>(json!({})).done()),
    }
}

/// One of an exclusive group, no more than a group holds, counters that count, and events that tell the same story as the tags.
fn holds(host: &Host, customers: &[String; 2]) -> Result<(), TestCaseError> {
    let mut members: BTreeMap<String, u64> = BTreeMap::new();
    for customer in customers {
        let marks = host.tags(customer);
        let in_group = |group: &str| marks.iter().filter(|mark| mark.tag.starts_with(group)).count();
        prop_assert!(in_group("level.") <= 1, "{marks:?}");
        prop_assert!(in_group("taste.") <= 2, "{marks:?}");
        for mark in &marks {
            prop_assert!(mark.effective_at <= host.now());
            prop_assert!(mark.expires_at.is_none_or(|end| end > host.now()));
            *members.entry(mark.tag.clone()).or_default() += 1;
        }
        let mut told: BTreeMap<String, i32> = BTreeMap::new();
        for event in host.events().iter().filter(|event| event.customer.as_ref() == Some(customer)) {
            let change = match event.event_type.as_str() {
                "tag.added" => 1,
                "tag.removed" => -1,
                _ => continue,
            };
            let count = told.entry(event.data["tag"].as_str().unwrap_or_default().to_owned()).or_default();
            *count += change;
            prop_assert!((0..=1).contains(count), "{event:?}");
        }
        let told: Vec<&String> = told.iter().filter(|(_, count)| **count == 1).map(|(tag, _)| tag).collect();
        prop_assert_eq!(told, marks.iter().map(|mark| &mark.tag).collect::<Vec<_>>());
    }
    for tag in TAGS {
        let counted = host.counter(&format!("members/{tag}"));
        prop_assert_eq!(counted, members.get(tag).copied().unwrap_or(0), "{}", tag);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn groups_keep_their_rules_under_any_interleaving(
        acts in prop::collection::vec((any::<bool>(), act()), 1..40),
    ) {
        let mut host = shop();
        let customers = ["shop:1", "shop:2"].map(|name| host.customer(name));
        for (who, act) in &acts {
            perform(&mut host, &customers, (*who, act));
            holds(&host, &customers)?;
        }
    }

    #[test]
    fn what_a_person_says_outlives_every_rule(
        acts in prop::collection::vec(prop_oneof![
            (0..10i64).prop_map(Act::Score),
            Just(Act::Pay),
            Just(Act::Evaluate),
            (1..20u64).prop_map(Act::Wait),
        ], 1..20),
    ) {
        let mut host = shop();
        let customers = ["shop:1", "shop:2"].map(|name| host.customer(name));
        host.act_for("shop:2");
        let long = json!({ "tags": ["level.low"], "source": "manual:li.lei", "ttl": "1000d" });
        host.call::<Add>(long).done();
        host.call::<Remove>(json!({ "tags": ["taste.d"], "source": "manual:li.lei" })).done();
        for act in &acts {
            perform(&mut host, &customers, (true, act));
            let tags: Vec<String> = host.tags(&customers[1]).into_iter().map(|mark| mark.tag).collect();
            prop_assert_eq!(tags, ["level.low"]);
        }
    }

    #[test]
    fn the_latest_word_wins_in_whatever_order_words_arrive(
        order in Just((0..6u64).collect::<Vec<_>>()).prop_shuffle(),
        values in prop::collection::vec(0..3usize, 6),
    ) {
        let mut host = Host::of::<Plugin>().repeating();
        host.publish::<Group>("g", json!({ "mode": "exclusive", "tags": ["a", "b", "c"] }));
        let me = host.act_for("shop:1");
        let begin = host.now() - Duration::days(10);
        for place in order {
            let tag = format!("g.{}", ["a", "b", "c"][values[place as usize]]);
            let at = begin + Duration::days(place);
            host.call::<Add>(json!({ "tags": [tag], "effective_at": at })).done();
        }
        let last = format!("g.{}", ["a", "b", "c"][values[5]]);
        let marks = host.tags(&me);
        prop_assert_eq!((marks.len(), &marks[0].tag), (1, &last));
        prop_assert_eq!(marks[0].effective_at, begin + Duration::days(5));
    }
}
