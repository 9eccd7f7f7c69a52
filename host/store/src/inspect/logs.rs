//! A tenant's two logs, oldest first, as those who follow it read them.

use siyu_engine::ports::log::{LogPart, LogPlace, LoggedEvent, LoggedLine};
use siyu_engine::ports::store::StoreError;
use siyu_model::event::EventSeq;
use siyu_model::limits::inspect::{LOG_DETAIL_CHARS_MAX, PAGE_ROWS_MAX};

use crate::database::{Args, Database};
use crate::decode::all;

/// A part of both logs, and where they end, in one view.
pub(super) async fn log<D: Database>(
    database: &D,
    after: LogPlace,
    limit: usize,
) -> Result<LogPart, StoreError> {
    let limit = limit.min(PAGE_ROWS_MAX);
    let detail_max = i64::try_from(LOG_DETAIL_CHARS_MAX).unwrap_or(i64::MAX);
    let events = Args::default().count(after.event.0).limit(limit);
    let lines = Args::default().int(detail_max).int(detail_max).count(after.line).limit(limit);
    let questions = vec![
        (D::SQL.inspect_log_events, events),
        (D::SQL.inspect_log_lines, lines),
        (D::SQL.inspect_events_at_end, Args::default()),
        (D::SQL.journal_end, Args::default()),
    ];
    let answers = database.view(questions).await?;
    let [events, lines, events_end, lines_end] = answers.as_slice() else {
        return Err(StoreError::Broken("a view of the logs has another number of answers".to_owned()));
    };
    let end = LogPlace {
        event: EventSeq(all("end", events_end, |row| row.number())?.pop().unwrap_or_default()),
        line: all("end", lines_end, |row| row.number())?.pop().unwrap_or_default(),
    };
    let events = all("events", events, |row| {
        Ok(LoggedEvent {
            seq: row.seq()?,
            id: row.string()?,
            source: row.string()?,
            event_type: row.parse()?,
            customer: row.customer()?,
            occurred_at: row.at()?,
            recorded_at: row.at()?,
            outcome: row.string()?,
        })
    })?;
    let lines = all("journal", lines, |row| {
        let line = row.journal_line()?;
        Ok(LoggedLine { line, place: row.number()?, is_cut: row.flag()? })
    })?;
    Ok(LogPart { events, lines, end })
}
