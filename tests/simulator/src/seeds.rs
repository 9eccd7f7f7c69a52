//! Seeds by the thousand, on all processors, and a failure that can be read and played again.

use std::fmt::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use siyu_engine::operate::Publication;

use crate::locked;
use crate::play::{Played, difference, play};
use crate::scenario::Scenario;
use crate::shrink::shrink;

/// Every so many seeds one is played twice, and must go the same way.
const TWICE_EVERY: u64 = 25;

/// What many seeds were.
#[derive(Debug, Default)]
pub struct Report {
    /// Seeds that were played.
    pub seeds: u64,
    /// Actions.
    pub actions: u64,
    /// Events in all logs.
    pub events: u64,
    /// Runs.
    pub runs: u64,
    /// Commits.
    pub commits: u64,
    /// The failures, made small, each with its seed and how to play it again.
    pub failures: Vec<(u64, String)>,
}

/// Plays so many seeds from `first` on. Ends early when three have failed.
pub fn run_seeds(first: u64, count: u64) -> Report {
    let report = Mutex::new(Report::default());
    let next = AtomicU64::new(first);
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::SeqCst);
                    if seed >= first + count || locked(&report).failures.len() >= 3 {
                        return;
                    }
                    let outcome = run_seed(seed);
                    let mut report = locked(&report);
                    report.seeds += 1;
                    match outcome {
                        Ok((played, actions)) => {
                            report.actions += actions as u64;
                            report.events += played.events as u64;
                            report.runs += played.runs as u64;
                            report.commits += played.commits;
                        }
                        Err(failure) => report.failures.push((seed, failure)),
                    }
                }
            });
        }
    });
    report.into_inner().unwrap_or_default()
}

/// Plays one seed; gives how it went and how many actions it had, or its failure as text.
pub fn run_seed(seed: u64) -> Result<(Played, usize), String> {
    let scenario = Scenario::new(seed);
    let compiled: anyhow::Result<Vec<Publication>> =
        scenario.versions.iter().map(super::Sketch::publication).collect();
    let publications =
        compiled.map_err(|why| format!("seed {seed}: a playbook does not compile:\n{why:#}"))?;
    let played = match play(&scenario, &publications) {
        Ok(played) => played,
        Err(failure) => {
            let first = failure.to_string();
            let (small, failure) = shrink(&scenario, &publications, failure);
            return Err(text(&scenario, &small, (&first, &failure.to_string())));
        }
    };
    if seed.is_multiple_of(TWICE_EVERY) {
        let again =
            play(&scenario, &publications).map_err(|failure| format!("seed {seed}, again: {failure}"))?;
        if again.trace != played.trace {
            let why = difference(&played.left, &again.left)
                .unwrap_or_else(|| format!("{} commits, and {}", played.commits, again.commits));
            return Err(format!("seed {seed} went two ways: {why}"));
        }
    }
    Ok((played, scenario.actions.len()))
}

fn text(scenario: &Scenario, small: &Scenario, (first, last): (&str, &str)) -> String {
    let seed = scenario.seed;
    let mut text = format!("seed {seed} failed {first}\n");
    let _always = writeln!(
        text,
        "made small ({} of {} actions), it fails {last}",
        small.actions.len(),
        scenario.actions.len()
    );
    let _always = writeln!(
        text,
        "in a world of {} hosts, {:?} time, {:?} leases, {:?}, inbox {}, batch {}, caches {}, timers {}, plugin faults {} %",
        small.hosts,
        small.time,
        small.semantics,
        small.backing,
        small.inbox_max,
        small.batch_max,
        small.cached_max,
        small.timer_window_max,
        small.plugin_faults_percent
    );
    for (place, action) in small.actions.iter().enumerate() {
        let _always = writeln!(text, "  {place}: {action:?}");
    }
    for (version, sketch) in small.versions.iter().enumerate() {
        let _always = writeln!(text, "version {version}:\n{}", sketch.text());
    }
    let _always = writeln!(text, "play it again: SIYU_SEED={seed} cargo run -p siyu-simulator");
    text
}
