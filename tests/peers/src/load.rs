//! Starters: so many workflows at once, each started when the one before has ended, and how long each took.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde_json::Value;

/// Steps of the workflow; each adds one.
pub(crate) const STEPS: u64 = 5;
/// No workflow takes longer than this, or something is wrong.
const LONG: Duration = Duration::from_secs(60);

/// What is asked of an engine.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    /// How many start workflows at once.
    pub(crate) starters: usize,
    /// Workflows, at most.
    pub(crate) workflows_max: u64,
    /// After this long no workflow is started any more.
    pub(crate) duration_max: Duration,
}

/// What became of it.
#[derive(Debug, Default)]
pub(crate) struct Driven {
    /// Seconds from the first start to the last end.
    pub(crate) seconds: f64,
    /// Milliseconds of each workflow from its start to its end, in no order.
    pub(crate) spent_ms: Vec<f64>,
}

/// A way to a server that a starter holds, with its connection.
pub(crate) type Way = ureq::Agent;

/// A way to a server.
pub(crate) fn way() -> Way {
    let config = ureq::Agent::config_builder().timeout_global(Some(LONG)).http_status_as_error(false);
    config.max_idle_connections_per_host(1).build().into()
}

/// Posts a document, and gives the answer as JSON; an error when it is not one of success.
pub(crate) fn ask(way: &Way, address: &str, body: &Value) -> anyhow::Result<Value> {
    let asked = way.post(address).header("content-type", "application/json").send(&body.to_string());
    let mut answer = asked.with_context(|| address.to_owned())?;
    let text = answer.body_mut().read_to_string().with_context(|| address.to_owned())?;
    ensure!(answer.status().is_success(), "{address} answered {}: {text}", answer.status());
    serde_json::from_str(&text).with_context(|| format!("{address} answered {text}"))
}

/// Starts workflows: `one` starts that of a number and returns when it has ended with the sum. `first` is the first number.
pub(crate) fn drive(
    load: &Load,
    first: u64,
    one: &(dyn Fn(&Way, u64) -> anyhow::Result<()> + Sync),
) -> anyhow::Result<Driven> {
    let (next, is_over) = (AtomicU64::new(0), AtomicBool::new(false));
    let fault = Mutex::new(None);
    let begun = Instant::now();
    let starter = || {
        let (way, mut spent) = (way(), Vec::new());
        while begun.elapsed() < load.duration_max && !is_over.load(Ordering::Relaxed) {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= load.workflows_max {
                break;
            }
            let since = Instant::now();
            if let Err(why) = one(&way, first + number) {
                is_over.store(true, Ordering::Relaxed);
                if let Ok(mut fault) = fault.lock() {
                    *fault = Some(why);
                }
                break;
            }
            spent.push(since.elapsed().as_secs_f64() * 1e3);
        }
        spent
    };
    let spent_ms = std::thread::scope(|scope| {
        let starters: Vec<_> = (0..load.starters).map(|_| scope.spawn(starter)).collect();
        starters.into_iter().flat_map(|starter| starter.join().unwrap_or_default()).collect()
    });
    let seconds = begun.elapsed().as_secs_f64();
    match fault.into_inner() {
        Ok(Some(why)) => Err(why),
        _ => Ok(Driven { seconds, spent_ms }),
    }
}

/// That a workflow ended with what five steps make of its number.
pub(crate) fn check(number: u64, answer: &Value) -> anyhow::Result<()> {
    let expected = number + STEPS;
    ensure!(answer.as_u64() == Some(expected), "workflow {number} ended with {answer}, expected {expected}");
    Ok(())
}
