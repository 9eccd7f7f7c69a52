//! Measures Siyu beside its peers, one after the other on the same machine: `cargo xtask bench peers`.
//!
//! Every engine executes the same workflow: five durable steps, each of which adds one to a number. So the engines are
//! measured, not the steps. Nothing is asserted: what a machine does depends on the machine. An engine that cannot be had
//! here is named with the reason, and the others are measured.

mod engines;
mod figures;
mod folder;
mod install;
mod kit;
mod load;
mod process;
mod round;
mod syncs;
mod table;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use clap::{Parser, ValueEnum};

use kit::Kit;
use round::Rounds;
use table::{Outcome, Row};

/// Whom to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Who {
    /// This engine, on SQLite and on Postgres
    Siyu,
    /// DBOS, a Python library, on SQLite and on Postgres
    Dbos,
    /// Restate, a server with its own log, and services in Python
    Restate,
    /// Obelisk, a server on SQLite that executes WebAssembly components
    Obelisk,
}

#[derive(Parser)]
#[command(
    name = "siyu-peers",
    about = "Measures Siyu beside its peers. Run it with `cargo xtask bench peers`."
)]
struct Arguments {
    /// Whom to measure; all when absent
    who: Vec<Who>,
    /// How often each is measured, on an empty store each time
    #[arg(long, default_value_t = 3)]
    repeat: usize,
    /// How many start workflows at once; each starts the next one when its workflow has ended
    #[arg(long, default_value_t = 32)]
    starters: usize,
    /// Workflows of one repetition, at most
    #[arg(long, default_value_t = 50_000)]
    workflows: u64,
    /// Seconds of one repetition, at most
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Where peers are installed, and found the next time [default: siyu-peers in the user's cache]
    #[arg(long, env = "SIYU_PEERS", value_name = "DIR")]
    peers: Option<PathBuf>,
    /// Where stores are made and removed again [default: the system's folder for temporary files]
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// The program `siyu`, optimised
    #[arg(long, env = "SIYU_PEERS_PROGRAM", value_name = "FILE")]
    siyu: PathBuf,
    /// The folder of modules: the steps of Siyu and of Obelisk as the compiler made them
    #[arg(long, env = "SIYU_PEERS_MODULES", value_name = "DIR")]
    modules: PathBuf,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let kit = Kit {
        peers: arguments.peers.clone().map_or_else(kit::cache, Ok)?,
        folder: arguments.folder.clone().unwrap_or_else(std::env::temp_dir),
        siyu: arguments.siyu.clone(),
        modules: arguments.modules.clone(),
        starters: arguments.starters.max(1),
    };
    std::fs::create_dir_all(&kit.peers).with_context(|| kit.peers.display().to_string())?;
    let rounds = Rounds {
        repeat: arguments.repeat.max(1),
        starters: kit.starters,
        workflows_max: arguments.workflows.max(1),
        duration_max: Duration::from_secs(arguments.seconds.max(1)),
    };
    let rows = measure(&arguments, &kit, &rounds);
    print(&table::text(&rows, &rounds.text()));
    Ok(())
}

fn measure(arguments: &Arguments, kit: &Kit, rounds: &Rounds) -> Vec<Row> {
    let mut rows = Vec::new();
    for (who, family) in engines::all() {
        if !arguments.who.is_empty() && !arguments.who.contains(&who) {
            continue;
        }
        say(&format!("── {}", family.name));
        let installed = (family.install)(kit);
        for engine in family.engines {
            say(&format!("── {}", engine.name));
            let outcome = match &installed {
                Ok(version) => match rounds.of(&engine, kit) {
                    Ok(figures) => Outcome::Measured { version: version.clone(), figures },
                    Err(why) => Outcome::Failed(format!("{why:#}")),
                },
                Err(why) => Outcome::Failed(format!("cannot be installed here: {why:#}")),
            };
            if let Outcome::Failed(why) = &outcome {
                say(&format!("── {}: {why}", engine.name));
            }
            rows.push(Row { name: engine.name, durability: engine.durability, gives: family.gives, outcome });
        }
    }
    rows
}

#[expect(clippy::print_stderr, reason = "a developer watches")]
fn say(text: &str) {
    eprintln!("{text}");
}

#[expect(clippy::print_stdout, reason = "it prints its figures")]
fn print(text: &str) {
    print!("{text}");
}
