//! Obelisk: one server on SQLite; its steps are activities, WebAssembly components that a workflow, a component too, calls.

use std::path::Path;

use serde_json::json;

use super::Family;
use crate::install;
use crate::kit::Kit;
use crate::load::{ask, check, way};
use crate::process::{Process, port};
use crate::round::{Engine, Store, Up, WayIn};
use crate::table::Gives;

/// The newest that compiles with the compiler of this repository.
const VERSION: &str = "0.38.3";

/// The step, as the compiler names it.
const ACTIVITY: &str = "siyu_peers_obelisk_activity.wasm";
/// The workflow, as the compiler names it.
const WORKFLOW: &str = "siyu_peers_obelisk_workflow.wasm";

/// How often an executor looks for work, and how much it takes at once.
#[derive(Clone, Copy)]
struct Set {
    batch: u32,
    tick_ms: u32,
}

/// What it comes with.
const DEFAULT: Set = Set { batch: 5, tick_ms: 200 };
/// What makes it quick.
const TUNED: Set = Set { batch: 100, tick_ms: 5 };

pub(super) fn family() -> Family {
    let engine = |name, set: Set| Engine {
        name,
        durability: "WAL, `synchronous=FULL`",
        start: Box::new(move |kit, folder| start(kit, folder, set)),
    };
    Family {
        install: |kit| {
            install::rust(&kit.peers.join("obelisk"), &format!("obelisk@{VERSION}"))?;
            Ok(VERSION.to_owned())
        },
        engines: vec![engine("Obelisk, as it comes", DEFAULT), engine("Obelisk, tuned", TUNED)],
        gives: Gives {
            commit: "every step in several commits: created, locked, finished; commits that come together share one",
            effects: "at least once: activities must be idempotent",
            timers: "rows, looked at every 100 ms",
            isolation: "a WebAssembly sandbox, a fresh instance an execution",
            started: "HTTP",
        },
    }
}

fn settings(data: &Path, api: u16) -> String {
    format!(
        "api.listening_addr = \"127.0.0.1:{api}\"
webui.enabled = false
external.enabled = false
database.sqlite.directory = {:?}
[wasm]
cache_directory = {:?}
backtrace.persist = false
[wasm.codegen_cache]
directory = {:?}
[log.console]
level = \"warn\"
",
        data,
        data.with_file_name("wasm"),
        data.with_file_name("codegen"),
    )
}

fn deployment(components: &Path, set: Set) -> String {
    let component = |kind: &str, name: &str, file: &str| {
        let Set { batch, tick_ms } = set;
        let location = components.join(file);
        format!(
            "[[{kind}]]
name = {name:?}
location = {location:?}
exec.batch_size = {batch}
exec.tick_sleep.milliseconds = {tick_ms}
"
        )
    };
    // What the compiler makes imports WASI, of which a workflow uses and gets nothing.
    component("activity_wasm", "steps", ACTIVITY)
        + &component("workflow_wasm", "five", WORKFLOW)
        + "stub_wasi = true\n"
}

fn start(kit: &Kit, folder: &Path, set: Set) -> anyhow::Result<Up> {
    let (data, server, components) =
        (folder.join("data"), folder.join("server.toml"), folder.join("deployment.toml"));
    let api = port()?;
    std::fs::write(&server, settings(&data, api))?;
    std::fs::write(&components, deployment(&kit.components, set))?;
    let obelisk = kit.peers.join("obelisk/bin/obelisk");
    let mut process = Process::start(&obelisk, &folder.join("log"), |command| {
        command.args(["server", "run", "--server-config"]).arg(&server).arg("--deployment").arg(&components);
        command.current_dir(folder);
    })?;
    // The answer comes when the execution has finished.
    let address = format!("http://127.0.0.1:{api}/v1/executions?follow=true");
    let one = move |way: &_, number: u64| {
        let execution = json!({ "ffqn": "siyu-peers:count/workflow.five", "params": [number] });
        let answer = ask(way, &address, &execution)?;
        check(number, &answer["ok"])
    };
    let way = way();
    process.until(|_| one(&way, 0))?;
    Ok(Up { processes: vec![process], way_in: WayIn::Http(Box::new(one)), store: Store::Files(data) })
}
