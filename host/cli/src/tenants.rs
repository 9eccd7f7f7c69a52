//! Where tenants are kept: files in the data folder, or a Postgres database that several hosts may share.
//!
//! It opens nothing until it is asked, and never shows a password.

use std::convert::Infallible;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use anyhow::Context;
use siyu_engine::ports::inspect::Inspect;
use siyu_engine::ports::store::Stores;
use siyu_model::id::HostId;
use siyu_model::name::TenantName;
use siyu_store::carry::Kept;
use siyu_store::{Durability, PgInspect, PgOptions, PgStores, SqliteInspect, SqliteOptions, SqliteStores};

use crate::fault::Fault;

/// The URL of a Postgres database as it was given. It may hold a password, so it cannot be printed; and it is looked at
/// only after the arguments were read, because what is wrong with an argument is told with the argument.
#[derive(Clone)]
pub(crate) struct DatabaseUrl(String);

impl FromStr for DatabaseUrl {
    type Err = Infallible;

    fn from_str(url: &str) -> Result<Self, Infallible> {
        Ok(Self(url.to_owned()))
    }
}

impl DatabaseUrl {
    /// The database that it names.
    pub(crate) fn stores(&self) -> anyhow::Result<PgStores> {
        let stores = PgStores::new(&self.0, PgOptions::default());
        stores.map_err(|why| {
            Fault::wrong(why.to_string()).help("name one with --database or SIYU_DATABASE_URL").into()
        })
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a database")
    }
}

/// Where tenants are kept.
#[derive(Clone)]
pub(crate) enum Tenants {
    /// A file each in this folder, and when their commits are durable.
    Files(PathBuf, Durability),
    /// A schema each in this database.
    Database(PgStores),
}

impl Tenants {
    /// Opens tenants to be executed; one that is made now gets this secret, or a random one. In a database only those
    /// that the host has, when one is named.
    pub(crate) fn stores(&self, secret: Option<[u8; 32]>, host: Option<HostId>) -> Arc<dyn Stores> {
        match self {
            Self::Files(folder, durability) => {
                let options = SqliteOptions { secret, durability: *durability, ..SqliteOptions::default() };
                Arc::new(SqliteStores::new(folder, options))
            }
            Self::Database(stores) => {
                Arc::new(stores.clone().with(PgOptions { secret, host, ..PgOptions::default() }))
            }
        }
    }

    /// Whether a tenant is there.
    pub(crate) async fn has(&self, tenant: &TenantName) -> anyhow::Result<bool> {
        match self {
            Self::Files(folder, _) => Ok(files(folder).path(tenant).exists()),
            Self::Database(stores) => Ok(stores.tenants().await?.contains(tenant)),
        }
    }

    /// Opens a tenant that is there to be read; it may be executed by another process meanwhile.
    pub(crate) async fn inspect(&self, tenant: &TenantName) -> anyhow::Result<Arc<dyn Inspect>> {
        let cannot = || format!("tenant {tenant} cannot be read");
        Ok(match self {
            Self::Files(folder, _) => {
                Arc::new(SqliteInspect::open(files(folder).path(tenant)).await.with_context(cannot)?)
            }
            Self::Database(stores) => Arc::new(PgInspect::open(stores, tenant).await.with_context(cannot)?),
        })
    }

    /// The same for whoever carries tenants.
    pub(crate) fn kept(&self) -> Kept {
        match self {
            Self::Files(folder, _) => Kept::Files(files(folder)),
            Self::Database(stores) => Kept::Database(stores.clone()),
        }
    }

    /// Where that is, in words.
    pub(crate) fn place(&self) -> String {
        match self {
            Self::Files(folder, _) => folder.display().to_string(),
            Self::Database(stores) => stores.place().to_owned(),
        }
    }
}

fn files(folder: &std::path::Path) -> SqliteStores {
    SqliteStores::new(folder, SqliteOptions::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        let url: DatabaseUrl = "postgres://me:hush@db.example/shop".parse().unwrap();
        assert!(!format!("{url:?}").contains("hush"));
        let stores = url.stores().unwrap();
        assert_eq!(Tenants::Database(stores).place(), "postgres://me@db.example:5432/shop");
        let wrong: DatabaseUrl = "postgres//me:hush@db".parse().unwrap();
        let why = format!("{:#}", wrong.stores().unwrap_err());
        assert!(why.contains("expected postgres://") && !why.contains("hush"), "{why}");
    }
}
