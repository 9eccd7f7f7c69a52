//! The same tags here and in WeCom.

use siyu_plugin::fake::Host;
use siyu_plugin::prelude::*;

use crate::testing::{add, host, me, remove, tags};
use crate::{Change, Group, Next, Outgoing, Receive, Received, Synced};

fn synced_shop() -> Host {
    let mut host = host();
    host.publish::<Group>(
        "level",
        json!({ "mode": "exclusive", "tags": ["low", "high"], "wecom_sync": "all" }),
    );
    host.publish::<Group>("care", json!({ "mode": "multi", "wecom_sync": "primary" }));
    host.publish::<Group>("inside", json!({ "mode": "multi" }));
    host
}

fn outgoing(host: &mut Host, staff: &str, is_primary: bool) -> Change {
    host.call::<Outgoing>(json!({ "staff": staff, "is_primary": is_primary })).done()
}

fn push(host: &mut Host, staff: &str, is_primary: bool) -> Change {
    let change = outgoing(host, staff, is_primary);
    let said = json!({ "staff": staff, "errcode": 0, "add": change.add, "remove": change.remove });
    assert_eq!(host.call::<Synced>(said).done(), Next { is_done: true, retry_after: None });
    change
}

fn receive(host: &mut Host, staff: &str, tags: &[&str]) -> Received {
    host.call::<Receive>(json!({ "staff": staff, "tags": tags })).done()
}

#[test]
fn changes_within_two_seconds_are_one_push() {
    let mut host = synced_shop();
    for tag in ["level.low", "care.gift", "level.high"] {
        add(&mut host, json!({ "tags": [tag] })).done();
        host.advance(Duration::from_millis(1_500));
    }
    assert_eq!(host.events_of("tagging.push").len(), 0);
    host.advance(Duration::seconds(1));
    assert_eq!(host.events_of("tagging.push"), [json!({})]);
    add(&mut host, json!({ "tags": ["inside.x", "free"] })).done();
    assert!(host.planned().is_empty(), "what does not go to WeCom is no reason to push");
}

#[test]
fn a_tag_that_expires_is_pushed_as_well() {
    let mut host = synced_shop();
    add(&mut host, json!({ "tags": ["level.low"], "ttl": "1d" })).done();
    host.advance(Duration::days(2));
    assert_eq!(host.events_of("tagging.push").len(), 2);
    assert!(outgoing(&mut host, "zhangsan", false).is_empty);
}

#[test]
fn a_customer_whom_three_staff_follow_has_shared_tags_everywhere_and_primary_ones_once() {
    let mut host = synced_shop();
    add(&mut host, json!({ "tags": ["level.low", "care.gift", "inside.x"] })).done();
    for (staff, is_primary, expected) in [
        ("zhangsan", true, vec!["care.gift", "level.low"]),
        ("lisi", false, vec!["level.low"]),
        ("wangwu", false, vec!["level.low"]),
    ] {
        assert_eq!(push(&mut host, staff, is_primary).add, expected, "{staff}");
        assert!(outgoing(&mut host, staff, is_primary).is_empty, "{staff}");
    }
    // The main relation changes: what is primary moves.
    assert_eq!(push(&mut host, "zhangsan", false).remove, ["care.gift"]);
    assert_eq!(push(&mut host, "lisi", true).add, ["care.gift"]);
    // A member who leaves takes nothing along: the one who takes over gets all.
    assert_eq!(push(&mut host, "zhaoliu", true).add, ["care.gift", "level.low"]);
}

#[test]
fn an_exclusive_group_is_exclusive_in_wecom_too() {
    let mut host = synced_shop();
    add(&mut host, json!({ "tags": ["level.low"] })).done();
    push(&mut host, "zhangsan", true);
    add(&mut host, json!({ "tags": ["level.high"] })).done();
    let change = push(&mut host, "zhangsan", true);
    assert_eq!((change.add, change.remove), (vec!["level.high".to_owned()], vec!["level.low".to_owned()]));
}

#[test]
fn a_fetched_list_decides_what_is_missing_and_others_tags_are_left_alone() {
    let mut host = synced_shop();
    add(&mut host, json!({ "tags": ["level.low"] })).done();
    push(&mut host, "zhangsan", true);
    let fetched =
        json!({ "staff": "zhangsan", "is_primary": true, "remote": ["care.others", "foreign.tag"] });
    let change = host.call::<Outgoing>(fetched).done();
    assert_eq!((change.add, change.remove.len()), (vec!["level.low".to_owned()], 0));
}

#[test]
fn the_3001st_tag_of_a_relation_is_refused() {
    let mut host = synced_shop();
    add(&mut host, json!({ "tags": ["level.low"] })).done();
    let remote: Vec<String> = (0..3_000).map(|place| format!("foreign.{place}")).collect();
    host.call::<Outgoing>(json!({ "staff": "z", "remote": remote })).refused("LIMIT_TAGS");
    host.call::<Outgoing>(json!({ "staff": "z", "remote": remote[1..] })).done();
}

#[test]
fn codes_of_wecom_say_when_to_try_again() {
    let mut host = synced_shop();
    for (errcode, pauses) in [
        (84061, vec![Some(2), Some(10), Some(60), None]),
        (45033, vec![Some(2), Some(4), Some(8), Some(16), Some(32), Some(60), Some(60), None]),
        (45009, vec![Some(2)]),
        (-1, vec![Some(2), Some(4), None]),
        (40068, vec![None]),
        (41050, vec![None]),
    ] {
        for (place, seconds) in pauses.into_iter().enumerate() {
            let said =
                json!({ "staff": "z", "errcode": errcode, "attempt": place + 1, "add": ["level.low"] });
            let next = host.call::<Synced>(said).done();
            assert_eq!(
                next,
                Next { is_done: false, retry_after: seconds.map(Duration::seconds) },
                "{errcode} {place}"
            );
        }
    }
    assert_eq!(
        host.events_of("tagging.sync_failed")[0],
        json!({ "staff": "z", "errcode": 84061, "attempts": 4, "add": ["level.low"], "remove": [] })
    );
    assert_eq!(host.events_of("tagging.sync_failed").len(), 5);
}

#[test]
fn what_staff_do_in_wecom_is_a_persons_word() {
    let mut host = synced_shop();
    let me = me(&mut host);
    let found = receive(
        &mut host,
        "zhangsan",
        &["level.low", "care.gift", "inside.x", "foreign.tag", "care.two words"],
    );
    assert_eq!(found.added, ["level.low", "care.gift"]);
    assert_eq!(found.ignored, ["inside.x", "foreign.tag", "care.two words"]);
    assert_eq!(host.tags(&me)[0].source, "wecom:zhangsan");
    assert!(outgoing(&mut host, "zhangsan", true).is_empty, "nothing goes back");
    // A tag that is deleted over there arrives as several events of one kind.
    for removed in [1, 0, 0] {
        let found = receive(&mut host, "zhangsan", &["level.low"]);
        assert_eq!(found.removed.len(), removed);
    }
    assert_eq!(tags(&mut host), ["level.low"]);
}

#[test]
fn our_own_writes_come_back_as_nothing() {
    let mut host = synced_shop();
    add(&mut host, json!({ "tags": ["level.low", "care.gift"] })).done();
    push(&mut host, "zhangsan", true);
    let events = host.events().len();
    let found = receive(&mut host, "zhangsan", &["care.gift", "level.low"]);
    assert_eq!((found, host.events().len()), (Received::default(), events));
    let me = me(&mut host);
    assert!(host.tags(&me).iter().all(|mark| mark.source == "workflow"));
}

#[test]
fn a_relation_that_never_had_a_tag_takes_none_off() {
    let mut host = synced_shop();
    add(&mut host, json!({ "tags": ["level.low"] })).done();
    assert_eq!(receive(&mut host, "lisi", &[]).removed.len(), 0);
    assert_eq!(tags(&mut host), ["level.low"]);
}

#[test]
fn what_a_person_took_off_here_leaves_wecom() {
    let mut host = synced_shop();
    receive(&mut host, "zhangsan", &["care.gift"]);
    remove(&mut host, json!({ "tags": ["care.gift"], "source": "manual:li.lei" })).done();
    assert_eq!(push(&mut host, "zhangsan", true).remove, ["care.gift"]);
}

#[test]
fn a_group_that_takes_nothing_from_wecom_is_not_changed_from_there() {
    let mut host = synced_shop();
    let only_us = json!({ "mode": "multi", "wecom_sync": "all", "writers": ["workflow"] });
    host.publish::<Group>("ours", only_us);
    add(&mut host, json!({ "tags": ["ours.a"] })).done();
    push(&mut host, "zhangsan", true);
    let found = receive(&mut host, "zhangsan", &["ours.b"]);
    assert_eq!((found.ignored, tags(&mut host)), (vec!["ours.b".to_owned()], vec!["ours.a".to_owned()]));
}
