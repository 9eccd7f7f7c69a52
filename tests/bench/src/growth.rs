//! `growth`: one tenant whose journal grows from ten thousand rows to ten million. Whether it gets slower, how long answers
//! take under load, what a run takes on disk, and whether the write-ahead log stays small.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use anyhow::ensure;
use siyu_engine::ports::inspect::Inspect;
use siyu_engine::tenant::Admitted;
use siyu_store::SqliteInspect;
use tokio::sync::oneshot;

use crate::report::{Report, percentile};
use crate::steps::{CUSTOMERS, Fed, Order};
use crate::world::{self, STEPS_PER_RUN, World};

/// Rows of the journal at which it is measured.
const SIZES: [u64; 4] = [10_000, 100_000, 1_000_000, 10_000_000];
/// Rows that a run leaves in the journal.
const ROWS_PER_RUN: u64 = 7;
/// Orders of known customers in one measurement: as many, and never more than make a small tenant half as large again.
const EVENTS: u64 = 20_000;
/// From how many rows on a tenant is measured again and again: it grows by a seventh each time at most. A smaller one would not
/// be small any more, so each measurement has one of its own.
const LARGE_ROWS: u64 = 1_000_000;
/// Answers that are waited for at once.
const IN_FLIGHT: usize = 256;

/// A tenant that grows.
struct Grown {
    fed: Fed,
    inspect: SqliteInspect,
    path: PathBuf,
    /// Bytes of the longest write-ahead log that was seen.
    log_max: u64,
}

impl Grown {
    async fn new(world: &World, folder: &str) -> anyhow::Result<Self> {
        let fed = Fed::new(world.open(Arc::new(world.stores(folder))).await?).await?;
        let path = world.stores(folder).path(&world::tenant_name()?);
        Ok(Self { fed, inspect: SqliteInspect::open(&path).await?, path, log_max: 0 })
    }

    /// Feeds it until its journal has so many rows, and never much more.
    async fn grow(&mut self, rows: u64) -> anyhow::Result<u64> {
        loop {
            let found = journal(&self.inspect).await?;
            if found >= rows {
                return Ok(found);
            }
            self.fed.round(((rows - found) / ROWS_PER_RUN).clamp(50, 50_000), Order::InTurn).await?;
            self.look_at_the_log();
        }
    }

    fn look_at_the_log(&mut self) {
        let bytes = self.path.with_extension("db-wal").metadata().map_or(0, |file| file.len());
        self.log_max = self.log_max.max(bytes);
    }

    async fn bytes_a_run(&self) -> anyhow::Result<f64> {
        let runs: u64 = self.inspect.tallies().await?.runs.iter().map(|(_, count)| count).sum();
        Ok(self.path.metadata()?.len() as f64 / runs as f64)
    }
}

pub(crate) async fn measure(
    world: &World,
    (repeat, rows_max): (usize, u64),
    report: &mut Report,
) -> anyhow::Result<()> {
    report.begin("growth: one tenant, its journal from 10⁴ to 10⁷ rows");
    let (mut kept, mut log_max) = (None, 0);
    for size in SIZES.into_iter().filter(|size| *size <= rows_max) {
        let mut figures = Figures::default();
        for number in 0..repeat {
            let mut tenant = match kept.take() {
                Some(tenant) => tenant,
                None => Grown::new(world, &format!("growth-{size}-{number}")).await?,
            };
            let rows = tenant.grow(size).await?;
            figures.measure(&mut tenant.fed, rows).await?;
            tenant.look_at_the_log();
            log_max = log_max.max(tenant.log_max);
            figures.bytes.push(tenant.bytes_a_run().await?);
            if size < LARGE_ROWS {
                tenant.fed.stop().await;
            } else {
                kept = Some(tenant);
            }
        }
        figures.tell(size, report);
    }
    report.figure("largest write-ahead log seen", "MB", vec![log_max as f64 / 1e6]);
    if let Some(tenant) = kept {
        tenant.fed.stop().await;
    }
    report.end();
    Ok(())
}

/// What is measured at one size.
#[derive(Default)]
struct Figures {
    in_turn: Vec<f64>,
    at_random: Vec<f64>,
    slow: Vec<f64>,
    bytes: Vec<f64>,
}

impl Figures {
    async fn measure(&mut self, fed: &mut Fed, rows: u64) -> anyhow::Result<()> {
        let runs = rows / ROWS_PER_RUN;
        let (events, known) = ((runs / 4).clamp(500, EVENTS), runs.min(CUSTOMERS));
        self.in_turn.push(loaded(fed, events, (known, Order::InTurn)).await?.0);
        let (rate, p99) = loaded(fed, events, (known, Order::AtRandom)).await?;
        self.at_random.push(rate);
        self.slow.push(p99);
        Ok(())
    }

    fn tell(self, rows: u64, report: &mut Report) {
        report.figure(format!("{rows} rows: steps, customers in turn"), "/s", self.in_turn);
        report.figure(format!("{rows} rows: steps, customers at random"), "/s", self.at_random);
        report.figure(format!("{rows} rows: p99 of these answers, {IN_FLIGHT} waiting"), "ms", self.slow);
        report.figure(format!("{rows} rows: bytes a run"), "bytes", self.bytes);
    }
}

/// Rows of the journal.
pub(crate) async fn journal(inspect: &SqliteInspect) -> anyhow::Result<u64> {
    let rows = inspect.size().await?.rows;
    let found = rows.iter().find(|(table, _)| table == "journal").map(|(_, rows)| *rows);
    ensure!(found.is_some(), "no table journal");
    Ok(found.unwrap_or_default())
}

/// So many orders of the customers that are known: steps a second, and the slowest hundredth of answers in milliseconds.
async fn loaded(fed: &mut Fed, events: u64, customers: (u64, Order)) -> anyhow::Result<(f64, f64)> {
    let begun = Instant::now();
    let mut waiting: VecDeque<(Instant, oneshot::Receiver<_>)> = VecDeque::new();
    let mut spent = Vec::new();
    for _ in 0..events {
        if waiting.len() == IN_FLIGHT
            && let Some((since, answer)) = waiting.pop_front()
        {
            let _: Admitted = answer.await??;
            spent.push(since.elapsed().as_secs_f64() * 1e3);
        }
        let (reply, answer) = oneshot::channel();
        let since = Instant::now();
        fed.order(customers, reply).await?;
        waiting.push_back((since, answer));
    }
    for (since, answer) in waiting {
        let _: Admitted = answer.await??;
        spent.push(since.elapsed().as_secs_f64() * 1e3);
    }
    let rate = (events * STEPS_PER_RUN) as f64 / begun.elapsed().as_secs_f64();
    Ok((rate, percentile(&spent, 99)))
}
