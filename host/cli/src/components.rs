//! The plugins of published versions: kept by digest in the data folder, so that a run keeps the plugins it began with
//! when the plugin folder gets newer ones.

use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use siyu_engine::ports::plugins::Plugins;
use siyu_model::digest::PluginDigest;
use siyu_model::name::PluginName;
use siyu_model::playbook::Playbook;
use siyu_runtime::digest_of;

use crate::fault::Fault;
use crate::home::Home;
use crate::plugins::Installed;

fn path_of(home: &Home, digest: &PluginDigest) -> PathBuf {
    home.components().join(format!("{digest}.wasm"))
}

/// Keeps the plugins of a playbook that is about to be published.
pub(crate) fn keep(home: &Home, installed: &Installed, playbook: &Playbook) -> anyhow::Result<()> {
    let folder = home.components();
    siyu_durable::make_folder(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    for (name, used) in &playbook.plugins {
        let path = path_of(home, &used.digest);
        if path.exists() {
            continue;
        }
        let bytes = installed.path(name.as_str()).map(fs::read).transpose()?;
        let Some(bytes) = bytes.filter(|bytes| digest_of(bytes) == used.digest) else {
            return Err(Fault::wrong(format!("plugin {name} changed while it was being published"))
                .help("publish again")
                .into());
        };
        let shown = || format!("{} cannot be written", path.display());
        siyu_durable::write_whole(&path, &bytes).with_context(shown)?;
    }
    Ok(())
}

/// Loads the plugins of versions that runs may still need.
pub(crate) fn load<'a>(
    home: &Home,
    installed: &Installed,
    versions: impl IntoIterator<Item = &'a Playbook>,
) -> anyhow::Result<()> {
    for playbook in versions {
        for (name, used) in &playbook.plugins {
            load_one(home, installed, name, &used.digest).with_context(|| {
                format!("playbook {} needs plugin {name} {}", playbook.name, used.version)
            })?;
        }
    }
    Ok(())
}

fn load_one(
    home: &Home,
    installed: &Installed,
    name: &PluginName,
    digest: &PluginDigest,
) -> anyhow::Result<()> {
    if installed.runtime.manifest(digest).is_some() || installed.runtime.load_cached(digest)?.is_some() {
        return Ok(());
    }
    let kept = path_of(home, digest);
    let files = [Some(kept.clone()), installed.path(name.as_str())];
    for path in files.into_iter().flatten() {
        let Ok(bytes) = fs::read(&path) else { continue };
        if digest_of(&bytes) == *digest {
            installed.runtime.load(&bytes).with_context(|| path.display().to_string())?;
            return Ok(());
        }
    }
    Err(Fault::wrong(format!("there is no component with the digest {digest}"))
        .help(format!("put the file of that version back as {}", kept.display()))
        .into())
}
