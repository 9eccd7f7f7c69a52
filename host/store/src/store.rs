//! One tenant as its executor sees it: the `Store` port on one writer and a few readers.
//!
//! Reads never wait for the writer. A writer that failed, or whose commit was given up half-way, is gone: everything
//! that writes is refused until the tenant is opened again, because what failed may be in the database all the same.

use async_trait::async_trait;
use siyu_engine::ports::rows::{EventRow, PlaybookRow, TimerRow, WriteSet};
use siyu_engine::ports::store::{
    EventWindow, EventsSince, KeyTable, Loaded, Maintenance, MaintenanceReport, RecordRange, SlotQuery,
    Store, StoreError, StoredKey, TenantImage, Unfinished, Wants, Whose,
};
use siyu_model::clock::UtcMs;
use siyu_model::digest::PlaybookDigest;
use siyu_model::event::EventSeq;
use siyu_model::expr::Windowed;
use siyu_model::id::{CustomerId, MessageId, RunId, TimerId};
use siyu_model::message::Message;
use siyu_model::name::{EventType, Key, PlaybookName};
use sqlx::Connection;
use tokio::sync::Mutex;

use crate::commit::Writer;
use crate::database::{Args, Batch, Database};
use crate::decode::{Fields, all};
use crate::purge::Purging;
use crate::{erase, keys, load};

/// A tenant, opened by the executor that has its lease.
pub(crate) struct TenantStore<D: Database> {
    database: D,
    /// None after a fault: see the module.
    writer: Mutex<Option<Writer<D>>>,
    purging: Mutex<Purging>,
}

impl<D: Database> TenantStore<D> {
    pub(crate) fn new(database: D, writer: Writer<D>) -> Self {
        Self { database, writer: Mutex::new(Some(writer)), purging: Mutex::default() }
    }

    async fn checkpoint(&self) -> Result<MaintenanceReport, StoreError> {
        let beside = self.database.checkpoint_beside().await;
        if beside.is_err()
            && let Some(writer) = self.writer.lock().await.take()
        {
            // What it had moved already need not be on the disk, and it would not be moved again.
            discard(writer).await;
        }
        let (beside, is_left) = beside?;
        if !is_left {
            return Ok(beside);
        }
        let mut slot = self.writer.lock().await;
        let mut writer = slot.take().ok_or_else(gone)?;
        let own = self.database.checkpoint(&mut writer.connection).await?;
        *slot = Some(writer);
        Ok(own)
    }

    async fn purge(&self, before: UtcMs, rows: usize) -> Result<MaintenanceReport, StoreError> {
        let mut slot = self.writer.lock().await;
        let mut writer = slot.take().ok_or_else(gone)?;
        let mut purging = self.purging.lock().await;
        // Where it goes on changes only when the transaction is in the database.
        let mut next = purging.clone();
        let report = next.purge(&self.database, &mut writer, before, rows).await?;
        *purging = next;
        *slot = Some(writer);
        Ok(report)
    }
}

/// Random bytes: a secret for a tenant that may be new, the id of a host.
pub(crate) fn random_bytes<const N: usize>(place: &str) -> Result<[u8; N], StoreError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|fault| StoreError::Database(format!("{place}: no random bytes: {fault}")))?;
    Ok(bytes)
}

/// Ends a writer that failed, while readers are still there: who ends last tidies up, and must not after a fault.
async fn discard<D: Database>(writer: Writer<D>) {
    if let Err(fault) = writer.connection.close_hard().await {
        tracing::warn!(%fault, "the writer did not close cleanly");
    }
}

/// The answer to everything that writes after a fault.
fn gone() -> StoreError {
    StoreError::Database("the store is closed or an earlier commit failed: open the tenant again".to_owned())
}

#[async_trait]
impl<D: Database> Store for TenantStore<D> {
    async fn commit(&self, writes: WriteSet) -> Result<(), StoreError> {
        let mut slot = self.writer.lock().await;
        let mut writer = slot.take().ok_or_else(gone)?;
        if let Err(fault) = writer.commit(&self.database, &writes).await {
            discard(writer).await;
            return Err(fault);
        }
        *slot = Some(writer);
        Ok(())
    }

    async fn load_tenant(&self) -> Result<TenantImage, StoreError> {
        let sql = D::SQL;
        let questions = [
            sql.lease_image,
            sql.secret,
            sql.image_playbooks,
            sql.image_resources,
            sql.image_schedules,
            sql.image_scans,
            sql.image_feeds,
            sql.image_customers,
        ];
        let questions = questions.map(|text| (text, Args::default())).into();
        let answers = self.database.view(questions).await?;
        let [lease, secret, playbooks, resources, schedules, scans, feeds, customers] = answers.as_slice()
        else {
            return Err(StoreError::Broken("the image of a tenant is not whole".to_owned()));
        };
        let mut lease = all("lease", lease, |row| Ok((row.at()?, row.seq()?)))?;
        let mut secret = all("meta", secret, Fields::bytes::<32>)?;
        let (Some((at, last_seq)), Some(secret)) = (lease.pop(), secret.pop()) else {
            return Err(StoreError::Broken("a tenant without lease or secret".to_owned()));
        };
        Ok(TenantImage {
            last_seq,
            at,
            playbooks: all("playbooks", playbooks, Fields::playbook)?,
            resources: all("resources", resources, Fields::resource)?,
            schedules: all("schedules", schedules, Fields::schedule)?,
            scans: all("scans", scans, Fields::scan)?,
            feeds: all("feeds", feeds, |row| Ok((row.string()?, row.number()?)))?,
            customers: all("customers", customers, Fields::number)?.pop().unwrap_or_default(),
            secret,
        })
    }

    async fn load(&self, wants: Wants) -> Result<Loaded, StoreError> {
        load::load(&self.database, wants).await
    }

    async fn playbook(
        &self,
        name: &PlaybookName,
        digest: PlaybookDigest,
    ) -> Result<Option<PlaybookRow>, StoreError> {
        let args = Args::default().text(name.as_str()).bytes(digest.0);
        let found = self.database.rows(D::SQL.playbook, args).await?;
        Ok(all("playbooks", &found, Fields::playbook)?.pop())
    }

    async fn timers(
        &self,
        after: Option<(UtcMs, TimerId)>,
        rows: usize,
    ) -> Result<Vec<TimerRow>, StoreError> {
        // No timer is due before 1970.
        let (due_at, id) = after.map_or((-1, [0; 16]), |(at, id)| (at.as_millis(), *id.as_bytes()));
        let args = Args::default().int(due_at).bytes(id).limit(rows);
        let found = self.database.rows(D::SQL.timers_after, args).await?;
        all("timers", &found, Fields::timer)
    }

    async fn scan_records(&self, range: RecordRange) -> Result<Vec<(Key, String)>, StoreError> {
        records(&self.database, range).await
    }

    async fn count_events(&self, window: EventWindow) -> Result<Windowed, StoreError> {
        let args = Args::default()
            .bytes(*window.customer.as_bytes())
            .text(window.event_type.as_str())
            .int(window.since.as_millis())
            .count(window.seq_max.0);
        let found = self.database.rows(D::SQL.events_count, args).await?;
        let counted =
            all("events", &found, |row| Ok(Windowed { count: row.number()?, oldest_at: row.opt_at()? }))?;
        Ok(counted.into_iter().next().unwrap_or_default())
    }

    async fn events_since(&self, query: EventsSince) -> Result<Vec<EventRow>, StoreError> {
        let (text, whose) = match query.whose {
            Whose::Customer(id) => (D::SQL.events_since_customer, *id.as_bytes()),
            Whose::Matching(hash) => (D::SQL.events_since_matching, hash.0),
        };
        let types = D::Batch::texts(query.event_types.iter().map(EventType::as_str)).finish()?;
        let args = Args::default()
            .bytes(whose)
            .rows(types)
            .count(query.after.0)
            .count(query.seq_max.0)
            .limit(query.limit);
        let found = self.database.rows(text, args).await?;
        all("events", &found, Fields::event)
    }

    async fn customer_ids(
        &self,
        after: Option<CustomerId>,
        rows: usize,
    ) -> Result<Vec<CustomerId>, StoreError> {
        let after = after.map(|id| id.as_bytes().to_vec()).unwrap_or_default();
        let args = Args::default().bytes(after).limit(rows);
        let found = self.database.rows(D::SQL.customer_ids, args).await?;
        all("customers", &found, |row| Ok(CustomerId::from_bytes(row.bytes()?)))
    }

    async fn keys(
        &self,
        table: KeyTable,
        after: Option<StoredKey>,
        rows: usize,
    ) -> Result<Vec<StoredKey>, StoreError> {
        keys::read(&self.database, table, after, rows).await
    }

    async fn event(&self, seq: EventSeq) -> Result<Option<EventRow>, StoreError> {
        let args = Args::default().count(seq.0);
        let found = self.database.rows(D::SQL.event, args).await?;
        Ok(all("events", &found, Fields::event)?.pop())
    }

    async fn runs_of_slot(&self, query: SlotQuery) -> Result<Vec<RunId>, StoreError> {
        let text = if query.queued { D::SQL.runs_queued } else { D::SQL.runs_placed };
        let args = Args::default()
            .text(query.playbook.as_str())
            .text(&query.workflow)
            .text(&query.slot)
            .limit(query.limit);
        let found = self.database.rows(text, args).await?;
        all("runs", &found, |row| Ok(RunId::from_bytes(row.bytes()?)))
    }

    async fn unsent_messages(
        &self,
        due_before: UtcMs,
        after: Option<MessageId>,
        rows: usize,
    ) -> Result<Vec<Message>, StoreError> {
        let after = after.map(|id| id.as_bytes().to_vec()).unwrap_or_default();
        let args = Args::default().bytes(after).int(due_before.as_millis()).limit(rows);
        let found = self.database.rows(D::SQL.messages_unsent, args).await?;
        all("messages", &found, Fields::message)
    }

    async fn unfinished(&self, customer: CustomerId, limit: usize) -> Result<Unfinished, StoreError> {
        erase::unfinished(&self.database, customer, limit).await
    }

    async fn erase(&self, customer: CustomerId, pseudonym: CustomerId) -> Result<(), StoreError> {
        let mut slot = self.writer.lock().await;
        let mut writer = slot.take().ok_or_else(gone)?;
        if let Err(fault) = erase::erase(&self.database, &mut writer, customer, pseudonym).await {
            discard(writer).await;
            return Err(fault);
        }
        *slot = Some(writer);
        Ok(())
    }

    async fn maintain(&self, work: Maintenance) -> Result<MaintenanceReport, StoreError> {
        match work {
            Maintenance::Checkpoint => self.checkpoint().await,
            Maintenance::Purge { before, rows } => self.purge(before, rows).await,
        }
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.database.close().await;
        match self.writer.lock().await.take() {
            Some(writer) => self.database.close_writer(writer.connection).await,
            None => Ok(()),
        }
    }
}

/// A plugin's documents by prefix, in the order of their keys.
pub(crate) async fn records<D: Database>(
    database: &D,
    range: RecordRange,
) -> Result<Vec<(Key, String)>, StoreError> {
    let customer = range.customer.map(|id| id.as_bytes().to_vec()).unwrap_or_default();
    let args = Args::default()
        .bytes(customer)
        .text(range.plugin.as_str())
        .text(range.after.as_deref().unwrap_or(""))
        .prefix(&range.prefix)
        .limit(range.limit);
    let found = database.rows(D::SQL.records_range, args).await?;
    all("records", &found, |row| Ok((row.parse()?, row.string()?)))
}
