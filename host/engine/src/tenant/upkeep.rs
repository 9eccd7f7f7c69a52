//! What a store needs now and then beside the work: its log goes back into its file, and what retention lets go is
//! removed, a little at a time between commits.

use std::sync::Arc;

use siyu_model::clock::UtcMs;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::ports::store::{Maintenance, Store, StoreError};

/// Commits between two rounds.
const COMMITS_PER_ROUND: u32 = 32;
/// Rows that one purge removes of each table at most: a commit waits for one at most.
const PURGE_ROWS: usize = 1_000;
/// Purges between two looks after the log.
const PURGES_PER_CHECKPOINT: u32 = 32;

/// When the store of a tenant is looked after.
pub(super) struct Upkeep {
    commits: u32,
    round: Option<JoinHandle<()>>,
    stopping: watch::Receiver<bool>,
}

impl Upkeep {
    /// Ends early when the tenant is told to stop.
    pub(super) fn new(stopping: watch::Receiver<bool>) -> Self {
        Self { commits: 0, round: None, stopping }
    }

    /// After a commit. Rounds begin after some commits, one at a time; what ended or happened before an instant may go.
    pub(super) fn committed(&mut self, store: &Arc<dyn Store>, purge_before: Option<UtcMs>) {
        self.commits += 1;
        let is_busy = self.round.as_ref().is_some_and(|round| !round.is_finished());
        if self.commits < COMMITS_PER_ROUND || is_busy {
            return;
        }
        self.commits = 0;
        let (store, stopping) = (store.clone(), self.stopping.clone());
        self.round = Some(tokio::spawn(async move {
            if let Err(error) = look_after(&*store, purge_before, &stopping).await {
                tracing::warn!(%error, "the store could not be looked after");
            }
        }));
    }

    /// Returns once no round is under way.
    pub(super) async fn end(&mut self) {
        if let Some(round) = self.round.take() {
            drop(round.await);
        }
    }
}

/// Purges for as long as there is much to remove: commits take turns with it, so what goes keeps pace with what comes.
async fn look_after(
    store: &dyn Store,
    purge_before: Option<UtcMs>,
    stopping: &watch::Receiver<bool>,
) -> Result<(), StoreError> {
    loop {
        store.maintain(Maintenance::Checkpoint).await?;
        let Some(before) = purge_before else { return Ok(()) };
        for _ in 0..PURGES_PER_CHECKPOINT {
            let purged = store.maintain(Maintenance::Purge { before, rows: PURGE_ROWS }).await?;
            // Without a sender the tenant was dropped, which is the same as being told.
            let is_stopping = *stopping.borrow() || stopping.has_changed().is_err();
            if purged.rows < PURGE_ROWS as u64 || is_stopping {
                return Ok(());
            }
        }
    }
}
