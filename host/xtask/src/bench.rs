//! `cargo xtask bench`: figures that anyone can make again. The measuring itself is the crate `tests/bench`.

use std::path::PathBuf;

use clap::Args;

use crate::commands::{cargo, run, siyu, target};
use crate::{languages, plugins};

/// What the benchmark's own plugin is built for.
const TARGET: &str = "wasm32-unknown-unknown";

/// Options of `bench`.
#[derive(Args)]
pub(crate) struct Options {
    /// What to measure: steps, limit, call, start, waits, disk, tenants, postgres, growth, retention, http, attempts, batches, languages; all but languages when absent
    what: Vec<String>,
    /// How often each measurement is repeated
    #[arg(long, default_value_t = 5)]
    repeat: u32,
    /// Print one JSON document instead of a table
    #[arg(long)]
    json: bool,
}

/// Builds everything optimised and measures.
pub(crate) fn run_benches(options: &Options) -> anyhow::Result<()> {
    let plugins = plugins::build(false)?;
    let plugin = build_plugin()?;
    let siyu = siyu(true)?;
    let languages =
        if options.what.iter().any(|what| what == "languages") { languages::build()? } else { Vec::new() };
    let mut bench = cargo();
    bench.args(["run", "--release", "--quiet", "--package", "siyu-bench", "--"]);
    bench.args(&options.what).arg("--repeat").arg(options.repeat.to_string());
    for (name, file) in languages {
        bench.arg("--language").arg(format!("{name}={}", file.display()));
    }
    if options.json {
        bench.arg("--json");
    }
    run(bench
        .env("SIYU_BENCH_PLUGINS", plugins)
        .env("SIYU_BENCH_PLUGIN", plugin)
        .env("SIYU_BENCH_SIYU", siyu))
}

/// The plugin that the benchmark calls, as the compiler makes it; the benchmark packs it.
fn build_plugin() -> anyhow::Result<PathBuf> {
    let mut build = cargo();
    build.args([
        "build",
        "--profile",
        "plugin",
        "--target",
        TARGET,
        "--package",
        "siyu-bench-plugin",
        "--lib",
    ]);
    run(&mut build)?;
    Ok(target().join(TARGET).join("plugin").join("siyu_bench_plugin.wasm"))
}
