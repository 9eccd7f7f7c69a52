//! What people read of a tenant: the `Inspect` port on connections that can only read.
//!
//! It works while an executor owns the tenant, and on a tenant that nobody owns. It never takes the lease, never migrates
//! and never writes.

mod ledger;
mod lists;
mod logs;
mod numbers;
mod stock;
mod streams;
mod timeline;

use std::sync::Arc;

use async_trait::async_trait;
use siyu_engine::ports::inspect::{
    Cohort, CohortQuery, Cursor, EventFilter, First, GroupQuery, Groups, Inspect, InspectError, LedgerFilter,
    LedgerTally, MessageFilter, Moment, Page, PlaybookVersion, ReservationTally, RunDetail, RunFilter,
    RunSummary, RunTally, StockFilter, StoreSize, Tallies, Turn,
};
use siyu_engine::ports::log::{LogPart, LogPlace};
use siyu_engine::ports::rows::{
    AccountKey, EventRow, FactRow, LedgerRow, PlaybookRow, ResourceRow, ScanRow, ScheduleRow, StockKey,
};
use siyu_engine::ports::store::{CustomerImage, RecordRange, Wants};
use siyu_model::clock::UtcMs;
use siyu_model::digest::PlaybookDigest;
use siyu_model::event::{EventSeq, Subject};
use siyu_model::id::{CustomerId, RunId};
use siyu_model::limits;
use siyu_model::message::Message;
use siyu_model::name::{EventType, Key, PlaybookName, PluginName};
use siyu_model::stock::counter::Counter;
use siyu_model::stock::pool::Pool;
use siyu_model::stock::reservation::Reservation;

use crate::database::{Args, Database};
use crate::decode::{Fields, all};
use crate::{load, store};

/// A tenant, opened to read.
pub struct Reading<D> {
    pub(crate) database: D,
}

impl<D> Reading<D> {
    pub(crate) fn of(database: D) -> Self {
        Self { database }
    }
}

/// Which part of a list of numbered rows to read: newest first, so `before` falls from page to page.
#[derive(Debug, Clone, Copy)]
struct Numbered {
    before: i64,
    limit: usize,
}

impl Numbered {
    fn of(turn: &Turn, list: &'static str) -> Result<Self, InspectError> {
        let before = match &turn.after {
            None => i64::MAX,
            Some(cursor) => {
                i64::from_str_radix(cursor.as_str(), 16).map_err(|_| not_a_cursor(cursor, list))?
            }
        };
        Ok(Self { before, limit: turn.rows() })
    }

    /// One row more than wanted: whether there is more.
    fn asked(self) -> i64 {
        i64::try_from(self.limit + 1).unwrap_or(i64::MAX)
    }

    /// The page of rows that come with their numbers.
    fn page<T>(self, rows: Vec<(T, i64)>) -> Page<T> {
        page(rows, self.limit, |(_, number)| format!("{number:x}"), |(row, _)| row)
    }
}

/// A page of at most `limit` of the rows, which are one more when the list goes on.
fn page<R, T>(
    mut rows: Vec<R>,
    limit: usize,
    cursor: impl Fn(&R) -> String,
    item: impl Fn(R) -> T,
) -> Page<T> {
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| has_more).map(|last| Cursor::new(cursor(last)));
    Page { items: rows.into_iter().map(item).collect(), next }
}

fn not_a_cursor(cursor: &Cursor, list: &'static str) -> InspectError {
    InspectError::Cursor { found: cursor.as_str().chars().take(64).collect(), list }
}

#[async_trait]
impl<D: Database> Inspect for Reading<D> {
    async fn runs(&self, filter: RunFilter, turn: Turn) -> Result<Page<RunSummary>, InspectError> {
        lists::runs(&self.database, filter, turn).await
    }

    async fn run(&self, id: RunId) -> Result<Option<RunDetail>, InspectError> {
        Ok(lists::run(&self.database, id).await?)
    }

    async fn customer(&self, who: Subject) -> Result<Option<CustomerImage>, InspectError> {
        let id = match who {
            Subject::Customer(id) => Some(id),
            Subject::Identity(identity) => {
                let wants = Wants { identities: vec![identity], ..Wants::default() };
                let found = load::load(&self.database, wants).await?;
                found.identities.first().map(|(_, id)| *id)
            }
        };
        let Some(id) = id else { return Ok(None) };
        let wants = Wants { customers: vec![id], ..Wants::default() };
        Ok(load::load(&self.database, wants).await?.customers.pop())
    }

    async fn timeline(&self, customer: CustomerId, turn: Turn) -> Result<Page<Moment>, InspectError> {
        timeline::timeline(&self.database, customer, turn).await
    }

    async fn messages(&self, filter: MessageFilter, turn: Turn) -> Result<Page<Message>, InspectError> {
        lists::messages(&self.database, filter, turn).await
    }

    async fn events(&self, filter: EventFilter, turn: Turn) -> Result<Page<EventRow>, InspectError> {
        lists::events(&self.database, filter, turn).await
    }

    async fn log(&self, after: LogPlace, limit: usize) -> Result<LogPart, InspectError> {
        Ok(logs::log(&self.database, after, limit).await?)
    }

    async fn pools(&self, filter: StockFilter, turn: Turn) -> Result<Page<(StockKey, Pool)>, InspectError> {
        stock::pools(&self.database, filter, turn).await
    }

    async fn counters(
        &self,
        filter: StockFilter,
        turn: Turn,
    ) -> Result<Page<(StockKey, Counter)>, InspectError> {
        stock::counters(&self.database, filter, turn).await
    }

    async fn reservations(&self, filter: StockFilter, turn: Turn) -> Result<Page<Reservation>, InspectError> {
        stock::reservations(&self.database, filter, turn).await
    }

    async fn reservation_tallies(&self, plugin: &str) -> Result<Vec<ReservationTally>, InspectError> {
        Ok(stock::reservation_tallies(&self.database, plugin).await?)
    }

    async fn ledgers(&self) -> Result<Vec<LedgerTally>, InspectError> {
        Ok(ledger::ledgers(&self.database).await?)
    }

    async fn accounts(
        &self,
        filter: LedgerFilter,
        turn: Turn,
    ) -> Result<Page<(AccountKey, i64)>, InspectError> {
        ledger::accounts(&self.database, filter, turn).await
    }

    async fn ledger(&self, filter: LedgerFilter, turn: Turn) -> Result<Page<LedgerRow>, InspectError> {
        ledger::entries(&self.database, filter, turn).await
    }

    async fn records(&self, mut range: RecordRange) -> Result<Vec<(Key, String)>, InspectError> {
        range.limit = range.limit.min(limits::inspect::PAGE_ROWS_MAX);
        Ok(store::records(&self.database, range).await?)
    }

    async fn tallies(&self) -> Result<Tallies, InspectError> {
        Ok(numbers::tallies(&self.database).await?)
    }

    async fn run_tallies(&self, of: Option<(&PlaybookName, &str)>) -> Result<Vec<RunTally>, InspectError> {
        Ok(match of {
            Some((playbook, workflow)) => numbers::run_tallies_of(&self.database, playbook, workflow).await?,
            None => numbers::run_tallies(&self.database).await?,
        })
    }

    async fn reach(&self, event_type: &EventType, at_least: u64) -> Result<u64, InspectError> {
        Ok(numbers::reach(&self.database, event_type, at_least).await?)
    }

    async fn cohorts(&self, query: CohortQuery) -> Result<Vec<Cohort>, InspectError> {
        Ok(numbers::cohorts(&self.database, query).await?)
    }

    async fn facts(&self, event_types: &[EventType], turn: Turn) -> Result<Page<FactRow>, InspectError> {
        streams::facts(&self.database, event_types, turn).await
    }

    async fn firsts(&self, event_type: &EventType, turn: Turn) -> Result<Page<First>, InspectError> {
        streams::firsts(&self.database, event_type, turn).await
    }

    async fn times(
        &self,
        event_type: &EventType,
        turn: Turn,
    ) -> Result<Page<(CustomerId, UtcMs)>, InspectError> {
        streams::times(&self.database, event_type, turn).await
    }

    async fn groups(&self, query: GroupQuery) -> Result<Groups, InspectError> {
        Ok(streams::groups(&self.database, query).await?)
    }

    async fn scans(&self, turn: Turn) -> Result<Page<ScanRow>, InspectError> {
        lists::scans(&self.database, turn).await
    }

    async fn schedules(&self) -> Result<Vec<ScheduleRow>, InspectError> {
        let found = self.database.rows(D::SQL.image_schedules, Args::default()).await?;
        let shown = &found[..found.len().min(limits::inspect::PAGE_ROWS_MAX)];
        Ok(all("schedules", shown, Fields::schedule)?)
    }

    async fn playbooks(&self, turn: Turn) -> Result<Page<PlaybookVersion>, InspectError> {
        lists::playbooks(&self.database, turn).await
    }

    async fn playbook(
        &self,
        name: &PlaybookName,
        digest: PlaybookDigest,
    ) -> Result<Option<PlaybookRow>, InspectError> {
        let args = Args::default().text(name.as_str()).bytes(digest.0);
        let found = self.database.rows(D::SQL.playbook, args).await?;
        Ok(all("playbooks", &found, Fields::playbook)?.pop())
    }

    async fn event(&self, seq: EventSeq) -> Result<Option<EventRow>, InspectError> {
        let found = self.database.rows(D::SQL.event, Args::default().count(seq.0)).await?;
        Ok(all("events", &found, Fields::event)?.pop())
    }

    async fn resources(&self, plugin: &PluginName) -> Result<Vec<ResourceRow>, InspectError> {
        let args = Args::default().text(plugin.as_str()).limit(limits::inspect::PAGE_ROWS_MAX);
        let found = self.database.rows(D::SQL.inspect_resources, args).await?;
        Ok(all("resources", &found, Fields::resource)?)
    }

    async fn stock_owners(&self) -> Result<Vec<Arc<str>>, InspectError> {
        let found = self.database.rows(D::SQL.inspect_stock_owners, Args::default()).await?;
        Ok(all("pools", &found, |row| Ok(Arc::from(row.text()?)))?)
    }

    async fn size(&self) -> Result<StoreSize, InspectError> {
        Ok(numbers::size(&self.database).await?)
    }

    async fn bytes(&self) -> Result<u64, InspectError> {
        let (database, log, free) = self.database.bytes().await?;
        Ok((database + log).saturating_sub(free))
    }
}
