//! Lists of what happens, newest first, and one run with its journal.
//!
//! The narrowest index that a filter has drives the list; a span of time becomes a span of places by halving, because
//! places are in the order of time.

use siyu_engine::ports::inspect::{
    Cursor, EventFilter, InspectError, MessageFilter, Page, PlaybookVersion, RunDetail, RunFilter,
    RunSummary, Span, Turn,
};
use siyu_engine::ports::rows::{EventRow, ScanRow};
use siyu_engine::ports::store::StoreError;
use siyu_model::clock::UtcMs;
use siyu_model::digest::PlaybookDigest;
use siyu_model::id::{CustomerId, RunId, ScanId};
use siyu_model::limits;
use siyu_model::message::Message;
use siyu_model::run::{RunPhase, RunStatus};

use super::{Numbered, not_a_cursor, page};
use crate::database::{Args, Batch, Cells, Database};
use crate::decode::{Fields, all};

/// A table whose places are in the order of an instant: how to read the first row from a place on, and the last place.
struct Ordered {
    at: &'static str,
    end: &'static str,
}

impl Ordered {
    /// The first place whose instant is `at` or later, found by halving; the place after the last when there is none.
    async fn place<D: Database>(&self, database: &D, at: UtcMs) -> Result<i64, StoreError> {
        let found = database.rows(self.end, Args::default()).await?;
        let last = all("end", &found, Fields::int)?.pop().unwrap_or(0);
        let (mut low, mut high) = (0, last.saturating_add(1));
        while low < high {
            let middle = low + (high - low) / 2;
            let found = database.rows(self.at, Args::default().int(middle)).await?;
            let row = all("place", &found, |row| Ok((row.int()?, row.at()?)))?.pop();
            match row {
                Some((place, found_at)) if found_at < at => low = place.max(middle) + 1,
                _ => high = middle,
            }
        }
        Ok(low)
    }

    /// The places of a span, from the first of it to before the first after it.
    async fn places<D: Database>(&self, database: &D, span: Span) -> Result<(i64, i64), StoreError> {
        let from = match span.from {
            Some(at) => self.place(database, at).await?,
            None => 0,
        };
        let until = match span.until {
            Some(at) => self.place(database, at).await?,
            None => i64::MAX,
        };
        Ok((from, until))
    }
}

fn opt_millis(at: Option<UtcMs>) -> Option<i64> {
    at.map(UtcMs::as_millis)
}

fn id_bytes(id: Option<CustomerId>) -> Option<Vec<u8>> {
    id.map(|id| id.as_bytes().to_vec())
}

/// A run in a list, with its number.
pub(super) fn summary<R: Cells>(row: &mut Fields<'_, R>) -> Result<(RunSummary, i64), StoreError> {
    let id = RunId::from_bytes(row.bytes()?);
    let target = row.target()?;
    let customer = row.customer()?;
    let key = row.opt_string()?;
    let event = row.opt_seq()?;
    let parent = row.opt_bytes()?.map(RunId::from_bytes);
    let (started_at, changed_at) = (row.at()?, row.at()?);
    let status = row.status()?;
    let phase = status.phase();
    let (end, ended_at) = match status {
        RunStatus::Ended { end, at } => (Some(end), Some(at)),
        RunStatus::Undoing { end } => (Some(end), None),
        _ => (None, None),
    };
    let summary = RunSummary {
        id,
        target,
        customer,
        key,
        phase,
        end,
        event,
        parent,
        started_at,
        changed_at,
        ended_at,
        journal_rows: row.number()?,
    };
    Ok((summary, row.int()?))
}

pub(super) async fn runs<D: Database>(
    database: &D,
    filter: RunFilter,
    turn: Turn,
) -> Result<Page<RunSummary>, InspectError> {
    let numbered = Numbered::of(&turn, "runs")?;
    let ordered = Ordered { at: D::SQL.inspect_runs_at, end: D::SQL.inspect_runs_at_end };
    let (from, until) = ordered.places(database, filter.started).await?;
    // Most runs are live or completed: those phases are no help.
    let is_rare = |phase| !matches!(phase, RunPhase::Live | RunPhase::Completed);
    let text = match &filter {
        RunFilter { customer: Some(_), .. } => D::SQL.inspect_runs_of_customer,
        RunFilter { phase: Some(phase), .. } if is_rare(*phase) => D::SQL.inspect_runs_of_phase,
        RunFilter { playbook: Some(_), workflow: Some(_), .. } => D::SQL.inspect_runs_of_workflow,
        RunFilter { phase: Some(_), .. } => D::SQL.inspect_runs_of_phase,
        _ => D::SQL.inspect_runs,
    };
    let args = Args::default()
        .int(numbered.before.min(until))
        .int(from)
        .opt_text(filter.phase.map(|phase| phase.as_str().to_owned()))
        .opt_text(filter.playbook.map(|name| name.to_string()))
        .opt_text(filter.workflow)
        .opt_bytes(id_bytes(filter.customer))
        .opt_int(opt_millis(filter.started.from))
        .opt_int(opt_millis(filter.started.until))
        .int(numbered.asked());
    let found = database.rows(text, args).await?;
    Ok(numbered.page(all("runs", &found, summary)?))
}

pub(super) async fn run<D: Database>(database: &D, id: RunId) -> Result<Option<RunDetail>, StoreError> {
    let keys = D::Batch::keys([&id.as_bytes()[..]]).finish()?;
    let journal = Args::default().bytes(*id.as_bytes()).int(i64::from(limits::run::JOURNAL_ROWS_MAX));
    let questions = vec![(D::SQL.load_runs, Args::default().rows(keys)), (D::SQL.inspect_journal, journal)];
    let answers = database.view(questions).await?;
    let [runs, journal] = answers.as_slice() else {
        return Ok(None);
    };
    let Some(loaded) = all("runs", runs, Fields::loaded_run)?.pop() else {
        return Ok(None);
    };
    Ok(Some(RunDetail {
        run: loaded.run,
        event: loaded.event,
        journal: all("journal", journal, Fields::journal_line)?,
    }))
}

pub(super) async fn messages<D: Database>(
    database: &D,
    filter: MessageFilter,
    turn: Turn,
) -> Result<Page<Message>, InspectError> {
    let numbered = Numbered::of(&turn, "messages")?;
    let ordered = Ordered { at: D::SQL.inspect_messages_at, end: D::SQL.inspect_messages_at_end };
    let (from, until) = ordered.places(database, filter.planned).await?;
    let text = match &filter {
        MessageFilter { customer: Some(_), .. } => D::SQL.inspect_messages_of_customer,
        MessageFilter { status: Some(_), channel: Some(_), .. } => D::SQL.inspect_messages_of_channel,
        MessageFilter { status: Some(_), .. } => D::SQL.inspect_messages_of_status,
        _ => D::SQL.inspect_messages,
    };
    let args = Args::default()
        .int(numbered.before.min(until))
        .int(from)
        .opt_text(filter.status.map(|status| status.as_str().to_owned()))
        .opt_text(filter.channel.map(|name| name.to_string()))
        .opt_bytes(id_bytes(filter.customer))
        .opt_int(opt_millis(filter.planned.from))
        .opt_int(opt_millis(filter.planned.until))
        .int(numbered.asked());
    let found = database.rows(text, args).await?;
    let rows = all("messages", &found, |row| Ok((row.message()?, row.int()?)))?;
    Ok(numbered.page(rows))
}

pub(super) async fn events<D: Database>(
    database: &D,
    filter: EventFilter,
    turn: Turn,
) -> Result<Page<EventRow>, InspectError> {
    let numbered = Numbered::of(&turn, "events")?;
    let ordered = Ordered { at: D::SQL.inspect_events_at, end: D::SQL.inspect_events_at_end };
    let (from, until) = ordered.places(database, filter.recorded).await?;
    let text = match &filter {
        EventFilter { customer: Some(_), .. } => D::SQL.inspect_events_of_customer,
        EventFilter { event_type: Some(_), .. } => D::SQL.inspect_events_of_type,
        _ => D::SQL.inspect_events,
    };
    let args = Args::default()
        .int(numbered.before.min(until))
        .int(from)
        .opt_text(filter.event_type.map(|name| name.to_string()))
        .opt_bytes(id_bytes(filter.customer))
        .opt_int(opt_millis(filter.recorded.from))
        .opt_int(opt_millis(filter.recorded.until))
        .int(numbered.asked());
    let found = database.rows(text, args).await?;
    let rows = all("events", &found, |row| {
        let event = row.event()?;
        let seq = i64::try_from(event.seq.0).unwrap_or(i64::MAX);
        Ok((event, seq))
    })?;
    Ok(numbered.page(rows))
}

pub(super) async fn scans<D: Database>(database: &D, turn: Turn) -> Result<Page<ScanRow>, InspectError> {
    let before: ScanId = match &turn.after {
        // After the last id of all.
        None => ScanId::from_bytes([0xff; 16]),
        Some(cursor) => cursor.as_str().parse().map_err(|_| not_a_cursor(cursor, "scans"))?,
    };
    let limit = turn.rows();
    let args = Args::default().bytes(*before.as_bytes()).limit(limit + 1);
    let found = database.rows(D::SQL.inspect_scans, args).await?;
    let rows = all("scans", &found, Fields::scan)?;
    Ok(page(rows, limit, |scan| scan.id.to_string(), |scan| scan))
}

pub(super) async fn playbooks<D: Database>(
    database: &D,
    turn: Turn,
) -> Result<Page<PlaybookVersion>, InspectError> {
    let numbered = Numbered::of(&turn, "playbooks")?;
    let args = Args::default().int(numbered.before).int(numbered.asked());
    let found = database.rows(D::SQL.inspect_playbooks, args).await?;
    let rows = all("playbooks", &found, |row| {
        let version = PlaybookVersion {
            name: row.parse()?,
            digest: PlaybookDigest(row.bytes()?),
            published_at: row.at()?,
            is_active: row.flag()?,
        };
        Ok((version, row.int()?))
    })?;
    Ok(numbered.page(rows))
}

/// A cursor of two parts.
pub(super) fn parts<'c>(
    cursor: &'c Cursor,
    separator: char,
    list: &'static str,
) -> Result<(&'c str, &'c str), InspectError> {
    cursor.as_str().rsplit_once(separator).ok_or_else(|| not_a_cursor(cursor, list))
}
