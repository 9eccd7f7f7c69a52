//! Playbooks in folders: compiled, published on a fresh tenant, and their own tests played, also with a crash at each
//! commit.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, ensure};
use siyu_engine::doubles::NativePlugins;
use siyu_engine::operate::Publication;
use siyu_engine::ports::inspect::Inspect;
use siyu_engine::scenario::{Played, Stage, play};
use siyu_model::name::TenantName;
use siyu_model::plugin::Manifest;
use siyu_model::scenario::Scenario;
use siyu_store::{SqliteInspect, SqliteOptions, SqliteStores};
use siyu_workflow::{Bundle, Catalog, CatalogPlugin, Style, compile};

use crate::{FaultyStores, StoreFault, probe};

/// A playbook that compiles, with its tests.
pub struct TestPlaybook {
    publication: Publication,
    scenarios: Vec<Scenario>,
    plugins: NativePlugins,
}

struct Installed(NativePlugins);

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

fn asked_for(manifest: &Manifest) -> siyu_model::plugin::CapabilitySet {
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

    /// Plays a test on SQLite, with a commit that fails. Gives how it went and how many commits there were.
    pub async fn play(&self, scenario: &Scenario, at: u64, fault: StoreFault) -> anyhow::Result<(Played, u64)> {
        let folder = tempfile::tempdir()?;
        let tenant = TenantName::new("test")?;
        let options = SqliteOptions { secret: Some(secret(&scenario.seed)), ..SqliteOptions::default() };
        let sqlite = SqliteStores::new(folder.path(), options);
        let path = sqlite.path(&tenant);
        // The file must be there before it can be read beside the executor.
        siyu_engine::ports::store::Stores::open(&sqlite, &tenant).await?.close().await?;
        let inspect: Arc<dyn Inspect> = Arc::new(SqliteInspect::open(&path).await?);
        let stores = Arc::new(FaultyStores::new(Arc::new(sqlite), at, fault));
        let stage = Stage { stores: stores.clone(), inspect, plugins: Arc::new(self.plugins.clone()), tenant };
        let played = play(scenario, self.publication.clone(), stage).await;
        Ok((played, stores.commits()))
    }
}

/// The tenant's secret that a seed stands for.
fn secret(seed: &str) -> [u8; 32] {
    let mut secret = [0; 32];
    for (place, byte) in seed.bytes().enumerate() {
        secret[place % 32] ^= byte;
    }
    secret
}

/// Plays every test of a playbook: undisturbed, and once for every commit with a crash before and after it.
pub async fn play_all(folder: &Path) -> anyhow::Result<()> {
    let playbook = TestPlaybook::read(folder)?;
    for scenario in playbook.scenarios() {
        let (played, commits) = playbook.play(scenario, u64::MAX, StoreFault::Before).await?;
        check(scenario, &played, "undisturbed")?;
        for at in 0..commits {
            for fault in [StoreFault::Before, StoreFault::After] {
                let (played, _) = playbook.play(scenario, at, fault).await?;
                check(scenario, &played, &format!("with a crash {fault:?} commit {at}"))?;
            }
        }
    }
    Ok(())
}

fn check(scenario: &Scenario, played: &Played, how: &str) -> anyhow::Result<()> {
    let failures: Vec<String> =
        played.failures.iter().map(|failure| format!("{}: {}", failure.place, failure.message)).collect();
    ensure!(failures.is_empty(), "{} ({how}):\n{}", scenario.name, failures.join("\n"));
    ensure!(played.held > 0, "{}: nothing was expected", scenario.name);
    Ok(())
}
