//! `cargo xtask bench peers`: Siyu side by side with other engines. The measuring itself is the crate `tests/peers`.

use std::path::PathBuf;

use clap::Args;

use crate::commands::{self, cargo, run, siyu};
use crate::plugins;

/// What adds one, as a plugin of Siyu, and what that is built for.
const OF_SIYU: (&str, &[&str]) = ("wasm32-unknown-unknown", &["siyu-peers-plugin"]);
/// The same as components of Obelisk.
const OF_OBELISK: (&str, &[&str]) =
    ("wasm32-wasip2", &["siyu-peers-obelisk-activity", "siyu-peers-obelisk-workflow"]);

/// Options of `bench peers`.
#[derive(Args)]
pub(crate) struct Options {
    /// Whom to measure: words of their names, such as siyu, dbos, restate, obelisk, postgres; all when absent
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
    let modules = build_steps(OF_SIYU)?;
    let components = build_steps(OF_OBELISK)?;
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
    bench.env("SIYU_PEERS_MODULES", modules).env("SIYU_PEERS_COMPONENTS", components);
    run(bench.env("SIYU_PEERS_PROGRAM", program))
}

/// Builds packages for a target; gives the folder of what the compiler makes of them.
fn build_steps((target, packages): (&str, &[&str])) -> anyhow::Result<PathBuf> {
    plugins::install_target(target)?;
    let mut build = cargo();
    build.args(["build", "--profile", "plugin", "--target", target, "--lib"]);
    for package in packages {
        build.args(["--package", package]);
    }
    run(&mut build)?;
    Ok(commands::target().join(target).join("plugin"))
}
