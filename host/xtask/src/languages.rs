//! `cargo xtask languages`: the stamp card in JavaScript and in Python, built by the tools of these languages and held to the
//! tests that the one in Rust is held to.
//!
//! The tools are large (400 MB of npm, 50 MB of pip), so they are installed into the target folder, and no other command needs
//! them.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;

use crate::commands::{cargo, part, run, siyu, target};
use crate::plugins;

/// Packages of npm. The second is what the first makes components with for other engines than the one used here; it does not
/// install without it.
const NPM: [&str; 2] = ["@bytecodealliance/jco@1.35.0", "@bytecodealliance/componentize-js@0.23.0"];
/// What those packages need is as it was when this day began: they name ranges, and a release of one of them broke this build
/// before. Whoever raises a version above raises the day.
const NPM_BEFORE: &str = "2026-11-23";
/// The package of pip.
const PIP: &str = "componentize-py==0.25.1";
/// Where the examples are.
const SOURCES: &str = "plugin-sdk/languages";
/// The world of the examples.
const WORLD: &str = "stamp-card";
/// The playbook whose tests each must pass.
const PLAYBOOK: &str = "host/cli/tests/playbooks/stamps";

/// Builds each, and plays the tests of the playbook with it.
pub(crate) fn run_tests() -> anyhow::Result<()> {
    let siyu = siyu(false)?;
    for (name, component) in build()? {
        let folder = target().join("languages").join(name);
        std::fs::create_dir_all(&folder)?;
        part(&format!("the stamp card in {name}"), || {
            let pack = ["plugins", "pack"];
            run(Command::new(&siyu)
                .args(pack)
                .arg(&component)
                .arg("--output")
                .arg(folder.join("stamp-card.wasm")))?;
            run(Command::new(&siyu)
                .arg("--plugins")
                .arg(&folder)
                .arg("--data")
                .arg(folder.join("data"))
                .args(["test", PLAYBOOK]))
        })?;
    }
    Ok(())
}

/// The components as their compilers made them, by the name of the language; the one of the template in Rust is the first.
pub(crate) fn build() -> anyhow::Result<Vec<(&'static str, PathBuf)>> {
    let made = target().join("languages");
    let wit = made.join("wit");
    std::fs::create_dir_all(&wit)?;
    // The contract, and the part of it that this plugin uses.
    let contract = std::fs::read_to_string("plugin-sdk/wit/siyu.wit")?;
    let world = std::fs::read_to_string(Path::new(SOURCES).join("stamp-card.wit"))?;
    std::fs::write(wit.join("siyu.wit"), contract + &world)?;
    Ok(vec![
        ("rust", rust()?),
        ("javascript", javascript(&wit, &made.join("javascript.wasm"))?),
        ("python", python(&wit, &made.join("python.wasm"))?),
    ])
}

fn rust() -> anyhow::Result<PathBuf> {
    const TARGET: &str = "wasm32-unknown-unknown";
    plugins::install_target(TARGET)?;
    let package = ["--package", "siyu-plugin-template"];
    run(cargo()
        .args(["build", "--quiet", "--profile", "plugin", "--target", TARGET, "--lib"])
        .args(package))?;
    Ok(target().join(TARGET).join("plugin").join("siyu_plugin_template.wasm"))
}

/// QuickJS: a small engine that is interpreted, and needs nothing of the host.
fn javascript(wit: &Path, component: &Path) -> anyhow::Result<PathBuf> {
    let folder = target().join("tools").join("npm");
    installed(&folder, &format!("{} before {NPM_BEFORE}", NPM.join(" ")), || {
        let mut npm = Command::new("npm");
        npm.args(["install", "--ignore-scripts", "--no-audit", "--no-fund", "--before", NPM_BEFORE]);
        npm.arg("--prefix").arg(&folder).args(NPM);
        run(&mut npm)
    })?;
    let mut jco = Command::new(folder.join("node_modules/.bin/jco"));
    // A path that is not whole is looked for beside the source itself by some versions.
    jco.arg("componentize").arg(std::path::absolute(SOURCES)?.join("javascript/stamp-card.js"));
    jco.arg("--wit").arg(wit).args(["--world-name", WORLD, "--backend", "quickjs"]);
    jco.args(["--backend-qjs-disable-async", "--backend-qjs-stub-wasi", "--out"]).arg(component);
    run(&mut jco)?;
    Ok(component.to_owned())
}

fn python(wit: &Path, component: &Path) -> anyhow::Result<PathBuf> {
    let folder = target().join("tools").join("pip");
    python_tools(&folder, PIP)?;
    // A copy, because it leaves what it compiled beside the sources.
    let sources = component.with_extension("sources");
    empty(&sources)?;
    for file in std::fs::read_dir(Path::new(SOURCES).join("python"))? {
        let file = file?;
        std::fs::copy(file.path(), sources.join(file.file_name()))?;
    }
    let mut componentize = Command::new(folder.join("bin/componentize-py"));
    componentize.arg("--wit-path").arg(wit).args(["--world", WORLD, "componentize", "--stub-wasi"]);
    componentize.arg("--python-path").arg(sources).args(["app", "--output"]).arg(component);
    run(&mut componentize)?;
    Ok(component.to_owned())
}

/// A package of pip in an environment of its own.
pub(crate) fn python_tools(folder: &Path, package: &str) -> anyhow::Result<()> {
    installed(folder, package, || {
        run(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
        let pip = folder.join("bin/pip");
        run(Command::new(pip).args(["install", "--quiet", "--disable-pip-version-check", package]))
    })
}

/// Installs tools unless these very ones are there.
fn installed(folder: &Path, what: &str, install: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<()> {
    let mark = folder.join("installed");
    if std::fs::read_to_string(&mark).is_ok_and(|found| found == what) {
        return Ok(());
    }
    // What is there of another version would be kept as far as it fits.
    empty(folder)?;
    install().with_context(|| format!("{what} cannot be installed"))?;
    std::fs::write(mark, what)?;
    Ok(())
}

/// A folder with nothing in it.
fn empty(folder: &Path) -> anyhow::Result<()> {
    if folder.exists() {
        std::fs::remove_dir_all(folder)?;
    }
    Ok(std::fs::create_dir_all(folder)?)
}
