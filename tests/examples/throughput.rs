//! How many steps a second one tenant makes durable, with a plugin that is a plain function: what the engine and the store
//! cost without a sandbox. `cargo run --release -p siyu-tests --example throughput -- [events] [on their way at once] [steps a run]`.

#![allow(clippy::print_stdout, reason = "this is its output")]

use std::sync::Arc;
use std::time::Instant;

use siyu_engine::dispatch::Channels;
use siyu_engine::doubles::{MemoryStores, NativePlugins};
use siyu_engine::ports::clock::SystemClock;
use siyu_engine::ports::store::Stores;
use siyu_engine::tenant::{Lanes, Ports, Settings, Tenant};
use siyu_model::name::TenantName;
use siyu_store::{SqliteOptions, SqliteStores};
use siyu_tests::{event, probe, workflows};
use tokio::sync::oneshot;

/// A workflow of so many steps, a document and a counter in turn.
fn workflow(steps: u64) -> String {
    let step = |number: u64| match number % 2 {
        0 => format!("  - {{ uses: probe/note@1, with: {{ key: n{number} }} }}\n"),
        _ => {
            "  - uses: probe/take@1\n    with: { key: \"${{ 'seen/' ~ customer.id }}\", limit: 1000000000 }\n"
                .to_owned()
        }
    };
    format!(
        "workflow: counting\non: {{ event: order.paid }}\nsteps:\n{}",
        (0..steps).map(step).collect::<String>()
    )
}

/// What is measured.
#[derive(Clone, Copy)]
struct Load {
    events: u64,
    at_once: u64,
    steps: u64,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    let mut numbers = std::env::args().skip(1).map(|text| text.parse::<u64>());
    let events = numbers.next().transpose()?.unwrap_or(20_000);
    let at_once = numbers.next().transpose()?.unwrap_or(1_024);
    let load = Load { events, at_once, steps: numbers.next().transpose()?.unwrap_or(10) };
    let folder = tempfile::tempdir_in("target")?;
    let sqlite = SqliteStores::new(folder.path(), SqliteOptions::default());
    measure("SQLite", Arc::new(sqlite), load).await?;
    measure("memory", Arc::new(MemoryStores::new()), load).await
}

async fn measure(what: &str, stores: Arc<dyn Stores>, load: Load) -> anyhow::Result<()> {
    let Load { events, at_once, .. } = load;
    let (manifest, step) = probe();
    let ports = Ports {
        stores,
        plugins: Arc::new(NativePlugins::default().with(manifest, step)),
        clock: Arc::new(SystemClock),
        channels: Channels::default(),
        lanes: Lanes::unpaced(2),
    };
    let tenant = Tenant::open(TenantName::new("bench")?, ports, Settings::default()).await?;
    tenant.publish(workflows(&[&workflow(load.steps)])?).await??;
    let feed: Arc<str> = "events".into();
    let began = Instant::now();
    let cpu = cpu_seconds();
    let mut answers = std::collections::VecDeque::new();
    for place in 1..=events {
        let order = event(&place.to_string(), "order.paid", &format!("shop:{}", place % 10_000), "{}")?;
        let (reply, answer) = oneshot::channel();
        tenant.feed(order, (feed.clone(), place), Some(reply)).await?;
        answers.push_back(answer);
        if answers.len() as u64 >= at_once
            && let Some(answer) = answers.pop_front()
        {
            answer.await??;
        }
    }
    for answer in answers {
        answer.await??;
    }
    let seconds = began.elapsed().as_secs_f64();
    let steps = (events * load.steps) as f64;
    println!(
        "{what}: {:.0} steps/s, {:.0} events/s, {:.1} us of CPU a step",
        steps / seconds,
        events as f64 / seconds,
        (cpu_seconds() - cpu) / steps * 1e6
    );
    tenant.stop().await;
    Ok(())
}

/// Processor time of this process, from /proc; 100 ticks a second.
fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |place: usize| fields.get(place).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}
