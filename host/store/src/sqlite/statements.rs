//! The statements: one file each in `queries/sqlite/`, named here once.
//!
//! Statements that always run together are one text, because each text costs a trip to the connection's thread and
//! back: 10 to 50 microseconds, more than most statements.

/// The text of a query file.
macro_rules! sql {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/queries/sqlite/", $name, ".sql"))
    };
}

macro_rules! statements {
    ($($constant:ident = $name:literal,)*) => {
        $(pub(in crate::sqlite) const $constant: &str = sql!($name);)*
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
pub(super) const STEPS_AND_COMMIT: &str = steps!(concat!("COMMIT;\n", sql!("wal_frames")));
/// The same with more to come.
pub(super) const STEPS: &str = steps!("");

/// Marks, plans, stock and codes.
pub(super) const STOCK: &str = concat!(
    sql!("tags_put"),
    sql!("tags_end"),
    sql!("segments_put"),
    sql!("planned_put"),
    sql!("planned_end"),
    sql!("records_end"),
    sql!("pools_put"),
    sql!("reservations_put"),
    sql!("counters_put"),
    sql!("codes_add"),
);

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
pub(super) const COMMIT_AND_FRAMES: &str = concat!("COMMIT;\n", sql!("wal_frames"));

/// What an executor starts from, in one view of the database.
pub(super) const IMAGE: &str = concat!(
    "BEGIN;\n",
    sql!("lease_image"),
    sql!("secret"),
    sql!("image_playbooks"),
    sql!("image_resources"),
    sql!("image_schedules"),
    sql!("image_scans"),
    sql!("image_feeds"),
    sql!("image_customers"),
    "COMMIT;\n",
);

/// The beginning of every purge: a transaction under the lease.
pub(super) const PURGE_BEGIN: &str = concat!("BEGIN IMMEDIATE;\n", sql!("lease_check"));

statements! {
    CUSTOMER_IDS = "customer_ids",
    EVENT = "event",
    EVENTS_COUNT = "events_count",
    EVENTS_SINCE_CUSTOMER = "events_since_customer",
    EVENTS_SINCE_MATCHING = "events_since_matching",
    JOURNAL_END = "journal_end",
    JOURNAL_HEADS = "journal_heads",
    LEASE_TAKE = "lease_take",
    LOAD_CODES = "load_codes",
    LOAD_COUNTERS = "load_counters",
    LOAD_CUSTOMERS = "load_customers",
    LOAD_CUSTOMERS_ENTRIES = "load_customers_entries",
    LOAD_CUSTOMERS_FACTS = "load_customers_facts",
    LOAD_CUSTOMERS_IDENTITIES = "load_customers_identities",
    LOAD_CUSTOMERS_RECORDS = "load_customers_records",
    LOAD_CUSTOMERS_SEGMENTS = "load_customers_segments",
    LOAD_CUSTOMERS_TAGS = "load_customers_tags",
    LOAD_CUSTOMERS_WAITS = "load_customers_waits",
    LOAD_DEDUPES = "load_dedupes",
    LOAD_ENTRIES = "load_entries",
    LOAD_IDENTITIES = "load_identities",
    LOAD_MESSAGES = "load_messages",
    LOAD_PLANNED = "load_planned",
    LOAD_POOLS = "load_pools",
    LOAD_RECORDS = "load_records",
    LOAD_RESERVATIONS = "load_reservations",
    LOAD_RUNS = "load_runs",
    LOAD_SCANS = "load_scans",
    LOAD_WAITS_MATCHING = "load_waits_matching",
    MESSAGES_UNSENT = "messages_unsent",
    PLAYBOOK = "playbook",
    PURGE_EVENTS = "purge_events",
    PURGE_EVENTS_WINDOW = "purge_events_window",
    PURGE_EVENT_MATCHES = "purge_event_matches",
    PURGE_JOURNAL = "purge_journal",
    PURGE_MESSAGES = "purge_messages",
    PURGE_MESSAGES_WINDOW = "purge_messages_window",
    PURGE_RESERVATIONS = "purge_reservations",
    PURGE_RESERVATIONS_WINDOW = "purge_reservations_window",
    PURGE_RUNS = "purge_runs",
    PURGE_RUNS_PICK = "purge_runs_pick",
    PURGE_RUNS_WINDOW = "purge_runs_window",
    PURGE_SCANS = "purge_scans",
    RECORDS_RANGE = "records_range",
    RUNS_PLACED = "runs_placed",
    RUNS_QUEUED = "runs_queued",
    SECRET_PUT = "secret_put",
    TIMERS_AFTER = "timers_after",
}

/// What people ask: the statements of the `Inspect` port.
pub(super) mod inspect {
    statements! {
        CUSTOMER_EVENTS = "inspect_events_of_customer",
        CUSTOMER_MESSAGES = "inspect_messages_of_customer",
        CUSTOMER_RUNS = "inspect_runs_of_customer",
        COUNTERS = "inspect_counters",
        EVENTS = "inspect_events",
        EVENTS_AT = "inspect_events_at",
        EVENTS_END = "inspect_events_at_end",
        FACTS = "inspect_facts",
        FIRSTS = "inspect_firsts",
        GROUPS = "inspect_groups",
        GROUPS_CUSTOMERS = "inspect_groups_customers",
        MESSAGES = "inspect_messages",
        MESSAGES_AT = "inspect_messages_at",
        MESSAGES_END = "inspect_messages_at_end",
        MESSAGES_OF_CHANNEL = "inspect_messages_of_channel",
        MESSAGES_OF_STATUS = "inspect_messages_of_status",
        PAGES = "inspect_pages",
        PLAYBOOKS = "inspect_playbooks",
        POOLS = "inspect_pools",
        REACH = "inspect_reach",
        RESERVATIONS = "inspect_reservations",
        RESERVATION_TALLIES = "inspect_tally_reservations",
        RESOURCES = "inspect_resources",
        ROWS = "inspect_rows",
        RUNS = "inspect_runs",
        RUNS_AT = "inspect_runs_at",
        RUNS_END = "inspect_runs_at_end",
        RUNS_OF_PHASE = "inspect_runs_of_phase",
        RUNS_OF_WORKFLOW = "inspect_runs_of_workflow",
        SCANS = "inspect_scans",
        SCHEDULES = "image_schedules",
        STOCK_OWNERS = "inspect_stock_owners",
        TIMES = "inspect_times",
        TYPE_EVENTS = "inspect_events_of_type",
        WORKFLOW = "inspect_tally_workflow",
        WORKFLOWS = "inspect_tally_workflows",
    }

    /// A run and its journal, in one view of the database.
    pub(in crate::sqlite) const RUN: &str =
        concat!("BEGIN;\n", sql!("load_runs"), sql!("inspect_journal"), "COMMIT;\n",);

    /// All that happened to a customer, in one view of the database.
    pub(in crate::sqlite) const TIMELINE: &str = concat!(
        "BEGIN;\n",
        sql!("inspect_timeline_events"),
        sql!("inspect_timeline_runs"),
        sql!("inspect_timeline_messages"),
        sql!("inspect_timeline_tags"),
        sql!("inspect_timeline_segments"),
        "COMMIT;\n",
    );

    /// How much there is of what, in one view of the database.
    pub(in crate::sqlite) const TALLIES: &str = concat!(
        "BEGIN;\n",
        sql!("inspect_tally_runs"),
        sql!("inspect_tally_messages"),
        sql!("inspect_tally_events"),
        sql!("inspect_tally_segments"),
        "COMMIT;\n",
    );

    /// Cohorts and their returns, in one view of the database.
    pub(in crate::sqlite) const COHORTS: &str =
        concat!("BEGIN;\n", sql!("inspect_cohorts"), sql!("inspect_cohorts_returned"), "COMMIT;\n",);
}
