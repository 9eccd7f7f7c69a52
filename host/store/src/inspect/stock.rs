//! Pools, counters and reservations of a plugin by prefix, in the order of their keys. Cursors are keys.

use siyu_engine::ports::inspect::{InspectError, Page, ReservationTally, StockFilter, Turn};
use siyu_engine::ports::rows::StockKey;
use siyu_engine::ports::store::StoreError;
use siyu_model::id::ReservationId;
use siyu_model::stock::counter::Counter;
use siyu_model::stock::pool::Pool;
use siyu_model::stock::reservation::Reservation;

use super::{lists, not_a_cursor, page};
use crate::database::{Args, Database};
use crate::decode::{Fields, all};

async fn keyed<D: Database>(
    database: &D,
    text: &'static str,
    filter: &StockFilter,
    turn: &Turn,
) -> Result<Vec<D::Row>, InspectError> {
    let after = turn.after.as_ref().map_or("", |cursor| cursor.as_str());
    let args = Args::default().text(&filter.plugin).text(after).prefix(&filter.prefix);
    Ok(database.rows(text, args.limit(turn.rows() + 1)).await?)
}

pub(super) async fn pools<D: Database>(
    database: &D,
    filter: StockFilter,
    turn: Turn,
) -> Result<Page<(StockKey, Pool)>, InspectError> {
    let found = keyed(database, D::SQL.inspect_pools, &filter, &turn).await?;
    let rows = all("pools", &found, |row| Ok((row.stock_key()?, row.pool()?)))?;
    Ok(page(rows, turn.rows(), |(key, _)| key.key.to_string(), |row| row))
}

pub(super) async fn counters<D: Database>(
    database: &D,
    filter: StockFilter,
    turn: Turn,
) -> Result<Page<(StockKey, Counter)>, InspectError> {
    let found = keyed(database, D::SQL.inspect_counters, &filter, &turn).await?;
    let rows = all("counters", &found, |row| Ok((row.stock_key()?, row.counter()?)))?;
    Ok(page(rows, turn.rows(), |(key, _)| key.key.to_string(), |row| row))
}

pub(super) async fn reservations<D: Database>(
    database: &D,
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
    let args = Args::default().text(&filter.plugin).text(pool).bytes(id).prefix(&filter.prefix);
    let found = database.rows(D::SQL.inspect_reservations, args.limit(turn.rows() + 1)).await?;
    let rows = all(LIST, &found, Fields::reservation)?;
    let cursor = |row: &Reservation| format!("{} {}", row.pool, row.id);
    Ok(page(rows, turn.rows(), cursor, |row| row))
}

pub(super) async fn reservation_tallies<D: Database>(
    database: &D,
    plugin: &str,
) -> Result<Vec<ReservationTally>, StoreError> {
    let found = database.rows(D::SQL.inspect_tally_reservations, Args::default().text(plugin)).await?;
    all("reservations", &found, |row| {
        Ok(ReservationTally {
            pool: row.parse()?,
            status: row.parse()?,
            reservations: row.number()?,
            units: row.number()?,
        })
    })
}
