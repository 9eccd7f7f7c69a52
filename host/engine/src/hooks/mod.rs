//! Webhooks in: a request becomes events, and is answered once they are durable.
//!
//! The plugin verifies and maps, in the sandbox, outside of every executor, with secrets that it cannot read and without
//! network or records. Nothing of a request is believed before the plugin says so, and nobody is told more than that a
//! request was not taken.

mod caller;
mod events;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use siyu_model::limits::hooks::{AT_ONCE, CPU_MS, FUEL, MEMORY_BYTES_MAX, PER_TENANT_AT_ONCE, TIME_MS};
use siyu_model::name::{SourceName, TenantName};
use siyu_model::plugin::{CallLimits, Fault, LogLine};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::host::{Host, HostError, Told};
use crate::ports::clock::Clock;
use crate::ports::hooks::{Accepted, Hook, HookCall, HookRefusal, HookReport, Room, Source, Sources};
use crate::ports::plugins::Plugins;
use crate::ports::secrets::{Vault, VaultError};
use crate::tenant::Admitted;
use caller::Caller;

/// Why a request was not taken.
#[derive(Debug, thiserror::Error)]
pub enum HookFault {
    /// There is no such source, or no such tenant.
    #[error("there is no such source")]
    Unknown,
    /// The plugin does not take it.
    #[error(transparent)]
    Refused(#[from] HookRefusal),
    /// The tenant has as many under way as it may.
    #[error("more requests of the tenant are under way than may be")]
    Busy,
    /// The tenant has no room for its events now.
    #[error("the tenant's quota has no room for its events now")]
    NoRoom,
    /// It took too long; events that were found may be durable, and are known by their ids.
    #[error("it took longer than {TIME_MS} ms")]
    Late,
    /// The plugin failed, or found what is no event.
    #[error(transparent)]
    Plugin(#[from] Fault),
    /// An event was refused by the tenant.
    #[error("an event was refused: {0}")]
    EventRefused(String),
    /// The secrets of the source cannot be had.
    #[error(transparent)]
    Secrets(VaultError),
    /// The tenant cannot make it durable now.
    #[error(transparent)]
    Host(#[from] HostError),
}

/// What webhooks need of the world.
pub struct HookPorts {
    /// Who takes events in.
    pub host: Arc<Host>,
    /// Who runs plugins.
    pub plugins: Arc<dyn Plugins>,
    /// Which sources there are.
    pub sources: Arc<dyn Sources>,
    /// Where secrets are opened.
    pub vault: Arc<dyn Vault>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// 32 random bytes, drawn by whoever starts the host: what calls get as randomness is derived from them.
    pub seed: [u8; 32],
}

/// Takes webhooks in.
pub struct Hooks {
    ports: HookPorts,
    /// Requests under way, a tenant each. Only names of sources that are configured come in here.
    under_way: Mutex<HashMap<TenantName, Arc<Semaphore>>>,
    /// Calls of plugins under way.
    calls: Arc<Semaphore>,
    /// How many calls there were: each has randomness of its own.
    count: AtomicU64,
}

/// What a call of a source may use.
fn limits() -> CallLimits {
    CallLimits { fuel: FUEL, cpu_ms: CPU_MS, memory_bytes_max: MEMORY_BYTES_MAX, ..CallLimits::default() }
}

impl Hooks {
    /// Over these ports.
    pub fn new(ports: HookPorts) -> Self {
        let calls = Arc::new(Semaphore::new(AT_ONCE));
        Self { ports, under_way: Mutex::default(), calls, count: AtomicU64::new(0) }
    }

    /// What time it is, for whoever makes a request out of what came.
    pub fn clock(&self) -> &dyn Clock {
        &*self.ports.clock
    }

    /// A turn of a tenant's source, before the body of the request is read.
    ///
    /// # Errors
    /// There is no such source, or too many requests are under way.
    pub fn turn(&self, tenant: &TenantName, source: &SourceName) -> Result<Turn, HookFault> {
        let source = self.ports.sources.source(tenant, source).ok_or(HookFault::Unknown)?;
        let room = {
            let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
            // Those in which nothing is under way are forgotten, so that the table is no longer than there is work.
            under_way.retain(|_, room| Arc::strong_count(room) > 1);
            let room = under_way.entry(tenant.clone());
            room.or_insert_with(|| Arc::new(Semaphore::new(PER_TENANT_AT_ONCE))).clone()
        };
        let permit = room.clone().try_acquire_owned().map_err(|_| HookFault::Busy)?;
        let until = Instant::now() + Duration::from_millis(TIME_MS);
        Ok(Turn { tenant: tenant.clone(), source, until, _room: room, _permit: permit })
    }

    /// What becomes of a request: the answer of its plugin, once its events are durable. Room is taken for events that
    /// were verified: whoever cannot sign uses up nobody's quota.
    ///
    /// # Errors
    /// Why it was not taken. Only for [`HookFault::Late`] and [`HookFault::Host`] may a part of its events be recorded: the
    /// sender hands it in again, and what was recorded is known by its id.
    pub async fn hear(&self, turn: &Turn, hook: Hook, room: &dyn Room) -> Result<Accepted, HookFault> {
        let heard = tokio::time::timeout_at(turn.until, self.work(turn, hook, room)).await;
        heard.unwrap_or(Err(HookFault::Late))
    }

    async fn work(&self, turn: &Turn, hook: Hook, room: &dyn Room) -> Result<Accepted, HookFault> {
        let Turn { tenant, source, .. } = turn;
        let secrets = self.ports.vault.open(tenant, &source.secrets).await.map_err(|fault| match fault {
            // Whether there is such a tenant is nobody's business who does not know its secret. Anybody can ask for tenants
            // that are not there, as often as they like: that is no warning. `siyu doctor` names a secret that is missing.
            VaultError::Missing { .. } => {
                tracing::debug!(%tenant, source = %source.name, %fault, "a webhook came for a source without its secret");
                HookFault::Unknown
            }
            fault => HookFault::Secrets(fault),
        })?;
        let pass = self.calls.clone().acquire_owned().await.map_err(|_| HookFault::Late)?;
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let caller = Caller::new(turn, &hook, secrets, (&self.ports.seed, number));
        let received_at = hook.received_at;
        let (plugins, called) = (self.ports.plugins.clone(), source.clone());
        let report = tokio::task::spawn_blocking(move || {
            let limits = limits();
            let call =
                HookCall { digest: &called.digest, limits: &limits, config: &called.config, hook: &hook };
            let report = plugins.receive(call, Box::new(caller));
            drop(pass);
            report
        });
        let HookReport { outcome, log, .. } = report.await.map_err(|_| HookFault::Late)?;
        tell(turn, log);
        let accepted = outcome??;
        events::check_answer(&accepted)?;
        let incoming = events::incoming(&source.name, &accepted.events, received_at)?;
        if !incoming.is_empty() && !room.take(tenant, incoming.len()).await {
            return Err(HookFault::NoRoom);
        }
        for event in incoming {
            match self.ports.host.admit(tenant, event).await? {
                Told::Done(Admitted::Recorded { .. }) | Told::Kept(_) => {}
                Told::Done(Admitted::Refused(why)) => return Err(HookFault::EventRefused(why.to_string())),
            }
        }
        Ok(accepted)
    }
}

/// A request that may be worked on.
pub struct Turn {
    tenant: TenantName,
    source: Arc<Source>,
    until: Instant,
    _room: Arc<Semaphore>,
    _permit: OwnedSemaphorePermit,
}

impl Turn {
    /// When all of it must be over: [`TIME_MS`] after it began.
    pub fn until(&self) -> Instant {
        self.until
    }
}

/// What a plugin logs of a webhook is for whoever runs the host: there is no run that it belongs to.
fn tell(turn: &Turn, log: Vec<LogLine>) {
    for line in log {
        tracing::info!(tenant = %turn.tenant, source = %turn.source.name, level = ?line.level, "{}", line.message);
    }
}

#[cfg(test)]
mod tests;
