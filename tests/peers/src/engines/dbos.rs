//! DBOS: a library. Its steps are functions of the process that calls them; the starters are threads of that process.
//!
//! With SQLite it sets neither the journal's mode nor `synchronous`, so these are SQLite's own defaults: a rollback journal and
//! FULL, durable at every commit. The mode is a property of the file, so WAL is set before it starts; FULL stays.

use std::path::Path;

use siyu_test_postgres::{Binaries, Server};

use super::{Family, POSTGRES};
use crate::install;
use crate::kit::{Kit, programs};
use crate::process::Process;
use crate::round::{Engine, Store, Up, WayIn};
use crate::table::Gives;

const VERSION: &str = "3.4.0";

/// Where a process keeps what it did.
#[derive(Clone, Copy)]
enum At {
    /// A file of SQLite with this mode of its journal, over so many connections; without a number, as many as it takes by
    /// itself. Those that wait for each other in the file lose more time than those that wait for a connection.
    Sqlite(&'static str, Option<usize>),
    /// Postgres, from so many processes: one is bounded by the interpreter's lock.
    Postgres(usize),
}

pub(super) fn family() -> Family {
    let engine = |name, durability, at| Engine {
        name,
        durability,
        start: Box::new(move |kit, folder| start(kit, folder, at)),
    };
    let postgres = "`fsync=on`, `synchronous_commit=on`";
    Family {
        install: |kit| {
            install::python(&kit.peers.join("dbos"), &[&format!("dbos=={VERSION}")])?;
            Ok(VERSION.to_owned())
        },
        engines: vec![
            engine(
                "DBOS, SQLite as it comes",
                "rollback journal, `synchronous=FULL`",
                At::Sqlite("delete", None),
            ),
            engine(
                "DBOS, SQLite tuned",
                "WAL (set on the file), `synchronous=FULL`",
                At::Sqlite("wal", Some(1)),
            ),
            engine("DBOS, Postgres", postgres, At::Postgres(1)),
            engine("DBOS, Postgres, two processes", postgres, At::Postgres(2)),
        ],
        gives: Gives {
            commit: "every step, and the workflow's begin and end, in commits of their own",
            effects: "at least once; once for a transaction on the application's own database",
            timers: "rows; a sleep holds a thread",
            isolation: "none: functions of the process",
            started: "calls in the process",
        },
    }
}

fn start(kit: &Kit, folder: &Path, at: At) -> anyhow::Result<Up> {
    let python = kit.peers.join("dbos/bin/python");
    let data = folder.join("data");
    std::fs::create_dir_all(&data)?;
    let (url, journal, pool, count, store) = match at {
        At::Sqlite(journal, pool) => {
            let url = format!("sqlite:///{}", data.join("dbos.sqlite").display());
            (url, journal, pool, 1, Store::Files(data))
        }
        At::Postgres(count) => {
            let server = Server::start_with(&Binaries::find()?, &POSTGRES)?;
            let url = server.url().replacen("postgres://", "postgresql://", 1);
            (url, "", Some(kit.starters / count), count, Store::Postgres(Box::new(server)))
        }
    };
    let mut processes: Vec<Process> = Vec::new();
    for place in 0..count {
        let log = folder.join(format!("log-{place}"));
        let mut process = Process::start_asked(&python, &log, |command| {
            command.arg(programs().join("dbos_count.py")).args(["--database", &url, "--journal", journal]);
            command.arg("--name").arg(format!("executor-{place}"));
            if let Some(pool) = pool {
                command.arg("--pool").arg(pool.max(1).to_string());
            }
            command.current_dir(folder);
        })?;
        // It says so when it is ready; the first one makes the tables.
        process.hear()?;
        processes.push(process);
    }
    Ok(Up { processes, way_in: WayIn::Within, store })
}
