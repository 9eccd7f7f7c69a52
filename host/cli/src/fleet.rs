//! This process among the hosts of a database: its word that it lives, and the one tenant that a command works on.

use std::sync::Arc;
use std::time::Duration;

use siyu_engine::ports::fleet::Fleet;
use siyu_model::id::HostId;
use siyu_model::limits::fleet::BEAT_MS;
use siyu_model::name::TenantName;
use siyu_store::{PgFleet, PgRole, PgStores};
use tokio::task::JoinHandle;

use crate::fault::Fault;

/// How often a tenant is asked for that another command had until a moment ago.
const TRIES: u32 = 30;
const PAUSE: Duration = Duration::from_millis(100);

/// What people call this process: the machine and the process's number.
pub(crate) fn name() -> String {
    let machine = rustix::system::uname().nodename().to_string_lossy().into_owned();
    format!("{machine}/{}", std::process::id())
}

/// A command's place among the hosts of a database, for as long as it works on a tenant.
pub(crate) struct Visit {
    pub(crate) fleet: Arc<PgFleet>,
    living: JoinHandle<()>,
}

impl Visit {
    /// Joins, as a command.
    pub(crate) async fn begin(stores: &PgStores) -> anyhow::Result<Self> {
        let fleet = Arc::new(PgFleet::join(stores, &name(), PgRole::Command).await?);
        let beating = fleet.clone();
        let living = tokio::spawn(async move {
            loop {
                tokio::time::sleep(Duration::from_millis(BEAT_MS)).await;
                if let Err(fault) = beating.say_alive().await {
                    // Whoever takes the tenant meanwhile fences this process.
                    tracing::warn!(%fault, "the database cannot be told that this command still works");
                }
            }
        });
        Ok(Self { fleet, living })
    }

    /// Who this process is.
    pub(crate) fn me(&self) -> HostId {
        self.fleet.me()
    }

    /// Takes a tenant, which is made when it is not there; never from a host.
    pub(crate) async fn take(&self, tenant: &TenantName, is_virtual: bool) -> anyhow::Result<()> {
        for _ in 0..TRIES {
            if self.fleet.found_by_clock(tenant, is_virtual).await? {
                return Ok(());
            }
            if let Some(host) = self.fleet.holder(tenant).await?.filter(|holder| holder.is_host) {
                return Err(Fault::wrong(format!("tenant `{tenant}` is being executed by {host}"))
                    .help("stop that host first: nothing is lost")
                    .into());
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err(Fault::wrong(format!("tenant `{tenant}` is being taken by another process"))
            .help("try again in a moment")
            .into())
    }

    /// Gives the tenant up.
    pub(crate) async fn end(self) {
        self.living.abort();
        if let Err(fault) = self.fleet.leave().await {
            tracing::warn!(%fault, "the tenant stays taken until the lease of this command is over");
        }
    }
}
