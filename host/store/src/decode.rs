//! Rows of a result as the model's types, cell after cell in the order of the query.
//!
//! What does not follow the model's rule was not written by this store: the tenant stops with what was found and where.

use std::borrow::Cow;
use std::str::FromStr;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use siyu_engine::ports::rows::{
    AccountKey, CodeRow, EntryRow, EventRow, Hash16, JournalRow, LedgerRow, LoadedRun, PlannedEvent,
    PlaybookRow, ResourceRow, ScanRow, ScheduleRow, SegmentRow, StockKey, TimerRow, WaitRow,
};
use siyu_engine::ports::store::StoreError;
use siyu_model::clock::UtcMs;
use siyu_model::customer::{Fact, TagMark};
use siyu_model::digest::PlaybookDigest;
use siyu_model::event::EventSeq;
use siyu_model::id::{CustomerId, MessageId, PostingId, ReservationId, RunId, ScanId, TimerId, WaitId};
use siyu_model::journal::JournalEntry;
use siyu_model::message::{Message, MessageClass};
use siyu_model::run::{FiberId, Run, RunPhase, RunStatus, Target};
use siyu_model::stock::counter::Counter;
use siyu_model::stock::ledger::{Account, Transfer};
use siyu_model::stock::pool::Pool;
use siyu_model::stock::reservation::Reservation;

use crate::database::Cells;

/// The cells of one row, read from left to right.
pub(crate) struct Fields<'r, R> {
    table: &'static str,
    row: &'r R,
    next: usize,
}

impl<'r, R: Cells> Fields<'r, R> {
    pub(crate) fn of(table: &'static str, row: &'r R) -> Self {
        Self { table, row, next: 0 }
    }

    fn broken(&self, fault: impl std::fmt::Display) -> StoreError {
        let column = self.row.column(self.next.saturating_sub(1));
        StoreError::Broken(format!("{}.{column}: {fault}", self.table))
    }

    fn get<T>(&mut self, read: impl FnOnce(&'r R, usize) -> Result<T, String>) -> Result<T, StoreError> {
        let at = self.next;
        self.next += 1;
        read(self.row, at).map_err(|fault| self.broken(fault))
    }

    fn some<T>(&mut self, found: Option<T>) -> Result<T, StoreError> {
        found.ok_or_else(|| self.broken("nothing is there"))
    }

    pub(crate) fn opt_int(&mut self) -> Result<Option<i64>, StoreError> {
        self.get(R::int)
    }

    pub(crate) fn int(&mut self) -> Result<i64, StoreError> {
        let found = self.opt_int()?;
        self.some(found)
    }

    /// A whole number of another width.
    pub(crate) fn number<T: TryFrom<i64>>(&mut self) -> Result<T, StoreError> {
        let found = self.int()?;
        T::try_from(found).map_err(|_| self.broken(format!("{found} is out of range")))
    }

    pub(crate) fn flag(&mut self) -> Result<bool, StoreError> {
        Ok(self.int()? != 0)
    }

    pub(crate) fn at(&mut self) -> Result<UtcMs, StoreError> {
        Ok(UtcMs::from_millis(self.int()?))
    }

    pub(crate) fn opt_at(&mut self) -> Result<Option<UtcMs>, StoreError> {
        Ok(self.opt_int()?.map(UtcMs::from_millis))
    }

    pub(crate) fn seq(&mut self) -> Result<EventSeq, StoreError> {
        self.number().map(EventSeq)
    }

    pub(crate) fn opt_text(&mut self) -> Result<Option<Cow<'r, str>>, StoreError> {
        self.get(R::text)
    }

    pub(crate) fn opt_string(&mut self) -> Result<Option<String>, StoreError> {
        Ok(self.opt_text()?.map(Cow::into_owned))
    }

    pub(crate) fn string(&mut self) -> Result<String, StoreError> {
        Ok(self.text()?.into_owned())
    }

    pub(crate) fn text(&mut self) -> Result<Cow<'r, str>, StoreError> {
        let found = self.opt_text()?;
        self.some(found)
    }

    pub(crate) fn opt_bytes<const N: usize>(&mut self) -> Result<Option<[u8; N]>, StoreError> {
        let found = self.get(R::bytes)?;
        found
            .map(|bytes| bytes.try_into())
            .transpose()
            .map_err(|_| self.broken(format!("expected {N} bytes")))
    }

    pub(crate) fn bytes<const N: usize>(&mut self) -> Result<[u8; N], StoreError> {
        let found = self.opt_bytes()?;
        self.some(found)
    }

    pub(crate) fn blob(&mut self) -> Result<&'r [u8], StoreError> {
        let found = self.get(R::bytes)?;
        self.some(found)
    }

    /// A name, status or other text with a rule.
    pub(crate) fn parse<T: FromStr<Err: std::fmt::Display>>(&mut self) -> Result<T, StoreError> {
        self.text()?.parse().map_err(|fault| self.broken(fault))
    }

    pub(crate) fn opt_parse<T: FromStr<Err: std::fmt::Display>>(&mut self) -> Result<Option<T>, StoreError> {
        let found = self.opt_text()?;
        found.as_deref().map(str::parse).transpose().map_err(|fault| self.broken(fault))
    }

    /// A document that this store wrote.
    pub(crate) fn json<T: DeserializeOwned>(&mut self) -> Result<T, StoreError> {
        serde_json::from_str(&self.text()?).map_err(|fault| self.broken(fault))
    }

    pub(crate) fn customer(&mut self) -> Result<Option<CustomerId>, StoreError> {
        Ok(self.opt_bytes()?.map(CustomerId::from_bytes))
    }

    /// The customer of a row that may be the tenant's, which is under a customer of no bytes.
    pub(crate) fn owner(&mut self) -> Result<Option<CustomerId>, StoreError> {
        match self.blob()? {
            [] => Ok(None),
            bytes => {
                let id = bytes.try_into();
                let id = id.map_err(|_| self.broken(format!("{} bytes, expected 16", bytes.len())))?;
                Ok(Some(CustomerId::from_bytes(id)))
            }
        }
    }

    pub(crate) fn hash(&mut self) -> Result<Hash16, StoreError> {
        self.bytes().map(Hash16)
    }

    /// Whether the next cell holds nothing; does not go on.
    fn is_null(&self) -> Result<bool, StoreError> {
        self.row.is_null(self.next).map_err(|fault| self.broken(fault))
    }

    pub(crate) fn event(&mut self) -> Result<EventRow, StoreError> {
        Ok(EventRow {
            seq: self.seq()?,
            dedupe: self.hash()?,
            id: self.string()?,
            source: self.string()?,
            event_type: self.parse()?,
            customer: self.customer()?,
            occurred_at: self.at()?,
            recorded_at: self.at()?,
            depth: self.number()?,
            data: Arc::from(self.text()?),
            outcome: self.string()?,
            matches: self.matches()?,
        })
    }

    fn matches(&mut self) -> Result<Vec<Hash16>, StoreError> {
        let found = self.get(R::bytes)?;
        let (hashes, _) = found.unwrap_or_default().as_chunks::<16>();
        Ok(hashes.iter().map(|hash| Hash16(*hash)).collect())
    }

    pub(crate) fn fact(&mut self) -> Result<Fact, StoreError> {
        Ok(Fact {
            count: self.number()?,
            sum_fen: self.int()?,
            first_at: self.at()?,
            last_at: self.at()?,
            last_seq: self.seq()?,
        })
    }

    pub(crate) fn tag_mark(&mut self) -> Result<TagMark, StoreError> {
        Ok(TagMark {
            source: self.string()?,
            added_at: self.at()?,
            effective_at: self.at()?,
            expires_at: self.opt_at()?,
            confidence_percent: self.number()?,
            evidence: self.opt_string()?,
        })
    }

    pub(crate) fn segment(&mut self) -> Result<SegmentRow, StoreError> {
        Ok(SegmentRow {
            customer: CustomerId::from_bytes(self.bytes()?),
            playbook: self.parse()?,
            segment: self.parse()?,
            is_member: self.flag()?,
            since: self.at()?,
            check_at: self.opt_at()?,
        })
    }

    /// A run with the event after it, if there is one.
    pub(crate) fn loaded_run(&mut self) -> Result<LoadedRun, StoreError> {
        let run = self.run()?;
        let event = match self.is_null()? {
            true => None,
            false => Some(self.event()?),
        };
        Ok(LoadedRun { run, event })
    }

    fn run(&mut self) -> Result<Run, StoreError> {
        Ok(Run {
            id: RunId::from_bytes(self.bytes()?),
            target: self.target()?,
            customer: self.customer()?,
            key: self.opt_string()?,
            slot: self.opt_string()?,
            event: self.opt_seq()?,
            since_seq: self.seq()?,
            depth: self.number()?,
            parent: self.parent()?,
            started_at: self.at()?,
            changed_at: self.at()?,
            status: self.status()?,
            journal_rows: self.number()?,
            state: self.json()?,
        })
    }

    pub(crate) fn target(&mut self) -> Result<Target, StoreError> {
        let playbook = self.parse()?;
        let version = PlaybookDigest(self.bytes()?);
        let name = self.text()?;
        Target::from_name(playbook, version, &name)
            .ok_or_else(|| self.broken(format!("`{name}` is no name of a workflow or reaction")))
    }

    pub(crate) fn opt_seq(&mut self) -> Result<Option<EventSeq>, StoreError> {
        match self.is_null()? {
            true => self.opt_int().map(|_| None),
            false => self.seq().map(Some),
        }
    }

    fn parent(&mut self) -> Result<Option<(RunId, FiberId)>, StoreError> {
        let run = self.opt_bytes()?.map(RunId::from_bytes);
        match run {
            None => self.opt_int().map(|_| None),
            Some(run) => Ok(Some((run, FiberId(self.number()?)))),
        }
    }

    /// Phase, end and status of a run: the status says all when it is there.
    pub(crate) fn status(&mut self) -> Result<RunStatus, StoreError> {
        let phase: RunPhase = self.parse()?;
        let _ended_at = self.opt_int()?;
        match phase {
            RunPhase::Queued => self.opt_text().map(|_| RunStatus::Queued),
            RunPhase::Live => self.opt_text().map(|_| RunStatus::Live),
            _ => self.json(),
        }
    }

    pub(crate) fn journal_line(&mut self) -> Result<JournalRow, StoreError> {
        Ok(JournalRow {
            run: RunId::from_bytes(self.bytes()?),
            row: self.number()?,
            entry: JournalEntry {
                at: self.at()?,
                step: self.opt_parse()?,
                fiber: self.number()?,
                kind: self.parse()?,
                detail: self.opt_string()?,
            },
        })
    }

    pub(crate) fn wait(&mut self) -> Result<WaitRow, StoreError> {
        let customer = self.customer()?;
        Ok(WaitRow {
            id: WaitId::from_bytes(self.bytes()?),
            run: RunId::from_bytes(self.bytes()?),
            fiber: FiberId(self.number()?),
            customer,
            event_types: self.json()?,
            matching: self.opt_bytes()?.map(Hash16),
        })
    }

    pub(crate) fn entry(&mut self) -> Result<EntryRow, StoreError> {
        let customer = self.customer()?;
        Ok(EntryRow {
            hash: self.hash()?,
            customer,
            run: RunId::from_bytes(self.bytes()?),
            started_at: self.at()?,
            is_alive: self.flag()?,
        })
    }

    pub(crate) fn timer(&mut self) -> Result<TimerRow, StoreError> {
        Ok(TimerRow { due_at: self.at()?, id: TimerId::from_bytes(self.bytes()?), kind: self.json()? })
    }

    pub(crate) fn planned(&mut self) -> Result<PlannedEvent, StoreError> {
        Ok(PlannedEvent {
            due_at: self.at()?,
            event_type: self.parse()?,
            customer: self.customer()?,
            data: Arc::from(self.text()?),
            depth: self.number()?,
        })
    }

    pub(crate) fn stock_key(&mut self) -> Result<StockKey, StoreError> {
        Ok(StockKey { plugin: Arc::from(self.text()?), key: self.parse()? })
    }

    pub(crate) fn pool(&mut self) -> Result<Pool, StoreError> {
        let (total, available) = (self.number()?, self.number()?);
        let (reserved, sold) = (self.number()?, self.number()?);
        Pool::restore(total, available, reserved, sold).map_err(|fault| self.broken(fault))
    }

    pub(crate) fn counter(&mut self) -> Result<Counter, StoreError> {
        let (used, limit) = (self.number()?, self.number()?);
        Counter::restore(used, limit)
            .ok_or_else(|| self.broken(format!("{used} used passes the limit of {limit}")))
    }

    pub(crate) fn account(&mut self) -> Result<(AccountKey, i64), StoreError> {
        let plugin = self.parse()?;
        let account = Account { customer: self.owner()?, name: self.parse()? };
        let units = self.int()?;
        match account.restore(units) {
            Some(units) => Ok((AccountKey { plugin, account }, units)),
            None => Err(self.broken(format!("account `{}` cannot hold {units}", account.name))),
        }
    }

    pub(crate) fn ledger(&mut self) -> Result<LedgerRow, StoreError> {
        Ok(LedgerRow {
            posting: PostingId::from_bytes(self.bytes()?),
            place: self.number()?,
            plugin: self.parse()?,
            transfer: Transfer {
                from: Account { customer: self.customer()?, name: self.parse()? },
                to: Account { customer: self.customer()?, name: self.parse()? },
                units: self.number()?,
            },
            at: self.at()?,
            reference: self.opt_string()?,
        })
    }

    pub(crate) fn reservation(&mut self) -> Result<Reservation, StoreError> {
        Ok(Reservation {
            id: ReservationId::from_bytes(self.bytes()?),
            plugin: self.parse()?,
            pool: self.parse()?,
            customer: self.customer()?,
            units: self.number()?,
            counters: self.json()?,
            reference: self.opt_string()?,
            status: self.parse()?,
            expires_at: self.at()?,
        })
    }

    pub(crate) fn code(&mut self) -> Result<CodeRow, StoreError> {
        Ok(CodeRow {
            lookup: self.hash()?,
            plugin: self.parse()?,
            space: self.string()?,
            sealed: self.blob()?.to_owned(),
            reference: self.string()?,
            created_at: self.at()?,
        })
    }

    pub(crate) fn message(&mut self) -> Result<Message, StoreError> {
        Ok(Message {
            id: MessageId::from_bytes(self.bytes()?),
            customer: CustomerId::from_bytes(self.bytes()?),
            channel: self.parse()?,
            class: self.class()?,
            template: self.parse()?,
            body: self.string()?,
            status: self.parse()?,
            reason: self.opt_string()?,
            attempts: self.number()?,
            planned_at: self.at()?,
            due_at: self.at()?,
            expires_at: self.at()?,
            changed_at: self.at()?,
            run: self.opt_bytes()?.map(RunId::from_bytes),
            step: self.opt_parse()?,
        })
    }

    fn class(&mut self) -> Result<MessageClass, StoreError> {
        let found = self.text()?;
        [MessageClass::Service, MessageClass::Marketing]
            .into_iter()
            .find(|class| class.as_str() == found)
            .ok_or_else(|| self.broken(format!("`{found}` is no class of messages")))
    }

    pub(crate) fn playbook(&mut self) -> Result<PlaybookRow, StoreError> {
        Ok(PlaybookRow {
            name: self.parse()?,
            digest: PlaybookDigest(self.bytes()?),
            compiled: Arc::from(self.text()?),
            files: self.json()?,
            published_at: self.at()?,
            is_active: self.flag()?,
        })
    }

    pub(crate) fn resource(&mut self) -> Result<ResourceRow, StoreError> {
        Ok(ResourceRow {
            plugin: self.parse()?,
            kind: self.parse()?,
            name: self.parse()?,
            playbook: self.parse()?,
            body: Some(Arc::from(self.text()?)),
            reactions: self.json()?,
        })
    }

    pub(crate) fn schedule(&mut self) -> Result<ScheduleRow, StoreError> {
        Ok(ScheduleRow {
            playbook: self.parse()?,
            workflow: self.parse()?,
            pattern: self.string()?,
            next_at: self.opt_at()?,
        })
    }

    pub(crate) fn scan(&mut self) -> Result<ScanRow, StoreError> {
        Ok(ScanRow {
            id: ScanId::from_bytes(self.bytes()?),
            purpose: self.json()?,
            started_at: self.at()?,
            spread_ms: self.number()?,
            total: self.number()?,
            seen: self.number()?,
            hits: self.number()?,
            after: self.customer()?,
            is_done: self.flag()?,
        })
    }
}

/// Each row of a result, read by `read`.
pub(crate) fn all<'r, T, R: Cells>(
    table: &'static str,
    rows: &'r [R],
    mut read: impl FnMut(&mut Fields<'r, R>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    rows.iter().map(|row| read(&mut Fields::of(table, row))).collect()
}
