//! PgBouncer between hosts and their database: in session mode everything goes as without it, and in transaction mode
//! nothing is begun.
//!
//! Where there is no `pgbouncer` the tests say so and end.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::print_stdout, reason = "what is left out is told")]

mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};
use siyu_engine::ports::fleet::{Fleet, News, Posting};
use siyu_engine::ports::inspect::{EventFilter, Inspect, Turn};
use siyu_store::{PgFleet, PgInspect, PgOptions, PgRole, PgStores};
use siyu_test_postgres::{Pooler, Pooling, Scratch};

use support::served::{LONG, Served, until};

const TENANTS: [&str; 2] = ["one", "two"];
const EVENTS: usize = 40;

/// A database and a pooler in front of it; none where there is no pooler.
fn pooled(pooling: Pooling) -> Option<(Pooler, Scratch)> {
    if !Pooler::is_installed() {
        println!("left out: no `pgbouncer` is here; install Debian's package `pgbouncer`");
        return None;
    }
    let database = Scratch::make().unwrap();
    Some((Pooler::start(&database.url(), pooling).unwrap(), database))
}

fn publish(data: &Path, url: &str, tenant: &str) -> Output {
    let rush = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/playbooks/rush");
    let mut publish = support::siyu(data);
    publish.env("SIYU_DATABASE_URL", url).args(["publish", "--tenant", tenant]).arg(rush);
    publish.output().unwrap()
}

fn tap(id: usize) -> Value {
    json!({
        "id": format!("tap-{id}"), "type": "order.created", "subject": format!("shop:{id}"),
        "data": { "order_no": format!("o-{id}") }
    })
}

/// How often each event is in a tenant's log, read by a URL.
fn events(url: &str, tenant: &str) -> BTreeMap<String, usize> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let stores = PgStores::new(url, PgOptions::default()).unwrap();
        let inspect = PgInspect::open(&stores, &tenant.parse().unwrap()).await.unwrap();
        let filter =
            EventFilter { event_type: Some("order.created".parse().unwrap()), ..EventFilter::default() };
        let mut found = BTreeMap::new();
        for event in inspect.events(filter, Turn::first(1_000)).await.unwrap().items {
            *found.entry(event.id.clone()).or_default() += 1;
        }
        found
    })
}

#[test]
fn hosts_work_by_way_of_a_pooler_that_keeps_sessions_whole() {
    let Some((pooler, database)) = pooled(Pooling::Session) else { return };
    let folder = tempfile::tempdir().unwrap();
    for tenant in TENANTS {
        let done = publish(&folder.path().join("commands"), pooler.url(), tenant);
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
    let host = |name: &str| Served::start(&folder.path().join(name), Some(pooler.url()), name);
    let hosts = [host("first"), host("second")];
    until("an even share", || hosts.iter().all(|host| host.tenants().len() == 1));
    for number in 0..EVENTS {
        for (place, tenant) in TENANTS.iter().enumerate() {
            // Half of them at the host that has the tenant, half at the other one, each of them twice.
            let (status, answer) = hosts[(number + place) % 2].post(tenant, &tap(number));
            assert_eq!((status, &answer["is_duplicate"]), (200, &json!(false)), "{answer}");
            let (status, answer) = hosts[(number + place + 1) % 2].post(tenant, &tap(number));
            assert_eq!((status, &answer["is_duplicate"]), (200, &json!(true)), "{answer}");
        }
    }
    let [first, second] = hosts;
    first.signal("KILL");
    until("the take-over", || second.tenants().len() == TENANTS.len());
    for tenant in TENANTS {
        assert_eq!(second.post(tenant, &tap(EVENTS)).0, 200);
    }
    assert_eq!(second.stop(), Some(0));
    // Read by the pooler and without it.
    for tenant in TENANTS {
        let found = events(pooler.url(), tenant);
        assert_eq!(found.len(), EVENTS + 1);
        assert!(found.values().all(|times| *times == 1), "{found:?}");
        assert_eq!(found, events(&database.url(), tenant));
    }
}

#[test]
fn hosts_hear_each_other_by_way_of_a_pooler_that_keeps_sessions_whole() {
    let Some((pooler, _database)) = pooled(Pooling::Session) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let stores = || PgStores::new(pooler.url(), PgOptions::default()).unwrap();
        let one = PgFleet::join(&stores(), "one", PgRole::Member).await.unwrap();
        let other = PgFleet::join(&stores(), "other", PgRole::Member).await.unwrap();
        let tenant = "one".parse().unwrap();
        assert!(one.found(&tenant).await.unwrap());
        // Whoever begins to listen may have missed something.
        assert_eq!(one.news().await, News::Anything);
        let letter = Posting { tenant, body: "{}".to_owned(), is_awaited: false };
        other.post(vec![letter]).await.unwrap();
        let letters = async { while one.news().await != News::Letters {} };
        tokio::time::timeout(LONG, letters).await.expect("the news of a letter");
    });
}

#[test]
fn a_pooler_that_shares_sessions_is_refused_before_anything_is_written() {
    let Some((pooler, database)) = pooled(Pooling::Transaction) else { return };
    let folder = tempfile::tempdir().unwrap();
    let refused = publish(&folder.path().join("commands"), pooler.url(), "one");
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success(), "{said}");
    assert!(said.contains("expected whole sessions, as with pool_mode = session"), "{said}");
    let mut serve = support::siyu(&folder.path().join("host"));
    serve.env("SIYU_DATABASE_URL", pooler.url()).args(["serve", "--listen", "127.0.0.1:0", "--open"]);
    let refused = serve.output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("expected whole sessions"), "{said}");
    let made = "DO $$ BEGIN ASSERT NOT EXISTS \
        (SELECT 1 FROM pg_namespace WHERE nspname LIKE 'siyu%'), 'something was written'; END $$";
    database.execute(made).unwrap();
}
