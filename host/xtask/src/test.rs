//! `cargo xtask test`: everything that can be tested, with its set-up.

use std::process::Command;

use anyhow::Context;
use clap::Args;
use siyu_test_postgres::{Binaries, Pooler, Server, VARIABLE};

use crate::commands::{self, cargo, part};
use crate::{plugins, tidy};

/// Options of `test`.
#[derive(Args)]
pub(crate) struct Options {
    /// Only tests whose names contain this
    filter: Option<String>,
}

/// What guests with a standard library are compiled for: tests build some.
const GUESTS: &str = "wasm32-wasip2";

/// Builds the plugins, checks tidiness, and runs every test of every crate.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    plugins::install_target(GUESTS)?;
    part("plugins", || plugins::build(false).map(drop))?;
    part("tidy", tidy::run)?;
    let mut server = None;
    part("a private Postgres", || {
        server = postgres()?;
        pooler();
        Ok(())
    })?;
    part("tests", || {
        let mut test = cargo();
        // One failure hides no other: a whole run takes half an hour.
        test.args(["test", "--workspace", "--quiet", "--no-fail-fast"]);
        test.args(&options.filter);
        if let Some(server) = &server {
            test.env(VARIABLE, server.url());
        }
        run_tests(&mut test)
    })
}

fn run_tests(test: &mut Command) -> anyhow::Result<()> {
    // Snapshots are part of the repository: a test never writes them.
    commands::run(test.env("INSTA_UPDATE", "no"))
}

/// One server for all tests, which ends with this process; none when somebody named one.
pub(crate) fn postgres() -> anyhow::Result<Option<Server>> {
    if std::env::var_os(VARIABLE).is_some() {
        return Ok(None);
    }
    let binaries = match Binaries::find() {
        Ok(binaries) => binaries,
        Err(missing) => {
            install("postgresql").context(missing)?;
            Binaries::find()?
        }
    };
    Server::start(&binaries).map(Some)
}

/// Installs PgBouncer where it is not here and that is possible. Its tests say that they are left out where it is not.
#[expect(clippy::print_stderr, reason = "a developer watches")]
fn pooler() {
    if !Pooler::is_installed()
        && let Err(fault) = install("pgbouncer")
    {
        eprintln!("without PgBouncer, whose tests are left out: {fault:#}");
    }
}

/// Installs a package of Debian, where that is possible, without a server of its own being started.
fn install(package: &str) -> anyhow::Result<()> {
    let apt = |arguments: &[&str]| {
        let mut apt = Command::new("apt-get");
        apt.env("DEBIAN_FRONTEND", "noninteractive").env("RUNLEVEL", "1");
        commands::run(apt.args(arguments))
    };
    apt(&["update", "--quiet"])?;
    apt(&["install", "--quiet", "--yes", "--no-install-recommends", package])
}
