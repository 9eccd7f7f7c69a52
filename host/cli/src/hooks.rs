//! Webhooks in, wired: sources from `sources.toml`, secrets of tenants, plugins in their sandbox.

use std::sync::Arc;

use anyhow::Context;
use siyu_engine::hooks::{HookPorts, Hooks};
use siyu_engine::host::Host;
use siyu_engine::ports::clock::SystemClock;
use siyu_engine::ports::secrets::Vault;

use crate::plugins::Installed;
use crate::sources::Configured;

/// What takes webhooks in, from the sources that are configured.
pub(crate) fn hooks(
    sources: Configured,
    installed: &Installed,
    host: Arc<Host>,
    vault: Arc<dyn Vault>,
) -> anyhow::Result<Arc<Hooks>> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).context("there are no random bytes")?;
    Ok(Arc::new(Hooks::new(HookPorts {
        host,
        plugins: installed.runtime.clone(),
        sources: Arc::new(sources),
        vault,
        clock: Arc::new(SystemClock),
        seed,
    })))
}
