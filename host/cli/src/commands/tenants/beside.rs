//! What of a tenant lies beside its database: which clock it goes by, and the plugins of its versions.
//!
//! Names that come out of a backup are somebody else's: only the two forms that a backup of ours has are taken.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use siyu_engine::ports::inspect::{Inspect, Turn};
use siyu_model::digest::PluginDigest;
use siyu_model::playbook::Playbook;
use siyu_runtime::digest_of;

use crate::facts::Facts;
use crate::fault::Fault;
use crate::home::Home;

/// The name of what a host remembers of a tenant.
const FACTS: &str = "facts.json";
/// What the name of a plugin begins and ends with.
const PLUGIN: (&str, &str) = ("plugins/", ".wasm");
/// Versions of playbooks that are asked for at once.
const PAGE: usize = 200;

/// The files that go with a tenant: a name, and where each is.
pub(super) async fn files(home: &Home, inspect: &dyn Inspect) -> anyhow::Result<Vec<(String, PathBuf)>> {
    let mut files = Vec::new();
    let facts = home.beside("json");
    if facts.exists() {
        files.push((FACTS.to_owned(), facts));
    }
    for digest in plugins(inspect).await? {
        let path = home.components().join(format!("{digest}{}", PLUGIN.1));
        // A version that was published elsewhere, or whose runs ended long ago, may have none here.
        if path.exists() {
            files.push((format!("{}{digest}{}", PLUGIN.0, PLUGIN.1), path));
        }
    }
    Ok(files)
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

/// Copies what goes with a tenant into another data folder.
pub(super) fn copy(files: &[(String, PathBuf)], to: &Home) -> anyhow::Result<()> {
    for (name, path) in files {
        let content = fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
        keep(name, &content, to)?;
    }
    Ok(())
}

/// Keeps a file that goes with a tenant, under the tenant of this data folder.
pub(super) fn keep(name: &str, content: &[u8], to: &Home) -> anyhow::Result<()> {
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
        Some(digest) if digest_of(content) == digest => keep_plugin(&digest, content, &to.components()),
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
