//! Connections: their settings, and a few readers that take turns.
//!
//! Settings and their reasons are measured; a setting that weakens durability says so in its name. Nothing here knows a
//! table.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::TryStreamExt;
use siyu_engine::ports::store::StoreError;
use sqlx::sqlite::{
    SqliteArguments, SqliteAutoVacuum, SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteRow,
    SqliteSynchronous,
};
use sqlx::{Arguments, ConnectOptions, Either, Executor, SqlSafeStr};
use tokio::sync::Semaphore;

use super::{Durability, SqliteOptions};

/// Bytes of a page. Larger ones make every random update write more.
pub(super) const PAGE_BYTES: u32 = 4_096;
/// Bytes that one page takes in the write-ahead log.
pub(super) const WAL_FRAME_BYTES: u64 = PAGE_BYTES as u64 + 24;
/// Kibibytes of pages that the writer keeps: measured three times faster for random updates than 2 MiB.
const WRITER_CACHE_KIB: u32 = 65_536;
/// Kibibytes of pages that a reader keeps.
const READER_CACHE_KIB: u32 = 8_192;
/// How long a connection waits for another process that is just opening or taking the lease.
const BUSY: Duration = Duration::from_secs(5);
/// Bytes to which a write-ahead log that grew is cut when it begins anew.
const WAL_KEPT_BYTES: u32 = 64 << 20;
/// Texts that a connection keeps prepared. Loads have one text a combination of what is wanted.
const STATEMENTS_KEPT: usize = 48;

fn common(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(BUSY)
        // See the migration: nothing refers to anything by constraint.
        .foreign_keys(false)
        .pragma("temp_store", "memory")
        .statement_cache_capacity(STATEMENTS_KEPT)
        .disable_statement_logging()
}

/// The one connection that writes, and the one that moves the write-ahead log beside it.
pub(super) fn writer(path: &Path, options: &SqliteOptions) -> SqliteConnectOptions {
    let synchronous = match options.durability {
        Durability::Full => SqliteSynchronous::Full,
        Durability::LosesCommitsOnPowerCut => SqliteSynchronous::Normal,
    };
    common(path)
        .create_if_missing(true)
        .page_size(PAGE_BYTES)
        // Only takes effect before the first table, so a new file has it from the start.
        .auto_vacuum(SqliteAutoVacuum::Incremental)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(synchronous)
        .pragma("cache_size", format!("-{WRITER_CACHE_KIB}"))
        // A checkpoint inside a commit is the whole tail of commit times: see `maintain`.
        .pragma("wal_autocheckpoint", "0")
        .pragma("journal_size_limit", WAL_KEPT_BYTES.to_string())
        .thread_name(|number| format!("store-writer-{number}"))
}

/// A connection that can only read.
pub(super) fn reader(path: &Path) -> SqliteConnectOptions {
    common(path)
        .read_only(true)
        .pragma("cache_size", format!("-{READER_CACHE_KIB}"))
        .row_buffer_size(256)
        .thread_name(|number| format!("store-reader-{number}"))
}

/// What a database said, as the port says it.
pub(super) fn failed(what: &str, fault: sqlx::Error) -> StoreError {
    StoreError::Database(format!("{what}: {fault}"))
}

/// Parameters of a text, in the order of its question marks.
#[derive(Default)]
pub(super) struct Args {
    values: SqliteArguments,
    fault: Option<String>,
}

impl Args {
    /// A whole number.
    pub(super) fn int(self, number: i64) -> Self {
        self.add(number)
    }

    /// Text.
    pub(super) fn text(self, text: &str) -> Self {
        self.add(text.to_owned())
    }

    /// Bytes, or a batch of rows.
    pub(super) fn bytes(self, bytes: impl Into<Vec<u8>>) -> Self {
        self.add(bytes.into())
    }

    /// A value or NULL.
    pub(super) fn opt<'v, T>(self, value: Option<T>) -> Self
    where
        T: sqlx::Encode<'v, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite> + 'v,
    {
        self.add(value)
    }

    fn add<'v, T>(mut self, value: T) -> Self
    where
        T: sqlx::Encode<'v, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite> + 'v,
    {
        if let Err(fault) = self.values.add(value) {
            self.fault.get_or_insert(fault.to_string());
        }
        self
    }
}

/// The rows of each statement of a text, in their order.
pub(super) type Results = Vec<Vec<SqliteRow>>;

/// Runs all statements of a text in one trip.
pub(super) async fn run(
    connection: &mut SqliteConnection,
    text: impl SqlSafeStr,
    args: Args,
) -> Result<Results, sqlx::Error> {
    if let Some(fault) = args.fault {
        return Err(sqlx::Error::Protocol(fault));
    }
    let mut answers = connection.fetch_many(sqlx::query_with(text, args.values));
    let mut results = vec![Vec::new()];
    while let Some(answer) = answers.try_next().await? {
        match answer {
            Either::Right(row) => {
                if let Some(rows) = results.last_mut() {
                    rows.push(row);
                }
            }
            Either::Left(_) => results.push(Vec::new()),
        }
    }
    // The last statement's end began one list too many.
    results.pop();
    Ok(results)
}

/// Runs a text of one statement.
pub(super) async fn rows(
    connection: &mut SqliteConnection,
    text: impl SqlSafeStr,
    args: Args,
) -> Result<Vec<SqliteRow>, sqlx::Error> {
    Ok(run(connection, text, args).await?.into_iter().next().unwrap_or_default())
}

/// Connections that can only read; each is used by one question at a time.
pub(super) struct Readers {
    options: SqliteConnectOptions,
    idle: Mutex<Vec<SqliteConnection>>,
    turns: Semaphore,
}

impl Readers {
    /// At most `count` connections, each opened when it is first needed.
    pub(super) fn new(path: &Path, count: usize) -> Self {
        Self { options: reader(path), idle: Mutex::new(Vec::new()), turns: Semaphore::new(count.max(1)) }
    }

    /// Runs all statements of a text in one trip. A connection whose question failed or was given up is closed, since
    /// it may still be inside a transaction.
    pub(super) async fn run(&self, text: impl SqlSafeStr, args: Args) -> Result<Results, StoreError> {
        let _turn =
            self.turns.acquire().await.map_err(|_| StoreError::Database("the store is closed".to_owned()))?;
        let idle = self.lock().pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => self.options.connect().await.map_err(|fault| failed("a reader cannot open", fault))?,
        };
        let results =
            run(&mut connection, text, args).await.map_err(|fault| failed("a question failed", fault))?;
        self.lock().push(connection);
        Ok(results)
    }

    /// Runs a text of one statement.
    pub(super) async fn rows(&self, text: impl SqlSafeStr, args: Args) -> Result<Vec<SqliteRow>, StoreError> {
        Ok(self.run(text, args).await?.into_iter().next().unwrap_or_default())
    }

    /// Closes all connections; further questions are refused.
    pub(super) async fn close(&self) {
        use sqlx::Connection;
        self.turns.close();
        let idle = std::mem::take(&mut *self.lock());
        for connection in idle {
            if let Err(fault) = connection.close().await {
                tracing::warn!(%fault, "a reader did not close cleanly");
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<SqliteConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
