//! `pools`: stock. The host keeps `available + reserved + sold = total`, all at least 0, whatever a plugin does.
//!
//! Numbers of units are 1 to 2^53 - 1, totals 0 to 2^53 - 1. A reservation holds units, and quotas that are counted
//! together with them, until an instant; then the host gives both back by itself and records `reservation.expired`
//! ([`ReservationExpired`](crate::host_events::ReservationExpired)).
//!
//! ```
//! use siyu_plugin::prelude::*;
//! use siyu_plugin::pools::{self, Reserve, Reserved};
//!
//! const SOLD_OUT: Refusal = Refusal::new("SOLD_OUT", "no unit is available");
//! const LIMIT_CUSTOMER: Refusal = Refusal::new("LIMIT_CUSTOMER", "the customer has bought as many as one may");
//!
//! fn hold(sku: &str, customer: &str, order: &str) -> Result<String, Stop> {
//!     let wanted = Reserve::new(sku, 1, Instant::now() + Duration::minutes(10))
//!         .quota(key(&["bought", sku, customer]), 1, 2)
//!         .reference(order);
//!     match wanted.hold()? {
//!         Reserved::Held(reservation) => Ok(reservation),
//!         Reserved::SoldOut { .. } => Err(SOLD_OUT.into()),
//!         Reserved::OverQuota { used, .. } => Err(LIMIT_CUSTOMER.because(format!("{used} of 2 are bought")).into()),
//!     }
//! }
//! ```

use super::whole;
use crate::error::Error;
use crate::port;
use crate::time::Instant;

/// Units of one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pool {
    /// All units.
    pub total: u64,
    /// Units that can be reserved.
    pub available: u64,
    /// Units that a reservation holds.
    pub reserved: u64,
    /// Units that are gone.
    pub sold: u64,
}

/// A wish to hold units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reserve {
    pub(crate) pool: String,
    pub(crate) units: u64,
    pub(crate) expires_at: Instant,
    pub(crate) quotas: Vec<Quota>,
    pub(crate) reference: Option<String>,
}

/// A counter that is taken together with units of a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Quota {
    pub(crate) key: String,
    pub(crate) units: u64,
    pub(crate) limit: u64,
}

/// What became of a wish to hold units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reserved {
    /// Units and quotas are held; the reservation's id.
    Held(String),
    /// Too few units are available.
    SoldOut {
        /// How many there are.
        available: u64,
    },
    /// A quota would pass its limit.
    OverQuota {
        /// Which.
        key: String,
        /// How much of it is used.
        used: u64,
    },
}

impl Reserve {
    /// Wants units of a pool until an instant.
    pub fn new(pool: impl Into<String>, units: u64, expires_at: Instant) -> Self {
        Self { pool: pool.into(), units, expires_at, quotas: Vec::new(), reference: None }
    }

    /// Takes so many units of a counter as well, if that stays within `limit`; they go back with the reservation. Quotas
    /// are the counters of [`counters`](crate::counters), by the same keys.
    pub fn quota(mut self, key: impl Into<String>, units: u64, limit: u64) -> Self {
        self.quotas.push(Quota { key: key.into(), units, limit });
        self
    }

    /// The plugin's own name for the reservation, such as an order number; comes back in `reservation.expired`.
    pub fn reference(mut self, reference: impl Into<String>) -> Self {
        self.reference = Some(reference.into());
        self
    }

    /// Holds units and quotas for the call's customer: all of them, or none. What expires in the past expires at once.
    ///
    /// # Errors
    /// `NotFound` for a pool that was never defined, `Invalid` for a number that is none.
    pub fn hold(self) -> Result<Reserved, Error> {
        whole("units", self.units)?;
        for quota in &self.quotas {
            whole("quota units", quota.units)?;
            whole("quota limit", quota.limit)?;
        }
        port::reserve(self)
    }
}

/// Where a reservation stands. `Held` is the only state that changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReservationStatus {
    /// The units are reserved.
    Held,
    /// The units are sold.
    Committed,
    /// The units went back because the plugin said so.
    Released,
    /// The units went back because time ran out.
    Expired,
}

/// A claim on units of a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// Its id.
    pub id: String,
    /// The pool.
    pub pool: String,
    /// For whom.
    pub customer: Option<String>,
    /// Units held.
    pub units: u64,
    /// Where it stands.
    pub status: ReservationStatus,
    /// When the host gives the units back by itself.
    pub expires_at: Instant,
    /// What the plugin calls it.
    pub reference: Option<String>,
}

/// Makes a pool, or changes its total.
///
/// # Errors
/// `Conflict` when the total would be below what is reserved and sold.
pub fn define(pool: &str, total: u64) -> Result<(), Error> {
    port::define_pool(pool, whole("total", total)?)
}

/// A pool; none when it was never defined.
///
/// # Errors
/// `Invalid` for a key that is none.
pub fn get(pool: &str) -> Result<Option<Pool>, Error> {
    port::pool(pool)
}

/// Turns held units into sold ones; says whether the reservation was held. Its quotas stay taken.
///
/// # Errors
/// `NotFound` for a reservation that never was.
pub fn commit(reservation: &str) -> Result<bool, Error> {
    port::commit_reservation(reservation)
}

/// Gives held units and quotas back; says whether the reservation was held.
///
/// # Errors
/// `NotFound` for a reservation that never was.
pub fn release(reservation: &str) -> Result<bool, Error> {
    port::release_reservation(reservation)
}

/// A reservation; none when it never was.
///
/// # Errors
/// `Invalid` for an id that is none.
pub fn find(reservation: &str) -> Result<Option<Reservation>, Error> {
    port::reservation(reservation)
}

/// Sells units at once, without a reservation between; says whether there were enough.
///
/// # Errors
/// `NotFound` for a pool that was never defined, `Invalid` for a number that is none.
pub fn take(pool: &str, units: u64) -> Result<bool, Error> {
    port::take_from_pool(pool, whole("units", units)?)
}

/// Gives sold units back, such as after a refund of goods that can be sold again.
///
/// # Errors
/// `Conflict` for more units than are sold, `NotFound` for a pool that was never defined.
pub fn restock(pool: &str, units: u64) -> Result<(), Error> {
    port::restock_pool(pool, whole("units", units)?)
}
