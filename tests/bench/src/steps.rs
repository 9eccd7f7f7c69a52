//! `steps`: durable steps a second of one tenant, all of it real: executor, sandbox, journal, SQLite. And where their
//! time goes, beside the bare loop of `limit`, round by round.

use std::sync::Arc;
use std::time::Instant;

use anyhow::ensure;
use siyu_engine::ports::inspect::Inspect;
use siyu_engine::ports::store::Stores;
use siyu_engine::tenant::{Admitted, Tenant, Unavailable};
use siyu_model::run::RunPhase;
use siyu_store::SqliteInspect;

use crate::cpu;
use crate::limit::{Bare, Rows};
use crate::ports::{Meter, MeteredPlugins, MeteredStores};
use crate::report::{Goal, Report};
use crate::world::{self, STEPS_PER_RUN, World};

/// Customers whose orders start runs; all of them fit into memory, as those who are busy do.
pub(crate) const CUSTOMERS: u64 = 20_000;
/// Steps a second that one tenant should do.
const STEPS_GOAL: f64 = 30_000.0;
/// How much of the bare loop.
const RATIO_GOAL: f64 = 0.8;

/// What to do how often.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rounds {
    /// Repetitions.
    pub(crate) repeat: usize,
    /// Events of a round.
    pub(crate) events: u64,
    /// Whether the engine is measured.
    pub(crate) steps: bool,
    /// Whether the bare loop is.
    pub(crate) limit: bool,
}

/// Whose orders follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// One customer after the other: what belongs together lies together.
    InTurn,
    /// Any customer: every run touches pages of its own.
    AtRandom,
}

/// Where the answer to an event goes.
pub(crate) type Reply = tokio::sync::oneshot::Sender<Result<Admitted, Unavailable>>;

/// A tenant that is fed.
pub(crate) struct Fed {
    tenant: Tenant,
    feed: Arc<str>,
    next: u64,
    dice: fastrand::Rng,
}

impl Fed {
    pub(crate) async fn new(tenant: Tenant) -> anyhow::Result<Self> {
        let feed: Arc<str> = "bench".into();
        let next = tenant.fed(&feed).await?;
        Ok(Self { tenant, feed, next, dice: fastrand::Rng::with_seed(7) })
    }

    /// Orders of so many customers, one each.
    pub(crate) async fn round(&mut self, events: u64, order: Order) -> anyhow::Result<()> {
        for _ in 0..events {
            let customer = self.customer((CUSTOMERS, order));
            self.feed(world::order(self.next, customer)?).await?;
        }
        self.tenant.settle().await?;
        Ok(())
    }

    /// Customers become friends, and each has a run that waits.
    pub(crate) async fn park(&mut self, customers: u64) -> anyhow::Result<()> {
        for customer in 0..customers {
            self.feed(world::friend(customer)?).await?;
        }
        self.tenant.settle().await?;
        Ok(())
    }

    async fn feed(&mut self, event: siyu_model::event::IncomingEvent) -> anyhow::Result<()> {
        self.next += 1;
        self.tenant.feed(event, (self.feed.clone(), self.next), None).await?;
        Ok(())
    }

    /// Whose turn it is among the first so many.
    fn customer(&mut self, (customers, order): (u64, Order)) -> u64 {
        match order {
            Order::InTurn => self.next % customers,
            Order::AtRandom => self.dice.u64(..customers),
        }
    }

    /// One order of the next customer among the first so many, answered when it is durable.
    pub(crate) async fn order(&mut self, customers: (u64, Order), reply: Reply) -> anyhow::Result<()> {
        let event = world::order(self.next, self.customer(customers))?;
        self.next += 1;
        self.tenant.feed(event, (self.feed.clone(), self.next), Some(reply)).await?;
        Ok(())
    }

    /// Hands one event in and waits until everything that it caused at once is durable.
    pub(crate) async fn admit(&self, event: siyu_model::event::IncomingEvent) -> anyhow::Result<Admitted> {
        Ok(self.tenant.admit(event).await?)
    }

    /// Steps a second of a round.
    pub(crate) async fn rate(&mut self, events: u64, order: Order) -> anyhow::Result<f64> {
        let begun = Instant::now();
        self.round(events, order).await?;
        Ok((events * STEPS_PER_RUN) as f64 / begun.elapsed().as_secs_f64())
    }

    pub(crate) async fn stop(self) {
        self.tenant.stop().await;
    }
}

/// Measures the engine and the bare loop in turns, so that both meet the same machine.
pub(crate) async fn measure(world: &World, rounds: Rounds, report: &mut Report) -> anyhow::Result<()> {
    report.begin("steps: one tenant, a sandboxed plugin a step, journal on");
    let mut engine = None;
    if rounds.steps {
        let mut fed = Fed::new(world.open(Arc::new(world.stores("steps"))).await?).await?;
        fed.round(CUSTOMERS, Order::InTurn).await?;
        engine = Some(fed);
    }
    let mut bare = if rounds.limit { Some(Bare::new(world).await?) } else { None };
    let mut rates = Rates::default();
    let a_step = |seconds: f64| seconds * 1e6 / (rounds.events * STEPS_PER_RUN) as f64;
    for _ in 0..rounds.repeat {
        if let Some(fed) = &mut engine {
            let before = cpu::own_seconds();
            rates.in_turn.push(fed.rate(rounds.events, Order::InTurn).await?);
            rates.engine_us.push(a_step(cpu::own_seconds() - before));
        }
        if let Some(bare) = &mut bare {
            let before = cpu::own_seconds();
            rates.a_run.push(bare.round(rounds.events, Rows::ARun)?);
            rates.limit_us.push(a_step(cpu::own_seconds() - before));
            rates.a_step.push(bare.round(rounds.events, Rows::AStep)?);
        }
        if let Some(fed) = &mut engine {
            rates.at_random.push(fed.rate(rounds.events, Order::AtRandom).await?);
        }
    }
    if let Some(fed) = engine {
        fed.stop().await;
        ensure_all_completed(world, "steps").await?;
    }
    rates.tell(report);
    report.end();
    if let Some(bare) = bare {
        bare.tell(report);
    }
    if rounds.steps {
        where_time_goes(world, rounds, report).await?;
    }
    Ok(())
}

#[derive(Default)]
struct Rates {
    in_turn: Vec<f64>,
    at_random: Vec<f64>,
    a_run: Vec<f64>,
    a_step: Vec<f64>,
    engine_us: Vec<f64>,
    limit_us: Vec<f64>,
}

impl Rates {
    fn tell(self, report: &mut Report) {
        let ratios = |limit: &[f64]| {
            self.in_turn.iter().zip(limit).map(|(own, limit)| own / limit).collect::<Vec<_>>()
        };
        let (to_a_run, to_a_step) = (ratios(&self.a_run), ratios(&self.a_step));
        report.goal("durable steps, customers in turn", "/s", self.in_turn, Goal::AtLeast(STEPS_GOAL));
        report.figure("durable steps, customers at random", "/s", self.at_random);
        report.figure("limit: bare loop, run and message rows once a run", "/s", self.a_run);
        report.figure("limit: bare loop, run and message rows every step", "/s", self.a_step);
        report.goal("ratio of steps in turn to the first limit", "", to_a_run, Goal::AtLeast(RATIO_GOAL));
        report.goal("ratio of steps in turn to the second limit", "", to_a_step, Goal::AtLeast(RATIO_GOAL));
        report.figure("processor a step in turn, all threads", "µs", self.engine_us);
        report.figure("processor a step of the first limit, all threads", "µs", self.limit_us);
    }
}

/// Every event started a run and every run came to its end: nothing was measured that did not happen.
pub(crate) async fn ensure_all_completed(world: &World, folder: &str) -> anyhow::Result<()> {
    let inspect = SqliteInspect::open(world.stores(folder).path(&world::tenant_name()?)).await?;
    let tallies = inspect.tallies().await?;
    let events: u64 = tallies.events.iter().map(|(_, count)| count).sum();
    let completed: u64 =
        tallies.runs.iter().filter(|(phase, _)| *phase == RunPhase::Completed).map(|(_, count)| count).sum();
    ensure!(completed == events, "{events} events, {completed} runs completed: {:?}", tallies.runs);
    Ok(())
}

/// The same once more with measured ports: slower by what measuring costs, so its rate is told beside.
async fn where_time_goes(world: &World, rounds: Rounds, report: &mut Report) -> anyhow::Result<()> {
    report.begin("where a step's time goes, µs a step");
    let mut parts: Vec<(&'static str, Vec<f64>)> = Vec::new();
    let mut note = String::new();
    for round in 0..rounds.repeat {
        let meter = Arc::new(Meter::default());
        let folder = format!("where-{round}");
        let stores: Arc<dyn Stores> = Arc::new(world.stores(&folder));
        let stores = MeteredStores { inner: stores, meter: meter.clone() };
        let plugins = MeteredPlugins { inner: world.runtime.clone(), meter: meter.clone() };
        let mut fed = Fed::new(world.open_with(Arc::new(stores), Arc::new(plugins)).await?).await?;
        fed.round(CUSTOMERS, Order::InTurn).await?;
        let before = (Seen::of(&meter), cpu::threads());
        let begun = Instant::now();
        fed.round(rounds.events, Order::InTurn).await?;
        let wall = begun.elapsed().as_secs_f64() * 1e6;
        let used = cpu::since(&before.1);
        let seen = Seen::of(&meter).since(&before.0);
        fed.stop().await;
        let steps = (rounds.events * STEPS_PER_RUN) as f64;
        note = seen.note(steps);
        for (place, (name, us)) in seen.parts(wall, &used, &meter).into_iter().enumerate() {
            match parts.get_mut(place) {
                Some((_, values)) => values.push(us / steps),
                None => parts.push((name, vec![us / steps])),
            }
        }
        std::fs::remove_dir_all(world.tenants(&folder))?;
    }
    for (name, values) in parts {
        report.figure(name, "µs", values);
    }
    report.note(note);
    report.end();
    Ok(())
}

/// What the meter showed at an instant.
#[derive(Debug, Clone, Copy)]
struct Seen {
    calls_us: f64,
    commits: f64,
    commits_wall_us: f64,
    commits_busy_us: f64,
    loads: f64,
    loads_wall_us: f64,
    loads_busy_us: f64,
    checkpoints: f64,
    checkpoints_us: f64,
}

impl Seen {
    fn of(meter: &Meter) -> Self {
        Self {
            calls_us: meter.calls.wall_us(),
            commits: meter.commits.times(),
            commits_wall_us: meter.commits.wall_us(),
            commits_busy_us: meter.commits.busy_us(),
            loads: meter.loads.times(),
            loads_wall_us: meter.loads.wall_us(),
            loads_busy_us: meter.loads.busy_us(),
            checkpoints: meter.maintained.times(),
            checkpoints_us: meter.maintained.wall_us(),
        }
    }

    fn since(&self, before: &Self) -> Self {
        Self {
            calls_us: self.calls_us - before.calls_us,
            commits: self.commits - before.commits,
            commits_wall_us: self.commits_wall_us - before.commits_wall_us,
            commits_busy_us: self.commits_busy_us - before.commits_busy_us,
            loads: self.loads - before.loads,
            loads_wall_us: self.loads_wall_us - before.loads_wall_us,
            loads_busy_us: self.loads_busy_us - before.loads_busy_us,
            checkpoints: self.checkpoints - before.checkpoints,
            checkpoints_us: self.checkpoints_us - before.checkpoints_us,
        }
    }

    /// Microseconds of all steps, by part.
    fn parts(
        &self,
        wall: f64,
        used: &std::collections::BTreeMap<u32, cpu::Used>,
        meter: &Meter,
    ) -> Vec<(&'static str, f64)> {
        let lanes = meter.lanes();
        let sum = |is_one: &dyn Fn(u32, &cpu::Used) -> bool| {
            let these = used.iter().filter(|(number, used)| is_one(**number, used));
            these.fold((0.0, 0.0), |(on, waited), (_, used)| {
                (on + used.on.as_secs_f64() * 1e6, waited + used.waited.as_secs_f64() * 1e6)
            })
        };
        let named = |name: &'static str| move |_: u32, used: &cpu::Used| used.name.starts_with(name);
        let (lane, _) = sum(&|number, _| lanes.contains(&number));
        let (workers, _) = sum(&named("worker-"));
        let (readers, _) = sum(&named("store-reader"));
        let writer = used.iter().filter(|(_, used)| used.name.starts_with("store-writer"));
        let writer = writer.max_by_key(|(_, used)| used.on).map(|(number, _)| *number);
        let (statements, writer_waited) = sum(&|number, _| Some(number) == writer);
        let (keepers, _) =
            sum(&|number, used: &cpu::Used| used.name.starts_with("store-writer") && Some(number) != writer);
        let (all, _) = sum(&|_, _| true);
        let known = lane + workers + readers + statements + keepers;
        let durable = self.commits_wall_us - self.commits_busy_us - statements - writer_waited;
        vec![
            ("wall", wall),
            ("processor, all threads", all),
            ("lane thread: in the sandbox, the host's side of calls included", self.calls_us),
            ("lane thread: interpreting, expressions, memory", lane - self.calls_us),
            ("worker threads: all", workers),
            ("  of which rows into parameters (polling commits)", self.commits_busy_us),
            ("  of which polling loads", self.loads_busy_us),
            ("writer's thread: SQLite statements and system calls", statements),
            ("writer's thread: waiting for a processor", writer_waited),
            ("writer's thread: waiting for fsync", durable.max(0.0)),
            ("readers' threads: SQLite statements", readers),
            ("checkpointing threads: processor", keepers),
            ("feeding events and all else: processor", (all - known).max(0.0)),
            ("from begin to end of commits, beside the lane", self.commits_wall_us),
            ("from begin to end of loads, before the lane", self.loads_wall_us),
        ]
    }

    fn note(&self, steps: f64) -> String {
        format!(
            "{:.0} steps a commit, a commit takes {:.2} ms; {:.1} loads a commit, {:.0} µs each; {:.0} checkpoints, {:.1} ms each",
            steps / self.commits,
            self.commits_wall_us / self.commits / 1e3,
            self.loads / self.commits,
            self.loads_wall_us / self.loads.max(1.0),
            self.checkpoints,
            self.checkpoints_us / self.checkpoints.max(1.0) / 1e3,
        )
    }
}
