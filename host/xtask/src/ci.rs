//! `cargo xtask ci`: what has to hold for every commit, the tests apart.

use std::path::PathBuf;

use crate::commands::{self, cargo, part};
use crate::planted;

/// The program that looks at licences and sources of dependencies.
const DENY: &str = "0.20.2";

/// Format, licences and sources of dependencies, lints with warnings denied, documentation without broken links.
pub(crate) fn run() -> anyhow::Result<()> {
    part("format", || commands::run(cargo().args(["fmt", "--all", "--check"])))?;
    part("planted faults fit", || planted::check().map(drop))?;
    part("licences and sources", dependencies)?;
    part("lints", || {
        commands::run(cargo().args([
            "clippy",
            "--workspace",
            "--all-targets",
            "--quiet",
            "--",
            "-D",
            "warnings",
        ]))
    })?;
    part("documentation", || {
        let flags = "-D warnings";
        commands::run(cargo().args(["doc", "--workspace", "--no-deps", "--quiet"]).env("RUSTDOCFLAGS", flags))
    })
}

/// What comes in from outside is held to `.cargo/deny.toml`.
fn dependencies() -> anyhow::Result<()> {
    let deny = deny()?;
    let mut check = std::process::Command::new(&deny);
    check.args(["--config", ".cargo/deny.toml", "--log-level", "warn", "check", "--hide-inclusion-graph"]);
    commands::run(check.args(["licenses", "bans", "sources"]).current_dir(commands::root()))
}

/// The program, installed once beside what is built. Unoptimised: it is compiled longer than it runs.
fn deny() -> anyhow::Result<PathBuf> {
    let folder = commands::target().join("tools").join(format!("cargo-deny-{DENY}"));
    let program = folder.join("bin/cargo-deny");
    if !program.exists() {
        let mut install = cargo();
        install.args([
            "install",
            "cargo-deny",
            "--version",
            DENY,
            "--locked",
            "--debug",
            "--quiet",
            "--root",
        ]);
        install.arg(&folder).arg("--target-dir").arg(folder.join("build"));
        commands::run(&mut install)?;
        std::fs::remove_dir_all(folder.join("build"))?;
    }
    Ok(program)
}
