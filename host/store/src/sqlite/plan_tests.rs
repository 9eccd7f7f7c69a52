//! The query files: each can be prepared, says what it is for, is used, and takes the index that it names.

use std::collections::BTreeSet;

use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, ConnectOptions, Executor, Row, SqlSafeStr};

use super::SqliteOptions;
use super::connect::{rows, writer};
use super::migrate::{ALL, HOST, migrate};
use crate::database::Args;
use crate::query_files::{self, said};

/// Statements that are about no tenant's tables.
const OF_THE_HOST: &str = "host_";

/// A database with the tables of a tenant and those of a host, so that every statement finds its own.
async fn migrated(folder: &tempfile::TempDir) -> SqliteConnection {
    let path = folder.path().join("t.db");
    let mut connection = writer(&path, &SqliteOptions::default()).connect().await.unwrap();
    migrate(&mut connection, "t", ALL).await.unwrap();
    for migration in HOST {
        sqlx::raw_sql(migration.text).execute(&mut connection).await.unwrap();
    }
    connection
}

/// The lines of a statement's plan.
async fn plan(connection: &mut SqliteConnection, text: &str) -> Vec<String> {
    let text = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {text}"));
    let found = rows(connection, text, Args::default()).await.unwrap();
    found.iter().map(|row| row.get::<String, _>(3)).collect()
}

#[test]
fn every_query_file_is_used() {
    let used = include_str!("statements.rs");
    for (name, _) in query_files::of("sqlite") {
        let is_shared = crate::queries::NAMES.contains(&name.as_str());
        let is_of_the_host = name.starts_with(OF_THE_HOST);
        assert!(is_shared || is_of_the_host || used.contains(&format!("\"{name}\"")), "{name}.sql");
    }
}

#[tokio::test]
async fn every_query_file_can_be_prepared() {
    let folder = tempfile::tempdir().unwrap();
    let mut connection = migrated(&folder).await;
    for (name, text) in query_files::of("sqlite") {
        let prepared = (&mut connection).prepare(AssertSqlSafe(text).into_sql_str()).await;
        assert!(prepared.is_ok(), "{name}: {:?}", prepared.err());
    }
}

/// Tables that a plan goes through from end to end. An index that the statement names may hold only what is wanted.
fn scanned<'p>(plan: &'p [String], said: &str) -> Vec<&'p str> {
    plan.iter()
        .filter_map(|line| line.strip_prefix("SCAN "))
        // Batches, constants and the rows of inner statements are as long as they are.
        .filter(|what| !what.rsplit_once("INDEX ").is_some_and(|(_, index)| said.contains(index)))
        .filter(|what| !what.contains("VIRTUAL TABLE") && !what.starts_with("CONSTANT ROW"))
        .filter(|what| {
            !["line", "part", "month", "returned", "(subquery"].iter().any(|inner| what.starts_with(inner))
        })
        .collect()
}

#[tokio::test]
async fn every_query_takes_the_index_that_it_names_and_scans_no_table_unless_it_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let mut connection = migrated(&folder).await;
    let indexes: BTreeSet<String> = rows(
        &mut connection,
        "SELECT name FROM sqlite_schema WHERE type = 'index' AND name NOT LIKE 'sqlite_autoindex%'",
        Args::default(),
    )
    .await
    .unwrap()
    .iter()
    .map(|row| row.get(0))
    .collect();
    let mut named = BTreeSet::new();
    let mut faults = Vec::new();
    for (name, text) in query_files::of("sqlite") {
        let said = said(&text, "index").unwrap().to_owned();
        let plan = plan(&mut connection, &text).await;
        let scans = scanned(&plan, &said);
        if !scans.is_empty() && !said.starts_with("scan: ") && !said.starts_with("none: ") {
            faults.push(format!("{name} scans {scans:?}"));
        }
        let is_read = !text.contains("INSERT");
        for index in indexes.iter().filter(|index| said.contains(index.as_str())) {
            named.insert(index.clone());
            let is_taken = plan.iter().any(|line| line.contains(&format!("INDEX {index}")));
            if is_read && !is_taken {
                faults.push(format!("{name} names {index} and takes {plan:?}"));
            }
        }
    }
    let unused: Vec<_> = indexes.difference(&named).collect();
    assert!(faults.is_empty() && unused.is_empty(), "{}\nno query names {unused:?}", faults.join("\n"));
}
