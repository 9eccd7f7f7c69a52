//! Webhooks in, wired: sources from `sources.toml`, secrets of tenants, plugins in their sandbox.

use std::sync::Arc;

use anyhow::Context;
use siyu_engine::hooks::{HookPorts, Hooks};
use siyu_engine::host::Host;
use siyu_engine::ports::clock::SystemClock;
use siyu_secrets::SealedVault;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::home::Home;
use crate::plugins::Installed;
use crate::session::Session;
use crate::sources::Configured;

/// Webhooks of a host that serves.
pub(crate) struct Serving {
    /// What takes them in.
    pub(crate) hooks: Arc<Hooks>,
    end: oneshot::Sender<()>,
    attending: JoinHandle<()>,
}

impl Serving {
    /// Over the sources that are configured.
    pub(crate) async fn start(
        sources: Configured,
        (home, installed): (&Home, &Installed),
        host: Arc<Host>,
        session: &Session,
    ) -> anyhow::Result<Self> {
        let vault = SealedVault::new(home.secrets().await?, Arc::new(SystemClock), session.secrets_keys()?);
        let vault = Arc::new(vault);
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).context("there are no random bytes")?;
        let hooks = Hooks::new(HookPorts {
            host,
            plugins: installed.runtime.clone(),
            sources: Arc::new(sources),
            vault: vault.clone(),
            clock: Arc::new(SystemClock),
            seed,
        });
        let (end, ending) = oneshot::channel();
        // A sender that is gone ends it too.
        let attending = tokio::spawn(async move { vault.attend(async { drop(ending.await) }).await });
        Ok(Self { hooks: Arc::new(hooks), end, attending })
    }

    /// Ends what goes on beside requests.
    pub(crate) async fn stop(self) {
        drop(self.end);
        if let Err(fault) = self.attending.await {
            tracing::error!(%fault, "a loop of secrets ended badly");
        }
    }
}
