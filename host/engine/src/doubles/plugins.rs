//! Plugins as plain functions: the test double of the sandbox. It contains nothing and limits nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use siyu_model::digest::PluginDigest;
use siyu_model::plugin::{Answer, CallUsage, CapabilitySet, Fault, Finding, HostFault, Manifest};

use crate::ports::hooks::{Accepted, Hook, HookCall, HookRefusal, HookReport};
use crate::ports::plugins::{CallHost, CallReport, Entry, PluginCall, Plugins};

/// What a plugin does with a step, or with a definition that is put into force (the step is then `apply:<kind>`).
pub type NativeStep = dyn Fn(&str, &str, &mut dyn CallHost) -> Result<Answer, Fault> + Send + Sync;

/// What a plugin makes of a request, with its configuration.
pub type NativeSource =
    dyn Fn(&str, &Hook, &mut dyn CallHost) -> Result<Result<Accepted, HookRefusal>, Fault> + Send + Sync;

/// Plugins written as functions.
#[derive(Default, Clone)]
pub struct NativePlugins {
    by_digest: BTreeMap<PluginDigest, (Arc<Manifest>, Arc<NativeStep>)>,
    sources: BTreeMap<PluginDigest, Arc<NativeSource>>,
}

impl NativePlugins {
    /// With one more plugin; its digest is the hash of its name and version.
    #[must_use]
    pub fn with(
        mut self,
        manifest: Manifest,
        step: impl Fn(&str, &str, &mut dyn CallHost) -> Result<Answer, Fault> + Send + Sync + 'static,
    ) -> Self {
        self.by_digest.insert(Self::digest(&manifest), (Arc::new(manifest), Arc::new(step)));
        self
    }

    /// With one more plugin that is a source.
    #[must_use]
    pub fn with_source(
        mut self,
        digest: PluginDigest,
        receive: impl Fn(&str, &Hook, &mut dyn CallHost) -> Result<Result<Accepted, HookRefusal>, Fault>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        self.sources.insert(digest, Arc::new(receive));
        self
    }

    /// The digest under which a plugin is known.
    pub fn digest(manifest: &Manifest) -> PluginDigest {
        PluginDigest(*blake3::hash(format!("{}@{}", manifest.name, manifest.version).as_bytes()).as_bytes())
    }

    /// All plugins: digest and manifest.
    pub fn all(&self) -> impl Iterator<Item = (PluginDigest, Arc<Manifest>)> + '_ {
        self.by_digest.iter().map(|(digest, (manifest, _))| (*digest, manifest.clone()))
    }
}

impl Plugins for NativePlugins {
    fn manifest(&self, digest: &PluginDigest) -> Option<Arc<Manifest>> {
        self.by_digest.get(digest).map(|(manifest, _)| manifest.clone())
    }

    fn check_grants(&self, digest: &PluginDigest, granted: CapabilitySet) -> Result<(), Fault> {
        let Some((manifest, _)) = self.by_digest.get(digest) else {
            return Err(HostFault::NotLoadable.fault(format!("there is no plugin {}", digest.short())));
        };
        let asked: CapabilitySet = manifest.capabilities.iter().map(|used| used.name).collect();
        let missing = asked.beyond(granted);
        if missing.is_empty() {
            return Ok(());
        }
        Err(HostFault::NotLoadable
            .fault(format!("{} asks for {missing:?}, which was not granted", manifest.name)))
    }

    fn call(&self, call: PluginCall<'_>, mut host: Box<dyn CallHost>) -> CallReport {
        let outcome = match (self.by_digest.get(call.digest), call.entry) {
            (None, _) => Err(HostFault::NotLoadable.fault("there is no such plugin")),
            (Some((_, step)), Entry::Step { step: name, input }) => step(name, input, &mut *host),
            (Some((_, step)), Entry::Apply { kind, definition, .. }) => {
                step(&format!("apply:{kind}"), definition, &mut *host)
            }
        };
        CallReport { outcome, usage: CallUsage::default(), log: Vec::new(), host }
    }

    fn check_resource(&self, _: &PluginDigest, _: &str, _: &str, _: &str) -> Result<Vec<Finding>, Fault> {
        Ok(Vec::new())
    }

    fn receive(&self, call: HookCall<'_>, mut host: Box<dyn CallHost>) -> HookReport {
        let outcome = match self.sources.get(call.digest) {
            Some(receive) => receive(call.config, call.hook, &mut *host),
            None => Err(HostFault::NotLoadable.fault("there is no such source")),
        };
        HookReport { outcome, usage: CallUsage::default(), log: Vec::new(), host }
    }
}
