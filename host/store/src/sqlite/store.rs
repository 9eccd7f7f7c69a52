//! One tenant as its executor sees it: the `Store` port on one writer and a few readers.
//!
//! Reads never wait for the writer. A writer that failed, or whose commit was given up half-way, is gone: everything
//! that writes is refused until the tenant is opened again, because what failed may be in the file all the same.

use std::path::PathBuf;

use async_trait::async_trait;
use siyu_engine::ports::rows::{EventRow, PlaybookRow, TimerRow, WriteSet};
use siyu_engine::ports::store::{
    EventWindow, EventsSince, Loaded, Maintenance, MaintenanceReport, RecordRange, SlotQuery, Store,
    StoreError, TenantImage, Wants, Whose,
};
use siyu_model::clock::UtcMs;
use siyu_model::digest::PlaybookDigest;
use siyu_model::event::EventSeq;
use siyu_model::expr::Windowed;
use siyu_model::id::{CustomerId, MessageId, RunId, TimerId};
use siyu_model::message::Message;
use siyu_model::name::{Key, PlaybookName, TenantName};
use sqlx::ConnectOptions;
use sqlx::sqlite::SqliteConnection;
use tokio::sync::Mutex;

use super::commit::Writer;
use super::connect::{self, Args, Readers, failed, rows};
use super::decode::{Fields, all};
use super::load::{self, Texts};
use super::maintain::{FRAMES_HARD, FRAMES_SOFT, Keeper, Purging};
use super::{SqliteOptions, encode, migrate, statements as sql};

/// A tenant's file, opened by the executor that has its lease.
pub(super) struct SqliteStore {
    path: PathBuf,
    options: SqliteOptions,
    /// None after a fault: see the module.
    writer: Mutex<Option<Writer>>,
    keeper: Mutex<Keeper>,
    purging: Mutex<Purging>,
    readers: Readers,
    texts: Texts,
}

/// A secret for a tenant that may be new.
fn random_secret(place: &str) -> Result<[u8; 32], StoreError> {
    let mut secret = [0; 32];
    getrandom::fill(&mut secret)
        .map_err(|fault| StoreError::Database(format!("{place}: no random bytes: {fault}")))?;
    Ok(secret)
}

impl SqliteStore {
    /// Opens a tenant's file, makes or migrates it, and takes the lease.
    pub(super) async fn open(
        tenant: &TenantName,
        path: PathBuf,
        options: SqliteOptions,
    ) -> Result<Self, StoreError> {
        let place = path.display().to_string();
        let fault = |fault| failed(&place, fault);
        let mut connection = connect::writer(&path, &options).connect().await.map_err(fault)?;
        migrate::migrate(&mut connection, &place, migrate::ALL).await?;
        let secret = match options.secret {
            Some(secret) => secret,
            None => random_secret(&place)?,
        };
        rows(&mut connection, sql::SECRET_PUT, Args::default().bytes(secret)).await.map_err(fault)?;
        let epoch = number(&mut connection, sql::LEASE_TAKE, &place).await?;
        let last_line = number(&mut connection, sql::JOURNAL_END, &place).await?;
        let epoch = u64::try_from(epoch).unwrap_or(0);
        Ok(Self {
            writer: Mutex::new(Some(Writer::new(connection, tenant.clone(), epoch, last_line))),
            keeper: Mutex::default(),
            purging: Mutex::default(),
            readers: Readers::new(&path, options.readers),
            texts: Texts::default(),
            path,
            options,
        })
    }

    async fn checkpoint(&self) -> Result<MaintenanceReport, StoreError> {
        let beside = self.keeper.lock().await.checkpoint(&self.path, &self.options).await?;
        if beside.frames < FRAMES_SOFT {
            return Ok(beside.report());
        }
        let mut slot = self.writer.lock().await;
        let mut writer = slot.take().ok_or_else(gone)?;
        let own = writer.checkpoint().await?;
        *slot = Some(writer);
        Ok(own.report())
    }

    async fn purge(&self, before: UtcMs, rows: usize) -> Result<MaintenanceReport, StoreError> {
        let mut slot = self.writer.lock().await;
        let mut writer = slot.take().ok_or_else(gone)?;
        let mut purging = self.purging.lock().await;
        // Where it goes on changes only when the transaction is in the file.
        let mut next = purging.clone();
        let report = writer.purge(&mut next, before, rows).await?;
        *purging = next;
        *slot = Some(writer);
        Ok(report)
    }
}

/// The answer to everything that writes after a fault.
fn gone() -> StoreError {
    StoreError::Database("the store is closed or an earlier commit failed: open the tenant again".to_owned())
}

async fn number(
    connection: &mut SqliteConnection,
    text: &'static str,
    place: &str,
) -> Result<i64, StoreError> {
    let found = rows(connection, text, Args::default()).await.map_err(|fault| failed(place, fault))?;
    match found.first() {
        Some(row) => Fields::of("lease", row).int(),
        None => Err(StoreError::Broken(format!("{place} has no lease"))),
    }
}

fn limit(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

/// The first text after all that begin with `prefix`; none when there is none, such as after the last character of all.
pub(super) fn after_prefix(prefix: &str) -> Option<String> {
    let mut text = prefix.to_owned();
    while let Some(last) = text.pop() {
        // The characters in the order of their bytes; a range of `char` leaves the surrogates out.
        if let Some(next) = (last..=char::MAX).nth(1) {
            text.push(next);
            return Some(text);
        }
    }
    None
}

#[async_trait]
impl Store for SqliteStore {
    async fn commit(&self, writes: WriteSet) -> Result<(), StoreError> {
        let mut slot = self.writer.lock().await;
        let mut writer = slot.take().ok_or_else(gone)?;
        let frames = writer.commit(&writes).await?;
        if frames >= FRAMES_HARD
            && let Err(fault) = writer.checkpoint().await
        {
            // The commit itself is durable; the next one says whether the file is well.
            tracing::warn!(%fault, frames, "the write-ahead log is long and was not moved");
        }
        *slot = Some(writer);
        Ok(())
    }

    async fn load_tenant(&self) -> Result<TenantImage, StoreError> {
        let results = self.readers.run(sql::IMAGE, Args::default()).await?;
        let [_, lease, secret, playbooks, resources, schedules, scans, feeds, customers, ..] =
            results.as_slice()
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
            feeds: all("feeds", feeds, |row| Ok((row.text()?.to_owned(), row.number()?)))?,
            customers: all("customers", customers, Fields::number)?.pop().unwrap_or_default(),
            secret,
        })
    }

    async fn load(&self, wants: Wants) -> Result<Loaded, StoreError> {
        load::load(&self.readers, &self.texts, wants).await
    }

    async fn playbook(
        &self,
        name: &PlaybookName,
        digest: PlaybookDigest,
    ) -> Result<Option<PlaybookRow>, StoreError> {
        let args = Args::default().text(name.as_str()).bytes(digest.0);
        let found = self.readers.rows(sql::PLAYBOOK, args).await?;
        Ok(all("playbooks", &found, Fields::playbook)?.pop())
    }

    async fn timers(
        &self,
        after: Option<(UtcMs, TimerId)>,
        rows: usize,
    ) -> Result<Vec<TimerRow>, StoreError> {
        // No timer is due before 1970.
        let (due_at, id) = after.map_or((-1, [0; 16]), |(at, id)| (at.as_millis(), *id.as_bytes()));
        let args = Args::default().int(due_at).bytes(id).int(limit(rows));
        let found = self.readers.rows(sql::TIMERS_AFTER, args).await?;
        all("timers", &found, Fields::timer)
    }

    async fn scan_records(&self, range: RecordRange) -> Result<Vec<(Key, String)>, StoreError> {
        records(&self.readers, range).await
    }

    async fn count_events(&self, window: EventWindow) -> Result<Windowed, StoreError> {
        let args = Args::default()
            .bytes(*window.customer.as_bytes())
            .text(window.event_type.as_str())
            .int(window.since.as_millis())
            .int(i64::try_from(window.seq_max.0).unwrap_or(i64::MAX));
        let found = self.readers.rows(sql::EVENTS_COUNT, args).await?;
        let counted =
            all("events", &found, |row| Ok(Windowed { count: row.number()?, oldest_at: row.opt_at()? }))?;
        Ok(counted.into_iter().next().unwrap_or_default())
    }

    async fn events_since(&self, query: EventsSince) -> Result<Vec<EventRow>, StoreError> {
        let (text, whose) = match query.whose {
            Whose::Customer(id) => (sql::EVENTS_SINCE_CUSTOMER, *id.as_bytes()),
            Whose::Matching(hash) => (sql::EVENTS_SINCE_MATCHING, hash.0),
        };
        let args = Args::default()
            .bytes(whose)
            .text(&encode::json(&query.event_types)?)
            .int(i64::try_from(query.after.0).unwrap_or(i64::MAX))
            .int(i64::try_from(query.seq_max.0).unwrap_or(i64::MAX))
            .int(limit(query.limit));
        let found = self.readers.rows(text, args).await?;
        all("events", &found, Fields::event)
    }

    async fn customer_ids(
        &self,
        after: Option<CustomerId>,
        rows: usize,
    ) -> Result<Vec<CustomerId>, StoreError> {
        let after = after.map(|id| id.as_bytes().to_vec()).unwrap_or_default();
        let args = Args::default().bytes(after).int(limit(rows));
        let found = self.readers.rows(sql::CUSTOMER_IDS, args).await?;
        all("customers", &found, |row| Ok(CustomerId::from_bytes(row.bytes()?)))
    }

    async fn event(&self, seq: EventSeq) -> Result<Option<EventRow>, StoreError> {
        let args = Args::default().int(i64::try_from(seq.0).unwrap_or(i64::MAX));
        let found = self.readers.rows(sql::EVENT, args).await?;
        Ok(all("events", &found, Fields::event)?.pop())
    }

    async fn runs_of_slot(&self, query: SlotQuery) -> Result<Vec<RunId>, StoreError> {
        let text = if query.queued { sql::RUNS_QUEUED } else { sql::RUNS_PLACED };
        let args = Args::default()
            .text(query.playbook.as_str())
            .text(&query.workflow)
            .text(&query.slot)
            .int(limit(query.limit));
        let found = self.readers.rows(text, args).await?;
        all("runs", &found, |row| Ok(RunId::from_bytes(row.bytes()?)))
    }

    async fn unsent_messages(
        &self,
        due_before: UtcMs,
        after: Option<MessageId>,
        rows: usize,
    ) -> Result<Vec<Message>, StoreError> {
        let after = after.map(|id| id.as_bytes().to_vec()).unwrap_or_default();
        let args = Args::default().bytes(after).int(due_before.as_millis()).int(limit(rows));
        let found = self.readers.rows(sql::MESSAGES_UNSENT, args).await?;
        all("messages", &found, Fields::message)
    }

    async fn maintain(&self, work: Maintenance) -> Result<MaintenanceReport, StoreError> {
        match work {
            Maintenance::Checkpoint => self.checkpoint().await,
            Maintenance::Purge { before, rows } => self.purge(before, rows).await,
        }
    }

    async fn close(&self) -> Result<(), StoreError> {
        use sqlx::Connection;
        self.readers.close().await;
        self.keeper.lock().await.close().await;
        let Some(mut writer) = self.writer.lock().await.take() else {
            return Ok(());
        };
        writer.checkpoint_last().await?;
        writer.connection.close().await.map_err(|fault| failed("the writer did not close cleanly", fault))
    }
}

/// A plugin's documents by prefix, in the order of their keys.
pub(super) async fn records(readers: &Readers, range: RecordRange) -> Result<Vec<(Key, String)>, StoreError> {
    let customer = range.customer.map(|id| id.as_bytes().to_vec()).unwrap_or_default();
    let args = Args::default()
        .bytes(customer)
        .text(range.plugin.as_str())
        .text(range.after.as_deref().unwrap_or(""))
        .text(&range.prefix);
    let args = match after_prefix(&range.prefix) {
        Some(end) => args.text(&end),
        // Bytes come after all text.
        None => args.bytes([]),
    };
    let found = readers.rows(sql::RECORDS_RANGE, args.int(limit(range.limit))).await?;
    all("records", &found, |row| Ok((row.parse()?, row.text()?.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::after_prefix;

    #[test]
    fn a_prefix_ends_before_the_next_character() {
        for (prefix, end) in [
            ("a", Some("b")),
            ("a/\u{d7ff}", Some("a/\u{e000}")),
            ("a\u{10ffff}", Some("b")),
            ("\u{10ffff}", None),
            ("", None),
        ] {
            assert_eq!(after_prefix(prefix).as_deref(), end, "{prefix:?}");
        }
    }
}
