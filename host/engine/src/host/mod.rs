//! A host: the tenants of one process. A tenant is awake, with an executor and its connections, only while something
//! happens in it; asleep it is a name and the instant at which something falls due.
//!
//! Alone, a host has all tenants of its stores. As a member of a fleet it has those that no other host has, and hands
//! what is for the others to the hosts that have them.

mod asking;
#[cfg(test)]
mod cut_off_tests;
mod keeper;
mod letters;
mod member;
mod post;
mod room;
mod rules;
mod spread;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use siyu_model::digest::PlaybookDigest;
use siyu_model::name::TenantName;
use tokio::sync::{Notify, watch};
use tokio::task::{JoinHandle, JoinSet};

use crate::ports::fleet::Fleet;
use crate::ports::store::StoreError;
use crate::signal::Signal;
use crate::tenant::{Ports, Settings, Tenant, TenantNumbers, Unavailable};
pub use asking::Told;
use member::Member;
use room::Room;
pub use rules::Rules;

/// Why a host does not do it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum HostError {
    /// Nobody made it.
    #[error("there is no tenant `{0}` on this host")]
    NoTenant(TenantName),
    /// Another host of the fleet has it.
    #[error("tenant `{0}` is executed by another host")]
    Elsewhere(TenantName),
    /// The host is being stopped.
    #[error("the host is being stopped")]
    Stopping,
    /// The database that the fleet shares has not heard of this host for so long that others go on with its tenants.
    #[error("the fleet's database does not hear this host any more")]
    Unheard,
    /// Nobody said in time what became of it; it may be done, and is known by its id then.
    #[error("nothing was heard of it in time")]
    Late,
    /// What it is about is not there, in words, and nothing happened.
    #[error("{0}")]
    Missing(String),
    /// The tenant refused it in words, and nothing happened.
    #[error("{0}")]
    Refused(String),
    /// Another version is in force than the one that was to be replaced, and nothing happened.
    #[error("another version is in force than the one that was to be replaced")]
    Overtaken {
        /// That version; none when none is.
        in_force: Option<PlaybookDigest>,
    },
    /// The tenant could not do it now.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// It cannot be opened, or the fleet's database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The tenants of one process.
pub struct Host {
    shared: Arc<Shared>,
    /// The loops beside the tenants, until it is stopped.
    works: Mutex<Vec<JoinHandle<()>>>,
}

/// What the host and its loops work on.
struct Shared {
    ports: Ports,
    settings: Settings,
    rules: Rules,
    /// The tenants that this host has.
    rooms: Mutex<BTreeMap<TenantName, Arc<Room>>>,
    /// Its place in a fleet.
    member: Option<Arc<Member>>,
    /// Something may fall due earlier than the keeper thinks, or more tenants are awake.
    changed: Notify,
    stop: Signal,
}

impl Shared {
    fn new(
        (ports, settings, rules): (Ports, Settings, Rules),
        rooms: BTreeMap<TenantName, Arc<Room>>,
        member: Option<Arc<Member>>,
    ) -> Arc<Self> {
        Arc::new(Self {
            ports,
            settings,
            rules,
            rooms: Mutex::new(rooms),
            member,
            changed: Notify::new(),
            stop: Signal::default(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<TenantName, Arc<Room>>> {
        // The map is whole at every instant, whoever died while holding it.
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn rooms(&self) -> Vec<Arc<Room>> {
        self.lock().values().cloned().collect()
    }

    fn room(&self, name: &TenantName) -> Option<Arc<Room>> {
        self.lock().get(name).cloned()
    }

    /// The room of a tenant that the host has; a new one is looked at soon.
    fn room_or_new(&self, name: &TenantName) -> Arc<Room> {
        self.lock().entry(name.clone()).or_insert_with(|| Arc::new(Room::unknown(name.clone()))).clone()
    }

    /// Why this host does not have a tenant.
    fn none(&self, name: &TenantName) -> HostError {
        match &self.member {
            Some(_) => HostError::Elsewhere(name.clone()),
            None => HostError::NoTenant(name.clone()),
        }
    }

    fn is_stopping(&self) -> bool {
        self.stop.is_given()
    }

    /// Returns once the host is being stopped.
    async fn stopping(&self) {
        self.stop.wait().await;
    }

    /// Wakes a tenant, or finds it awake.
    async fn wake(&self, room: &Room) -> Result<Arc<Tenant>, HostError> {
        let (tenant, was_asleep) = room.wake(&self.ports, &self.settings).await?;
        // The host looks for tenants to stop after it began to stop: whoever woke one meanwhile gives it up again.
        if self.is_stopping() {
            drop(tenant);
            Box::pin(room.end()).await;
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
        let shared = Shared::new((ports, settings, rules), rooms, None);
        let keeper = tokio::spawn(keeper::keep(shared.clone()));
        Ok(Self { shared, works: Mutex::new(vec![keeper]) })
    }

    /// A host that shares the tenants of its stores with other hosts: it takes its part of them, and goes on with those of
    /// a host that is gone. Its stores must open a tenant only for the host that has it.
    pub async fn join(
        ports: Ports,
        settings: Settings,
        rules: Rules,
        fleet: Arc<dyn Fleet>,
    ) -> Result<Self, StoreError> {
        // Whoever cannot be heard now is told now.
        fleet.beat().await?;
        let (member, posting) = Member::new(fleet);
        let member = Arc::new(member);
        let shared = Shared::new((ports, settings, rules), BTreeMap::new(), Some(member.clone()));
        let works = vec![
            tokio::spawn(keeper::keep(shared.clone())),
            tokio::spawn(member::attend(shared.clone(), member.clone())),
            tokio::spawn(member::listen(shared.clone(), member.clone())),
            tokio::spawn(post::deliver(shared.clone(), member.clone())),
            tokio::spawn(asking::send(shared.clone(), member.clone(), posting)),
            tokio::spawn(asking::receive(shared.clone(), member)),
        ];
        Ok(Self { shared, works: Mutex::new(works) })
    }

    /// A tenant that this host has, awake for as long as the answer is held.
    pub async fn tenant(&self, name: &TenantName) -> Result<Arc<Tenant>, HostError> {
        let room = self.shared.room(name).ok_or_else(|| self.shared.none(name))?;
        self.shared.wake(&room).await
    }

    /// The same, and makes a tenant that is not there.
    pub async fn tenant_or_new(&self, name: &TenantName) -> Result<Arc<Tenant>, HostError> {
        let room = match &self.shared.member {
            Some(member) => member.found(&self.shared, name).await?,
            None => self.shared.room_or_new(name),
        };
        self.shared.wake(&room).await
    }

    /// Says when something of a tenant becomes durable from now on, with a number that grows; none while the tenant is asleep
    /// or at another host. It ends when the tenant falls asleep or goes.
    pub fn commits(&self, name: &TenantName) -> Option<watch::Receiver<u64>> {
        self.shared.room(name)?.commits()
    }

    /// The tenants that this host has, sorted.
    pub fn tenants(&self) -> Vec<TenantName> {
        self.shared.rooms().iter().map(|room| room.name().clone()).collect()
    }

    /// What each of its tenants did since this host has it, sorted by name.
    pub fn numbers(&self) -> Vec<(TenantName, TenantNumbers)> {
        self.shared.rooms().iter().map(|room| (room.name().clone(), room.numbers())).collect()
    }

    /// How many tenants are awake.
    pub fn awake(&self) -> usize {
        self.shared.rooms().iter().filter(|room| room.is_awake()).count()
    }

    /// Ends gracefully: every tenant that is awake does what it has taken in, and closes. Other hosts of the fleet take
    /// the tenants over at once.
    pub async fn stop(&self) {
        self.shared.stop.give();
        let works = std::mem::take(&mut *self.works.lock().unwrap_or_else(PoisonError::into_inner));
        for work in works {
            if let Err(fault) = work.await {
                tracing::error!(%fault, "a loop of the host ended badly");
            }
        }
        let mut ending = JoinSet::new();
        for room in self.shared.rooms() {
            ending.spawn(async move { room.end().await });
        }
        ending.join_all().await;
        if let Some(member) = &self.shared.member
            && let Err(fault) = member.fleet.leave().await
        {
            tracing::warn!(%fault, "the host could not say that it goes: others wait until its lease is over");
        }
    }
}
