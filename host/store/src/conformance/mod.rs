//! The conformance suite: what every store must do, one check a fact, the same for every database and the test double.
//!
//! A check never panics and never knows which store it runs on: it says what it expected and what it found.

mod access;
mod commits;
mod erasure;
mod fleets;
mod ledger;
mod reads;
mod retention;
pub mod samples;
mod secrets;

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use siyu_engine::ports::rows::{JournalRow, LedgerRow};
use siyu_engine::ports::store::{Store, StoreError, Stores};
use siyu_model::id::RunId;
use siyu_model::name::{PluginName, TenantName};

pub use access::{ACCESS_CHECKS, AccessCheck, AccessPlace};
pub use fleets::{FLEET_CHECKS, FleetCheck, FleetPlace};
pub use secrets::{Keeper, SECRETS_CHECKS, SecretsCheck, SecretsPlace};

/// Where a check runs: durable state that outlives the hosts which open it.
#[async_trait]
pub trait Place: Send + Sync {
    /// Another host on the same state, as after a restart or beside the first.
    fn host(&self) -> Arc<dyn Stores>;

    /// A run's journal as people read it, oldest line first.
    async fn journal(&self, tenant: &TenantName, run: RunId) -> Result<Vec<JournalRow>, StoreError>;

    /// All transfers of a plugin's accounts as people read them, oldest first.
    async fn ledger(&self, tenant: &TenantName, plugin: &PluginName) -> Result<Vec<LedgerRow>, StoreError>;
}

/// What a check found wrong.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Failure {
    /// The store refused what it should do.
    #[error("the store failed: {0}")]
    Store(#[from] StoreError),
    /// A sample breaks a rule of the model: the suite itself is wrong.
    #[error("a sample is no {0}")]
    Sample(String),
    /// Another answer than expected.
    #[error("{what}: found {found}, expected {expected}")]
    Differs {
        /// Of what.
        what: String,
        /// The answer.
        found: String,
        /// What it should be.
        expected: String,
    },
}

/// The outcome of a check.
pub type Checked = Result<(), Failure>;

type Running<'p> = Pin<Box<dyn Future<Output = Checked> + Send + 'p>>;

/// One fact about every store.
pub struct Check {
    /// The fact.
    pub name: &'static str,
    run: for<'p> fn(&'p dyn Place) -> Running<'p>,
}

impl Check {
    /// Runs the check in a place that nothing else uses.
    pub async fn run(&self, place: &dyn Place) -> Checked {
        (self.run)(place).await
    }
}

macro_rules! checks {
    ($($module:ident::$name:ident,)*) => {
        /// All checks.
        pub const CHECKS: &[Check] = &[$(Check {
            name: stringify!($name),
            run: |place| Box::pin($module::$name(place)),
        }),*];
    };
}

checks! {
    commits::an_empty_write_set_is_a_commit,
    commits::a_write_set_is_there_whole_or_not_at_all,
    commits::a_failed_store_refuses_everything_until_it_is_opened_again,
    commits::a_stale_lease_is_refused_and_leaves_nothing,
    commits::a_stale_lease_cannot_purge,
    commits::a_changed_row_replaces_the_one_before,
    commits::a_removed_row_is_gone,
    commits::a_published_version_never_changes,
    commits::two_active_versions_of_a_playbook_are_refused,
    commits::a_batch_of_ten_thousand_rows_a_table_is_one_commit,
    commits::the_secret_of_a_tenant_is_made_once,
    commits::tenants_do_not_see_each_other,
    commits::a_journal_goes_on_after_a_restart,
    commits::a_journal_goes_on_when_its_run_does_not_change,
    commits::a_queued_run_without_lines_becomes_live_with_its_first_line,
    commits::interleaved_journals_stay_apart,
    reads::every_row_comes_back_as_it_was_committed,
    reads::every_row_comes_back_whatever_was_committed_before,
    reads::what_is_not_there_is_not_in_the_answer,
    reads::a_row_wanted_twice_comes_once,
    reads::a_tenant_starts_from_what_is_in_force,
    reads::a_version_that_an_unfinished_run_keeps_is_part_of_the_start,
    reads::timers_come_in_the_order_of_their_instants_page_after_page,
    reads::documents_come_by_prefix_in_the_order_of_their_keys,
    reads::a_window_counts_from_its_first_instant_and_up_to_its_place,
    reads::a_wait_looks_back_in_the_order_of_the_log,
    reads::places_of_a_slot_are_told_from_its_queue,
    reads::planned_messages_that_are_due_are_handed_over_again,
    reads::customers_come_in_the_order_of_their_ids,
    reads::keys_come_in_their_own_order_page_after_page,
    reads::the_last_place_of_the_log_outlives_its_events,
    ledger::accounts_and_transfers_come_back_as_they_were_committed,
    ledger::a_commit_that_breaks_a_rule_of_accounts_leaves_nothing,
    ledger::retention_takes_no_transfer_away,
    ledger::an_erased_customers_accounts_keep_what_they_hold_under_the_pseudonym,
    retention::purging_removes_what_is_over_and_keeps_what_lives,
    retention::purging_is_bounded_and_says_when_there_is_more,
    retention::purging_again_removes_nothing,
    erasure::an_erased_customer_is_nowhere_and_what_they_did_is_counted,
    erasure::erasing_twice_or_whom_nobody_knows_changes_nothing,
    erasure::a_stale_lease_cannot_erase,
    erasure::what_is_under_way_for_a_customer_is_told,
}

/// The tenant of a check.
fn tenant() -> Result<TenantName, Failure> {
    samples::name("t")
}

/// Opens the tenant of a check with another host.
async fn open(place: &dyn Place) -> Result<Arc<dyn Store>, Failure> {
    Ok(place.host().open(&tenant()?).await?)
}

/// Compares by what people would read, since not every row type can be compared.
fn same<T: Debug + ?Sized, U: Debug + ?Sized>(what: &str, found: &T, expected: &U) -> Checked {
    let (found, expected) = (format!("{found:?}"), format!("{expected:?}"));
    if found == expected {
        return Ok(());
    }
    let shortened = |text: String| match text.char_indices().nth(2_000) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    };
    Err(Failure::Differs { what: what.to_owned(), found: shortened(found), expected: shortened(expected) })
}
