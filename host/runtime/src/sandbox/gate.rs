//! The gate: as many calls at once as the pool has room for; a further one waits. It never turns a call away.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};

/// Units of the pool that are free.
pub(crate) struct Gate {
    units: u32,
    free: AtomicU32,
    waiting: AtomicU32,
    turn: Mutex<()>,
    freed: Condvar,
}

/// Units that a call holds; they are free again when this is dropped.
pub(crate) struct Pass<'a> {
    gate: &'a Gate,
    units: u32,
}

impl Gate {
    /// A gate with so many free units.
    pub(crate) fn new(units: u32) -> Self {
        Self {
            units,
            free: AtomicU32::new(units),
            waiting: AtomicU32::new(0),
            turn: Mutex::new(()),
            freed: Condvar::new(),
        }
    }

    /// How many units there are in all: what needs more can never run.
    pub(crate) fn units(&self) -> u32 {
        self.units
    }

    /// Takes units, waiting until there are enough. No lock is touched when there are.
    ///
    /// More than there are in all are taken as all.
    pub(crate) fn enter(&self, units: u32) -> Pass<'_> {
        let units = units.min(self.units);
        if !self.try_take(units) {
            self.wait_for(units);
        }
        Pass { gate: self, units }
    }

    fn try_take(&self, units: u32) -> bool {
        self.free.try_update(Ordering::SeqCst, Ordering::SeqCst, |free| free.checked_sub(units)).is_ok()
    }

    /// A waiter counts itself before it looks again, and whoever frees units looks at the count afterwards: one of the
    /// two sees the other. The lock keeps the wake-up from falling between the look and the wait.
    fn wait_for(&self, units: u32) {
        let mut turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.waiting.fetch_add(1, Ordering::SeqCst);
        while !self.try_take(units) {
            turn = self.freed.wait(turn).unwrap_or_else(PoisonError::into_inner);
        }
        self.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        self.gate.free.fetch_add(self.units, Ordering::SeqCst);
        if self.gate.waiting.load(Ordering::SeqCst) > 0 {
            let _turn = self.gate.turn.lock().unwrap_or_else(PoisonError::into_inner);
            self.gate.freed.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_more_than_the_units_are_inside_and_everybody_gets_in() {
        let gate = Gate::new(3);
        let inside = AtomicU32::new(0);
        let served = AtomicU32::new(0);
        std::thread::scope(|scope| {
            for worker in 0..8u32 {
                let (gate, inside, served) = (&gate, &inside, &served);
                scope.spawn(move || {
                    let units = 1 + worker % 3;
                    for _ in 0..500 {
                        let _pass = gate.enter(units);
                        assert!(inside.fetch_add(units, Ordering::SeqCst) + units <= 3);
                        std::thread::yield_now();
                        inside.fetch_sub(units, Ordering::SeqCst);
                        served.fetch_add(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert_eq!(served.into_inner(), 8 * 500);
        assert_eq!(gate.free.into_inner(), 3);
    }

    #[test]
    fn what_asks_for_more_than_there_is_takes_all_of_it() {
        let gate = Gate::new(2);
        let all = gate.enter(5);
        assert!(!gate.try_take(1));
        drop(all);
        assert!(gate.try_take(2));
    }
}
