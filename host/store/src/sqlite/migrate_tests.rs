//! Migrations: what is refused, and what a kill half-way leaves.

use siyu_engine::ports::store::StoreError;
use sqlx::sqlite::SqliteConnection;
use sqlx::{ConnectOptions, Row};

use super::{ALL, migrate};
use crate::database::Args;
use crate::migrations::Migration;
use crate::sqlite::SqliteOptions;
use crate::sqlite::connect::{rows, writer};

const SECOND: Migration = Migration {
    version: 2,
    name: "0002_second",
    text: "CREATE TABLE second (id INTEGER PRIMARY KEY) STRICT; INSERT INTO second VALUES (1);",
};

/// Half of it works, then it fails: what a kill between two statements leaves to the next host.
const BROKEN: Migration = Migration {
    text: "CREATE TABLE second (id INTEGER PRIMARY KEY) STRICT; INSERT INTO nowhere VALUES (1);",
    ..SECOND
};

async fn connect(folder: &tempfile::TempDir) -> SqliteConnection {
    let path = folder.path().join("t.db");
    writer(&path, &SqliteOptions::default()).connect().await.unwrap()
}

async fn number(connection: &mut SqliteConnection, text: &'static str) -> i64 {
    let found = rows(connection, text, Args::default()).await.unwrap();
    found[0].get(0)
}

async fn version(connection: &mut SqliteConnection) -> i64 {
    number(connection, "SELECT max(version) FROM migrations").await
}

fn known(second: Migration) -> Vec<Migration> {
    vec![ALL[0], second]
}

#[tokio::test]
async fn a_new_file_has_its_settings_from_the_first_table_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut connection = connect(&folder).await;
    migrate(&mut connection, "t", ALL).await.unwrap();
    for (pragma, expected) in [
        ("PRAGMA auto_vacuum", 2),
        ("PRAGMA page_size", 4_096),
        ("PRAGMA synchronous", 2),
        ("PRAGMA wal_autocheckpoint", 0),
        ("PRAGMA foreign_keys", 0),
        ("PRAGMA temp_store", 2),
        ("PRAGMA cache_size", -65_536),
        ("PRAGMA application_id", 0x5369_7975),
    ] {
        assert_eq!(number(&mut connection, pragma).await, expected, "{pragma}");
    }
    let mode = rows(&mut connection, "PRAGMA journal_mode", Args::default()).await.unwrap();
    assert_eq!(mode[0].get::<&str, _>(0), "wal");
}

#[tokio::test]
async fn migrating_again_changes_nothing_and_an_older_database_is_brought_forward() {
    let folder = tempfile::tempdir().unwrap();
    for known in [ALL[..1].to_vec(), ALL[..1].to_vec(), known(SECOND), known(SECOND)] {
        let mut connection = connect(&folder).await;
        migrate(&mut connection, "t", &known).await.unwrap();
        assert_eq!(version(&mut connection).await, known.len() as i64);
    }
    let mut connection = connect(&folder).await;
    assert_eq!(number(&mut connection, "SELECT count(*) FROM second").await, 1);
}

#[tokio::test]
async fn a_migration_that_stops_half_way_leaves_nothing_and_can_be_done_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut connection = connect(&folder).await;
    let fault = migrate(&mut connection, "t", &known(BROKEN)).await.unwrap_err();
    assert!(fault.to_string().contains("migration 0002_second"), "{fault}");
    // The same connection and a new one see the same: the first migration, and nothing of the second.
    for mut connection in [connection, connect(&folder).await] {
        assert_eq!(version(&mut connection).await, 1);
        let left = "SELECT count(*) FROM sqlite_schema WHERE name = 'second'";
        assert_eq!(number(&mut connection, left).await, 0);
    }
    let mut connection = connect(&folder).await;
    migrate(&mut connection, "t", &known(SECOND)).await.unwrap();
    assert_eq!(version(&mut connection).await, 2);
}

#[tokio::test]
async fn a_kill_inside_the_first_migration_leaves_an_empty_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut connection = connect(&folder).await;
    let broken = Migration { version: 1, ..BROKEN };
    migrate(&mut connection, "t", &[broken]).await.unwrap_err();
    assert_eq!(number(&mut connection, "SELECT count(*) FROM sqlite_schema").await, 0);
    migrate(&mut connection, "t", ALL).await.unwrap();
}

#[tokio::test]
async fn a_newer_database_is_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let mut connection = connect(&folder).await;
    migrate(&mut connection, "t", &known(SECOND)).await.unwrap();
    let fault = migrate(&mut connection, "tenants/t.db", &ALL[..1]).await.unwrap_err();
    assert!(matches!(fault, StoreError::Newer { found: 2, known: 1, .. }), "{fault}");
    assert_eq!(
        fault.to_string(),
        "tenants/t.db has schema version 2, this host knows versions up to 1: use a newer host"
    );
    assert_eq!(version(&mut connection).await, 2);
}

#[tokio::test]
async fn an_edited_migration_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let mut connection = connect(&folder).await;
    migrate(&mut connection, "t", &known(SECOND)).await.unwrap();
    let edited =
        Migration { text: "CREATE TABLE second (id INTEGER PRIMARY KEY, more TEXT) STRICT;", ..SECOND };
    let fault = migrate(&mut connection, "t", &known(edited)).await.unwrap_err();
    let expected = "stored state is broken: t was migrated by another text of 0002_second: \
        an applied migration must not be edited";
    assert_eq!(fault.to_string(), expected);
}

#[tokio::test]
async fn a_database_of_somebody_else_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let mut connection = connect(&folder).await;
    rows(&mut connection, "CREATE TABLE theirs (id INTEGER)", Args::default()).await.unwrap();
    let fault = migrate(&mut connection, "t", ALL).await.unwrap_err();
    assert!(fault.to_string().contains("not one of Siyu"), "{fault}");
    assert_eq!(number(&mut connection, "SELECT count(*) FROM sqlite_schema").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hosts_that_migrate_at_once_both_succeed() {
    let folder = std::sync::Arc::new(tempfile::tempdir().unwrap());
    // The file exists in WAL mode, as after any opening; migrating is what they race for.
    drop(connect(&folder).await);
    let hosts: Vec<_> = (0..4)
        .map(|_| {
            let folder = folder.clone();
            tokio::spawn(async move {
                let mut connection = connect(&folder).await;
                migrate(&mut connection, "t", &known(SECOND)).await
            })
        })
        .collect();
    for host in hosts {
        host.await.unwrap().unwrap();
    }
    let mut connection = connect(&folder).await;
    assert_eq!(number(&mut connection, "SELECT count(*) FROM second").await, 1);
}
