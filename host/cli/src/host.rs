//! A tenant of this host, opened to be executed: its clock, its channels, its plugins, and nobody else beside.

use std::sync::Arc;
use std::thread;

use anyhow::Context;
use siyu_engine::operate::{Publication, PublishError, Published};
use siyu_engine::ports::clock::{Clock, SystemClock, VirtualClock};
use siyu_engine::ports::store::TenantImage;
use siyu_engine::tenant::{Lanes, Ports, Settings, Tenant};
use siyu_model::clock::UtcMs;
use siyu_model::name::PlaybookName;
use siyu_model::playbook::Playbook;
use siyu_publishing::Change;

use crate::channels::Ways;
use crate::components::{self, KeptPlugins};
use crate::counted::{CountedPlugins, CountedStores, Counts};
use crate::facts::{ClockKind, Facts, secret_of};
use crate::fault::Fault;
use crate::fleet::Visit;
use crate::home::Home;
use crate::lock::Lock;
use crate::outlets::Outlets;
use crate::plugins::Installed;
use crate::tenants::Tenants;

/// How a tenant is to be opened.
#[derive(Default)]
pub(crate) struct Opening<'a> {
    /// By which clock it must go; none takes it as it is, and makes a new one go by the machine's.
    pub(crate) clock: Option<ClockKind>,
    /// Where a virtual clock begins at the earliest.
    pub(crate) from: UtcMs,
    /// The seed that it must have been made with.
    pub(crate) seed: Option<&'a str>,
}

/// The clock of a tenant.
pub(crate) enum HostClock {
    /// Made by events.
    Virtual(Arc<VirtualClock>),
    /// The machine's.
    Real(SystemClock),
}

/// A tenant that executes.
pub(crate) struct Host {
    /// The tenant.
    pub(crate) tenant: Tenant,
    /// Its clock.
    pub(crate) clock: HostClock,
    /// What it has done since it was opened.
    pub(crate) counts: Arc<Counts>,
    /// The latest instant that was durable when it was opened.
    pub(crate) at: UtcMs,
    /// How far feeds were read then.
    feeds: Vec<(String, u64)>,
    /// Active versions then.
    active: Vec<Playbook>,
    home: Home,
    installed: Arc<Installed>,
    /// Its place among the hosts of the database, when there is one.
    visit: Option<Visit>,
    _lock: Lock,
}

impl Host {
    /// Opens the tenant, and makes it when it is new. Everything that is due happens from now on.
    pub(crate) async fn open(
        home: Home,
        installed: Arc<Installed>,
        opening: Opening<'_>,
    ) -> anyhow::Result<Self> {
        let tenants = home.tenants();
        siyu_durable::make_folder(&tenants)
            .with_context(|| format!("{} cannot be made", tenants.display()))?;
        let lock = Lock::of_tenant(&home)?;
        let facts = agreed(&home, &opening).await?;
        let visit = match home.kept() {
            Tenants::Files(..) => None,
            Tenants::Database(stores) => Some(Visit::begin(stores).await?),
        };
        if let Some(visit) = &visit {
            visit.take(&home.tenant, facts.clock == ClockKind::Virtual).await?;
        }
        let ways = Ways::read(&home)?;
        let cannot = || format!("tenant {} cannot be opened", home.tenant);
        let me = visit.as_ref().map(Visit::me);
        let stores = home.stores(facts.seed.as_deref().map(secret_of), me);
        let store = stores.open(&home.tenant).await.with_context(cannot)?;
        let image = store.load_tenant().await.with_context(cannot)?;
        let versions = versions(&image).with_context(cannot)?;
        let plugins =
            KeptPlugins::new(&home, installed.clone(), visit.as_ref().map(|visit| visit.fleet.clone()));
        for (playbook, _) in &versions {
            plugins.load(playbook).await?;
        }
        let clock = HostClock::of(&facts, image.at.max(opening.from));
        let counts = Arc::new(Counts::default());
        let ports = Ports {
            stores: Arc::new(
                CountedStores::new(stores, store, counts.clone()).once(clock.port().is_virtual()),
            ),
            plugins: Arc::new(CountedPlugins::new(Arc::new(plugins), counts.clone())),
            clock: clock.port(),
            channels: match &clock {
                HostClock::Virtual(_) => ways.open(&home, None),
                HostClock::Real(_) => ways.open(&home, Some(&Outlets::new(&home, installed.clone()))),
            },
            lanes: Lanes::new(thread::available_parallelism().map_or(1, usize::from)),
        };
        let tenant =
            Tenant::open(home.tenant.clone(), ports, Settings::default()).await.with_context(cannot)?;
        let active = versions.into_iter().filter(|(_, is_active)| *is_active).map(|(playbook, _)| playbook);
        let (active, at, feeds) = (active.collect(), image.at, image.feeds);
        Ok(Self { tenant, clock, counts, at, feeds, active, home, installed, visit, _lock: lock })
    }

    /// How many events of a feed were durable when the tenant was opened.
    pub(crate) fn read_before(&self, feed: &str) -> u64 {
        self.feeds.iter().find(|(name, _)| name == feed).map_or(0, |(_, read)| *read)
    }

    /// Publishes a checked playbook, and says what it changes.
    pub(crate) async fn publish(
        &self,
        publication: Publication,
    ) -> anyhow::Result<Result<(Published, Vec<Change>), PublishError>> {
        let playbook = publication.playbook.clone();
        components::keep(&self.home, &self.installed, &playbook)?;
        if let Some(visit) = &self.visit {
            components::share(&self.home, &visit.fleet, &playbook).await?;
        }
        let published = self.tenant.publish(publication).await.map_err(Fault::unavailable)?;
        let changes = || siyu_publishing::between(self.version(&playbook.name), &playbook);
        Ok(published.map(|published| {
            let changes = if published.is_unchanged { Vec::new() } else { changes() };
            (published, changes)
        }))
    }

    /// The version of a playbook that was active when the tenant was opened.
    fn version(&self, name: &PlaybookName) -> Option<&Playbook> {
        self.active.iter().find(|playbook| playbook.name == *name)
    }

    /// Ends gracefully: what was taken in is done and durable.
    pub(crate) async fn stop(self) {
        self.tenant.stop().await;
        if let Some(visit) = self.visit {
            visit.end().await;
        }
    }
}

impl HostClock {
    fn of(facts: &Facts, at: UtcMs) -> Self {
        match facts.clock {
            ClockKind::Virtual => Self::Virtual(Arc::new(VirtualClock::starting_at(at))),
            ClockKind::Real => Self::Real(SystemClock),
        }
    }

    fn port(&self) -> Arc<dyn Clock> {
        match self {
            Self::Virtual(clock) => clock.clone(),
            Self::Real(clock) => Arc::new(*clock),
        }
    }
}

async fn agreed(home: &Home, opening: &Opening<'_>) -> anyhow::Result<Facts> {
    if let Some(facts) = Facts::read(home).await? {
        facts.agree(home, opening.clock, opening.seed)?;
        return Ok(facts);
    }
    let clock = opening.clock.unwrap_or(ClockKind::Real);
    let facts = Facts { clock, seed: opening.seed.map(str::to_owned) };
    facts.write(home)?;
    Ok(facts)
}

/// Versions that are active or that runs keep.
fn versions(image: &TenantImage) -> anyhow::Result<Vec<(Playbook, bool)>> {
    let versions = image.playbooks.iter().map(|row| {
        let playbook = serde_json::from_str(&row.compiled)
            .with_context(|| format!("playbook {} version {} is broken", row.name, row.digest.short()))?;
        Ok((playbook, row.is_active))
    });
    versions.collect()
}
