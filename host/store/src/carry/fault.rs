//! Why a tenant was not carried.

use std::path::{Path, PathBuf};

use siyu_engine::ports::store::StoreError;
use siyu_model::name::TenantName;

/// Why a tenant was not carried. Whatever it is, the tenant is as whole as before.
#[derive(Debug, thiserror::Error)]
pub enum CarryError {
    /// A database did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no such tenant.
    #[error("there is no tenant {tenant} in {place}")]
    Absent {
        /// Which.
        tenant: TenantName,
        /// Where it was looked for.
        place: String,
    },
    /// Something is there already.
    #[error("{what} is there already: nothing is overwritten")]
    Exists {
        /// What, and where.
        what: String,
    },
    /// The tenant is in a state in which this cannot be done.
    #[error("{what} {why}")]
    Refused {
        /// Which tenant, and where.
        what: String,
        /// Why not.
        why: String,
    },
    /// Another process is at it.
    #[error("another process is copying into {place} right now")]
    Busy {
        /// Where to.
        place: String,
    },
    /// A file is no backup, or a damaged one.
    #[error("{} is no whole backup: {why}", file.display())]
    Damaged {
        /// Which file.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// What was written is not what was read.
    #[error("the copy is not the same: {what}")]
    Differs {
        /// The first difference: where, what was found, what was expected.
        what: String,
    },
    /// A file or folder could not be read or written.
    #[error("{}: {fault}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        fault: std::io::Error,
    },
}

impl CarryError {
    /// What the system said of a path.
    pub(crate) fn file(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        |fault| Self::File { path, fault }
    }

    /// What a database said.
    pub(crate) fn database(what: &str) -> impl Fn(sqlx::Error) -> Self {
        move |fault| Self::Store(crate::database::failed(what, fault))
    }
}
