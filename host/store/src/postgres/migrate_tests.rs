//! Migrations of Postgres: what is refused, and what a kill half-way leaves.

use siyu_engine::ports::store::StoreError;
use siyu_test_postgres::Scratch;
use sqlx::postgres::{PgArguments, PgConnection};
use sqlx::{AssertSqlSafe, Row};

use super::connect::{Purpose, Server, run};
use super::migrate::{TENANT, migrate};
use crate::migrations::Migration;

const SCHEMA: &str = "siyu_t";

const SECOND: Migration = Migration {
    version: 2,
    name: "0002_second",
    text: "CREATE TABLE second (id bigint PRIMARY KEY); INSERT INTO second VALUES (1);",
};

/// Half of it works, then it fails: what a kill between two statements leaves to the next host.
const BROKEN: Migration = Migration {
    text: "CREATE TABLE second (id bigint PRIMARY KEY); INSERT INTO nowhere VALUES (1);",
    ..SECOND
};

async fn connect(scratch: &Scratch) -> PgConnection {
    Server::at(&scratch.url()).unwrap().connect(SCHEMA, Purpose::Write).await.unwrap()
}

async fn number(connection: &mut PgConnection, text: &str) -> i64 {
    let (found, _) = run(connection, AssertSqlSafe(text), PgArguments::default()).await.unwrap();
    found[0].get(0)
}

async fn version(connection: &mut PgConnection) -> i64 {
    number(connection, "SELECT max(version) FROM migrations").await
}

fn known(second: Migration) -> Vec<Migration> {
    vec![TENANT[0], second]
}

#[tokio::test]
async fn migrating_again_changes_nothing_and_an_older_schema_is_brought_forward() {
    let scratch = Scratch::make().unwrap();
    for known in [TENANT[..1].to_vec(), TENANT[..1].to_vec(), known(SECOND), known(SECOND)] {
        let mut connection = connect(&scratch).await;
        migrate(&mut connection, SCHEMA, "t", &known).await.unwrap();
        assert_eq!(version(&mut connection).await, known.len() as i64);
    }
    let mut connection = connect(&scratch).await;
    assert_eq!(number(&mut connection, "SELECT count(*) FROM second").await, 1);
}

#[tokio::test]
async fn a_migration_that_stops_half_way_leaves_nothing_and_can_be_done_again() {
    let scratch = Scratch::make().unwrap();
    let mut connection = connect(&scratch).await;
    let fault = migrate(&mut connection, SCHEMA, "t", &known(BROKEN)).await.unwrap_err();
    assert!(fault.to_string().contains("migration 0002_second"), "{fault}");
    // The same connection and a new one see the same: the first migration, and nothing of the second.
    for mut connection in [connection, connect(&scratch).await] {
        assert_eq!(version(&mut connection).await, 1);
        let left = "SELECT count(*) FROM pg_tables WHERE tablename = 'second'";
        assert_eq!(number(&mut connection, left).await, 0);
    }
    let mut connection = connect(&scratch).await;
    migrate(&mut connection, SCHEMA, "t", &known(SECOND)).await.unwrap();
    assert_eq!(version(&mut connection).await, 2);
}

#[tokio::test]
async fn a_kill_inside_the_first_migration_leaves_no_schema() {
    let scratch = Scratch::make().unwrap();
    let mut connection = connect(&scratch).await;
    let broken = Migration { version: 1, ..BROKEN };
    migrate(&mut connection, SCHEMA, "t", &[broken]).await.unwrap_err();
    let left = "SELECT count(*) FROM pg_namespace WHERE nspname = 'siyu_t'";
    assert_eq!(number(&mut connection, left).await, 0);
    migrate(&mut connection, SCHEMA, "t", TENANT).await.unwrap();
}

#[tokio::test]
async fn a_schema_that_an_administrator_made_is_used() {
    let scratch = Scratch::make().unwrap();
    scratch.execute("CREATE SCHEMA siyu_t").unwrap();
    let mut connection = connect(&scratch).await;
    migrate(&mut connection, SCHEMA, "t", TENANT).await.unwrap();
    assert_eq!(version(&mut connection).await, TENANT.len() as i64);
}

#[tokio::test]
async fn a_newer_schema_is_refused_before_anything_is_written() {
    let scratch = Scratch::make().unwrap();
    let mut connection = connect(&scratch).await;
    migrate(&mut connection, SCHEMA, "t", &known(SECOND)).await.unwrap();
    let fault = migrate(&mut connection, SCHEMA, "tenant t", &TENANT[..1]).await.unwrap_err();
    assert!(matches!(fault, StoreError::Newer { found: 2, known: 1, .. }), "{fault}");
    assert_eq!(version(&mut connection).await, 2);
}

#[tokio::test]
async fn an_edited_migration_is_noticed() {
    let scratch = Scratch::make().unwrap();
    let mut connection = connect(&scratch).await;
    migrate(&mut connection, SCHEMA, "t", &known(SECOND)).await.unwrap();
    let edited = Migration { text: "CREATE TABLE second (id bigint PRIMARY KEY, more text);", ..SECOND };
    let fault = migrate(&mut connection, SCHEMA, "t", &known(edited)).await.unwrap_err();
    assert!(fault.to_string().contains("migrated by another text of 0002_second"), "{fault}");
}

#[tokio::test]
async fn a_schema_of_somebody_else_is_left_alone() {
    let scratch = Scratch::make().unwrap();
    scratch.execute("CREATE SCHEMA siyu_t CREATE TABLE theirs (id bigint)").unwrap();
    let mut connection = connect(&scratch).await;
    let fault = migrate(&mut connection, SCHEMA, "t", TENANT).await.unwrap_err();
    assert!(fault.to_string().contains("none of Siyu"), "{fault}");
    let left = "SELECT count(*) FROM pg_tables WHERE schemaname = 'siyu_t'";
    assert_eq!(number(&mut connection, left).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hosts_that_migrate_at_once_all_succeed() {
    let scratch = std::sync::Arc::new(Scratch::make().unwrap());
    let hosts: Vec<_> = (0..4)
        .map(|_| {
            let scratch = scratch.clone();
            tokio::spawn(async move {
                let mut connection = connect(&scratch).await;
                migrate(&mut connection, SCHEMA, "t", &known(SECOND)).await
            })
        })
        .collect();
    for host in hosts {
        host.await.unwrap().unwrap();
    }
    let mut connection = connect(&scratch).await;
    assert_eq!(number(&mut connection, "SELECT count(*) FROM second").await, 1);
}
