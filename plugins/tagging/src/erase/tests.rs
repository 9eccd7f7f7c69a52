//! A customer who is forgotten.

use siyu_plugin::prelude::*;

use crate::testing::{add, me, pay, remove, shop, story, tags};
use crate::{Erase, Group, Synced};

#[test]
fn nothing_of_a_customers_tags_stays() {
    let mut host = shop();
    let me = me(&mut host);
    host.publish::<Group>("vip", json!({ "mode": "multi", "wecom_sync": "all" }));
    pay(&mut host, 1);
    add(&mut host, json!({ "tags": ["seed", "vip.a"] })).done();
    remove(&mut host, json!({ "tags": ["taste.mild"], "source": "manual:li.lei" })).done();
    host.call::<Synced>(json!({ "staff": "zhangsan", "errcode": 0, "add": ["vip.a"] })).done();
    assert_eq!(host.planned().len(), 2);
    assert_eq!(host.call::<Erase>(json!({})).done().tags, 4);
    assert!(tags(&mut host).is_empty());
    assert_eq!(story(&host).iter().filter(|line| line.ends_with(" erase")).count(), 4);
    assert_eq!((host.counter("members/seed"), host.counter("members/value.bronze")), (0, 0));
    for place in ["memory", "wecom/zhangsan/vip"] {
        assert_eq!(host.document::<serde_json::Value>(Some(&me), place), None);
    }
    host.advance(Duration::days(100));
    assert!(tags(&mut host).is_empty());
    assert_eq!(host.events_of("tagging.due").len(), 0);
}

#[test]
fn another_customer_is_erased_by_id_and_a_stranger_is_not() {
    let mut host = shop();
    add(&mut host, json!({ "tags": ["seed"] })).done();
    let me = me(&mut host);
    host.act_for_nobody();
    assert_eq!(host.call::<Erase>(json!({ "customer": me })).done().tags, 1);
    host.call::<Erase>(json!({ "customer": "cus_1" })).refused("UNKNOWN_CUSTOMER");
    let again = host.call::<Erase>(json!({ "customer": me })).done();
    assert_eq!(again.tags, 0);
}
