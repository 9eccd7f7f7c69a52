//! What a host with its tenants in files keeps beside them: one file, opened by the host and by commands alike.
//!
//! It holds no tenant.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use siyu_engine::ports::access::{Access, Note, NoteRow, TokenRow};
use siyu_engine::ports::secrets::{DataKeyRow, Rewrap, SecretRow, SecretStore, SetEnd, SetSecret};
use siyu_engine::ports::store::StoreError;
use siyu_model::clock::UtcMs;
use siyu_model::id::TokenId;
use siyu_model::name::{SecretName, TenantName};
use sqlx::ConnectOptions;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use super::connect::{self, rows, run};
use super::file::settle;
use super::{SqliteOptions, make_private, migrate};
use crate::access::{HostDatabase, HostQueries, Kept, SQLITE};
use crate::database::{Args, failed};

/// Pages after which a commit moves the write-ahead log into the file: commits here are rare.
const CHECKPOINT_PAGES: &str = "256";
/// Kibibytes of pages that a connection keeps.
const CACHE_KIB: &str = "-2048";

/// Who may enter a host, in its file.
pub struct SqliteAccess(Kept<HostFile>);

struct HostFile {
    path: PathBuf,
    place: String,
}

impl SqliteAccess {
    /// Opens the file of a host, makes or migrates it.
    ///
    /// # Errors
    /// The file cannot be written, is none of Siyu, or of a newer host.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref().to_owned();
        let folder = path.parent().unwrap_or(Path::new("."));
        make_private(folder, &path)?;
        settle(&path)?;
        let file = HostFile { place: path.display().to_string(), path };
        let mut connection = file.open().await?;
        migrate::migrate(&mut connection, &file.place, migrate::HOST).await?;
        drop(connection);
        Kept::open(file).await.map(Self)
    }
}

#[async_trait]
impl HostDatabase for HostFile {
    type Row = SqliteRow;
    type Connection = SqliteConnection;

    const SQL: &'static HostQueries = &SQLITE;
    const BEGIN: &'static str = "BEGIN IMMEDIATE";

    fn place(&self) -> &str {
        &self.place
    }

    async fn open(&self) -> Result<SqliteConnection, StoreError> {
        let options = connect::writer(&self.path, &SqliteOptions::default());
        let options = options.pragma("wal_autocheckpoint", CHECKPOINT_PAGES).pragma("cache_size", CACHE_KIB);
        options.connect().await.map_err(|fault| failed(&self.place, fault))
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
}

crate::access::through!(SqliteAccess);
