//! A host of a fleet as a process: a runtime of its own that goes on a slice of time after another, and dies at any await.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use fastrand::Rng;
use siyu_engine::dispatch::Channels;
use siyu_engine::doubles::{HandClock, MemoryFleets};
use siyu_engine::host::{Host, Rules};
use siyu_engine::ports::plugins::Plugins;
use siyu_engine::ports::store::Stores;
use siyu_engine::tenant::{Lanes, Ports, Settings};
use siyu_model::id::HostId;
use siyu_model::name::TenantName;
use tokio::runtime::{Builder, Runtime};

use super::line::{Line, SimFleet};
use crate::backing::Desk;
use crate::channel::SimChannel;
use crate::durable::Durables;
use crate::host::{Work, begin};
use crate::locked;
use crate::store::{Gate, Link, SimStores};

/// How often a host that starts tries to be heard before it gives up, and after how long.
const TRIES: u32 = 8;
const AGAIN: Duration = Duration::from_millis(500);

/// What a host is made of, which outlives its death.
pub(crate) struct Parts {
    /// Its number.
    pub(crate) number: usize,
    /// The fleet's database.
    pub(crate) fleets: MemoryFleets,
    /// Its line to it.
    pub(crate) line: Arc<Line>,
    /// Where rows are really kept.
    pub(crate) inner: Arc<dyn Stores>,
    /// Its line to them.
    pub(crate) link: Arc<Link>,
    /// What is durable.
    pub(crate) durables: Durables,
    /// Its plugins.
    pub(crate) plugins: Arc<dyn Plugins>,
    /// Its clock.
    pub(crate) clock: Arc<HandClock>,
    /// A channel for each tenant.
    pub(crate) channels: Vec<(TenantName, Arc<SimChannel>)>,
    /// Its settings.
    pub(crate) settings: Settings,
    /// When its tenants sleep.
    pub(crate) rules: Rules,
}

/// A host of a fleet.
pub(crate) struct Node {
    /// What it is made of.
    pub(crate) parts: Parts,
    /// How far its clock is from the world's, milliseconds.
    pub(crate) skew_ms: i64,
    /// Whether it stands still as a whole.
    pub(crate) is_frozen: bool,
    /// Whether it was told to end in order, and has not ended yet.
    pub(crate) is_stopping: bool,
    /// How often it was started.
    born: u64,
    alive: Option<Alive>,
}

/// A host that runs.
struct Alive {
    runtime: Runtime,
    me: HostId,
    host: Arc<Mutex<Option<Arc<Host>>>>,
    asked: Vec<Work>,
}

impl Node {
    /// A host that does not run yet.
    pub(crate) fn new(parts: Parts) -> Self {
        Self { parts, skew_ms: 0, is_frozen: false, is_stopping: false, born: 0, alive: None }
    }

    /// Starts it, unless it runs; it joins within its next slices.
    pub(crate) fn boot(&mut self) -> anyhow::Result<()> {
        if self.alive.is_some() {
            return Ok(());
        }
        self.born += 1;
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build()?;
        let mut bytes = [0; 16];
        Rng::with_seed(self.born << 8 | self.parts.number as u64).fill(&mut bytes);
        let me = HostId::from_bytes(bytes);
        let (ports, parts) = (self.ports(me), &self.parts);
        let (fleets, line) = (parts.fleets.clone(), parts.line.clone());
        let (settings, rules) = (parts.settings.clone(), parts.rules);
        let host = Arc::new(Mutex::new(None));
        let joined = host.clone();
        runtime.spawn(async move {
            for _ in 0..TRIES {
                if let Ok(fleet) = SimFleet::join(&fleets, me, line.clone()).await
                    && let Ok(host) =
                        Host::join(ports.clone(), settings.clone(), rules, Arc::new(fleet)).await
                {
                    *locked(&joined) = Some(Arc::new(host));
                    return;
                }
                tokio::time::sleep(AGAIN).await;
            }
        });
        self.alive = Some(Alive { runtime, me, host, asked: Vec::new() });
        Ok(())
    }

    fn ports(&self, me: HostId) -> Ports {
        let parts = &self.parts;
        let channels = parts.channels.clone();
        let of_tenant = move |tenant: &TenantName| {
            let found = channels.iter().find(|(name, _)| name == tenant);
            found.map_or_else(Channels::default, |(_, channel)| Channels::all_over(channel.clone()))
        };
        Ports {
            stores: Arc::new(SimStores {
                inner: parts.inner.clone(),
                desk: Desk::default(),
                link: parts.link.clone(),
                durables: parts.durables.clone(),
                host: parts.number,
                gate: Gate::Fleet(parts.fleets.clone(), me),
            }),
            plugins: parts.plugins.clone(),
            clock: parts.clock.clone(),
            channels: Channels::of_tenants(of_tenant),
            lanes: Lanes::in_line(),
        }
    }

    /// It dies. What its database had under way is over.
    pub(crate) fn kill(&mut self) {
        self.parts.channels.iter().for_each(|(_, channel)| channel.release());
        if let Some(alive) = self.alive.take() {
            drop(alive);
            self.parts.link.forget();
            self.parts.line.forget();
        }
        (self.is_frozen, self.is_stopping) = (false, false);
    }

    /// The host, when it has joined.
    pub(crate) fn host(&self) -> Option<Arc<Host>> {
        self.alive.as_ref().and_then(|alive| locked(&alive.host).clone())
    }

    /// Who it is, when it runs.
    pub(crate) fn me(&self) -> Option<HostId> {
        self.alive.as_ref().map(|alive| alive.me)
    }

    /// Begins something on the host at its next slice, before anything else happens there.
    pub(crate) fn spawn(&mut self, work: impl Future<Output = ()> + Send + 'static) {
        if let Some(alive) = &mut self.alive {
            alive.asked.push(Box::pin(work));
        }
    }

    /// Lets it go on for so long.
    pub(crate) fn slice(&mut self, length: Duration) {
        if self.is_frozen {
            return;
        }
        let Some(alive) = &mut self.alive else { return };
        let asked = std::mem::take(&mut alive.asked);
        alive.runtime.block_on(async {
            begin(asked).await;
            tokio::time::sleep(length).await;
        });
    }

    /// Nothing goes wrong with it any more.
    pub(crate) fn heal(&mut self) {
        self.is_frozen = false;
        self.parts.link.heal();
        self.parts.line.heal();
        self.parts.channels.iter().for_each(|(_, channel)| channel.heal());
    }
}
