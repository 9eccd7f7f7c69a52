//! `cargo run -p siyu-simulator`: plays `SIYU_SEEDS` seeds (2,000 when absent), or the one that `SIYU_SEED` names.

use std::process::ExitCode;
use std::time::Instant;

use siyu_simulator::{Report, run_seed, run_seeds};

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a developer watches")]
fn main() -> ExitCode {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let began = Instant::now();
    let report = match number("SIYU_SEED") {
        Some(seed) => {
            let failures = run_seed(seed).err().map(|failure| (seed, failure)).into_iter().collect();
            Report { seeds: 1, failures, ..Report::default() }
        }
        None => run_seeds(number("SIYU_FIRST").unwrap_or(0), number("SIYU_SEEDS").unwrap_or(2_000)),
    };
    for (_, failure) in &report.failures {
        eprintln!("{failure}");
    }
    println!(
        "{} seeds: {} actions, {} events, {} runs, {} commits, {} failures, {:.1} s",
        report.seeds,
        report.actions,
        report.events,
        report.runs,
        report.commits,
        report.failures.len(),
        began.elapsed().as_secs_f64()
    );
    if report.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
