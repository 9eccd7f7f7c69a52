//! What of a tenant lies beside its database: which clock it goes by, and the plugins of its versions.
//!
//! Names that come out of a backup are somebody else's: only the two forms that a backup of ours has are taken.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::Context;
use siyu_engine::ports::inspect::{Inspect, Turn};
use siyu_model::digest::PluginDigest;
use siyu_model::playbook::Playbook;
use siyu_runtime::digest_of;

use crate::facts::{ClockKind, Facts};
use crate::fault::Fault;
use crate::fleet::Visit;
use crate::home::Home;
use crate::tenants::Tenants;

/// The name of what a host remembers of a tenant.
const FACTS: &str = "facts.json";
/// What the name of a plugin begins and ends with.
const PLUGIN: (&str, &str) = ("plugins/", ".wasm");
/// Versions of playbooks that are asked for at once.
const PAGE: usize = 200;

/// What goes with a tenant.
pub(super) struct Belongings {
    /// Whether it goes by a virtual clock.
    pub(super) is_virtual: bool,
    /// A name and a content each.
    pub(super) files: Vec<(String, Vec<u8>)>,
}

/// What goes with a tenant of this home: what its host remembers, and plugins from the data folder or the database.
pub(super) async fn of(home: &Home, inspect: &dyn Inspect) -> anyhow::Result<Belongings> {
    let facts = Facts::read(home).await?.unwrap_or(Facts { clock: ClockKind::Real, seed: None });
    let mut files = vec![(FACTS.to_owned(), serde_json::to_vec(&facts)?)];
    let visit = Visited::begin(home).await?;
    for digest in plugins(inspect).await? {
        let path = home.components().join(format!("{digest}{}", PLUGIN.1));
        let content = match fs::read(&path) {
            Ok(content) => Some(content),
            Err(_) => visit.component(digest).await?,
        };
        // A version whose runs ended long ago may have none any more.
        files.extend(content.map(|content| (format!("{}{digest}{}", PLUGIN.0, PLUGIN.1), content)));
    }
    visit.end().await;
    Ok(Belongings { is_virtual: facts.clock == ClockKind::Virtual, files })
}

/// The database of a home, where its tenants are in one.
struct Visited(Option<Visit>);

impl Visited {
    async fn begin(home: &Home) -> anyhow::Result<Self> {
        Ok(Self(match home.kept() {
            Tenants::Files(..) => None,
            Tenants::Database(stores) => Some(Visit::begin(stores).await?),
        }))
    }

    async fn component(&self, digest: PluginDigest) -> anyhow::Result<Option<Vec<u8>>> {
        match &self.0 {
            Some(visit) => Ok(visit.fleet.component(digest.0).await?),
            None => Ok(None),
        }
    }

    /// Gives a plugin to all hosts of the database.
    async fn share(&self, digest: PluginDigest, content: &[u8]) -> anyhow::Result<()> {
        match &self.0 {
            Some(visit) => Ok(visit.fleet.keep_component(digest.0, content).await?),
            None => Ok(()),
        }
    }

    async fn end(self) {
        if let Some(visit) = self.0 {
            visit.end().await;
        }
    }
}

/// The plugins of all versions.
async fn plugins(inspect: &dyn Inspect) -> anyhow::Result<BTreeSet<PluginDigest>> {
    let mut digests = BTreeSet::new();
    let mut turn = Turn::first(PAGE);
    loop {
        let page = inspect.playbooks(turn).await?;
        for version in page.items {
            let Some(row) = inspect.playbook(&version.name, version.digest).await? else { continue };
            let broken = || format!("playbook {} version {} is broken", version.name, version.digest.short());
            let playbook: Playbook = serde_json::from_str(&row.compiled).with_context(broken)?;
            digests.extend(playbook.plugins.values().map(|used| used.digest));
        }
        let Some(next) = page.next else { return Ok(digests) };
        turn = Turn { after: Some(next), limit: PAGE };
    }
}

/// Keeps a file that goes with a tenant where the tenant will be: in the data folder, and plugins also in the database.
pub(super) async fn keep(name: &str, content: &[u8], to: &Home) -> anyhow::Result<()> {
    to.make()?;
    if name == FACTS {
        let facts: Facts = serde_json::from_slice(content).with_context(|| format!("{name} is broken"))?;
        let tenants = to.tenants();
        siyu_durable::make_folder(&tenants)
            .with_context(|| format!("{} cannot be made", tenants.display()))?;
        return facts.write(to);
    }
    let digest = name.strip_prefix(PLUGIN.0).and_then(|name| name.strip_suffix(PLUGIN.1));
    let digest = digest.and_then(|digest| digest.parse::<PluginDigest>().ok());
    match digest {
        Some(digest) if digest_of(content) == digest => {
            keep_plugin(&digest, content, &to.components())?;
            let visit = Visited::begin(to).await?;
            let shared = visit.share(digest, content).await;
            visit.end().await;
            shared
        }
        Some(digest) => Err(Fault::failed(format!("the plugin {digest} is not what its name says")).into()),
        None => Err(Fault::failed(format!("`{name}` is no file that goes with a tenant")).into()),
    }
}

fn keep_plugin(digest: &PluginDigest, content: &[u8], folder: &Path) -> anyhow::Result<()> {
    let path = folder.join(format!("{digest}{}", PLUGIN.1));
    if path.exists() {
        return Ok(());
    }
    siyu_durable::make_folder(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let shown = || format!("{} cannot be written", path.display());
    siyu_durable::write_whole(&path, content).with_context(shown)
}
