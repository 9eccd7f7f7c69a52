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

use super::super::connect::{Args, Readers};
use super::super::decode::{Fields, all};
use super::super::jsonb::Batch;
use super::{Numbered, not_a_cursor, page, sql};

/// A table whose places are in the order of an instant: how to read the first row from a place on, and the last place.
struct Ordered {
    at: &'static str,
    end: &'static str,
}

impl Ordered {
    /// The first place whose instant is `at` or later, found by halving; the place after the last when there is none.
    async fn place(&self, readers: &Readers, at: UtcMs) -> Result<i64, StoreError> {
        let found = readers.rows(self.end, Args::default()).await?;
        let last = all("end", &found, Fields::int)?.pop().unwrap_or(0);
        let (mut low, mut high) = (0, last.saturating_add(1));
        while low < high {
            let middle = low + (high - low) / 2;
            let found = readers.rows(self.at, Args::default().int(middle)).await?;
            let row = all("place", &found, |row| Ok((row.int()?, row.at()?)))?.pop();
            match row {
                Some((place, found_at)) if found_at < at => low = place.max(middle) + 1,
                _ => high = middle,
            }
        }
        Ok(low)
    }

    /// The places of a span, from the first of it to before the first after it.
    async fn places(&self, readers: &Readers, span: Span) -> Result<(i64, i64), StoreError> {
        let from = match span.from {
            Some(at) => self.place(readers, at).await?,
            None => 0,
        };
        let until = match span.until {
            Some(at) => self.place(readers, at).await?,
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
pub(super) fn summary(row: &mut Fields<'_>) -> Result<(RunSummary, i64), StoreError> {
    let id = RunId::from_bytes(row.bytes()?);
    let target = row.target()?;
    let customer = row.customer()?;
    let key = row.opt_text()?.map(str::to_owned);
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

pub(super) async fn runs(
    readers: &Readers,
    filter: RunFilter,
    turn: Turn,
) -> Result<Page<RunSummary>, InspectError> {
    let numbered = Numbered::of(&turn, "runs")?;
    let ordered = Ordered { at: sql::RUNS_AT, end: sql::RUNS_END };
    let (from, until) = ordered.places(readers, filter.started).await?;
    // Most runs are live or completed: those phases are no help.
    let is_rare = |phase| !matches!(phase, RunPhase::Live | RunPhase::Completed);
    let text = match &filter {
        RunFilter { customer: Some(_), .. } => sql::CUSTOMER_RUNS,
        RunFilter { phase: Some(phase), .. } if is_rare(*phase) => sql::RUNS_OF_PHASE,
        RunFilter { playbook: Some(_), workflow: Some(_), .. } => sql::RUNS_OF_WORKFLOW,
        RunFilter { phase: Some(_), .. } => sql::RUNS_OF_PHASE,
        _ => sql::RUNS,
    };
    let args = Args::default()
        .int(numbered.before.min(until))
        .int(from)
        .opt(filter.phase.map(|phase| phase.as_str().to_owned()))
        .opt(filter.playbook.map(|name| name.to_string()))
        .opt(filter.workflow)
        .opt(id_bytes(filter.customer))
        .opt(opt_millis(filter.started.from))
        .opt(opt_millis(filter.started.until))
        .int(numbered.asked());
    let found = readers.rows(text, args).await?;
    Ok(numbered.page(all("runs", &found, summary)?))
}

pub(super) async fn run(readers: &Readers, id: RunId) -> Result<Option<RunDetail>, StoreError> {
    let keys = Batch::keys([&id.as_bytes()[..]]).finish()?;
    // The first statement takes the batch of keys; the journal's parameters are numbered after it.
    let args =
        Args::default().bytes(keys).bytes(*id.as_bytes()).int(i64::from(limits::run::JOURNAL_ROWS_MAX));
    let results = readers.run(sql::RUN, args).await?;
    let [_, runs, journal, ..] = results.as_slice() else {
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

pub(super) async fn messages(
    readers: &Readers,
    filter: MessageFilter,
    turn: Turn,
) -> Result<Page<Message>, InspectError> {
    let numbered = Numbered::of(&turn, "messages")?;
    let ordered = Ordered { at: sql::MESSAGES_AT, end: sql::MESSAGES_END };
    let (from, until) = ordered.places(readers, filter.planned).await?;
    let text = match &filter {
        MessageFilter { customer: Some(_), .. } => sql::CUSTOMER_MESSAGES,
        MessageFilter { status: Some(_), channel: Some(_), .. } => sql::MESSAGES_OF_CHANNEL,
        MessageFilter { status: Some(_), .. } => sql::MESSAGES_OF_STATUS,
        _ => sql::MESSAGES,
    };
    let args = Args::default()
        .int(numbered.before.min(until))
        .int(from)
        .opt(filter.status.map(|status| status.as_str().to_owned()))
        .opt(filter.channel.map(|name| name.to_string()))
        .opt(id_bytes(filter.customer))
        .opt(opt_millis(filter.planned.from))
        .opt(opt_millis(filter.planned.until))
        .int(numbered.asked());
    let found = readers.rows(text, args).await?;
    let rows = all("messages", &found, |row| Ok((row.message()?, row.int()?)))?;
    Ok(numbered.page(rows))
}

pub(super) async fn events(
    readers: &Readers,
    filter: EventFilter,
    turn: Turn,
) -> Result<Page<EventRow>, InspectError> {
    let numbered = Numbered::of(&turn, "events")?;
    let ordered = Ordered { at: sql::EVENTS_AT, end: sql::EVENTS_END };
    let (from, until) = ordered.places(readers, filter.recorded).await?;
    let text = match &filter {
        EventFilter { customer: Some(_), .. } => sql::CUSTOMER_EVENTS,
        EventFilter { event_type: Some(_), .. } => sql::TYPE_EVENTS,
        _ => sql::EVENTS,
    };
    let args = Args::default()
        .int(numbered.before.min(until))
        .int(from)
        .opt(filter.event_type.map(|name| name.to_string()))
        .opt(id_bytes(filter.customer))
        .opt(opt_millis(filter.recorded.from))
        .opt(opt_millis(filter.recorded.until))
        .int(numbered.asked());
    let found = readers.rows(text, args).await?;
    let rows = all("events", &found, |row| {
        let event = row.event()?;
        let seq = i64::try_from(event.seq.0).unwrap_or(i64::MAX);
        Ok((event, seq))
    })?;
    Ok(numbered.page(rows))
}

pub(super) async fn scans(readers: &Readers, turn: Turn) -> Result<Page<ScanRow>, InspectError> {
    let before: ScanId = match &turn.after {
        // After the last id of all.
        None => ScanId::from_bytes([0xff; 16]),
        Some(cursor) => cursor.as_str().parse().map_err(|_| not_a_cursor(cursor, "scans"))?,
    };
    let limit = turn.rows();
    let args = Args::default().bytes(*before.as_bytes()).int(i64::try_from(limit + 1).unwrap_or(i64::MAX));
    let found = readers.rows(sql::SCANS, args).await?;
    let rows = all("scans", &found, Fields::scan)?;
    Ok(page(rows, limit, |scan| scan.id.to_string(), |scan| scan))
}

pub(super) async fn playbooks(readers: &Readers, turn: Turn) -> Result<Page<PlaybookVersion>, InspectError> {
    let numbered = Numbered::of(&turn, "playbooks")?;
    let args = Args::default().int(numbered.before).int(numbered.asked());
    let found = readers.rows(sql::PLAYBOOKS, args).await?;
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
