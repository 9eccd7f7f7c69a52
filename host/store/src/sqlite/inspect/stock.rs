//! Pools, counters and reservations of a plugin by prefix, in the order of their keys. Cursors are keys.

use siyu_engine::ports::inspect::{InspectError, Page, ReservationTally, StockFilter, Turn};
use siyu_engine::ports::rows::StockKey;
use siyu_engine::ports::store::StoreError;
use siyu_model::id::ReservationId;
use siyu_model::stock::counter::Counter;
use siyu_model::stock::pool::Pool;
use siyu_model::stock::reservation::Reservation;
use sqlx::sqlite::SqliteRow;

use super::super::connect::{Args, Readers};
use super::super::decode::{Fields, all};
use super::super::store::after_prefix;
use super::{lists, not_a_cursor, page, sql};

/// From a prefix to the end of what begins with it; bytes come after all text.
fn prefix(args: Args, prefix: &str) -> Args {
    match after_prefix(prefix) {
        Some(end) => args.text(prefix).text(&end),
        None => args.text(prefix).bytes([]),
    }
}

async fn keyed(
    readers: &Readers,
    text: &'static str,
    filter: &StockFilter,
    turn: &Turn,
) -> Result<Vec<SqliteRow>, InspectError> {
    let after = turn.after.as_ref().map_or("", |cursor| cursor.as_str());
    let args = Args::default().text(&filter.plugin).text(after);
    let limit = i64::try_from(turn.rows() + 1).unwrap_or(i64::MAX);
    Ok(readers.rows(text, prefix(args, &filter.prefix).int(limit)).await?)
}

pub(super) async fn pools(
    readers: &Readers,
    filter: StockFilter,
    turn: Turn,
) -> Result<Page<(StockKey, Pool)>, InspectError> {
    let found = keyed(readers, sql::POOLS, &filter, &turn).await?;
    let rows = all("pools", &found, |row| Ok((row.stock_key()?, row.pool()?)))?;
    Ok(page(rows, turn.rows(), |(key, _)| key.key.to_string(), |row| row))
}

pub(super) async fn counters(
    readers: &Readers,
    filter: StockFilter,
    turn: Turn,
) -> Result<Page<(StockKey, Counter)>, InspectError> {
    let found = keyed(readers, sql::COUNTERS, &filter, &turn).await?;
    let rows = all("counters", &found, |row| Ok((row.stock_key()?, row.counter()?)))?;
    Ok(page(rows, turn.rows(), |(key, _)| key.key.to_string(), |row| row))
}

pub(super) async fn reservations(
    readers: &Readers,
    filter: StockFilter,
    turn: Turn,
) -> Result<Page<Reservation>, InspectError> {
    const LIST: &str = "reservations";
    let (pool, id) = match &turn.after {
        None => ("", Vec::new()),
        Some(cursor) => {
            let (pool, id) = lists::parts(cursor, ' ', LIST)?;
            let id: ReservationId = id.parse().map_err(|_| not_a_cursor(cursor, LIST))?;
            (pool, id.as_bytes().to_vec())
        }
    };
    let args = Args::default().text(&filter.plugin).text(pool).bytes(id);
    let limit = i64::try_from(turn.rows() + 1).unwrap_or(i64::MAX);
    let args = prefix(args, &filter.prefix).int(limit);
    let found = readers.rows(sql::RESERVATIONS, args).await?;
    let rows = all(LIST, &found, Fields::reservation)?;
    let cursor = |row: &Reservation| format!("{} {}", row.pool, row.id);
    Ok(page(rows, turn.rows(), cursor, |row| row))
}

pub(super) async fn reservation_tallies(
    readers: &Readers,
    plugin: &str,
) -> Result<Vec<ReservationTally>, StoreError> {
    let found = readers.rows(sql::RESERVATION_TALLIES, Args::default().text(plugin)).await?;
    all("reservations", &found, |row| {
        Ok(ReservationTally {
            pool: row.parse()?,
            status: row.parse()?,
            reservations: row.number()?,
            units: row.number()?,
        })
    })
}
