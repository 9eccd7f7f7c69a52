//! What all measurements stand on: the plugin, the playbook, tenants on the real store, and events for them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, bail, ensure};
use siyu_engine::dispatch::Channels;
use siyu_engine::operate::Publication;
use siyu_engine::ports::clock::SystemClock;
use siyu_engine::ports::plugins::Plugins;
use siyu_engine::ports::store::Stores;
use siyu_engine::tenant::{Lanes, Ports, Settings, Tenant};
use siyu_model::event::IncomingEvent;
use siyu_model::json::Value;
use siyu_model::name::{EventType, TenantName};
use siyu_runtime::{Allocation, CacheKey, Compiler, LoadedPlugin, Runtime, RuntimeConfig, pack};
use siyu_store::{SqliteOptions, SqliteStores};
use siyu_workflow::{Bundle, Catalog, CatalogPlugin, Style, compile};
use tempfile::TempDir;

/// Steps of a plugin in a run of the playbook's workflow `five-visits`.
pub(crate) const STEPS_PER_RUN: u64 = 5;
/// Threads of the program that do not block, as the program `siyu` has them on two cores.
const WORKERS: usize = 2;
/// What seals compiled plugins of a measurement.
const KEY: [u8; 32] = [7; 32];

/// The threads that everything runs on; those on which batches execute have a name of their own.
pub(crate) fn threads() -> anyhow::Result<tokio::runtime::Runtime> {
    let started = AtomicUsize::new(0);
    let name = move || match started.fetch_add(1, Ordering::Relaxed) {
        place if place < WORKERS => format!("worker-{place}"),
        place => format!("lane-{}", place - WORKERS),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .thread_name_fn(name)
        .enable_all()
        .build()?;
    Ok(runtime)
}

/// The plugin, loaded; the playbook, compiled; a folder for databases.
pub(crate) struct World {
    folder: TempDir,
    pub(crate) runtime: Arc<Runtime>,
    /// The plugin of the benchmark.
    pub(crate) plugin: LoadedPlugin,
    /// Its file.
    pub(crate) component: Vec<u8>,
    publication: Publication,
}

impl World {
    /// From the plugin as the compiler made it.
    pub(crate) fn new(folder: Option<&Path>, module: &Path) -> anyhow::Result<Self> {
        let parent = folder.map_or_else(std::env::temp_dir, Path::to_owned);
        let folder = TempDir::with_prefix_in("siyu-bench-", &parent)
            .with_context(|| format!("a folder in {}", parent.display()))?;
        let module = std::fs::read(module).with_context(|| module.display().to_string())?;
        let component = pack(&module)?.component;
        let runtime = Arc::new(Runtime::new(runtime_config(folder.path().join("compiled")))?);
        ensure!(runtime.is_pooling(), "this machine has no room for a pool of instances");
        let plugin = runtime.load(&component)?;
        let publication = publication(&plugin)?;
        Ok(Self { folder, runtime, plugin, component, publication })
    }

    /// Where databases are made.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A folder for tenants, named for what is measured.
    pub(crate) fn tenants(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    /// Stores in such a folder, durable at every commit.
    pub(crate) fn stores(&self, name: &str) -> SqliteStores {
        SqliteStores::new(self.tenants(name), SqliteOptions::default())
    }

    /// Opens the tenant of a folder and publishes the playbook.
    pub(crate) async fn open(&self, stores: Arc<dyn Stores>) -> anyhow::Result<Tenant> {
        self.open_with(stores, self.runtime.clone()).await
    }

    /// The same with plugins that are measured.
    pub(crate) async fn open_with(
        &self,
        stores: Arc<dyn Stores>,
        plugins: Arc<dyn Plugins>,
    ) -> anyhow::Result<Tenant> {
        let ports = self.ports(stores, plugins)?;
        let tenant = Tenant::open(tenant_name()?, ports, Settings::default()).await?;
        tenant.publish(self.publication()).await??;
        Ok(tenant)
    }

    /// What tenants work with.
    pub(crate) fn ports(&self, stores: Arc<dyn Stores>, plugins: Arc<dyn Plugins>) -> anyhow::Result<Ports> {
        Ok(Ports {
            stores,
            plugins,
            clock: Arc::new(SystemClock),
            channels: Channels::default(),
            lanes: Lanes::new(std::thread::available_parallelism()?.get()),
        })
    }

    /// The playbook.
    pub(crate) fn publication(&self) -> Publication {
        self.publication.clone()
    }
}

/// The one tenant of every folder.
pub(crate) fn tenant_name() -> anyhow::Result<TenantName> {
    Ok(TenantName::new("bench")?)
}

/// A runtime as a host has it, except that it compiles by itself.
pub(crate) fn runtime_config(cache: PathBuf) -> RuntimeConfig {
    RuntimeConfig {
        cache_dir: Some(cache),
        key: CacheKey::new(KEY),
        compiler: Compiler::InProcess,
        allocation: Allocation::default(),
    }
}

struct Installed<'a>(&'a LoadedPlugin);

impl Catalog for Installed<'_> {
    fn plugin(&self, name: &str) -> Option<CatalogPlugin> {
        let LoadedPlugin { digest, manifest, imports, .. } = self.0;
        let is_it = manifest.name.as_str() == name;
        is_it.then(|| CatalogPlugin { digest: *digest, manifest: manifest.clone(), imports: *imports })
    }

    fn names(&self) -> Vec<String> {
        vec![self.0.manifest.name.to_string()]
    }
}

fn publication(plugin: &LoadedPlugin) -> anyhow::Result<Publication> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("playbook");
    let bundle = Bundle::read(&folder)?;
    let compiled = compile(&bundle, &Installed(plugin));
    if compiled.has_errors() {
        bail!("{}:\n{}", folder.display(), compiled.render(Style::Plain));
    }
    let playbook = compiled.playbook.context("a playbook without errors compiles")?;
    Ok(Publication { playbook: Arc::new(playbook), files: Vec::new(), replaces: Default::default() })
}

/// The order number `number` of customer number `customer`.
pub(crate) fn order(number: u64, customer: u64) -> anyhow::Result<IncomingEvent> {
    let items =
        Value::List([Value::map([("sku", Value::text("beef-500")), ("count", Value::Int(2))])].into());
    let data = Value::map([
        ("order_no", Value::text(format!("20261121{number:09}"))),
        ("amount_fen", Value::Int(12_900)),
        ("items", items),
    ]);
    event("order.paid", format!("order-{number}"), customer, data)
}

/// Customer number `customer` becomes a friend.
pub(crate) fn friend(customer: u64) -> anyhow::Result<IncomingEvent> {
    event("friend.added", format!("friend-{customer}"), customer, Value::map::<&str>([]))
}

fn event(event_type: &str, id: String, customer: u64, data: Value) -> anyhow::Result<IncomingEvent> {
    Ok(IncomingEvent {
        id,
        event_type: EventType::new(event_type)?,
        source: "bench".to_owned(),
        subject: Some(format!("shop:{customer:08}").parse()?),
        time: None,
        data,
    })
}
