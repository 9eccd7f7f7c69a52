//! Seeds by the thousand, on all processors, and a failure that can be read and played again.

use std::fmt::Write;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use siyu_engine::operate::Publication;

use crate::fleet::{FleetScenario, play_fleet};
use crate::grammar::Sketch;
use crate::locked;
use crate::play::{Failure, Played, difference, play, play_once};
use crate::scenario::Scenario;
use crate::shrink::shrink;

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
    /// Transfers between accounts.
    pub transfers: u64,
    /// A number for how all of them went: the same for the same seeds, whoever plays them.
    pub trace: u64,
    /// The failures, made small, each with its seed and how to play it again.
    pub failures: Vec<(u64, String)>,
}

impl Report {
    /// A seed was played.
    pub fn take(&mut self, seed: u64, played: &Played, actions: usize) {
        let mut trace = DefaultHasher::new();
        (seed, &played.trace).hash(&mut trace);
        self.actions += actions as u64;
        self.events += played.events as u64;
        self.runs += played.runs as u64;
        self.commits += played.commits;
        self.transfers += played.transfers;
        // A sum: which of them is over first changes nothing.
        self.trace = self.trace.wrapping_add(trace.finish());
    }
}

/// Plays so many seeds of single tenants from `first` on. Ends early when three have failed.
pub fn run_seeds(first: u64, count: u64) -> Report {
    many(first, count, run_seed)
}

/// Plays so many seeds of fleets from `first` on. Ends early when three have failed.
pub fn run_fleet_seeds(first: u64, count: u64) -> Report {
    many(first, count, run_fleet_seed)
}

fn many(first: u64, count: u64, run: impl Fn(u64) -> Result<(Played, usize), String> + Sync) -> Report {
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
                    let outcome = run(seed);
                    let mut report = locked(&report);
                    report.seeds += 1;
                    match outcome {
                        Ok((played, actions)) => report.take(seed, &played, actions),
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
    let publications = compiled(seed, &scenario.versions)?;
    let played = match play(&scenario, &publications) {
        Ok(played) => played,
        Err(failure) => {
            let first = failure.to_string();
            let (actions, failure) = shrink(&scenario.actions, failure, |actions| {
                play(&Scenario { actions, ..scenario.clone() }, &publications).map(drop)
            });
            let small = Scenario { actions, ..scenario.clone() };
            return Err(text(&scenario, &small, (&first, &failure.to_string())));
        }
    };
    twice(seed, &played, play_once(&scenario, &publications))?;
    Ok((played, scenario.actions.len()))
}

/// The same of a fleet.
pub fn run_fleet_seed(seed: u64) -> Result<(Played, usize), String> {
    let scenario = FleetScenario::new(seed);
    let publications = compiled(seed, &scenario.versions)?;
    let played = match play_fleet(&scenario, &publications) {
        Ok(played) => played,
        Err(failure) => {
            let first = failure.to_string();
            let (actions, failure) = shrink(&scenario.actions, failure, |actions| {
                play_fleet(&FleetScenario { actions, ..scenario.clone() }, &publications).map(drop)
            });
            let small = FleetScenario { actions, ..scenario.clone() };
            return Err(fleet_text(&scenario, &small, (&first, &failure.to_string())));
        }
    };
    twice(seed, &played, play_fleet(&scenario, &publications))?;
    Ok((played, scenario.actions.len()))
}

fn compiled(seed: u64, versions: &[Sketch]) -> Result<Vec<Publication>, String> {
    let compiled: anyhow::Result<Vec<Publication>> = versions.iter().map(Sketch::publication).collect();
    compiled.map_err(|why| format!("seed {seed}: a playbook does not compile:\n{why:#}"))
}

/// A seed that is played once more goes the same way.
fn twice(seed: u64, played: &Played, again: Result<Played, Failure>) -> Result<(), String> {
    let again = again.map_err(|failure| format!("seed {seed}, again: {failure}"))?;
    let Some(place) = played.trace.iter().zip(&again.trace).position(|(one, other)| one != other) else {
        return Ok(());
    };
    let why = difference(&played.left, &again.left)
        .unwrap_or_else(|| format!("{} commits, and {}", played.commits, again.commits));
    let last = played.trace.len() - 1;
    Err(format!("seed {seed} went two ways after action {place} of {last}: {why}"))
}

fn fleet_text(scenario: &FleetScenario, small: &FleetScenario, (first, last): (&str, &str)) -> String {
    let seed = scenario.seed;
    let mut text = format!("fleet seed {seed} failed {first}\n");
    let _always = writeln!(
        text,
        "made small ({} of {} actions), it fails {last}",
        small.actions.len(),
        scenario.actions.len()
    );
    let shape = FleetScenario { versions: Vec::new(), actions: Vec::new(), ..small.clone() };
    let _always = writeln!(text, "in {shape:?}");
    for (place, action) in small.actions.iter().enumerate() {
        let _always = writeln!(text, "  {place}: {action:?}");
    }
    for (version, sketch) in small.versions.iter().enumerate() {
        let _always = writeln!(text, "version {version}:\n{}", sketch.text());
    }
    let _always = writeln!(text, "play it again: SIYU_FLEET_SEED={seed} cargo run -p siyu-simulator");
    text
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
