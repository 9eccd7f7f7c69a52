//! Siyu: the program as it is shipped, `siyu serve`, asked over HTTP.
//!
//! An event starts a run; its answer comes after the commit that holds the event, the five steps and their results.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::json;
use siyu_test_postgres::{Binaries, Server};

use super::{Family, POSTGRES};
use crate::kit::Kit;
use crate::load::{ask, check};
use crate::process::{Process, run};
use crate::round::{Engine, Store, Up, WayIn};
use crate::table::Gives;

/// The tenant that executes everything.
const TENANT: &str = "peers";
/// What a command of the program may take.
const SOON: Duration = Duration::from_secs(120);
/// The steps as the compiler made them.
const MODULE: &str = "siyu_peers_plugin.wasm";

pub(super) fn family() -> Family {
    let engine = |name, durability, is_postgres| Engine {
        name,
        durability,
        start: Box::new(move |kit, folder| start(kit, folder, is_postgres)),
    };
    Family {
        install: |kit| {
            let version = run(&kit.siyu, SOON, |command| {
                command.arg("--version");
            })?;
            Ok(version.split_whitespace().last().unwrap_or_default().to_owned())
        },
        engines: vec![
            engine("Siyu, SQLite", "WAL, `synchronous=FULL`", false),
            engine("Siyu, Postgres", "`fsync=on`, `synchronous_commit=on`", true),
        ],
        gives: Gives {
            commit: "all steps up to the next wait in one commit, shared with what comes meanwhile",
            effects: "in the store: once, in the step's own commit; on the network: at least once, with a stable key",
            timers: "indexed rows, woken when due",
            isolation: "a WebAssembly sandbox, a fresh instance a call",
            started: "HTTP",
        },
    }
}

fn start(kit: &Kit, folder: &Path, is_postgres: bool) -> anyhow::Result<Up> {
    let (data, plugins) = (folder.join("data"), folder.join("plugins"));
    std::fs::create_dir_all(&plugins)?;
    run(&kit.siyu, SOON, |command| {
        command.args(["plugins", "pack"]).arg(kit.modules.join(MODULE));
        command.arg("--output").arg(plugins.join("count.wasm"));
    })?;
    let server = is_postgres.then(|| Server::start_with(&Binaries::find()?, &POSTGRES)).transpose()?;
    let set = |command: &mut Command| {
        command.env("SIYU_DATA", &data).env("SIYU_PLUGINS", &plugins).env("SIYU_TENANT", TENANT);
        match &server {
            Some(server) => command.env("SIYU_DATABASE_URL", server.url()),
            None => command.env_remove("SIYU_DATABASE_URL"),
        };
    };
    let playbook = Path::new(env!("CARGO_MANIFEST_DIR")).join("siyu/playbook");
    run(&kit.siyu, SOON, |command| {
        set(command);
        command.arg("publish").arg(playbook);
    })?;
    let mut process = Process::start(&kit.siyu, &folder.join("log"), |command| {
        set(command);
        command.args(["serve", "--listen", "127.0.0.1:0", "--open"]);
    })?;
    let address = process.until(|said| {
        let line = said.lines().find(|line| line.starts_with("serving ")).context("it does not serve")?;
        Ok(line.rsplit(' ').next().unwrap_or_default().to_owned())
    })?;
    let address = format!("{address}/v1/tenants/{TENANT}/events");
    let one = move |way: &_, number: u64| {
        let event = json!({
            "id": number.to_string(), "type": "number.given", "source": "peers", "data": { "number": number },
        });
        let answer = ask(way, &address, &event)?;
        let responses = answer["responses"].as_object().with_context(|| answer.to_string())?;
        ensure!(responses.len() == 1, "one run answers, found {answer}");
        responses.values().try_for_each(|response| check(number, &response["number"]))
    };
    let store = server.map_or_else(|| Store::Files(data.clone()), |server| Store::Postgres(Box::new(server)));
    Ok(Up { processes: vec![process], way_in: WayIn::Http(Box::new(one)), store })
}
