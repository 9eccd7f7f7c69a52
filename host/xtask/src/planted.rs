//! `cargo xtask planted`: plants known faults in a copy of the tree, one at a time, and sees whether the suite finds them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, bail, ensure};
use clap::Args;
use serde::Deserialize;

use crate::commands::{self, cargo, output};

/// Where the faults are written down.
const FAULTS: &str = "tests/planted/faults.toml";

/// Options of `planted`.
#[derive(Args)]
pub(crate) struct Options {
    /// Only faults whose names contain this
    filter: Option<String>,
    /// Only see that every fault still fits its file
    #[arg(long)]
    check: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Faults {
    fault: Vec<Fault>,
}

/// A fault to plant.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fault {
    /// What is wrong then.
    name: String,
    /// Where.
    file: PathBuf,
    /// What stands there exactly once.
    find: String,
    /// What stands there then.
    replace: String,
    /// What must find it: arguments of `cargo test`.
    tests: Vec<String>,
}

/// How a fault was found.
struct Caught {
    by: String,
    seconds: f64,
}

/// Plants every fault and prints a table; an error when one is not found or does not fit.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let faults = check()?;
    if options.check {
        return Ok(());
    }
    let tree = copy()?;
    let filter = options.filter.as_deref().unwrap_or_default();
    let chosen: Vec<&Fault> = faults.iter().filter(|fault| fault.name.contains(filter)).collect();
    ensure!(!chosen.is_empty(), "no fault is named `{filter}`");
    is_sound(&chosen, &tree)?;
    let mut lines = Vec::new();
    let mut missed = Vec::new();
    for fault in chosen {
        let planted = fault.plant(&tree)?;
        let file = tree.join(&fault.file);
        let sound = std::fs::read(&file)?;
        std::fs::write(&file, planted)?;
        let caught = fault.hunt(&tree);
        std::fs::write(&file, sound)?;
        lines.push(match caught? {
            Some(caught) => format!("| {} | {} | {:.0} s |", fault.name, caught.by, caught.seconds),
            None => {
                missed.push(fault.name.as_str());
                format!("| {} | **nothing** | |", fault.name)
            }
        });
        say(lines.last().map_or("", String::as_str));
    }
    say(&format!("\n| planted fault | found by | in |\n|---|---|---|\n{}", lines.join("\n")));
    ensure!(missed.is_empty(), "not found: {}", missed.join(", "));
    Ok(())
}

/// The faults, all of which still fit their files.
pub(crate) fn check() -> anyhow::Result<Vec<Fault>> {
    let text = std::fs::read_to_string(FAULTS).with_context(|| FAULTS.to_owned())?;
    let faults: Faults = toml::from_str(&text).with_context(|| FAULTS.to_owned())?;
    for fault in &faults.fault {
        fault.plant(&commands::root())?;
    }
    Ok(faults.fault)
}

#[expect(clippy::print_stdout, reason = "a developer watches")]
fn say(line: &str) {
    println!("{line}");
}

/// A copy of what is under version control, in the target folder.
fn copy() -> anyhow::Result<PathBuf> {
    let tree = commands::target().join("planted/tree");
    if tree.exists() {
        std::fs::remove_dir_all(&tree)?;
    }
    let files = output(Command::new("git").args(["ls-files", "--cached", "--others", "--exclude-standard"]))?;
    for file in files.lines().filter(|file| Path::new(file).is_file()) {
        let place = tree.join(file);
        let folder = place.parent().context("a file without a folder")?;
        std::fs::create_dir_all(folder)?;
        std::fs::copy(file, &place).with_context(|| file.to_owned())?;
    }
    Ok(tree)
}

/// Without a fault the tests pass: otherwise they would find every fault, whatever it is.
fn is_sound(faults: &[&Fault], tree: &Path) -> anyhow::Result<()> {
    let tests: BTreeSet<&str> = faults.iter().flat_map(|fault| &fault.tests).map(String::as_str).collect();
    for test in tests {
        let done = cargo_test(tree, test).output()?;
        ensure!(
            done.status.success(),
            "`cargo test {test}` fails without a fault:\n{}{}",
            String::from_utf8_lossy(&done.stderr),
            String::from_utf8_lossy(&done.stdout)
        );
        say(&format!("without a fault passes: {test}"));
    }
    Ok(())
}

fn cargo_test(tree: &Path, arguments: &str) -> Command {
    let mut test = cargo();
    test.current_dir(tree).arg("test").args(arguments.split_whitespace());
    // One folder for all faults: only what a fault touches is built again.
    test.env("CARGO_TARGET_DIR", commands::target().join("planted/build"));
    test
}

impl Fault {
    /// The text of the file with the fault in it.
    fn plant(&self, tree: &Path) -> anyhow::Result<String> {
        let file = tree.join(&self.file);
        let text = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        let times = text.matches(&self.find).count();
        ensure!(
            times == 1,
            "`{}` does not fit any more: {} has what it looks for {times} times, expected once",
            self.name,
            self.file.display()
        );
        Ok(text.replace(&self.find, &self.replace))
    }

    /// Runs the tests until one fails.
    fn hunt(&self, tree: &Path) -> anyhow::Result<Option<Caught>> {
        for test in &self.tests {
            let build = cargo_test(tree, test).arg("--no-run").output()?;
            if !build.status.success() {
                bail!("`{}` does not compile:\n{}", self.name, String::from_utf8_lossy(&build.stderr));
            }
            let began = Instant::now();
            let done = cargo_test(tree, test).output()?;
            if !done.status.success() {
                let said = String::from_utf8_lossy(&done.stdout);
                let failed =
                    said.lines().find_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... FAILED"));
                let by = failed.map_or_else(|| test.clone(), |name| format!("`{name}`"));
                return Ok(Some(Caught { by, seconds: began.elapsed().as_secs_f64() }));
            }
        }
        Ok(None)
    }
}
