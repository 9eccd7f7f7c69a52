//! What happened to a customer, from five tables, newest first.
//!
//! Many things happen in one instant, so a cursor is an instant and how many of its moments were given already.

use siyu_engine::ports::inspect::{Cursor, InspectError, Moment, Page, Turn};
use siyu_model::clock::UtcMs;
use siyu_model::id::CustomerId;

use super::{lists, not_a_cursor};
use crate::database::{Args, Database};
use crate::decode::{Fields, all};

const LIST: &str = "timeline";

/// Up to which instant, and how many moments of exactly that instant were given.
fn place(after: Option<&Cursor>) -> Result<(UtcMs, usize), InspectError> {
    let Some(cursor) = after else {
        return Ok((UtcMs::LAST, 0));
    };
    let (at, given) = lists::parts(cursor, '.', LIST)?;
    let at = at.parse().map_err(|_| not_a_cursor(cursor, LIST))?;
    let given = given.parse().map_err(|_| not_a_cursor(cursor, LIST))?;
    Ok((UtcMs::from_millis(at), given))
}

pub(super) async fn timeline<D: Database>(
    database: &D,
    customer: CustomerId,
    turn: Turn,
) -> Result<Page<Moment>, InspectError> {
    let (until, given) = place(turn.after.as_ref())?;
    let limit = turn.rows();
    // Every source must be deep enough for what was given of the instant, the page, and one more.
    let depth = i64::try_from(given.saturating_add(limit + 1)).unwrap_or(i64::MAX);
    let args = Args::default().bytes(*customer.as_bytes()).int(until.as_millis()).int(depth);
    let sql = D::SQL;
    let questions = [
        sql.inspect_timeline_events,
        sql.inspect_timeline_runs,
        sql.inspect_timeline_messages,
        sql.inspect_timeline_tags,
        sql.inspect_timeline_segments,
    ];
    let answers = database.view(questions.map(|text| (text, args.clone())).into()).await?;
    let [events, runs, messages, tags, segments] = answers.as_slice() else {
        return Ok(Page { items: Vec::new(), next: None });
    };
    // Newest first also within an instant: what an event led to stands before the event.
    let mut moments = all("segment_members", segments, |row| Fields::segment(row).map(Moment::Segment))?;
    moments.extend(all("tags", tags, |row| Ok(Moment::Tag(row.parse()?, row.tag_mark()?)))?);
    moments.extend(all("messages", messages, |row| Ok(Moment::Message(Box::new(row.message()?))))?);
    moments.extend(all("runs", runs, |row| Ok(Moment::Run(Box::new(lists::summary(row)?.0))))?);
    moments.extend(all("events", events, |row| Ok(Moment::Event(Box::new(row.event()?))))?);
    // Stable: the moments of one instant keep the order of their sources, which is the same for every page.
    moments.sort_by_key(|moment| std::cmp::Reverse(moment.at()));
    Ok(cut(moments, until, given, limit))
}

fn cut(moments: Vec<Moment>, until: UtcMs, given: usize, limit: usize) -> Page<Moment> {
    let mut items: Vec<Moment> = moments.into_iter().skip(given).collect();
    let has_more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| has_more).map(|last| {
        let at = last.at();
        let of_instant = items.iter().filter(|moment| moment.at() == at).count();
        let given = if at == until { given + of_instant } else { of_instant };
        Cursor::new(format!("{}.{given}", at.as_millis()))
    });
    Page { items, next }
}
