//! A cache of rows: what is known to be there, what is known to be absent, and what must not be forgotten yet.

use std::collections::HashMap;
use std::hash::Hash;

use super::key_set::KeySet;

/// Rows by key. A row that a batch changed stays until that batch is committed; others go when there are too many.
pub(crate) struct Cache<K, V> {
    slots: HashMap<K, Slot<V>>,
    slots_max: usize,
    keys: Keys,
}

/// What is known of the keys of all rows that there are, those that were forgotten included.
enum Keys {
    /// Nothing.
    Unknown,
    /// All that was written since; what was there before is still being read.
    Gathered(KeySet),
    /// All.
    Whole(KeySet),
}

struct Slot<V> {
    /// None: known to be absent.
    value: Option<V>,
    touched_in: u64,
    changed_in: u64,
}

impl<K: Hash + Eq + Clone, V> Cache<K, V> {
    pub(crate) fn new(slots_max: usize) -> Self {
        Self { slots: HashMap::new(), slots_max, keys: Keys::Unknown }
    }

    /// Whether presence or absence is known.
    pub(crate) fn knows(&self, key: &K) -> bool {
        self.slots.contains_key(key) || matches!(&self.keys, Keys::Whole(keys) if !keys.may_have(key))
    }

    /// From now on the keys of all rows are gathered; those that the store has must follow.
    pub(super) fn gather(&mut self, seed: u128) {
        let mut keys = Keys::Gathered(KeySet::new(seed));
        let is_there = self.slots.iter().filter(|(_, slot)| slot.value.is_some());
        is_there.for_each(|(key, _)| keys.add(key));
        self.keys = keys;
    }

    /// The store has a row with this key.
    pub(super) fn gathered(&mut self, key: &K) {
        self.keys.add(key);
    }

    /// All keys that the store had when gathering began were gathered.
    pub(super) fn are_whole(&mut self) {
        self.keys = match std::mem::replace(&mut self.keys, Keys::Unknown) {
            Keys::Gathered(keys) | Keys::Whole(keys) => Keys::Whole(keys),
            Keys::Unknown => Keys::Unknown,
        };
    }

    /// The row, when it is known and there.
    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        self.slots.get(key).and_then(|slot| slot.value.as_ref())
    }

    /// The row, to read it in a batch: it stays a while.
    pub(crate) fn touch(&mut self, key: &K, batch: u64) -> Option<&V> {
        let slot = self.slots.get_mut(key)?;
        slot.touched_in = batch;
        slot.value.as_ref()
    }

    /// The row, to change it in a batch. Says also whether it is the first change in this batch.
    pub(crate) fn change(&mut self, key: &K, batch: u64) -> Option<(&mut V, bool)> {
        let slot = self.slots.get_mut(key)?;
        let value = slot.value.as_mut()?;
        let is_first = slot.changed_in != batch;
        slot.touched_in = batch;
        slot.changed_in = batch;
        Some((value, is_first))
    }

    /// Puts what the store has, or its absence, unless something is known already.
    pub(crate) fn learn(&mut self, key: K, value: Option<V>, batch: u64) {
        self.slots.entry(key).or_insert(Slot { value, touched_in: batch, changed_in: 0 });
    }

    /// Changes a row in a batch; gives what was there before, and whether it is the first change in this batch.
    pub(crate) fn set(&mut self, key: &K, value: Option<V>, batch: u64) -> (Option<V>, bool) {
        if value.is_some() {
            self.keys.add(key);
        }
        match self.slots.get_mut(key) {
            Some(slot) => {
                let is_first = slot.changed_in != batch;
                slot.touched_in = batch;
                slot.changed_in = batch;
                (std::mem::replace(&mut slot.value, value), is_first)
            }
            None => {
                self.slots.insert(key.clone(), Slot { value, touched_in: batch, changed_in: batch });
                (None, true)
            }
        }
    }

    /// Takes a row out for a while; it must be put back with [`Cache::set`].
    pub(crate) fn take(&mut self, key: &K) -> Option<V> {
        self.slots.get_mut(key)?.value.take()
    }

    /// Puts back what [`Cache::take`] took, unchanged.
    pub(crate) fn untake(&mut self, key: &K, value: V) {
        if let Some(slot) = self.slots.get_mut(key) {
            slot.value = Some(value);
        }
    }

    /// Rows, there or removed, that batches after `committed` changed.
    pub(crate) fn uncommitted(&self, committed: u64, is_wanted: impl Fn(&K) -> bool) -> Vec<(K, Option<V>)>
    where
        V: Clone,
    {
        let changed = self.slots.iter().filter(|(key, slot)| slot.changed_in > committed && is_wanted(key));
        changed.map(|(key, slot)| (key.clone(), slot.value.clone())).collect()
    }

    /// Forgets all rows, and what is known of keys. The store must have them.
    pub(crate) fn clear(&mut self) {
        self.slots.clear();
        self.keys = Keys::Unknown;
    }

    /// Forgets the rows that were not touched for longest, but none that an uncommitted batch changed. Gives them, because
    /// dropping many of them takes longer than taking them out.
    pub(crate) fn shrink(&mut self, batch: u64, committed: u64) -> Vec<V> {
        let mut keep_batches: u64 = 1_024;
        let mut forgotten = Vec::new();
        while self.slots.len() > self.slots_max {
            let is_old =
                |slot: &Slot<V>| slot.changed_in <= committed && slot.touched_in + keep_batches <= batch;
            let old = self.slots.extract_if(|_, slot| is_old(slot));
            forgotten.extend(old.filter_map(|(_, slot)| slot.value));
            if keep_batches == 0 {
                break;
            }
            keep_batches /= 4;
        }
        forgotten
    }
}

impl Keys {
    fn add(&mut self, key: &impl Hash) {
        let has_room = match self {
            Self::Unknown => true,
            Self::Gathered(keys) | Self::Whole(keys) => keys.add(key),
        };
        if !has_room {
            *self = Self::Unknown;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_committed_is_never_forgotten() {
        let mut cache: Cache<u32, u32> = Cache::new(10);
        for key in 0..100 {
            cache.set(&key, Some(key), 5);
        }
        assert!(cache.shrink(6, 4).is_empty());
        assert_eq!(cache.slots.len(), 100);
        assert_eq!(cache.shrink(2_000, 5).len(), 100);
        assert_eq!(cache.slots.len(), 0);
    }

    #[test]
    fn what_was_touched_last_stays_longest() {
        let mut cache: Cache<u32, u32> = Cache::new(10);
        for key in 0..20 {
            cache.learn(key, Some(key), u64::from(key) * 100);
        }
        assert!(cache.shrink(2_000, 0).contains(&0));
        assert!(!cache.knows(&0) && cache.knows(&19));
    }

    #[test]
    fn whoever_knows_all_keys_knows_what_is_absent_without_asking() {
        let mut cache: Cache<u32, u32> = Cache::new(10);
        cache.set(&1, Some(1), 1);
        cache.learn(2, None, 1);
        cache.gather(7);
        cache.gathered(&3);
        cache.set(&4, Some(4), 1);
        assert!(!cache.knows(&3) && !cache.knows(&5), "gathering is not over");
        cache.are_whole();
        cache.set(&6, Some(6), 1);
        cache.set(&7, None, 1);
        cache.shrink(5_000, 1);
        cache.slots.clear();
        assert!([1, 3, 4, 6].iter().all(|key| !cache.knows(key)), "they must be looked for");
        assert!((10..1_000).filter(|key| cache.knows(key)).count() > 900);
        cache.clear();
        assert!(!cache.knows(&10));
    }

    #[test]
    fn absence_is_knowledge_and_what_is_known_is_not_overwritten() {
        let mut cache: Cache<u32, u32> = Cache::new(10);
        cache.learn(1, None, 1);
        assert!(cache.knows(&1) && cache.get(&1).is_none());
        cache.set(&1, Some(7), 1);
        cache.learn(1, Some(3), 1);
        assert_eq!(cache.get(&1), Some(&7));
    }
}
