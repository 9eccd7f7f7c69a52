//! Letters: posted in batches, refused for a tenant that is not there or has as many as may wait.

use std::collections::{BTreeSet, HashMap};

use siyu_engine::ports::fleet::{Letter, Posted, Posting};
use siyu_engine::ports::store::StoreError;
use siyu_model::limits::fleet::LETTERS_MAX;
use siyu_model::name::TenantName;
use sqlx::AssertSqlSafe;

use super::super::registry::schema_of;
use super::super::schema::place;
use super::{Given, PgFleet, names, sql};
use crate::carry::{CARRIED, Mark};

/// What the hosts are told after a batch.
const LETTERS: &str = "letters";

/// Makes letters durable; says of each what became of it.
pub(super) async fn post(fleet: &PgFleet, letters: Vec<Posting>) -> Result<Vec<Posted>, StoreError> {
    let rooms = rooms(fleet, &letters).await?;
    let refused: Vec<Option<Posted>> = letters
        .iter()
        .map(|letter| match rooms.get(&letter.tenant) {
            None => Some(Posted::NoTenant),
            Some(Room::Closed(posted)) => Some(posted.clone()),
            Some(Room::Waiting(waiting)) => (*waiting >= LETTERS_MAX).then_some(Posted::Full),
        })
        .collect();
    let taken = letters.into_iter().zip(&refused).filter(|(_, refused)| refused.is_none());
    let mut ids = insert(fleet, taken.map(|(letter, _)| letter).collect()).await?.into_iter();
    refused
        .into_iter()
        .map(|refused| match refused {
            Some(posted) => Ok(posted),
            None => ids.next().map(Posted::Taken).ok_or_else(|| {
                StoreError::Broken(format!("{}: letters without a place", fleet.server.place()))
            }),
        })
        .collect()
}

/// What is taken in for a tenant that is there.
enum Room {
    /// So many letters wait for it.
    Waiting(usize),
    /// Nothing.
    Closed(Posted),
}

/// What is taken in for each tenant that is there.
async fn rooms(fleet: &PgFleet, letters: &[Posting]) -> Result<HashMap<TenantName, Room>, StoreError> {
    let tenants: BTreeSet<&TenantName> = letters.iter().map(|letter| &letter.tenant).collect();
    let tenants: Vec<TenantName> = tenants.into_iter().cloned().collect();
    let limit = i64::try_from(LETTERS_MAX).unwrap_or(i64::MAX);
    let rows = fleet.ask(sql!("host_letters_room"), Given::default().and(names(&tenants)).and(limit)).await?;
    let mut rooms = HashMap::new();
    for row in &rows {
        let (is_there, waiting) = (fleet.cell::<bool>(row, 1)?, fleet.cell::<i64>(row, 2)?);
        let (is_closed, has_rows) = (fleet.cell::<bool>(row, 3)?, fleet.cell::<bool>(row, 4)?);
        let tenant = fleet.tenant(row, 0)?;
        let room = match (is_there, is_closed, has_rows) {
            (false, ..) => continue,
            (true, false, _) => Room::Waiting(usize::try_from(waiting).unwrap_or(0)),
            (true, true, true) => Room::Closed(closed(fleet, &tenant).await?),
            // Somebody removed what a move had left behind.
            (true, true, false) => Room::Closed(Posted::NoTenant),
        };
        rooms.insert(tenant, room);
    }
    Ok(rooms)
}

/// Why a closed tenant takes nothing in, from its own note.
async fn closed(fleet: &PgFleet, tenant: &TenantName) -> Result<Posted, StoreError> {
    let place = place(&fleet.server, tenant);
    // The name of a schema holds no quote. The statement is that of `note.sql`, said of a schema that is not the session's.
    let text = format!("SELECT value FROM \"{}\".meta WHERE name = $1", schema_of(tenant));
    let rows = fleet.ask(AssertSqlSafe(text), Given::default().and(CARRIED)).await?;
    // A move that was taken back a moment ago: whoever comes again finds it open.
    let Some(row) = rows.first() else { return Ok(Posted::Full) };
    let note: Vec<u8> = fleet.cell(row, 0)?;
    let mark = Mark::read(&String::from_utf8_lossy(&note), &place)?;
    Ok(Posted::Closed { place, why: mark.why(), is_gone: mark.is_gone() })
}

/// The places of letters that are durable now, in their order.
async fn insert(fleet: &PgFleet, letters: Vec<Posting>) -> Result<Vec<i64>, StoreError> {
    if letters.is_empty() {
        return Ok(Vec::new());
    }
    let tenants: Vec<String> = letters.iter().map(|letter| letter.tenant.as_str().to_owned()).collect();
    let awaited: Vec<bool> = letters.iter().map(|letter| letter.is_awaited).collect();
    let bodies: Vec<String> = letters.into_iter().map(|letter| letter.body).collect();
    let given = Given::default().and(fleet.me.as_bytes().to_vec()).and(tenants).and(bodies).and(awaited);
    let rows = fleet.ask(sql!("host_letters_post"), given).await?;
    let mut ids = rows.iter().map(|row| fleet.cell::<i64>(row, 0)).collect::<Result<Vec<_>, _>>()?;
    // They were numbered in their order.
    ids.sort_unstable();
    // They are durable; whoever misses the news looks by itself.
    if let Err(fault) = fleet.tell(LETTERS).await {
        tracing::debug!(%fault, "hosts could not be told of letters");
    }
    Ok(ids)
}

/// Letters that are not answered yet.
pub(super) async fn read(
    fleet: &PgFleet,
    tenants: &[TenantName],
    limit: usize,
) -> Result<Vec<Letter>, StoreError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let given = Given::default().and(fleet.me.as_bytes().to_vec()).and(names(tenants)).and(limit);
    let rows = fleet.ask(sql!("host_letters"), given).await?;
    rows.iter()
        .map(|row| {
            let (tenant, body) = (fleet.tenant(row, 1)?, fleet.cell(row, 2)?);
            Ok(Letter { id: fleet.cell(row, 0)?, tenant, body })
        })
        .collect()
}
