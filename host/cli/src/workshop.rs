//! The plugins of a host that serves: what playbooks that come over HTTP are checked with, and kept for their runs.

use std::sync::Arc;

use async_trait::async_trait;
use siyu_api::{Workshop, WorkshopError};
use siyu_model::playbook::Playbook;
use siyu_publishing::Checked;
use siyu_store::PgFleet;
use siyu_workflow::Bundle;

use crate::components;
use crate::home::Home;
use crate::plugins::Installed;

/// The plugin folder of this host, and where plugins of published versions are kept.
pub(crate) struct Bench {
    home: Home,
    installed: Arc<Installed>,
    /// What hosts of a database share.
    fleet: Option<Arc<PgFleet>>,
}

impl Bench {
    pub(crate) fn new(home: &Home, installed: Arc<Installed>, fleet: Option<Arc<PgFleet>>) -> Self {
        Self { home: home.clone(), installed, fleet }
    }
}

/// The log says why; whoever asked is not told about this machine.
fn failed(why: impl std::fmt::Display) -> WorkshopError {
    tracing::error!(%why, "plugins of a playbook cannot be kept");
    WorkshopError::Failed
}

#[async_trait]
impl Workshop for Bench {
    async fn check(&self, bundle: Bundle) -> Result<Checked, WorkshopError> {
        let installed = self.installed.anew();
        let work = tokio::task::spawn_blocking(move || {
            let checked = siyu_publishing::check(bundle, &installed, &*installed.runtime);
            (checked, installed.faults())
        });
        let (checked, faults) = work.await.map_err(failed)?;
        if faults.is_empty() {
            return Ok(checked);
        }
        for (plugin, why) in &faults {
            tracing::warn!(%plugin, %why, "a plugin that a playbook names cannot be loaded");
        }
        Err(WorkshopError::Broken { plugins: faults.into_iter().map(|(name, _)| name).collect() })
    }

    async fn keep(&self, playbook: &Playbook) -> Result<(), WorkshopError> {
        let (home, installed, kept) = (self.home.clone(), self.installed.clone(), playbook.clone());
        let work = tokio::task::spawn_blocking(move || components::keep(&home, &installed, &kept));
        work.await.map_err(failed)?.map_err(|why| failed(format!("{why:#}")))?;
        match &self.fleet {
            Some(fleet) => {
                components::share(&self.home, fleet, playbook).await.map_err(|why| failed(format!("{why:#}")))
            }
            None => Ok(()),
        }
    }
}
