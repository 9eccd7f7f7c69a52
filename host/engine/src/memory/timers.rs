//! Timers: the nearest ones in memory, all of them in the store's index.
//!
//! The window holds every timer up to its horizon; a million parked waits cost no memory.

use std::collections::BTreeMap;

use siyu_model::clock::UtcMs;
use siyu_model::id::TimerId;

use crate::ports::rows::{TimerKind, TimerRow};

type Place = (UtcMs, TimerId);

/// The nearest timers, and what the running batches changed.
#[derive(Default)]
pub(crate) struct Timers {
    /// Every timer up to the horizon.
    window: BTreeMap<Place, TimerKind>,
    /// The last place that the window covers; none when it covers all.
    horizon: Option<Place>,
    /// Whether the store was read at all.
    is_read: bool,
    /// What this batch set (some) or took away (none).
    changes: BTreeMap<Place, Option<TimerKind>>,
    /// The same of the batch that is being committed.
    committing: BTreeMap<Place, Option<TimerKind>>,
    window_max: usize,
}

/// The id of the timer of a kind at an instant.
pub(crate) fn timer_id(due_at: UtcMs, kind: &TimerKind) -> TimerId {
    // A kind always has a JSON form: its names and ids are texts.
    let form = serde_json::to_vec(kind).unwrap_or_default();
    TimerId::derive(due_at, &[&form])
}

impl Timers {
    pub(crate) fn new(window_max: usize) -> Self {
        Self { window_max, ..Self::default() }
    }

    fn covers(&self, place: Place) -> bool {
        self.is_read && self.horizon.is_none_or(|horizon| place <= horizon)
    }

    /// Sets a timer.
    pub(crate) fn set(&mut self, due_at: UtcMs, kind: TimerKind) {
        let place = (due_at, timer_id(due_at, &kind));
        if self.covers(place) {
            self.window.insert(place, kind.clone());
        }
        self.changes.insert(place, Some(kind));
    }

    /// Takes a timer away; nothing happens when there is none.
    pub(crate) fn clear(&mut self, due_at: UtcMs, kind: &TimerKind) {
        self.remove((due_at, timer_id(due_at, kind)));
    }

    fn remove(&mut self, place: Place) {
        self.window.remove(&place);
        self.changes.insert(place, None);
    }

    /// When the next timer is due; none when there is none. Only right when [`Timers::needs_reading`] says no.
    pub(crate) fn next_due(&self) -> Option<UtcMs> {
        self.window.first_key_value().map(|((due_at, _), _)| *due_at)
    }

    /// Takes the next timer that is due at `until` or before.
    pub(crate) fn pop_due(&mut self, until: UtcMs) -> Option<(UtcMs, TimerKind)> {
        let (place, kind) = self.window.first_key_value()?;
        if place.0 > until {
            return None;
        }
        let (place, kind) = (*place, kind.clone());
        self.remove(place);
        Some((place.0, kind))
    }

    /// The next timers that are due at `until` or before, to load what they need.
    pub(crate) fn peek_due(&self, until: UtcMs, limit: usize) -> impl Iterator<Item = &TimerKind> {
        self.window
            .iter()
            .take_while(move |((due_at, _), _)| *due_at <= until)
            .take(limit)
            .map(|(_, kind)| kind)
    }

    /// After which place the store must be read before the next timer is known; none when it is known.
    pub(crate) fn needs_reading(&self) -> Option<Option<Place>> {
        if !self.is_read {
            return Some(None);
        }
        (self.window.is_empty() && self.horizon.is_some()).then_some(self.horizon)
    }

    /// Takes in what the store has after the horizon: `rows` is complete up to its last row, and altogether when there
    /// are fewer than `limit`.
    pub(crate) fn absorb(&mut self, rows: Vec<TimerRow>, limit: usize) {
        let after = self.horizon;
        let was_read = self.is_read;
        let is_complete = rows.len() < limit;
        let horizon = if is_complete { None } else { rows.last().map(|row| (row.due_at, row.id)) };
        self.window.extend(rows.into_iter().map(|row| ((row.due_at, row.id), row.kind)));
        self.is_read = true;
        self.horizon = horizon;
        // What is not committed yet may or may not be in the rows: it counts as it is in memory.
        for (place, change) in self.committing.iter().chain(&self.changes) {
            let is_new = !was_read || after.is_some_and(|after| *place > after);
            if !is_new || horizon.is_some_and(|horizon| *place > horizon) {
                continue;
            }
            match change {
                Some(kind) => self.window.insert(*place, kind.clone()),
                None => self.window.remove(place),
            };
        }
    }

    /// What this batch changed: timers to write and timers that are over. They count as committing from now on.
    pub(crate) fn flush(&mut self) -> (Vec<TimerRow>, Vec<Place>) {
        self.committing = std::mem::take(&mut self.changes);
        let mut set = Vec::new();
        let mut over = Vec::new();
        for ((due_at, id), change) in &self.committing {
            match change {
                Some(kind) => set.push(TimerRow { due_at: *due_at, id: *id, kind: kind.clone() }),
                None => over.push((*due_at, *id)),
            }
        }
        self.narrow();
        (set, over)
    }

    /// The batch that was being committed is.
    pub(crate) fn committed(&mut self) {
        self.committing.clear();
    }

    /// Forgets the farthest timers when there are too many.
    fn narrow(&mut self) {
        if self.window.len() <= 2 * self.window_max {
            return;
        }
        let last = self.window.keys().nth(self.window_max).copied();
        if let Some(last) = last {
            let _farther = self.window.split_off(&last);
            self.horizon = self.window.last_key_value().map(|(place, _)| *place);
        }
    }

    /// The change of this batch at a place, to undo to.
    pub(crate) fn snapshot(&self, due_at: UtcMs, kind: &TimerKind) -> TimerBefore {
        let place = (due_at, timer_id(due_at, kind));
        TimerBefore {
            place,
            change: self.changes.get(&place).cloned(),
            in_window: self.window.get(&place).cloned(),
        }
    }

    /// Back to a snapshot.
    pub(crate) fn restore(&mut self, before: TimerBefore) {
        match before.change {
            Some(change) => self.changes.insert(before.place, change),
            None => self.changes.remove(&before.place),
        };
        match before.in_window {
            Some(kind) => self.window.insert(before.place, kind),
            None => self.window.remove(&before.place),
        };
    }
}

/// How a timer stood before a change.
pub(crate) struct TimerBefore {
    place: Place,
    change: Option<Option<TimerKind>>,
    in_window: Option<TimerKind>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use siyu_model::id::ScanId;

    use super::*;

    fn kind(number: u64) -> TimerKind {
        TimerKind::Scan(ScanId::derive(UtcMs::EPOCH, &[&number.to_be_bytes()]))
    }

    #[derive(Debug, Clone)]
    enum Op {
        Set(u64, i64),
        Clear(u64, i64),
        Pop(i64),
        Commit,
    }

    fn op() -> impl Strategy<Value = Op> {
        prop_oneof![
            4 => (0u64..20, 0i64..50).prop_map(|(n, at)| Op::Set(n, at)),
            2 => (0u64..20, 0i64..50).prop_map(|(n, at)| Op::Clear(n, at)),
            3 => (0i64..50).prop_map(Op::Pop),
            2 => Just(Op::Commit),
        ]
    }

    /// The store as a plain map, read in chunks of four.
    fn read(timers: &mut Timers, store: &BTreeMap<Place, TimerKind>) {
        while let Some(after) = timers.needs_reading() {
            let rows = store.iter().filter(|(place, _)| after.is_none_or(|after| **place > after)).take(4);
            let rows =
                rows.map(|((due_at, id), kind)| TimerRow { due_at: *due_at, id: *id, kind: kind.clone() });
            timers.absorb(rows.collect(), 4);
        }
    }

    proptest! {
        /// Whatever is set, cleared, popped and committed, in whatever chunks the store is read: the window gives the
        /// same timers in the same order as a plain map of all of them.
        #[test]
        fn the_window_is_a_map_of_all_timers(ops in prop::collection::vec(op(), 0..120)) {
            let mut timers = Timers::new(3);
            let mut store = BTreeMap::new();
            let mut all = BTreeMap::new();
            for op in ops {
                match op {
                    Op::Set(number, at) => {
                        let at = UtcMs::from_millis(at);
                        timers.set(at, kind(number));
                        all.insert((at, timer_id(at, &kind(number))), kind(number));
                    }
                    Op::Clear(number, at) => {
                        let at = UtcMs::from_millis(at);
                        timers.clear(at, &kind(number));
                        all.remove(&(at, timer_id(at, &kind(number))));
                    }
                    Op::Pop(until) => {
                        read(&mut timers, &store);
                        let found = timers.pop_due(UtcMs::from_millis(until));
                        let expected = all.first_key_value().filter(|((at, _), _)| at.as_millis() <= until);
                        let expected = expected.map(|(place, kind)| (*place, kind.clone()));
                        prop_assert_eq!(found.clone(), expected.clone().map(|((at, _), kind)| (at, kind)));
                        if let Some((place, _)) = expected {
                            all.remove(&place);
                        }
                    }
                    Op::Commit => {
                        let (set, over) = timers.flush();
                        over.iter().for_each(|place| { store.remove(place); });
                        store.extend(set.into_iter().map(|row| ((row.due_at, row.id), row.kind)));
                        timers.committed();
                    }
                }
            }
        }
    }

    #[test]
    fn a_restored_timer_is_as_before() {
        let mut timers = Timers::new(10);
        timers.absorb(Vec::new(), 4);
        let at = UtcMs::from_millis(5);
        let before = timers.snapshot(at, &kind(1));
        timers.set(at, kind(1));
        timers.restore(before);
        assert_eq!(timers.next_due(), None);
        assert_eq!(timers.flush(), (vec![], vec![]));
    }
}
