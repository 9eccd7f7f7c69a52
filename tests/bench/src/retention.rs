//! `retention`: one tenant under load whose rows go after a day, as a host's clock sees it: whether removing keeps pace with
//! what comes, and what it costs.

use std::sync::Arc;
use std::time::Instant;

use siyu_engine::doubles::HandClock;
use siyu_engine::ports::clock::{Clock, SystemClock};
use siyu_engine::tenant::{Ports, Settings, Tenant};
use siyu_model::clock::DurationMs;
use siyu_store::SqliteInspect;

use crate::growth;
use crate::report::{Goal, Report};
use crate::steps::{CUSTOMERS, Fed, Order};
use crate::world::{self, STEPS_PER_RUN, World};

/// Days that are lived through.
const DAYS: u32 = 12;
/// Days after which the rows stay as many as they are, and it is measured.
const SETTLED: u32 = 3;
const DAY_MS: u64 = 86_400_000;
/// What may be there at the end of a day: that day, the one before, and what is still to be removed.
const DAYS_KEPT: f64 = 3.0;

pub(crate) async fn measure(world: &World, events: u64, report: &mut Report) -> anyhow::Result<()> {
    report.begin("retention: one tenant, the same orders a day without a pause");
    let kept = Lived::through(world, events, 0).await?;
    let purged = Lived::through(world, events, 1).await?;
    report.figure("steps, everything is kept", "/s", kept.rates);
    report.figure("steps, a day is kept", "/s", purged.rates);
    // Everything is kept here, so all days have left as much.
    let a_day = kept.journals.last().copied().unwrap_or_default() / f64::from(DAYS);
    let days = purged.journals.iter().map(|rows| rows / a_day).collect();
    report.goal("days of the journal that are there at the end of a day", "", days, Goal::AtMost(DAYS_KEPT));
    report.figure("the file at the end, everything is kept", "MB", vec![kept.megabytes]);
    report.figure("the file at the end, a day is kept", "MB", vec![purged.megabytes]);
    report.end();
    Ok(())
}

/// What a tenant showed.
struct Lived {
    /// Steps a second of each day, and rows of the journal at its end, once they are settled.
    rates: Vec<f64>,
    journals: Vec<f64>,
    /// Size of its file.
    megabytes: f64,
}

impl Lived {
    async fn through(world: &World, events: u64, retention_days: u32) -> anyhow::Result<Self> {
        let stores = world.stores(&format!("retention-{retention_days}"));
        let path = stores.path(&world::tenant_name()?);
        let begin = SystemClock.now();
        let clock = Arc::new(HandClock::showing(begin));
        let ports = world.ports(Arc::new(stores), world.runtime.clone())?;
        let ports = Ports { clock: clock.clone(), ..ports };
        let settings = Settings { retention_days, ..Settings::default() };
        let tenant = Tenant::open(world::tenant_name()?, ports, settings).await?;
        tenant.publish(world.publication()).await??;
        let mut fed = Fed::new(tenant).await?;
        let inspect = SqliteInspect::open(&path).await?;
        let (mut rates, mut journals) = (Vec::new(), Vec::new());
        for day in 0..DAYS {
            clock.set(begin + DurationMs::from_millis(DAY_MS * u64::from(day)));
            let begun = Instant::now();
            fed.round(events.max(CUSTOMERS), Order::InTurn).await?;
            if day >= SETTLED {
                rates.push((events.max(CUSTOMERS) * STEPS_PER_RUN) as f64 / begun.elapsed().as_secs_f64());
                journals.push(growth::journal(&inspect).await? as f64);
            }
        }
        fed.stop().await;
        let megabytes = path.metadata()?.len() as f64 / 1e6;
        Ok(Self { rates, journals, megabytes })
    }
}
