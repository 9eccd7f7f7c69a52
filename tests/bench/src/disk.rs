//! `disk`: what a run and a step leave on the disk when the log is back in the database.

use std::sync::Arc;

use crate::report::Report;
use crate::steps::{CUSTOMERS, Fed, Order};
use crate::world::{self, STEPS_PER_RUN, World};

/// Runs whose bytes are counted: two orders of every customer.
const RUNS: u64 = 2 * CUSTOMERS;

/// Measures the growth of a file by runs of known customers.
pub(crate) async fn measure(world: &World, repeat: usize, report: &mut Report) -> anyhow::Result<()> {
    report.begin("disk: what runs of known customers leave");
    let (mut runs, mut steps) = (Vec::new(), Vec::new());
    for round in 0..repeat {
        let folder = format!("disk-{round}");
        let before = grown(world, &folder, CUSTOMERS).await?;
        let after = grown(world, &folder, RUNS).await?;
        let a_run = (after - before) as f64 / RUNS as f64;
        runs.push(a_run);
        steps.push(a_run / STEPS_PER_RUN as f64);
        std::fs::remove_dir_all(world.tenants(&folder))?;
    }
    report.figure("a run of five steps: event, fact, run, journal", "bytes", runs);
    report.figure("a step, all of it divided by five", "bytes", steps);
    report.end();
    Ok(())
}

/// Bytes of the file after so many further orders.
async fn grown(world: &World, folder: &str, orders: u64) -> anyhow::Result<u64> {
    let mut fed = Fed::new(world.open(Arc::new(world.stores(folder))).await?).await?;
    fed.round(orders, Order::InTurn).await?;
    fed.stop().await;
    Ok(std::fs::metadata(world.stores(folder).path(&world::tenant_name()?))?.len())
}
