//! Peers as their makers publish them, put into a folder of their own: with pip, npm and cargo, one version each.
//!
//! Nothing is installed twice, and nothing outside that folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;

use crate::process::run;

/// No package takes longer; Obelisk is compiled, with optimisation across all of it.
const LONG: Duration = Duration::from_secs(90 * 60);

/// Packages of Python in an environment of their own; gives its folder of programs.
pub(crate) fn python(folder: &Path, packages: &[&str]) -> anyhow::Result<PathBuf> {
    once(folder, &packages.join(" "), || {
        run("python3".as_ref(), LONG, |command| {
            command.args(["-m", "venv"]).arg(folder);
        })?;
        run(&folder.join("bin/pip"), LONG, |command| {
            command.args(["install", "--quiet", "--disable-pip-version-check"]).args(packages);
        })
    })?;
    Ok(folder.join("bin"))
}

/// Packages of Node; their scripts are not executed. Gives the folder that they are in.
pub(crate) fn node(folder: &Path, packages: &[&str]) -> anyhow::Result<PathBuf> {
    once(folder, &packages.join(" "), || {
        run("npm".as_ref(), LONG, |command| {
            command.args(["install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix"]).arg(folder);
            command.args(packages);
        })
    })?;
    Ok(folder.join("node_modules"))
}

/// A program of Rust, compiled here; gives the folder that it is in.
pub(crate) fn rust(folder: &Path, package: &str) -> anyhow::Result<PathBuf> {
    once(folder, package, || {
        run("cargo".as_ref(), LONG, |command| {
            command.args(["install", package, "--locked", "--quiet", "--root"]).arg(folder);
            command.env("CARGO_TARGET_DIR", folder.join("build"));
        })
    })?;
    Ok(folder.join("bin"))
}

/// Does it unless it was done in this folder for the same packages.
fn once(folder: &Path, what: &str, install: impl FnOnce() -> anyhow::Result<String>) -> anyhow::Result<()> {
    let done = folder.join("installed");
    if fs::read_to_string(&done).is_ok_and(|before| before == what) {
        return Ok(());
    }
    crate::say(&format!("── installing {what}"));
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    install()?;
    fs::write(&done, what).with_context(|| done.display().to_string())
}
