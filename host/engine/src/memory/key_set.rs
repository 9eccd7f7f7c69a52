//! A set of keys that only ever says "perhaps" or "certainly not", at about two bytes a key.
//!
//! It grows by further Bloom filters, each four times as large as the one before, since one filter has the size for which
//! it was made.

use std::hash::Hash;

use fastbloom::BloomFilter;
use siyu_model::limits::executor::KEYS_GATHERED_MAX;

/// Keys of the first filter.
const FIRST_KEYS: usize = 4_096;
/// How many times as many keys the next filter has.
const GROWTH: usize = 4;
/// How often one filter says "perhaps" of a key that was never put in; all together say so a few times as often.
const WRONG: f64 = 0.002;

/// Keys that were put in, and a few that were not.
pub(super) struct KeySet {
    seed: u128,
    filters: Vec<BloomFilter>,
    /// Keys that the last filter has.
    count: usize,
    /// Keys for which the last filter was made.
    room: usize,
    total: usize,
}

impl KeySet {
    /// Without keys. Nobody who does not know the seed can choose keys that it takes for each other.
    pub(super) fn new(seed: u128) -> Self {
        Self { seed, filters: Vec::new(), count: 0, room: 0, total: 0 }
    }

    /// Puts a key in; false when there are more than are worth their memory.
    #[must_use]
    pub(super) fn add(&mut self, key: &impl Hash) -> bool {
        if self.total >= KEYS_GATHERED_MAX {
            return false;
        }
        if self.count == self.room {
            self.room = if self.room == 0 { FIRST_KEYS } else { self.room * GROWTH };
            self.count = 0;
            let filter = BloomFilter::with_false_pos(WRONG).seed(&self.seed).expected_items(self.room);
            self.filters.push(filter);
        }
        if let Some(last) = self.filters.last_mut() {
            last.insert(key);
        }
        self.count += 1;
        self.total += 1;
        true
    }

    /// Whether the key may have been put in. A key that was is always found.
    pub(super) fn may_have(&self, key: &impl Hash) -> bool {
        let Some(first) = self.filters.first() else { return false };
        // All have one seed.
        let hash = first.source_hash(key);
        self.filters.iter().any(|filter| filter.contains_hash(hash))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_in_is_found_and_little_else_while_it_grows() {
        let mut keys = KeySet::new(7);
        assert!(!keys.may_have(&0_u64));
        let count = 200_000_u64;
        assert!((0..count).all(|key| keys.add(&key)));
        assert!(keys.filters.len() > 3, "it grew");
        assert!((0..count).all(|key| keys.may_have(&key)));
        let wrong = (count..2 * count).filter(|key| keys.may_have(key)).count();
        assert!(wrong < 4_000, "{wrong} of {count} that were never put in");
    }
}
