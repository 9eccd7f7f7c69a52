//! Connections: their settings, and how texts and parameters travel over them.
//!
//! Settings and their reasons are measured; a setting that weakens durability says so in its name. Nothing here knows a
//! table.

use std::path::Path;
use std::time::Duration;

use futures_util::TryStreamExt;
use sqlx::sqlite::{
    SqliteArguments, SqliteAutoVacuum, SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteRow,
    SqliteSynchronous,
};
use sqlx::{Arguments, ConnectOptions, Either, Executor, SqlSafeStr};

use super::{Durability, SqliteOptions};
use crate::database::{Args, Value};

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
/// Texts that a reader keeps prepared. Loads have one text a combination of what is wanted.
const READER_TEXTS: usize = 48;
/// Texts that the writer keeps prepared: those of commits, see `commit_texts`, and of purging when it goes on.
const WRITER_TEXTS: usize = 32;

fn common(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(BUSY)
        // See the migration: nothing refers to anything by constraint.
        .foreign_keys(false)
        .pragma("temp_store", "memory")
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
        .statement_cache_capacity(WRITER_TEXTS)
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
        .statement_cache_capacity(READER_TEXTS)
        .pragma("cache_size", format!("-{READER_CACHE_KIB}"))
        .row_buffer_size(256)
        .thread_name(|number| format!("store-reader-{number}"))
}

/// The parameters of a text, in the order of its question marks.
fn arguments(args: Args) -> Result<SqliteArguments, sqlx::Error> {
    let mut arguments = SqliteArguments::default();
    for value in args.0 {
        match value {
            Value::Int(number) => arguments.add(number),
            Value::Text(text) => arguments.add(text),
            Value::Bytes(bytes) => arguments.add(bytes),
            Value::End(Some(text)) => arguments.add(text),
            // Bytes come after all text.
            Value::End(None) => arguments.add(Vec::<u8>::new()),
            Value::Path(names) => arguments.add(names.map(path)),
            Value::Rows(rows) => arguments.add(rows.bytes),
        }
        .map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

/// A path as SQLite writes it. The names are the reports' own, so none holds a quote.
fn path(names: &'static [&'static str]) -> String {
    names.iter().fold("$".to_owned(), |path, name| format!("{path}.\"{name}\""))
}

/// What a statement of a text answered.
#[derive(Default)]
pub(super) struct Answer {
    pub(super) rows: Vec<SqliteRow>,
    /// Rows that it changed.
    pub(super) changed: u64,
}

/// What each statement of a text answered, in their order.
pub(super) type Results = Vec<Answer>;

/// Runs all statements of a text in one trip.
pub(super) async fn run(
    connection: &mut SqliteConnection,
    text: impl SqlSafeStr,
    args: Args,
) -> Result<Results, sqlx::Error> {
    let mut answers = connection.fetch_many(sqlx::query_with(text, arguments(args)?));
    let mut results = Vec::new();
    let mut next = Answer::default();
    while let Some(answer) = answers.try_next().await? {
        match answer {
            Either::Right(row) => next.rows.push(row),
            Either::Left(end) => {
                next.changed = end.rows_affected();
                results.push(std::mem::take(&mut next));
            }
        }
    }
    Ok(results)
}

/// Runs a text of one statement.
pub(super) async fn rows(
    connection: &mut SqliteConnection,
    text: impl SqlSafeStr,
    args: Args,
) -> Result<Vec<SqliteRow>, sqlx::Error> {
    Ok(run(connection, text, args).await?.into_iter().next().unwrap_or_default().rows)
}
