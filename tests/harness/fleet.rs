//! Several hosts on one database, in one process: each can be cut off from the others.

use std::sync::Arc;

use async_trait::async_trait;
use siyu_engine::doubles::NativePlugins;
use siyu_engine::host::{Host, Rules};
use siyu_engine::ports::clock::SystemClock;
use siyu_engine::ports::fleet::{Fleet, Letter, LetterId, News, Posted, Posting, Roster};
use siyu_engine::ports::inspect::Inspect;
use siyu_engine::ports::store::StoreError;
use siyu_engine::tenant::{Lanes, Ports, Settings};
use siyu_model::clock::DurationMs;
use siyu_model::id::HostId;
use siyu_model::name::TenantName;
use siyu_store::{PgFleet, PgInspect, PgOptions, PgRole, PgStores};
use siyu_test_postgres::Scratch;
use tokio::sync::watch;

use crate::probe;

/// A database for hosts.
pub struct Hosts {
    database: Scratch,
    lease: DurationMs,
}

impl Hosts {
    /// An empty database, whose hosts live for so long after their last word.
    pub fn living_for(lease: DurationMs) -> anyhow::Result<Self> {
        Ok(Self { database: Scratch::make()?, lease })
    }

    fn stores(&self, host: Option<HostId>) -> anyhow::Result<PgStores> {
        let options = PgOptions { secret: Some([7; 32]), host, ..PgOptions::default() };
        Ok(PgStores::new(&self.database.url(), options)?)
    }

    /// Another host, and what cuts it off.
    pub async fn start(&self, name: &str, rules: Rules) -> anyhow::Result<(Host, Wire)> {
        let fleet = PgFleet::join_for(&self.stores(None)?, (name, PgRole::Member), self.lease).await?;
        let stores = self.stores(Some(fleet.me()))?;
        let (manifest, step) = probe();
        let ports = Ports {
            stores: Arc::new(stores),
            plugins: Arc::new(NativePlugins::default().with(manifest, step)),
            clock: Arc::new(SystemClock),
            channels: Default::default(),
            lanes: Lanes::unpaced(2),
        };
        let (wire, is_cut) = watch::channel(false);
        let fleet = Arc::new(Wired { fleet, is_cut });
        Ok((Host::join(ports, Settings::default(), rules, fleet).await?, Wire(wire)))
    }

    /// Reads a tenant beside its host.
    pub async fn inspect(&self, tenant: &TenantName) -> anyhow::Result<Arc<dyn Inspect>> {
        Ok(Arc::new(PgInspect::open(&self.stores(None)?, tenant).await?))
    }
}

/// What joins a host to the others.
pub struct Wire(watch::Sender<bool>);

impl Wire {
    /// From now on the host says nothing and hears nothing.
    pub fn cut(&self) {
        self.0.send_replace(true);
    }

    /// It speaks and hears again.
    pub fn mend(&self) {
        self.0.send_replace(false);
    }
}

struct Wired {
    fleet: PgFleet,
    is_cut: watch::Receiver<bool>,
}

impl Wired {
    fn line(&self) -> Result<&PgFleet, StoreError> {
        if *self.is_cut.borrow() {
            Err(StoreError::Database("the wire is cut".to_owned()))
        } else {
            Ok(&self.fleet)
        }
    }
}

#[async_trait]
impl Fleet for Wired {
    fn me(&self) -> HostId {
        self.fleet.me()
    }

    fn lease(&self) -> DurationMs {
        self.fleet.lease()
    }

    async fn beat(&self) -> Result<Roster, StoreError> {
        self.line()?.beat().await
    }

    async fn claim(&self, tenants: &[TenantName]) -> Result<Vec<TenantName>, StoreError> {
        self.line()?.claim(tenants).await
    }

    async fn found(&self, tenant: &TenantName) -> Result<bool, StoreError> {
        self.line()?.found(tenant).await
    }

    async fn release(&self, tenants: &[TenantName]) -> Result<(), StoreError> {
        self.line()?.release(tenants).await
    }

    async fn leave(&self) -> Result<(), StoreError> {
        self.line()?.leave().await
    }

    async fn post(&self, letters: Vec<Posting>) -> Result<Vec<Posted>, StoreError> {
        self.line()?.post(letters).await
    }

    async fn letters(&self, tenants: &[TenantName], limit: usize) -> Result<Vec<Letter>, StoreError> {
        self.line()?.letters(tenants, limit).await
    }

    async fn answer(&self, answers: Vec<(LetterId, String)>) -> Result<(), StoreError> {
        self.line()?.answer(answers).await
    }

    async fn answers(&self) -> Result<Vec<(LetterId, String)>, StoreError> {
        self.line()?.answers().await
    }

    async fn news(&self) -> News {
        let mut is_cut = self.is_cut.clone();
        // Whoever cut it can mend it: the sender lives as long as the test.
        drop(is_cut.wait_for(|is_cut| !*is_cut).await);
        self.fleet.news().await
    }
}
