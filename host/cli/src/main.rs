//! The program `siyu`: reads arguments, wires the crates below together, prints what came out.
//!
//! It decides nothing about events, runs or plugins: that is done where it can be tested without a program.

mod commands;
mod fault;
mod home;
mod output;
mod plugins;
mod session;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use commands::{completions, explain};
use output::Screen;
use session::{Exit, Global, Session};

/// Siyu runs playbooks: YAML workflows that lead customers from the first contact to the next order, with plugins in a
/// sandbox and every step durable.
#[derive(Parser)]
#[command(name = "siyu", version, propagate_version = true, disable_help_subcommand = true)]
#[command(
    after_help = "Exit status: 0 done; 1 something was found or failed; 2 wrong arguments or surroundings; \
                        130 interrupted."
)]
struct Arguments {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Print the page of a diagnostic's code, or list all codes
    Explain(explain::Options),
    /// Print completions for a shell
    Completions(completions::Options),
    /// Compile one component from standard input; the host starts this itself
    #[command(hide = true)]
    CompileChild,
}

fn main() -> ExitCode {
    let Arguments { global, command } = Arguments::parse();
    if matches!(command, Command::CompileChild) {
        return siyu_runtime::compile_child_main();
    }
    let screen = Screen::detect(global.json);
    session::log_to_stderr(global.log);
    let session = Session::new(global, screen);
    let done = match command {
        Command::Explain(options) => explain::run(&options, &session),
        Command::Completions(options) => completions::run::<Arguments>(&options, &session),
        Command::CompileChild => Ok(Exit::Done),
    };
    match done {
        Ok(exit) => exit.code(),
        Err(fault) => session.screen.fault(&fault),
    }
}
