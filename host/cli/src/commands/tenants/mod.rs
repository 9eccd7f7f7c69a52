//! `siyu tenants …`: which tenants there are, and their data as a thing that can be carried.
//!
//! What is done to the data is the store's; here are its words, and what of a tenant lies beside its database.

mod backup;
mod beside;
mod export;
mod list;
mod moving;
mod proof;
mod restore;

use std::sync::Mutex;

use clap::Subcommand;
use indicatif::ProgressBar;
use siyu_model::name::TenantName;
use siyu_store::carry::{CarryError, Kept, Progress};

use crate::fault::Fault;
use crate::output::Screen;
use crate::session::{Exit, Session};
use crate::tenants::{DatabaseUrl, Tenants as Where};

/// What can be done with tenants.
#[derive(Subcommand)]
pub(crate) enum Tenants {
    /// List the tenants of this place
    List,
    /// Show a tenant: where it is, what it holds, where it came from
    Show(list::Show),
    /// Move a tenant to another data folder or database, and prove that nothing changed
    Move(moving::Options),
    /// Write a tenant into one file, as it is at this moment; a host may execute it meanwhile
    Backup(backup::Options),
    /// Make a backup a tenant
    Restore(restore::Options),
    /// Write a tenant's data for people: a folder of files, one JSON object a line
    Export(export::Options),
}

pub(crate) fn run(command: &Tenants, session: &Session) -> anyhow::Result<Exit> {
    match command {
        Tenants::List => list::list(session),
        Tenants::Show(options) => list::show(options, session),
        Tenants::Move(options) => moving::run(options, session),
        Tenants::Backup(options) => backup::run(options, session),
        Tenants::Restore(options) => restore::run(options, session),
        Tenants::Export(options) => export::run(options, session),
    }
}

/// Another place where tenants can be.
#[derive(Debug, Clone)]
pub(super) enum Target {
    /// A data folder.
    Folder(std::path::PathBuf),
    /// A Postgres database.
    Database(DatabaseUrl),
}

impl std::str::FromStr for Target {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if !text.contains("://") {
            return Ok(Self::Folder(text.into()));
        }
        let Ok(url) = text.parse::<DatabaseUrl>();
        Ok(Self::Database(url))
    }
}

/// An error of carrying as the user is told.
fn told(fault: CarryError) -> anyhow::Error {
    let told = match &fault {
        CarryError::Absent { .. } => {
            Fault::wrong(fault.to_string()).help("`siyu tenants list` says which there are")
        }
        CarryError::Exists { .. } => Fault::wrong(fault.to_string())
            .help("name another place or another name, or move what is there away yourself"),
        CarryError::Busy { .. } => Fault::wrong(fault.to_string()).help("wait until it ends"),
        CarryError::Damaged { .. } => {
            Fault::failed(fault.to_string()).help("nothing was made of it: take another backup")
        }
        CarryError::Differs { .. } => Fault::failed(fault.to_string())
            .help("nothing was changed: look at the disk and the memory of both machines"),
        CarryError::Refused { .. } | CarryError::File { .. } => Fault::wrong(fault.to_string()),
        CarryError::Store(_) => return fault.into(),
    };
    told.into()
}

/// Shows how far a copy is: rows of all tables.
struct Watched {
    bar: ProgressBar,
    /// The table, and how many of its rows were told.
    last: Mutex<(String, u64)>,
}

impl Watched {
    /// Of so many rows.
    fn new(screen: &Screen, rows: u64) -> Self {
        Self { bar: screen.progress(rows, "rows"), last: Mutex::default() }
    }

    fn tell(&self, progress: Progress<'_>) {
        let Ok(mut last) = self.last.lock() else { return };
        if last.0 != progress.table || progress.rows < last.1 {
            *last = (progress.table.to_owned(), 0);
        }
        self.bar.inc(progress.rows - last.1);
        last.1 = progress.rows;
        let doing = if progress.is_check { "checking" } else { "copying" };
        self.bar.set_message(format!("{doing} {}", progress.table));
    }

    fn end(&self) {
        self.bar.finish_and_clear();
    }
}

/// Rows of a tenant, for a progress bar; 0 when it cannot be read.
async fn rows(place: &Where, tenant: &TenantName) -> u64 {
    let Ok(inspect) = place.inspect(tenant).await else { return 0 };
    inspect.size().await.map_or(0, |size| size.rows.iter().map(|(_, rows)| rows).sum())
}

/// That a tenant is in a place, before anything is made for it.
async fn must_be_there(place: &Kept, tenant: &TenantName) -> anyhow::Result<()> {
    if place.has(tenant).await? {
        return Ok(());
    }
    Err(told(CarryError::Absent { tenant: tenant.clone(), place: place.words() }))
}
