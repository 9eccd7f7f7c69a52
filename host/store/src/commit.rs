//! The writer: a write set becomes one transaction under the lease, a batch of rows a table.
//!
//! It decides nothing: a row that breaks a constraint breaks the whole commit. After any fault the writer is thrown
//! away, because a commit that failed may still be in the database.

use std::collections::HashSet;

use siyu_engine::ports::rows::WriteSet;
use siyu_engine::ports::store::StoreError;
use siyu_model::clock::UtcMs;
use siyu_model::id::RunId;
use siyu_model::name::TenantName;
use siyu_model::run::Run;

use crate::database::{Args, Batch, Database, Rows, failed};
use crate::decode::Fields;
use crate::encode;
use crate::journal::{self, Chained, Heads, Sorted};

/// The name of the check that a stale lease breaks.
const FENCE: &str = "writer_has_the_lease";

/// The one connection that writes, with what it remembers of journals.
pub(crate) struct Writer<D: Database> {
    pub(crate) connection: D::Connection,
    tenant: TenantName,
    epoch: u64,
    heads: Heads,
    /// The place of the next journal line.
    next_line: i64,
}

/// The rows of a write set, a batch a statement, in the order in which they are written.
pub(crate) struct Batches {
    /// The tables that almost every commit changes.
    pub(crate) steps: [Rows; 15],
    /// Marks, plans, stock, accounts and codes.
    pub(crate) stock: [Rows; 12],
    /// What publishing, schedules and scans change, and ends of journals whose runs did not change.
    pub(crate) published: [Rows; 7],
}

impl<D: Database> Writer<D> {
    /// The writer of the executor that took the lease with this epoch.
    pub(crate) fn new(connection: D::Connection, tenant: TenantName, epoch: u64, last_line: i64) -> Self {
        Self { connection, tenant, epoch, heads: Heads::default(), next_line: last_line + 1 }
    }

    /// Commits a write set.
    pub(crate) async fn commit(&mut self, database: &D, writes: &WriteSet) -> Result<(), StoreError> {
        self.recall(database, writes).await?;
        let chained = journal::chain(&writes.journal, &self.heads, self.next_line)?;
        let sorted = journal::sort(&writes.runs, &self.heads)?;
        let Chained { lines, ends, next } = chained;
        let last = |run: &Run| ends.get(&run.id).copied();
        let batches = Batches {
            steps: steps::<D::Batch>(writes, lines, &sorted, last)?,
            stock: stock::<D::Batch>(writes)?,
            published: published::<D::Batch>(writes, &ends)?,
        };
        let last_seq = writes.events.iter().map(|event| event.seq.0).max().unwrap_or(0);
        let lease = self.lease(writes.at, last_seq);
        database.commit(&mut self.connection, lease, batches).await.map_err(|fault| self.fault(fault))?;
        self.next_line = next;
        self.heads.remember(&writes.runs, ends, sorted.known);
        Ok(())
    }

    /// The parameters of the check of the lease.
    pub(crate) fn lease(&self, at: UtcMs, last_seq: u64) -> Args {
        Args::default().count(self.epoch).int(at.as_millis()).count(last_seq)
    }

    /// What a database said of this writer's work, as the port says it.
    pub(crate) fn fault(&self, fault: sqlx::Error) -> StoreError {
        let is_fence = fault.as_database_error().is_some_and(|fault| fault.message().contains(FENCE));
        if is_fence {
            StoreError::Fenced { tenant: self.tenant.clone(), epoch: self.epoch }
        } else {
            failed(&format!("tenant {}", self.tenant), fault)
        }
    }

    /// Asks where the journals end that this writer does not remember.
    async fn recall(&mut self, database: &D, writes: &WriteSet) -> Result<(), StoreError> {
        let unknown = journal::unknown(writes, &self.heads);
        if unknown.is_empty() {
            return Ok(());
        }
        let keys = D::Batch::keys(unknown.iter().map(|id| &id.as_bytes()[..])).finish()?;
        let found = database
            .ask(&mut self.connection, D::SQL.journal_heads, Args::default().rows(keys))
            .await
            .map_err(|fault| self.fault(fault))?;
        let mut known = HashSet::new();
        for row in &found {
            let mut fields = Fields::of("runs", row);
            let id = RunId::from_bytes(fields.bytes()?);
            known.insert(id);
            if let Some(last) = fields.opt_int()? {
                self.heads.put_last(id, last);
            }
        }
        let changed = |id: &RunId| writes.runs.iter().any(|run| run.id == *id);
        match unknown.iter().find(|id| !known.contains(*id) && !changed(id)) {
            Some(id) => Err(StoreError::Broken(format!("a journal line of run {id}, which is not there"))),
            None => Ok(()),
        }
    }
}

/// Waits, timers, customers, events, runs, journals, documents and messages.
fn steps<B: Batch>(
    writes: &WriteSet,
    lines: B,
    sorted: &Sorted<'_>,
    last: impl Fn(&Run) -> Option<i64> + Copy,
) -> Result<[Rows; 15], StoreError> {
    let identities = B::of("identities", &writes.identities, |(identity, customer), row| {
        row.text(&identity.namespace).text(&identity.value).bytes(customer.as_bytes());
    });
    let timers_over = B::of("timer_key", &writes.timers_over, |(due_at, id), row| {
        row.int(due_at.as_millis()).bytes(id.as_bytes());
    });
    let records = writes.records.iter().filter_map(|(key, body)| Some((key, body.as_ref()?)));
    let records = B::of("records", records, |(key, body), row| {
        encode::record_key(key, row).text(body);
    });
    Ok([
        B::keys(writes.waits_over.iter().map(|id| &id.as_bytes()[..])).finish()?,
        timers_over.finish()?,
        encode::customers::<B>(&writes.customers).finish()?,
        identities.finish()?,
        encode::events::<B>(&writes.events).finish()?,
        encode::event_matches::<B>(&writes.events).finish()?,
        encode::facts::<B>(&writes.facts).finish()?,
        encode::runs::<B>(&sorted.whole, last)?.finish()?,
        encode::going_on::<B>(&sorted.going_on, last)?.finish()?,
        lines.finish()?,
        encode::entries::<B>(&writes.entries).finish()?,
        encode::waits::<B>(&writes.waits)?.finish()?,
        encode::timers::<B>(&writes.timers)?.finish()?,
        records.finish()?,
        encode::messages::<B>(&writes.messages).finish()?,
    ])
}

/// Marks, plans, stock, accounts and codes.
fn stock<B: Batch>(writes: &WriteSet) -> Result<[Rows; 12], StoreError> {
    let tags_over = writes.tags.iter().filter(|tag| tag.mark.is_none());
    let tags_over = B::of("tag_key", tags_over, |tag, row| {
        row.bytes(tag.customer.as_bytes()).text(tag.tag.as_str());
    });
    let planned_over = writes.planned.iter().filter(|row| row.event.is_none());
    let planned_over = B::of("text_pair", planned_over, |plan, row| {
        row.text(plan.plugin.as_str()).text(plan.key.as_str());
    });
    let records_over = writes.records.iter().filter(|(_, body)| body.is_none());
    let records_over = B::of("record_key", records_over, |(key, _), row| {
        encode::record_key(key, row);
    });
    Ok([
        encode::tags::<B>(&writes.tags).finish()?,
        tags_over.finish()?,
        encode::segments::<B>(&writes.segments).finish()?,
        encode::planned::<B>(&writes.planned).finish()?,
        planned_over.finish()?,
        records_over.finish()?,
        encode::pools::<B>(&writes.pools).finish()?,
        encode::reservations::<B>(&writes.reservations)?.finish()?,
        encode::counters::<B>(&writes.counters).finish()?,
        encode::accounts::<B>(&writes.accounts).finish()?,
        encode::ledger::<B>(&writes.ledger).finish()?,
        encode::codes::<B>(&writes.codes).finish()?,
    ])
}

/// What publishing, schedules and scans change, and ends of journals whose runs did not change.
fn published<B: Batch>(
    writes: &WriteSet,
    ends: &std::collections::HashMap<RunId, i64>,
) -> Result<[Rows; 7], StoreError> {
    let changed: HashSet<RunId> = match writes.journal.is_empty() {
        true => HashSet::new(),
        false => writes.runs.iter().map(|run| run.id).collect(),
    };
    let alone = ends.iter().filter(|(run, _)| !changed.contains(run));
    let alone = B::of("journal_head", alone, |(run, place), row| {
        row.bytes(run.as_bytes()).int(*place);
    });
    let resources_over = writes.resources.iter().filter(|row| row.body.is_none());
    let resources_over = B::of("resource_key", resources_over, |resource, row| {
        row.text(resource.plugin.as_str()).text(resource.kind.as_str()).text(resource.name.as_str());
    });
    let feeds = B::of("feeds", &writes.feeds, |(name, events), row| {
        row.text(name).count(*events);
    });
    Ok([
        encode::playbooks::<B>(&writes.playbooks)?.finish()?,
        resources_over.finish()?,
        encode::resources::<B>(&writes.resources)?.finish()?,
        encode::schedules::<B>(&writes.schedules).finish()?,
        encode::scans::<B>(&writes.scans)?.finish()?,
        feeds.finish()?,
        alone.finish()?,
    ])
}
