//! `cargo xtask test`: everything that can be tested, with its set-up.

use clap::Args;

use crate::commands::{self, cargo, part};
use crate::{plugins, tidy};

/// Options of `test`.
#[derive(Args)]
pub(crate) struct Options {
    /// Only tests whose names contain this
    filter: Option<String>,
}

/// Builds the plugins, checks tidiness, and runs every test of every crate.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    part("plugins", || plugins::build(false).map(drop))?;
    part("tidy", tidy::run)?;
    part("tests", || {
        let mut test = cargo();
        test.args(["test", "--workspace", "--quiet"]);
        test.args(&options.filter);
        run_tests(&mut test)
    })
}

fn run_tests(test: &mut std::process::Command) -> anyhow::Result<()> {
    // Snapshots are part of the repository: a test never writes them.
    commands::run(test.env("INSTA_UPDATE", "no"))
}
