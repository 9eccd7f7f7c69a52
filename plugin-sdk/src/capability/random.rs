//! `random`: randomness that nobody outside can guess, and that is the same when the call is repeated. Every plugin has
//! it.
//!
//! At most 64 KiB a call; a plugin that wants more is ended. For draws that customers can verify afterwards, derive them
//! from a seed of your own instead.
//!
//! ```
//! use siyu_plugin::random;
//!
//! /// A prize by integer weights.
//! fn draw(weights: &[u32]) -> Option<usize> {
//!     random::weighted(weights)
//! }
//! ```

use crate::port;

/// So many bytes.
///
/// # Panics
/// When the host gives fewer, which no host does: a draw must not go on with less.
pub fn bytes(count: u32) -> Vec<u8> {
    let bytes = port::random(count);
    assert!(
        u32::try_from(bytes.len()) == Ok(count),
        "the host gave {} random bytes instead of {count}",
        bytes.len()
    );
    bytes
}

/// A number from 0 up to, and without, `limit`, each equally likely; 0 when `limit` is 0.
pub fn below(limit: u64) -> u64 {
    if limit <= 1 {
        return 0;
    }
    // Numbers from the last incomplete round of `limit` on are drawn again: no remainder is likelier than another.
    let rounds_end = u64::MAX - u64::MAX % limit;
    loop {
        let drawn = bytes(8).iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
        if drawn < rounds_end {
            return drawn % limit;
        }
    }
}

/// An index by integer weights: weight 3 is drawn three times as often as weight 1, weight 0 never. None when all weights
/// are 0.
pub fn weighted(weights: &[u32]) -> Option<usize> {
    let total: u64 = weights.iter().map(|weight| u64::from(*weight)).sum();
    let mut drawn = below(total);
    for (index, weight) in weights.iter().enumerate() {
        let weight = u64::from(*weight);
        if drawn < weight {
            return Some(index);
        }
        drawn -= weight;
    }
    None
}

/// Puts items into an order, each equally likely (Fisher and Yates).
pub fn shuffle<T>(items: &mut [T]) {
    for place in (1..items.len()).rev() {
        let other = below(place as u64 + 1) as usize;
        items.swap(place, other);
    }
}
