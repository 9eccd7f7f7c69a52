//! The texts that only SQLite has: rows of a write set in `queries/sqlite/`, several statements a text.
//!
//! Statements that always run together are one text, because each text costs a trip to the connection's thread and
//! back: 10 to 50 microseconds, more than most statements.

/// The text of a query file.
macro_rules! sql {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/queries/sqlite/", $name, ".sql"))
    };
}

/// Marks, plans, stock, accounts and codes.
macro_rules! stock {
    () => {
        concat!(
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
        )
    };
}

/// The end of a commit.
macro_rules! commit {
    () => {
        concat!("COMMIT;\n", sql!("wal_frames"))
    };
}

/// The tables that almost every commit changes; parameters: the check's three, then one batch a statement.
macro_rules! steps {
    ($end:expr) => {
        concat!(
            "BEGIN IMMEDIATE;\n",
            sql!("lease_check"),
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
            $end,
        )
    };
}

/// A whole commit of these tables.
pub(super) const STEPS_AND_COMMIT: &str = steps!(commit!());
/// The same with stock.
pub(super) const STEPS_STOCK_AND_COMMIT: &str = steps!(concat!(stock!(), commit!()));
/// The same with more to come.
pub(super) const STEPS: &str = steps!("");
/// What comes then, where there is some.
pub(super) const STOCK: &str = stock!();

/// What publishing, schedules and scans change.
pub(super) const PUBLISHED: &str = concat!(
    sql!("playbooks_put"),
    sql!("resources_end"),
    sql!("resources_put"),
    sql!("schedules_put"),
    sql!("scans_put"),
    sql!("feeds_put"),
    sql!("journal_heads_put"),
);

/// The end of a commit in several texts.
pub(super) const COMMIT_AND_FRAMES: &str = commit!();

/// The beginning of every purge: a transaction under the lease.
pub(super) const PURGE_BEGIN: &str = concat!("BEGIN IMMEDIATE;\n", sql!("lease_check"));

/// Pages of the database, their size, and how many of them hold nothing.
pub(super) const PAGES: &str = sql!("inspect_pages");
