//! Why something cannot be read.

use siyu_engine::ports::inspect::InspectError;

/// Why something cannot be read.
#[derive(Debug, Clone, thiserror::Error)]
pub enum InsightError {
    /// The store could not answer.
    #[error(transparent)]
    Inspect(#[from] InspectError),
    /// No active playbook has this name.
    #[error("there is no active playbook `{found}`: {known}")]
    UnknownPlaybook {
        /// The name.
        found: String,
        /// Which there are.
        known: String,
    },
    /// The tenant's playbooks are in different time zones, so a calendar day is not the same for all.
    #[error(
        "the tenant's playbooks are in different time zones ({zones}): name the playbook whose days count"
    )]
    Zones {
        /// Playbooks with their zones.
        zones: String,
    },
    /// A published version is not what this host writes.
    #[error("playbook {name} version {version} cannot be read: {why}")]
    Playbook {
        /// Its name.
        name: String,
        /// Its version, shortened.
        version: String,
        /// Why.
        why: String,
    },
}
