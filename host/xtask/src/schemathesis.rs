//! `cargo xtask schemathesis`: requests that follow from the host's own description of itself, sound ones and broken ones, against
//! the real program with a tenant in it. None may be answered with a fault of the host (5xx).
//!
//! The tool is installed with pip into the target folder.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, ensure};
use clap::Args;

use crate::commands::{output, part, run, siyu, target};
use crate::{languages, plugins};

/// The package of pip.
const PACKAGE: &str = "schemathesis==4.32.5";
/// The tenant that is asked about.
const TENANT: &str = "niuniu";
/// What it has published.
const PLAYBOOK: &str = "workflows/steak-club";

/// Options of `schemathesis`.
#[derive(Args)]
pub(crate) struct Options {
    /// Requests of each kind for a path, at most
    #[arg(long, default_value_t = 60)]
    examples: u32,
    /// By which requests are made; another one makes others
    #[arg(long, default_value_t = 20_261_122)]
    seed: u32,
}

/// A host that is ended with its variable.
struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        // One that ended already cannot be ended again.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Builds, serves, asks.
pub(crate) fn run_all(options: &Options) -> anyhow::Result<()> {
    let plugins = plugins::build(false)?;
    let siyu = siyu(false)?;
    let tool = tool()?;
    let data = target().join("schemathesis");
    if data.exists() {
        std::fs::remove_dir_all(&data)?;
    }
    let program = || {
        let mut program = Command::new(&siyu);
        program.env("SIYU_DATA", &data).env("SIYU_PLUGINS", &plugins).env("SIYU_TENANT", TENANT);
        program.env_remove("SIYU_DATABASE_URL").stdin(Stdio::null());
        program
    };
    run(program().args(["publish", PLAYBOOK]).stdout(Stdio::null()))?;
    let said = output(program().args(["tokens", "create", "schemathesis", "--role", "host-admin"]))?;
    let token = said.split_whitespace().find(|word| word.starts_with("siyu_")).context("no token")?;
    let mut serve = program();
    let serve = serve.args(["serve", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped());
    let mut serving = Serving(serve.spawn().context("the host does not start")?);
    let mut line = String::new();
    let out = serving.0.stdout.take().context("a host without an output")?;
    BufReader::new(out).read_line(&mut line)?;
    let address = line.trim_end().rsplit(' ').next().unwrap_or_default().to_owned();
    ensure!(address.starts_with("http://127.0.0.1:"), "it does not serve: {line}");
    let asked = part("requests that follow from the description", || ask(&tool, (&address, token), options));
    ensure!(serving.0.try_wait()?.is_none(), "the host has ended");
    asked
}

fn ask(tool: &Path, (address, token): (&str, &str), options: &Options) -> anyhow::Result<()> {
    let mut ask = Command::new(tool);
    ask.arg("run").arg(format!("{address}/openapi.json"));
    ask.arg("--header").arg(format!("Authorization: Bearer {token}"));
    // Half of the paths name the tenant; what a made-up tenant is answered is always the same.
    ask.args(["--checks", "not_a_server_error", "--continue-on-failure", "--no-color", "--phases"]);
    ask.args(["examples,coverage,fuzzing,stateful", "--request-timeout", "60", "--max-examples"]);
    ask.arg(options.examples.to_string()).arg("--seed").arg(options.seed.to_string());
    // A stream of events does not end, and a tool that waits for its end waits for ever.
    ask.args(["--exclude-path-regex", "/stream$", "--warnings", "off"]);
    run(&mut ask)
}

fn tool() -> anyhow::Result<PathBuf> {
    let folder = target().join("tools").join("schemathesis");
    languages::python_tools(&folder, PACKAGE)?;
    Ok(folder.join("bin/schemathesis"))
}
