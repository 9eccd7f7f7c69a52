//! Friends that are brought.

use siyu_plugin::fake::Host;
use siyu_plugin::prelude::*;
use siyu_plugin::serde_json::Value;

use super::{Invite, InviteCounted, NotCounted};
use crate::kit::{cancel, cups, lay_over, open, pay, reserve, reserve_with, said};

fn sale(invites: Value) -> Host {
    let mut wanted = json!({ "min": 2 });
    lay_over(&mut wanted, invites);
    let items = json!([{ "sku": "cup", "price_fen": 10, "stock": 9, "per_customer": 9 }]);
    open(json!({ "items": items, "gate": { "invites": wanted } }))
}

/// `who` brings `friend`, who becomes one now.
#[track_caller]
fn bring(host: &mut Host, who: &str, friend: &str) -> InviteCounted {
    let (inviter, friend) = (host.customer(who), host.act_for(friend));
    host.record("friend.added", Some(&friend), json!({}));
    host.call::<Invite>(json!({ "inviter": inviter })).done()
}

#[track_caller]
fn missing(host: &mut Host, order: &str) -> Value {
    let no = reserve(host, "shop:1", order).refused("GATE_INVITES");
    no.details.unwrap()["missing"].clone()
}

#[test]
fn the_refusal_says_how_many_are_missing() {
    let mut host = sale(json!({}));
    assert_eq!(missing(&mut host, "o1"), 2);
    assert_eq!(bring(&mut host, "shop:1", "shop:a").unspent, 1);
    assert_eq!(missing(&mut host, "o1"), 1);
    bring(&mut host, "shop:1", "shop:b");
    reserve(&mut host, "shop:1", "o1").done();
    assert_eq!(said(&host, "flash.refused", "reason"), ["gate_invites", "gate_invites"]);
}

#[test]
fn the_same_friends_unlock_nothing_twice() {
    let mut host = sale(json!({}));
    for friend in ["shop:a", "shop:b", "shop:c"] {
        bring(&mut host, "shop:1", friend);
    }
    reserve(&mut host, "shop:1", "o1").done();
    pay(&mut host, "shop:1", "o1", 10).done();
    assert_eq!(missing(&mut host, "o2"), 1);
}

#[test]
fn friends_that_are_not_consumed_unlock_again() {
    let mut host = sale(json!({ "consume": false }));
    for friend in ["shop:a", "shop:b"] {
        bring(&mut host, "shop:1", friend);
    }
    reserve(&mut host, "shop:1", "o1").done();
    reserve_with(&mut host, "shop:1", json!({ "order": "o2", "qty": 3 })).done();
}

#[test]
fn every_unit_takes_its_friends() {
    let mut host = sale(json!({}));
    for friend in ["shop:a", "shop:b", "shop:c"] {
        bring(&mut host, "shop:1", friend);
    }
    let no = reserve_with(&mut host, "shop:1", json!({ "order": "o1", "qty": 2 })).refused("GATE_INVITES");
    assert_eq!(no.details.unwrap(), json!({ "needed": 4, "counted": 3, "missing": 1 }));
}

#[test]
fn a_hold_that_ends_gives_its_friends_back() {
    let mut host = sale(json!({}));
    for friend in ["shop:a", "shop:b"] {
        bring(&mut host, "shop:1", friend);
    }
    reserve(&mut host, "shop:1", "o1").done();
    assert_eq!(missing(&mut host, "o2"), 2);
    cancel(&mut host, "shop:1", "o1").done();
    reserve(&mut host, "shop:1", "o3").done();
    host.advance(Duration::minutes(11));
    reserve(&mut host, "shop:1", "o4").done();
}

#[test]
fn a_late_payment_needs_its_friends_unspent() {
    let mut host = sale(json!({}));
    for friend in ["shop:a", "shop:b"] {
        bring(&mut host, "shop:1", friend);
    }
    reserve(&mut host, "shop:1", "o1").done();
    host.advance(Duration::minutes(11));
    reserve(&mut host, "shop:1", "o2").done();
    pay(&mut host, "shop:1", "o1", 10).refused("RESERVATION_EXPIRED");
    assert_eq!(said(&host, "flash.late_payment", "reason"), ["gate_invites"]);
    cancel(&mut host, "shop:1", "o2").done();
    assert_eq!(cups(&host), (9, 0, 0));
}

#[test]
fn a_friend_counts_for_one_customer_once() {
    let mut host = sale(json!({}));
    assert!(bring(&mut host, "shop:1", "shop:a").counted);
    for who in ["shop:1", "shop:2"] {
        assert_eq!(bring(&mut host, who, "shop:a").reason, Some(NotCounted::CountedBefore), "{who}");
    }
    assert_eq!(missing(&mut host, "o1"), 1);
}

#[test]
fn nobody_brings_oneself_and_staff_do_not_count() {
    let mut host = sale(json!({}));
    let (me, staff) = (host.act_for("shop:1"), host.customer("shop:s"));
    let one = host.call::<Invite>(json!({ "inviter": me })).done();
    assert_eq!((one.counted, one.reason), (false, Some(NotCounted::Oneself)));
    let one = host.call::<Invite>(json!({ "friend": staff, "staff": true })).done();
    assert_eq!(one.reason, Some(NotCounted::Staff));
    assert!(
        host.call::<Invite>(json!({ "friend": staff })).done().counted,
        "staff who left may come as a friend"
    );
}

#[test]
fn an_old_friend_is_not_new() {
    let mut host = sale(json!({}));
    for (friend, event) in [("shop:a", "friend.added"), ("shop:b", "friend.deleted_by_staff")] {
        let id = host.customer(friend);
        host.record(event, Some(&id), json!({}));
        host.advance(Duration::seconds(1));
        let counted = bring(&mut host, "shop:1", friend);
        assert!(counted.counted && !counted.new_friend, "{friend}");
    }
    assert_eq!(missing(&mut host, "o1"), 2);
    let mut host = sale(json!({ "new_friend": false, "min": 1 }));
    let id = host.customer("shop:a");
    host.record("friend.added", Some(&id), json!({}));
    bring(&mut host, "shop:1", "shop:a");
    reserve(&mut host, "shop:1", "o1").done();
}

#[test]
fn the_workflow_may_know_better_who_is_new() {
    let mut host = sale(json!({ "min": 1 }));
    let (inviter, friend) = (host.customer("shop:1"), host.act_for("shop:a"));
    let input = json!({ "inviter": inviter, "friend": friend, "new_friend": false });
    host.call::<Invite>(input).done();
    assert_eq!(missing(&mut host, "o1"), 1);
}

#[test]
fn who_left_again_counts_no_more_unless_it_was_bought_before() {
    let mut host = sale(json!({}));
    for friend in ["shop:a", "shop:b"] {
        bring(&mut host, "shop:1", friend);
    }
    host.advance(Duration::seconds(1));
    let b = host.customer("shop:b");
    host.record("friend.deleted_by_customer", Some(&b), json!({}));
    assert_eq!(missing(&mut host, "o1"), 1);
    host.record("friend.re_added", Some(&b), json!({}));
    assert_eq!(missing(&mut host, "o1"), 1, "coming back is not new");
    bring(&mut host, "shop:1", "shop:c");
    reserve(&mut host, "shop:1", "o1").done();
    let a = host.customer("shop:a");
    host.advance(Duration::seconds(1));
    host.record("friend.deleted_by_staff", Some(&a), json!({}));
    pay(&mut host, "shop:1", "o1", 10).done();
    assert_eq!(cups(&host), (8, 0, 1));
}

#[test]
fn an_invite_counts_after_its_time_and_within_its_window() {
    let mut host = sale(json!({ "min": 1, "kept_for": "5m", "window": "30m" }));
    bring(&mut host, "shop:1", "shop:a");
    host.advance(Duration::minutes(5) - Duration::from_millis(1));
    assert_eq!(missing(&mut host, "o1"), 1);
    host.advance(Duration::from_millis(1));
    reserve(&mut host, "shop:1", "o2").done();
    cancel(&mut host, "shop:1", "o2").done();
    host.advance(Duration::minutes(25));
    assert_eq!(missing(&mut host, "o3"), 1);
}

#[test]
fn only_customers_bring_customers() {
    let mut host = sale(json!({}));
    let me = host.act_for("shop:1");
    for input in [json!({}), json!({ "inviter": me, "friend": "cus_00000000000000000000000000" })] {
        host.call::<Invite>(input).failed("INVALID_INPUT");
    }
    host.call::<Invite>(json!({ "inviter": me, "friend": "shop:2" })).failed("INVALID_ARGUMENT");
    host.call::<Invite>(json!({ "inviter": "cus_00000000000000000000000000", "friend": me }))
        .failed("NOT_FOUND");
    host.act_for("shop:2");
    host.call::<Invite>(json!({ "inviter": me })).done();
}

#[test]
fn the_oldest_friends_of_many_are_forgotten() {
    let mut host = sale(json!({}));
    for n in 0..320 {
        bring(&mut host, "shop:1", &format!("friend:{n}"));
    }
    assert_eq!(bring(&mut host, "shop:1", "friend:last").unspent, 300);
    reserve(&mut host, "shop:1", "o1").done();
}
