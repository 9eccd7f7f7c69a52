//! `pools` and `counters`: the rules are `siyu_model::stock`'s.

use siyu_model::id::ReservationId;
use siyu_model::json::Value;
use siyu_model::name::Key;
use siyu_model::plugin::Capability;
use siyu_model::stock::counter::{Counter, CounterError};
use siyu_model::stock::pool::{Pool as Stock, PoolError};
use siyu_model::stock::reservation::{CounterHold, Reservation as Claim, ReservationStatus as Status};

use super::{Asked, State, ask, instant, key, utc};
use crate::counters::Taken;
use crate::error::{Error, ErrorCode};
use crate::pools::{Pool, Reservation, ReservationStatus, Reserve, Reserved};

fn pool_fault(error: PoolError) -> Error {
    match error {
        PoolError::Units { .. } => Error::invalid(error.to_string()),
        _ => Error::new(ErrorCode::Conflict, error.to_string()),
    }
}

fn counter_fault(error: CounterError) -> Error {
    match error {
        CounterError::Number { .. } => Error::invalid(error.to_string()),
        _ => Error::new(ErrorCode::Conflict, error.to_string()),
    }
}

fn known(state: &State, text: &str) -> Asked<(Key, Stock)> {
    let key = key(text)?;
    match state.tables.pools.get(&key).copied() {
        Some(pool) => Ok((key, pool)),
        None => Err(Error::new(ErrorCode::NotFound, format!("there is no pool `{text}`: define it first"))),
    }
}

fn counter_of(state: &State, key: &Key) -> Counter {
    state.tables.counters.get(key).copied().unwrap_or_default()
}

pub(crate) fn define_pool(text: &str, total: u64) -> Asked<()> {
    ask(Capability::Pools, |state| {
        let key = key(text)?;
        let pool = match state.tables.pools.get(&key) {
            Some(pool) => pool.resize(total),
            None => Stock::new(total),
        };
        state.tables.pools.set(&key, Some(pool.map_err(pool_fault)?));
        Ok(())
    })
}

pub(crate) fn pool(text: &str) -> Asked<Option<Pool>> {
    ask(Capability::Pools, |state| {
        Ok(state.tables.pools.get(&key(text)?).map(|pool| Pool {
            total: pool.total(),
            available: pool.available(),
            reserved: pool.reserved(),
            sold: pool.sold(),
        }))
    })
}

/// Units and quotas together, or neither.
pub(crate) fn reserve(wanted: Reserve) -> Asked<Reserved> {
    ask(Capability::Pools, |state| {
        let (pool_key, pool) = known(state, &wanted.pool)?;
        let held = match pool.reserve(wanted.units) {
            Ok(held) => held,
            Err(PoolError::SoldOut { available, .. }) => return Ok(Reserved::SoldOut { available }),
            Err(error) => return Err(pool_fault(error)),
        };
        let mut counters: Vec<(Key, Counter)> = Vec::new();
        let mut holds = Vec::new();
        for quota in &wanted.quotas {
            let key = key(&quota.key)?;
            // The same counter may be named twice: the second part comes on top of the first.
            let so_far = counters.iter().rev().find(|(known, _)| *known == key).map(|(_, counter)| *counter);
            match so_far.unwrap_or_else(|| counter_of(state, &key)).take(quota.units, quota.limit) {
                Ok(taken) => counters.push((key.clone(), taken)),
                Err(CounterError::Full { used, .. }) => {
                    return Ok(Reserved::OverQuota { key: quota.key.clone(), used });
                }
                Err(error) => return Err(counter_fault(error)),
            }
            holds.push(CounterHold { key, units: quota.units });
        }
        let now = state.now;
        let call = state.call();
        call.reserved += 1;
        let id = ReservationId::derive(now, &[call.id.as_bytes(), &call.reserved.to_be_bytes()]);
        let claim = Claim {
            id,
            customer: call.customer,
            plugin: state.manifest.name.clone(),
            pool: pool_key.clone(),
            units: wanted.units,
            counters: holds,
            reference: wanted.reference,
            status: Status::Held,
            expires_at: utc(wanted.expires_at).max(now),
        };
        state.tables.pools.set(&pool_key, Some(held));
        for (key, counter) in counters {
            state.tables.counters.set(&key, Some(counter));
        }
        state.tables.reservations.set(&id, Some(claim));
        Ok(Reserved::Held(id.to_string()))
    })
}

fn claim(state: &State, text: &str) -> Asked<Option<Claim>> {
    let id: ReservationId =
        text.parse().map_err(|fault: siyu_model::id::IdError| Error::invalid(fault.to_string()))?;
    Ok(state.tables.reservations.get(&id).cloned())
}

fn settle_named(text: &str, status: Status) -> Asked<bool> {
    ask(Capability::Pools, |state| {
        let Some(claim) = claim(state, text)? else {
            return Err(Error::new(ErrorCode::NotFound, format!("there is no reservation {text}")));
        };
        if claim.status != Status::Held {
            return Ok(false);
        }
        settle(state, claim, status);
        Ok(true)
    })
}

pub(crate) fn commit_reservation(reservation: &str) -> Asked<bool> {
    settle_named(reservation, Status::Committed)
}

pub(crate) fn release_reservation(reservation: &str) -> Asked<bool> {
    settle_named(reservation, Status::Released)
}

/// Ends a held reservation: its units are sold or go back, its quotas stay or go back.
fn settle(state: &mut State, claim: Claim, status: Status) {
    let pool = state.tables.pools.get(&claim.pool).copied();
    let settled = pool.map(|pool| match status {
        Status::Committed => pool.commit(claim.units),
        _ => pool.release(claim.units),
    });
    let Some(Ok(settled)) = settled else {
        panic!("a broken invariant: reservation {} holds units that its pool does not have", claim.id);
    };
    state.tables.pools.set(&claim.pool, Some(settled));
    if status != Status::Committed {
        for hold in &claim.counters {
            let counter = counter_of(state, &hold.key);
            // The plugin may have given a part back itself: what is left goes.
            if let Ok(less) = counter.give_back(hold.units.min(counter.used())) {
                state.tables.counters.set(&hold.key, Some(less));
            }
        }
    }
    let id = claim.id;
    state.tables.reservations.set(&id, Some(Claim { status, ..claim }));
}

/// A reservation's time is over.
pub(in crate::fake) fn expire_reservation(state: &mut State, id: ReservationId) {
    let Some(claim) = state.tables.reservations.get(&id).cloned() else {
        return;
    };
    let data = Value::map([
        ("plugin", Value::text(claim.plugin.as_str())),
        ("pool", Value::text(claim.pool.as_str())),
        ("reservation", Value::text(id.to_string())),
        ("units", Value::Int(i64::try_from(claim.units).unwrap_or(i64::MAX))),
        ("reference", claim.reference.as_deref().map_or(Value::Null, Value::text)),
    ]);
    let customer = claim.customer;
    settle(state, claim, Status::Expired);
    state.host_event("reservation.expired", customer, data);
}

pub(crate) fn reservation(text: &str) -> Asked<Option<Reservation>> {
    ask(Capability::Pools, |state| {
        Ok(claim(state, text)?.map(|claim| Reservation {
            id: claim.id.to_string(),
            pool: claim.pool.to_string(),
            customer: claim.customer.map(|customer| customer.to_string()),
            units: claim.units,
            status: match claim.status {
                Status::Held => ReservationStatus::Held,
                Status::Committed => ReservationStatus::Committed,
                Status::Released => ReservationStatus::Released,
                Status::Expired => ReservationStatus::Expired,
            },
            expires_at: instant(claim.expires_at),
            reference: claim.reference,
        }))
    })
}

pub(crate) fn take_from_pool(text: &str, units: u64) -> Asked<bool> {
    ask(Capability::Pools, |state| {
        let (key, pool) = known(state, text)?;
        match pool.take(units) {
            Ok(pool) => {
                state.tables.pools.set(&key, Some(pool));
                Ok(true)
            }
            Err(PoolError::SoldOut { .. }) => Ok(false),
            Err(error) => Err(pool_fault(error)),
        }
    })
}

pub(crate) fn restock_pool(text: &str, units: u64) -> Asked<()> {
    ask(Capability::Pools, |state| {
        let (key, pool) = known(state, text)?;
        state.tables.pools.set(&key, Some(pool.restock(units).map_err(pool_fault)?));
        Ok(())
    })
}

pub(crate) fn take_counter(text: &str, units: u64, limit: u64) -> Asked<Taken> {
    ask(Capability::Counters, |state| {
        let key = key(text)?;
        match counter_of(state, &key).take(units, limit) {
            Ok(counter) => {
                state.tables.counters.set(&key, Some(counter));
                Ok(Taken { ok: true, used: counter.used() })
            }
            Err(CounterError::Full { used, .. }) => Ok(Taken { ok: false, used }),
            Err(error) => Err(counter_fault(error)),
        }
    })
}

pub(crate) fn give_back_counter(text: &str, units: u64) -> Asked<()> {
    ask(Capability::Counters, |state| {
        let key = key(text)?;
        let counter = counter_of(state, &key).give_back(units).map_err(counter_fault)?;
        state.tables.counters.set(&key, Some(counter));
        Ok(())
    })
}

pub(crate) fn counter(text: &str) -> Asked<u64> {
    ask(Capability::Counters, |state| Ok(counter_of(state, &key(text)?).used()))
}
