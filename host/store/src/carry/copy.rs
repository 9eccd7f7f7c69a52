//! From a snapshot into what takes rows, with the proof of what went by.
//!
//! It holds one batch in memory, whatever the size of the tenant.

use async_trait::async_trait;
use futures_util::{Stream, StreamExt as _};
use siyu_engine::ports::store::StoreError;

use super::proof::Tally;
use super::{
    Arrival, BATCH_BYTES, BATCH_ROWS_MAX, CarryError, Cell, Column, Proof, Row, Sink, Snapshot, Table, tables,
};

/// How far a copy has come.
#[derive(Debug, Clone, Copy)]
pub struct Progress<'a> {
    /// Which table.
    pub table: &'a str,
    /// Rows of it so far.
    pub rows: u64,
    /// Whether the copy is read again for the proof.
    pub is_check: bool,
}

/// Who is told.
pub(crate) type Watch<'w> = &'w (dyn Fn(Progress<'_>) + Sync);

/// Counts what goes by, and hands it on when there is somebody who takes it.
struct Counted<'c, 'w> {
    tally: Tally,
    at: usize,
    rows: u64,
    onward: Option<&'c mut dyn Arrival>,
    watch: Watch<'w>,
}

#[async_trait]
impl Sink for Counted<'_, '_> {
    async fn take(&mut self, table: &Table, rows: Vec<Row>) -> Result<(), CarryError> {
        self.tally.add(self.at, &rows);
        self.rows += rows.len() as u64;
        let progress = Progress { table: table.name, rows: self.rows, is_check: self.onward.is_none() };
        if let Some(onward) = &mut self.onward {
            onward.take(table, rows).await?;
        }
        (self.watch)(progress);
        Ok(())
    }
}

/// The tables of a snapshot.
pub(crate) fn of(snapshot: &dyn Snapshot) -> Result<&'static [Table], CarryError> {
    let version = snapshot.version();
    tables(version).ok_or_else(|| CarryError::Refused {
        what: format!("schema version {version}"),
        why: "is not known to this program: use a newer one".to_owned(),
    })
}

/// Copies everything; gives the proof of what was read.
pub(crate) async fn copy(
    from: &mut dyn Snapshot,
    to: &mut dyn Arrival,
    watch: Watch<'_>,
) -> Result<Proof, CarryError> {
    pass(from, Some(to), watch).await
}

/// Reads everything; gives the proof of it.
pub(crate) async fn prove(from: &mut dyn Snapshot, watch: Watch<'_>) -> Result<Proof, CarryError> {
    pass(from, None, watch).await
}

async fn pass(
    from: &mut dyn Snapshot,
    onward: Option<&mut dyn Arrival>,
    watch: Watch<'_>,
) -> Result<Proof, CarryError> {
    let tables = of(from)?;
    let tally = Tally::of(from.version(), tables);
    let mut counted = Counted { tally, at: 0, rows: 0, onward, watch };
    for (at, table) in tables.iter().enumerate() {
        (counted.at, counted.rows) = (at, 0);
        from.read(table, &mut counted).await?;
    }
    Ok(counted.tally.proof())
}

/// Copies everything, reads it again from where it was written, and compares; gives the proof, which holds for both.
pub(crate) async fn fill(
    from: &mut dyn Snapshot,
    to: &mut dyn Arrival,
    watch: Watch<'_>,
) -> Result<Proof, CarryError> {
    let expected = copy(from, to, watch).await?;
    let mut written = to.snapshot().await?;
    let found = prove(&mut *written, watch).await;
    written.end().await?;
    found?.must_be(&expected)?;
    Ok(expected)
}

/// Hands the rows of an answer on, a batch at a time.
pub(crate) async fn pour<R>(
    mut answer: impl Stream<Item = Result<R, sqlx::Error>> + Unpin + Send,
    table: &Table,
    place: &str,
    cell: impl Fn(&R, usize, &Column) -> Result<Cell, String> + Send + Sync,
    sink: &mut dyn Sink,
) -> Result<(), CarryError> {
    let (mut batch, mut bytes) = (Vec::new(), 0);
    while let Some(found) = answer.next().await {
        let found = found.map_err(CarryError::database(place))?;
        let mut row = Vec::with_capacity(table.columns.len());
        for (at, column) in table.columns.iter().enumerate() {
            let cell = cell(&found, at, column).map_err(|why| {
                let what = format!("{place}: table {}, column {}: {why}", table.name, column.name);
                CarryError::Store(StoreError::Broken(what))
            })?;
            bytes += cell.size();
            row.push(cell);
        }
        // The database's own row may hold a connection's buffer; it is not kept over a wait.
        drop(found);
        batch.push(row);
        if batch.len() >= BATCH_ROWS_MAX || bytes >= BATCH_BYTES {
            sink.take(table, std::mem::take(&mut batch)).await?;
            bytes = 0;
        }
    }
    if batch.is_empty() { Ok(()) } else { sink.take(table, batch).await }
}
