//! A tenant goes from one place to another, and is executed in one of them at any moment, or in none.
//!
//! ```text
//! the source                                        the target
//! ── lease raised, marked `moving` ──┐
//!    nobody executes it              ├── copied where nobody looks, read again, compared
//! ┌─ lease held ─────────────────────┘
//! │                                  ┌── published: whole and durable
//! └─ marked `moved` ─────────────────┘
//! ```
//!
//! Whoever dies in between leaves a source that is closed and whole, and a target that is there whole or not at all; the same
//! command goes on from there. Nothing of the source is ever removed.

use siyu_model::clock::UtcMs;
use siyu_model::name::TenantName;

use super::copy::{Watch, fill};
use super::mark::{ARRIVED, Arrived, CARRIED};
use super::{Arrival, CarryError, Desk, Kept, Mark, MoveMark, Proof, Published};
use crate::store::random_bytes;

/// What is to be moved.
pub struct MoveRequest<'a> {
    /// From where.
    pub from: &'a Kept,
    /// To where.
    pub to: &'a Kept,
    /// Which tenant.
    pub tenant: &'a TenantName,
    /// Whether it goes by a virtual clock, the one of its events: no fleet of hosts executes it then.
    pub is_virtual: bool,
    /// Now.
    pub at: UtcMs,
    /// Who is told how far it is.
    pub watch: &'a (dyn Fn(super::Progress<'_>) + Sync),
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// How it ended.
    pub end: MoveEnd,
    /// The move.
    pub mark: MoveMark,
    /// What both places hold; none when it was compared by an earlier call.
    pub proof: Option<Proof>,
}

/// How a move ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MoveEnd {
    /// Everything was copied now.
    Done,
    /// An earlier call had copied everything; what was left is done now.
    Finished,
    /// An earlier call had done it all.
    Before,
}

/// Moves a tenant, or goes on with a move that was interrupted.
pub async fn move_tenant(request: MoveRequest<'_>) -> Result<Moved, CarryError> {
    let MoveRequest { from, to, tenant, .. } = request;
    let arrived = match to.has(tenant).await? {
        true => to.arrived(tenant).await?.map(|arrived| arrived.id),
        false => None,
    };
    match from.mark(tenant).await? {
        Some(Mark::Moved(mark)) if arrived.as_ref() == Some(&mark.id) => {
            return Ok(Moved { end: MoveEnd::Before, mark, proof: None });
        }
        Some(Mark::Moving(mark)) if arrived.as_ref() == Some(&mark.id) => {
            settle(&request, &mark, None).await?;
            return Ok(Moved { end: MoveEnd::Finished, mark, proof: None });
        }
        _ => {}
    }
    to.must_not_have(tenant).await?;
    let (mark, epoch) = close(&request).await?;
    let mut source = from.snapshot(tenant).await?;
    let mut target = to.arrival(tenant, source.version()).await?;
    let filled = async {
        let proof = fill(&mut *source, &mut *target, request.watch as Watch<'_>).await?;
        let arrived = Arrived { id: mark.id.clone(), from: from.place(tenant), at: request.at };
        let note = serde_json::to_string(&arrived).unwrap_or_default();
        target.seal(epoch, &[(ARRIVED, note)]).await?;
        Ok(proof)
    };
    let filled: Result<Proof, CarryError> = filled.await;
    source.end().await?;
    match filled {
        Ok(proof) => {
            settle(&request, &mark, Some(target)).await?;
            Ok(Moved { end: MoveEnd::Done, mark, proof: Some(proof) })
        }
        Err(fault) => {
            target.abandon().await;
            Err(fault)
        }
    }
}

/// Closes the source to executors; gives the mark and the epoch from which on it was.
async fn close(request: &MoveRequest<'_>) -> Result<(MoveMark, i64), CarryError> {
    let mut desk = request.from.desk(request.tenant).await?;
    let closed = close_at(&mut *desk, request).await;
    end(desk, closed).await
}

/// Ends with a transaction: one that failed is rolled back before anybody hears of it, so that nobody waits for its locks.
async fn end<T>(mut desk: Box<dyn Desk>, done: Result<T, CarryError>) -> Result<T, CarryError> {
    if done.is_err() {
        // What cannot be rolled back over a broken connection, the database rolls back by itself.
        let _rolled_back = desk.roll_back().await;
        let _closed = desk.close().await;
        return done;
    }
    desk.close().await?;
    done
}

async fn close_at(desk: &mut dyn Desk, request: &MoveRequest<'_>) -> Result<(MoveMark, i64), CarryError> {
    let MoveRequest { from, to, tenant, at, .. } = *request;
    let (place, target) = (from.place(tenant), to.place(tenant));
    let epoch = desk.begin().await?;
    let found = desk.note(CARRIED).await?;
    let mark = match found.map(|text| Mark::read(&text, &place)).transpose()? {
        None => MoveMark { id: random_id(&place)?, to: target, at },
        Some(Mark::Moving(mark)) if mark.to == target => mark,
        Some(other) => return Err(CarryError::Refused { what: place, why: other.why() }),
    };
    desk.set_note(CARRIED, Some(&Mark::Moving(mark.clone()).note())).await?;
    desk.commit().await?;
    Ok((mark, epoch))
}

/// Publishes the target, when that is still to be done, and marks the source as moved: while the lease's row is held, so that
/// nobody takes the move back in between.
async fn settle(
    request: &MoveRequest<'_>,
    mark: &MoveMark,
    target: Option<Box<dyn Arrival>>,
) -> Result<(), CarryError> {
    let mut desk = request.from.desk(request.tenant).await?;
    let settled = settle_at(&mut *desk, request, mark, target).await;
    end(desk, settled).await
}

async fn settle_at(
    desk: &mut dyn Desk,
    request: &MoveRequest<'_>,
    mark: &MoveMark,
    target: Option<Box<dyn Arrival>>,
) -> Result<(), CarryError> {
    let MoveRequest { from, to, tenant, at, .. } = *request;
    let place = from.place(tenant);
    desk.begin().await?;
    let found = desk.note(CARRIED).await?.map(|text| Mark::read(&text, &place)).transpose()?;
    let is_ours = matches!(&found, Some(Mark::Moving(found)) if found.id == mark.id);
    if !is_ours {
        if let Some(target) = target {
            target.abandon().await;
        }
        let why =
            found.map_or_else(|| "was taken back while it was being moved".to_owned(), |mark| mark.why());
        return Err(CarryError::Refused { what: place, why });
    }
    if let Some(target) = target {
        let is_there = to.has(tenant).await?;
        // Another call of the same move may have been faster.
        if is_there && to.arrived(tenant).await?.is_some_and(|arrived| arrived.id == mark.id) {
            target.abandon().await;
        } else {
            let aside = to.must_not_have(tenant).await?;
            let is_virtual = request.is_virtual;
            target.publish(Published { aside: aside.as_deref(), is_virtual }).await?;
        }
    }
    let moved = Mark::Moved(MoveMark { at, ..mark.clone() });
    desk.set_note(CARRIED, Some(&moved.note())).await?;
    desk.commit().await
}

/// Takes a move back that is not complete: the source is open again.
pub async fn cancel(from: &Kept, to: &Kept, tenant: &TenantName) -> Result<MoveMark, CarryError> {
    let mut desk = from.desk(tenant).await?;
    let cancelled = cancel_at(&mut *desk, from, to, tenant).await;
    let mark = end(desk, cancelled).await?;
    to.sweep(tenant).await?;
    Ok(mark)
}

async fn cancel_at(
    desk: &mut dyn Desk,
    from: &Kept,
    to: &Kept,
    tenant: &TenantName,
) -> Result<MoveMark, CarryError> {
    let place = from.place(tenant);
    // While this transaction is open, nobody publishes the target.
    desk.begin().await?;
    let found = desk.note(CARRIED).await?.map(|text| Mark::read(&text, &place)).transpose()?;
    let refused = |why: String| CarryError::Refused { what: place.clone(), why };
    let mark = match found {
        Some(Mark::Moving(mark)) if mark.to == to.place(tenant) => mark,
        Some(other) => return Err(refused(other.why())),
        None => return Err(refused("is not being moved".to_owned())),
    };
    let is_complete =
        to.has(tenant).await? && to.arrived(tenant).await?.is_some_and(|arrived| arrived.id == mark.id);
    if is_complete {
        let why = "has been copied completely already: call the same without --cancel to finish the move";
        return Err(refused(why.to_owned()));
    }
    desk.set_note(CARRIED, None).await?;
    desk.commit().await?;
    Ok(mark)
}

/// 32 random hexadecimal digits.
pub(crate) fn random_id(place: &str) -> Result<String, CarryError> {
    let bytes = random_bytes::<16>(place)?;
    Ok(super::proof::hex(&bytes))
}
