//! The rules of state again, as constraints of Postgres: each is broken on purpose, straight in the database.

use siyu_engine::ports::store::Stores;
use siyu_test_postgres::Scratch;
use sqlx::postgres::{PgArguments, PgConnection};
use sqlx::{AssertSqlSafe, Row};

use super::connect::{Purpose, run};
use super::{PgOptions, PgStores, registry};
use crate::conformance::samples::{everything, name};

/// What breaks a rule, and what the refusal names. Every row of the sample of everything is there.
const BROKEN: &[(&str, &str)] = &[
    ("UPDATE pools SET available = available - 1", "a_pool_balances"),
    ("UPDATE pools SET available = -1, reserved = reserved + available + 1", "pools_available_check"),
    ("UPDATE pools SET sold = -1, available = total - reserved + 1", "pools_sold_check"),
    ("UPDATE pools SET reserved = -1, available = total - sold + 1", "pools_reserved_check"),
    ("UPDATE counters SET used = limit_max + 1", "no_counter_passes_its_limit"),
    ("UPDATE counters SET used = -1", "counters_used_check"),
    ("UPDATE accounts SET balance = -1 WHERE length(customer) = 16", "no_customer_owes"),
    ("UPDATE accounts SET balance = 9007199254740992", "accounts_balance_check"),
    ("UPDATE accounts SET balance = -9007199254740992 WHERE length(customer) = 0", "accounts_balance_check"),
    ("UPDATE accounts SET customer = '\\x00'", "accounts_customer_check"),
    ("UPDATE ledger_entries SET units = 0", "ledger_entries_units_check"),
    ("UPDATE ledger_entries SET units = 9007199254740992", "ledger_entries_units_check"),
    (
        "UPDATE ledger_entries SET to_customer = from_customer, to_name = from_name",
        "a_transfer_has_two_sides",
    ),
    ("UPDATE ledger_entries SET posting = '\\x00'", "ledger_entries_posting_check"),
    ("UPDATE ledger_entries SET place = -1", "ledger_entries_place_check"),
    ("UPDATE ledger_entries SET place = 0", "ledger_entries_posting"),
    ("UPDATE runs SET phase = 'sleeping'", "a_phase_is_known"),
    ("UPDATE runs SET ended_at = NULL WHERE phase = 'completed'", "an_ended_run_has_an_end"),
    ("UPDATE runs SET ended_at = 1 WHERE phase = 'paused'", "an_ended_run_has_an_end"),
    ("UPDATE runs SET status = NULL WHERE phase = 'paused'", "a_status_with_more_than_a_name_is_kept"),
    ("UPDATE runs SET parent_fiber = NULL WHERE parent IS NOT NULL", "a_called_run_has_a_fiber"),
    ("UPDATE runs SET id = '\\x00'", "runs_id_check"),
    ("UPDATE runs SET version = '\\x00'", "runs_version_check"),
    ("UPDATE runs SET customer = '\\x00'", "runs_customer_check"),
    ("UPDATE runs SET journal_rows = -1", "runs_journal_rows_check"),
    ("UPDATE journal SET prev = NULL WHERE \"row\" = 1", "only_the_first_line_has_none_before_it"),
    ("UPDATE journal SET prev = 1 WHERE id = 1", "journal_check"),
    ("UPDATE journal SET prev = id WHERE \"row\" = 1", "journal_check"),
    ("UPDATE journal SET kind = 'sung'", "a_kind_is_known"),
    ("UPDATE messages SET status = 'read'", "a_status_is_known"),
    ("UPDATE messages SET class = 'spam'", "messages_class_check"),
    ("UPDATE messages SET attempts = -1", "messages_attempts_check"),
    ("UPDATE messages SET customer = NULL", "customer"),
    ("UPDATE reservations SET status = 'lost'", "a_status_is_known"),
    ("UPDATE reservations SET units = 0", "reservations_units_check"),
    ("UPDATE reservations SET counters = '{}'", "reservations_counters_check"),
    ("UPDATE events SET dedupe = (SELECT dedupe FROM events WHERE seq = 1)", "events_dedupe"),
    ("UPDATE events SET seq = 0 WHERE seq = 1", "events_seq_check"),
    ("UPDATE events SET matches = '\\x0102'", "events_matches_check"),
    ("UPDATE events SET occurred_at = 'yesterday'", "type bigint"),
    ("UPDATE customers SET attributes = '[]'", "customers_attributes_check"),
    ("UPDATE facts SET count = 0", "facts_count_check"),
    ("UPDATE facts SET last_at = first_at - 1", "facts_check"),
    ("UPDATE tags SET confidence_percent = 101", "tags_confidence_percent_check"),
    ("UPDATE segment_members SET is_member = 'maybe'", "type boolean"),
    ("UPDATE entries SET hash = '\\x00'", "entries_hash_check"),
    ("UPDATE waits SET event_types = 'order.paid'", "waits_event_types_check"),
    ("UPDATE timers SET due_at = -1", "timers_due_at_check"),
    ("UPDATE records SET customer = '\\x00'", "records_customer_check"),
    ("UPDATE playbooks SET compiled = '{'", "type json"),
    ("UPDATE playbooks SET is_active = true", "playbooks_active"),
    ("UPDATE resources SET body = 'not json'", "type json"),
    ("UPDATE scans SET hits = seen + 1", "scans_check"),
    ("UPDATE feeds SET events = -1", "feeds_events_check"),
    ("UPDATE codes SET lookup = '\\x00'", "codes_lookup_check"),
    ("UPDATE lease SET writer = epoch - 1", "writer_has_the_lease"),
    ("UPDATE lease SET epoch = -1, writer = -1", "lease_epoch_check"),
    ("INSERT INTO lease VALUES (2, 1, 1, 0, 0)", "lease_only_check"),
];

async fn filled(scratch: &Scratch) -> PgConnection {
    let stores = PgStores::new(&scratch.url(), PgOptions::default()).unwrap();
    let tenant = name("t").unwrap();
    let store = stores.open(&tenant).await.unwrap();
    store.commit(everything().unwrap()).await.unwrap();
    stores.server.connect(&registry::schema_of(&tenant), Purpose::Write).await.unwrap()
}

#[tokio::test]
async fn no_statement_can_break_a_rule_of_state() {
    let scratch = Scratch::make().unwrap();
    let mut connection = filled(&scratch).await;
    let mut faults = Vec::new();
    for (text, rule) in BROKEN {
        match sqlx::raw_sql(*text).execute(&mut connection).await {
            Ok(_) => faults.push(format!("{text} was done")),
            Err(fault) if fault.to_string().contains(rule) => {}
            Err(fault) => faults.push(format!("{text}: expected {rule}, found {fault}")),
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[tokio::test]
async fn every_table_with_a_rule_is_tried() {
    let scratch = Scratch::make().unwrap();
    let mut connection = filled(&scratch).await;
    let ruled = "SELECT DISTINCT conrelid::regclass::text FROM pg_constraint \
        WHERE contype = 'c' AND connamespace = current_schema()::text::regnamespace";
    let (rows, _) = run(&mut connection, AssertSqlSafe(ruled), PgArguments::default()).await.unwrap();
    assert!(rows.len() > 15, "{} tables", rows.len());
    for row in rows {
        let table: String = row.get(0);
        let is_tried = BROKEN.iter().any(|(text, _)| text.split_whitespace().any(|word| word == table));
        // A key that waits look back by is made of the same hashes as all others; plans are like the others' rows.
        let is_like_others =
            ["event_matches", "identities", "planned", "migrations"].contains(&table.as_str());
        assert!(is_tried || is_like_others, "{table}");
    }
}
