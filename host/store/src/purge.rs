//! Retention: what is over goes, in bounded transactions under the lease.
//!
//! It never removes an open run, what belongs to one, or what still has to leave the host.

use siyu_engine::ports::store::{MaintenanceReport, StoreError};
use siyu_model::clock::UtcMs;

use crate::commit::Writer;
use crate::database::{Args, Batch, Database};
use crate::decode::Fields;

/// Where purging goes on: each call looks at a bounded window of each table and the next call at the one after it, so
/// that rows which must stay are not looked at again and again.
#[derive(Debug, Clone, Default)]
pub(crate) struct Purging {
    runs: i64,
    events: i64,
    messages: i64,
    reservations: Vec<u8>,
}

/// One purge: who does it, what may go, and what is gone.
struct Purge<'p, D: Database> {
    database: &'p D,
    writer: &'p mut Writer<D>,
    before: i64,
    rows: i64,
    removed: u64,
    more: bool,
}

impl Purging {
    /// Removes what retention lets go, in one short transaction under the lease, and gives back what it took.
    pub(crate) async fn purge<D: Database>(
        &mut self,
        database: &D,
        writer: &mut Writer<D>,
        before: UtcMs,
        rows: usize,
    ) -> Result<MaintenanceReport, StoreError> {
        let lease = writer.lease(UtcMs::EPOCH, 0);
        database.begin(&mut writer.connection, lease).await.map_err(|fault| writer.fault(fault))?;
        let rows = i64::try_from(rows).unwrap_or(i64::MAX);
        let mut purge = Purge { database, writer, before: before.as_millis(), rows, removed: 0, more: false };
        purge.runs(self).await?;
        purge.events(self).await?;
        purge.messages(self).await?;
        purge.reservations(self).await?;
        let scans = Args::default().int(purge.before).int(purge.rows);
        let removed = purge.change(D::SQL.purge_scans, scans).await?;
        purge.add(removed, i64::try_from(removed).is_ok_and(|removed| removed >= rows));
        let Purge { removed: rows, more, .. } = purge;
        let wal_bytes = database.end(&mut writer.connection).await.map_err(|fault| writer.fault(fault))?;
        Ok(MaintenanceReport { rows, more, wal_bytes })
    }
}

impl<D: Database> Purge<'_, D> {
    async fn runs(&mut self, at: &mut Purging) -> Result<(), StoreError> {
        // Those that began after the instant have not ended before it.
        let Some(end) = self.old(D::SQL.purge_runs_window, at.runs).await? else {
            at.runs = 0;
            return Ok(());
        };
        let args = Args::default().int(at.runs).int(end).int(self.before);
        let picked = self.ask(D::SQL.purge_runs_pick, args).await?;
        let (mut runs, mut lines, mut next) = (Vec::new(), Vec::new(), end);
        for row in &picked {
            let mut row = Fields::of("runs", row);
            let (no, last, lines_before) = (row.int()?, row.opt_int()?, row.int()?);
            // Journals count too: the first run goes whatever it has, later ones only within the bound.
            if lines_before >= self.rows {
                next = no - 1;
                break;
            }
            runs.push(no);
            lines.extend(last);
        }
        let journal = Args::default().rows(D::Batch::numbers(lines).finish()?);
        let removed_lines = self.change(D::SQL.purge_journal, journal).await?;
        let runs = Args::default().rows(D::Batch::numbers(runs).finish()?);
        let removed = self.change(D::SQL.purge_runs, runs).await?;
        at.runs = next;
        self.add(removed + removed_lines, true);
        Ok(())
    }

    async fn events(&mut self, at: &mut Purging) -> Result<(), StoreError> {
        let Some(end) = self.old(D::SQL.purge_events_window, at.events).await? else {
            at.events = 0;
            return Ok(());
        };
        let args = Args::default().int(at.events).int(end).int(self.before);
        self.change(D::SQL.purge_event_matches, args.clone()).await?;
        let removed = self.change(D::SQL.purge_events, args).await?;
        at.events = end;
        self.add(removed, true);
        Ok(())
    }

    async fn messages(&mut self, at: &mut Purging) -> Result<(), StoreError> {
        let Some(end) = self.old(D::SQL.purge_messages_window, at.messages).await? else {
            at.messages = 0;
            return Ok(());
        };
        let args = Args::default().int(at.messages).int(end).int(self.before);
        let removed = self.change(D::SQL.purge_messages, args).await?;
        at.messages = end;
        self.add(removed, true);
        Ok(())
    }

    async fn reservations(&mut self, at: &mut Purging) -> Result<(), StoreError> {
        let window = Args::default().bytes(at.reservations.clone()).int(self.rows);
        let found = self.ask(D::SQL.purge_reservations_window, window).await?;
        let end = match found.first() {
            Some(row) => Fields::of("window", row).opt_bytes::<16>()?,
            None => None,
        };
        let Some(end) = end else {
            at.reservations.clear();
            return Ok(());
        };
        let from = std::mem::replace(&mut at.reservations, end.to_vec());
        let args = Args::default().bytes(from).bytes(end).int(self.before);
        let removed = self.change(D::SQL.purge_reservations, args).await?;
        self.add(removed, true);
        Ok(())
    }

    /// The end of a window of rows that are in the order of time; none when nothing is left, or nothing that is old.
    async fn old(&mut self, text: &'static str, from: i64) -> Result<Option<i64>, StoreError> {
        let found = self.ask(text, Args::default().int(from).int(self.rows)).await?;
        let Some(row) = found.first() else {
            return Ok(None);
        };
        let mut row = Fields::of("window", row);
        let (end, first_at) = (row.opt_int()?, row.opt_int()?);
        Ok(end.filter(|_| first_at.is_some_and(|at| at < self.before)))
    }

    async fn ask(&mut self, text: &'static str, args: Args) -> Result<Vec<D::Row>, StoreError> {
        let found = self.database.ask(&mut self.writer.connection, text, args).await;
        found.map_err(|fault| self.writer.fault(fault))
    }

    async fn change(&mut self, text: &'static str, args: Args) -> Result<u64, StoreError> {
        let changed = self.database.change(&mut self.writer.connection, text, args).await;
        changed.map_err(|fault| self.writer.fault(fault))
    }

    fn add(&mut self, rows: u64, more: bool) {
        self.removed += rows;
        self.more |= more;
    }
}
