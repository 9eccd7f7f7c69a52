//! What a host decides about its executors. Defaults and reasons are in `siyu_model::limits`.

use std::sync::Arc;

use siyu_model::limits::executor;
use siyu_model::plugin::CallLimits;
use siyu_model::quota::QuotaTable;

/// Settings of an executor.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Commands that wait at most; a further one is refused.
    pub inbox_max: usize,
    /// Milliseconds that a command of the outside would wait there at most; one that would wait longer is refused.
    pub inbox_wait_max_ms: u64,
    /// Commands and timers of one batch.
    pub batch_max: usize,
    /// The same in virtual time.
    pub batch_virtual_max: usize,
    /// Milliseconds of execution after which a batch is committed.
    pub slice_ms: u64,
    /// The same while the commit before is under way.
    pub slice_committing_ms: u64,
    /// The same in virtual time.
    pub slice_virtual_ms: u64,
    /// Timers in memory.
    pub timer_window_max: usize,
    /// Customers in memory.
    pub customers_cached_max: usize,
    /// Runs in memory.
    pub runs_cached_max: usize,
    /// Other rows in memory, a table each.
    pub rows_cached_max: usize,
    /// Rows that were looked for in vain after which the keys of what there is are gathered.
    pub keys_after_absent: u64,
    /// What one call of a plugin may use.
    pub call_limits: CallLimits,
    /// Ended runs, old events and finished messages are removed after this many days; 0 keeps them.
    pub retention_days: u32,
    /// How much of the host each tenant may use.
    pub quotas: Arc<QuotaTable>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            inbox_max: executor::INBOX_MAX,
            inbox_wait_max_ms: executor::INBOX_WAIT_MAX_MS,
            batch_max: executor::BATCH_MAX,
            batch_virtual_max: executor::BATCH_VIRTUAL_MAX,
            slice_ms: executor::SLICE_MS,
            slice_committing_ms: executor::SLICE_COMMITTING_MS,
            slice_virtual_ms: executor::SLICE_VIRTUAL_MS,
            timer_window_max: executor::TIMER_WINDOW_MAX,
            customers_cached_max: executor::CUSTOMERS_CACHED_MAX,
            runs_cached_max: executor::RUNS_CACHED_MAX,
            rows_cached_max: executor::ROWS_CACHED_MAX,
            keys_after_absent: executor::KEYS_AFTER_ABSENT,
            call_limits: CallLimits::default(),
            retention_days: 0,
            quotas: Arc::default(),
        }
    }
}

impl Settings {
    pub(super) fn batch_max(&self, is_virtual: bool) -> usize {
        if is_virtual { self.batch_virtual_max } else { self.batch_max }
    }
}
