//! `tenants`: many tenants on one host. What those cost that sleep, how long one takes to wake, and how much a tenant that
//! floods the host slows the others.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::ensure;
use siyu_engine::host::{Host, Rules};
use siyu_engine::tenant::{Admitted, Settings};
use siyu_model::clock::DurationMs;
use siyu_model::name::TenantName;
use tokio::task::JoinSet;

use crate::cpu;
use crate::report::{Goal, Report, percentile};
use crate::world::{self, World};

/// Tenants that are busy beside one that floods.
const BUSY: usize = 100;
/// How often an order comes to each of them.
const EVERY: Duration = Duration::from_millis(100);
/// How long a spell is for which they are watched, calm or flooded.
const SPELL: Duration = Duration::from_secs(2);
/// Spells of each kind in one repetition.
const SPELLS: usize = 8;
/// Rest before each spell, in which what the one before left is cleared away.
const REST: Duration = Duration::from_millis(500);
/// How long a flood lasts before it is looked at what it does to others.
const FLOODED_BEFORE: Duration = Duration::from_millis(500);
/// How many wakings are measured.
const WAKINGS: usize = 200;
/// What a tenant that sleeps may cost.
const ASLEEP_KB: f64 = 50.0;
/// How much later the slowest hundredth may be answered beside a flood.
const SLOWER_PERCENT: f64 = 20.0;
const FOLDER: &str = "tenants";

fn name(number: usize) -> anyhow::Result<TenantName> {
    Ok(TenantName::new(&format!("client-{number:04}"))?)
}

/// Tenants sleep as soon as nothing happens in them.
fn rules(idle_ms: u64) -> Rules {
    Rules { idle: DurationMs::from_millis(idle_ms), ..Rules::default() }
}

async fn host(world: &World, idle_ms: u64) -> anyhow::Result<Host> {
    let ports = world.ports(Arc::new(world.stores(FOLDER)), world.runtime.clone())?;
    Ok(Host::open(ports, Settings::default(), rules(idle_ms)).await?)
}

pub(crate) async fn measure(
    world: &World,
    (repeat, tenants): (usize, usize),
    report: &mut Report,
) -> anyhow::Result<()> {
    let few = Rules::default().awake_max.min(tenants / 2);
    ensure!(
        tenants > few + BUSY,
        "{tenants} tenants are too few to tell what one costs: name more than {BUSY}"
    );
    report.begin("tenants: many on one host, most of them asleep");
    asleep(world, (few, tenants), report).await?;
    waking(world, repeat, tenants, report).await?;
    neighbours(world, repeat, report).await?;
    report.end();
    Ok(())
}

/// Makes tenants and lets them sleep: what the later ones add is what one costs.
async fn asleep(world: &World, (few, all): (usize, usize), report: &mut Report) -> anyhow::Result<()> {
    let host = host(world, 0).await?;
    make(world, &host, 0..few).await?;
    sleep(&host).await?;
    let (memory, threads) = (cpu::memory_bytes(), cpu::threads().len());
    let begun = Instant::now();
    make(world, &host, few..all).await?;
    let made = (all - few) as f64 / begun.elapsed().as_secs_f64();
    sleep(&host).await?;
    let added = cpu::memory_bytes().saturating_sub(memory) as f64 / 1e3 / (all - few) as f64;
    let more_threads = cpu::threads().len().saturating_sub(threads);
    report.figure("tenants made, with a playbook", "/s", vec![made]);
    report.goal("memory of a tenant that sleeps", "kB", vec![added], Goal::AtMost(ASLEEP_KB));
    report.note(format!("{all} tenants asleep; the last {} of them added {more_threads} threads", all - few));
    host.stop().await;
    Ok(())
}

async fn make(world: &World, host: &Host, numbers: std::ops::Range<usize>) -> anyhow::Result<()> {
    for number in numbers {
        let tenant = host.tenant_or_new(&name(number)?).await?;
        tenant.publish(world.publication()).await??;
    }
    Ok(())
}

async fn sleep(host: &Host) -> anyhow::Result<()> {
    let begun = Instant::now();
    while host.awake() > 0 {
        ensure!(begun.elapsed() < Duration::from_secs(60), "{} tenants do not sleep", host.awake());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}

/// From the wish for a tenant that sleeps to the durable answer to its first event.
async fn waking(world: &World, repeat: usize, all: usize, report: &mut Report) -> anyhow::Result<()> {
    let host = host(world, 0).await?;
    // Each is looked at once when a host begins.
    tokio::time::sleep(Duration::from_millis(500)).await;
    sleep(&host).await?;
    let mut dice = fastrand::Rng::with_seed(7);
    let (mut halves, mut slows) = (Vec::new(), Vec::new());
    for round in 0..repeat {
        let mut spent = Vec::with_capacity(WAKINGS);
        for turn in 0..WAKINGS {
            let name = name(dice.usize(..all))?;
            let event = world::order((1_000_000 + round * WAKINGS + turn) as u64, 1)?;
            let begun = Instant::now();
            let admitted = host.tenant(&name).await?.admit(event).await?;
            spent.push(begun.elapsed().as_secs_f64() * 1e3);
            ensure!(matches!(admitted, Admitted::Recorded { .. }), "{admitted:?}");
        }
        halves.push(percentile(&spent, 50));
        slows.push(percentile(&spent, 99));
    }
    report.figure("from asleep to a durable answer, median", "ms", halves);
    report.figure("from asleep to a durable answer, 99th percentile", "ms", slows);
    host.stop().await;
    Ok(())
}

/// A hundred tenants with an order each now and then, alone and beside one that is fed as fast as it can. What a machine and its
/// disk are like changes within minutes, so short spells of both take turns, and the median of those of a kind counts.
async fn neighbours(world: &World, repeat: usize, report: &mut Report) -> anyhow::Result<()> {
    let host = Arc::new(host(world, 60_000).await?);
    let (mut calm, mut flooded, mut slower, mut flood) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut watched = Watched { host: host.clone(), orders: 10_000_000, floods: 0 };
    // All of them wake, and know their customers then.
    watched.spell().await?;
    for _ in 0..repeat {
        let (mut alone, mut beside, mut rates) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..SPELLS {
            tokio::time::sleep(REST).await;
            alone.push(percentile(&watched.spell().await?, 99));
            tokio::time::sleep(REST).await;
            let (answers, rate) = watched.flooded_spell().await?;
            beside.push(percentile(&answers, 99));
            rates.push(rate);
        }
        let (alone, beside) = (percentile(&alone, 50), percentile(&beside, 50));
        calm.push(alone);
        flooded.push(beside);
        slower.push((beside / alone - 1.0) * 100.0);
        flood.push(percentile(&rates, 50));
    }
    report.figure(format!("{BUSY} tenants, {} events/s: 99th percentile", BUSY * 10), "ms", calm);
    report.figure("the same beside a flood", "ms", flooded);
    report.goal("how much slower that is", "%", slower, Goal::AtMost(SLOWER_PERCENT));
    report.figure("events of the flood", "/s", flood);
    drop(watched);
    if let Some(host) = Arc::into_inner(host) {
        host.stop().await;
    }
    Ok(())
}

/// Busy tenants that are watched.
struct Watched {
    host: Arc<Host>,
    /// Up to which number there were orders.
    orders: u64,
    floods: u64,
}

impl Watched {
    /// Milliseconds from each order of the busy tenants to its durable answer.
    async fn spell(&mut self) -> anyhow::Result<Vec<f64>> {
        let first = self.orders;
        self.orders += 10_000;
        let mut busy = JoinSet::new();
        for number in 0..BUSY {
            let host = self.host.clone();
            busy.spawn(async move {
                let tenant = host.tenant(&name(number)?).await?;
                // They do not come all at once.
                tokio::time::sleep(EVERY * number as u32 / BUSY as u32).await;
                let mut ticks = tokio::time::interval(EVERY);
                ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
                let mut spent = Vec::new();
                let begun = Instant::now();
                while begun.elapsed() < SPELL {
                    ticks.tick().await;
                    let order = first + spent.len() as u64;
                    let event = world::order(order, order % 1_000)?;
                    let asked = Instant::now();
                    tenant.admit(event).await?;
                    spent.push(asked.elapsed().as_secs_f64() * 1e3);
                }
                anyhow::Ok(spent)
            });
        }
        let mut all = Vec::new();
        while let Some(spent) = busy.join_next().await {
            all.append(&mut spent??);
        }
        Ok(all)
    }

    /// The same beside a tenant that floods, and how many events a second that one gets done. The flood is there before it is looked at, and
    /// over before this returns.
    async fn flooded_spell(&mut self) -> anyhow::Result<(Vec<f64>, f64)> {
        self.floods += 1;
        let goes_on = Arc::new(AtomicBool::new(true));
        let flooding = tokio::spawn(flood_until(self.host.clone(), goes_on.clone(), self.floods));
        tokio::time::sleep(FLOODED_BEFORE).await;
        let answers = self.spell().await;
        goes_on.store(false, Ordering::SeqCst);
        let rate = flooding.await??;
        Ok((answers?, rate))
    }
}

/// Feeds one tenant as fast as it can; gives how many events it took a second.
async fn flood_until(host: Arc<Host>, goes_on: Arc<AtomicBool>, round: u64) -> anyhow::Result<f64> {
    let tenant = host.tenant(&name(BUSY)?).await?;
    let feed: Arc<str> = format!("flood-{round}").into();
    let mut place = 0;
    let (mut begun, mut before) = (Instant::now(), 0);
    while goes_on.load(Ordering::SeqCst) {
        if before == 0 && begun.elapsed() >= FLOODED_BEFORE {
            (begun, before) = (Instant::now(), place);
        }
        place += 1;
        let number = 100_000_000 * (round + 1) + place;
        tenant.feed(world::order(number, place % 1_000)?, (feed.clone(), place), None).await?;
    }
    let rate = (place - before) as f64 / begun.elapsed().as_secs_f64();
    tenant.settle().await?;
    Ok(rate)
}
