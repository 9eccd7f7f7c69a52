//! The write-ahead log goes back into the database.
//!
//! It never changes a row.

use std::path::Path;

use siyu_engine::ports::store::{MaintenanceReport, StoreError};
use sqlx::ConnectOptions;
use sqlx::Row as _;
use sqlx::sqlite::SqliteConnection;

use super::SqliteOptions;
use super::connect::{Results, WAL_FRAME_BYTES, run, writer};
use crate::database::{Args, failed};

/// Pages of the write-ahead log from which the writer itself moves what the background left, at a batch boundary: only
/// the writer can make the log begin anew. 16 MiB; measured, the log then stays between 20 and 50 MB under full load.
pub(super) const FRAMES_SOFT: u64 = 4_096;
/// Pages from which a commit does it although nobody asked for maintenance. 64 MiB.
pub(super) const FRAMES_HARD: u64 = 16_384;
/// Pages given back to the file system in one step of purging.
pub(super) const VACUUM_PAGES: &str = "PRAGMA incremental_vacuum(256)";
const PASSIVE: &str = "PRAGMA wal_checkpoint(PASSIVE)";
const TRUNCATE: &str = "PRAGMA wal_checkpoint(TRUNCATE)";

/// What a checkpoint found: pages in the log, and how many of them are in the database now.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Checkpoint {
    pub(super) frames: u64,
    moved: u64,
}

impl Checkpoint {
    /// What maintenance says of it.
    pub(super) fn report(self) -> MaintenanceReport {
        MaintenanceReport {
            rows: 0,
            more: self.moved < self.frames,
            wal_bytes: self.frames * WAL_FRAME_BYTES,
        }
    }
}

/// The connection beside the writer that moves the log while the writer writes. Opened when it is first needed.
#[derive(Default)]
pub(super) struct Keeper(Option<SqliteConnection>);

impl Keeper {
    /// Moves what no reader needs any more.
    pub(super) async fn checkpoint(
        &mut self,
        path: &Path,
        options: &SqliteOptions,
    ) -> Result<Checkpoint, StoreError> {
        let mut connection = match self.0.take() {
            Some(connection) => connection,
            None => writer(path, options)
                .connect()
                .await
                .map_err(|fault| failed("the keeper of the log cannot open", fault))?,
        };
        let done = checkpoint(&mut connection, PASSIVE).await?;
        self.0 = Some(connection);
        Ok(done)
    }

    /// Closes the connection.
    pub(super) async fn close(&mut self) {
        use sqlx::Connection;
        if let Some(connection) = self.0.take()
            && let Err(fault) = connection.close().await
        {
            tracing::warn!(%fault, "the keeper of the log did not close cleanly");
        }
    }
}

/// Moves the whole log, at a batch boundary, so that the next commit begins it anew.
pub(super) async fn checkpoint_all(connection: &mut SqliteConnection) -> Result<Checkpoint, StoreError> {
    checkpoint(connection, PASSIVE).await
}

/// Moves the whole log and cuts it to nothing: a store at rest is one file.
pub(super) async fn checkpoint_last(connection: &mut SqliteConnection) -> Result<Checkpoint, StoreError> {
    checkpoint(connection, TRUNCATE).await
}

async fn checkpoint(connection: &mut SqliteConnection, text: &'static str) -> Result<Checkpoint, StoreError> {
    let results =
        run(connection, text, Args::default()).await.map_err(|fault| failed("a checkpoint failed", fault))?;
    Ok(Checkpoint { frames: frames(&results), moved: number(&results, 2) })
}

/// The length of the write-ahead log in pages, as the last statement of a commit or checkpoint says it.
pub(super) fn frames(results: &Results) -> u64 {
    number(results, 1)
}

fn number(results: &Results, column: usize) -> u64 {
    results
        .last()
        .and_then(|answer| answer.rows.first())
        .and_then(|row| row.try_get::<i64, _>(column).ok())
        .and_then(|number| u64::try_from(number).ok())
        .unwrap_or(0)
}
