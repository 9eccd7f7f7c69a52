//! What is carried is all there is, in both databases.

use siyu_engine::ports::store::Stores;
use siyu_model::name::TenantName;
use siyu_test_postgres::Scratch;

use super::{Kind, tables};
use crate::{PgOptions, PgStores, SqliteOptions, SqliteStores};

/// Columns that stay where they are: who may write here, and numbers that only Postgres keeps.
const STAY: &[(&str, &str)] =
    &[("lease", "only"), ("lease", "epoch"), ("lease", "writer"), ("playbooks", "no")];

fn carried() -> Vec<(String, String)> {
    let newest = crate::sqlite::carry::versions().pop().expect("a version");
    let tables = tables(newest).expect("the newest version is carried");
    let columns = tables
        .iter()
        .flat_map(|table| table.columns.iter().map(|column| (table.name.to_owned(), column.name.to_owned())));
    let mut columns: Vec<_> = columns.collect();
    columns.sort();
    columns
}

fn without(found: Vec<(String, String)>) -> Vec<(String, String)> {
    let mut left: Vec<_> = found
        .into_iter()
        .filter(|(table, column)| !STAY.contains(&(table.as_str(), column.as_str())))
        .collect();
    left.sort();
    left
}

#[tokio::test]
async fn every_table_and_column_is_carried() {
    let tenant: TenantName = "t".parse().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let files = SqliteStores::new(folder.path(), SqliteOptions::default());
    files.open(&tenant).await.unwrap().close().await.unwrap();
    assert_eq!(without(crate::sqlite::carry::columns(&files.path(&tenant)).await), carried());
    let scratch = Scratch::make().unwrap();
    let database = PgStores::new(&scratch.url(), PgOptions::default()).unwrap();
    database.open(&tenant).await.unwrap().close().await.unwrap();
    assert_eq!(without(crate::postgres::carry::columns(&database, &tenant).await), carried());
}

#[test]
fn both_databases_have_the_same_versions_and_each_can_be_carried() {
    let versions = crate::sqlite::carry::versions();
    assert_eq!(versions, crate::postgres::carry::versions());
    for version in versions {
        assert!(tables(version).is_some(), "version {version}");
    }
    assert!(tables(0).is_none());
}

#[test]
fn names_of_tables_and_columns_need_no_care_in_a_statement() {
    let is_plain = |name: &str| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let newest = crate::sqlite::carry::versions().pop().expect("a version");
    for table in tables(newest).expect("a version") {
        assert!(is_plain(table.name) && table.columns.iter().all(|column| is_plain(column.name)));
        assert_eq!(table.is_numbered, table.place("no") == Some(0));
        let is_sum = |column: &super::Column| column.name == "sum_fen";
        assert!(table.columns.iter().filter(|column| is_sum(column)).all(|column| column.kind == Kind::Int));
    }
}
