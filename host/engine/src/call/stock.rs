//! `pools` and `counters`: the host keeps their invariants, whatever a plugin asks.

use siyu_model::clock::UtcMs;
use siyu_model::id::ReservationId;
use siyu_model::json::Value;
use siyu_model::stock::counter::{Counter, CounterError};
use siyu_model::stock::pool::{Pool, PoolError};
use siyu_model::stock::reservation::{CounterHold, Reservation, ReservationStatus};

use super::host::{CallScope, key};
use crate::admit::host_event;
use crate::memory::{Halt, Memory, Worked};
use crate::ports::plugins::{Asked, HostError, ReserveRequest, Reserved};
use crate::ports::rows::{StockKey, TimerKind};

fn pool_fault(error: PoolError) -> HostError {
    match error {
        PoolError::Units { .. } => HostError::Invalid(error.to_string()),
        _ => HostError::Conflict(error.to_string()),
    }
}

fn counter_fault(error: CounterError) -> HostError {
    match error {
        CounterError::Number { .. } => HostError::Invalid(error.to_string()),
        _ => HostError::Conflict(error.to_string()),
    }
}

impl CallScope {
    fn stock_key(&self, text: &str) -> Asked<StockKey> {
        Ok(StockKey { plugin: self.plugin.as_str().into(), key: key(text)? })
    }

    fn known_pool(&mut self, text: &str) -> Asked<(StockKey, Pool)> {
        let key = self.stock_key(text)?;
        let found = self.memory.pool(&key);
        match self.got(found)? {
            Some(pool) => Ok((key, pool)),
            None => Err(HostError::NotFound(format!("there is no pool `{text}`: define it first"))),
        }
    }

    pub(super) fn size_pool(&mut self, text: &str, total: u64) -> Asked<()> {
        let key = self.stock_key(text)?;
        let found = self.memory.pool(&key);
        let pool = match self.got(found)? {
            Some(pool) => pool.resize(total),
            None => Pool::new(total),
        };
        self.memory.set_pool(&key, pool.map_err(pool_fault)?);
        Ok(())
    }

    pub(super) fn get_pool(&mut self, text: &str) -> Asked<Option<Pool>> {
        let key = self.stock_key(text)?;
        let found = self.memory.pool(&key);
        self.got(found)
    }

    /// Units and quotas together, or neither.
    pub(super) fn hold(&mut self, request: ReserveRequest) -> Asked<Reserved> {
        let (pool_key, pool) = self.known_pool(&request.pool)?;
        let held = match pool.reserve(request.units) {
            Ok(held) => held,
            Err(PoolError::SoldOut { available, .. }) => return Ok(Reserved::SoldOut(available)),
            Err(error) => return Err(pool_fault(error)),
        };
        let mut counters: Vec<(StockKey, Counter)> = Vec::new();
        let mut holds = Vec::new();
        for (text, units, limit) in &request.quotas {
            let key = self.stock_key(text)?;
            // The same counter may be named twice: the second part comes on top of the first.
            let so_far = counters.iter().rev().find(|(known, _)| *known == key).map(|(_, counter)| *counter);
            let counter = match so_far {
                Some(counter) => counter,
                None => {
                    let found = self.memory.counter(&key);
                    self.got(found)?
                }
            };
            match counter.take(*units, *limit) {
                Ok(taken) => counters.push((key.clone(), taken)),
                Err(CounterError::Full { used, .. }) => return Ok(Reserved::OverQuota(text.clone(), used)),
                Err(error) => return Err(counter_fault(error)),
            }
            holds.push(CounterHold { key: key.key, units: *units });
        }
        let now = self.memory.now;
        self.reserved += 1;
        let reservation = Reservation {
            id: ReservationId::derive(now, &[self.context.id.as_bytes(), &self.reserved.to_be_bytes()]),
            plugin: self.plugin.clone(),
            pool: pool_key.key.clone(),
            customer: self.customer,
            units: request.units,
            counters: holds,
            reference: request.reference,
            status: ReservationStatus::Held,
            expires_at: request.expires_at.max(now),
        };
        self.memory.set_pool(&pool_key, held);
        for (key, counter) in counters {
            self.memory.set_counter(&key, counter);
        }
        let id = reservation.id;
        self.memory.set_timer(reservation.expires_at, TimerKind::Reservation(id));
        self.memory.set_reservation(reservation);
        Ok(Reserved::Held(id.to_string()))
    }

    fn own_reservation(&mut self, text: &str) -> Asked<Option<Reservation>> {
        let id: ReservationId =
            text.parse().map_err(|fault: siyu_model::id::IdError| HostError::Invalid(fault.to_string()))?;
        let found = self.memory.reservation(id);
        // Another plugin's reservations are as if they were not there.
        Ok(self.got(found)?.filter(|reservation| reservation.plugin == self.plugin))
    }

    pub(super) fn get_reservation(&mut self, text: &str) -> Asked<Option<Reservation>> {
        self.own_reservation(text)
    }

    pub(super) fn sell_held(&mut self, text: &str) -> Asked<bool> {
        self.settle(text, ReservationStatus::Committed)
    }

    pub(super) fn release_held(&mut self, text: &str) -> Asked<bool> {
        self.settle(text, ReservationStatus::Released)
    }

    fn settle(&mut self, text: &str, status: ReservationStatus) -> Asked<bool> {
        let Some(reservation) = self.own_reservation(text)? else {
            return Err(HostError::NotFound(format!("there is no reservation {text}")));
        };
        // Its time may be over although its timer is still to fire.
        if reservation.status != ReservationStatus::Held || reservation.expires_at <= self.memory.now {
            return Ok(false);
        }
        let settled = settle_reservation(&mut self.memory, reservation, status);
        self.got(settled).map(|()| true)
    }

    pub(super) fn sell(&mut self, text: &str, units: u64) -> Asked<bool> {
        let (key, pool) = self.known_pool(text)?;
        match pool.take(units) {
            Ok(pool) => {
                self.memory.set_pool(&key, pool);
                Ok(true)
            }
            Err(PoolError::SoldOut { .. }) => Ok(false),
            Err(error) => Err(pool_fault(error)),
        }
    }

    pub(super) fn restock(&mut self, text: &str, units: u64) -> Asked<()> {
        let (key, pool) = self.known_pool(text)?;
        self.memory.set_pool(&key, pool.restock(units).map_err(pool_fault)?);
        Ok(())
    }

    pub(super) fn count_up(&mut self, text: &str, units: u64, limit: u64) -> Asked<(bool, u64)> {
        let key = self.stock_key(text)?;
        let found = self.memory.counter(&key);
        match self.got(found)?.take(units, limit) {
            Ok(counter) => {
                self.memory.set_counter(&key, counter);
                Ok((true, counter.used()))
            }
            Err(CounterError::Full { used, .. }) => Ok((false, used)),
            Err(error) => Err(counter_fault(error)),
        }
    }

    pub(super) fn count_down(&mut self, text: &str, units: u64) -> Asked<()> {
        let key = self.stock_key(text)?;
        let found = self.memory.counter(&key);
        let counter = self.got(found)?.give_back(units).map_err(counter_fault)?;
        self.memory.set_counter(&key, counter);
        Ok(())
    }

    pub(super) fn counted(&mut self, text: &str) -> Asked<u64> {
        let key = self.stock_key(text)?;
        let found = self.memory.counter(&key);
        Ok(self.got(found)?.used())
    }
}

/// Ends a held reservation: its units are sold or go back, its quotas stay or go back, its timer goes.
fn settle_reservation(
    memory: &mut Memory,
    reservation: Reservation,
    status: ReservationStatus,
) -> Worked<()> {
    let broken = |why: String| Halt::Broken(format!("reservation {}: {why}", reservation.id));
    let owner: std::sync::Arc<str> = reservation.plugin.as_str().into();
    let key = StockKey { plugin: owner.clone(), key: reservation.pool.clone() };
    let pool = memory.pool(&key)?.ok_or_else(|| broken("its pool is gone".to_owned()))?;
    let settled = match status {
        ReservationStatus::Committed => pool.commit(reservation.units),
        _ => pool.release(reservation.units),
    };
    let settled = settled.map_err(|error| broken(error.to_string()))?;
    if status != ReservationStatus::Committed {
        for hold in &reservation.counters {
            let key = StockKey { plugin: owner.clone(), key: hold.key.clone() };
            let counter = memory.counter(&key)?;
            // The plugin may have given a part back itself: what is left goes.
            let counter = counter
                .give_back(hold.units.min(counter.used()))
                .map_err(|error| broken(error.to_string()))?;
            memory.set_counter(&key, counter);
        }
    }
    memory.set_pool(&key, settled);
    memory.clear_timer(reservation.expires_at, &TimerKind::Reservation(reservation.id));
    memory.set_reservation(Reservation { status, ..reservation });
    Ok(())
}

/// A reservation's time is over.
pub(crate) fn expire_reservation(memory: &mut Memory, id: ReservationId, due_at: UtcMs) -> Worked<()> {
    let Some(reservation) = memory.reservation(id)? else {
        return Ok(());
    };
    if reservation.status != ReservationStatus::Held || reservation.expires_at != due_at {
        return Ok(());
    }
    let data = Value::map([
        ("plugin", Value::text(reservation.plugin.as_str())),
        ("pool", Value::text(reservation.pool.as_str())),
        ("reservation", Value::text(id.to_string())),
        ("units", Value::Int(i64::try_from(reservation.units).unwrap_or(i64::MAX))),
        ("reference", reservation.reference.as_deref().map_or(Value::Null, Value::text)),
    ]);
    let customer = reservation.customer;
    settle_reservation(memory, reservation, ReservationStatus::Expired)?;
    host_event(memory, "reservation.expired", customer, data);
    Ok(())
}
