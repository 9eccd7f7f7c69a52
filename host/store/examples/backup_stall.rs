//! What a backup costs whoever executes the tenant: times of commits before, during and after it.
//!
//! ```sh
//! cargo run --release -p siyu-store --example backup_stall -- 400000
//! ```
//! The argument is how many events the tenant has before the first backup.

use std::path::Path;
use std::time::{Duration, Instant};

use siyu_engine::ports::rows::WriteSet;
use siyu_engine::ports::store::{Maintenance, Store, Stores};
use siyu_model::name::TenantName;
use siyu_store::carry::{BackupRequest, Kept, backup};
use siyu_store::conformance::samples::{at, event};
use siyu_store::{SqliteOptions, SqliteStores};

/// Events a commit: a busy tenant's batch.
const BATCH: u64 = 64;
/// How long commits are timed while no backup is made.
const CALM: Duration = Duration::from_secs(3);

/// Commits batches and notes how long each takes.
struct Writer {
    store: std::sync::Arc<dyn Store>,
    next: u64,
    times: Vec<Duration>,
}

impl Writer {
    async fn commit(&mut self, events: u64) -> anyhow::Result<()> {
        let rows = (self.next..self.next + events).map(event).collect::<Result<Vec<_>, _>>()?;
        self.next += events;
        let began = Instant::now();
        self.store.commit(WriteSet { events: rows, ..WriteSet::default() }).await?;
        self.times.push(began.elapsed());
        Ok(())
    }

    #[expect(clippy::print_stdout, reason = "the example is what it prints")]
    fn report(&mut self, when: &str) {
        self.times.sort();
        let at = |part: usize| self.times[(self.times.len() - 1) * part / 1_000];
        println!(
            "{when:<8} {:>6} commits  p50 {:>8.2?}  p99 {:>8.2?}  p99.9 {:>8.2?}  longest {:>8.2?}",
            self.times.len(),
            at(500),
            at(990),
            at(999),
            at(1_000)
        );
        self.times.clear();
    }
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "the example is what it prints")]
async fn main() -> anyhow::Result<()> {
    let rows: u64 = std::env::args().nth(1).map_or(Ok(200_000), |text| text.parse())?;
    let folder = tempfile::tempdir()?;
    let stores = SqliteStores::new(folder.path().join("tenants"), SqliteOptions::default());
    let tenant = TenantName::new("t")?;
    let mut writer = Writer { store: stores.open(&tenant).await?, next: 1, times: Vec::new() };
    while writer.next < rows {
        writer.commit(4_096).await?;
        writer.store.maintain(Maintenance::Checkpoint).await?;
    }
    writer.times.clear();
    let size = stores.path(&tenant).metadata()?.len();
    println!("{} events, {} MiB", writer.next - 1, size >> 20);

    calm(&mut writer, "before").await?;
    let (file, from) = (folder.path().join("t.backup"), Kept::Files(stores.clone()));
    let made = tokio::spawn(async move { timed(&from, &tenant, &file).await });
    while !made.is_finished() {
        writer.commit(BATCH).await?;
        maintain(&writer).await?;
    }
    let (took, bytes) = made.await??;
    writer.report("during");
    let log = Path::new(&format!("{}-wal", stores.path(&TenantName::new("t")?).display())).metadata()?.len();
    println!("the backup took {took:.2?}, {} MiB; the log has {} MiB", bytes >> 20, log >> 20);
    calm(&mut writer, "after").await
}

async fn timed(from: &Kept, tenant: &TenantName, file: &Path) -> anyhow::Result<(Duration, u64)> {
    let began = Instant::now();
    let request =
        BackupRequest { from, tenant, file, at: at(1), is_virtual: false, files: &[], watch: &|_| {} };
    let made = backup(request).await?;
    Ok((began.elapsed(), made.bytes))
}

async fn calm(writer: &mut Writer, when: &str) -> anyhow::Result<()> {
    let began = Instant::now();
    while began.elapsed() < CALM {
        writer.commit(BATCH).await?;
        maintain(writer).await?;
    }
    writer.report(when);
    Ok(())
}

/// As an executor does it, from time to time.
async fn maintain(writer: &Writer) -> anyhow::Result<()> {
    if (writer.next / BATCH).is_multiple_of(16) {
        writer.store.maintain(Maintenance::Checkpoint).await?;
    }
    Ok(())
}
