//! The port to the plugins of a host: what playbooks are checked with before they are published.
//!
//! It publishes nothing: the host does.

use async_trait::async_trait;
use siyu_model::playbook::Playbook;
use siyu_publishing::Checked;
use siyu_workflow::Bundle;

/// Why a playbook cannot be checked or published on this host now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WorkshopError {
    /// Plugins that the playbook names are here, and cannot be loaded.
    #[error("{} cannot be loaded on this host: whoever runs it must pack it again", plugins.join(", "))]
    Broken {
        /// Their names.
        plugins: Vec<String>,
    },
    /// The plugins cannot be kept; why is in the log.
    #[error("the plugins of the playbook cannot be kept now")]
    Failed,
}

/// The plugins that a host has.
#[async_trait]
pub trait Workshop: Send + Sync {
    /// Checks files with the plugins that are installed now, as `siyu validate` does.
    async fn check(&self, bundle: Bundle) -> Result<Checked, WorkshopError>;

    /// Keeps the plugins of a checked playbook for its runs, on all hosts that share tenants with this one.
    async fn keep(&self, playbook: &Playbook) -> Result<(), WorkshopError>;
}
