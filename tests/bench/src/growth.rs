//! `growth`: one tenant whose journal grows from ten thousand rows to ten million. Whether it gets slower, how long answers
//! take under load, what a run takes on disk, and whether the write-ahead log stays small.
//!
//! A tenant with more runs has more customers as well, and more customers touch more pages whatever the journal holds. So
//! the same customers are measured at every size, and all of them beside.

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
/// Customers that are there at every size. Their rows lie among those of all others.
const SAME: u64 = 1_400;
/// Orders of known customers in one measurement of a large tenant; a small one is measured with a quarter of its runs, or
/// with as many as it takes to get going.
const EVENTS: u64 = 10_000;
/// From how many rows on a tenant is measured again and again: it grows by a seventh each time at most.
const LARGE_ROWS: u64 = 1_000_000;
/// Below how many rows several tenants are measured in each turn.
const SMALL_ROWS: u64 = 100_000;
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
    async fn grow(&mut self, rows: u64) -> anyhow::Result<()> {
        loop {
            let found = journal(&self.inspect).await?;
            if found >= rows {
                return Ok(());
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
    let mut sizes = Vec::new();
    for rows in SIZES.into_iter().filter(|rows| *rows <= rows_max) {
        let mut large = None;
        if rows >= LARGE_ROWS {
            large.insert(Grown::new(world, &format!("growth-{rows}")).await?).grow(rows).await?;
        }
        sizes.push(Size { rows, large, figures: Figures::default() });
    }
    // In turns, so that what the machine gives from minute to minute counts for all of them.
    for number in 0..repeat {
        for size in &mut sizes {
            size.measure(world, number).await?;
        }
    }
    let log_max = sizes.iter().map(|size| size.figures.log_max).max().unwrap_or_default();
    for size in sizes {
        size.figures.tell(size.rows, report);
        if let Some(tenant) = size.large {
            tenant.fed.stop().await;
        }
    }
    report.figure("largest write-ahead log seen", "MB", vec![log_max as f64 / 1e6]);
    report.end();
    Ok(())
}

/// Rows of a journal, and what is measured with as many.
struct Size {
    rows: u64,
    /// The tenant that stays. A small one would not be small any more after it was measured.
    large: Option<Grown>,
    figures: Figures,
}

impl Size {
    async fn measure(&mut self, world: &World, number: usize) -> anyhow::Result<()> {
        let Some(tenant) = &mut self.large else {
            for one in 0..self.tenants() {
                let folder = format!("growth-{}-{number}-{one}", self.rows);
                let mut tenant = Grown::new(world, &folder).await?;
                tenant.grow(self.rows).await?;
                self.figures.measure(&mut tenant, number + one).await?;
                tenant.fed.stop().await;
            }
            return Ok(());
        };
        self.figures.measure(tenant, number).await
    }

    /// Small tenants of one turn: a measurement of one of them is short.
    fn tenants(&self) -> usize {
        if self.rows < SMALL_ROWS { 7 } else { 1 }
    }
}

/// What is measured at one size.
#[derive(Default)]
struct Figures {
    same: Loaded,
    all: Loaded,
    bytes: Vec<f64>,
    /// Bytes of the longest write-ahead log.
    log_max: u64,
}

/// Steps a second of customers at random, and the slowest hundredth of answers in milliseconds.
#[derive(Default)]
struct Loaded {
    rates: Vec<f64>,
    slows: Vec<f64>,
}

impl Figures {
    /// Those who come second meet a tenant that has just been busy, so they take turns at that too.
    async fn measure(&mut self, tenant: &mut Grown, number: usize) -> anyhow::Result<()> {
        let runs = journal(&tenant.inspect).await? / ROWS_PER_RUN;
        let events = (runs / 4).clamp(2 * IN_FLIGHT as u64, EVENTS);
        let mut turns = [(&mut self.same, SAME), (&mut self.all, runs.min(CUSTOMERS))];
        turns.rotate_left(number % 2);
        for (loaded, customers) in turns {
            loaded.measure(&mut tenant.fed, events, customers).await?;
        }
        tenant.look_at_the_log();
        self.log_max = self.log_max.max(tenant.log_max);
        self.bytes.push(tenant.bytes_a_run().await?);
        Ok(())
    }

    fn tell(self, rows: u64, report: &mut Report) {
        self.same.tell(&format!("{rows} rows, the same {SAME} customers"), report);
        self.all.tell(&format!("{rows} rows, all customers"), report);
        report.figure(format!("{rows} rows: bytes a run"), "bytes", self.bytes);
    }
}

impl Loaded {
    /// So many orders of any of the first so many customers.
    async fn measure(&mut self, fed: &mut Fed, events: u64, customers: u64) -> anyhow::Result<()> {
        let (rate, slow) = loaded(fed, events, (customers, Order::AtRandom)).await?;
        self.rates.push(rate);
        self.slows.push(slow);
        Ok(())
    }

    fn tell(self, of: &str, report: &mut Report) {
        report.figure(format!("{of}: steps"), "/s", self.rates);
        report.figure(format!("{of}: p99 of answers, {IN_FLIGHT} waiting"), "ms", self.slows);
    }
}

/// Rows of the journal.
pub(crate) async fn journal(inspect: &SqliteInspect) -> anyhow::Result<u64> {
    let rows = inspect.size().await?.rows;
    let found = rows.iter().find(|(table, _)| table == "journal").map(|(_, rows)| *rows);
    ensure!(found.is_some(), "no table journal");
    Ok(found.unwrap_or_default())
}

/// So many orders of the customers that are known: steps a second, and the slowest hundredth of answers in milliseconds. The
/// answers that come while it begins, as many as are waited for at once, count for neither.
async fn loaded(fed: &mut Fed, events: u64, customers: (u64, Order)) -> anyhow::Result<(f64, f64)> {
    let mut waiting: VecDeque<(Instant, oneshot::Receiver<_>)> = VecDeque::new();
    let (mut begun, mut spent) = (Instant::now(), Vec::new());
    for number in 0..events + IN_FLIGHT as u64 {
        if number < events {
            let (reply, answer) = oneshot::channel();
            let since = Instant::now();
            fed.order(customers, reply).await?;
            waiting.push_back((since, answer));
        }
        if number < IN_FLIGHT as u64 {
            continue;
        }
        if let Some((since, answer)) = waiting.pop_front() {
            let _: Admitted = answer.await??;
            spent.push(since.elapsed().as_secs_f64() * 1e3);
        }
        if number + 1 == 2 * IN_FLIGHT as u64 {
            spent.clear();
            begun = Instant::now();
        }
    }
    let rate = (spent.len() as u64 * STEPS_PER_RUN) as f64 / begun.elapsed().as_secs_f64();
    Ok((rate, percentile(&spent, 99)))
}
