//! Tenants in Postgres: one schema each, in one database that many hosts share.
//!
//! Opening takes the lease by raising its epoch, and every commit checks the epoch in its own transaction, so whoever had
//! the tenant before is fenced from that moment on. A connection sees the schema of one tenant for as long as it lives,
//! and no statement names a schema, so no question about one tenant can reach another.

pub(crate) mod carry;
mod cells;
mod composite;
mod connect;
mod escape;
mod fleet;
mod health;
mod host;
mod migrate;
mod registry;
mod schema;
mod sessions;

#[cfg(test)]
mod constraint_tests;
#[cfg(test)]
mod migrate_tests;
#[cfg(test)]
mod plan_tests;

use std::sync::Arc;

use async_trait::async_trait;
use siyu_engine::ports::store::{Store, StoreError, Stores};
use siyu_model::id::HostId;
use siyu_model::name::TenantName;

pub use fleet::{PgFleet, PgHolder, PgRole};
pub use health::PgHealth;
pub use host::PgAccess;
pub use schema::PgSchema;

use crate::database::Database;
use crate::inspect::Reading;
use connect::Server;

/// A tenant's schema, opened to read.
pub type PgInspect = Reading<PgSchema>;

/// Connections that people share, each opened when it is first needed.
const READERS: usize = 2;

/// How tenants are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PgOptions {
    /// Connections of an executor that read, beside the one that writes; at least 1. Each is opened when it is first
    /// needed and counts against the server's `max_connections`.
    pub readers: usize,
    /// The secret of tenants that are made from now on; random when absent. With a known secret, draws and codes can be
    /// foretold: only for demonstrations and tests that must come out the same.
    pub secret: Option<[u8; 32]>,
    /// The host that opens: a tenant is opened only while this host has it. Without one, whoever opens takes it from
    /// whoever had it.
    pub host: Option<HostId>,
}

impl Default for PgOptions {
    fn default() -> Self {
        Self { readers: 2, secret: None, host: None }
    }
}

/// Tenants in a Postgres database, a schema each.
#[derive(Debug, Clone)]
pub struct PgStores {
    server: Arc<Server>,
    options: PgOptions,
}

impl PgStores {
    /// Tenants in the database that a URL names, such as `postgres://siyu@db.example/siyu?sslmode=verify-full`. What the
    /// URL leaves out comes from the usual variables of Postgres clients (`PGHOST`, `PGPASSWORD`, a password file).
    /// Connects to nothing yet.
    pub fn new(url: &str, options: PgOptions) -> Result<Self, StoreError> {
        Ok(Self { server: Arc::new(Server::at(url)?), options })
    }

    /// The same database with other options.
    pub fn with(self, options: PgOptions) -> Self {
        Self { options, ..self }
    }

    /// The database in words: user, host, port and name; never the password.
    pub fn place(&self) -> &str {
        self.server.place()
    }

    /// Whether a tenant goes by a virtual clock, the one of its events; none when there is no such tenant.
    pub async fn is_virtual(&self, tenant: &TenantName) -> Result<Option<bool>, StoreError> {
        registry::is_virtual(&self.server, tenant).await
    }

    /// What the server says of itself; also of one that no tenant would be opened on.
    pub async fn health(&self) -> Result<PgHealth, StoreError> {
        health::of(&self.server).await
    }
}

#[async_trait]
impl Stores for PgStores {
    async fn open(&self, tenant: &TenantName) -> Result<Arc<dyn Store>, StoreError> {
        Ok(Arc::new(schema::open(tenant, self.server.clone(), &self.options).await?))
    }

    async fn tenants(&self) -> Result<Vec<TenantName>, StoreError> {
        registry::tenants(&self.server).await
    }
}

impl Reading<PgSchema> {
    /// Opens a tenant's schema. It must be there and of a version that this host knows.
    pub async fn open(stores: &PgStores, tenant: &TenantName) -> Result<Self, StoreError> {
        Ok(Self::of(schema::read(tenant, stores.server.clone(), READERS).await?))
    }

    /// Closes the connections. Nothing is lost when it is not called.
    pub async fn close(&self) {
        self.database.close().await;
    }
}
