//! The program `siyu`: reads arguments, wires the crates below together, prints what came out.
//!
//! It decides nothing about events, runs or plugins: that is done where it can be tested without a program.

mod acks;
mod channels;
mod checking;
mod commands;
mod components;
mod counted;
mod facts;
mod fault;
mod feed;
mod fleet;
mod home;
mod hooks;
mod host;
mod inspectors;
mod keyring;
mod lock;
mod log;
mod outlets;
mod output;
mod plugins;
mod quotas;
mod secrets;
mod serving;
mod session;
mod signals;
mod sources;
mod tenants;
mod trust;
mod workshop;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use commands::{
    audit, completions, customers, doctor, draws, explain, ledger, messages, plugins as plugin, publish,
    report, run, runs, secrets as secret, serve, tenants as tenant, test, tokens, validate,
};
use output::Screen;
use session::{Exit, Global, Session};
use tenants::DatabaseUrl;

/// A run makes and drops many small values on several threads; the system's allocator spends a tenth of the time on that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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
    /// Check a playbook: everything that publishing checks
    Validate(validate::Options),
    /// Play a playbook's tests on a virtual clock, with the real plugins
    Test(test::Options),
    /// Check a playbook and put it into force
    Publish(publish::Options),
    /// Replay a file of events into a playbook, durably
    Run(run::Options),
    /// Execute tenants until stopped, and answer requests over HTTP
    Serve(serve::Options),
    /// Look at runs and change their course
    #[command(subcommand)]
    Runs(runs::Runs),
    /// Look at messages, and say what became of those of which nobody knows
    #[command(subcommand)]
    Messages(messages::Messages),
    /// Look at customers
    #[command(subcommand)]
    Customers(customers::Customers),
    /// Look at accounts of plugins, points and stored value, and the transfers between them
    #[command(subcommand)]
    Ledger(ledger::Ledger),
    /// Verify the draws of lotteries
    #[command(subcommand)]
    Draws(draws::Draws),
    /// Funnel, repurchase, coupons, stock, prizes and runs in numbers
    #[command(subcommand)]
    Report(report::Report),
    /// Look at tenants, move them, back them up, restore and export them
    #[command(subcommand)]
    Tenants(tenant::Tenants),
    /// Say who may enter a host over HTTP
    #[command(subcommand)]
    Tokens(tokens::Tokens),
    /// Set what plugins use and nobody reads: passwords and keys of shops and messengers
    #[command(subcommand)]
    Secrets(secret::Secrets),
    /// Look at who changed what
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Look at plugins and pack them
    #[command(subcommand)]
    Plugins(plugin::Plugins),
    /// Check this host: disk, clock, plugins, channels
    Doctor,
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
    let traces = match &command {
        Command::Serve(options) => options.traces(),
        _ => Ok(None),
    };
    let traces = match traces {
        Ok(traces) => traces,
        Err(fault) => return screen.fault(&fault),
    };
    session::log_to_stderr(global.log, global.log_format, traces.as_ref());
    let database = match global.database.as_ref().map(DatabaseUrl::stores).transpose() {
        Ok(database) => database,
        Err(fault) => return screen.fault(&fault),
    };
    let session = Session::new(global, database, screen);
    let done = match command {
        Command::Validate(options) => validate::run(&options, &session),
        Command::Test(options) => test::run(&options, &session),
        Command::Publish(options) => publish::run(&options, &session),
        Command::Run(options) => run::run(&options, &session),
        Command::Serve(options) => serve::run(&options, &session),
        Command::Runs(command) => runs::run(&command, &session),
        Command::Messages(command) => messages::run(&command, &session),
        Command::Customers(command) => customers::run(&command, &session),
        Command::Ledger(command) => ledger::run(&command, &session),
        Command::Draws(command) => draws::run(&command, &session),
        Command::Report(command) => report::run(&command, &session),
        Command::Tenants(command) => tenant::run(&command, &session),
        Command::Tokens(command) => tokens::run(&command, &session),
        Command::Secrets(command) => secret::run(&command, &session),
        Command::Audit(command) => audit::run(&command, &session),
        Command::Plugins(command) => plugin::run(&command, &session),
        Command::Doctor => doctor::run(&session),
        Command::Explain(options) => explain::run(&options, &session),
        Command::Completions(options) => completions::run::<Arguments>(&options, &session),
        Command::CompileChild => Ok(Exit::Done),
    };
    if let Some(traces) = traces {
        traces.stop();
    }
    match done {
        Ok(exit) => exit.code(),
        Err(fault) => session.screen.fault(&fault),
    }
}
