//! Pools: units that can be reserved, sold and given back, never twice.
//!
//! `available + reserved + sold = total` and all four are zero or more, before and after every function here.

use serde::{Deserialize, Serialize};

/// Units of one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pool {
    total: u64,
    available: u64,
    reserved: u64,
    sold: u64,
}

/// The most units of one pool: what a JavaScript guest can hold without loss.
pub const UNITS_MAX: u64 = (1 << 53) - 1;

/// Why a pool did not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PoolError {
    /// Not enough units are left.
    #[error("{wanted} units wanted, {available} are available")]
    SoldOut {
        /// Units asked for.
        wanted: u64,
        /// Units left.
        available: u64,
    },
    /// The new total would be below what is reserved and sold.
    #[error("the total cannot be {wanted}: {committed} units are reserved or sold")]
    BelowCommitted {
        /// The total asked for.
        wanted: u64,
        /// Reserved and sold units.
        committed: u64,
    },
    /// More units than are reserved or sold.
    #[error("{wanted} units cannot be given back: {held} are {state}")]
    NotHeld {
        /// Units asked for.
        wanted: u64,
        /// Units in that state.
        held: u64,
        /// `reserved` or `sold`.
        state: &'static str,
    },
    /// Zero or more units than a pool can hold.
    #[error("{wanted} is no number of units: expected 1 to {UNITS_MAX}")]
    Units {
        /// Units asked for.
        wanted: u64,
    },
    /// A stored pool breaks the rule of all pools.
    #[error(
        "stored pool does not balance: {available} available + {reserved} reserved + {sold} sold is not {total}"
    )]
    Unbalanced {
        /// Stored total.
        total: u64,
        /// Stored available units.
        available: u64,
        /// Stored reserved units.
        reserved: u64,
        /// Stored sold units.
        sold: u64,
    },
}

impl Pool {
    /// A pool with all its units available.
    pub fn new(total: u64) -> Result<Self, PoolError> {
        if total > UNITS_MAX {
            return Err(PoolError::Units { wanted: total });
        }
        Ok(Self { total, available: total, reserved: 0, sold: 0 })
    }

    /// A pool as a store kept it.
    pub fn restore(total: u64, available: u64, reserved: u64, sold: u64) -> Result<Self, PoolError> {
        let sum = available.checked_add(reserved).and_then(|sum| sum.checked_add(sold));
        if sum != Some(total) || total > UNITS_MAX {
            return Err(PoolError::Unbalanced { total, available, reserved, sold });
        }
        Ok(Self { total, available, reserved, sold })
    }

    /// All units.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Units that can be reserved.
    pub fn available(&self) -> u64 {
        self.available
    }

    /// Units that a reservation holds.
    pub fn reserved(&self) -> u64 {
        self.reserved
    }

    /// Units that are gone.
    pub fn sold(&self) -> u64 {
        self.sold
    }

    /// Holds units for somebody.
    pub fn reserve(self, units: u64) -> Result<Self, PoolError> {
        self.check_units(units)?;
        let available = self
            .available
            .checked_sub(units)
            .ok_or(PoolError::SoldOut { wanted: units, available: self.available })?;
        Ok(Self { available, reserved: self.reserved + units, ..self })
    }

    /// Turns held units into sold ones.
    pub fn commit(self, units: u64) -> Result<Self, PoolError> {
        let reserved = self.less_reserved(units)?;
        Ok(Self { reserved, sold: self.sold + units, ..self })
    }

    /// Gives held units back.
    pub fn release(self, units: u64) -> Result<Self, PoolError> {
        let reserved = self.less_reserved(units)?;
        Ok(Self { reserved, available: self.available + units, ..self })
    }

    /// Sells units at once, without a reservation between.
    pub fn take(self, units: u64) -> Result<Self, PoolError> {
        self.reserve(units)?.commit(units)
    }

    /// Gives sold units back, such as after a refund of goods that can be sold again.
    pub fn restock(self, units: u64) -> Result<Self, PoolError> {
        self.check_units(units)?;
        let sold = self.sold.checked_sub(units).ok_or(PoolError::NotHeld {
            wanted: units,
            held: self.sold,
            state: "sold",
        })?;
        Ok(Self { sold, available: self.available + units, ..self })
    }

    /// Changes the number of units; it cannot go below what is reserved and sold.
    pub fn resize(self, total: u64) -> Result<Self, PoolError> {
        if total > UNITS_MAX {
            return Err(PoolError::Units { wanted: total });
        }
        let committed = self.reserved + self.sold;
        let available =
            total.checked_sub(committed).ok_or(PoolError::BelowCommitted { wanted: total, committed })?;
        Ok(Self { total, available, ..self })
    }

    fn check_units(&self, units: u64) -> Result<(), PoolError> {
        if units == 0 || units > UNITS_MAX { Err(PoolError::Units { wanted: units }) } else { Ok(()) }
    }

    fn less_reserved(&self, units: u64) -> Result<u64, PoolError> {
        self.check_units(units)?;
        self.reserved.checked_sub(units).ok_or(PoolError::NotHeld {
            wanted: units,
            held: self.reserved,
            state: "reserved",
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone)]
    enum Op {
        Reserve(u64),
        Commit(u64),
        Release(u64),
        Take(u64),
        Restock(u64),
        Resize(u64),
    }

    fn op() -> impl Strategy<Value = Op> {
        let units = 0u64..12;
        prop_oneof![
            units.clone().prop_map(Op::Reserve),
            units.clone().prop_map(Op::Commit),
            units.clone().prop_map(Op::Release),
            units.clone().prop_map(Op::Take),
            units.prop_map(Op::Restock),
            (0u64..40).prop_map(Op::Resize),
        ]
    }

    proptest! {
        #[test]
        fn a_pool_balances_after_any_operations(total in 0u64..40, ops in prop::collection::vec(op(), 0..200)) {
            let mut pool = Pool::new(total).unwrap();
            for op in ops {
                let before = pool;
                let after = match op {
                    Op::Reserve(n) => pool.reserve(n),
                    Op::Commit(n) => pool.commit(n),
                    Op::Release(n) => pool.release(n),
                    Op::Take(n) => pool.take(n),
                    Op::Restock(n) => pool.restock(n),
                    Op::Resize(n) => pool.resize(n),
                };
                pool = after.unwrap_or(before);
                prop_assert_eq!(pool.available() + pool.reserved() + pool.sold(), pool.total());
                prop_assert!(Pool::restore(pool.total(), pool.available(), pool.reserved(), pool.sold()).is_ok());
            }
        }
    }

    #[test]
    fn the_last_unit_is_sold_once() {
        let pool = Pool::new(1).unwrap().take(1).unwrap();
        assert_eq!(pool.reserve(1), Err(PoolError::SoldOut { wanted: 1, available: 0 }));
    }

    #[test]
    fn stock_cannot_be_lowered_below_what_is_promised() {
        let pool = Pool::new(10).unwrap().reserve(3).unwrap().take(4).unwrap();
        assert_eq!(pool.resize(6), Err(PoolError::BelowCommitted { wanted: 6, committed: 7 }));
        assert_eq!(pool.resize(7).unwrap().available(), 0);
        assert_eq!(pool.resize(20).unwrap().available(), 13);
    }

    #[test]
    fn a_stored_pool_that_does_not_balance_is_refused() {
        assert!(Pool::restore(10, 5, 5, 1).is_err());
        assert!(Pool::restore(u64::MAX, u64::MAX, 1, 0).is_err());
    }
}
