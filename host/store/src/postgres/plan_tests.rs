//! The query files of Postgres: each can be prepared, says what it is for, is used, and takes the index that it names.

use siyu_model::name::TenantName;
use siyu_test_postgres::Scratch;
use sqlx::postgres::{PgArguments, PgConnection};
use sqlx::{AssertSqlSafe, Row};

use super::connect::{Purpose, Server, run};
use super::{migrate, registry};
use crate::queries::NAMES;
use crate::query_files::{self, said};

/// Statements that are about no tenant's tables.
const OF_THE_HOST: &str = "host_";
/// Statements that only Postgres has.
const OWN: &[&str] = &["commit_writes", "inspect_size", "lease_check", "schema_types"];

async fn migrated(scratch: &Scratch) -> PgConnection {
    let server = Server::at(&scratch.url()).unwrap();
    let tenant: TenantName = "t".parse().unwrap();
    let schema = registry::schema_of(&tenant);
    // As an executor sees it, so the plans are those that it gets, for tables that were never measured.
    let mut connection = server.connect(&schema, Purpose::Write).await.unwrap();
    migrate::migrate(&mut connection, registry::HOST_SCHEMA, "host", migrate::HOST).await.unwrap();
    migrate::migrate(&mut connection, &schema, "t", migrate::TENANT).await.unwrap();
    connection
}

#[test]
fn every_query_file_is_used_and_none_of_a_tenant_names_a_schema() {
    for (name, text) in query_files::of("postgres") {
        let is_of_the_host = name.starts_with(OF_THE_HOST);
        let is_used = NAMES.contains(&name.as_str()) || OWN.contains(&name.as_str()) || is_of_the_host;
        assert!(is_used, "{name}.sql");
        assert!(is_of_the_host || !text.contains("siyu"), "{name}.sql names a schema");
    }
}

/// What an executor asks, with the types of its parameters as the store sends them.
const KEYED: &[(&str, &str)] = &[
    ("customer_ids", "bytea, int8"),
    ("event", "int8"),
    ("events_count", "bytea, text, int8, int8"),
    ("events_since_customer", "bytea, text[], int8, int8, int8"),
    ("events_since_matching", "bytea, text[], int8, int8, int8"),
    ("journal_heads", "bytea[]"),
    ("keys_counters", "text, text, int8"),
    ("keys_events", "bytea, int8"),
    ("keys_identities", "text, text, int8"),
    ("load_accounts", "record_key[]"),
    ("load_codes", "bytea[]"),
    ("load_counters", "text_pair[]"),
    ("load_customers", "bytea[]"),
    ("load_customers_entries", "bytea[]"),
    ("load_customers_facts", "bytea[]"),
    ("load_customers_identities", "bytea[]"),
    ("load_customers_records", "bytea[]"),
    ("load_customers_segments", "bytea[]"),
    ("load_customers_tags", "bytea[]"),
    ("load_customers_waits", "bytea[]"),
    ("load_dedupes", "bytea[]"),
    ("load_entries", "bytea[]"),
    ("load_identities", "text_pair[]"),
    ("load_messages", "bytea[]"),
    ("load_planned", "text_pair[]"),
    ("load_pools", "text_pair[]"),
    ("load_records", "record_key[]"),
    ("load_reservations", "bytea[]"),
    ("load_runs", "bytea[]"),
    ("load_scans", "bytea[]"),
    ("load_waits_matching", "bytea[]"),
    ("messages_unsent", "bytea, int8, int8"),
    ("playbook", "text, bytea"),
    ("purge_events_window", "int8, int8"),
    ("purge_journal", "int8[]"),
    ("purge_messages", "int8, int8, int8"),
    ("purge_messages_window", "int8, int8"),
    ("purge_reservations", "bytea, bytea, int8"),
    ("purge_reservations_window", "bytea, int8"),
    ("purge_runs", "int8[]"),
    ("purge_runs_pick", "int8, int8, int8"),
    ("purge_runs_window", "int8, int8"),
    ("records_range", "bytea, text, text, text, text, int8"),
    ("runs_placed", "text, text, text, int8"),
    ("runs_queued", "text, text, text, int8"),
    ("timers_after", "int8, bytea, int8"),
];

/// The lines of a statement's plan, for any parameters.
async fn plan(connection: &mut PgConnection, name: &str, types: &str, text: &str) -> Vec<String> {
    let nulls = vec!["NULL"; types.split(", ").count()].join(", ");
    let prepare = format!("PREPARE q_{name} ({types}) AS {text}");
    sqlx::raw_sql(AssertSqlSafe(prepare)).execute(&mut *connection).await.unwrap();
    let explain = AssertSqlSafe(format!("EXPLAIN EXECUTE q_{name} ({nulls})"));
    let (rows, _) = run(connection, explain, PgArguments::default()).await.unwrap();
    rows.iter().map(|row| row.get::<String, _>(0)).collect()
}

#[tokio::test]
async fn what_an_executor_asks_takes_an_index_however_the_tables_looked_when_it_was_planned() {
    let scratch = Scratch::make().unwrap();
    let mut connection = migrated(&scratch).await;
    let texts = query_files::of("postgres");
    let mut faults = Vec::new();
    for (name, types) in KEYED {
        let text = &texts.iter().find(|(file, _)| file == name).expect("a file").1;
        let plan = plan(&mut connection, name, types, text).await;
        let said = said(text, "index").unwrap();
        if plan.iter().any(|line| line.contains("Seq Scan")) {
            faults.push(format!("{name} reads a whole table: {plan:#?}"));
        }
        let named = said.split([' ', ',', ':', ';']).filter(|word| word.contains('_'));
        for index in named.filter(|index| !plan.iter().any(|line| line.contains(index))) {
            faults.push(format!("{name} names {index} and takes {plan:#?}"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
