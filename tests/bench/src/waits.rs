//! `waits`: a million runs that wait, in one tenant: what they cost while nothing happens, and whether they slow others.

use std::sync::Arc;
use std::time::Instant;

use siyu_engine::ports::store::{Store, Stores};

use crate::cpu;
use crate::report::{Goal, Report, percentile};
use crate::steps::{Fed, Order};
use crate::world::{self, World};

/// Due queries that are measured.
const QUERIES: usize = 2_000;
/// Timers that one of them asks for.
const DUE_ROWS: usize = 256;
/// Events of a round of steps beside the waits.
const EVENTS: u64 = 20_000;
const FOLDER: &str = "waits";

/// Parks runs through the engine, then looks at what they cost.
pub(crate) async fn measure(
    world: &World,
    (repeat, parked): (usize, u64),
    report: &mut Report,
) -> anyhow::Result<()> {
    report.begin("waits: runs that wait for an event or thirty days, one a customer");
    let memory_before = cpu::memory_bytes();
    let begun = Instant::now();
    let mut fed = Fed::new(world.open(Arc::new(world.stores(FOLDER))).await?).await?;
    fed.park(parked).await?;
    fed.stop().await;
    let seconds = begun.elapsed().as_secs_f64();
    report.note(format!("{parked} runs parked through the engine in {seconds:.0} s"));
    report.figure("runs parked", "/s", vec![parked as f64 / seconds]);
    let bytes = std::fs::metadata(world.stores(FOLDER).path(&world::tenant_name()?))?.len();
    report.goal("database", "MB", vec![bytes as f64 / 1e6], Goal::AtMost(1_000.0));
    due(world, repeat, report).await?;
    beside(world, (repeat, memory_before), report).await?;
    report.end();
    Ok(())
}

/// What the executor asks when it looks for what is due.
async fn due(world: &World, repeat: usize, report: &mut Report) -> anyhow::Result<()> {
    let store: Arc<dyn Store> = world.stores(FOLDER).open(&world::tenant_name()?).await?;
    let (mut halves, mut slows) = (Vec::new(), Vec::new());
    for _ in 0..repeat {
        let mut spent = Vec::with_capacity(QUERIES);
        let mut after = None;
        for _ in 0..QUERIES {
            let begun = Instant::now();
            let rows = store.timers(after, DUE_ROWS).await?;
            spent.push(begun.elapsed().as_secs_f64() * 1e3);
            after = rows.last().map(|row| (row.due_at, row.id));
        }
        halves.push(percentile(&spent, 50));
        slows.push(percentile(&spent, 99));
    }
    store.close().await?;
    report.goal(format!("the next {DUE_ROWS} timers, median"), "ms", halves, Goal::AtMost(1.0));
    report.goal(format!("the next {DUE_ROWS} timers, 99th percentile"), "ms", slows, Goal::AtMost(1.0));
    Ok(())
}

/// Orders of customers that wait, while all others wait.
async fn beside(
    world: &World,
    (repeat, memory_before): (usize, u64),
    report: &mut Report,
) -> anyhow::Result<()> {
    let mut fed = Fed::new(world.open(Arc::new(world.stores(FOLDER))).await?).await?;
    let idle = cpu::memory_bytes();
    let (mut cold, mut rates, mut memory) = (Vec::new(), Vec::new(), Vec::new());
    cold.push(fed.rate(EVENTS, Order::InTurn).await?);
    for _ in 0..repeat {
        rates.push(fed.rate(EVENTS, Order::InTurn).await?);
        memory.push(cpu::memory_bytes() as f64 / 1e6);
    }
    fed.stop().await;
    report.figure("memory of the process before", "MB", vec![memory_before as f64 / 1e6]);
    report.goal("memory with the tenant open", "MB", vec![idle as f64 / 1e6], Goal::AtMost(200.0));
    report.goal("memory while events come", "MB", memory, Goal::AtMost(200.0));
    report.figure("durable steps, customers that are not in memory yet", "/s", cold);
    report.figure("durable steps beside them", "/s", rates);
    Ok(())
}
