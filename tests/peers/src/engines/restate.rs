//! Restate: one server with all roles and its own log, and a service with the steps that it calls over HTTP/2.
//!
//! Its log is `RocksDB`; each append waits for the disk when `rocksdb-disable-wal-fsync` is false, which is its default and
//! is written into the settings here, so that it is seen. Its other stores are made again from the log.

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::json;

use super::Family;
use crate::install;
use crate::kit::{Kit, programs};
use crate::load::{ask, check, way};
use crate::process::{Process, port};
use crate::round::{Engine, Store, Up, WayIn};
use crate::table::Gives;

const VERSION: &str = "1.7.12";
const PYTHON: [&str; 2] = ["restate-sdk==1.3.0", "hypercorn==0.18.0"];
const DURABILITY: &str = "its log: `rocksdb-disable-wal-fsync = false`";

/// What the service is written in.
#[derive(Clone, Copy)]
enum Sdk {
    /// Python, in so many processes.
    Python(usize),
    /// JavaScript, in one process.
    Node,
}

/// How the server is set.
#[derive(Clone, Copy)]
struct Set {
    sdk: Sdk,
    /// Logs that workflows are spread over.
    partitions: usize,
}

pub(super) fn family() -> Family {
    let engine = |name, set: Set| Engine {
        name,
        durability: DURABILITY,
        start: Box::new(move |kit, folder| start(kit, folder, set)),
    };
    Family {
        install,
        engines: vec![
            engine("Restate, Python SDK", Set { sdk: Sdk::Python(1), partitions: 24 }),
            engine("Restate, Python SDK tuned", Set { sdk: Sdk::Python(2), partitions: 2 }),
            engine("Restate, Node SDK tuned", Set { sdk: Sdk::Node, partitions: 2 }),
        ],
        gives: Gives {
            commit: "every step is an entry of the log; entries that come together share an append",
            effects: "at least once; its own state once, by replay",
            timers: "in its log and store; a handler may be suspended",
            isolation: "a process of its own, called over HTTP/2",
            started: "HTTP",
        },
    }
}

fn install(kit: &Kit) -> anyhow::Result<String> {
    let server = format!("@restatedev/restate-server@{VERSION}");
    install::node(&kit.peers.join("restate"), &[&server, "@restatedev/restate-sdk@1.17.2"])?;
    install::python(&kit.peers.join("restate-python"), &PYTHON)?;
    Ok(VERSION.to_owned())
}

/// The server's program, of the package for this kind of machine.
fn server(kit: &Kit) -> anyhow::Result<PathBuf> {
    let packages = kit.peers.join("restate/node_modules/@restatedev");
    let found = std::fs::read_dir(&packages).with_context(|| packages.display().to_string())?;
    let found = found.flatten().map(|package| package.path().join("bin/restate-server"));
    found.into_iter().find(|program| program.is_file()).context("its package has no program for this machine")
}

fn settings(data: &Path, partitions: usize, [node, admin, ingress]: [u16; 3]) -> String {
    format!(
        "roles = [\"http-ingress\", \"admin\", \"worker\", \"log-server\", \"metadata-server\"]
base-dir = {data:?}
disable-telemetry = true
listen-mode = \"tcp\"
bind-ip = \"127.0.0.1\"
bind-port = {node}
default-num-partitions = {partitions}
log-filter = \"warn\"
log-disable-ansi-codes = true
[admin]
bind-port = {admin}
disable-web-ui = true
[ingress]
bind-port = {ingress}
[log-server]
rocksdb-disable-wal-fsync = false
"
    )
}

fn start(kit: &Kit, folder: &Path, set: Set) -> anyhow::Result<Up> {
    let (data, file) = (folder.join("data"), folder.join("restate.toml"));
    let [node, admin, ingress, service] = [port()?, port()?, port()?, port()?];
    std::fs::write(&file, settings(&data, set.partitions, [node, admin, ingress]))?;
    let mut server = Process::start(&server(kit)?, &folder.join("log"), |command| {
        command.arg("--config-file").arg(&file).arg("--no-logo");
    })?;
    let mut steps = serve(kit, folder, set.sdk, service)?;
    steps.until(|_| Ok(std::net::TcpStream::connect(("127.0.0.1", service))?))?;
    let way = way();
    let deployment = json!({ "uri": format!("http://127.0.0.1:{service}") });
    let deployments = format!("http://127.0.0.1:{admin}/deployments");
    // It is asked again until it is up: the same service is registered once.
    server.until(|_| ask(&way, &deployments, &deployment))?;
    // A number is a key too: a workflow of the same key would be the same one.
    let ingress = format!("http://127.0.0.1:{ingress}/five");
    let one = move |way: &_, number: u64| {
        let answer = ask(way, &format!("{ingress}/{number}/run"), &number.into())?;
        check(number, &answer)
    };
    server.until(|_| one(&way, u64::from(u32::MAX)))?;
    Ok(Up { processes: vec![server, steps], way_in: WayIn::Http(Box::new(one)), store: Store::Files(data) })
}

/// Starts the service with the steps.
fn serve(kit: &Kit, folder: &Path, sdk: Sdk, port: u16) -> anyhow::Result<Process> {
    let log = folder.join("log-steps");
    match sdk {
        Sdk::Python(workers) => {
            let hypercorn = kit.peers.join("restate-python/bin/hypercorn");
            Process::start(&hypercorn, &log, |command| {
                command.args(["--workers", &workers.to_string()]);
                command.args(["--bind", &format!("127.0.0.1:{port}"), "restate_count:app"]);
                command.current_dir(programs()).env("PYTHONDONTWRITEBYTECODE", "1");
            })
        }
        Sdk::Node => {
            // It finds its packages from where it is.
            let program = kit.peers.join("restate/restate_count.mjs");
            std::fs::copy(programs().join("restate_count.mjs"), &program)?;
            Process::start("node".as_ref(), &log, |command| {
                command.arg(&program).env("PORT", port.to_string()).env("NODE_ENV", "production");
            })
        }
    }
}
