//! The writer: a write set becomes one transaction of a few texts, each a trip to the connection's thread.
//!
//! It decides nothing: a row that breaks a constraint breaks the whole commit. After any fault the writer is thrown
//! away, because a commit that failed may still be in the file.

use siyu_engine::ports::rows::WriteSet;
use siyu_engine::ports::store::StoreError;
use siyu_model::clock::UtcMs;
use siyu_model::id::RunId;
use siyu_model::name::TenantName;
use siyu_model::run::Run;
use sqlx::Row as _;
use sqlx::sqlite::SqliteConnection;

use super::connect::{Args, Results, failed, rows, run};
use super::journal::{self, Chained, Heads, Sorted};
use super::jsonb::Batch;
use super::{encode, statements};

/// The name of the check that a stale lease breaks.
const FENCE: &str = "writer_has_the_lease";

/// The one connection that writes, with what it remembers of journals.
pub(super) struct Writer {
    pub(super) connection: SqliteConnection,
    pub(super) tenant: TenantName,
    pub(super) epoch: u64,
    heads: Heads,
    /// The place of the next journal line.
    next_line: i64,
}

impl Writer {
    pub(super) fn new(connection: SqliteConnection, tenant: TenantName, epoch: u64, last_line: i64) -> Self {
        Self { connection, tenant, epoch, heads: Heads::default(), next_line: last_line + 1 }
    }

    /// Commits a write set; gives the length of the write-ahead log in pages.
    pub(super) async fn commit(&mut self, writes: &WriteSet) -> Result<u64, StoreError> {
        self.recall(writes).await?;
        let mut chained = journal::chain(&writes.journal, &self.heads, self.next_line)?;
        let sorted = journal::sort(&writes.runs, &self.heads)?;
        let steps = self.steps(writes, &mut chained, &sorted)?;
        let stock = stock(writes)?;
        let published = published(writes, &chained)?;
        let results = if stock.is_none() && published.is_none() {
            self.run(statements::STEPS_AND_COMMIT, steps).await?
        } else {
            self.run(statements::STEPS, steps).await?;
            if let Some(args) = stock {
                self.run(statements::STOCK, args).await?;
            }
            if let Some(args) = published {
                self.run(statements::PUBLISHED, args).await?;
            }
            self.run(statements::COMMIT_AND_FRAMES, Args::default()).await?
        };
        self.next_line = chained.next;
        self.heads.remember(&writes.runs, chained.ends, sorted.known);
        Ok(frames(&results))
    }

    /// The check of the lease and one batch a table, in the order of the text.
    fn steps(
        &self,
        writes: &WriteSet,
        chained: &mut Chained,
        sorted: &Sorted<'_>,
    ) -> Result<Args, StoreError> {
        let last_seq = writes.events.iter().map(|event| event.seq.0).max().unwrap_or(0);
        let mut args = self.lease(writes.at, last_seq);
        let identities = Batch::of(&writes.identities, |(identity, customer), row| {
            row.text(&identity.namespace).text(&identity.value).bytes(customer.as_bytes());
        });
        let timers_over = Batch::of(&writes.timers_over, |(due_at, id), row| {
            row.int(due_at.as_millis()).bytes(id.as_bytes());
        });
        let records = writes.records.iter().filter_map(|(key, body)| Some((key, body.as_ref()?)));
        let last = |run: &Run| chained.ends.get(&run.id).copied();
        let batches = [
            Batch::keys(writes.waits_over.iter().map(|id| &id.as_bytes()[..])),
            timers_over,
            encode::customers(&writes.customers),
            identities,
            encode::events(&writes.events),
            encode::event_matches(&writes.events),
            encode::facts(&writes.facts),
            encode::runs(&sorted.whole, last)?,
            encode::going_on(&sorted.going_on, last)?,
        ];
        for batch in batches {
            args = args.bytes(batch.finish()?);
        }
        args = args.bytes(std::mem::take(&mut chained.lines).finish()?);
        let batches = [
            encode::entries(&writes.entries),
            encode::waits(&writes.waits)?,
            encode::timers(&writes.timers)?,
            Batch::of(records, |(key, body), row| {
                encode::record_key(key, row).text(body);
            }),
            encode::messages(&writes.messages),
        ];
        for batch in batches {
            args = args.bytes(batch.finish()?);
        }
        Ok(args)
    }

    /// The parameters of the check of the lease.
    pub(super) fn lease(&self, at: UtcMs, last_seq: u64) -> Args {
        Args::default()
            .int(i64::try_from(self.epoch).unwrap_or(i64::MAX))
            .int(at.as_millis())
            .int(i64::try_from(last_seq).unwrap_or(i64::MAX))
    }

    /// Runs a text inside the transaction.
    pub(super) async fn run(&mut self, text: &'static str, args: Args) -> Result<Results, StoreError> {
        run(&mut self.connection, text, args).await.map_err(|fault| self.fault(fault))
    }

    fn fault(&self, fault: sqlx::Error) -> StoreError {
        let is_fence = fault.as_database_error().is_some_and(|fault| fault.message().contains(FENCE));
        if is_fence {
            StoreError::Fenced { tenant: self.tenant.clone(), epoch: self.epoch }
        } else {
            failed(&format!("tenant {}", self.tenant), fault)
        }
    }

    /// Asks where the journals end that this writer does not remember.
    async fn recall(&mut self, writes: &WriteSet) -> Result<(), StoreError> {
        let unknown = journal::unknown(writes, &self.heads);
        if unknown.is_empty() {
            return Ok(());
        }
        let keys = Batch::keys(unknown.iter().map(|id| &id.as_bytes()[..])).finish()?;
        let found = rows(&mut self.connection, statements::JOURNAL_HEADS, Args::default().bytes(keys))
            .await
            .map_err(|fault| self.fault(fault))?;
        let mut known = std::collections::HashSet::new();
        for row in &found {
            let mut fields = super::decode::Fields::of("runs", row);
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

/// The length of the write-ahead log in pages, as the last statement of a commit says it.
pub(super) fn frames(results: &Results) -> u64 {
    results
        .last()
        .and_then(|rows| rows.first())
        .and_then(|row| row.try_get::<i64, _>(1).ok())
        .and_then(|frames| u64::try_from(frames).ok())
        .unwrap_or(0)
}

/// Marks, plans, stock and codes; none when nothing of them changed.
fn stock(writes: &WriteSet) -> Result<Option<Args>, StoreError> {
    let tags_over = writes.tags.iter().filter(|tag| tag.mark.is_none());
    let planned = writes.planned.iter().filter_map(|row| Some((row, row.event.as_ref()?)));
    let planned_over = writes.planned.iter().filter(|row| row.event.is_none());
    let records_over = writes.records.iter().filter(|(_, body)| body.is_none());
    group([
        encode::tags(&writes.tags),
        Batch::of(tags_over, |tag, row| {
            row.bytes(tag.customer.as_bytes()).text(tag.tag.as_str());
        }),
        encode::segments(&writes.segments),
        Batch::of(planned, |(plan, event), row| {
            row.text(plan.plugin.as_str())
                .text(plan.key.as_str())
                .int(event.due_at.as_millis())
                .text(event.event_type.as_str())
                .opt_bytes(event.customer.as_ref().map(|id| &id.as_bytes()[..]))
                .text(&event.data)
                .int(event.depth.into());
        }),
        Batch::of(planned_over, |plan, row| {
            row.text(plan.plugin.as_str()).text(plan.key.as_str());
        }),
        Batch::of(records_over, |(key, _), row| {
            encode::record_key(key, row);
        }),
        encode::pools(&writes.pools),
        encode::reservations(&writes.reservations)?,
        encode::counters(&writes.counters),
        encode::codes(&writes.codes),
    ])
}

/// What publishing, schedules and scans change, and ends of journals whose runs did not change; none when nothing did.
fn published(writes: &WriteSet, chained: &Chained) -> Result<Option<Args>, StoreError> {
    let changed: std::collections::HashSet<RunId> = match writes.journal.is_empty() {
        true => Default::default(),
        false => writes.runs.iter().map(|run| run.id).collect(),
    };
    let alone = chained.ends.iter().filter(|(run, _)| !changed.contains(run));
    let resources_over = writes.resources.iter().filter(|row| row.body.is_none());
    group([
        encode::playbooks(&writes.playbooks)?,
        Batch::of(resources_over, |resource, row| {
            row.text(resource.plugin.as_str()).text(resource.kind.as_str()).text(resource.name.as_str());
        }),
        encode::resources(&writes.resources)?,
        encode::schedules(&writes.schedules),
        encode::scans(&writes.scans)?,
        Batch::of(&writes.feeds, |(name, events), row| {
            row.text(name).count(*events);
        }),
        Batch::of(alone, |(run, place), row| {
            row.bytes(run.as_bytes()).int(*place);
        }),
    ])
}

/// One parameter a statement, unless all are empty.
fn group<const N: usize>(batches: [Batch; N]) -> Result<Option<Args>, StoreError> {
    if batches.iter().all(Batch::is_empty) {
        return Ok(None);
    }
    let mut args = Args::default();
    for batch in batches {
        args = args.bytes(batch.finish()?);
    }
    Ok(Some(args))
}
