//! What people read of a tenant: the `Inspect` port on connections that can only read.
//!
//! It works while an executor owns the file, and on a file that nobody owns. It never takes the lease, never migrates
//! and never writes.

mod lists;
mod numbers;
mod stock;
mod streams;
mod timeline;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use siyu_engine::ports::inspect::{
    Cohort, CohortQuery, Cursor, EventFilter, First, GroupQuery, Groups, Inspect, InspectError,
    MessageFilter, Moment, Page, PlaybookVersion, ReservationTally, RunDetail, RunFilter, RunSummary,
    RunTally, StockFilter, StoreSize, Tallies, Turn,
};
use siyu_engine::ports::rows::{EventRow, FactRow, PlaybookRow, ResourceRow, ScanRow, ScheduleRow, StockKey};
use siyu_engine::ports::store::{CustomerImage, RecordRange, StoreError, Wants};
use siyu_model::clock::UtcMs;
use siyu_model::digest::PlaybookDigest;
use siyu_model::event::Subject;
use siyu_model::id::{CustomerId, RunId};
use siyu_model::limits;
use siyu_model::message::Message;
use siyu_model::name::{EventType, Key, PlaybookName, PluginName};
use siyu_model::stock::counter::Counter;
use siyu_model::stock::pool::Pool;
use siyu_model::stock::reservation::Reservation;
use sqlx::{ConnectOptions, Connection};

use super::connect::{self, Args, Readers, failed};
use super::decode::{Fields, all};
use super::load::{self, Texts};
use super::statements::{PLAYBOOK, inspect as sql};
use super::{migrate, store};

/// Connections that people share.
const READERS: usize = 2;

/// A tenant's file, opened to read.
pub struct SqliteInspect {
    path: PathBuf,
    readers: Readers,
    texts: Texts,
}

impl SqliteInspect {
    /// Opens a tenant's file. It must be there and of a version that this host knows.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref().to_owned();
        let place = path.display().to_string();
        let fault = |fault| failed(&place, fault);
        let mut connection = connect::reader(&path).connect().await.map_err(fault)?;
        let version = migrate::check(&mut connection, &place, migrate::ALL).await?;
        connection.close().await.map_err(fault)?;
        if version == 0 {
            return Err(StoreError::Broken(format!("{place} holds no tenant yet")));
        }
        Ok(Self { readers: Readers::new(&path, READERS), texts: Texts::default(), path })
    }

    /// Closes the connections. Nothing is lost when it is not called.
    pub async fn close(&self) {
        self.readers.close().await;
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
impl Inspect for SqliteInspect {
    async fn runs(&self, filter: RunFilter, turn: Turn) -> Result<Page<RunSummary>, InspectError> {
        lists::runs(&self.readers, filter, turn).await
    }

    async fn run(&self, id: RunId) -> Result<Option<RunDetail>, InspectError> {
        Ok(lists::run(&self.readers, id).await?)
    }

    async fn customer(&self, who: Subject) -> Result<Option<CustomerImage>, InspectError> {
        let id = match who {
            Subject::Customer(id) => Some(id),
            Subject::Identity(identity) => {
                let wants = Wants { identities: vec![identity], ..Wants::default() };
                let found = load::load(&self.readers, &self.texts, wants).await?;
                found.identities.first().map(|(_, id)| *id)
            }
        };
        let Some(id) = id else { return Ok(None) };
        let wants = Wants { customers: vec![id], ..Wants::default() };
        Ok(load::load(&self.readers, &self.texts, wants).await?.customers.pop())
    }

    async fn timeline(&self, customer: CustomerId, turn: Turn) -> Result<Page<Moment>, InspectError> {
        timeline::timeline(&self.readers, customer, turn).await
    }

    async fn messages(&self, filter: MessageFilter, turn: Turn) -> Result<Page<Message>, InspectError> {
        lists::messages(&self.readers, filter, turn).await
    }

    async fn events(&self, filter: EventFilter, turn: Turn) -> Result<Page<EventRow>, InspectError> {
        lists::events(&self.readers, filter, turn).await
    }

    async fn pools(&self, filter: StockFilter, turn: Turn) -> Result<Page<(StockKey, Pool)>, InspectError> {
        stock::pools(&self.readers, filter, turn).await
    }

    async fn counters(
        &self,
        filter: StockFilter,
        turn: Turn,
    ) -> Result<Page<(StockKey, Counter)>, InspectError> {
        stock::counters(&self.readers, filter, turn).await
    }

    async fn reservations(&self, filter: StockFilter, turn: Turn) -> Result<Page<Reservation>, InspectError> {
        stock::reservations(&self.readers, filter, turn).await
    }

    async fn reservation_tallies(&self, plugin: &str) -> Result<Vec<ReservationTally>, InspectError> {
        Ok(stock::reservation_tallies(&self.readers, plugin).await?)
    }

    async fn records(&self, mut range: RecordRange) -> Result<Vec<(Key, String)>, InspectError> {
        range.limit = range.limit.min(limits::inspect::PAGE_ROWS_MAX);
        Ok(store::records(&self.readers, range).await?)
    }

    async fn tallies(&self) -> Result<Tallies, InspectError> {
        Ok(numbers::tallies(&self.readers).await?)
    }

    async fn run_tallies(&self, of: Option<(&PlaybookName, &str)>) -> Result<Vec<RunTally>, InspectError> {
        Ok(match of {
            Some((playbook, workflow)) => numbers::run_tallies_of(&self.readers, playbook, workflow).await?,
            None => numbers::run_tallies(&self.readers).await?,
        })
    }

    async fn reach(&self, event_type: &EventType, at_least: u64) -> Result<u64, InspectError> {
        Ok(numbers::reach(&self.readers, event_type, at_least).await?)
    }

    async fn cohorts(&self, query: CohortQuery) -> Result<Vec<Cohort>, InspectError> {
        Ok(numbers::cohorts(&self.readers, query).await?)
    }

    async fn facts(&self, event_types: &[EventType], turn: Turn) -> Result<Page<FactRow>, InspectError> {
        streams::facts(&self.readers, event_types, turn).await
    }

    async fn firsts(&self, event_type: &EventType, turn: Turn) -> Result<Page<First>, InspectError> {
        streams::firsts(&self.readers, event_type, turn).await
    }

    async fn times(
        &self,
        event_type: &EventType,
        turn: Turn,
    ) -> Result<Page<(CustomerId, UtcMs)>, InspectError> {
        streams::times(&self.readers, event_type, turn).await
    }

    async fn groups(&self, query: GroupQuery) -> Result<Groups, InspectError> {
        Ok(streams::groups(&self.readers, query).await?)
    }

    async fn scans(&self, turn: Turn) -> Result<Page<ScanRow>, InspectError> {
        lists::scans(&self.readers, turn).await
    }

    async fn schedules(&self) -> Result<Vec<ScheduleRow>, InspectError> {
        let found = self.readers.rows(sql::SCHEDULES, Args::default()).await?;
        let shown = &found[..found.len().min(limits::inspect::PAGE_ROWS_MAX)];
        Ok(all("schedules", shown, Fields::schedule)?)
    }

    async fn playbooks(&self, turn: Turn) -> Result<Page<PlaybookVersion>, InspectError> {
        lists::playbooks(&self.readers, turn).await
    }

    async fn playbook(
        &self,
        name: &PlaybookName,
        digest: PlaybookDigest,
    ) -> Result<Option<PlaybookRow>, InspectError> {
        let args = Args::default().text(name.as_str()).bytes(digest.0);
        let found = self.readers.rows(PLAYBOOK, args).await?;
        Ok(all("playbooks", &found, Fields::playbook)?.pop())
    }

    async fn resources(&self, plugin: &PluginName) -> Result<Vec<ResourceRow>, InspectError> {
        let limit = i64::try_from(limits::inspect::PAGE_ROWS_MAX).unwrap_or(i64::MAX);
        let args = Args::default().text(plugin.as_str()).int(limit);
        let found = self.readers.rows(sql::RESOURCES, args).await?;
        Ok(all("resources", &found, Fields::resource)?)
    }

    async fn stock_owners(&self) -> Result<Vec<Arc<str>>, InspectError> {
        let found = self.readers.rows(sql::STOCK_OWNERS, Args::default()).await?;
        Ok(all("pools", &found, |row| Ok(Arc::from(row.text()?)))?)
    }

    async fn size(&self) -> Result<StoreSize, InspectError> {
        Ok(numbers::size(&self.readers, &self.path).await?)
    }
}
