//! A table that can forget what a call changed.

use std::collections::BTreeMap;

/// Rows, and what they were before the call that is running.
#[derive(Debug)]
pub(super) struct Table<K, V> {
    rows: BTreeMap<K, V>,
    before: Vec<(K, Option<V>)>,
}

impl<K: Ord, V> Default for Table<K, V> {
    fn default() -> Self {
        Self { rows: BTreeMap::new(), before: Vec::new() }
    }
}

impl<K: Ord + Clone, V> Table<K, V> {
    pub(super) fn rows(&self) -> &BTreeMap<K, V> {
        &self.rows
    }

    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.rows.get(key)
    }

    /// Writes a row, or removes it; says whether there was one.
    pub(super) fn set(&mut self, key: &K, row: Option<V>) -> bool {
        let before = match row {
            Some(row) => self.rows.insert(key.clone(), row),
            None => self.rows.remove(key),
        };
        let was_there = before.is_some();
        self.before.push((key.clone(), before));
        was_there
    }

    /// The call is kept.
    pub(super) fn keep(&mut self) {
        self.before.clear();
    }

    /// The call is undone: the last change first.
    pub(super) fn undo(&mut self) {
        while let Some((key, before)) = self.before.pop() {
            match before {
                Some(row) => self.rows.insert(key, row),
                None => self.rows.remove(&key),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_undone_call_leaves_nothing(
            kept in prop::collection::vec((0u8..8, any::<Option<u8>>()), 0..20),
            undone in prop::collection::vec((0u8..8, any::<Option<u8>>()), 0..20),
        ) {
            let mut table = Table::default();
            for (key, row) in kept {
                table.set(&key, row);
            }
            table.keep();
            let before = table.rows().clone();
            for (key, row) in undone {
                table.set(&key, row);
            }
            table.undo();
            prop_assert_eq!(table.rows(), &before);
        }
    }
}
