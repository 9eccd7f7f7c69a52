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
// The same look at the machine as that of the other measurements.
#[path = "../../bench/src/machine.rs"]
mod machine;
mod process;
mod quiet;
mod round;
mod syncs;
mod table;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::Parser;

use kit::Kit;
use machine::Machine;
use round::Rounds;
use table::{Outcome, Row};

#[derive(Parser)]
#[command(
    name = "siyu-peers",
    about = "Measures Siyu beside its peers. Run it with `cargo xtask bench peers`."
)]
struct Arguments {
    /// Whom to measure: words of their names, such as `siyu` or `dbos,` or `postgres`; all when absent
    who: Vec<String>,
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
    /// The folder with the step of Siyu, a module as the compiler made it
    #[arg(long, env = "SIYU_PEERS_MODULES", value_name = "DIR")]
    modules: PathBuf,
    /// The folder with the step and the workflow of Obelisk, components as the compiler made them
    #[arg(long, env = "SIYU_PEERS_COMPONENTS", value_name = "DIR")]
    components: PathBuf,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let kit = Kit {
        peers: arguments.peers.clone().map_or_else(kit::cache, Ok)?,
        folder: arguments.folder.clone().unwrap_or_else(std::env::temp_dir),
        siyu: arguments.siyu.clone(),
        modules: arguments.modules.clone(),
        components: arguments.components.clone(),
        starters: arguments.starters.max(1),
    };
    std::fs::create_dir_all(&kit.peers).with_context(|| kit.peers.display().to_string())?;
    let rounds = Rounds {
        repeat: arguments.repeat.max(1),
        starters: kit.starters,
        workflows_max: arguments.workflows.max(1),
        duration_max: Duration::from_secs(arguments.seconds.max(1)),
    };
    let machine = text(&Machine::look(round::new_folder(&kit)?.path())?);
    let rows = measure(&arguments.who, &kit, &rounds);
    ensure!(
        !rows.is_empty(),
        "nobody is called {:?}: there are {}",
        arguments.who,
        engines::names().join("; ")
    );
    print(&format!("{machine}\n\n{}", table::text(&rows, &rounds.text())));
    Ok(())
}

/// The machine in two lines.
fn text(machine: &Machine) -> String {
    let gib = machine.memory_bytes as f64 / f64::from(1 << 30);
    let [median, slow] = machine.sync_us;
    format!(
        "{} cores of {}, {gib:.0} GiB, Linux {}, {}\n4 KiB and fdatasync: median {median:.0} µs, p99 {slow:.0} µs",
        machine.cores, machine.processor, machine.kernel, machine.file_system,
    )
}

fn measure(who: &[String], kit: &Kit, rounds: &Rounds) -> Vec<Row> {
    let mut rows = Vec::new();
    for mut family in engines::all() {
        family.engines.retain(|engine| is_wanted(engine.name, who));
        if family.engines.is_empty() {
            continue;
        }
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

/// Whether one of the words stands in a name, however it is written; every name is wanted when there is no word.
fn is_wanted(name: &str, words: &[String]) -> bool {
    let name = name.to_lowercase();
    words.is_empty() || words.iter().any(|word| name.contains(&word.to_lowercase()))
}

#[expect(clippy::print_stderr, reason = "a developer watches")]
fn say(text: &str) {
    eprintln!("{text}");
}

#[expect(clippy::print_stdout, reason = "it prints its figures")]
fn print(text: &str) {
    print!("{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whom_to_measure_is_named_by_words() {
        let cases: [(&[&str], bool); 5] = [
            (&[], true),
            (&["dbos"], true),
            (&["restate", "SQLite"], true),
            (&["dbos, postgres"], false),
            (&["siyu"], false),
        ];
        for (words, expected) in cases {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            assert_eq!(is_wanted("DBOS, SQLite tuned", &words), expected, "{words:?}");
        }
    }

    #[test]
    fn every_engine_has_a_name_of_its_own() {
        let mut names = engines::names();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
