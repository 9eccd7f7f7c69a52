//! Where a play keeps its tenant: a file in a folder, or a schema in a database.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use siyu_engine::ports::inspect::Inspect;
use siyu_engine::ports::store::Stores;
use siyu_model::name::TenantName;
use siyu_store::{PgInspect, PgOptions, PgStores, SqliteInspect, SqliteOptions, SqliteStores};
use siyu_test_postgres::Scratch;

/// Which database a play is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum On {
    /// A file.
    Sqlite,
    /// A schema.
    Postgres,
}

/// The database of all plays of this process: making a tenant in it costs less than a database does.
static DATABASE: Mutex<Option<Scratch>> = Mutex::new(None);
/// Tenants made in it.
static MADE: AtomicU64 = AtomicU64::new(0);

fn database() -> anyhow::Result<String> {
    let mut database = DATABASE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(database) = &*database {
        return Ok(database.url());
    }
    Ok(database.insert(Scratch::make()?).url())
}

/// A tenant that is there, and empty.
pub(crate) struct Kept {
    pub(crate) tenant: TenantName,
    pub(crate) stores: Arc<dyn Stores>,
    pub(crate) inspect: Arc<dyn Inspect>,
    _folder: Option<tempfile::TempDir>,
}

impl Kept {
    /// Makes a tenant with this secret.
    pub(crate) async fn make(on: On, secret: [u8; 32]) -> anyhow::Result<Self> {
        match on {
            On::Sqlite => {
                let tenant = TenantName::new("test")?;
                let folder = tempfile::tempdir()?;
                let options = SqliteOptions { secret: Some(secret), ..SqliteOptions::default() };
                let stores = SqliteStores::new(folder.path(), options);
                // It must be there before it can be read beside the executor.
                stores.open(&tenant).await?.close().await?;
                let inspect = Arc::new(SqliteInspect::open(stores.path(&tenant)).await?);
                Ok(Self { tenant, stores: Arc::new(stores), inspect, _folder: Some(folder) })
            }
            On::Postgres => {
                let tenant = TenantName::new(&format!("test-{}", MADE.fetch_add(1, Ordering::Relaxed)))?;
                let options = PgOptions { secret: Some(secret), ..PgOptions::default() };
                let stores = PgStores::new(&database()?, options)?;
                stores.open(&tenant).await?.close().await?;
                let inspect = Arc::new(PgInspect::open(&stores, &tenant).await?);
                Ok(Self { tenant, stores: Arc::new(stores), inspect, _folder: None })
            }
        }
    }
}
