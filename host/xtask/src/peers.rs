//! `cargo xtask bench peers`: Siyu side by side with other engines. The measuring itself is the crate `tests/peers`.

use std::path::PathBuf;

use clap::Args;

use crate::commands::{cargo, run, siyu, target};
use crate::plugins;

/// What adds one, as a plugin of Siyu and as components of Obelisk.
const STEPS: [&str; 3] = ["siyu-peers-plugin", "siyu-peers-obelisk-activity", "siyu-peers-obelisk-workflow"];
/// What they are built for.
const TARGET: &str = "wasm32-unknown-unknown";

/// Options of `bench peers`.
#[derive(Args)]
pub(crate) struct Options {
    /// Whom to measure: siyu, dbos, restate, obelisk; all when absent
    who: Vec<String>,
    /// How often each is measured, on an empty store each time
    #[arg(long, default_value_t = 3)]
    repeat: u32,
    /// How many start workflows at once
    #[arg(long, default_value_t = 32)]
    starters: u32,
    /// Seconds of one repetition, at most
    #[arg(long, default_value_t = 10)]
    seconds: u32,
    /// Where peers are installed [default: SIYU_PEERS, or siyu-peers in the user's cache]
    #[arg(long, value_name = "DIR")]
    peers: Option<PathBuf>,
}

/// Builds Siyu and the steps optimised, and measures.
pub(crate) fn run_peers(options: &Options) -> anyhow::Result<()> {
    plugins::install_target()?;
    let modules = build_steps()?;
    let program = siyu(true)?;
    let mut bench = cargo();
    bench.args(["run", "--release", "--quiet", "--package", "siyu-peers", "--"]).args(&options.who);
    let settings =
        [("--repeat", options.repeat), ("--starters", options.starters), ("--seconds", options.seconds)];
    for (name, value) in settings {
        bench.arg(name).arg(value.to_string());
    }
    if let Some(peers) = &options.peers {
        bench.arg("--peers").arg(peers);
    }
    run(bench.env("SIYU_PEERS_MODULES", modules).env("SIYU_PEERS_PROGRAM", program))
}

/// Builds the steps; gives the folder of them, as the compiler makes them.
fn build_steps() -> anyhow::Result<PathBuf> {
    let mut build = cargo();
    build.args(["build", "--profile", "plugin", "--target", TARGET, "--lib"]);
    for package in STEPS {
        build.args(["--package", package]);
    }
    run(&mut build)?;
    Ok(target().join(TARGET).join("plugin"))
}
