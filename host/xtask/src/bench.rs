//! `cargo xtask bench`: figures that anyone can make again. The measuring itself is the crate `tests/bench`.

use clap::Args;

use crate::commands::{cargo, run};
use crate::plugins;

/// Options of `bench`.
#[derive(Args)]
pub(crate) struct Options {
    /// What to measure: steps, limit, call, start, waits, disk; all when absent
    what: Vec<String>,
    /// How often each measurement is repeated
    #[arg(long, default_value_t = 5)]
    repeat: u32,
}

/// Builds everything optimised and measures.
pub(crate) fn run_benches(options: &Options) -> anyhow::Result<()> {
    let plugins = plugins::build(false)?;
    let siyu = crate::commands::siyu(true)?;
    let mut bench = cargo();
    bench.args(["run", "--release", "--quiet", "--package", "siyu-bench", "--"]);
    bench.args(&options.what).arg("--repeat").arg(options.repeat.to_string());
    run(bench.env("SIYU_BENCH_PLUGINS", plugins).env("SIYU_BENCH_BINARY", siyu))
}
