//! Maintenance: the write-ahead log goes back into the database, and retention removes what is over.
//!
//! It never removes an open run, what belongs to one, or what still has to leave the host.

use std::path::Path;

use siyu_engine::ports::store::{MaintenanceReport, StoreError};
use siyu_model::clock::UtcMs;
use sqlx::ConnectOptions;
use sqlx::Row as _;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use super::commit::{Writer, frames};
use super::connect::{Args, WAL_FRAME_BYTES, failed, run, writer};
use super::decode::Fields;
use super::jsonb::Batch;
use super::{SqliteOptions, statements as sql};

/// Pages of the write-ahead log from which the writer itself moves what the background left, at a batch boundary: only
/// the writer can make the log begin anew. 16 MiB; measured, the log then stays between 20 and 50 MB under full load.
pub(super) const FRAMES_SOFT: u64 = 4_096;
/// Pages from which a commit does it although nobody asked for maintenance. 64 MiB.
pub(super) const FRAMES_HARD: u64 = 16_384;
/// Pages given back to the file system in one step of purging.
const VACUUM_PAGES: &str = "PRAGMA incremental_vacuum(256)";
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

async fn checkpoint(connection: &mut SqliteConnection, text: &'static str) -> Result<Checkpoint, StoreError> {
    let results =
        run(connection, text, Args::default()).await.map_err(|fault| failed("a checkpoint failed", fault))?;
    let moved = results
        .first()
        .and_then(|rows| rows.first())
        .and_then(|row| row.try_get::<i64, _>(2).ok())
        .and_then(|moved| u64::try_from(moved).ok())
        .unwrap_or(0);
    Ok(Checkpoint { frames: frames(&results), moved })
}

/// Where purging goes on: each call looks at a bounded window of each table and the next call at the one after it, so
/// that rows which must stay are not looked at again and again.
#[derive(Debug, Clone, Default)]
pub(super) struct Purging {
    runs: i64,
    events: i64,
    messages: i64,
    reservations: Vec<u8>,
}

impl Writer {
    /// Moves the whole log, at a batch boundary, so that the next commit begins it anew.
    pub(super) async fn checkpoint(&mut self) -> Result<Checkpoint, StoreError> {
        checkpoint(&mut self.connection, PASSIVE).await
    }

    /// Moves the whole log and cuts it to nothing: a store at rest is one file.
    pub(super) async fn checkpoint_last(&mut self) -> Result<Checkpoint, StoreError> {
        checkpoint(&mut self.connection, TRUNCATE).await
    }

    /// Removes what retention lets go, in one short transaction under the lease, and gives pages back.
    pub(super) async fn purge(
        &mut self,
        at: &mut Purging,
        before: UtcMs,
        rows: usize,
    ) -> Result<MaintenanceReport, StoreError> {
        let rows = i64::try_from(rows).unwrap_or(i64::MAX);
        let lease = self.lease(UtcMs::EPOCH, 0);
        self.run(sql::PURGE_BEGIN, lease).await?;
        let mut done = Purged::default();
        self.purge_runs(at, before, rows, &mut done).await?;
        self.purge_events(at, before, rows, &mut done).await?;
        self.purge_messages(at, before, rows, &mut done).await?;
        self.purge_reservations(at, before, rows, &mut done).await?;
        let scans = Args::default().int(before.as_millis()).int(rows);
        let removed = self.remove(sql::PURGE_SCANS, scans).await?;
        done.add(removed, removed >= rows);
        let results = self.run(sql::COMMIT_AND_FRAMES, Args::default()).await?;
        self.run(VACUUM_PAGES, Args::default()).await?;
        Ok(MaintenanceReport {
            rows: done.rows,
            more: done.more,
            wal_bytes: frames(&results) * WAL_FRAME_BYTES,
        })
    }

    async fn purge_runs(
        &mut self,
        at: &mut Purging,
        before: UtcMs,
        rows: i64,
        done: &mut Purged,
    ) -> Result<(), StoreError> {
        let window = Args::default().int(at.runs).int(rows);
        let Some(end) = self.window(sql::PURGE_RUNS_WINDOW, window).await? else {
            at.runs = 0;
            return Ok(());
        };
        let args = Args::default().int(at.runs).int(end).int(before.as_millis());
        let picked = self.run(sql::PURGE_RUNS_PICK, args).await?;
        let (mut runs, mut lines, mut next) = (Vec::new(), Vec::new(), end);
        for row in picked.iter().flatten() {
            let mut row = Fields::of("runs", row);
            let (no, last, lines_before) = (row.int()?, row.opt_int()?, row.int()?);
            // Journals count too: the first run goes whatever it has, later ones only within the bound.
            if lines_before >= rows {
                next = no - 1;
                break;
            }
            runs.push(no);
            lines.extend(last);
        }
        let journal = Args::default().bytes(Batch::numbers(lines).finish()?);
        let removed_lines = self.remove(sql::PURGE_JOURNAL, journal).await?;
        let removed = Args::default().bytes(Batch::numbers(runs).finish()?);
        let removed = self.remove(sql::PURGE_RUNS, removed).await?;
        at.runs = next;
        done.add(removed + removed_lines, true);
        Ok(())
    }

    async fn purge_events(
        &mut self,
        at: &mut Purging,
        before: UtcMs,
        rows: i64,
        done: &mut Purged,
    ) -> Result<(), StoreError> {
        let window = Args::default().int(at.events).int(rows);
        let found = self.run(sql::PURGE_EVENTS_WINDOW, window).await?;
        let Some((end, first_at)) = window_of(&found)? else {
            at.events = 0;
            return Ok(());
        };
        if first_at >= before.as_millis() {
            // The log is in the order of time: nothing further is old.
            at.events = 0;
            return Ok(());
        }
        let args = || Args::default().int(at.events).int(end).int(before.as_millis());
        let matches = args();
        let events = args();
        self.run(sql::PURGE_EVENT_MATCHES, matches).await?;
        let removed = self.remove(sql::PURGE_EVENTS, events).await?;
        at.events = end;
        done.add(removed, true);
        Ok(())
    }

    async fn purge_messages(
        &mut self,
        at: &mut Purging,
        before: UtcMs,
        rows: i64,
        done: &mut Purged,
    ) -> Result<(), StoreError> {
        let window = Args::default().int(at.messages).int(rows);
        let found = self.run(sql::PURGE_MESSAGES_WINDOW, window).await?;
        let Some((end, first_at)) = window_of(&found)? else {
            at.messages = 0;
            return Ok(());
        };
        if first_at >= before.as_millis() {
            at.messages = 0;
            return Ok(());
        }
        let args = Args::default().int(at.messages).int(end).int(before.as_millis());
        let removed = self.remove(sql::PURGE_MESSAGES, args).await?;
        at.messages = end;
        done.add(removed, true);
        Ok(())
    }

    async fn purge_reservations(
        &mut self,
        at: &mut Purging,
        before: UtcMs,
        rows: i64,
        done: &mut Purged,
    ) -> Result<(), StoreError> {
        let window = Args::default().bytes(at.reservations.clone()).int(rows);
        let found = self.run(sql::PURGE_RESERVATIONS_WINDOW, window).await?;
        let end: Option<Vec<u8>> = first(&found).and_then(|row| row.try_get(0).ok()).flatten();
        let Some(end) = end else {
            at.reservations.clear();
            return Ok(());
        };
        let from = std::mem::replace(&mut at.reservations, end.clone());
        let args = Args::default().bytes(from).bytes(end).int(before.as_millis());
        let removed = self.remove(sql::PURGE_RESERVATIONS, args).await?;
        done.add(removed, true);
        Ok(())
    }

    /// The end of a window; none when nothing is left.
    async fn window(&mut self, text: &'static str, args: Args) -> Result<Option<i64>, StoreError> {
        let found = self.run(text, args).await?;
        match first(&found) {
            Some(row) => Fields::of("window", row).opt_int(),
            None => Ok(None),
        }
    }

    /// Removes rows; says how many.
    async fn remove(&mut self, text: &'static str, args: Args) -> Result<i64, StoreError> {
        self.run(text, args).await?;
        let found = self.run("SELECT changes()", Args::default()).await?;
        match first(&found) {
            Some(row) => Fields::of("changes", row).int(),
            None => Ok(0),
        }
    }
}

/// What one purge did.
#[derive(Debug, Default)]
struct Purged {
    rows: u64,
    more: bool,
}

impl Purged {
    fn add(&mut self, rows: i64, more: bool) {
        self.rows += u64::try_from(rows).unwrap_or(0);
        self.more |= more;
    }
}

fn first(results: &[Vec<SqliteRow>]) -> Option<&SqliteRow> {
    results.first().and_then(|rows| rows.first())
}

/// The end of a window and the earliest instant in it; none when nothing is left.
fn window_of(results: &[Vec<SqliteRow>]) -> Result<Option<(i64, i64)>, StoreError> {
    let Some(row) = first(results) else {
        return Ok(None);
    };
    let mut row = Fields::of("window", row);
    Ok(row.opt_int()?.zip(row.opt_int()?))
}
