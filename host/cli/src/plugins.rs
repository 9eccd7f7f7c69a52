//! The plugins of this host: packed component files in a folder, loaded when something names them.
//!
//! It never compiles in this process, and never loads a plugin that nobody named.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use siyu_runtime::{
    Allocation, CacheKey, CompileChild, CompileLimits, Compiler, LoadedPlugin, PoolSize, Runtime,
    RuntimeConfig, Trust,
};
use siyu_workflow::{Catalog, CatalogPlugin};

use crate::fault::Fault;
use crate::home::{self, Home};
use crate::trust;

/// What the file of a plugin ends with.
const EXTENSION: &str = "wasm";
/// The hidden command that compiles.
const COMPILE_CHILD: &str = "compile-child";

/// What a data folder says of plugins: where their machine code is kept, what seals it, and whose plugins run.
pub(crate) struct Kept {
    folder: Option<PathBuf>,
    key: CacheKey,
    trust: Trust,
}

impl Kept {
    /// In the data folder.
    pub(crate) fn of_home(home: &Home) -> anyhow::Result<Self> {
        Ok(Self { folder: Some(home.compiled()), key: home.key()?, trust: trust::read(home)? })
    }

    /// Without a data folder: machine code in the user's cache folder, or nowhere when there is none, and anyone's plugins.
    pub(crate) fn of_user() -> Self {
        let folder = user_cache();
        let key = folder.as_deref().and_then(|folder| {
            siyu_durable::make_folder(folder).ok()?;
            home::key_in(folder).ok()
        });
        match key {
            Some(key) => {
                Self { folder: folder.map(|folder| folder.join("compiled")), key, trust: Trust::default() }
            }
            None => Self { folder: None, key: CacheKey::new([0; 32]), trust: Trust::default() },
        }
    }
}

fn user_cache() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("XDG_CACHE_HOME")
        .or_else(|| set("HOME").map(|home| home.join(".cache")))
        .map(|cache| cache.join("siyu"))
}

/// Plugins in a folder.
pub(crate) struct Installed {
    /// The sandbox.
    pub(crate) runtime: Arc<Runtime>,
    folder: Option<PathBuf>,
    compiled: Option<PathBuf>,
    seen: Mutex<BTreeMap<String, Result<LoadedPlugin, String>>>,
}

impl Installed {
    /// Makes the sandbox; no plugin is loaded yet.
    pub(crate) fn open(folder: Option<&Path>, kept: Kept) -> anyhow::Result<Arc<Self>> {
        if let Some(folder) = folder
            && !folder.is_dir()
        {
            let found = if folder.exists() { "is no folder" } else { "is not there" };
            return Err(Fault::wrong(format!("the plugin folder {} {found}", folder.display()))
                .help("name a folder with packed plugins, <name>.wasm each; `siyu plugins pack` makes them")
                .into());
        }
        let config = RuntimeConfig {
            cache_dir: kept.folder.clone(),
            key: kept.key,
            compiler: Compiler::Child(CompileChild {
                program: std::env::current_exe().context("the path of this program is not known")?,
                args: vec![COMPILE_CHILD.into()],
                limits: CompileLimits::default(),
            }),
            allocation: Allocation::Pooling(PoolSize::default()),
        };
        let runtime = Runtime::new(config).context("plugins cannot be run")?;
        let runtime = Arc::new(runtime.trusting(kept.trust));
        let folder = folder.map(Path::to_owned).or_else(default_folder);
        Ok(Arc::new(Self { runtime, folder, compiled: kept.folder, seen: Mutex::default() }))
    }

    /// The folder, when there is one.
    pub(crate) fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// Where machine code is kept, when it is.
    pub(crate) fn compiled(&self) -> Option<&Path> {
        self.compiled.as_deref()
    }

    /// The names of all files of plugins, sorted.
    pub(crate) fn files(&self) -> Vec<String> {
        self.folder.as_deref().map(names_in).unwrap_or_default()
    }

    /// The file of a plugin.
    pub(crate) fn path(&self, name: &str) -> Option<PathBuf> {
        // A name from a playbook follows the rule of plugin names, which is safe as a file name; anything else is none.
        let is_name = siyu_model::name::PluginName::new(name).is_ok();
        let path = self.folder.as_deref()?.join(format!("{name}.{EXTENSION}"));
        (is_name && path.is_file()).then_some(path)
    }

    /// Loads a plugin by its name, once. None when there is no such file.
    pub(crate) fn load(&self, name: &str) -> Option<Result<LoadedPlugin, String>> {
        let path = self.path(name)?;
        let mut seen = self.seen();
        let loaded = seen.entry(name.to_owned()).or_insert_with(|| self.load_file(name, &path));
        Some(loaded.clone())
    }

    fn load_file(&self, name: &str, path: &Path) -> Result<LoadedPlugin, String> {
        let shown = path.display();
        let bytes = fs::read(path).map_err(|fault| format!("{shown}: {fault}"))?;
        let loaded = self.runtime.load(&bytes).map_err(|fault| format!("{shown}: {fault}"))?;
        if loaded.manifest.name.as_str() == name {
            Ok(loaded)
        } else {
            let found = &loaded.manifest.name;
            Err(format!(
                "{shown}: this is plugin `{found}`, expected the file's name to be {found}.{EXTENSION}"
            ))
        }
    }

    /// What was named and could not be loaded: its name, and why.
    pub(crate) fn faults(&self) -> Vec<(String, String)> {
        let seen = self.seen();
        seen.iter()
            .filter_map(|(name, loaded)| Some((name.clone(), loaded.as_ref().err()?.clone())))
            .collect()
    }

    /// The same sandbox and folder, of which nothing was looked at yet: a host that runs for months sees files that are
    /// newer than it is, and one question is not answered with the faults of another.
    pub(crate) fn anew(&self) -> Self {
        Self {
            runtime: self.runtime.clone(),
            folder: self.folder.clone(),
            compiled: self.compiled.clone(),
            seen: Mutex::default(),
        }
    }

    fn seen(&self) -> MutexGuard<'_, BTreeMap<String, Result<LoadedPlugin, String>>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Catalog for Installed {
    fn plugin(&self, name: &str) -> Option<CatalogPlugin> {
        let LoadedPlugin { digest, manifest, imports, .. } = self.load(name)?.ok()?;
        Some(CatalogPlugin { digest, manifest, imports })
    }

    fn names(&self) -> Vec<String> {
        self.files()
    }
}

/// The first folder with a plugin in it: beside the program, beside its folder, here.
fn default_folder() -> Option<PathBuf> {
    let beside = std::env::current_exe().ok().and_then(|program| Some(program.parent()?.to_owned()));
    let above = beside.as_deref().and_then(Path::parent).map(Path::to_owned);
    let folders = [beside, above, Some(PathBuf::from("."))].into_iter().flatten();
    folders.map(|folder| folder.join("plugins")).find(|folder| !names_in(folder).is_empty())
}

fn names_in(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == EXTENSION))
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect();
    names.sort();
    names
}
