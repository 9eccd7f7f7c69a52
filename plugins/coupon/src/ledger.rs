//! Numbers of a batch that the host keeps: how many there are and were, and what they cost.
//!
//! Stock is a pool, everything else a counter. Never holds a number of its own.

use siyu_plugin::counters;
use siyu_plugin::prelude::*;

use crate::batch::{Basis, Budget};
use crate::event::BudgetThreshold;

/// A batch without a total: the largest number that the host knows.
pub(crate) const UNLIMITED: u64 = (1 << 53) - 1;

/// What a counter of a batch counts.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Count {
    Redeemed,
    /// What redeemed coupons took off, in fen, less what was refunded.
    CostFen,
    Restored,
    Expired,
    Revoked,
    /// Now.
    Locked,
}

impl Count {
    fn key(self, batch: &str) -> String {
        let what = match self {
            Self::Redeemed => "redeemed",
            Self::CostFen => "cost",
            Self::Restored => "restored",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Locked => "locked",
        };
        key(&["count", batch, what])
    }

    pub(crate) fn add(self, batch: &str, units: u64) -> Result<(), Error> {
        if units > 0 {
            counters::take(&self.key(batch), units, UNLIMITED)?;
        }
        Ok(())
    }

    pub(crate) fn take_off(self, batch: &str, units: u64) -> Result<(), Error> {
        if units > 0 { counters::give_back(&self.key(batch), units) } else { Ok(()) }
    }

    pub(crate) fn now(self, batch: &str) -> Result<u64, Error> {
        counters::used(&self.key(batch))
    }
}

/// The pool of a batch's coupons.
pub(crate) fn stock_key(batch: &str) -> String {
    key(&["stock", batch])
}

/// The counter of what one customer got, ever.
pub(crate) fn customer_key(batch: &str, customer: &str) -> String {
    key(&["taken", batch, customer])
}

/// The counter of what was issued on a calendar day.
pub(crate) fn day_key(batch: &str, date: &str) -> String {
    key(&["day", batch, date])
}

fn budget_key(batch: &str, basis: Basis) -> String {
    let basis = match basis {
        Basis::Issued => "issued",
        Basis::Redeemed => "redeemed",
    };
    key(&["budget", batch, basis])
}

/// What is used of a budget, in fen.
pub(crate) fn used_fen(batch: &str, basis: Basis) -> Result<u64, Error> {
    counters::used(&budget_key(batch, basis))
}

/// Takes from a budget; says whether it sufficed. Records what thresholds that crosses.
pub(crate) fn spend(batch: &str, budget: &Budget, fen: u64) -> Result<bool, Error> {
    if fen == 0 {
        return Ok(true);
    }
    let taken = counters::take(&budget_key(batch, budget.basis), fen, budget.limit_fen)?;
    if taken.ok {
        warn(batch, budget, taken.used - fen, taken.used)?;
    }
    Ok(taken.ok)
}

/// Gives back to a budget.
pub(crate) fn give_back(batch: &str, basis: Basis, fen: u64) -> Result<(), Error> {
    if fen == 0 {
        return Ok(());
    }
    // A budget that was set when coupons were out counts less than they are worth.
    let used = used_fen(batch, basis)?;
    counters::give_back(&budget_key(batch, basis), fen.min(used))
}

fn warn(batch: &str, budget: &Budget, before: u64, after: u64) -> Result<(), Error> {
    for percent in &budget.warn_at {
        let wide = u128::from(budget.limit_fen) * u128::from(*percent);
        let reached = |used: u64| u128::from(used) * 100 >= wide;
        if reached(after) && !reached(before) {
            let event = BudgetThreshold {
                batch: batch.to_owned(),
                basis: budget.basis,
                percent: *percent,
                used_fen: after,
                limit_fen: budget.limit_fen,
            };
            event.emit()?;
        }
    }
    Ok(())
}
