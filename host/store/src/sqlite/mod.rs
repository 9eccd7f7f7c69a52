//! Tenants in SQLite: one file each, in one folder.
//!
//! Two processes that open the same tenant need no lock of the operating system: opening takes the lease by raising its
//! epoch, and every commit checks the epoch in its own transaction, so the first one is fenced from that moment on and
//! nothing that it still tries gets into the file. A lock file would say the same less reliably, since it does not
//! survive a copy of the folder, a network file system or a container that shares only the data.

pub(crate) mod carry;
mod cells;
mod commit_texts;
mod connect;
mod file;
mod host;
mod jsonb;
mod maintain;
mod migrate;
mod statements;

#[cfg(test)]
mod constraint_tests;
#[cfg(test)]
mod plan_tests;

use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use siyu_engine::ports::store::{Store, StoreError, Stores};
use siyu_model::name::TenantName;

pub use file::SqliteFile;
pub use host::SqliteAccess;
use sqlx::{ConnectOptions, Connection, Row as _};

use crate::carry::{self as carried, CARRIED};
use crate::database::{Args, Database, failed};
use crate::inspect::Reading;

/// A tenant's file, opened to read.
pub type SqliteInspect = Reading<SqliteFile>;

/// What the file of a tenant ends with.
const EXTENSION: &str = "db";

/// When a commit is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// When it is answered, power cuts included: `synchronous=FULL`.
    #[default]
    Full,
    /// Some time later: `synchronous=NORMAL`. Survives the death of the process, not a power cut. Only for benchmarks,
    /// and for control runs that prove that a test of power cuts notices.
    LosesCommitsOnPowerCut,
}

/// How tenants are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqliteOptions {
    /// When a commit is durable.
    pub durability: Durability,
    /// Connections of an executor that read, beside the one that writes; at least 1.
    pub readers: usize,
    /// The secret of tenants that are made from now on; random when absent. With a known secret, draws and codes can be
    /// foretold: only for demonstrations and tests that must come out the same.
    pub secret: Option<[u8; 32]>,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self { durability: Durability::Full, readers: 2, secret: None }
    }
}

/// Tenants in a folder, a file `<tenant>.db` each.
#[derive(Debug, Clone)]
pub struct SqliteStores {
    folder: PathBuf,
    options: SqliteOptions,
}

impl SqliteStores {
    /// Tenants in this folder, which is made when the first one is.
    pub fn new(folder: impl Into<PathBuf>, options: SqliteOptions) -> Self {
        Self { folder: folder.into(), options }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The file of a tenant, whether it is there or not. A tenant's name is safe as a file name by its rule.
    pub fn path(&self, tenant: &TenantName) -> PathBuf {
        self.folder.join(format!("{tenant}.{EXTENSION}"))
    }
}

#[async_trait]
impl Stores for SqliteStores {
    async fn open(&self, tenant: &TenantName) -> Result<Arc<dyn Store>, StoreError> {
        let path = self.path(tenant);
        make_private(&self.folder, &path)?;
        let store = file::open(tenant, path, self.options.clone()).await?;
        Ok(Arc::new(store))
    }

    async fn tenants(&self) -> Result<Vec<TenantName>, StoreError> {
        let entries = match std::fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(fault) => return Err(unreadable(&self.folder, fault)),
        };
        let mut tenants = Vec::new();
        for entry in entries {
            let path = entry.map_err(|fault| unreadable(&self.folder, fault))?.path();
            if path.extension().is_some_and(|extension| extension == EXTENSION) {
                let name = path.file_stem().and_then(|stem| stem.to_str());
                // What no tenant can be called is somebody else's file.
                tenants.extend(name.and_then(|name| name.parse::<TenantName>().ok()));
            }
        }
        tenants.sort();
        Ok(tenants)
    }
}

/// Connections that people share.
const READERS: usize = 2;

impl Reading<SqliteFile> {
    /// Opens a tenant's file. It must be there and of a version that this host knows.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref().to_owned();
        let place = path.display().to_string();
        let fault = |fault| failed(&place, fault);
        let mut connection = connect::reader(&path).connect().await.map_err(fault)?;
        let version = migrate::check(&mut connection, &place, migrate::ALL).await?;
        if version == 0 {
            return Err(StoreError::Broken(format!("{place} holds no tenant yet")));
        }
        let args = Args::default().text(CARRIED);
        let note = connect::rows(&mut connection, SqliteFile::SQL.note, args).await.map_err(fault)?;
        carried::refuse_reading(note.first().and_then(|row| row.try_get(0).ok()), &place)?;
        connection.close().await.map_err(fault)?;
        Ok(Self::of(SqliteFile::new(path, SqliteOptions::default(), READERS)))
    }

    /// Closes the connections. Nothing is lost when it is not called.
    pub async fn close(&self) {
        self.database.close().await;
    }
}

fn unreadable(path: &Path, fault: std::io::Error) -> StoreError {
    StoreError::Database(format!("{}: {fault}", path.display()))
}

/// Makes the folder and the file of a tenant so that only the host's own user reads them: they hold its customers. The
/// files that SQLite makes beside it take their rights from it.
fn make_private(folder: &Path, path: &Path) -> Result<(), StoreError> {
    siyu_durable::make_folder(folder).map_err(|fault| unreadable(folder, fault))?;
    if path.exists() {
        return Ok(());
    }
    let mut file = std::fs::OpenOptions::new();
    let made = file.append(true).create(true).mode(0o600).open(path).map(drop);
    made.and_then(|()| siyu_durable::sync_name(path)).map_err(|fault| unreadable(path, fault))
}
