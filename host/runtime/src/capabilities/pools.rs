//! `pools`: stock. Never counts units: the host keeps the books.

use siyu_engine::ports::plugins::{self as port, Asked};
use siyu_model::plugin::Capability;
use siyu_model::stock::{pool, reservation};
use wasmtime::component::Linker;

use super::{Offer, Weight, count, instant, millis, whole};
use crate::contract::{Pool, Quota, Reservation, ReservationStatus, ReserveRequest, Reserved};
use crate::sandbox::state::Call;

pub(super) fn link(linker: &mut Linker<Call>) -> wasmtime::Result<()> {
    let mut pools = Offer::new(linker, Capability::Pools)?;
    pools.ask("define", |host, (pool, total): (String, f64)| {
        host.define_pool(&pool, whole("total", total)?)
    })?;
    pools.ask("get", |host, (pool,): (String,)| Ok(host.pool(&pool)?.map(Pool::from)))?;
    pools.ask("reserve", |host, (request,): (ReserveRequest,)| {
        Ok(Reserved::from(host.reserve(request.checked()?)?))
    })?;
    pools.ask("commit", |host, (reservation,): (String,)| host.commit_reservation(&reservation))?;
    pools.ask("release", |host, (reservation,): (String,)| host.release_reservation(&reservation))?;
    pools.ask("find", |host, (reservation,): (String,)| {
        Ok(host.reservation(&reservation)?.map(Reservation::from))
    })?;
    pools.ask("take", |host, (pool, units): (String, f64)| {
        host.take_from_pool(&pool, whole("units", units)?)
    })?;
    pools
        .ask("restock", |host, (pool, units): (String, f64)| host.restock_pool(&pool, whole("units", units)?))
}

impl ReserveRequest {
    fn checked(self) -> Asked<port::ReserveRequest> {
        let quotas = self
            .quotas
            .into_iter()
            .map(|quota| {
                let units = whole("quotas.units", quota.units)?;
                let limit = whole("quotas.limit", quota.limit)?;
                Ok((quota.key, units, limit))
            })
            .collect::<Asked<Vec<_>>>()?;
        Ok(port::ReserveRequest {
            pool: self.pool,
            units: whole("units", self.units)?,
            expires_at: instant("expires-at", self.expires_at)?,
            quotas,
            reference: self.reference,
        })
    }
}

impl From<pool::Pool> for Pool {
    fn from(pool: pool::Pool) -> Self {
        Self {
            total: count(pool.total()),
            available: count(pool.available()),
            reserved: count(pool.reserved()),
            sold: count(pool.sold()),
        }
    }
}

impl From<port::Reserved> for Reserved {
    fn from(reserved: port::Reserved) -> Self {
        match reserved {
            port::Reserved::Held(id) => Self::Held(id),
            port::Reserved::SoldOut(available) => Self::SoldOut(count(available)),
            port::Reserved::OverQuota(key, used) => Self::OverQuota((key, count(used))),
        }
    }
}

impl From<reservation::Reservation> for Reservation {
    fn from(found: reservation::Reservation) -> Self {
        use reservation::ReservationStatus as Status;
        Self {
            id: found.id.to_string(),
            pool: found.pool.as_str().to_owned(),
            customer: found.customer.as_ref().map(ToString::to_string),
            units: count(found.units),
            status: match found.status {
                Status::Held => ReservationStatus::Held,
                Status::Committed => ReservationStatus::Committed,
                Status::Released => ReservationStatus::Released,
                Status::Expired => ReservationStatus::Expired,
            },
            expires_at: millis(found.expires_at),
            reference: found.reference,
        }
    }
}

impl Weight for Quota {
    fn weight(&self) -> usize {
        self.key.len()
    }
}

impl Weight for ReserveRequest {
    fn weight(&self) -> usize {
        self.pool.len() + self.quotas.weight() + self.reference.weight()
    }
}

impl Weight for Pool {
    fn weight(&self) -> usize {
        0
    }
}

impl Weight for Reserved {
    fn weight(&self) -> usize {
        match self {
            Self::Held(id) => id.len(),
            Self::SoldOut(_) => 0,
            Self::OverQuota((key, _)) => key.len(),
        }
    }
}

impl Weight for Reservation {
    fn weight(&self) -> usize {
        self.id.len() + self.pool.len() + self.customer.weight() + self.reference.weight()
    }
}
