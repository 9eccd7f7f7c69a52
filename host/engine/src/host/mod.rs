//! A host: the tenants of one process. A tenant is awake, with an executor and its connections, only while something
//! happens in it; asleep it is a name and the instant at which something falls due.

mod keeper;
mod room;
mod rules;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use siyu_model::name::TenantName;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use crate::ports::store::StoreError;
use crate::tenant::{Ports, Settings, Tenant};
use room::Room;
pub use rules::Rules;

/// Why a host does not give a tenant.
#[derive(Debug, Clone, thiserror::Error)]
pub enum HostError {
    /// Nobody made it.
    #[error("there is no tenant `{0}` on this host")]
    NoTenant(TenantName),
    /// The host is being stopped.
    #[error("the host is being stopped")]
    Stopping,
    /// It cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The tenants of one process.
pub struct Host {
    shared: Arc<Shared>,
    keeper: JoinHandle<()>,
}

/// What the host and its keeper work on.
struct Shared {
    ports: Ports,
    settings: Settings,
    rules: Rules,
    rooms: Mutex<BTreeMap<TenantName, Arc<Room>>>,
    /// Something may fall due earlier than the keeper thinks, or more tenants are awake.
    changed: Notify,
    is_stopping: watch::Sender<bool>,
}

impl Shared {
    fn rooms(&self) -> Vec<Arc<Room>> {
        // The map is whole at every instant, whoever died while holding it.
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    fn room(&self, name: &TenantName) -> Option<Arc<Room>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    fn is_stopping(&self) -> bool {
        *self.is_stopping.borrow()
    }

    /// Wakes a tenant, or finds it awake.
    async fn wake(&self, room: &Room) -> Result<Arc<Tenant>, HostError> {
        let (tenant, was_asleep) = room.wake(&self.ports, &self.settings).await?;
        // The host looks for tenants to stop after it began to stop: whoever woke one meanwhile gives it up again.
        if self.is_stopping() {
            drop(tenant);
            room.end().await;
            return Err(HostError::Stopping);
        }
        if was_asleep {
            self.changed.notify_one();
        }
        Ok(tenant)
    }
}

impl Host {
    /// A host of all tenants that there are. Each is looked at once, a few at a time, to learn when something falls due.
    pub async fn open(ports: Ports, settings: Settings, rules: Rules) -> Result<Self, StoreError> {
        let names = ports.stores.tenants().await?;
        let rooms = names.into_iter().map(|name| (name.clone(), Arc::new(Room::unknown(name)))).collect();
        let shared = Arc::new(Shared {
            ports,
            settings,
            rules,
            rooms: Mutex::new(rooms),
            changed: Notify::new(),
            is_stopping: watch::Sender::new(false),
        });
        let keeper = tokio::spawn(keeper::keep(shared.clone()));
        Ok(Self { shared, keeper })
    }

    /// A tenant, awake for as long as the answer is held.
    pub async fn tenant(&self, name: &TenantName) -> Result<Arc<Tenant>, HostError> {
        let room = self.shared.room(name).ok_or_else(|| HostError::NoTenant(name.clone()))?;
        self.shared.wake(&room).await
    }

    /// The same, and makes a tenant that is not there.
    pub async fn tenant_or_new(&self, name: &TenantName) -> Result<Arc<Tenant>, HostError> {
        let room = {
            let mut rooms = self.shared.rooms.lock().unwrap_or_else(PoisonError::into_inner);
            rooms.entry(name.clone()).or_insert_with(|| Arc::new(Room::unknown(name.clone()))).clone()
        };
        self.shared.wake(&room).await
    }

    /// The tenants, sorted.
    pub fn tenants(&self) -> Vec<TenantName> {
        self.shared.rooms().iter().map(|room| room.name().clone()).collect()
    }

    /// How many tenants are awake.
    pub fn awake(&self) -> usize {
        self.shared.rooms().iter().filter(|room| room.is_awake()).count()
    }

    /// Ends gracefully: every tenant that is awake does what it has taken in, and closes.
    pub async fn stop(self) {
        self.shared.is_stopping.send_replace(true);
        if let Err(fault) = self.keeper.await {
            tracing::error!(%fault, "the keeper of tenants ended badly");
        }
        let mut ending = tokio::task::JoinSet::new();
        for room in self.shared.rooms() {
            ending.spawn(async move { room.end().await });
        }
        ending.join_all().await;
    }
}
