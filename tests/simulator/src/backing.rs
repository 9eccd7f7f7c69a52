//! Where the rows of a world are really kept: in memory, in files of SQLite, or in a database of Postgres.
//!
//! A database takes as long as it takes. So it is asked on a runtime of its own, and the world stands still until it has
//! answered: how long that took changes nothing.

use std::sync::Arc;

use siyu_engine::doubles::MemoryStores;
use siyu_engine::ports::store::Stores;
use siyu_store::{PgOptions, PgStores, SqliteOptions, SqliteStores};
use siyu_test_postgres::Scratch;
use tempfile::TempDir;
use tokio::runtime::{Builder, Handle, Runtime};

use crate::scenario::Backing;

/// Where rows are really kept: one for each kind of store.
pub trait Kept {
    /// The stores.
    fn stores(&self) -> anyhow::Result<Arc<dyn Stores>>;

    /// Where they are asked.
    fn desk(&self) -> Desk {
        Desk::default()
    }
}

/// Where stores are asked: in passing when they answer at once, else on the runtime that they work on.
#[derive(Debug, Clone, Default)]
pub struct Desk(Option<Handle>);

impl Desk {
    /// Asks; whoever does stands still until the answer is there.
    pub(crate) async fn ask<T: Send>(&self, question: impl Future<Output = T> + Send) -> T {
        let Some(runtime) = &self.0 else { return question.await };
        // A thread that a runtime works on may not wait for another runtime.
        let answer = std::thread::scope(|scope| scope.spawn(|| runtime.block_on(question)).join());
        answer.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

/// Stores of a kind that are empty.
pub(crate) fn of(kind: Backing) -> anyhow::Result<Box<dyn Kept>> {
    Ok(match kind {
        Backing::Memory => Box::new(MemoryStores::new()),
        Backing::Sqlite => Box::new(Files { runtime: runtime()?, folder: tempfile::tempdir()? }),
        Backing::Postgres => Box::new(Database { runtime: runtime()?, scratch: Scratch::make()? }),
    })
}

fn runtime() -> std::io::Result<Runtime> {
    Builder::new_multi_thread().worker_threads(1).enable_all().build()
}

impl Kept for MemoryStores {
    fn stores(&self) -> anyhow::Result<Arc<dyn Stores>> {
        Ok(Arc::new(self.clone()))
    }
}

/// Files in a folder that goes with the world.
struct Files {
    runtime: Runtime,
    folder: TempDir,
}

impl Kept for Files {
    fn stores(&self) -> anyhow::Result<Arc<dyn Stores>> {
        let options = SqliteOptions { secret: Some([7; 32]), ..SqliteOptions::default() };
        Ok(Arc::new(SqliteStores::new(self.folder.path(), options)))
    }

    fn desk(&self) -> Desk {
        Desk(Some(self.runtime.handle().clone()))
    }
}

/// A database that is empty again when the world goes.
struct Database {
    runtime: Runtime,
    scratch: Scratch,
}

impl Kept for Database {
    fn stores(&self) -> anyhow::Result<Arc<dyn Stores>> {
        let options = PgOptions { secret: Some([7; 32]), ..PgOptions::default() };
        Ok(Arc::new(PgStores::new(&self.scratch.url(), options)?))
    }

    fn desk(&self) -> Desk {
        Desk(Some(self.runtime.handle().clone()))
    }
}
