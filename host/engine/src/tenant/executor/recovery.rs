//! What an executor does after a failure, and at its end.

use std::time::Duration;

use tokio::sync::mpsc;

use super::Executor;
use crate::dispatch::Dispatcher;
use crate::memory::Halt;
use crate::ports::store::StoreError;
use crate::tenant::command::Unavailable;

/// How long to wait before a store that failed is opened again.
const REOPEN_AFTER: Duration = Duration::from_millis(500);

impl Executor {
    /// After a failure: everything in memory is dropped. A lost lease or a broken invariant ends the executor; a store
    /// that failed is opened again.
    pub(super) async fn recover(&mut self, halt: Halt) -> bool {
        // A commit that is still under way may yet be durable: its callers get the truth.
        if self.committing.is_some()
            && let Err(later) = self.finish_commit().await
        {
            tracing::error!(tenant = %self.name, error = %later, "a commit failed");
        }
        let why = Unavailable::Failed(halt.to_string());
        self.commands.drain(..).for_each(|command| command.wish.fail(&why));
        self.loaded_ahead = 0;
        self.settles.drain(..).for_each(|reply| drop(reply.send(Err(why.clone()))));
        self.deliveries.clear();
        self.outbox.clear();
        self.on_their_way = 0;
        // Receipts of messages that were on their way must not meet the new memory: it hands them over again.
        (self.receipts_sender, self.receipts) = mpsc::unbounded_channel();
        self.couriers.stop().await;
        self.couriers.tell(self.receipts_sender.clone());
        if let Some(dispatcher) = self.dispatcher.take() {
            dispatcher.stop().await;
        }
        if let Halt::Broken(why) | Halt::Store(StoreError::Broken(why)) = &halt {
            tracing::error!(tenant = %self.name, why, "a broken invariant: the tenant stops");
            return false;
        }
        if let Halt::Store(error) = &halt
            && is_lost(error)
        {
            tracing::error!(tenant = %self.name, %error, "the tenant is not ours any more");
            return false;
        }
        tracing::error!(tenant = %self.name, error = %halt, "the store failed: opening it again");
        loop {
            match self.reopen().await {
                Ok(()) => break,
                Err(error) if is_lost(&error) => {
                    tracing::error!(tenant = %self.name, %error, "the tenant is not ours any more");
                    return false;
                }
                Err(error) => {
                    tracing::error!(tenant = %self.name, %error, "the store cannot be opened");
                    self.tell_whoever_waits(&error);
                }
            }
            if self.is_stopping() {
                return false;
            }
            tokio::time::sleep(REOPEN_AFTER).await;
        }
        let (channels, clock) = (self.ports.channels.clone(), self.ports.clock.clone());
        let (name, receipts) = (self.name.clone(), self.receipts_sender.clone());
        self.dispatcher = Some(Dispatcher::start(name, channels, clock, receipts));
        true
    }

    /// Whoever asked while the store was away is told so, instead of waiting for one that may not come back.
    fn tell_whoever_waits(&mut self, error: &StoreError) {
        let why = Unavailable::Failed(error.to_string());
        while let Ok(command) = self.inbox.try_recv() {
            command.wish.fail(&why);
        }
    }

    async fn reopen(&mut self) -> Result<(), StoreError> {
        // As long as a file is open anywhere in the process, what a failed sync left in memory counts as written.
        match tokio::time::timeout(REOPEN_AFTER, self.store.close()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(tenant = %self.name, %error, "the store did not close cleanly"),
            Err(_) => tracing::warn!(tenant = %self.name, "the store does not close in time"),
        }
        self.store = self.ports.stores.open(&self.name).await?;
        self.load().await
    }

    /// Nothing is left to do, or nothing can be done any more.
    pub(super) async fn end(mut self) {
        self.couriers.stop().await;
        if let Some(dispatcher) = self.dispatcher.take() {
            dispatcher.stop().await;
        }
        self.inbox.close();
        while let Ok(command) = self.inbox.try_recv() {
            command.wish.fail(&Unavailable::Stopped);
        }
        self.upkeep.end().await;
        if let Err(error) = self.store.close().await {
            tracing::warn!(tenant = %self.name, %error, "the store did not close cleanly");
        }
    }
}

/// Whether another host, or a newer one, has the tenant now.
fn is_lost(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::Fenced { .. }
            | StoreError::Elsewhere { .. }
            | StoreError::Newer { .. }
            | StoreError::Closed { .. }
    )
}
