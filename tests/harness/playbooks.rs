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
use siyu_engine::scenario::{Played, Stage, play};
use siyu_model::name::TenantName;
use siyu_model::plugin::{CapabilitySet, Manifest};
use siyu_model::scenario::Scenario;
use siyu_store::{SqliteInspect, SqliteOptions, SqliteStores};
use siyu_workflow::{Bundle, Catalog, CatalogPlugin, Style, compile};

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
        let publication = Publication { playbook: Arc::new(playbook), files: Vec::new() };
        Ok(Self { publication, scenarios: compiled.scenarios, plugins })
    }

    /// The tests.
    pub fn scenarios(&self) -> &[Scenario] {
        &self.scenarios
    }

    /// Plays a test on memory and SQLite, which must agree, with a commit that fails.
    pub async fn play(&self, scenario: &Scenario, at: u64, fault: StoreFault) -> anyhow::Result<Outcome> {
        let folder = tempfile::tempdir()?;
        let tenant = TenantName::new("test")?;
        let options = SqliteOptions { secret: Some(secret(&scenario.seed)), ..SqliteOptions::default() };
        let sqlite = SqliteStores::new(folder.path(), options);
        let path = sqlite.path(&tenant);
        // The file must be there before it can be read beside the executor.
        sqlite.open(&tenant).await?.close().await?;
        let inspect: Arc<dyn Inspect> = Arc::new(SqliteInspect::open(&path).await?);
        let twins = TwinStores::new(Arc::new(MemoryStores::new()), Arc::new(sqlite));
        let stores = Arc::new(FaultyStores::new(Arc::new(twins), at, fault));
        let plugins = Arc::new(self.plugins.clone());
        let stage = Stage { stores: stores.clone(), inspect: inspect.clone(), plugins, tenant };
        let played = play(scenario, self.publication.clone(), stage).await;
        Ok(Outcome { played, commits: stores.commits(), left: left(&*inspect).await? })
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
    for owner in ["probe", "@host"] {
        let filter = StockFilter { plugin: owner.into(), prefix: String::new() };
        left.push(format!("{:?}", inspect.pools(filter.clone(), Turn::first(1_000)).await?.items));
        left.push(format!("{:?}", inspect.counters(filter, Turn::first(1_000)).await?.items));
    }
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

/// Plays every test of a playbook: undisturbed, and once for every commit with a crash before and after it. Gives how many
/// plays there were.
pub async fn play_all(folder: &Path) -> anyhow::Result<u64> {
    let playbook = TestPlaybook::read(folder)?;
    let mut plays = 0;
    let mut failures = Vec::new();
    for scenario in playbook.scenarios() {
        let calm = playbook.play(scenario, u64::MAX, StoreFault::Before).await?;
        plays += 1 + 2 * calm.commits;
        if let Err(failure) = check(scenario, &calm.played, "undisturbed") {
            // What fails undisturbed says nothing new with a crash.
            failures.push(format!("{failure}\nIn the end there is\n  {}", calm.left.join("\n  ")));
            continue;
        }
        for at in 0..calm.commits {
            for fault in [StoreFault::Before, StoreFault::After] {
                let crashed = playbook.play(scenario, at, fault).await?;
                let how = format!("a crash {fault:?} commit {at}");
                failures.extend(check(scenario, &crashed.played, &how).err());
                if crashed.left != calm.left {
                    let (calm, crashed) = (calm.left.join("\n  "), crashed.left.join("\n  "));
                    let name = &scenario.name;
                    failures.push(format!("{name} ({how}) leaves\n  {crashed}\ninstead of\n  {calm}"));
                }
            }
        }
    }
    ensure!(failures.is_empty(), "{}", failures.join("\n\n"));
    Ok(plays)
}

fn check(scenario: &Scenario, played: &Played, how: &str) -> Result<(), String> {
    let lines = played.failures.iter().map(|failure| format!("{}: {}", failure.place, failure.message));
    let lines: Vec<String> = lines.collect();
    if !lines.is_empty() {
        return Err(format!("{} ({how}):\n{}", scenario.name, lines.join("\n")));
    }
    if played.held == 0 {
        return Err(format!("{}: nothing was expected", scenario.name));
    }
    Ok(())
}
