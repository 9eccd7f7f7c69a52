//! Narrow rows that reports read to their end, and events counted by what they hold.
//!
//! Cursors are keys, so a report that takes a minute reads every row once, whatever is written meanwhile.

use std::collections::BTreeMap;

use siyu_engine::ports::inspect::{Cursor, First, Group, GroupQuery, Groups, InspectError, Page, Turn};
use siyu_engine::ports::rows::FactRow;
use siyu_engine::ports::store::StoreError;
use siyu_model::clock::UtcMs;
use siyu_model::id::CustomerId;
use siyu_model::limits::inspect::{GROUP_PATHS_MAX, GROUPS_MAX, SUMMED_MAX};
use siyu_model::name::EventType;

use super::{lists, not_a_cursor, numbers, page};
use crate::database::{Args, Batch, Cells, Database};
use crate::decode::all;

/// The customer at which a list goes on, and the bytes that a query compares with: none before the first.
fn customer_of(text: &str, cursor: &Cursor, list: &'static str) -> Result<CustomerId, InspectError> {
    text.parse().map_err(|_| not_a_cursor(cursor, list))
}

pub(super) async fn facts<D: Database>(
    database: &D,
    event_types: &[EventType],
    turn: Turn,
) -> Result<Page<FactRow>, InspectError> {
    const LIST: &str = "facts";
    let (customer, event_type) = match &turn.after {
        None => (Vec::new(), ""),
        Some(cursor) => {
            let (customer, event_type) = lists::parts(cursor, ' ', LIST)?;
            (customer_of(customer, cursor, LIST)?.as_bytes().to_vec(), event_type)
        }
    };
    let limit = turn.narrow_rows();
    let types = D::Batch::texts(event_types.iter().map(EventType::as_str)).finish()?;
    let args = Args::default().bytes(customer).text(event_type).rows(types).limit(limit + 1);
    let found = database.rows(D::SQL.inspect_facts, args).await?;
    let rows = all(LIST, &found, |row| {
        Ok(FactRow {
            customer: CustomerId::from_bytes(row.bytes()?),
            event_type: row.parse()?,
            fact: row.fact()?,
        })
    })?;
    Ok(page(rows, limit, |row| format!("{} {}", row.customer, row.event_type), |row| row))
}

pub(super) async fn firsts<D: Database>(
    database: &D,
    event_type: &EventType,
    turn: Turn,
) -> Result<Page<First>, InspectError> {
    const LIST: &str = "first events";
    let after = match &turn.after {
        None => Vec::new(),
        Some(cursor) => customer_of(cursor.as_str(), cursor, LIST)?.as_bytes().to_vec(),
    };
    let limit = turn.narrow_rows();
    let args = Args::default().bytes(after).text(event_type.as_str()).limit(limit + 1);
    let found = database.rows(D::SQL.inspect_firsts, args).await?;
    let rows = all(LIST, &found, |row| {
        Ok(First {
            customer: CustomerId::from_bytes(row.bytes()?),
            occurred_at: row.at()?,
            data: row.text()?.into(),
        })
    })?;
    Ok(page(rows, limit, |row| row.customer.to_string(), |row| row))
}

/// Customer, instant and place in the log, as the cursor of [`times`] has them.
fn instant(cursor: Option<&Cursor>) -> Result<(Vec<u8>, i64, i64), InspectError> {
    const LIST: &str = "instants";
    let Some(cursor) = cursor else {
        return Ok((Vec::new(), 0, 0));
    };
    let fault = || not_a_cursor(cursor, LIST);
    let (rest, seq) = lists::parts(cursor, ' ', LIST)?;
    let (customer, at) = rest.rsplit_once(' ').ok_or_else(fault)?;
    let customer = customer_of(customer, cursor, LIST)?.as_bytes().to_vec();
    Ok((customer, at.parse().map_err(|_| fault())?, seq.parse().map_err(|_| fault())?))
}

pub(super) async fn times<D: Database>(
    database: &D,
    event_type: &EventType,
    turn: Turn,
) -> Result<Page<(CustomerId, UtcMs)>, InspectError> {
    let (customer, at, seq) = instant(turn.after.as_ref())?;
    let limit = turn.narrow_rows();
    let args = Args::default().bytes(customer).text(event_type.as_str()).int(at).int(seq).limit(limit + 1);
    let found = database.rows(D::SQL.inspect_times, args).await?;
    let rows =
        all("events", &found, |row| Ok((CustomerId::from_bytes(row.bytes()?), row.at()?, row.int()?)))?;
    let cursor = |row: &(CustomerId, UtcMs, i64)| format!("{} {} {}", row.0, row.1.as_millis(), row.2);
    Ok(page(rows, limit, cursor, |(customer, at, _)| (customer, at)))
}

/// The parameters of a question for groups, but for its window.
fn group_args(query: &GroupQuery) -> Args {
    let args = Args::default().text(query.event_type.as_str());
    let args = (0..GROUP_PATHS_MAX).fold(args, |args, at| args.path(query.by.get(at).copied()));
    args.path(query.having)
        .path(query.sum)
        .int(SUMMED_MAX)
        .opt_int(query.occurred.from.map(UtcMs::as_millis))
        .opt_int(query.occurred.until.map(UtcMs::as_millis))
        .limit(GROUPS_MAX + 1)
}

fn group_rows<R: Cells>(found: &[R], paths: usize) -> Result<Vec<Group>, StoreError> {
    all("events", found, |row| {
        let mut keys = Vec::with_capacity(GROUP_PATHS_MAX);
        for _ in 0..GROUP_PATHS_MAX {
            keys.push(row.opt_string()?);
        }
        keys.truncate(paths);
        Ok(Group { keys, events: row.number()?, customers: row.number()?, sum: row.int()? })
    })
}

pub(super) async fn groups<D: Database>(database: &D, query: GroupQuery) -> Result<Groups, StoreError> {
    let paths = query.by.len().min(GROUP_PATHS_MAX);
    let (mut rows, mut is_cut) = (Vec::new(), false);
    if query.customers {
        // Customers of two windows cannot be added up.
        rows = group_rows(&database.rows(D::SQL.inspect_groups_customers, group_args(&query)).await?, paths)?;
    } else {
        let mut counted: BTreeMap<Vec<Option<String>>, (u64, i64)> = BTreeMap::new();
        for (from, until) in numbers::windows(numbers::last(database, D::SQL.inspect_events_at_end).await?) {
            let args = group_args(&query).int(from).int(until);
            let found = group_rows(&database.rows(D::SQL.inspect_groups, args).await?, paths)?;
            is_cut |= found.len() > GROUPS_MAX;
            for group in found {
                let sum = counted.entry(group.keys).or_default();
                *sum = (sum.0 + group.events, sum.1.saturating_add(group.sum));
            }
        }
        let group = |(keys, (events, sum))| Group { keys, events, customers: 0, sum };
        rows.extend(counted.into_iter().take(GROUPS_MAX + 1).map(group));
    }
    is_cut |= rows.len() > GROUPS_MAX;
    rows.truncate(GROUPS_MAX);
    Ok(Groups { rows, is_cut })
}
