//! Counters: so many within a limit. Budgets, quotas, per-customer limits.

use serde::{Deserialize, Serialize};

/// The largest number a counter or a limit holds: what a JavaScript guest can hold without loss.
pub const COUNT_MAX: u64 = (1 << 53) - 1;

/// How much of a limit is used. `used <= limit` always.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counter {
    used: u64,
    limit: u64,
}

/// Why a counter did not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CounterError {
    /// Taking would pass the limit.
    #[error("{wanted} more would pass the limit: {used} of {limit} are used")]
    Full {
        /// Asked for.
        wanted: u64,
        /// Used so far.
        used: u64,
        /// The limit of this request.
        limit: u64,
    },
    /// More is given back than was taken.
    #[error("{wanted} cannot be given back: {used} are used")]
    NotUsed {
        /// Asked for.
        wanted: u64,
        /// Used so far.
        used: u64,
    },
    /// A number too large to count.
    #[error("{wanted} is too large: expected at most {COUNT_MAX}")]
    Number {
        /// Asked for.
        wanted: u64,
    },
}

impl Counter {
    /// A counter as a store kept it; none when it passes its limit.
    pub fn restore(used: u64, limit: u64) -> Option<Self> {
        (used <= limit && limit <= COUNT_MAX).then_some(Self { used, limit })
    }

    /// Used so far.
    pub fn used(&self) -> u64 {
        self.used
    }

    /// The limit under which the last part was taken.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// Takes `units` if that stays within `limit`. Taking nothing is allowed and changes only the limit.
    pub fn take(self, units: u64, limit: u64) -> Result<Self, CounterError> {
        if units > COUNT_MAX || limit > COUNT_MAX {
            return Err(CounterError::Number { wanted: units.max(limit) });
        }
        let used = self.used + units;
        if used > limit {
            return Err(CounterError::Full { wanted: units, used: self.used, limit });
        }
        Ok(Self { used, limit })
    }

    /// Gives a part back.
    pub fn give_back(self, units: u64) -> Result<Self, CounterError> {
        let used =
            self.used.checked_sub(units).ok_or(CounterError::NotUsed { wanted: units, used: self.used })?;
        Ok(Self { used, ..self })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_counter_passes_its_limit(ops in prop::collection::vec((any::<bool>(), 0u64..20, 0u64..60), 0..200)) {
            let mut counter = Counter::default();
            for (take, units, limit) in ops {
                counter = if take { counter.take(units, limit) } else { counter.give_back(units) }.unwrap_or(counter);
                prop_assert!(counter.used() <= counter.limit());
            }
        }
    }

    #[test]
    fn a_lowered_limit_refuses_further_takes_and_keeps_what_is_used() {
        let counter = Counter::default().take(5, 10).unwrap();
        assert_eq!(counter.take(1, 5), Err(CounterError::Full { wanted: 1, used: 5, limit: 5 }));
        assert_eq!(counter.give_back(6), Err(CounterError::NotUsed { wanted: 6, used: 5 }));
        assert!(Counter::restore(6, 5).is_none());
    }
}
