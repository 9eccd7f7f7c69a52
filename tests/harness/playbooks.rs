//! Playbooks in folders: compiled, published on a fresh tenant, and their own tests played, also with a crash at each
//! commit.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, ensure};
use siyu_engine::doubles::{MemoryStores, NativePlugins};
use siyu_engine::operate::Publication;
use siyu_engine::ports::inspect::{Inspect, RunFilter, StockFilter, Turn};
use siyu_engine::ports::rows::JournalRow;
use siyu_engine::ports::store::Stores;
use siyu_engine::scenario::{Played, Stage, play_with};
use siyu_engine::tenant::Settings;
use siyu_model::plugin::{CapabilitySet, Manifest};
use siyu_model::scenario::Scenario;
use siyu_workflow::{Bundle, Catalog, CatalogPlugin, Style, compile};

use crate::kept::{Kept, On};
use crate::{FaultyStores, StoreFault, TwinStores, probe};

/// A playbook that compiles, with its tests.
pub struct TestPlaybook {
    publication: Publication,
    scenarios: Vec<Scenario>,
    plugins: NativePlugins,
}

/// Plugins that playbooks may name.
pub(crate) struct Installed(pub(crate) NativePlugins);

impl Catalog for Installed {
    fn plugin(&self, name: &str) -> Option<CatalogPlugin> {
        let (digest, manifest) = self.0.all().find(|(_, manifest)| manifest.name.as_str() == name)?;
        let imports = asked_for(&manifest);
        Some(CatalogPlugin { digest, manifest, imports })
    }

    fn names(&self) -> Vec<String> {
        self.0.all().map(|(_, manifest)| manifest.name.to_string()).collect()
    }
}

fn asked_for(manifest: &Manifest) -> CapabilitySet {
    manifest.capabilities.iter().map(|used| used.name).collect()
}

impl TestPlaybook {
    /// Reads and checks a playbook's folder; the plugin `probe` is installed.
    pub fn read(folder: &Path) -> anyhow::Result<Self> {
        let (manifest, step) = probe();
        let plugins = NativePlugins::default().with(manifest, step);
        let bundle = Bundle::read(folder)?;
        let compiled = compile(&bundle, &Installed(plugins.clone()));
        ensure!(!compiled.has_errors(), "{}:\n{}", folder.display(), compiled.render(Style::Plain));
        let playbook = compiled.playbook.context("a playbook without errors compiles")?;
        ensure!(!compiled.scenarios.is_empty(), "{} has no tests", folder.display());
        let publication =
            Publication { playbook: Arc::new(playbook), files: Vec::new(), replaces: Default::default() };
        Ok(Self { publication, scenarios: compiled.scenarios, plugins })
    }

    /// The tests.
    pub fn scenarios(&self) -> &[Scenario] {
        &self.scenarios
    }

    /// Plays a test in some way: on memory and a database, which must agree; with little memory on the database alone, so
    /// that reads and commits overlap as they do in a host.
    pub async fn play(&self, scenario: &Scenario, on: On, way: Way) -> anyhow::Result<Outcome> {
        let (at, fault) = match way {
            Way::Calm | Way::Narrow => (u64::MAX, StoreFault::Before),
            Way::Crash(at, fault) => (at, fault),
        };
        let settings = if way == Way::Narrow { narrow() } else { Settings::default() };
        let kept = Kept::make(on, secret(&scenario.seed)).await?;
        let inspect = kept.inspect.clone();
        let inner: Arc<dyn Stores> = match way {
            Way::Narrow => kept.stores.clone(),
            _ => Arc::new(TwinStores::new(Arc::new(MemoryStores::new()), kept.stores.clone())),
        };
        let stores = Arc::new(FaultyStores::new(inner, at, fault));
        let plugins = Arc::new(self.plugins.clone());
        let stage =
            Stage { stores: stores.clone(), inspect: inspect.clone(), plugins, tenant: kept.tenant.clone() };
        let played = play_with(scenario, self.publication.clone(), stage, settings).await;
        Ok(Outcome { played, commits: stores.commits(), left: left(&*inspect).await? })
    }
}

/// How a test is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Undisturbed.
    Calm,
    /// With room in memory for nothing but what is being worked on, one command a batch.
    Narrow,
    /// The commit after so many good ones fails.
    Crash(u64, StoreFault),
}

/// The least that an executor can work with.
fn narrow() -> Settings {
    Settings {
        inbox_max: 1,
        batch_max: 1,
        batch_virtual_max: 1,
        slice_ms: 0,
        slice_virtual_ms: 0,
        slice_committing_ms: 0,
        timer_window_max: 1,
        customers_cached_max: 0,
        runs_cached_max: 0,
        rows_cached_max: 0,
        keys_after_absent: 0,
        ..Settings::default()
    }
}

/// How a test went.
pub struct Outcome {
    /// What held and what did not.
    pub played: Played,
    /// Commits, the failed one included.
    pub commits: u64,
    /// What the tenant holds at the end, in words that do not depend on the way there.
    pub left: Vec<String>,
}

/// Runs with their journals, numbers of everything, and all stock.
async fn left(inspect: &dyn Inspect) -> anyhow::Result<Vec<String>> {
    let mut left = Vec::new();
    for run in inspect.runs(RunFilter::default(), Turn::first(1_000)).await?.items {
        let detail = inspect.run(run.id).await?.context("a run that is listed is there")?;
        let line = |row: &JournalRow| format!("{:?} {:?}", row.entry.step, row.entry.kind);
        let journal: Vec<String> = detail.journal.iter().map(line).collect();
        left.push(format!("{} {:?} {:?}: {}", run.target.name(), run.customer, run.end, journal.join(", ")));
    }
    left.push(format!("{:?}", inspect.tallies().await?));
    let filter = StockFilter { plugin: "probe".into(), prefix: String::new() };
    left.push(format!("{:?}", inspect.pools(filter.clone(), Turn::first(1_000)).await?.items));
    left.push(format!("{:?}", inspect.counters(filter, Turn::first(1_000)).await?.items));
    left.sort();
    let groups = left.chunk_by(|one, other| one == other);
    Ok(groups.map(|group| format!("{} × {}", group.len(), group[0])).collect())
}

/// The tenant's secret that a seed stands for.
fn secret(seed: &str) -> [u8; 32] {
    let mut secret = [0; 32];
    for (place, byte) in seed.bytes().enumerate() {
        secret[place % 32] ^= byte;
    }
    secret
}

/// Plays every test of a playbook on SQLite: undisturbed, with the least memory, and once for every commit with a crash
/// before and after it; on Postgres undisturbed, with the least memory, and with two of these crashes. What is left in the end
/// must always be the same. Gives how many plays there were.
pub async fn play_all(folder: &Path) -> anyhow::Result<u64> {
    let playbook = TestPlaybook::read(folder)?;
    let mut plays = 0;
    let mut failures = Vec::new();
    for (number, scenario) in playbook.scenarios().iter().enumerate() {
        let calm = playbook.play(scenario, On::Sqlite, Way::Calm).await?;
        plays += 1;
        if let Err(failure) = check(scenario, &calm.played, On::Sqlite, Way::Calm) {
            // What fails undisturbed says nothing new in another way.
            failures.push(format!("{failure}\nIn the end there is\n  {}", calm.left.join("\n  ")));
            continue;
        }
        for (on, way) in ways(calm.commits, number) {
            let other = playbook.play(scenario, on, way).await?;
            plays += 1;
            failures.extend(check(scenario, &other.played, on, way).err());
            if other.left != calm.left {
                let (calm, other) = (calm.left.join("\n  "), other.left.join("\n  "));
                let name = &scenario.name;
                failures.push(format!("{name} ({on:?}, {way:?}) leaves\n  {other}\ninstead of\n  {calm}"));
            }
        }
    }
    ensure!(failures.is_empty(), "{}", failures.join("\n\n"));
    Ok(plays)
}

/// In which ways a test of so many commits is played after the first time. A play on Postgres costs some tenths of a second, so
/// the tests of a playbook share the places where it crashes.
fn ways(commits: u64, number: usize) -> Vec<(On, Way)> {
    let crashes = |at| [Way::Crash(at, StoreFault::Before), Way::Crash(at, StoreFault::After)];
    let on_sqlite = [Way::Narrow].into_iter().chain((0..commits).flat_map(crashes));
    let place = number as u64 * 7 % commits.max(1);
    let on_postgres = [Way::Calm, Way::Narrow].into_iter().chain(crashes(place));
    let on = |on| move |way| (on, way);
    on_sqlite.map(on(On::Sqlite)).chain(on_postgres.map(on(On::Postgres))).collect()
}

fn check(scenario: &Scenario, played: &Played, on: On, way: Way) -> Result<(), String> {
    let lines = played.failures.iter().map(|failure| format!("{}: {}", failure.place, failure.message));
    let lines: Vec<String> = lines.collect();
    if !lines.is_empty() {
        return Err(format!("{} ({on:?}, {way:?}):\n{}", scenario.name, lines.join("\n")));
    }
    if played.held == 0 {
        return Err(format!("{}: nothing was expected", scenario.name));
    }
    Ok(())
}
