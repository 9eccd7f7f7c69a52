//! `limit`: the bare loop. The same component in the same sandbox on one thread, whole batches written by another, one
//! batch in flight; no engine, no store, no journal for people. What an engine could reach on this machine and no more.

pub(crate) mod host;
mod rows;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use siyu_engine::ports::plugins::{Entry, PluginCall, Plugins};
use siyu_model::digest::PluginDigest;
use siyu_model::plugin::{CallLimits, Capability};
use sqlx::ConnectOptions;
use sqlx::sqlite::SqliteConnection;

use crate::report::{Report, median};
use crate::steps::CUSTOMERS;
use crate::world::{STEPS_PER_RUN, World};
use host::{BareHost, Documents};
use rows::RowsOf;
use writer::{BareWriter, BatchRows};

/// Runs of one batch: with five steps each, as good as 256 steps.
const RUNS_PER_BATCH: u64 = 51;
const PLACES: [&str; STEPS_PER_RUN as usize] = ["door", "bar", "table", "grill", "till"];

/// How often a run's row and a message's row are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rows {
    /// Once a run: what an engine needs that lets a run go on inside a batch.
    ARun,
    /// Every step.
    AStep,
}

/// The bare loop over one database.
pub(crate) struct Bare {
    path: PathBuf,
    plugins: Arc<dyn Plugins>,
    digest: PluginDigest,
    next: u64,
    next_row: i64,
    documents: Vec<Documents>,
    calls_us: Vec<f64>,
    commits_us: Vec<f64>,
}

impl Bare {
    pub(crate) async fn new(world: &World) -> anyhow::Result<Self> {
        let path = world.folder().join("bare.db");
        writer::make(&path).await?;
        let mut bare = Self {
            path,
            plugins: world.runtime.clone(),
            digest: world.plugin.digest,
            next: 0,
            next_row: 1,
            documents: vec![Documents::new(); CUSTOMERS as usize],
            calls_us: Vec::new(),
            commits_us: Vec::new(),
        };
        // The first pass makes the runs and the documents.
        bare.round(CUSTOMERS, Rows::ARun)?;
        bare.calls_us.clear();
        bare.commits_us.clear();
        Ok(bare)
    }

    /// Steps a second of so many runs.
    pub(crate) fn round(&mut self, runs: u64, rows: Rows) -> anyhow::Result<f64> {
        tokio::task::block_in_place(|| {
            let path = self.path.clone();
            let (batches, taken) = sync_channel(0);
            let begun = Instant::now();
            let writing = std::thread::Builder::new().name("bare-writer".to_owned()).spawn(move || {
                let mut spent = Duration::ZERO;
                alone(async {
                    let mut writer = BareWriter::open(&path).await?;
                    while let Ok(batch) = taken.recv() {
                        writer.commit(batch).await?;
                    }
                    spent = writer.spent;
                    anyhow::Ok(())
                })?;
                anyhow::Ok(spent)
            })?;
            let calls = std::thread::scope(|scope| {
                let sandbox = std::thread::Builder::new().name("bare-sandbox".to_owned());
                let sandbox = sandbox.spawn_scoped(scope, || self.execute(runs, rows, &batches))?;
                sandbox.join().map_err(|_| anyhow!("the sandbox's thread panicked"))?
            });
            // Without a sender the writer ends; what it says comes first.
            drop(batches);
            let written = writing.join().map_err(|_| anyhow!("the writer's thread panicked"))??;
            let steps = (runs * STEPS_PER_RUN) as f64;
            self.calls_us.push(calls?.as_secs_f64() * 1e6 / steps);
            self.commits_us.push(written.as_secs_f64() * 1e6 / steps);
            Ok(steps / begun.elapsed().as_secs_f64())
        })
    }

    /// The first thread: claims runs, calls the plugin, hands rows over.
    fn execute(
        &mut self,
        runs: u64,
        rows: Rows,
        batches: &SyncSender<BatchRows>,
    ) -> anyhow::Result<Duration> {
        let path = self.path.clone();
        alone(async move {
            let mut reader = reader(&path).await?;
            let (mut host, mut spent, mut left) = (Box::new(BareHost::new()?), Duration::ZERO, runs);
            while left > 0 {
                let first = self.next % CUSTOMERS;
                let count = RUNS_PER_BATCH.min(left).min(CUSTOMERS - first);
                let claimed = writer::claim(&mut reader, first as i64, count as i64).await?;
                let begun = Instant::now();
                let mut batch = Building::new(rows, self.next_row);
                for place in 0..count {
                    let state = claimed.get(place as usize).map_or("{}", |(_, state)| state.as_str());
                    host = self.run(host, (first + place, state), &mut batch)?;
                }
                spent += begun.elapsed();
                self.next_row = batch.next_row;
                self.next += count;
                left -= count;
                batches.send(batch.finish()).map_err(|_| anyhow!("the writer ended"))?;
            }
            Ok(spent)
        })
    }

    /// The five steps of one run.
    fn run(
        &mut self,
        mut host: Box<BareHost>,
        (customer, state): (u64, &str),
        batch: &mut Building,
    ) -> anyhow::Result<Box<BareHost>> {
        let documents = self.documents.get_mut(customer as usize).context("a customer beyond the last")?;
        std::mem::swap(&mut host.documents, documents);
        let limits = CallLimits::default();
        for (place, step) in PLACES.into_iter().enumerate() {
            let (order, before) = (self.next, state.len());
            let input = format!(
                r#"{{"amount_fen":12900,"before_fen":{before},"order_no":"20261121{order:09}","place":"{step}"}}"#
            );
            let call = PluginCall {
                digest: &self.digest,
                granted: Capability::ALL.into_iter().collect(),
                limits: &limits,
                entry: Entry::Step { step: "visit", input: &input },
            };
            let (back, output) = host.call(&*self.plugins, call)?;
            host = back;
            batch.step(customer as i64, (step, place + 1 == PLACES.len()), &output);
        }
        batch.documents(customer as i64, &host.written);
        host.written.clear();
        std::mem::swap(&mut host.documents, &mut self.documents[customer as usize]);
        Ok(host)
    }

    /// What the two threads did a step.
    pub(crate) fn tell(&self, report: &mut Report) {
        report.note(format!(
            "limit: {:.1} µs a step in calls and building rows, {:.1} µs a step in commits beside them",
            median(&self.calls_us),
            median(&self.commits_us),
        ));
    }
}

async fn reader(path: &Path) -> anyhow::Result<SqliteConnection> {
    Ok(writer::options(path).connect().await?)
}

/// Runs what waits on this thread alone.
fn alone<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}

/// Rows of a batch that is being executed.
struct Building {
    rows: Rows,
    next_row: i64,
    steps: RowsOf,
    runs: RowsOf,
    messages: RowsOf,
    kv: RowsOf,
}

impl Building {
    fn new(rows: Rows, next_row: i64) -> Self {
        Self {
            rows,
            next_row,
            steps: RowsOf::new(),
            runs: RowsOf::new(),
            messages: RowsOf::new(),
            kv: RowsOf::new(),
        }
    }

    fn step(&mut self, run: i64, (step, is_last): (&str, bool), output: &str) {
        let at = 1_795_222_800_000 + self.next_row;
        let detail =
            format!(r#"{{"output":{output},"used":{{"fuel":41234,"memory_bytes":917504,"host_calls":3}}}}"#);
        self.steps.add(&[self.next_row, run, at], &[step, &detail]);
        if is_last || self.rows == Rows::AStep {
            let state = format!(r#"{{"fibers":[],"next_fiber":1,"kept":{{"{step}":{output}}}}}"#);
            self.runs.add(&[run, at], &[&state]);
            self.messages.add(&[self.next_row, run], &["planned", "恭喜抽中牛排一份，七天内有效。"]);
        }
        self.next_row += 1;
    }

    fn documents(&mut self, customer: i64, written: &[(String, Arc<str>)]) {
        written.iter().for_each(|(key, body)| self.kv.add(&[customer], &[key, body]));
    }

    fn finish(self) -> BatchRows {
        BatchRows {
            steps: self.steps.finish(),
            runs: self.runs.finish(),
            messages: self.messages.finish(),
            kv: self.kv.finish(),
        }
    }
}
