//! Publishing: all of a playbook comes into force in one commit, or none of it.

use siyu_engine::operate::{Publication, PublishError};
use siyu_engine::ports::inspect::{EventFilter, Inspect, Turn};
use siyu_model::event::Subject;
use siyu_tests::{Place, publication};

use super::support::Case;

const PLAYBOOK: &str = "
playbook: PLAYBOOK
title: A shop
zone: Asia/Shanghai
plugins:
  probe: { version: 1, grant: [GRANTS] }
events:
  go: { fields: {} }
SEGMENTS
";

const ALL: &str =
    "records, pools, counters, ledger, codes, customers, events, messages, resources, expressions";

/// A playbook with pools of these sizes, and what else is given.
fn shop(name: &str, pools: &[(&str, u64)], segments: &str) -> Publication {
    let text = PLAYBOOK.replace("PLAYBOOK", name).replace("GRANTS", ALL).replace("SEGMENTS", segments);
    let stocks = pools.iter().map(|(pool, total)| {
        format!(
            "  - {{ resource: probe/stock@1, name: {pool}, define: {{ pool: {pool}, total: {total} }} }}\n"
        )
    });
    let stocks = format!("resources:\n{}", stocks.collect::<String>());
    let selling = "
workflow: selling
on: { event: go }
steps:
  - uses: probe/sell@1
    with: { pool: b, units: 3 }
    on_error: continue
";
    let entered = "
workflow: entered
on: { event: segment.entered }
steps: [{ uses: probe/take@1, with: { key: entered, limit: 99 } }]
";
    let files = [
        ("playbook.yaml", text.as_str()),
        ("resources/stocks.yaml", stocks.as_str()),
        ("workflows/selling.yaml", selling),
        ("workflows/entered.yaml", entered),
    ];
    publication(&files).unwrap()
}

async fn case() -> Case {
    let place = Place::at("2026-11-21T10:00:00+08:00").unwrap();
    let tenant = place.open().await.unwrap();
    let inspect = std::sync::Arc::new(place.inspect().await.unwrap());
    Case { place, tenant, inspect }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_definition_that_is_refused_takes_back_those_before_it() {
    let case = case().await;
    case.tenant.publish(shop("shop", &[("a", 5), ("b", 5)], "")).await.unwrap().unwrap();
    case.start("shop:1").await;
    assert_eq!(case.pool("b").await.sold(), 3);
    // `b` cannot be smaller than what is sold; `a`, which comes first, was changed already.
    let refused = case.tenant.publish(shop("shop", &[("a", 7), ("b", 2)], "")).await.unwrap().unwrap_err();
    let PublishError::Resource { name, fault, .. } = &refused else { panic!("{refused}") };
    assert_eq!((name.as_str(), fault.code.as_str()), ("b", "HOST"));
    assert!(refused.to_string().contains("3 units are reserved or sold"), "{refused}");
    assert_eq!((case.pool("a").await.total(), case.pool("b").await.total()), (5, 5));
    let versions = case.inspect.playbooks(Turn::first(9)).await.unwrap().items;
    assert_eq!(versions.len(), 1);
    // The rest of a version does not come without it.
    let published = case.tenant.publish(shop("shop", &[("a", 7), ("b", 4)], "")).await.unwrap().unwrap();
    assert_eq!((published.resources, published.resources_gone), (2, 0));
    assert_eq!((case.pool("a").await.total(), case.pool("b").await.available()), (7, 1));
    // What did not change is not applied again; what is gone is told.
    let published = case.tenant.publish(shop("shop", &[("a", 7), ("c", 1)], "")).await.unwrap().unwrap();
    assert_eq!((published.resources, published.resources_gone), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_playbooks_share_a_tenant_but_no_definition() {
    let case = case().await;
    case.tenant.publish(shop("one", &[("a", 5), ("b", 5)], "")).await.unwrap().unwrap();
    let refused = case.tenant.publish(shop("two", &[("b", 9)], "")).await.unwrap().unwrap_err();
    assert!(
        matches!(&refused, PublishError::Taken { name, by, .. } if name.as_str() == "b" && by.as_str() == "one")
    );
    case.tenant.publish(shop("two", &[("d", 9)], "")).await.unwrap().unwrap();
    // The same event starts a workflow of each.
    assert_eq!(case.admit("g", "go", "shop:1").await.len(), 2);
    let case = case.reopen().await;
    assert_eq!(case.admit("h", "go", "shop:1").await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_segment_that_is_new_takes_in_those_who_are_there_and_tells_of_nobody() {
    let case = case().await;
    case.tenant.publish(shop("shop", &[("a", 5), ("b", 99)], "")).await.unwrap().unwrap();
    for number in 0..300 {
        case.admit(&format!("g{number}"), "go", &format!("shop:{number}")).await;
    }
    let segments = "segments:\n  goers: { title: Goers, if: \"customer.facts['go'].count > 0\" }";
    case.tenant.publish(shop("shop", &[("a", 5), ("b", 99)], segments)).await.unwrap().unwrap();
    case.tenant.settle().await.unwrap();
    assert_eq!(case.counter("entered").await, 0);
    let tallies = case.inspect.tallies().await.unwrap();
    assert_eq!(tallies.segments.iter().map(|(_, _, members)| *members).collect::<Vec<_>>(), [300]);
    // Whoever comes from now on is told of.
    case.admit("new", "go", "shop:new").await;
    assert_eq!(case.counter("entered").await, 1);
    // A changed condition is looked at for everybody.
    let segments = "segments:\n  goers: { title: Goers, if: \"customer.facts['go'].count > 1\" }";
    case.tenant.publish(shop("shop", &[("a", 5), ("b", 99)], segments)).await.unwrap().unwrap();
    case.tenant.settle().await.unwrap();
    let who: Subject = "shop:7".parse().unwrap();
    let image = case.inspect.customer(who).await.unwrap().unwrap();
    assert!(!image.segments.iter().any(|row| row.is_member));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_without_its_rights_is_not_published() {
    let case = case().await;
    let mut without = (*shop("shop", &[("a", 1), ("b", 1)], "").playbook).clone();
    for used in without.plugins.values_mut() {
        used.grants.pop();
    }
    let publication = Publication {
        playbook: std::sync::Arc::new(without),
        files: Vec::new(),
        replaces: Default::default(),
    };
    let refused = case.tenant.publish(publication).await.unwrap().unwrap_err();
    assert!(
        matches!(&refused, PublishError::Plugin { plugin, .. } if plugin.as_str() == "probe"),
        "{refused}"
    );
    assert!(case.inspect.events(EventFilter::default(), Turn::first(1)).await.unwrap().items.is_empty());
}
