//! The rules of state again, as constraints: each is broken on purpose, straight in the database.

use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, ConnectOptions};

use super::connect::{rows, writer};
use super::{SqliteOptions, SqliteStores};
use crate::conformance::samples::{everything, name};
use crate::database::Args;
use siyu_engine::ports::store::Stores;

/// What breaks a rule, and what the refusal names. Every row of the sample of everything is there.
const BROKEN: &[(&str, &str)] = &[
    ("UPDATE pools SET available = available - 1", "a_pool_balances"),
    ("UPDATE pools SET available = -1, reserved = reserved + available + 1", "available >= 0"),
    ("UPDATE pools SET sold = -1, available = total - reserved + 1", "sold >= 0"),
    ("UPDATE pools SET reserved = -1, available = total - sold + 1", "reserved >= 0"),
    ("UPDATE counters SET used = limit_max + 1", "no_counter_passes_its_limit"),
    ("UPDATE counters SET used = -1", "used >= 0"),
    ("UPDATE accounts SET balance = -1 WHERE length(customer) = 16", "no_customer_owes"),
    ("UPDATE accounts SET balance = 9007199254740992", "balance BETWEEN"),
    ("UPDATE accounts SET balance = -9007199254740992 WHERE length(customer) = 0", "balance BETWEEN"),
    ("UPDATE accounts SET customer = x'00'", "length(customer) IN (0, 16)"),
    ("UPDATE ledger_entries SET units = 0", "units BETWEEN"),
    ("UPDATE ledger_entries SET units = 9007199254740992", "units BETWEEN"),
    (
        "UPDATE ledger_entries SET to_customer = from_customer, to_name = from_name",
        "a_transfer_has_two_sides",
    ),
    ("UPDATE ledger_entries SET posting = x'00'", "length(posting) = 16"),
    ("UPDATE ledger_entries SET place = -1", "place >= 0"),
    ("UPDATE ledger_entries SET place = 0", "ledger_entries.posting"),
    ("UPDATE runs SET phase = 'sleeping'", "a_phase_is_known"),
    ("UPDATE runs SET ended_at = NULL WHERE phase = 'completed'", "an_ended_run_has_an_end"),
    ("UPDATE runs SET ended_at = 1 WHERE phase = 'paused'", "an_ended_run_has_an_end"),
    ("UPDATE runs SET status = NULL WHERE phase = 'paused'", "a_status_with_more_than_a_name_is_kept"),
    ("UPDATE runs SET parent_fiber = NULL WHERE parent IS NOT NULL", "a_called_run_has_a_fiber"),
    ("UPDATE runs SET id = x'00'", "length(id) = 16"),
    ("UPDATE runs SET version = x'00'", "length(version) = 32"),
    ("UPDATE runs SET customer = x'00'", "length(customer) = 16"),
    ("UPDATE runs SET journal_rows = -1", "journal_rows >= 0"),
    ("UPDATE runs SET state = x'00'", "cannot store BLOB value in TEXT column"),
    ("UPDATE journal SET prev = NULL WHERE row = 1", "only_the_first_line_has_none_before_it"),
    ("UPDATE journal SET prev = 1 WHERE id = 1", "CHECK constraint failed"),
    ("UPDATE journal SET prev = id WHERE row = 1", "prev < id"),
    ("UPDATE journal SET kind = 'sung'", "a_kind_is_known"),
    ("UPDATE messages SET status = 'read'", "a_status_is_known"),
    ("UPDATE messages SET class = 'spam'", "class IN"),
    ("UPDATE messages SET attempts = -1", "attempts >= 0"),
    ("UPDATE messages SET customer = NULL", "messages.customer"),
    ("UPDATE reservations SET status = 'lost'", "a_status_is_known"),
    ("UPDATE reservations SET units = 0", "units > 0"),
    ("UPDATE reservations SET counters = '{}'", "substr(counters, 1, 1) = '['"),
    ("UPDATE events SET dedupe = (SELECT dedupe FROM events WHERE seq = 1)", "events.dedupe"),
    ("UPDATE events SET seq = 0 WHERE seq = 1", "seq > 0"),
    ("UPDATE events SET matches = x'0102'", "length(matches) % 16 = 0"),
    ("UPDATE events SET occurred_at = 'yesterday'", "cannot store TEXT value in INTEGER column"),
    ("UPDATE customers SET attributes = '[]'", "substr(attributes, 1, 1) = '{'"),
    ("UPDATE facts SET count = 0", "count > 0"),
    ("UPDATE facts SET last_at = first_at - 1", "last_at >= first_at"),
    ("UPDATE tags SET confidence_percent = 101", "confidence_percent BETWEEN 0 AND 100"),
    ("UPDATE segment_members SET is_member = 2", "is_member IN (0, 1)"),
    ("UPDATE entries SET hash = x'00'", "length(hash) = 16"),
    ("UPDATE waits SET event_types = 'order.paid'", "substr(event_types, 1, 1) = '['"),
    ("UPDATE timers SET due_at = -1", "due_at >= 0"),
    ("UPDATE records SET customer = x'00'", "length(customer) IN (0, 16)"),
    ("UPDATE playbooks SET compiled = '{'", "json_valid(compiled)"),
    ("UPDATE playbooks SET is_active = 1", "playbooks.name"),
    ("UPDATE resources SET body = 'not json'", "json_valid(body)"),
    ("UPDATE scans SET hits = seen + 1", "hits BETWEEN 0 AND seen"),
    ("UPDATE feeds SET events = -1", "events >= 0"),
    ("UPDATE codes SET lookup = x'00'", "length(lookup) = 16"),
    ("UPDATE lease SET writer = epoch - 1", "writer_has_the_lease"),
    ("UPDATE lease SET epoch = -1, writer = -1", "epoch >= 0"),
    ("INSERT INTO lease VALUES (2, 1, 1, 0, 0)", "only = 1"),
];

async fn filled(folder: &tempfile::TempDir) -> SqliteConnection {
    let stores = SqliteStores::new(folder.path(), SqliteOptions::default());
    let tenant = name("t").unwrap();
    let store = stores.open(&tenant).await.unwrap();
    store.commit(everything().unwrap()).await.unwrap();
    let path = stores.path(&tenant);
    writer(&path, &SqliteOptions::default()).connect().await.unwrap()
}

#[tokio::test]
async fn no_statement_can_break_a_rule_of_state() {
    let folder = tempfile::tempdir().unwrap();
    let mut connection = filled(&folder).await;
    let mut faults = Vec::new();
    for (text, rule) in BROKEN {
        match rows(&mut connection, *text, Args::default()).await {
            Ok(_) => faults.push(format!("{text} was done")),
            Err(fault) if fault.to_string().contains(rule) => {}
            Err(fault) => faults.push(format!("{text}: expected {rule}, found {fault}")),
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[tokio::test]
async fn every_table_with_a_rule_is_tried() {
    let folder = tempfile::tempdir().unwrap();
    let mut connection = filled(&folder).await;
    let ruled =
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql LIKE '%CHECK%' AND name <> 'migrations'";
    for row in rows(&mut connection, ruled, Args::default()).await.unwrap() {
        let table: String = sqlx::Row::get(&row, 0);
        let is_tried = BROKEN.iter().any(|(text, _)| text.split_whitespace().any(|word| word == table));
        // A key that waits look back by is made of the same hashes as all others; plans are like the others' rows.
        let is_like_others = ["event_matches", "identities", "planned"].contains(&table.as_str());
        assert!(is_tried || is_like_others, "{table}");
    }
    let check = AssertSqlSafe("PRAGMA integrity_check");
    let found = rows(&mut connection, check, Args::default()).await.unwrap();
    assert_eq!(sqlx::Row::get::<String, _>(&found[0], 0), "ok");
}
