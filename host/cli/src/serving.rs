//! A host of many tenants, wired: stores, plugins from wherever they are kept, channels of each tenant, the machine's clock.

use std::sync::Arc;
use std::thread;

use anyhow::Context;
use async_trait::async_trait;
use siyu_engine::dispatch::Channels;
use siyu_engine::host::{Host, HostError, Rules, Told};
use siyu_engine::ports::clock::SystemClock;
use siyu_engine::ports::fleet::Fleet;
use siyu_engine::ports::store::{Store, StoreError, Stores};
use siyu_engine::tenant::{Lanes, Ports, Settings};
use siyu_model::name::TenantName;
use siyu_store::{PgFleet, PgRole};

use crate::channels::Ways;
use crate::components::KeptPlugins;
use crate::facts::{ClockKind, Facts};
use crate::fault::Fault;
use crate::fleet;
use crate::home::Home;
use crate::outlets::Outlets;
use crate::plugins::Installed;
use crate::tenants::Tenants;

/// Starts a host: of all tenants in the data folder, or among the hosts of the database, with what it shares with them.
pub(crate) async fn start(
    home: &Home,
    (installed, outlets): (Arc<Installed>, Arc<Outlets>),
    (name, settings): (Option<&str>, Settings),
) -> anyhow::Result<(Host, Option<Arc<PgFleet>>)> {
    let folder = home.tenants();
    siyu_durable::make_folder(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    // A file that says where channels lead is read when a tenant is opened; one that is wrong is told now.
    Ways::read(home)?.check(home, &outlets)?;
    match home.kept() {
        Tenants::Files(..) => {
            let stores = Arc::new(OfTheClock { home: home.clone(), stores: home.stores(None, None) });
            let ports = ports(home, stores, Arc::new(KeptPlugins::new(home, installed, None)), outlets);
            let host =
                Host::open(ports, settings, Rules::default()).await.context("the host cannot start")?;
            Ok((host, None))
        }
        Tenants::Database(stores) => {
            let name = name.map_or_else(fleet::name, str::to_owned);
            let fleet = Arc::new(PgFleet::join(stores, &name, PgRole::Member).await?);
            Ok((join(home, (installed, outlets), fleet.clone(), settings).await?, Some(fleet)))
        }
    }
}

async fn join(
    home: &Home,
    (installed, outlets): (Arc<Installed>, Arc<Outlets>),
    fleet: Arc<PgFleet>,
    settings: Settings,
) -> anyhow::Result<Host> {
    let stores = home.stores(None, Some(fleet.me()));
    let plugins = KeptPlugins::new(home, installed, Some(fleet.clone()));
    let ports = ports(home, stores, Arc::new(plugins), outlets);
    let joined = Host::join(ports, settings, Rules::default(), fleet).await;
    joined.context("the other hosts of the database cannot be joined")
}

/// A tenant that another host of the database executes: what is wanted of it goes there.
pub(crate) struct Served {
    /// This process among the hosts.
    pub(crate) host: Host,
    /// What hosts share.
    pub(crate) fleet: Arc<PgFleet>,
}

impl Served {
    /// Whether a host executes the tenant; a command does not count.
    pub(crate) async fn find(home: &Home, installed: &Arc<Installed>) -> anyhow::Result<Option<Self>> {
        let Tenants::Database(stores) = home.kept() else { return Ok(None) };
        let fleet = Arc::new(PgFleet::join(stores, &fleet::name(), PgRole::Command).await?);
        let holder = fleet.holder(&home.tenant).await?;
        if !holder.is_some_and(|holder| holder.is_host) {
            fleet.leave().await?;
            return Ok(None);
        }
        let outlets = Arc::new(Outlets::new(home, installed.clone()));
        let host = join(home, (installed.clone(), outlets), fleet.clone(), Settings::default()).await?;
        Ok(Some(Self { host, fleet }))
    }
}

/// What a host answered; that it has not yet is an error that says what that means.
pub(crate) fn told<T>(told: Result<Told<T>, HostError>) -> anyhow::Result<T> {
    match told {
        Ok(Told::Done(done)) => Ok(done),
        Ok(Told::Kept(letter)) => Err(Fault::failed(format!(
            "the host that executes the tenant has not answered: the wish is kept as letter {letter}"
        ))
        .help("it will be done as soon as a host has the tenant; look with `siyu runs list`")
        .into()),
        Err(HostError::Missing(why) | HostError::Refused(why)) => Err(Fault::failed(why).into()),
        Err(fault) => Err(fault.into()),
    }
}

fn ports(home: &Home, stores: Arc<dyn Stores>, plugins: Arc<KeptPlugins>, outlets: Arc<Outlets>) -> Ports {
    let home = home.clone();
    Ports {
        stores,
        plugins,
        clock: Arc::new(SystemClock),
        channels: Channels::of_tenants(move |tenant| channels(&home.of(tenant.clone()), &outlets)),
        lanes: Lanes::new(thread::available_parallelism().map_or(1, usize::from)),
    }
}

/// The channels of a tenant. Without any its messages wait and are tried again.
fn channels(home: &Home, outlets: &Outlets) -> Channels {
    match Ways::read(home) {
        Ok(ways) => ways.open(home, Some(outlets)),
        Err(fault) => {
            tracing::error!(tenant = %home.tenant, %fault, "messages cannot leave");
            Channels::default()
        }
    }
}

/// Files of tenants that go by the machine's clock. One that was replayed on a virtual clock stands at an instant of its
/// events: executed by the machine's clock, everything that was due since would happen at once.
struct OfTheClock {
    home: Home,
    stores: Arc<dyn Stores>,
}

#[async_trait]
impl Stores for OfTheClock {
    async fn open(&self, tenant: &TenantName) -> Result<Arc<dyn Store>, StoreError> {
        self.stores.open(tenant).await
    }

    async fn tenants(&self) -> Result<Vec<TenantName>, StoreError> {
        let mut tenants = Vec::new();
        for name in self.stores.tenants().await? {
            let facts = Facts::read(&self.home.of(name.clone())).await;
            match facts.map(|facts| facts.map(|facts| facts.clock)) {
                Ok(Some(ClockKind::Virtual)) => {
                    tracing::info!(tenant = %name, "goes by a virtual clock: it is not served");
                }
                Ok(_) => tenants.push(name),
                Err(fault) => return Err(StoreError::Broken(format!("tenant {name}: {fault:#}"))),
            }
        }
        Ok(tenants)
    }
}
