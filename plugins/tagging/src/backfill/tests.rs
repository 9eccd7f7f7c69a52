//! Customers who were there before the rules.

use siyu_plugin::prelude::*;

use crate::testing::{host, lifecycle, story, tags};
use crate::{Backfill, Group, Report, Reported};

/// Thirty customers with up to two orders, and rules that came later.
fn old_shop() -> (siyu_plugin::fake::Host, Vec<String>) {
    let mut host = host();
    let names: Vec<String> = (0..30).map(|place| format!("shop:{place}")).collect();
    for (place, name) in names.iter().enumerate() {
        let customer = host.customer(name);
        for _ in 0..place % 3 {
            host.record("order.paid", Some(&customer), json!({ "amount_fen": 1 }));
        }
    }
    host.publish::<Group>("lifecycle", lifecycle());
    (host, names)
}

fn run(host: &mut siyu_plugin::fake::Host, names: &[String], is_dry: bool) {
    for name in names {
        host.act_for(name);
        host.call::<Backfill>(json!({ "job": "2026-11", "groups": ["lifecycle"], "dry_run": is_dry })).done();
    }
}

fn report(host: &mut siyu_plugin::fake::Host, is_dry: bool) -> Reported {
    host.call::<Report>(json!({ "job": "2026-11", "groups": ["lifecycle"], "dry_run": is_dry })).done()
}

#[test]
fn a_dry_run_counts_whom_it_would_tag_and_tags_nobody() {
    let (mut host, names) = old_shop();
    run(&mut host, &names, true);
    assert!(story(&host).is_empty());
    assert!(host.planned().is_empty());
    let found = report(&mut host, true);
    assert_eq!((found.looked, found.changed), (30, 20));
    let first = found.tags.iter().find(|count| count.tag == "lifecycle.first_order").unwrap();
    assert_eq!((first.customers, first.added, first.removed), (0, 20, 0));
    run(&mut host, &names, false);
    assert_eq!(story(&host).len(), 20);
    let found = report(&mut host, false);
    let first = found.tags.iter().find(|count| count.tag == "lifecycle.first_order").unwrap();
    assert_eq!((found.looked, found.changed, first.customers, first.added), (30, 20, 20, 20));
}

#[test]
fn a_job_looks_at_a_customer_once_however_often_it_is_resumed() {
    let (mut host, names) = old_shop();
    run(&mut host, &names[..10], true);
    run(&mut host, &names, true);
    assert_eq!(report(&mut host, true).looked, 30);
    host.act_for(&names[0]);
    let again = host.call::<Backfill>(json!({ "job": "2026-11", "dry_run": true })).done();
    assert!(again.replayed);
    // The latest eight jobs of a customer are remembered.
    for job in 0..8 {
        host.call::<Backfill>(json!({ "job": format!("j{job}"), "dry_run": true })).done();
    }
    assert!(!host.call::<Backfill>(json!({ "job": "2026-11", "dry_run": true })).done().replayed);
}

#[test]
fn a_dry_run_forgets_nothing_that_a_person_said() {
    let (mut host, names) = old_shop();
    host.act_for(&names[1]);
    crate::testing::remove(
        &mut host,
        json!({ "tags": ["lifecycle.first_order"], "source": "manual:li.lei" }),
    )
    .done();
    run(&mut host, &names, true);
    run(&mut host, &names, false);
    host.act_for("shop:00042");
    assert!(tags(&mut host).is_empty());
    let customer = host.customer(&names[1]);
    assert_eq!(host.tags(&customer), []);
}

#[test]
fn a_backfill_takes_retired_tags_off_everybody() {
    let mut host = host();
    host.publish::<Group>("g", json!({ "mode": "multi", "tags": ["a", "b"] }));
    crate::testing::add(&mut host, json!({ "tags": ["g.a", "g.b"] })).done();
    host.publish::<Group>("g", json!({ "mode": "multi", "tags": ["a"], "retired": ["b"] }));
    let done = host.call::<Backfill>(json!({ "job": "j", "dry_run": false })).done();
    assert_eq!(done.removed[0].tag, "g.b");
    let found = host.call::<Report>(json!({ "job": "j" })).done();
    assert_eq!(found.tags.iter().map(|count| count.removed).collect::<Vec<_>>(), [0, 1]);
}

#[test]
fn a_report_without_a_job_counts_members() {
    let mut host = host();
    host.publish::<Group>(
        "g",
        json!({ "mode": "multi", "rules": [{ "id": "r", "when": "true", "tag": "x" }] }),
    );
    for customer in ["shop:1", "shop:2"] {
        host.act_for(customer);
        crate::testing::evaluate(&mut host, &["g"]).done();
    }
    let found = host.call::<Report>(json!({})).done();
    assert_eq!((found.tags[0].tag.as_str(), found.tags[0].customers, found.looked), ("g.x", 2, 0));
    host.call::<Report>(json!({ "groups": ["h"] })).refused("UNKNOWN_GROUP");
}
