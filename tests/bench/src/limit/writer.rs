//! The second thread of the bare loop: a batch of rows becomes one transaction, as fast as sqlx can. No engine, no store.

use std::path::Path;
use std::time::{Duration, Instant};

use sqlx::sqlite::{
    SqliteAutoVacuum, SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection, Row};
use tokio::task::JoinHandle;

/// The tables: the narrowest that hold the same.
const TABLES: &str = "
    CREATE TABLE runs (id INTEGER PRIMARY KEY, changed_at INTEGER NOT NULL, state TEXT NOT NULL) STRICT;
    CREATE TABLE steps (id INTEGER PRIMARY KEY, run INTEGER NOT NULL, at INTEGER NOT NULL, step TEXT NOT NULL,
        detail TEXT NOT NULL) STRICT;
    CREATE TABLE messages (id INTEGER PRIMARY KEY, run INTEGER NOT NULL, status TEXT NOT NULL, body TEXT NOT NULL)
        STRICT;
    CREATE TABLE kv (customer INTEGER NOT NULL, key TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (customer, key))
        STRICT, WITHOUT ROWID;";
const COMMIT: &str = "BEGIN IMMEDIATE;
    INSERT INTO steps SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 FROM jsonb_each(?);
    INSERT INTO runs SELECT value ->> 0, value ->> 1, value ->> 2 FROM jsonb_each(?) WHERE true
        ON CONFLICT (id) DO UPDATE SET changed_at = excluded.changed_at, state = excluded.state;
    INSERT INTO messages SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM jsonb_each(?);
    INSERT INTO kv SELECT value ->> 0, value ->> 1, value ->> 2 FROM jsonb_each(?) WHERE true
        ON CONFLICT (customer, key) DO UPDATE SET body = excluded.body;
    COMMIT;";
const CLAIM: &str = "SELECT id, state FROM runs WHERE id >= ? ORDER BY id LIMIT ?";
const PASSIVE: &str = "PRAGMA wal_checkpoint(PASSIVE)";
/// As the store does it: beside the writer now and then, and by the writer itself when the log is long.
const COMMITS_PER_CHECKPOINT: u32 = 32;
const FRAMES_SOFT: i64 = 4_096;

/// Rows of one commit, as parameters.
pub(super) struct BatchRows {
    pub(super) steps: Vec<u8>,
    pub(super) runs: Vec<u8>,
    pub(super) messages: Vec<u8>,
    pub(super) kv: Vec<u8>,
}

/// The settings of the store's writer.
pub(super) fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .foreign_keys(false)
        .pragma("temp_store", "memory")
        .disable_statement_logging()
        .page_size(4_096)
        .auto_vacuum(SqliteAutoVacuum::Incremental)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("cache_size", "-65536")
        .pragma("wal_autocheckpoint", "0")
        .pragma("journal_size_limit", (64 << 20).to_string())
}

/// Makes the tables.
pub(super) async fn make(path: &Path) -> anyhow::Result<()> {
    let mut connection = options(path).connect().await?;
    sqlx::raw_sql(TABLES).execute(&mut connection).await?;
    connection.close().await?;
    Ok(())
}

/// Reads the state of the next runs.
pub(super) async fn claim(
    connection: &mut SqliteConnection,
    first: i64,
    count: i64,
) -> anyhow::Result<Vec<(i64, String)>> {
    let rows = sqlx::query(CLAIM).bind(first).bind(count).fetch_all(connection).await?;
    Ok(rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect::<Result<_, sqlx::Error>>()?)
}

/// Writes batches, one commit each.
pub(super) struct BareWriter {
    connection: SqliteConnection,
    keeper: Option<JoinHandle<sqlx::Result<(SqliteConnection, i64)>>>,
    idle: Option<SqliteConnection>,
    commits: u32,
    /// Time spent in commits.
    pub(super) spent: Duration,
}

impl BareWriter {
    pub(super) async fn open(path: &Path) -> anyhow::Result<Self> {
        let connection = options(path).connect().await?;
        let idle = Some(options(path).connect().await?);
        Ok(Self { connection, keeper: None, idle, commits: 0, spent: Duration::ZERO })
    }

    pub(super) async fn commit(&mut self, rows: BatchRows) -> anyhow::Result<()> {
        let begun = Instant::now();
        let text = sqlx::query(COMMIT).bind(rows.steps).bind(rows.runs).bind(rows.messages).bind(rows.kv);
        text.execute(&mut self.connection).await?;
        self.commits += 1;
        if self.commits >= COMMITS_PER_CHECKPOINT {
            self.look_after_log().await?;
        }
        self.spent += begun.elapsed();
        Ok(())
    }

    async fn look_after_log(&mut self) -> anyhow::Result<()> {
        if self.keeper.as_ref().is_some_and(|task| !task.is_finished()) {
            return Ok(());
        }
        if let Some(task) = self.keeper.take() {
            let (connection, frames) = task.await??;
            self.idle = Some(connection);
            if frames >= FRAMES_SOFT {
                checkpoint(&mut self.connection).await?;
            }
        }
        if let Some(mut connection) = self.idle.take() {
            self.commits = 0;
            self.keeper = Some(tokio::spawn(async move {
                let frames = checkpoint(&mut connection).await?;
                Ok((connection, frames))
            }));
        }
        Ok(())
    }
}

async fn checkpoint(connection: &mut SqliteConnection) -> sqlx::Result<i64> {
    sqlx::query(PASSIVE).fetch_one(connection).await?.try_get(1)
}
