//! Places under `concurrency`: who has one and who waits for one.
//!
//! Never stored: it is derived from the runs themselves, so no place can leak.

use std::collections::{BTreeSet, HashMap};

use siyu_model::id::RunId;
use siyu_model::name::PlaybookName;

use crate::memory::{Memory, Worked};
use crate::ports::store::SlotQuery;

/// Which runs share places: playbook, workflow and the value of the concurrency key.
pub(crate) type SlotKey = (PlaybookName, String, String);

/// Queued runs of one slot that memory takes in at most; a further one is refused.
const QUEUED_MAX: usize = 10_000;

/// The slots that were used since the tenant was loaded.
#[derive(Default)]
pub(crate) struct Slots {
    known: HashMap<SlotKey, Slot>,
}

/// The runs of one slot. Ids sort by time: the first queued is the oldest.
#[derive(Default)]
struct Slot {
    alive: BTreeSet<RunId>,
    queued: BTreeSet<RunId>,
    changed_in: u64,
}

/// Slots in memory, beyond which empty ones are forgotten.
const SLOTS_MAX: usize = 10_000;

impl Slots {
    /// Forgets slots that nobody is in, once that is durable.
    pub(crate) fn shrink(&mut self, committed: u64) {
        if self.known.len() > SLOTS_MAX {
            self.known.retain(|_, slot| {
                slot.changed_in > committed || !slot.alive.is_empty() || !slot.queued.is_empty()
            });
        }
    }
}

impl Memory {
    /// Reads a slot from the store unless it is known.
    fn know_slot(&mut self, key: &SlotKey) -> Worked<()> {
        if self.slots.known.contains_key(key) {
            return Ok(());
        }
        let reader = self.reader();
        let query = |queued| SlotQuery {
            playbook: key.0.clone(),
            workflow: key.1.clone(),
            slot: key.2.clone(),
            queued,
            limit: QUEUED_MAX,
        };
        let alive = reader.ask(|store| store.runs_of_slot(query(false)))?.into_iter().collect();
        let queued = reader.ask(|store| store.runs_of_slot(query(true)))?.into_iter().collect();
        self.slots.known.insert(key.clone(), Slot { alive, queued, changed_in: 0 });
        Ok(())
    }

    /// Runs that have a place, oldest first.
    pub(crate) fn slot_alive(&mut self, key: &SlotKey) -> Worked<Vec<RunId>> {
        self.know_slot(key)?;
        Ok(self.slots.known.get(key).map(|slot| slot.alive.iter().copied().collect()).unwrap_or_default())
    }

    /// Whether one more run can wait.
    pub(crate) fn slot_can_queue(&mut self, key: &SlotKey) -> Worked<bool> {
        self.know_slot(key)?;
        Ok(self.slots.known.get(key).is_none_or(|slot| slot.queued.len() < QUEUED_MAX))
    }

    /// A run takes a place.
    pub(crate) fn slot_enter(&mut self, key: &SlotKey, run: RunId) -> Worked<()> {
        self.know_slot(key)?;
        if let Some(slot) = self.slots.known.get_mut(key) {
            slot.queued.remove(&run);
            slot.alive.insert(run);
            slot.changed_in = self.batch;
        }
        Ok(())
    }

    /// A run waits for a place.
    pub(crate) fn slot_queue(&mut self, key: &SlotKey, run: RunId) -> Worked<()> {
        self.know_slot(key)?;
        if let Some(slot) = self.slots.known.get_mut(key) {
            slot.queued.insert(run);
            slot.changed_in = self.batch;
        }
        Ok(())
    }

    /// A run is over, whether it had a place or waited.
    pub(crate) fn slot_leave(&mut self, key: &SlotKey, run: RunId) -> Worked<()> {
        self.know_slot(key)?;
        if let Some(slot) = self.slots.known.get_mut(key) {
            slot.alive.remove(&run);
            slot.queued.remove(&run);
            slot.changed_in = self.batch;
        }
        Ok(())
    }

    /// The run that comes next, when a place is free under `limit`.
    pub(crate) fn slot_next(&mut self, key: &SlotKey, limit: u32) -> Worked<Option<RunId>> {
        self.know_slot(key)?;
        let slot = self.slots.known.get(key).filter(|slot| slot.alive.len() < limit as usize);
        Ok(slot.and_then(|slot| slot.queued.first().copied()))
    }
}
