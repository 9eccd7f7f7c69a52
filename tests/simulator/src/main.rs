//! `cargo run -p siyu-simulator`: plays `SIYU_SEEDS` seeds of single tenants (2,000 when absent) and `SIYU_FLEET_SEEDS` of
//! fleets (500 when absent), from `SIYU_FIRST` on, or the one that `SIYU_SEED` or `SIYU_FLEET_SEED` names.

use std::process::ExitCode;
use std::time::Instant;

use siyu_simulator::{Played, Report, run_fleet_seed, run_fleet_seeds, run_seed, run_seeds};

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

fn one(seed: u64, outcome: Result<(Played, usize), String>) -> Report {
    let mut report = Report { seeds: 1, ..Report::default() };
    match outcome {
        Err(failure) => report.failures.push((seed, failure)),
        Ok((played, actions)) => report.take(seed, &played, actions),
    }
    report
}

fn main() -> ExitCode {
    let first = number("SIYU_FIRST").unwrap_or(0);
    let holds = match (number("SIYU_SEED"), number("SIYU_FLEET_SEED")) {
        (Some(seed), _) => play("single tenants", || one(seed, run_seed(seed))),
        (None, Some(seed)) => play("fleets", || one(seed, run_fleet_seed(seed))),
        (None, None) => {
            let holds = play("single tenants", || run_seeds(first, number("SIYU_SEEDS").unwrap_or(2_000)));
            let fleets = number("SIYU_FLEET_SEEDS").unwrap_or(500);
            holds & play("fleets", || run_fleet_seeds(first, fleets))
        }
    };
    if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Plays and says how it went; whether everything held.
#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a developer watches")]
fn play(what: &str, play: impl FnOnce() -> Report) -> bool {
    let began = Instant::now();
    let report = play();
    for (_, failure) in &report.failures {
        eprintln!("{failure}");
    }
    println!(
        "{what}: {} seeds, {} actions, {} events, {} runs, {} commits, {} transfers, {} failures, {:.1} s, trace {:016x}",
        report.seeds,
        report.actions,
        report.events,
        report.runs,
        report.commits,
        report.transfers,
        report.failures.len(),
        began.elapsed().as_secs_f64(),
        report.trace
    );
    report.failures.is_empty()
}
