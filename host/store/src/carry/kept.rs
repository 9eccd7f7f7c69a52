//! Where tenants are kept, for whoever carries them.
//!
//! It takes no lease and opens nothing for an executor.

use siyu_engine::ports::store::{StoreError, Stores};
use siyu_model::name::TenantName;

use super::mark::{ARRIVED, Arrived, CARRIED};
use super::{Arrival, CarryError, Desk, Mark, Snapshot};
use crate::postgres::PgStores;
use crate::postgres::carry as postgres;
use crate::sqlite::SqliteStores;
use crate::sqlite::carry as sqlite;

/// A place where tenants are kept.
#[derive(Debug, Clone)]
pub enum Kept {
    /// A folder, a file each.
    Files(SqliteStores),
    /// A Postgres database, a schema each.
    Database(PgStores),
}

impl Kept {
    /// A tenant here, in words: its file, or its name in the database; never a password.
    pub fn place(&self, tenant: &TenantName) -> String {
        match self {
            Self::Files(stores) => stores.path(tenant).display().to_string(),
            Self::Database(stores) => format!("tenant {tenant} in {}", stores.place()),
        }
    }

    /// The place itself, in words.
    pub fn words(&self) -> String {
        match self {
            Self::Files(stores) => stores.folder().display().to_string(),
            Self::Database(stores) => stores.place().to_owned(),
        }
    }

    /// The tenants that are here, sorted.
    pub async fn tenants(&self) -> Result<Vec<TenantName>, StoreError> {
        match self {
            Self::Files(stores) => stores.tenants().await,
            Self::Database(stores) => stores.tenants().await,
        }
    }

    /// Whether a tenant is here.
    pub async fn has(&self, tenant: &TenantName) -> Result<bool, StoreError> {
        match self {
            Self::Files(stores) => Ok(stores.path(tenant).exists()),
            Self::Database(stores) => Ok(stores.tenants().await?.contains(tenant)),
        }
    }

    /// Why a tenant is closed to executors; none for one that is not.
    pub async fn mark(&self, tenant: &TenantName) -> Result<Option<Mark>, CarryError> {
        let note = self.note(tenant, CARRIED).await?;
        Ok(note.map(|text| Mark::read(&text, &self.place(tenant))).transpose()?)
    }

    /// Where a tenant came from.
    pub(crate) async fn arrived(&self, tenant: &TenantName) -> Result<Option<Arrived>, CarryError> {
        let note = self.note(tenant, ARRIVED).await?;
        let read = |text: String| {
            serde_json::from_str(&text).map_err(|fault| {
                StoreError::Broken(format!("{}: the note `{ARRIVED}` is broken: {fault}", self.place(tenant)))
            })
        };
        Ok(note.map(read).transpose()?)
    }

    async fn note(&self, tenant: &TenantName, name: &str) -> Result<Option<String>, CarryError> {
        let mut snapshot = self.snapshot(tenant).await?;
        let note = snapshot.note(name).await;
        snapshot.end().await?;
        note
    }

    /// A view of a tenant.
    pub(crate) async fn snapshot(&self, tenant: &TenantName) -> Result<Box<dyn Snapshot>, CarryError> {
        self.must_have(tenant).await?;
        Ok(match self {
            Self::Files(stores) => Box::new(sqlite::Reader::open(&stores.path(tenant)).await?),
            Self::Database(stores) => Box::new(postgres::Reader::open(stores, tenant).await?),
        })
    }

    /// The connection that changes who may write a tenant.
    pub(crate) async fn desk(&self, tenant: &TenantName) -> Result<Box<dyn Desk>, CarryError> {
        self.must_have(tenant).await?;
        Ok(match self {
            Self::Files(stores) => Box::new(sqlite::Lessor::open(&stores.path(tenant)).await?),
            Self::Database(stores) => Box::new(postgres::Lessor::open(stores, tenant).await?),
        })
    }

    /// Where a tenant can come into being.
    pub(crate) async fn arrival(
        &self,
        tenant: &TenantName,
        version: i64,
    ) -> Result<Box<dyn Arrival>, CarryError> {
        Ok(match self {
            Self::Files(stores) => Box::new(sqlite::Writer::begin(&stores.path(tenant), version).await?),
            Self::Database(stores) => Box::new(postgres::Writer::begin(stores, tenant, version).await?),
        })
    }

    /// Removes what copies left that nobody goes on with.
    pub(crate) async fn sweep(&self, tenant: &TenantName) -> Result<(), CarryError> {
        match self {
            Self::Files(stores) => sqlite::sweep(&stores.path(tenant)),
            Self::Database(stores) => postgres::sweep(stores, tenant).await,
        }
    }

    pub(crate) async fn must_have(&self, tenant: &TenantName) -> Result<(), CarryError> {
        if self.has(tenant).await? {
            return Ok(());
        }
        Err(CarryError::Absent { tenant: tenant.clone(), place: self.words() })
    }

    /// That there is no tenant of this name, or only what a move left behind: then the id of that move.
    pub(crate) async fn must_not_have(&self, tenant: &TenantName) -> Result<Option<String>, CarryError> {
        if !self.has(tenant).await? {
            return Ok(None);
        }
        match self.mark(tenant).await? {
            Some(Mark::Moved(mark)) => Ok(Some(mark.id)),
            _ => Err(CarryError::Exists { what: self.place(tenant) }),
        }
    }
}
