//! A simulated host: a runtime of its own that moves only when it is told, with one tenant on it.
//!
//! A turn lets the host go on until it is still: its tokio clock is paused, and moves only when nothing else can. Killing
//! it drops the runtime, and with it every task at the place where it waits.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use siyu_engine::dispatch::Channels;
use siyu_engine::doubles::HandClock;
use siyu_engine::ports::plugins::Plugins;
use siyu_engine::ports::store::Stores;
use siyu_engine::tenant::{Lanes, Ports, Settings, Tenant};
use siyu_model::name::TenantName;
use tokio::runtime::{Builder, Runtime};

use crate::channel::SimChannel;
use crate::locked;
use crate::store::Link;

/// How much of tokio's time a turn takes: a store that failed is opened again within a few of them.
const TURN: Duration = Duration::from_millis(130);

/// How often a host tries to open its tenant before it gives up.
const TRIES: u32 = 6;

/// What a host is made of, which outlives its death.
pub(crate) struct Parts {
    /// The tenant's name.
    pub(crate) name: TenantName,
    /// Its store.
    pub(crate) stores: Arc<dyn Stores>,
    /// Its line to the store.
    pub(crate) link: Arc<Link>,
    /// Its plugins.
    pub(crate) plugins: Arc<dyn Plugins>,
    /// Its clock.
    pub(crate) clock: Arc<HandClock>,
    /// Its channel.
    pub(crate) channel: Arc<SimChannel>,
    /// Its settings.
    pub(crate) settings: Settings,
}

/// A host.
pub(crate) struct Host {
    /// What it is made of.
    pub(crate) parts: Parts,
    /// How far its clock is from the world's, milliseconds.
    pub(crate) skew_ms: i64,
    /// Whether it stands still as a whole.
    pub(crate) is_frozen: bool,
    alive: Option<Alive>,
}

/// A host that runs.
struct Alive {
    runtime: Runtime,
    tenant: Arc<Mutex<Option<Arc<Tenant>>>>,
    /// What was asked since the last turn.
    asked: Vec<Work>,
}

pub(crate) type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Host {
    /// A host that does not run yet.
    pub(crate) fn new(parts: Parts) -> Self {
        Self { parts, skew_ms: 0, is_frozen: false, alive: None }
    }

    /// Starts it, unless it has the tenant; it opens the tenant at its next turns.
    pub(crate) fn boot(&mut self) -> anyhow::Result<()> {
        if self.tenant().is_some() {
            return Ok(());
        }
        self.kill();
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build()?;
        let ports = Ports {
            stores: self.parts.stores.clone(),
            plugins: self.parts.plugins.clone(),
            clock: self.parts.clock.clone(),
            channels: Channels::all_over(self.parts.channel.clone()),
            lanes: Lanes::in_line(),
        };
        let (name, settings) = (self.parts.name.clone(), self.parts.settings.clone());
        let tenant = Arc::new(Mutex::new(None));
        let opened = tenant.clone();
        runtime.spawn(async move {
            for _ in 0..TRIES {
                match Tenant::open(name.clone(), ports.clone(), settings.clone()).await {
                    Ok(tenant) => {
                        *locked(&opened) = Some(Arc::new(tenant));
                        return;
                    }
                    Err(_) => tokio::time::sleep(TURN * 4).await,
                }
            }
        });
        self.alive = Some(Alive { runtime, tenant, asked: Vec::new() });
        Ok(())
    }

    /// It dies. What its store had under way is over.
    pub(crate) fn kill(&mut self) {
        self.parts.channel.release();
        if let Some(alive) = self.alive.take() {
            drop(alive);
            self.parts.link.forget();
        }
        self.is_frozen = false;
    }

    /// Its tenant, when it has one.
    pub(crate) fn tenant(&self) -> Option<Arc<Tenant>> {
        self.alive.as_ref().and_then(|alive| locked(&alive.tenant).clone())
    }

    /// Begins something on the host at its next turn, before anything else happens there.
    pub(crate) fn spawn(&mut self, work: impl Future<Output = ()> + Send + 'static) {
        if let Some(alive) = &mut self.alive {
            alive.asked.push(Box::pin(work));
        }
    }

    /// Ends the tenant in order, when nobody asks anything of it.
    pub(crate) fn stop(&mut self) {
        let Some(alive) = &mut self.alive else { return };
        let taken = locked(&alive.tenant).take();
        match taken.map(Arc::try_unwrap) {
            Some(Ok(tenant)) => alive.asked.push(Box::pin(tenant.stop())),
            Some(Err(tenant)) => *locked(&alive.tenant) = Some(tenant),
            None => {}
        }
    }

    /// Lets it go on until it is still.
    pub(crate) fn turn(&mut self) {
        if self.is_frozen {
            return;
        }
        let Some(alive) = &mut self.alive else { return };
        let asked = std::mem::take(&mut alive.asked);
        alive.runtime.block_on(async {
            begin(asked).await;
            tokio::time::sleep(TURN).await;
        });
    }
}

/// All of them are in the inbox, in their order, before the executor sees the first.
pub(crate) async fn begin(mut asked: Vec<Work>) {
    std::future::poll_fn(|cx| {
        asked.retain_mut(|work| work.as_mut().poll(cx).is_pending());
        Poll::Ready(())
    })
    .await;
    for work in asked {
        tokio::spawn(work);
    }
}
