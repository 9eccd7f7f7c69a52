//! A tenant's file as it is carried: read in one view, written beside its place, closed and opened to executors.
//!
//! What is written lies in a hidden file beside the one that it becomes. Whoever writes it holds a lock of the operating
//! system on it, so what a killed process left can be told from what another one is writing, and removed.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use siyu_engine::ports::store::StoreError;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, Row as _, SqlSafeStr};

use super::connect::{reader, rows, run, writer};
use super::file::SqliteFile;
use super::jsonb::Batch;
use super::{Durability, SqliteOptions, migrate};
use crate::carry::{
    Arrival, CarriedFile, CarryError, Cell, Column, Desk, Kind, Published, Row, Sink, Snapshot, Table, pour,
    random_id,
};
use crate::database::{Args, Batch as _, Cells, Database};

/// What the name of a file ends with that is being written.
const PART: &str = ".part";
/// What SQLite puts beside a file.
const BESIDE: [&str; 3] = ["-wal", "-shm", "-journal"];
/// Pages of the write-ahead log after which a copy moves them into its file. 16 MiB.
const LOG_PAGES: &str = "PRAGMA wal_autocheckpoint = 4096";
/// The files that go with a backup.
const FILES: &str = "CREATE TABLE files (name TEXT NOT NULL PRIMARY KEY, content BLOB NOT NULL) STRICT";

/// Bytes of a file that goes with a backup at most: SQLite holds no larger value. 512 MiB.
const FILE_BYTES_MAX: usize = 512 << 20;

/// A view of a tenant's file.
pub(crate) struct Reader {
    connection: SqliteConnection,
    version: i64,
    place: String,
}

impl Reader {
    /// Begins the view now.
    pub(crate) async fn open(path: &Path) -> Result<Self, CarryError> {
        let place = path.display().to_string();
        let mut connection = reader(path).connect().await.map_err(CarryError::database(&place))?;
        ask(&mut connection, "BEGIN", &place).await?;
        let version = migrate::check(&mut connection, &place, migrate::ALL).await?;
        if version == 0 {
            return Err(StoreError::Broken(format!("{place} holds no tenant yet")).into());
        }
        Ok(Self { connection, version, place })
    }

    /// What SQLite finds wrong with the file, in its own words; none when all of it fits together.
    pub(crate) async fn faults(&mut self) -> Result<Option<String>, CarryError> {
        let found = ask(&mut self.connection, "PRAGMA integrity_check(1)", &self.place).await?;
        let said: String = found.first().and_then(|row| row.try_get(0).ok()).unwrap_or_default();
        Ok((said != "ok").then_some(said))
    }

    /// The content of a file that goes with a backup.
    pub(crate) async fn file(&mut self, name: &str) -> Result<Option<Vec<u8>>, CarryError> {
        let text = "SELECT content FROM files WHERE name = ?";
        let found = rows(&mut self.connection, text, Args::default().text(name)).await;
        let found = found.map_err(CarryError::database(&self.place))?;
        Ok(found.first().and_then(|row| row.try_get(0).ok()))
    }
}

#[async_trait]
impl Snapshot for Reader {
    fn version(&self) -> i64 {
        self.version
    }

    async fn note(&mut self, name: &str) -> Result<Option<String>, CarryError> {
        note(&mut self.connection, name, &self.place).await
    }

    async fn epoch(&mut self) -> Result<i64, CarryError> {
        let found = ask(&mut self.connection, "SELECT epoch FROM lease", &self.place).await?;
        let epoch = found.first().and_then(|row| row.try_get(0).ok());
        epoch.ok_or_else(|| StoreError::Broken(format!("{} has no lease", self.place)).into())
    }

    async fn read(&mut self, table: &Table, sink: &mut dyn Sink) -> Result<(), CarryError> {
        let text = AssertSqlSafe(table.select("rowid"));
        let answer = (&mut self.connection).fetch(sqlx::query(text).persistent(false));
        pour(answer, table, &self.place, cell, sink).await
    }

    async fn end(self: Box<Self>) -> Result<(), CarryError> {
        self.connection.close().await.map_err(CarryError::database(&self.place))
    }
}

fn cell(row: &SqliteRow, at: usize, column: &Column) -> Result<Cell, String> {
    if row.is_null(at)? {
        return Ok(Cell::Null);
    }
    let cell = match column.kind {
        Kind::Int | Kind::Flag => row.int(at)?.map(Cell::Int),
        Kind::Text => row.text(at)?.map(|text| Cell::Text(text.into_owned())),
        Kind::Bytes => Cells::bytes(row, at)?.map(|bytes| Cell::Bytes(bytes.to_vec())),
    };
    Ok(cell.unwrap_or(Cell::Null))
}

/// A file that is being written.
pub(crate) struct Writer {
    /// None after the end of the writing.
    connection: Option<SqliteConnection>,
    part: PathBuf,
    target: PathBuf,
    place: String,
    /// Locked as long as this process is at it. Closed last: see [`Writer::finish`].
    held: Option<File>,
}

impl Writer {
    /// An empty tenant of a schema version, to become this file.
    pub(crate) async fn begin(target: &Path, version: i64) -> Result<Self, CarryError> {
        let mut writer = Self::beside(target)?;
        writer.connect().await?;
        let Some(connection) = &mut writer.connection else { return Err(writer.is_over()) };
        migrate::migrate(connection, &writer.place, migrate::up_to(version)).await?;
        Ok(writer)
    }

    /// A copy of a tenant's file as it is now, to become this file. Whoever writes that file goes on meanwhile; only its
    /// write-ahead log grows until this is done.
    pub(crate) async fn copy_of(source: &Path, target: &Path) -> Result<Self, CarryError> {
        let mut writer = Self::beside(target)?;
        let place = source.display().to_string();
        let fault = CarryError::database(&place);
        let mut connection = reader(source).connect().await.map_err(&fault)?;
        if migrate::check(&mut connection, &place, migrate::ALL).await? == 0 {
            return Err(StoreError::Broken(format!("{place} holds no tenant yet")).into());
        }
        let part = writer.part.display().to_string();
        rows(&mut connection, "VACUUM INTO ?", Args::default().text(&part)).await.map_err(&fault)?;
        connection.close().await.map_err(&fault)?;
        writer.connect().await?;
        Ok(writer)
    }

    /// A new hidden file beside the one that it becomes, for its owner only; what others left there is removed.
    fn beside(target: &Path) -> Result<Self, CarryError> {
        let folder = folder_of(target);
        siyu_durable::make_folder(&folder).map_err(CarryError::file(&folder))?;
        sweep(target)?;
        let name = part_prefix(target) + &random_id(&folder.display().to_string())? + PART;
        let part = folder.join(name);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            options.mode(0o600);
        }
        let held = options.open(&part).map_err(CarryError::file(&part))?;
        match held.try_lock() {
            // A file system without locks: what a killed process left stays there.
            Ok(()) | Err(TryLockError::Error(_)) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(CarryError::Busy { place: target.display().to_string() });
            }
        }
        let place = part.display().to_string();
        Ok(Self { connection: None, part, target: target.to_owned(), place, held: Some(held) })
    }

    async fn connect(&mut self) -> Result<(), CarryError> {
        // What is not published is thrown away after a crash, so nothing has to be durable before its end.
        let options =
            SqliteOptions { durability: Durability::LosesCommitsOnPowerCut, ..SqliteOptions::default() };
        let opened = writer(&self.part, &options).connect().await;
        let mut connection = opened.map_err(CarryError::database(&self.place))?;
        for text in ["PRAGMA synchronous = OFF", LOG_PAGES] {
            ask(&mut connection, text, &self.place).await?;
        }
        self.connection = Some(connection);
        Ok(())
    }

    /// Adds a file that goes with a backup; says what it is.
    pub(crate) async fn add_file(&mut self, name: &str, content: &[u8]) -> Result<CarriedFile, CarryError> {
        if content.len() > FILE_BYTES_MAX {
            let why = format!("has {} bytes: expected at most {FILE_BYTES_MAX}", content.len());
            return Err(CarryError::Refused { what: format!("{name}, which goes with the backup,"), why });
        }
        let digest = blake3::hash(content).to_hex().to_string();
        let carried = CarriedFile { name: name.to_owned(), bytes: content.len() as u64, digest };
        let args = Args::default().text(name).bytes(content);
        self.run("INSERT INTO files (name, content) VALUES (?, ?)", args).await?;
        Ok(carried)
    }

    /// Makes room for files that go with a backup.
    pub(crate) async fn begin_files(&mut self) -> Result<(), CarryError> {
        self.run(FILES, Args::default()).await.map(drop)
    }

    /// Writes a note.
    pub(crate) async fn set_note(&mut self, name: &str, text: Option<&str>) -> Result<(), CarryError> {
        let connection = self.connection.as_mut();
        match connection {
            Some(connection) => set_note(connection, name, text, &self.place).await,
            None => Err(self.is_over()),
        }
    }

    /// Leaves one file that needs no log beside it.
    pub(crate) async fn make_single(&mut self) -> Result<(), CarryError> {
        self.run("PRAGMA journal_mode = DELETE", Args::default()).await.map(drop)
    }

    /// Ends the writing: everything is in the file, and the file is on the disk.
    pub(crate) async fn finish(&mut self) -> Result<(), CarryError> {
        if let Some(mut connection) = self.connection.take() {
            ask(&mut connection, "PRAGMA wal_checkpoint(TRUNCATE)", &self.place).await?;
            connection.close().await.map_err(CarryError::database(&self.place))?;
        }
        match &self.held {
            Some(file) => file.sync_all().map_err(CarryError::file(&self.part)),
            None => Ok(()),
        }
    }

    /// Puts the file in its place, unless one is there.
    pub(crate) fn link(&self) -> Result<(), CarryError> {
        // A link, unlike a renaming, never replaces a file.
        std::fs::hard_link(&self.part, &self.target).map_err(|fault| match fault.kind() {
            io::ErrorKind::AlreadyExists => CarryError::Exists { what: self.target.display().to_string() },
            _ => CarryError::file(&self.target)(fault),
        })?;
        remove(&self.part);
        let folder = folder_of(&self.target);
        File::open(&folder).and_then(|folder| folder.sync_all()).map_err(CarryError::file(&folder))
    }

    async fn run(&mut self, text: &'static str, args: Args) -> Result<Vec<SqliteRow>, CarryError> {
        match &mut self.connection {
            Some(connection) => rows(connection, text, args).await.map_err(CarryError::database(&self.place)),
            None => Err(self.is_over()),
        }
    }

    fn is_over(&self) -> CarryError {
        StoreError::Database(format!("{}: the writing is over", self.place)).into()
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // The connection's thread may still be closing the file; what is left then is removed by the next copy.
        self.connection = None;
        remove(&self.part);
    }
}

#[async_trait]
impl Sink for Writer {
    async fn take(&mut self, table: &Table, batch: Vec<Row>) -> Result<(), CarryError> {
        let written = Batch::of(table.name, &batch, |row, cells| {
            for cell in row {
                match cell {
                    Cell::Null => cells.opt_int(None),
                    Cell::Int(number) => cells.int(*number),
                    Cell::Text(text) => cells.text(text),
                    Cell::Bytes(bytes) => cells.bytes(bytes),
                };
            }
        });
        let args = Args::default().rows(written.finish()?);
        let text = AssertSqlSafe(put(table)).into_sql_str();
        let Some(connection) = &mut self.connection else { return Err(self.is_over()) };
        run(connection, text, args).await.map(drop).map_err(CarryError::database(&self.place))
    }
}

/// How rows are written: all of a batch as one parameter.
fn put(table: &Table) -> String {
    let cell = |(at, column): (usize, &Column)| match column.kind {
        Kind::Bytes => format!("CAST(value ->> {at} AS BLOB)"),
        _ => format!("value ->> {at}"),
    };
    let cells: Vec<String> = table.columns.iter().enumerate().map(cell).collect();
    let names: Vec<String> = table.columns.iter().map(|column| format!("\"{}\"", column.name)).collect();
    let (names, cells) = (names.join(", "), cells.join(", "));
    if table.is_there {
        return format!("UPDATE \"{}\" SET ({names}) = (SELECT {cells} FROM jsonb_each(?))", table.name);
    }
    format!("INSERT INTO \"{}\" ({names}) SELECT {cells} FROM jsonb_each(?)", table.name)
}

#[async_trait]
impl Arrival for Writer {
    async fn snapshot(&mut self) -> Result<Box<dyn Snapshot>, CarryError> {
        Ok(Box::new(Reader::open(&self.part).await?))
    }

    async fn seal(&mut self, epoch: i64, notes: &[(&str, String)]) -> Result<(), CarryError> {
        let text = "UPDATE lease SET epoch = ?1, writer = ?1 WHERE only = 1";
        self.run(text, Args::default().int(epoch)).await?;
        for (name, text) in notes {
            self.set_note(name, Some(text)).await?;
        }
        self.finish().await
    }

    async fn publish(self: Box<Self>, as_what: Published<'_>) -> Result<(), CarryError> {
        if let Some(aside) = as_what.aside {
            set_aside(&self.target, aside)?;
        }
        self.link()
    }

    async fn abandon(mut self: Box<Self>) {
        if let Some(connection) = self.connection.take() {
            // What cannot be closed is removed by the next copy.
            let _closed = connection.close().await;
        }
    }
}

/// The connection that changes who may write a tenant's file.
pub(crate) struct Lessor {
    connection: SqliteConnection,
    place: String,
}

impl Lessor {
    /// Changes nothing yet.
    pub(crate) async fn open(path: &Path) -> Result<Self, CarryError> {
        let place = path.display().to_string();
        let opened = writer(path, &SqliteOptions::default()).connect().await;
        let mut connection = opened.map_err(CarryError::database(&place))?;
        if migrate::check(&mut connection, &place, migrate::ALL).await? == 0 {
            return Err(StoreError::Broken(format!("{place} holds no tenant yet")).into());
        }
        Ok(Self { connection, place })
    }
}

#[async_trait]
impl Desk for Lessor {
    async fn begin(&mut self) -> Result<i64, CarryError> {
        ask(&mut self.connection, "BEGIN IMMEDIATE", &self.place).await?;
        let taken = ask(&mut self.connection, SqliteFile::SQL.lease_take, &self.place).await?;
        let epoch = taken.first().and_then(|row| row.try_get(0).ok());
        epoch.ok_or_else(|| StoreError::Broken(format!("{} has no lease", self.place)).into())
    }

    async fn note(&mut self, name: &str) -> Result<Option<String>, CarryError> {
        note(&mut self.connection, name, &self.place).await
    }

    async fn set_note(&mut self, name: &str, text: Option<&str>) -> Result<(), CarryError> {
        set_note(&mut self.connection, name, text, &self.place).await
    }

    async fn commit(&mut self) -> Result<(), CarryError> {
        ask(&mut self.connection, "COMMIT", &self.place).await.map(drop)
    }

    async fn roll_back(&mut self) -> Result<(), CarryError> {
        ask(&mut self.connection, "ROLLBACK", &self.place).await.map(drop)
    }

    async fn close(self: Box<Self>) -> Result<(), CarryError> {
        self.connection.close().await.map_err(CarryError::database(&self.place))
    }
}

async fn note(
    connection: &mut SqliteConnection,
    name: &str,
    place: &str,
) -> Result<Option<String>, CarryError> {
    let args = Args::default().text(name);
    let found = rows(connection, SqliteFile::SQL.note, args).await.map_err(CarryError::database(place))?;
    let bytes = found.first().and_then(|row| row.try_get::<Vec<u8>, _>(0).ok());
    Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}

async fn set_note(
    connection: &mut SqliteConnection,
    name: &str,
    text: Option<&str>,
    place: &str,
) -> Result<(), CarryError> {
    let args = Args::default().text(name);
    let done = match text {
        Some(text) => rows(connection, SqliteFile::SQL.note_put, args.bytes(text)).await,
        None => rows(connection, SqliteFile::SQL.note_end, args).await,
    };
    done.map(drop).map_err(CarryError::database(place))
}

async fn ask(
    connection: &mut SqliteConnection,
    text: &'static str,
    place: &str,
) -> Result<Vec<SqliteRow>, CarryError> {
    rows(connection, text, Args::default()).await.map_err(CarryError::database(place))
}

/// Removes files beside a target that nobody writes any more.
pub(crate) fn sweep(target: &Path) -> Result<(), CarryError> {
    let folder = folder_of(target);
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(fault) => return Err(CarryError::file(&folder)(fault)),
    };
    let prefix = part_prefix(target);
    for entry in entries.flatten() {
        let name = entry.file_name();
        let is_part = name.to_str().is_some_and(|name| name.starts_with(&prefix) && name.ends_with(PART));
        let path = entry.path();
        if is_part && File::open(&path).is_ok_and(|file| file.try_lock().is_ok()) {
            remove(&path);
        }
    }
    Ok(())
}

/// Gives a tenant's file, which moved elsewhere, and what is beside it another name: no name of a tenant's file.
fn set_aside(target: &Path, aside: &str) -> Result<(), CarryError> {
    let kept = target.with_extension(format!("moved-{aside}"));
    for end in BESIDE.into_iter().rev().chain([""]) {
        let (mut from, mut to) = (target.as_os_str().to_owned(), kept.as_os_str().to_owned());
        from.push(end);
        to.push(end);
        match std::fs::rename(&from, to) {
            Err(fault) if fault.kind() != io::ErrorKind::NotFound => {
                return Err(CarryError::file(Path::new(&from))(fault));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Removes a file that is being written, with what is beside it.
fn remove(part: &Path) {
    for end in [""].into_iter().chain(BESIDE) {
        let mut path = part.as_os_str().to_owned();
        path.push(end);
        // What is not there needs not go; what cannot go now is removed by the next copy.
        let _removed = std::fs::remove_file(PathBuf::from(path));
    }
}

fn folder_of(target: &Path) -> PathBuf {
    match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// What the names of files begin with that are to become this one.
fn part_prefix(target: &Path) -> String {
    let name = target.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    format!(".{name}.")
}

/// The tables of a file, for the test that compares them with what is carried.
#[cfg(test)]
pub(crate) async fn columns(path: &Path) -> Vec<(String, String)> {
    let mut connection = reader(path).connect().await.expect("a file");
    let text = "SELECT t.name, c.name FROM pragma_table_list AS t, pragma_table_info(t.name) AS c \
        WHERE t.schema = 'main' AND t.name NOT LIKE 'sqlite_%' AND t.name <> 'migrations' ORDER BY 1, c.cid";
    let found = rows(&mut connection, text, Args::default()).await.expect("its tables");
    found.iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// The versions that files have had.
#[cfg(test)]
pub(crate) fn versions() -> Vec<i64> {
    migrate::ALL.iter().map(|migration| migration.version).collect()
}
