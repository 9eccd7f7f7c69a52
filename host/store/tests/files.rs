//! What only a store of files has: rights, faults half-way, a bounded log, pages that go back.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;

use siyu_engine::ports::rows::WriteSet;
use siyu_engine::ports::store::{Maintenance, Store, StoreError, Stores};
use siyu_model::event::EventSeq;
use siyu_model::name::TenantName;
use siyu_store::conformance::samples::{
    SECRET, at, customer, ended, event, everything, line, message, name, of_customer, run_id,
};
use siyu_store::{SqliteInspect, SqliteOptions, SqliteStores};

fn tenant() -> TenantName {
    name("t").unwrap()
}

fn stores(folder: &tempfile::TempDir) -> SqliteStores {
    SqliteStores::new(folder.path().join("tenants"), SqliteOptions::default())
}

fn events(seqs: std::ops::RangeInclusive<u64>) -> WriteSet {
    WriteSet { events: seqs.map(|seq| event(seq).unwrap()).collect(), ..WriteSet::default() }
}

#[tokio::test]
async fn only_the_hosts_own_user_can_read_a_tenant() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let stores = stores(&folder);
    let store = stores.open(&tenant()).await.unwrap();
    store.commit(everything().unwrap()).await.unwrap();
    let mut files: Vec<_> = std::fs::read_dir(folder.path().join("tenants")).unwrap().flatten().collect();
    files.sort_by_key(|file| file.file_name());
    let found: Vec<_> = files
        .iter()
        .map(|file| (file.file_name(), file.metadata().unwrap().permissions().mode() & 0o777))
        .collect();
    let names = ["t.db", "t.db-shm", "t.db-wal"];
    assert_eq!(found, names.map(|name| (name.into(), 0o600)));
}

#[tokio::test]
async fn a_folder_that_is_not_there_holds_no_tenants_and_other_files_are_none() {
    let folder = tempfile::tempdir().unwrap();
    let stores = stores(&folder);
    assert_eq!(stores.tenants().await.unwrap(), []);
    stores.open(&tenant()).await.unwrap();
    for other in ["notes.txt", "Not-A-Tenant.db", ".db", "t.db.bak"] {
        std::fs::write(folder.path().join("tenants").join(other), "x").unwrap();
    }
    assert_eq!(stores.tenants().await.unwrap(), [tenant()]);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let stores = stores(&folder);
    std::fs::create_dir_all(folder.path().join("tenants")).unwrap();
    let text = "this is a diary, not a database\n".repeat(200);
    std::fs::write(stores.path(&tenant()), &text).unwrap();
    let fault = stores.open(&tenant()).await.err().unwrap();
    assert!(fault.to_string().contains("not a database"), "{fault}");
    assert_eq!(std::fs::read_to_string(stores.path(&tenant())).unwrap(), text);
}

#[tokio::test]
async fn a_store_that_ended_cleanly_is_one_file_that_people_can_read() {
    let folder = tempfile::tempdir().unwrap();
    let stores = stores(&folder);
    let store = stores.open(&tenant()).await.unwrap();
    store.commit(everything().unwrap()).await.unwrap();
    store.close().await.unwrap();
    let refused = store.commit(WriteSet::default()).await;
    assert!(matches!(refused, Err(StoreError::Database(_))), "{refused:?}");
    let files = std::fs::read_dir(folder.path().join("tenants")).unwrap().count();
    assert_eq!(files, 1);
    use siyu_engine::ports::inspect::Inspect;
    let inspect = SqliteInspect::open(stores.path(&tenant())).await.unwrap();
    assert!(inspect.run(run_id(1)).await.unwrap().is_some());
}

/// A commit that is given up while it runs may be in the file or not: the store must not go on as if it knew.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_is_given_up_stops_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let stores = stores(&folder);
    let store = stores.open(&tenant()).await.unwrap();
    let given_up = store.commit(events(1..=5_000));
    let mut given_up = Box::pin(given_up);
    // Polled once, so that it is on its way, and then dropped.
    let once = std::future::poll_fn(|context| {
        let _ = given_up.as_mut().poll(context);
        std::task::Poll::Ready(())
    });
    once.await;
    drop(given_up);
    let refused = store.commit(events(5_001..=5_001)).await;
    assert!(matches!(refused, Err(StoreError::Database(_))), "{refused:?}");
    let store = stores.open(&tenant()).await.unwrap();
    let last = store.load_tenant().await.unwrap().last_seq.0;
    assert!(last == 0 || last == 5_000, "whole or not at all: {last}");
    store.commit(events(last + 1..=last + 1)).await.unwrap();
}

#[tokio::test]
async fn checkpoints_keep_the_log_bounded_and_say_its_length() {
    let folder = tempfile::tempdir().unwrap();
    let stores = stores(&folder);
    let store = stores.open(&tenant()).await.unwrap();
    let mut longest = 0;
    for round in 0..60 {
        let mut writes = WriteSet::default();
        for number in 1..=200 {
            let mut message = message(round * 200 + number).unwrap();
            message.body = "x".repeat(4_000);
            writes.messages.push(message);
        }
        store.commit(writes).await.unwrap();
        let report = store.maintain(Maintenance::Checkpoint).await.unwrap();
        assert!(!report.more, "nobody reads: all of the log can be moved");
        longest = longest.max(report.wal_bytes);
    }
    // 60 rounds write some 60 MB; the log begins anew whenever all of it was moved.
    assert!(longest > 0 && longest < 20 << 20, "{longest} bytes");
}

#[tokio::test]
async fn a_log_that_nobody_maintains_is_moved_by_the_commits_themselves() {
    let folder = tempfile::tempdir().unwrap();
    let stores = stores(&folder);
    let store = stores.open(&tenant()).await.unwrap();
    for round in 0..110 {
        let mut writes = WriteSet::default();
        for number in 1..=200 {
            let mut message = message(round * 200 + number).unwrap();
            message.body = "x".repeat(4_000);
            writes.messages.push(message);
        }
        store.commit(writes).await.unwrap();
    }
    let log = std::fs::metadata(folder.path().join("tenants/t.db-wal")).unwrap().len();
    // 64 MiB and one commit.
    assert!(log < 80 << 20, "{log} bytes");
}

async fn purge(store: &Arc<dyn Store>) {
    let work = Maintenance::Purge { before: at(1_000_000), rows: 500 };
    while store.maintain(work).await.unwrap().more {}
}

#[tokio::test]
async fn purging_gives_pages_back_to_the_file_system() {
    let folder = tempfile::tempdir().unwrap();
    let stores = stores(&folder);
    let store = stores.open(&tenant()).await.unwrap();
    let mut writes = WriteSet::default();
    for number in 1..=4_000 {
        let mut run = ended(number, at(number)).unwrap();
        run.journal_rows = 3;
        writes.runs.push(run);
        writes.journal.extend((0..3).map(|row| line(run_id(number), row)));
        writes.events.push(event(number).unwrap());
    }
    store.commit(writes).await.unwrap();
    store.maintain(Maintenance::Checkpoint).await.unwrap();
    let full = std::fs::metadata(stores.path(&tenant())).unwrap().len();
    purge(&store).await;
    store.close().await.unwrap();
    let left = std::fs::metadata(stores.path(&tenant())).unwrap().len();
    assert!(left * 2 < full, "{full} bytes before, {left} after");
    let store = stores.open(&tenant()).await.unwrap();
    assert_eq!(store.load_tenant().await.unwrap().last_seq, EventSeq(4_000));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_see_every_commit_while_the_next_one_runs() {
    let folder = tempfile::tempdir().unwrap();
    let stores = stores(&folder);
    let store = stores.open(&tenant()).await.unwrap();
    for seq in 1..=200 {
        let commit = tokio::spawn({
            let store = store.clone();
            async move { store.commit(events(seq..=seq)).await }
        });
        let before = store.event(EventSeq(seq - 1)).await.unwrap();
        assert_eq!(before.is_some(), seq > 1, "event {}", seq - 1);
        commit.await.unwrap().unwrap();
        assert!(store.event(EventSeq(seq)).await.unwrap().is_some(), "event {seq}");
    }
}

#[tokio::test]
async fn an_erased_customer_is_not_in_the_bytes_of_the_file_either() {
    let folder = tempfile::tempdir().unwrap();
    let stores = stores(&folder);
    let is_in_the_file = || {
        let bytes = std::fs::read(stores.path(&tenant())).unwrap();
        bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes())
    };
    let store = stores.open(&tenant()).await.unwrap();
    store.commit(of_customer(1).unwrap()).await.unwrap();
    store.close().await.unwrap();
    assert!(is_in_the_file(), "the test cannot see it");
    let store = stores.open(&tenant()).await.unwrap();
    store.erase(customer(1), customer(900)).await.unwrap();
    store.close().await.unwrap();
    assert!(!is_in_the_file());
}
