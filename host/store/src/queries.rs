//! The statements that every database has: one file each in `queries/<database>/`, named here once.
//!
//! Same name, same question, same cells in the same order; how it is said is the database's own.

macro_rules! queries {
    ($($name:ident,)*) => {
        /// The texts of one database.
        pub(crate) struct Queries {
            $(pub(crate) $name: &'static str,)*
        }

        /// What they say in SQLite.
        pub(crate) static SQLITE: Queries = Queries {
            $($name: include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"), "/queries/sqlite/", stringify!($name), ".sql"
            )),)*
        };

        /// What they say in Postgres.
        pub(crate) static POSTGRES: Queries = Queries {
            $($name: include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"), "/queries/postgres/", stringify!($name), ".sql"
            )),)*
        };

        /// Their names.
        #[cfg(test)]
        pub(crate) const NAMES: &[&str] = &[$(stringify!($name),)*];
    };
}

queries! {
    customer_ids,
    erase_accounts,
    erase_counters,
    erase_customer,
    erase_entries,
    erase_event_matches,
    erase_events,
    erase_facts,
    erase_identities,
    erase_journal,
    erase_ledger_entries,
    erase_messages,
    erase_records,
    erase_records_named,
    erase_reservations,
    erase_runs,
    erase_segments,
    erase_tags,
    event,
    events_count,
    events_since_customer,
    events_since_matching,
    image_customers,
    image_feeds,
    image_playbooks,
    image_resources,
    image_scans,
    image_schedules,
    inspect_accounts,
    inspect_accounts_of_customer,
    inspect_cohorts,
    inspect_cohorts_returned,
    inspect_counters,
    inspect_events,
    inspect_events_at,
    inspect_events_at_end,
    inspect_events_of_customer,
    inspect_events_of_type,
    inspect_facts,
    inspect_firsts,
    inspect_groups,
    inspect_groups_customers,
    inspect_journal,
    inspect_ledger,
    inspect_ledger_of_customer,
    inspect_ledgers,
    inspect_log_events,
    inspect_log_lines,
    inspect_messages,
    inspect_messages_at,
    inspect_messages_at_end,
    inspect_messages_of_channel,
    inspect_messages_of_customer,
    inspect_messages_of_status,
    inspect_playbooks,
    inspect_pools,
    inspect_reach,
    inspect_reservations,
    inspect_resources,
    inspect_rows,
    inspect_runs,
    inspect_runs_at,
    inspect_runs_at_end,
    inspect_runs_of_customer,
    inspect_runs_of_phase,
    inspect_runs_of_workflow,
    inspect_scans,
    inspect_stock_owners,
    inspect_tally_events,
    inspect_tally_messages,
    inspect_tally_reservations,
    inspect_tally_runs,
    inspect_tally_segments,
    inspect_tally_workflow,
    inspect_tally_workflows,
    inspect_timeline_events,
    inspect_timeline_messages,
    inspect_timeline_runs,
    inspect_timeline_segments,
    inspect_timeline_tags,
    inspect_times,
    journal_end,
    journal_heads,
    lease_image,
    lease_take,
    load_accounts,
    load_codes,
    load_counters,
    load_customers,
    load_customers_entries,
    load_customers_facts,
    load_customers_identities,
    load_customers_records,
    load_customers_segments,
    load_customers_tags,
    load_customers_waits,
    load_dedupes,
    load_entries,
    load_identities,
    load_messages,
    load_planned,
    load_pools,
    load_records,
    load_reservations,
    load_runs,
    load_scans,
    load_waits_matching,
    messages_unsent,
    note,
    note_end,
    note_put,
    playbook,
    purge_event_matches,
    purge_events,
    purge_events_window,
    purge_journal,
    purge_messages,
    purge_messages_window,
    purge_reservations,
    purge_reservations_window,
    purge_runs,
    purge_runs_pick,
    purge_runs_window,
    purge_scans,
    records_range,
    runs_placed,
    runs_queued,
    secret,
    secret_put,
    timers_after,
    unfinished_messages,
    unfinished_planned,
    unfinished_reservations,
    unfinished_runs,
}
