//! A tenant's data as a thing that can be carried: to another database, into a file and out of it, and to people.
//!
//! Everything goes the same way: one snapshot is read table by table, a bounded batch at a time, into something that
//! nobody sees before it is whole and proved to hold the same rows. Nothing here deletes a tenant, overwrites one, or
//! knows what a row means.

mod backup;
mod cell;
mod copy;
mod export;
mod fault;
mod kept;
mod manifest;
mod mark;
mod moving;
mod proof;
mod tables;

#[cfg(test)]
mod tests;

use async_trait::async_trait;

pub use backup::{Backup, BackupRequest, Keep, Keeping, RestoreRequest, backup, look, restore};
pub use copy::Progress;
pub use export::{Exported, ExportedTable, export};
pub use fault::CarryError;
pub use kept::Kept;
pub use manifest::{CarriedFile, Manifest};
pub use mark::{Mark, MoveMark};
pub use moving::{MoveEnd, MoveRequest, Moved, cancel, move_tenant};
pub use proof::{Proof, Sum, TableProof};

pub(crate) use cell::{Cell, Row};
pub(crate) use copy::pour;
pub(crate) use manifest::FORM;
pub(crate) use mark::{ARRIVED, CARRIED, refuse, refuse_reading};
pub(crate) use moving::random_id;
pub(crate) use tables::{Column, Kind, Table, tables};

/// One view of a tenant, which does not change whatever is committed meanwhile.
#[async_trait]
pub(crate) trait Snapshot: Send {
    /// The version of its schema.
    fn version(&self) -> i64;

    /// A text of `meta`.
    async fn note(&mut self, name: &str) -> Result<Option<String>, CarryError>;

    /// The epoch of the lease.
    async fn epoch(&mut self) -> Result<i64, CarryError>;

    /// Reads a table in the order of its key, a bounded batch of rows at a time.
    async fn read(&mut self, table: &Table, sink: &mut dyn Sink) -> Result<(), CarryError>;

    /// Ends the view.
    async fn end(self: Box<Self>) -> Result<(), CarryError>;
}

/// What takes rows.
#[async_trait]
pub(crate) trait Sink: Send {
    /// Takes the next rows of a table.
    async fn take(&mut self, table: &Table, rows: Vec<Row>) -> Result<(), CarryError>;
}

/// A tenant that comes into being where nobody looks for tenants. It is gone when it is dropped.
#[async_trait]
pub(crate) trait Arrival: Sink {
    /// A view of what was written.
    async fn snapshot(&mut self) -> Result<Box<dyn Snapshot>, CarryError>;

    /// Ends the writing: the lease gets this epoch, `meta` these texts, and all of it is durable.
    async fn seal(&mut self, epoch: i64, notes: &[(&str, String)]) -> Result<(), CarryError>;

    /// Makes it the tenant, at once and for good; refused when there is one of that name.
    async fn publish(self: Box<Self>, as_what: Published<'_>) -> Result<(), CarryError>;

    /// Removes what was written. What cannot be removed now is removed by the next copy.
    async fn abandon(self: Box<Self>);
}

/// How a tenant is put in its place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Published<'p> {
    /// What an earlier move left behind under the name is kept under another one, which this text makes.
    pub(crate) aside: Option<&'p str>,
    /// Whether it goes by a virtual clock, so that no fleet executes it.
    pub(crate) is_virtual: bool,
}

/// The connection that changes who may write a tenant.
#[async_trait]
pub(crate) trait Desk: Send {
    /// Begins a transaction, raises the epoch of the lease, and gives it. Until the transaction ends, nobody else can take the
    /// lease, and whoever had it is fenced from then on.
    async fn begin(&mut self) -> Result<i64, CarryError>;

    /// A text of `meta`.
    async fn note(&mut self, name: &str) -> Result<Option<String>, CarryError>;

    /// Writes a text of `meta`, or removes it.
    async fn set_note(&mut self, name: &str, text: Option<&str>) -> Result<(), CarryError>;

    /// Makes the transaction durable.
    async fn commit(&mut self) -> Result<(), CarryError>;

    /// Ends the transaction, in which nothing was changed then.
    async fn roll_back(&mut self) -> Result<(), CarryError>;

    /// Closes the connection.
    async fn close(self: Box<Self>) -> Result<(), CarryError>;
}

/// Rows of a batch at most. The widest table has 21 columns.
pub(crate) const BATCH_ROWS_MAX: usize = 512;
/// Bytes of texts after which a batch ends.
pub(crate) const BATCH_BYTES: usize = 1 << 20;
