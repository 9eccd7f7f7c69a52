//! `growth`: one tenant whose journal grows from ten thousand rows to ten million. Whether it gets slower, how long answers
//! take under load, what a run takes on disk, and whether the write-ahead log stays small.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use anyhow::ensure;
use siyu_engine::ports::inspect::Inspect;
use siyu_store::SqliteInspect;
use tokio::sync::oneshot;

use crate::report::{Report, percentile};
use crate::steps::{CUSTOMERS, Fed, Order};
use crate::world::{self, STEPS_PER_RUN, World};

/// Rows of the journal at which it is measured.
const SIZES: [u64; 4] = [10_000, 100_000, 1_000_000, 10_000_000];
/// Orders of customers who come again, in each measurement.
const EVENTS: u64 = 20_000;
/// Answers that are waited for at once.
const IN_FLIGHT: usize = 256;
const FOLDER: &str = "growth";

pub(crate) async fn measure(
    world: &World,
    (repeat, rows_max): (usize, u64),
    report: &mut Report,
) -> anyhow::Result<()> {
    report.begin("growth: one tenant, its journal from 10⁴ to 10⁷ rows");
    let mut fed = Fed::new(world.open(Arc::new(world.stores(FOLDER))).await?).await?;
    let path = world.stores(FOLDER).path(&world::tenant_name()?);
    let inspect = SqliteInspect::open(&path).await?;
    let wal = path.with_extension("db-wal");
    let mut wal_max = 0;
    for size in SIZES.into_iter().filter(|size| *size <= rows_max) {
        let mut rows = journal(&inspect).await?;
        while rows < size {
            // About seven lines a run; never much more than is asked for.
            fed.round(((size - rows) / 7).clamp(50, 50_000), Order::InTurn).await?;
            wal_max = wal_max.max(wal.metadata().map_or(0, |file| file.len()));
            rows = journal(&inspect).await?;
        }
        let (mut rates, mut slow) = (Vec::new(), Vec::new());
        for _ in 0..repeat {
            let (rate, p99) = loaded(&mut fed).await?;
            rates.push(rate);
            slow.push(p99);
            wal_max = wal_max.max(wal.metadata().map_or(0, |file| file.len()));
        }
        report.figure(format!("steps with {rows} rows"), "/s", rates);
        report.figure(format!("p99 of an answer, {IN_FLIGHT} waiting, {rows} rows"), "ms", slow);
        let runs: u64 = inspect.tallies().await?.runs.iter().map(|(_, count)| count).sum();
        let bytes = path.metadata()?.len() as f64;
        report.figure(format!("bytes a run, {rows} rows"), "bytes", vec![bytes / runs as f64]);
    }
    report.figure("largest write-ahead log seen", "MB", vec![wal_max as f64 / 1e6]);
    fed.stop().await;
    report.end();
    Ok(())
}

/// Rows of the journal.
pub(crate) async fn journal(inspect: &SqliteInspect) -> anyhow::Result<u64> {
    let rows = inspect.size().await?.rows;
    let found = rows.iter().find(|(table, _)| table == "journal").map(|(_, rows)| *rows);
    ensure!(found.is_some(), "no table journal");
    Ok(found.unwrap_or_default())
}

/// Orders of known customers at random, so many in flight: steps a second, and the slowest hundredth of answers in
/// milliseconds.
async fn loaded(fed: &mut Fed) -> anyhow::Result<(f64, f64)> {
    let begun = Instant::now();
    let mut waiting: VecDeque<(Instant, oneshot::Receiver<_>)> = VecDeque::new();
    let mut spent = Vec::new();
    for _ in 0..EVENTS {
        if waiting.len() == IN_FLIGHT
            && let Some((since, answer)) = waiting.pop_front()
        {
            let _: Result<siyu_engine::tenant::Admitted, siyu_engine::tenant::Unavailable> = answer.await?;
            spent.push(since.elapsed().as_secs_f64() * 1e3);
        }
        let (reply, answer) = oneshot::channel();
        let since = Instant::now();
        fed.order(CUSTOMERS, reply).await?;
        waiting.push_back((since, answer));
    }
    for (since, answer) in waiting {
        let _: Result<_, _> = answer.await?;
        spent.push(since.elapsed().as_secs_f64() * 1e3);
    }
    let rate = (EVENTS * STEPS_PER_RUN) as f64 / begun.elapsed().as_secs_f64();
    Ok((rate, percentile(&spent, 99)))
}
