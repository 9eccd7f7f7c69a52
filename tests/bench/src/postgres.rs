//! `postgres`: durable steps a second of one tenant on a private Postgres on this machine, its commits made durable as in
//! earnest; and how long one durable answer takes when nothing else happens.

use std::sync::Arc;
use std::time::Instant;

use anyhow::ensure;
use siyu_engine::ports::inspect::Inspect;
use siyu_engine::tenant::Admitted;
use siyu_model::run::RunPhase;
use siyu_store::{PgInspect, PgOptions, PgStores};
use siyu_test_postgres::{Binaries, Server};

use crate::report::{Goal, Report, percentile};
use crate::steps::{CUSTOMERS, Fed, Order};
use crate::world::{self, World};

/// Steps a second that one tenant should do.
const STEPS_GOAL: f64 = 15_000.0;
/// Durable answers, one after the other.
const ALONE: u64 = 500;
/// As an operator would set a server of this size; what is durable when stays as it is.
const SETTINGS: [&str; 2] = ["shared_buffers=1GB", "wal_buffers=16MB"];

pub(crate) async fn measure(
    world: &World,
    (repeat, events): (usize, u64),
    report: &mut Report,
) -> anyhow::Result<()> {
    report.begin("postgres: one tenant, a sandboxed plugin a step, journal on");
    let server = report.beside(|_| Server::start_with(&Binaries::find()?, &SETTINGS))?;
    let stores = PgStores::new(server.url(), PgOptions::default())?;
    let health = stores.health().await?;
    report.note(format!(
        "Postgres {} over a socket; fsync {}, synchronous_commit {}",
        health.version, health.fsync, health.synchronous_commit
    ));
    drop(health);
    let mut fed = Fed::new(world.open(Arc::new(stores.clone())).await?).await?;
    fed.round(CUSTOMERS, Order::InTurn).await?;
    let (mut in_turn, mut at_random) = (Vec::new(), Vec::new());
    for _ in 0..repeat {
        in_turn.push(fed.rate(events, Order::InTurn).await?);
        at_random.push(fed.rate(events, Order::AtRandom).await?);
    }
    report.goal("durable steps, customers in turn", "/s", in_turn, Goal::AtLeast(STEPS_GOAL));
    report.figure("durable steps, customers at random", "/s", at_random);
    let mut waits = Vec::new();
    for number in 0..ALONE {
        let begun = Instant::now();
        let admitted = fed.admit(world::order(1_000_000_000 + number, number)?).await?;
        waits.push(begun.elapsed().as_secs_f64() * 1e3);
        ensure!(matches!(admitted, Admitted::Recorded { .. }), "{admitted:?}");
    }
    report.figure("one durable answer with five steps, alone: median", "ms", vec![percentile(&waits, 50)]);
    report.figure("the same: p99", "ms", vec![percentile(&waits, 99)]);
    fed.stop().await;
    let inspect = PgInspect::open(&stores, &world::tenant_name()?).await?;
    let tallies = inspect.tallies().await?;
    let recorded: u64 = tallies.events.iter().map(|(_, count)| count).sum();
    let completed: u64 =
        tallies.runs.iter().filter(|(phase, _)| *phase == RunPhase::Completed).map(|(_, count)| count).sum();
    ensure!(completed == recorded, "{recorded} events, {completed} runs completed: {:?}", tallies.runs);
    inspect.close().await;
    report.end();
    Ok(())
}
