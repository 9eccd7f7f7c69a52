//! The plugins of published versions: kept by digest in the data folder, so that a run keeps the plugins it began with
//! when the plugin folder gets newer ones.

use std::fs;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;

use anyhow::Context;
use siyu_engine::ports::plugins::{CallHost, CallReport, DeliveryCall, DeliveryReport, PluginCall, Plugins};
use siyu_model::digest::PluginDigest;
use siyu_model::name::PluginName;
use siyu_model::playbook::Playbook;
use siyu_model::plugin::{CapabilitySet, Fault as PluginFault, Finding, Manifest};
use siyu_runtime::digest_of;
use siyu_store::PgFleet;

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
        write(&path, &bytes)?;
    }
    Ok(())
}

/// Writes a file whole or not at all.
fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    siyu_durable::write_whole(path, bytes).with_context(|| format!("{} cannot be written", path.display()))
}

/// Gives the plugins of a playbook that is about to be published to all hosts of the database.
pub(crate) async fn share(home: &Home, fleet: &PgFleet, playbook: &Playbook) -> anyhow::Result<()> {
    for (name, used) in &playbook.plugins {
        let path = path_of(home, &used.digest);
        let code = fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        let kept = fleet.keep_component(used.digest.0, &code).await;
        kept.with_context(|| format!("plugin {name} cannot be kept in the database"))?;
    }
    Ok(())
}

/// Plugins that are loaded when a tenant needs them: from the data folder, the plugin folder or the database.
pub(crate) struct KeptPlugins {
    home: Home,
    installed: Arc<Installed>,
    fleet: Option<Arc<PgFleet>>,
}

impl KeptPlugins {
    /// Those of a host; with those of the database when it is a member of one.
    pub(crate) fn new(home: &Home, installed: Arc<Installed>, fleet: Option<Arc<PgFleet>>) -> Self {
        Self { home: home.clone(), installed, fleet }
    }

    /// Loads the plugins of a version.
    pub(crate) async fn load(&self, playbook: &Playbook) -> anyhow::Result<()> {
        for (name, used) in &playbook.plugins {
            let loaded = self.make_one_ready(name, used.digest).await;
            loaded.with_context(|| {
                format!("playbook {} needs plugin {name} {}", playbook.name, used.version)
            })?;
        }
        Ok(())
    }

    async fn make_one_ready(&self, name: &PluginName, digest: PluginDigest) -> anyhow::Result<()> {
        if self.installed.runtime.manifest(&digest).is_some() {
            return Ok(());
        }
        if let Some(fleet) = &self.fleet
            && !path_of(&self.home, &digest).exists()
            && let Some(code) = fleet.component(digest.0).await?.filter(|code| digest_of(code) == digest)
        {
            siyu_durable::make_folder(&self.home.components())?;
            write(&path_of(&self.home, &digest), &code)?;
        }
        let (home, installed, name) = (self.home.clone(), self.installed.clone(), name.clone());
        tokio::task::spawn_blocking(move || load_one(&home, &installed, &name, &digest)).await?
    }
}

impl Plugins for KeptPlugins {
    fn make_ready<'p>(
        &'p self,
        playbook: &'p Playbook,
    ) -> Pin<Box<dyn Future<Output = Result<(), PluginFault>> + Send + 'p>> {
        Box::pin(async move {
            self.load(playbook).await.map_err(|fault| {
                let help = Fault::help_of(&fault).map(|help| format!("; {help}")).unwrap_or_default();
                PluginFault::permanent("PLUGIN_NOT_THERE", format!("{fault:#}{help}"))
            })
        })
    }

    fn manifest(&self, digest: &PluginDigest) -> Option<Arc<Manifest>> {
        self.installed.runtime.manifest(digest)
    }

    fn check_grants(&self, digest: &PluginDigest, granted: CapabilitySet) -> Result<(), PluginFault> {
        self.installed.runtime.check_grants(digest, granted)
    }

    fn call(&self, call: PluginCall<'_>, host: Box<dyn CallHost>) -> CallReport {
        self.installed.runtime.call(call, host)
    }

    fn deliver(&self, call: DeliveryCall<'_>, host: Box<dyn CallHost>) -> DeliveryReport {
        self.installed.runtime.deliver(call, host)
    }

    fn check_resource(
        &self,
        digest: &PluginDigest,
        kind: &str,
        name: &str,
        definition: &str,
    ) -> Result<Vec<Finding>, PluginFault> {
        self.installed.runtime.check_resource(digest, kind, name, definition)
    }
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
