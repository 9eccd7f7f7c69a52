//! A tenant's file as the shared half of the store asks it: questions to readers, write sets to the one writer.
//!
//! Each trip to a connection's thread costs more than most statements, so what belongs together is one text.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use siyu_engine::ports::store::{MaintenanceReport, StoreError};
use siyu_model::name::TenantName;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row as _, SqlSafeStr, SqlStr};

use super::commit_texts::CommitTexts;
use super::connect::{self, Answer, Results, WAL_FRAME_BYTES, rows, run};
use super::jsonb::Batch;
use super::maintain::{
    FRAMES_HARD, FRAMES_SOFT, Keeper, VACUUM_PAGES, checkpoint_all, checkpoint_last, frames,
};
use super::{SqliteOptions, migrate, statements as sql};
use crate::carry::{self, CARRIED};
use crate::commit::{Batches, Writer};
use crate::database::{Answers, Args, Database, failed};
use crate::decode::{Fields, all};
use crate::queries::{self, Queries};
use crate::readers::Readers;
use crate::store::{TenantStore, random_bytes};
use crate::texts::Texts;

/// A tenant's file, as questions reach it.
pub struct SqliteFile {
    path: PathBuf,
    options: SqliteOptions,
    readers: Readers<SqliteConnection>,
    keeper: tokio::sync::Mutex<Keeper>,
    texts: Texts,
    commit_texts: CommitTexts,
}

impl SqliteFile {
    /// The file with so many readers, each opened when it is first needed.
    pub(super) fn new(path: PathBuf, options: SqliteOptions, readers: usize) -> Self {
        Self {
            readers: Readers::new(readers),
            keeper: tokio::sync::Mutex::default(),
            texts: Texts::default(),
            commit_texts: CommitTexts::default(),
            path,
            options,
        }
    }

    /// Runs all statements of a text on a reader, in one trip.
    async fn read(&self, text: SqlStr, args: Args) -> Result<Results, StoreError> {
        let open = || async {
            let opened = connect::reader(&self.path).connect().await;
            opened.map_err(|fault| failed("a reader cannot open", fault))
        };
        let mut turn = self.readers.turn(open).await?;
        let results = run(&mut turn.connection, text, args).await;
        let results = results.map_err(|fault| failed("a question failed", fault))?;
        turn.keep();
        Ok(results)
    }
}

/// Opens a tenant's file, makes or migrates it, and takes the lease.
pub(super) async fn open(
    tenant: &TenantName,
    path: PathBuf,
    options: SqliteOptions,
) -> Result<TenantStore<SqliteFile>, StoreError> {
    let place = path.display().to_string();
    let fault = |fault| failed(&place, fault);
    settle(&path)?;
    let mut connection = connect::writer(&path, &options).connect().await.map_err(fault)?;
    migrate::migrate(&mut connection, &place, migrate::ALL).await?;
    let secret = match options.secret {
        Some(secret) => secret,
        None => random_bytes(&place)?,
    };
    let put = Args::default().bytes(secret);
    rows(&mut connection, SqliteFile::SQL.secret_put, put).await.map_err(fault)?;
    let epoch = number(&mut connection, SqliteFile::SQL.lease_take, &place).await?;
    // SQLite syncs the folder by `fdatasync`, which need not write the log's name on every file system.
    siyu_durable::sync_name(&log_of(&path))
        .map_err(|fault| StoreError::Database(format!("{place}: {fault}")))?;
    // After the lease, so that whoever closes the tenant at this moment either fences this opening or is seen by it.
    let note =
        rows(&mut connection, SqliteFile::SQL.note, Args::default().text(CARRIED)).await.map_err(fault)?;
    carry::refuse(note.first().and_then(|row| row.try_get(0).ok()), &place)?;
    let last_line = number(&mut connection, SqliteFile::SQL.journal_end, &place).await?;
    let epoch = u64::try_from(epoch).unwrap_or(0);
    let writer = Writer::new(connection, tenant.clone(), epoch, last_line);
    let readers = options.readers;
    Ok(TenantStore::new(SqliteFile::new(path, options, readers), writer))
}

/// The write-ahead log beside a tenant's file.
fn log_of(path: &Path) -> PathBuf {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    log.into()
}

/// Bytes of the write-ahead log; after a clean end there is none.
fn log_bytes(path: &Path) -> u64 {
    std::fs::metadata(log_of(path)).map_or(0, |file| file.len())
}

/// After an end that was not clean nothing is built on what is not on the disk: a commit behind a hole in the log would be
/// lost with the power although its own sync succeeded, and a page that was never written would stay so.
pub(super) fn settle(path: &Path) -> Result<(), StoreError> {
    if log_bytes(path) == 0 {
        return Ok(());
    }
    for path in [path, &log_of(path)] {
        match std::fs::File::open(path).and_then(|file| siyu_durable::settle(&file)) {
            // Somebody closed the tenant in order at this moment.
            Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => {}
            settled => {
                settled.map_err(|fault| StoreError::Database(format!("{}: {fault}", path.display())))?;
            }
        }
    }
    Ok(())
}

async fn number(
    connection: &mut SqliteConnection,
    text: &'static str,
    place: &str,
) -> Result<i64, StoreError> {
    let found = rows(connection, text, Args::default()).await.map_err(|fault| failed(place, fault))?;
    match found.first() {
        Some(row) => Fields::of("lease", row).int(),
        None => Err(StoreError::Broken(format!("{place} has no lease"))),
    }
}

#[async_trait]
impl Database for SqliteFile {
    type Row = SqliteRow;
    type Batch = Batch;
    type Connection = SqliteConnection;

    const SQL: &'static Queries = &queries::SQLITE;

    async fn view(&self, questions: Vec<(&'static str, Args)>) -> Result<Answers<Self>, StoreError> {
        let (statements, args): (Vec<&'static str>, Vec<Args>) = questions.into_iter().unzip();
        let args = Args(args.into_iter().flat_map(|args| args.0).collect());
        let rows = |answer: Answer| answer.rows;
        if let [text] = statements[..] {
            return Ok(self.read(text.into_sql_str(), args).await?.into_iter().map(rows).collect());
        }
        let text = self.texts.of(&statements, |texts| format!("BEGIN;\n{}COMMIT;\n", texts.concat()));
        let answers = self.read(AssertSqlSafe(text).into_sql_str(), args).await?;
        // The first answer is that of `BEGIN`, the last that of `COMMIT`.
        Ok(answers.into_iter().skip(1).take(statements.len()).map(rows).collect())
    }

    async fn commit(
        &self,
        connection: &mut SqliteConnection,
        lease: Args,
        batches: Batches,
    ) -> Result<(), sqlx::Error> {
        let (text, args) = self.commit_texts.put_together(lease, batches);
        let results = run(connection, AssertSqlSafe(text).into_sql_str(), args).await?;
        let frames = frames(&results);
        if frames >= FRAMES_HARD
            && let Err(fault) = checkpoint_all(connection).await
        {
            // The commit itself is durable; the next one says whether the file is well.
            tracing::warn!(%fault, frames, "the write-ahead log is long and was not moved");
        }
        Ok(())
    }

    async fn begin(&self, connection: &mut SqliteConnection, lease: Args) -> Result<(), sqlx::Error> {
        run(connection, sql::BEGIN, lease).await.map(drop)
    }

    async fn ask(
        &self,
        connection: &mut SqliteConnection,
        text: &'static str,
        args: Args,
    ) -> Result<Vec<SqliteRow>, sqlx::Error> {
        rows(connection, text, args).await
    }

    async fn change(
        &self,
        connection: &mut SqliteConnection,
        text: &'static str,
        args: Args,
    ) -> Result<u64, sqlx::Error> {
        Ok(run(connection, text, args).await?.iter().map(|answer| answer.changed).sum())
    }

    async fn end(&self, connection: &mut SqliteConnection) -> Result<u64, sqlx::Error> {
        let results = run(connection, sql::COMMIT_AND_FRAMES, Args::default()).await?;
        run(connection, VACUUM_PAGES, Args::default()).await?;
        Ok(frames(&results) * WAL_FRAME_BYTES)
    }

    async fn begin_erasing(&self, connection: &mut SqliteConnection, lease: Args) -> Result<(), sqlx::Error> {
        run(connection, "PRAGMA secure_delete = ON", Args::default()).await?;
        self.begin(connection, lease).await
    }

    async fn end_erasing(&self, connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        run(connection, sql::COMMIT_AND_FRAMES, Args::default()).await?;
        run(connection, "PRAGMA secure_delete = OFF", Args::default()).await?;
        Ok(())
    }

    async fn checkpoint_beside(&self) -> Result<(MaintenanceReport, bool), StoreError> {
        let done = self.keeper.lock().await.checkpoint(&self.path, &self.options).await?;
        Ok((done.report(), done.frames >= FRAMES_SOFT))
    }

    async fn checkpoint(&self, connection: &mut SqliteConnection) -> Result<MaintenanceReport, StoreError> {
        Ok(checkpoint_all(connection).await?.report())
    }

    async fn close(&self) {
        // Readers come after it: after a fault nobody who could tidy up ends last.
        self.keeper.lock().await.close().await;
        for reader in self.readers.close() {
            if let Err(fault) = reader.close().await {
                tracing::warn!(%fault, "a reader did not close cleanly");
            }
        }
    }

    async fn close_writer(&self, mut connection: SqliteConnection) -> Result<(), StoreError> {
        checkpoint_last(&mut connection).await?;
        connection.close().await.map_err(|fault| failed("the writer did not close cleanly", fault))
    }

    async fn bytes(&self) -> Result<(u64, u64, u64), StoreError> {
        let pages = self.rows(sql::PAGES, Args::default()).await?;
        let pages = all("pages", &pages, |row| {
            Ok((row.number::<u64>()?, row.number::<u64>()?, row.number::<u64>()?))
        })?;
        let (pages, page_bytes, free) = pages.into_iter().next().unwrap_or_default();
        Ok((pages * page_bytes, log_bytes(&self.path), free * page_bytes))
    }
}
