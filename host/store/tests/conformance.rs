//! Every check of the conformance suite on every store.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;

use async_trait::async_trait;
use siyu_engine::doubles::MemoryStores;
use siyu_engine::ports::inspect::{Inspect, InspectError};
use siyu_engine::ports::rows::JournalRow;
use siyu_engine::ports::store::{StoreError, Stores};
use siyu_model::id::RunId;
use siyu_model::name::TenantName;
use siyu_store::conformance::{CHECKS, Place};
use siyu_store::{PgInspect, PgOptions, PgStores, SqliteInspect, SqliteOptions, SqliteStores};
use siyu_test_postgres::Scratch;

struct Memory(MemoryStores);

#[async_trait]
impl Place for Memory {
    fn host(&self) -> Arc<dyn Stores> {
        Arc::new(self.0.clone())
    }

    async fn journal(&self, tenant: &TenantName, run: RunId) -> Result<Vec<JournalRow>, StoreError> {
        Ok(self.0.journal(tenant, run))
    }
}

struct Sqlite(tempfile::TempDir);

impl Sqlite {
    fn stores(&self) -> SqliteStores {
        SqliteStores::new(self.0.path().join("tenants"), SqliteOptions::default())
    }
}

#[async_trait]
impl Place for Sqlite {
    fn host(&self) -> Arc<dyn Stores> {
        Arc::new(self.stores())
    }

    async fn journal(&self, tenant: &TenantName, run: RunId) -> Result<Vec<JournalRow>, StoreError> {
        journal(&SqliteInspect::open(self.stores().path(tenant)).await?, run).await
    }
}

struct Postgres(Scratch);

impl Postgres {
    fn stores(&self) -> PgStores {
        PgStores::new(&self.0.url(), PgOptions::default()).unwrap()
    }
}

#[async_trait]
impl Place for Postgres {
    fn host(&self) -> Arc<dyn Stores> {
        Arc::new(self.stores())
    }

    async fn journal(&self, tenant: &TenantName, run: RunId) -> Result<Vec<JournalRow>, StoreError> {
        journal(&PgInspect::open(&self.stores(), tenant).await?, run).await
    }
}

async fn journal(inspect: &dyn Inspect, run: RunId) -> Result<Vec<JournalRow>, StoreError> {
    match inspect.run(run).await {
        Ok(found) => Ok(found.map(|detail| detail.journal).unwrap_or_default()),
        Err(InspectError::Store(fault)) => Err(fault),
        Err(fault) => Err(StoreError::Broken(fault.to_string())),
    }
}

/// Runs every check in a place of its own and says all that failed.
async fn conforms<P: Place>(make: impl Fn() -> P) {
    let mut failures = Vec::new();
    for check in CHECKS {
        if let Err(failure) = check.run(&make()).await {
            failures.push(format!("{}: {failure}", check.name));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[tokio::test]
async fn the_store_in_memory_conforms() {
    conforms(|| Memory(MemoryStores::new())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_conforms() {
    conforms(|| Sqlite(tempfile::tempdir().unwrap())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_conforms() {
    conforms(|| Postgres(Scratch::make().unwrap())).await;
}
