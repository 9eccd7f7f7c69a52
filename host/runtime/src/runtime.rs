//! The registry: components that are loaded, by the digest of their bytes.
//!
//! Loading checks everything that can be checked without running; it never runs a plugin and never replaces one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use sha2::{Digest, Sha256};
use siyu_model::digest::PluginDigest;
use siyu_model::plugin::{CapabilitySet, Manifest};
use wasmtime::component::{Component, Linker};

use crate::cache::{Cache, Kept};
use crate::config::{Compiler, RuntimeConfig};
use crate::error::{LoadError, RuntimeError};
use crate::inspect::{Inspected, inspect};
use crate::linked::Linked;
use crate::sandbox::Sandbox;
use crate::sandbox::state::Call;
use crate::signature::Trust;
use crate::{capabilities, compile, engine};

/// Runs plugins on wasmtime. One for a process; shared by all threads.
pub struct Runtime {
    pub(crate) sandbox: Sandbox,
    linker: Linker<Call>,
    compiler: Compiler,
    cache: Option<Cache>,
    trust: Trust,
    is_pooling: bool,
    loaded: RwLock<HashMap<PluginDigest, Arc<Loaded>>>,
    /// One compilation at a time: it is the largest piece of work there is.
    compiling: Mutex<()>,
}

/// A component that can be called.
pub(crate) struct Loaded {
    pub(crate) manifest: Arc<Manifest>,
    pub(crate) imports: CapabilitySet,
    pub(crate) linked: Linked,
    signer: Option<String>,
}

/// What loading a component says about it.
#[derive(Debug, Clone)]
pub struct LoadedPlugin {
    /// SHA-256 of the file.
    pub digest: PluginDigest,
    /// What it says of itself.
    pub manifest: Arc<Manifest>,
    /// The capabilities that it imports: it can never ask for another.
    pub imports: CapabilitySet,
    /// Who signed it, on a host that asks for signatures.
    pub signer: Option<String>,
}

/// The digest of a component file: SHA-256 of its bytes.
pub fn digest_of(bytes: &[u8]) -> PluginDigest {
    PluginDigest(Sha256::digest(bytes).into())
}

impl Runtime {
    /// Makes the sandbox and opens the cache.
    ///
    /// # Errors
    /// When the cache's folder cannot be made or read, or wasmtime refuses its settings on this machine.
    pub fn new(config: RuntimeConfig) -> Result<Self, RuntimeError> {
        let refused = |fault: wasmtime::Error| RuntimeError::Engine(format!("{fault:#}"));
        let made = engine::make(&config.allocation).map_err(refused)?;
        let cache = config
            .cache_dir
            .as_deref()
            .map(|dir| Cache::open(dir, config.key.clone(), engine::fingerprint(&made.engine)))
            .transpose()?;
        let mut linker = Linker::new(&made.engine);
        capabilities::link(&mut linker).map_err(refused)?;
        Ok(Self {
            sandbox: Sandbox::new(made.engine, made.units),
            linker,
            compiler: config.compiler,
            cache,
            trust: Trust::default(),
            is_pooling: made.is_pooling,
            loaded: RwLock::default(),
            compiling: Mutex::default(),
        })
    }

    /// The same for a host that runs some people's plugins only.
    pub fn trusting(self, trust: Trust) -> Self {
        Self { trust, ..self }
    }

    /// Whose plugins it runs.
    pub fn trust(&self) -> &Trust {
        &self.trust
    }

    /// Whether instances come from the pool; if not, calls are slower and do not scale over threads.
    pub fn is_pooling(&self) -> bool {
        self.is_pooling
    }

    /// Checks a component, compiles it unless the cache has it, and makes it ready to be called.
    ///
    /// # Errors
    /// Whatever is wrong with the component, in words for its author; nothing is loaded then.
    pub fn load(&self, bytes: &[u8]) -> Result<LoadedPlugin, LoadError> {
        let inspected = inspect(bytes)?;
        let manifest = inspected.checked_manifest()?;
        let digest = digest_of(bytes);
        if let Some(known) = self.known(&digest) {
            return Ok(known);
        }
        let signer = self.trust.admit(bytes, &manifest.name, inspected.imports)?;
        if let Some(kept) = self.kept(&digest)?
            && let Ok(component) = kept.code.component(self.sandbox.engine())
        {
            return self.link((digest, signer), manifest, &inspected, &component);
        }
        let component = self.compile(&digest, &inspected, bytes)?;
        self.link((digest, signer), manifest, &inspected, &component)
    }

    /// Makes a component ready that the cache has, without its file. None when the cache does not have it, and on a host that
    /// asks for signatures; then its file is needed once more.
    ///
    /// # Errors
    /// When the cache cannot be read, the component no longer fits this host, or it was revoked.
    pub fn load_cached(&self, digest: &PluginDigest) -> Result<Option<LoadedPlugin>, LoadError> {
        if let Some(known) = self.known(digest) {
            return Ok(Some(known));
        }
        self.trust.check_revoked(digest)?;
        if self.trust.needs_the_file() {
            return Ok(None);
        }
        let Some(kept) = self.kept(digest)? else {
            return Ok(None);
        };
        let Ok(component) = kept.code.component(self.sandbox.engine()) else {
            return Ok(None);
        };
        let engine = self.sandbox.engine();
        let ty = component.component_type();
        let names = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect::<Vec<_>>();
        let imports = names(ty.imports(engine).map(|(name, _)| name).collect());
        let exports = names(ty.exports(engine).map(|(name, _)| name).collect());
        let mut inspected = Inspected::of_names(&imports, &exports, Some(&kept.manifest))?;
        inspected.is_composed = kept.is_composed;
        let manifest = inspected.checked_manifest()?;
        self.link((*digest, None), manifest, &inspected, &component).map(Some)
    }

    /// Forgets a component; calls of it that run go on. Whether it was loaded.
    pub fn unload(&self, digest: &PluginDigest) -> bool {
        let mut loaded = self.loaded.write().unwrap_or_else(PoisonError::into_inner);
        loaded.remove(digest).is_some()
    }

    /// The capabilities that a loaded component imports.
    pub fn imports(&self, digest: &PluginDigest) -> Option<CapabilitySet> {
        self.get(digest).map(|loaded| loaded.imports)
    }

    pub(crate) fn get(&self, digest: &PluginDigest) -> Option<Arc<Loaded>> {
        let loaded = self.loaded.read().unwrap_or_else(PoisonError::into_inner);
        loaded.get(digest).cloned()
    }

    fn known(&self, digest: &PluginDigest) -> Option<LoadedPlugin> {
        self.get(digest).map(|loaded| loaded.told(*digest))
    }

    fn kept(&self, digest: &PluginDigest) -> Result<Option<Kept>, LoadError> {
        match &self.cache {
            Some(cache) => cache.get(digest),
            None => Ok(None),
        }
    }

    fn compile(
        &self,
        digest: &PluginDigest,
        inspected: &Inspected<'_>,
        bytes: &[u8],
    ) -> Result<Component, LoadError> {
        let _turn = self.compiling.lock().unwrap_or_else(PoisonError::into_inner);
        let span = tracing::info_span!("compile", digest = %digest.short(), bytes = bytes.len());
        let code = span.in_scope(|| compile::compile(&self.compiler, self.sandbox.engine(), bytes))?;
        let component =
            code.component(self.sandbox.engine()).map_err(|fault| LoadError::Link(format!("{fault:#}")))?;
        if let Some(cache) = &self.cache {
            let kept = Kept {
                manifest: inspected.manifest.unwrap_or_default().to_owned(),
                is_composed: inspected.is_composed,
                code,
            };
            // A full disk costs the next start a compilation, and this one nothing.
            if let Err(fault) = cache.put(digest, &kept) {
                tracing::warn!(fault = %fault, "a compiled plugin cannot be kept");
            }
        }
        Ok(component)
    }

    fn link(
        &self,
        (digest, signer): (PluginDigest, Option<String>),
        manifest: Manifest,
        inspected: &Inspected<'_>,
        component: &Component,
    ) -> Result<LoadedPlugin, LoadError> {
        let linked = Linked::new(&self.linker, component, inspected)?;
        let found = linked.units();
        if found > self.sandbox.units() {
            return Err(LoadError::Link(format!(
                "an instance needs {found} memories or as many sets of tables, the pool has {}",
                self.sandbox.units()
            )));
        }
        let imports = inspected.imports;
        let loaded = Arc::new(Loaded { manifest: Arc::new(manifest), imports, linked, signer });
        let told = loaded.told(digest);
        let mut all = self.loaded.write().unwrap_or_else(PoisonError::into_inner);
        all.insert(digest, loaded);
        Ok(told)
    }
}

impl Loaded {
    fn told(&self, digest: PluginDigest) -> LoadedPlugin {
        LoadedPlugin {
            digest,
            manifest: self.manifest.clone(),
            imports: self.imports,
            signer: self.signer.clone(),
        }
    }
}
