//! Tidiness: what the house rules say and no compiler checks.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};

use crate::commands::{cargo, output};

/// What stands visible at the top of the repository.
const TOP: [&str; 9] = [
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "host",
    "plugin-sdk",
    "plugins",
    "tests",
    "workflows",
];

/// The floor of each crate; a crate uses lower floors only. Crates that are not named here are above all floors
/// (developer commands, tests) or below all (the SDK and plugins, which know the host's model at most).
const FLOORS: &[(&str, u32)] = &[
    ("siyu-durable", 1),
    ("siyu-model", 1),
    ("siyu-workflow", 2),
    ("siyu-engine", 2),
    ("siyu-insight", 3),
    ("siyu-publishing", 3),
    ("siyu-store", 3),
    ("siyu-runtime", 3),
    ("siyu-secrets", 3),
    ("siyu-channels", 3),
    ("siyu-network", 3),
    ("siyu-traces", 3),
    ("siyu-api", 4),
    ("siyu-cli", 5),
];

/// The only crates that may know these: everything else goes through a port.
const ONLY: [(&str, &[&str]); 8] = [
    ("serde_yaml", &["siyu-workflow", "siyu-reference"]),
    ("sqlx", &["siyu-store", "siyu-bench", "siyu-test-postgres"]),
    ("wasmtime", &["siyu-runtime", "siyu-bench"]),
    ("axum", &["siyu-api"]),
    ("hyper", &["siyu-api", "siyu-network", "siyu-wecom-emulator"]),
    ("rustls", &["siyu-api", "siyu-network", "siyu-traces"]),
    ("opentelemetry", &["siyu-traces"]),
    ("clap", &["siyu-cli", "xtask", "siyu-bench", "siyu-peers"]),
];

/// Lines of a source file: aim at 300, talk at 500, never more than this.
const LINES_MAX: usize = 600;

/// Checks everything; the error names all faults.
pub(crate) fn run() -> anyhow::Result<()> {
    let mut faults = Vec::new();
    top_level(&mut faults)?;
    floors(&mut faults)?;
    files(&mut faults)?;
    ensure!(faults.is_empty(), "the house is not tidy:\n  {}", faults.join("\n  "));
    Ok(())
}

fn tracked() -> anyhow::Result<Vec<String>> {
    let files = output(Command::new("git").args(["ls-files", "--cached", "--others", "--exclude-standard"]))?;
    Ok(files.lines().map(str::to_owned).collect())
}

/// The visible top level is exactly what the map says.
fn top_level(faults: &mut Vec<String>) -> anyhow::Result<()> {
    let mut found: Vec<String> = tracked()?
        .iter()
        .filter_map(|file| file.split('/').next().map(str::to_owned))
        .filter(|name| !name.starts_with('.'))
        .collect();
    found.sort();
    found.dedup();
    if found != TOP {
        faults.push(format!("the visible top level is {}, expected {}", found.join(" "), TOP.join(" ")));
    }
    Ok(())
}

/// No crate uses its own floor or a higher one, and each technology has one crate.
fn floors(faults: &mut Vec<String>) -> anyhow::Result<()> {
    let metadata = output(cargo().args(["metadata", "--format-version", "1", "--no-deps", "--offline"]))?;
    let metadata: serde_json::Value = serde_json::from_str(&metadata)?;
    let floors: BTreeMap<&str, u32> = FLOORS.iter().copied().collect();
    let packages = metadata["packages"].as_array().context("cargo metadata gave no packages")?;
    for package in packages {
        let name = package["name"].as_str().context("a package without a name")?;
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let used = dependency["name"].as_str().unwrap_or_default();
            let is_for_tests = dependency["kind"].as_str() == Some("dev");
            if let (Some(own), Some(other)) = (floors.get(name), floors.get(used))
                && !is_for_tests
                && other >= own
            {
                faults.push(format!("{name} (floor {own}) uses {used} (floor {other}): lower floors only"));
            }
            if is_plugin(package) && used.starts_with("siyu-") && used != "siyu-plugin-sdk" {
                faults.push(format!("the plugin {name} uses {used}: plugins use the public contract only"));
            }
            for (library, owners) in ONLY {
                let is_it = used == library || dependency["rename"].as_str() == Some(library);
                if is_it && !owners.contains(&name) && !is_for_tests {
                    faults.push(format!("{name} uses {library}: only {} may", owners.join(" and ")));
                }
            }
        }
    }
    Ok(())
}

fn is_plugin(package: &serde_json::Value) -> bool {
    package["manifest_path"].as_str().is_some_and(|path| path.contains("/plugins/"))
}

/// Files are short, and each module says what it is.
fn files(faults: &mut Vec<String>) -> anyhow::Result<()> {
    for file in tracked()?.iter().filter(|file| file.ends_with(".rs")) {
        if !Path::new(file).exists() {
            continue;
        }
        let text = std::fs::read_to_string(file).with_context(|| file.clone())?;
        let lines = text.lines().count();
        if lines > LINES_MAX {
            faults.push(format!("{file} has {lines} lines, at most {LINES_MAX} are allowed"));
        }
        let is_test = file.ends_with("tests.rs") || file.contains("/tests/");
        if !is_test && !text.starts_with("//!") && !text.starts_with("#![") {
            faults.push(format!("{file} does not say in `//!` what it is"));
        }
    }
    Ok(())
}
