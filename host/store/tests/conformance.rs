//! Every check of the conformance suite on every store.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;

use async_trait::async_trait;
use siyu_engine::doubles::{MemoryAccess, MemoryFleets, MemoryStores};
use siyu_engine::ports::access::Access;
use siyu_engine::ports::fleet::Fleet;
use siyu_engine::ports::inspect::{Inspect, InspectError, LedgerFilter, Turn};
use siyu_engine::ports::rows::{JournalRow, LedgerRow};
use siyu_engine::ports::store::{StoreError, Stores};
use siyu_model::id::{HostId, RunId};
use siyu_model::name::{PluginName, TenantName};
use siyu_store::conformance::{
    ACCESS_CHECKS, AccessPlace, CHECKS, FLEET_CHECKS, FleetPlace, Keeper, Place, SECRETS_CHECKS, SecretsPlace,
};
use siyu_store::{
    PgAccess, PgFleet, PgInspect, PgOptions, PgRole, PgStores, SqliteAccess, SqliteInspect, SqliteOptions,
    SqliteStores,
};
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

    async fn ledger(&self, tenant: &TenantName, plugin: &PluginName) -> Result<Vec<LedgerRow>, StoreError> {
        Ok(self.0.ledger(tenant).into_iter().filter(|row| row.plugin == *plugin).collect())
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

    async fn ledger(&self, tenant: &TenantName, plugin: &PluginName) -> Result<Vec<LedgerRow>, StoreError> {
        ledger(&SqliteInspect::open(self.stores().path(tenant)).await?, plugin).await
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

    async fn ledger(&self, tenant: &TenantName, plugin: &PluginName) -> Result<Vec<LedgerRow>, StoreError> {
        ledger(&PgInspect::open(&self.stores(), tenant).await?, plugin).await
    }
}

async fn ledger(inspect: &dyn Inspect, plugin: &PluginName) -> Result<Vec<LedgerRow>, StoreError> {
    let filter = LedgerFilter { plugin: plugin.clone(), customer: None, account: None };
    let page = inspect.ledger(filter, Turn::first(1_000)).await;
    page.map(|page| page.items.into_iter().rev().collect()).map_err(|fault| match fault {
        InspectError::Store(fault) => fault,
        fault => StoreError::Broken(fault.to_string()),
    })
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

struct MemoryHosts(MemoryFleets, std::sync::atomic::AtomicU8);

#[async_trait]
impl FleetPlace for MemoryHosts {
    async fn join(&self) -> Result<Arc<dyn Fleet>, StoreError> {
        let number = self.1.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        Ok(Arc::new(self.0.join(HostId::from_bytes([number; 16]))))
    }

    async fn silence(&self, host: HostId) -> Result<(), StoreError> {
        self.0.silence(host);
        Ok(())
    }
}

#[async_trait]
impl FleetPlace for Postgres {
    async fn join(&self) -> Result<Arc<dyn Fleet>, StoreError> {
        Ok(Arc::new(PgFleet::join(&self.stores(), "host", PgRole::Member).await?))
    }

    async fn silence(&self, host: HostId) -> Result<(), StoreError> {
        let hex: String = host.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        let text = format!("UPDATE siyu.hosts SET alive_until = began_at WHERE id = '\\x{hex}'");
        self.0.execute(&text).map_err(|why| StoreError::Database(format!("{why:#}")))
    }
}

/// Runs every check of fleets on a database of its own and says all that failed.
async fn keeps_hosts_apart<P: FleetPlace>(make: impl Fn() -> P) {
    let mut failures = Vec::new();
    for check in FLEET_CHECKS {
        if let Err(failure) = check.run(&make()).await {
            failures.push(format!("{}: {failure}", check.name));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[tokio::test]
async fn the_fleet_in_memory_conforms() {
    keeps_hosts_apart(|| MemoryHosts(MemoryFleets::new(), Default::default())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_fleet_of_postgres_conforms() {
    keeps_hosts_apart(|| Postgres(Scratch::make().unwrap())).await;
}

struct MemoryDoor(MemoryAccess);

#[async_trait]
impl AccessPlace for MemoryDoor {
    async fn open(&self) -> Result<Arc<dyn Access>, StoreError> {
        Ok(Arc::new(self.0.clone()))
    }
}

#[async_trait]
impl AccessPlace for Sqlite {
    async fn open(&self) -> Result<Arc<dyn Access>, StoreError> {
        Ok(Arc::new(SqliteAccess::open(self.0.path().join("host.db")).await?))
    }
}

#[async_trait]
impl AccessPlace for Postgres {
    async fn open(&self) -> Result<Arc<dyn Access>, StoreError> {
        Ok(Arc::new(PgAccess::open(&self.stores()).await?))
    }
}

/// Runs every check of access in a place of its own and says all that failed.
async fn keeps_the_door<P: AccessPlace>(make: impl Fn() -> P) {
    let mut failures = Vec::new();
    for check in ACCESS_CHECKS {
        if let Err(failure) = check.run(&make()).await {
            failures.push(format!("{}: {failure}", check.name));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[tokio::test]
async fn access_in_memory_conforms() {
    keeps_the_door(|| MemoryDoor(MemoryAccess::new())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn access_of_sqlite_conforms() {
    keeps_the_door(|| Sqlite(tempfile::tempdir().unwrap())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn access_of_postgres_conforms() {
    keeps_the_door(|| Postgres(Scratch::make().unwrap())).await;
}

#[async_trait]
impl SecretsPlace for MemoryDoor {
    async fn open(&self) -> Result<Arc<dyn Keeper>, StoreError> {
        Ok(Arc::new(self.0.clone()))
    }
}

#[async_trait]
impl SecretsPlace for Sqlite {
    async fn open(&self) -> Result<Arc<dyn Keeper>, StoreError> {
        Ok(Arc::new(SqliteAccess::open(self.0.path().join("host.db")).await?))
    }
}

#[async_trait]
impl SecretsPlace for Postgres {
    async fn open(&self) -> Result<Arc<dyn Keeper>, StoreError> {
        Ok(Arc::new(PgAccess::open(&self.stores()).await?))
    }
}

/// Runs every check of secrets in a place of its own and says all that failed.
async fn keeps_secrets<P: SecretsPlace>(make: impl Fn() -> P) {
    let mut failures = Vec::new();
    for check in SECRETS_CHECKS {
        if let Err(failure) = check.run(&make()).await {
            failures.push(format!("{}: {failure}", check.name));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[tokio::test]
async fn secrets_in_memory_conform() {
    keeps_secrets(|| MemoryDoor(MemoryAccess::new())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_of_sqlite_conform() {
    keeps_secrets(|| Sqlite(tempfile::tempdir().unwrap())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_of_postgres_conform() {
    keeps_secrets(|| Postgres(Scratch::make().unwrap())).await;
}
