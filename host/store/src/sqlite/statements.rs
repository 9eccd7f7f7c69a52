//! The texts that only SQLite has: rows of a write set in `queries/sqlite/`, and what stands around them.

/// The text of a query file.
macro_rules! sql {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/queries/sqlite/", $name, ".sql"))
    };
}

/// The tables that almost every commit changes, a batch a statement, in the order in which they are written.
pub(super) const STEPS: [&str; 15] = [
    sql!("waits_end"),
    sql!("timers_end"),
    sql!("customers_put"),
    sql!("identities_put"),
    sql!("events_add"),
    sql!("event_matches_add"),
    sql!("facts_put"),
    sql!("runs_put"),
    sql!("runs_go_on"),
    sql!("journal_add"),
    sql!("entries_put"),
    sql!("waits_put"),
    sql!("timers_put"),
    sql!("records_put"),
    sql!("messages_put"),
];

/// Marks, plans, stock, accounts and codes.
pub(super) const STOCK: [&str; 12] = [
    sql!("tags_put"),
    sql!("tags_end"),
    sql!("segments_put"),
    sql!("planned_put"),
    sql!("planned_end"),
    sql!("records_end"),
    sql!("pools_put"),
    sql!("reservations_put"),
    sql!("counters_put"),
    sql!("accounts_put"),
    sql!("ledger_entries_add"),
    sql!("codes_add"),
];

/// What publishing, schedules and scans change.
pub(super) const PUBLISHED: [&str; 7] = [
    sql!("playbooks_put"),
    sql!("resources_end"),
    sql!("resources_put"),
    sql!("schedules_put"),
    sql!("scans_put"),
    sql!("feeds_put"),
    sql!("journal_heads_put"),
];

/// The beginning of every commit: a transaction under the lease. Parameters: the check's three.
pub(super) const BEGIN: &str = concat!("BEGIN IMMEDIATE;\n", sql!("lease_check"));

/// The end of every commit.
pub(super) const COMMIT_AND_FRAMES: &str = concat!("COMMIT;\n", sql!("wal_frames"));

/// Pages of the database, their size, and how many of them hold nothing.
pub(super) const PAGES: &str = sql!("inspect_pages");
