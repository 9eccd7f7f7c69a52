//! Connections that only read: a few that take turns, each used by one question at a time.
//!
//! It knows no database, and no question.

use std::sync::{Mutex, MutexGuard, PoisonError};

use siyu_engine::ports::store::StoreError;
use tokio::sync::{Semaphore, SemaphorePermit};

/// At most so many connections, each opened when it is first needed.
pub(crate) struct Readers<C> {
    idle: Mutex<Vec<C>>,
    turns: Semaphore,
}

/// A connection whose turn it is. It is closed with the turn, since a question that failed or was given up may have
/// left it inside a transaction, unless it is kept.
pub(crate) struct Turn<'r, C> {
    pub(crate) connection: C,
    readers: &'r Readers<C>,
    _permit: SemaphorePermit<'r>,
}

impl<C> Readers<C> {
    /// At most `count` connections.
    pub(crate) fn new(count: usize) -> Self {
        Self { idle: Mutex::new(Vec::new()), turns: Semaphore::new(count.max(1)) }
    }

    /// Waits for a turn; opens a connection when none is idle.
    pub(crate) async fn turn<F>(&self, open: impl FnOnce() -> F) -> Result<Turn<'_, C>, StoreError>
    where
        F: Future<Output = Result<C, StoreError>>,
    {
        let permit =
            self.turns.acquire().await.map_err(|_| StoreError::Database("the store is closed".to_owned()))?;
        let idle = self.lock().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => open().await?,
        };
        Ok(Turn { connection, readers: self, _permit: permit })
    }

    /// Refuses further questions; gives the idle connections to whoever closes them.
    pub(crate) fn close(&self) -> Vec<C> {
        self.turns.close();
        self.forget()
    }

    /// The idle connections, which are not used again.
    pub(crate) fn forget(&self) -> Vec<C> {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<C>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C> Turn<'_, C> {
    /// Keeps the connection for the next question: this one was answered.
    pub(crate) fn keep(self) {
        self.readers.lock().push(self.connection);
    }
}
