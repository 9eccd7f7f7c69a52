//! A repetition: an engine on an empty store, warm, loaded, alone, watched and stopped in order.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, ensure};
use siyu_test_postgres::Server;

use crate::figures::Figures;
use crate::folder;
use crate::kit::Kit;
use crate::load::{self, Driven, Load, Way};
use crate::process::Process;
use crate::quiet;
use crate::syncs::Watch;

/// How long an engine is warmed: caches, connections, the threads that it starts when they are needed.
const WARM: Duration = Duration::from_secs(3);
/// Workflows of one starter.
const ALONE: u64 = 300;
/// How long that may take.
const ALONE_MAX: Duration = Duration::from_secs(5);
/// Workflows whose waits for the disk are counted.
const WATCHED: u64 = 20;

/// What is measured of each engine.
pub(crate) struct Rounds {
    /// Repetitions.
    pub(crate) repeat: usize,
    /// How many start workflows at once.
    pub(crate) starters: usize,
    /// Workflows of a repetition, at most.
    pub(crate) workflows_max: u64,
    /// Its time, at most.
    pub(crate) duration_max: Duration,
}

/// An engine with its settings.
pub(crate) struct Engine {
    /// What readers call it.
    pub(crate) name: &'static str,
    /// How its commits are made durable.
    pub(crate) durability: &'static str,
    /// Starts it on an empty store in a folder.
    pub(crate) start: Start,
}

/// Starts an engine.
pub(crate) type Start = Box<dyn Fn(&Kit, &Path) -> anyhow::Result<Up>>;
/// Starts the workflow of a number over HTTP, and returns when it has ended with the right sum.
pub(crate) type One = Box<dyn Fn(&Way, u64) -> anyhow::Result<()> + Sync>;

/// An engine that is up.
pub(crate) struct Up {
    /// Its programs, in the order in which they are stopped.
    pub(crate) processes: Vec<Process>,
    /// How workflows are started.
    pub(crate) way_in: WayIn,
    /// Where its data is.
    pub(crate) store: Store,
}

/// How workflows are started.
pub(crate) enum WayIn {
    /// Our starters ask a server.
    Http(One),
    /// The engine is a library: its processes have the starters in them, and are told how many workflows to start.
    Within,
}

/// Where data is.
pub(crate) enum Store {
    /// In files.
    Files(std::path::PathBuf),
    /// In a private server.
    Postgres(Box<Server>),
}

impl Rounds {
    /// What is said above the figures.
    pub(crate) fn text(&self) -> String {
        format!(
            "{} repetitions of at most {} s or {} workflows, {} starters",
            self.repeat,
            self.duration_max.as_secs(),
            self.workflows_max,
            self.starters
        )
    }

    /// Measures an engine.
    pub(crate) fn of(&self, engine: &Engine, kit: &Kit) -> anyhow::Result<Vec<Figures>> {
        let folder = new_folder(kit)?;
        let empty = (engine.start)(kit, folder.path())?.stop()?;
        let mut all = Vec::new();
        for _ in 0..self.repeat {
            let others = quiet::others_cores();
            let folder = new_folder(kit)?;
            let mut up = (engine.start)(kit, folder.path())?;
            let (mut figures, workflows) = self.round(&mut up, folder.path())?;
            figures.bytes = up.stop()?.saturating_sub(empty) as f64 / workflows as f64;
            figures.others = others;
            crate::say(&format!("   {figures:?}"));
            all.push(figures);
        }
        Ok(all)
    }

    /// Loads an engine; gives its figures, and how many workflows it has executed.
    fn round(&self, up: &mut Up, folder: &Path) -> anyhow::Result<(Figures, u64)> {
        let loaded =
            |duration_max| Load { starters: self.starters, workflows_max: self.workflows_max, duration_max };
        let alone = |workflows_max| Load { starters: 1, workflows_max, duration_max: ALONE_MAX };
        let mut done = up.drive(&loaded(WARM), 0)?.spent_ms.len() as u64;
        ensure!(done > 0, "no workflow ended in {} s", WARM.as_secs());
        let under_load = up.drive(&loaded(self.duration_max), done)?;
        done += under_load.spent_ms.len() as u64;
        let one_by_one = up.drive(&alone(ALONE), done)?;
        done += one_by_one.spent_ms.len() as u64;
        let mut figures = Figures::of(&under_load, &one_by_one);
        if let Ok(watch) = Watch::begin(&up.roots()?, folder) {
            let watched = up.drive(&alone(WATCHED), done)?.spent_ms.len() as u64;
            done += watched;
            figures.syncs = Some(watch.end()? as f64 / watched.max(1) as f64);
        }
        Ok((figures, done))
    }
}

/// An empty folder, which goes with what is in it.
pub(crate) fn new_folder(kit: &Kit) -> anyhow::Result<tempfile::TempDir> {
    tempfile::TempDir::with_prefix_in("siyu-peers-", &kit.folder)
        .with_context(|| format!("a folder in {}", kit.folder.display()))
}

impl Up {
    /// Starts workflows from `first` on.
    fn drive(&mut self, load: &Load, first: u64) -> anyhow::Result<Driven> {
        match &self.way_in {
            WayIn::Http(one) => load::drive(load, first, one.as_ref()),
            WayIn::Within => crate::engines::within::drive(&mut self.processes, load, first),
        }
    }

    /// Processes whose waits for the disk are the engine's, with all that they started.
    fn roots(&self) -> anyhow::Result<Vec<u32>> {
        let mut roots: Vec<u32> = self.processes.iter().map(Process::number).collect();
        if let Store::Postgres(server) = &self.store {
            let folder = server.execute("SHOW data_directory")?.concat();
            let state = std::fs::read_to_string(Path::new(&folder).join("postmaster.pid"))?;
            roots.push(state.lines().next().unwrap_or_default().parse()?);
        }
        Ok(roots)
    }

    /// Stops it in order; gives the bytes of its data, all of which is in its place then.
    fn stop(self) -> anyhow::Result<u64> {
        for process in self.processes {
            process.stop()?;
        }
        match self.store {
            Store::Files(folder) => folder::bytes(&folder),
            Store::Postgres(server) => {
                server.execute("CHECKPOINT")?;
                let bytes = server.execute("SELECT sum(pg_database_size(oid))::text FROM pg_database")?;
                Ok(bytes.concat().parse()?)
            }
        }
    }
}
