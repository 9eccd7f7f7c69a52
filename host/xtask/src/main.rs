//! Developer commands: `cargo xtask demo | test | ci | plugins | languages | schemathesis | bench | fuzz | planted | fixture |
//! reliability | tidy`.
//!
//! Each does all its set-up itself, so a fresh machine needs rustup and a C compiler only. Nothing here is part of the
//! product.

mod bench;
mod ci;
mod commands;
mod demo;
mod fixture;
mod fuzz;
mod languages;
mod peers;
mod planted;
mod plugins;
mod reliability;
mod schemathesis;
mod test;
mod tidy;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Developer commands of Siyu")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build everything and replay 18 months of real orders through the steak-club playbook
    Demo(demo::Options),
    /// Do all set-up and run every test
    Test(test::Options),
    /// What has to hold beside the tests: format, lints, documentation
    Ci,
    /// Build the plugins into target/plugins
    Plugins {
        /// Print where each plugin was written
        #[arg(long)]
        verbose: bool,
    },
    /// Build the examples in JavaScript and Python and play the tests of their playbook; needs npm and python3
    Languages,
    /// Ask the real program whatever follows from its OpenAPI document; needs python3
    Schemathesis(schemathesis::Options),
    /// Measure: steps, limit, call, start, waits, disk
    #[command(args_conflicts_with_subcommands = true)]
    Bench {
        #[command(subcommand)]
        beside: Option<Beside>,
        #[command(flatten)]
        options: bench::Options,
    },
    /// Keep a tenant of the newest schema version, once a version
    Fixture,
    /// Look for inputs that nothing should stumble over, a minute a target; needs a C++ compiler
    Fuzz(fuzz::Options),
    /// Plant known faults in a copy of the tree and see that the suite finds each
    Planted(planted::Options),
    /// Do to the program whatever can befall it, and say how often and with what outcome
    Reliability(reliability::Options),
    /// Check what no compiler checks: floors, visible top level, file lengths, words
    Tidy,
}

/// What is measured beside others.
#[derive(Subcommand)]
enum Beside {
    /// Siyu side by side with DBOS, Restate and Obelisk, which are installed into a folder of their own
    Peers(peers::Options),
}

#[expect(clippy::print_stderr, reason = "a developer watches")]
fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("cargo xtask: {fault:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    std::env::set_current_dir(commands::root())?;
    match Arguments::parse().command {
        Command::Demo(options) => demo::run(&options),
        Command::Test(options) => test::run(&options),
        Command::Ci => ci::run(),
        Command::Plugins { verbose } => plugins::build(verbose).map(drop),
        Command::Languages => languages::run_tests(),
        Command::Schemathesis(options) => schemathesis::run_all(&options),
        Command::Bench { beside: Some(Beside::Peers(options)), .. } => peers::run_peers(&options),
        Command::Bench { beside: None, options } => bench::run_benches(&options),
        Command::Fixture => fixture::run(),
        Command::Fuzz(options) => fuzz::run(&options),
        Command::Planted(options) => planted::run(&options),
        Command::Reliability(options) => reliability::run(&options),
        Command::Tidy => tidy::run(),
    }
}
