//! What only a store on a server has: settings that are not its own, connections that break, many hosts.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use siyu_engine::ports::inspect::{EventFilter, Inspect, Turn};
use siyu_engine::ports::rows::WriteSet;
use siyu_engine::ports::store::{StoreError, Stores, Wants};
use siyu_model::event::{EventSeq, Identity};
use siyu_model::name::TenantName;
use siyu_store::conformance::samples::{SECRET, customer, event, everything, name, of_customer, run, run_id};
use siyu_store::{PgInspect, PgOptions, PgStores};
use siyu_test_postgres::{Binaries, Scratch, Server};

fn tenant() -> TenantName {
    name("t").unwrap()
}

fn stores(scratch: &Scratch) -> PgStores {
    PgStores::new(&scratch.url(), PgOptions::default()).unwrap()
}

fn events(seqs: std::ops::RangeInclusive<u64>) -> WriteSet {
    WriteSet { events: seqs.map(|seq| event(seq).unwrap()).collect(), ..WriteSet::default() }
}

/// Ends every other connection to a database, as a server does that is started anew.
fn end_connections(scratch: &Scratch) {
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
        WHERE datname = current_database() AND pid <> pg_backend_pid()";
    scratch.execute(end).unwrap();
}

#[tokio::test]
async fn a_session_that_answers_before_it_is_durable_is_refused() {
    let scratch = Scratch::make().unwrap();
    stores(&scratch).open(&tenant()).await.unwrap().close().await.unwrap();
    scratch.execute("DO $$ BEGIN EXECUTE 'ALTER DATABASE ' || current_database() || ' SET synchronous_commit = off'; END $$").unwrap();
    let fault = stores(&scratch).open(&tenant()).await.err().unwrap().to_string();
    assert!(fault.contains("synchronous_commit=off") && fault.contains("set it to on"), "{fault}");
    assert!(PgInspect::open(&stores(&scratch), &tenant()).await.is_err());
}

#[tokio::test]
async fn a_server_that_does_not_sync_is_refused_and_can_still_be_looked_at() {
    let server = Server::start_with(&Binaries::find().unwrap(), &["fsync=off"]).unwrap();
    let stores = PgStores::new(server.url(), PgOptions::default()).unwrap();
    let fault = stores.open(&tenant()).await.err().unwrap().to_string();
    assert!(fault.contains("runs with fsync=off") && fault.contains("set fsync=on"), "{fault}");
    let mut health = stores.health().await.unwrap();
    assert_eq!((health.fsync.as_str(), health.synchronous_commit.as_str()), ("off", "on"));
    health.round_trip().await.unwrap();
    health.commit().await.unwrap();
}

#[tokio::test]
async fn settings_of_the_database_do_not_change_what_a_store_does() {
    let scratch = Scratch::make().unwrap();
    let settings = [
        ("default_transaction_isolation", "serializable"),
        ("search_path", "public"),
        ("default_transaction_read_only", "on"),
    ];
    for (setting, value) in settings {
        let text = format!(
            "DO $$ BEGIN EXECUTE 'ALTER DATABASE ' || current_database() || ' SET {setting} = {value}'; END $$"
        );
        scratch.execute(&text).unwrap();
    }
    let stale = stores(&scratch).open(&tenant()).await.unwrap();
    stale.commit(events(1..=1)).await.unwrap();
    let owner = stores(&scratch).open(&tenant()).await.unwrap();
    let refused = stale.commit(events(2..=2)).await;
    assert!(matches!(refused, Err(StoreError::Fenced { epoch: 1, .. })), "{refused:?}");
    owner.commit(events(2..=2)).await.unwrap();
    assert_eq!(owner.load_tenant().await.unwrap().last_seq, EventSeq(2));
}

#[tokio::test]
async fn reading_survives_a_server_that_is_started_anew_and_writing_waits_until_the_tenant_is_opened_again() {
    let scratch = Scratch::make().unwrap();
    let store = stores(&scratch).open(&tenant()).await.unwrap();
    let inspect = PgInspect::open(&stores(&scratch), &tenant()).await.unwrap();
    store.commit(events(1..=3)).await.unwrap();
    let listed = || async {
        let page = inspect.events(EventFilter::default(), Turn::first(10)).await.unwrap();
        page.items.len()
    };
    assert!(store.event(EventSeq(3)).await.unwrap().is_some());
    assert_eq!(listed().await, 3);
    end_connections(&scratch);
    assert!(store.event(EventSeq(3)).await.unwrap().is_some());
    assert_eq!(listed().await, 3);
    let broken = store.commit(events(4..=4)).await;
    assert!(matches!(broken, Err(StoreError::Database(_))), "{broken:?}");
    let refused = store.commit(events(4..=4)).await;
    assert!(matches!(&refused, Err(StoreError::Database(why)) if why.contains("open the tenant again")));
    let store = stores(&scratch).open(&tenant()).await.unwrap();
    let last = store.load_tenant().await.unwrap().last_seq.0;
    assert_eq!(last, 3, "a connection that was dead before the commit carried nothing");
    store.commit(events(4..=4)).await.unwrap();
}

/// A commit that is given up while it runs may be in the database or not: the store must not go on as if it knew.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_is_given_up_stops_the_store() {
    let scratch = Scratch::make().unwrap();
    let store = stores(&scratch).open(&tenant()).await.unwrap();
    let mut given_up = Box::pin(store.commit(events(1..=5_000)));
    // Polled once, so that it is on its way, and then dropped.
    std::future::poll_fn(|context| {
        let _ = given_up.as_mut().poll(context);
        std::task::Poll::Ready(())
    })
    .await;
    drop(given_up);
    let refused = store.commit(events(5_001..=5_001)).await;
    assert!(matches!(refused, Err(StoreError::Database(_))), "{refused:?}");
    let store = stores(&scratch).open(&tenant()).await.unwrap();
    let last = store.load_tenant().await.unwrap().last_seq.0;
    assert!(last == 0 || last == 5_000, "whole or not at all: {last}");
    store.commit(events(last + 1..=last + 1)).await.unwrap();
}

/// Hosts take the tenant from each other as fast as they can; each commits the next event until it is fenced. Were two of them
/// ever owners at once, both would commit an event of the same place, or one would be lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_hosts_that_take_a_tenant_only_the_last_one_writes_it() {
    const HOSTS: usize = 4;
    const TAKES: usize = 6;
    const COMMITS_MAX: usize = 40;
    let scratch = Arc::new(Scratch::make().unwrap());
    stores(&scratch).open(&tenant()).await.unwrap().close().await.unwrap();
    let committed = Arc::new(AtomicU64::new(0));
    let host = |scratch: Arc<Scratch>, committed: Arc<AtomicU64>| async move {
        let mut fenced = 0;
        for _ in 0..TAKES {
            let store = stores(&scratch).open(&tenant()).await.unwrap();
            let mut next = store.load_tenant().await.unwrap().last_seq.0 + 1;
            for _ in 0..COMMITS_MAX {
                match store.commit(events(next..=next)).await {
                    Ok(()) => next += 1,
                    Err(StoreError::Fenced { .. }) => {
                        fenced += 1;
                        break;
                    }
                    Err(fault) => panic!("{fault}"),
                }
                committed.fetch_add(1, Ordering::Relaxed);
            }
        }
        fenced
    };
    let hosts: Vec<_> = (0..HOSTS).map(|_| tokio::spawn(host(scratch.clone(), committed.clone()))).collect();
    let mut fenced = 0;
    for host in hosts {
        fenced += host.await.unwrap();
    }
    let store = stores(&scratch).open(&tenant()).await.unwrap();
    let last = store.load_tenant().await.unwrap().last_seq.0;
    assert_eq!(last, committed.load(Ordering::Relaxed), "each acknowledged commit is there, once");
    for seq in 1..=last {
        assert!(store.event(EventSeq(seq)).await.unwrap().is_some(), "event {seq}");
    }
    assert!(fenced > 0, "nobody was ever fenced: the hosts never met");
}

#[tokio::test]
async fn tenants_with_long_names_are_told_apart_and_listed_by_their_names() {
    let scratch = Scratch::make().unwrap();
    let names: Vec<TenantName> =
        ["x", "y"].iter().map(|end| name(&format!("{}{end}", "a".repeat(63))).unwrap()).collect();
    for (number, tenant) in (1..).zip(&names) {
        let store = stores(&scratch).open(tenant).await.unwrap();
        store.commit(events(1..=number)).await.unwrap();
    }
    assert_eq!(stores(&scratch).tenants().await.unwrap(), names);
    for (number, tenant) in (1..).zip(&names) {
        let store = stores(&scratch).open(tenant).await.unwrap();
        assert_eq!(store.load_tenant().await.unwrap().last_seq, EventSeq(number));
    }
}

#[tokio::test]
async fn a_database_without_tenants_has_none_and_reading_makes_none() {
    let scratch = Scratch::make().unwrap();
    assert_eq!(stores(&scratch).tenants().await.unwrap(), []);
    let missing = PgInspect::open(&stores(&scratch), &tenant()).await.err().unwrap();
    assert!(missing.to_string().contains("tenant t in postgres://"), "{missing}");
    assert_eq!(stores(&scratch).tenants().await.unwrap(), []);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_without_its_password() {
    let stores = PgStores::new("postgres://me:hush@127.0.0.1:1/shop", PgOptions::default()).unwrap();
    let fault = stores.open(&tenant()).await.err().unwrap().to_string();
    assert!(fault.contains("postgres://me@127.0.0.1:1/shop cannot be reached"), "{fault}");
    assert!(!format!("{fault} {stores:?}").contains("hush"), "{fault} {stores:?}");
}

/// The model keeps the character 0 out of documents; a key or a reference may still come with it, from a plugin or a program.
/// Postgres cannot hold it, and a tenant must not stop at it.
#[tokio::test]
async fn texts_with_any_character_come_back() {
    let scratch = Scratch::make().unwrap();
    let store = stores(&scratch).open(&tenant()).await.unwrap();
    let text = "a\0b\u{1}0\0\0";
    let identity = Identity { namespace: "shop".to_owned(), value: text.to_owned() };
    let mut keyed = run(7).unwrap();
    keyed.key = Some(text.to_owned());
    let mut writes = everything().unwrap();
    writes.identities = vec![(identity.clone(), customer(1))];
    writes.runs.push(keyed.clone());
    store.commit(writes).await.unwrap();
    let wants = Wants { identities: vec![identity.clone()], runs: vec![run_id(7)], ..Wants::default() };
    let loaded = store.load(wants).await.unwrap();
    assert_eq!(loaded.identities, [(identity, customer(1))]);
    assert_eq!(loaded.runs[0].run.key, keyed.key);
}

#[tokio::test]
async fn an_erased_customer_is_in_no_cell_of_any_table() {
    let scratch = Scratch::make().unwrap();
    // Fails when a row of the tenant's schema holds the text.
    let look = format!(
        "DO $$ DECLARE one record; found bigint; BEGIN \
         FOR one IN SELECT schemaname AS s, tablename AS t FROM pg_tables \
             WHERE schemaname NOT IN ('pg_catalog', 'information_schema') LOOP \
             EXECUTE format('SELECT count(*) FROM %I.%I AS r WHERE strpos(r::text, %L) > 0', one.s, one.t, '{SECRET}') \
             INTO found; \
             IF found > 0 THEN RAISE EXCEPTION 'still in %', one.t; END IF; \
         END LOOP; END $$"
    );
    let store = stores(&scratch).open(&tenant()).await.unwrap();
    store.commit(of_customer(1).unwrap()).await.unwrap();
    assert!(scratch.execute(&look).is_err(), "the test cannot see it");
    store.erase(customer(1), customer(900)).await.unwrap();
    scratch.execute(&look).unwrap();
    store.close().await.unwrap();
}
