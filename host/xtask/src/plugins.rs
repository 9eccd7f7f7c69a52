//! Building the plugins: each folder under plugins/ becomes one component in target/plugins.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

use crate::commands::{cargo, output, run, target};

/// What plugins are compiled for: no imports beyond the capabilities they use.
const TARGET: &str = "wasm32-unknown-unknown";

/// Builds all plugins; gives the folder they are in. Does nothing for those that are up to date.
#[expect(clippy::print_stderr, reason = "a developer watches")]
pub(crate) fn build(verbose: bool) -> anyhow::Result<PathBuf> {
    install_target(TARGET)?;
    let names = names()?;
    let mut build = cargo();
    build.args(["build", "--profile", "plugin", "--target", TARGET, "--lib"]);
    for name in &names {
        build.args(["--package", name]);
    }
    run(&mut build)?;
    let siyu = crate::commands::siyu(false)?;
    let folder = target().join("plugins");
    std::fs::create_dir_all(&folder)?;
    for name in &names {
        let module = target().join(TARGET).join("plugin").join(format!("{}.wasm", name.replace('-', "_")));
        let component = folder.join(format!("{name}.wasm"));
        if is_newer(&component, &[&module, &siyu]) {
            continue;
        }
        run(Command::new(&siyu)
            .args(["plugins", "pack"])
            .arg(&module)
            .arg("--output")
            .arg(&component)
            .stdout(Stdio::null()))?;
        if verbose {
            eprintln!("{name}: {}", component.display());
        }
    }
    Ok(folder)
}

/// The plugins, by the names of their packages: the folders under plugins/.
fn names() -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir("plugins").context("there is no folder plugins/")? {
        let entry = entry?;
        if entry.path().join("Cargo.toml").exists() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    ensure!(!names.is_empty(), "there is no plugin under plugins/");
    Ok(names)
}

/// Makes the compiler able to build for a target.
pub(crate) fn install_target(target: &str) -> anyhow::Result<()> {
    let libraries = output(Command::new("rustc").args(["--print", "target-libdir", "--target", target]))?;
    if Path::new(libraries.trim()).exists() {
        return Ok(());
    }
    run(Command::new("rustup").args(["target", "add", target]))
}

fn is_newer(file: &Path, sources: &[&Path]) -> bool {
    let changed = |path: &Path| path.metadata().and_then(|found| found.modified()).ok();
    let Some(made) = changed(file) else { return false };
    sources.iter().all(|source| changed(source).is_some_and(|at| at <= made))
}
