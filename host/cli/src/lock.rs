//! Locks on files, which tell a second process before it takes a tenant from the first. What keeps two executors apart is
//! the lease in the database.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::Context;

use crate::fault::Fault;
use crate::home::Home;
use crate::tenants::Tenants;

/// Held while a tenant executes, or while a host serves all tenants of a folder.
pub(crate) struct Lock {
    _files: Vec<File>,
}

impl Lock {
    /// For one tenant: no other command executes it, and no host serves its folder.
    pub(crate) fn of_tenant(home: &Home) -> anyhow::Result<Self> {
        let folder = match home.kept() {
            Tenants::Files(..) => Some(take(&home.lock(), false, "a host serves this folder")?),
            Tenants::Database(_) => None,
        };
        let what = format!("tenant `{}` is being executed", home.tenant);
        let tenant = take(&home.beside("lock"), true, &what)?;
        Ok(Self { _files: folder.into_iter().chain([tenant]).flatten().collect() })
    }

    /// For a host: files have one; a database knows by itself who has which tenant.
    pub(crate) fn of_host(home: &Home) -> anyhow::Result<Self> {
        home.make()?;
        let folder = match home.kept() {
            Tenants::Files(..) => take(&home.lock(), true, "a tenant of this folder is being executed")?,
            Tenants::Database(_) => None,
        };
        Ok(Self { _files: folder.into_iter().collect() })
    }
}

/// Takes a lock, alone or with others of the same kind; none on a file system without locks.
fn take(path: &Path, is_alone: bool, what: &str) -> anyhow::Result<Option<File>> {
    let shown = || format!("{} cannot be written", path.display());
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    let mut file = options.open(path).with_context(shown)?;
    let locked = if is_alone { file.try_lock() } else { file.try_lock_shared() };
    match locked {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut process = String::new();
            let told = file.read_to_string(&mut process).is_ok() && !process.trim().is_empty();
            let by = if told { format!("process {}", process.trim()) } else { "another process".to_owned() };
            return Err(Fault::wrong(format!("{what} by {by}"))
                .help("wait until it ends, or stop it with Ctrl-C there: nothing is lost")
                .into());
        }
        Err(TryLockError::Error(fault)) => {
            tracing::warn!(%fault, "{} cannot be locked", path.display());
            return Ok(None);
        }
    }
    if is_alone {
        file.set_len(0).and_then(|()| file.rewind()).with_context(shown)?;
        writeln!(file, "{}", std::process::id()).with_context(shown)?;
    }
    Ok(Some(file))
}
