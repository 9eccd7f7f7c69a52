//! What holds of everything that is durable, between any two commits.

use std::collections::{BTreeMap, HashMap, HashSet};

use siyu_engine::ports::rows::TimerKind;
use siyu_model::clock::UtcMs;
use siyu_model::id::{ReservationId, RunId};
use siyu_model::message::MessageStatus;
use siyu_model::run::{Fiber, FiberId, FiberState, Run, RunPhase, RunStatus};
use siyu_model::stock::reservation::ReservationStatus;

use super::Durable;

/// What a check found wrong.
pub(super) type Checked = Result<(), String>;

fn must(holds: bool, what: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(what()) }
}

/// Timers by what they are for.
#[derive(Default)]
struct Set {
    fibers: HashMap<(RunId, FiberId), UtcMs>,
    turns: HashSet<RunId>,
    reservations: HashMap<ReservationId, UtcMs>,
    messages: HashSet<siyu_model::id::MessageId>,
}

impl Durable {
    /// Everything that always holds.
    pub fn check(&self) -> Checked {
        if let Some(violation) = &self.violation {
            return Err(violation.clone());
        }
        let set = self.timers_by_kind()?;
        for (key, places) in &self.places {
            must(places.len() == 1, || format!("event {key:?} is in the log at {places:?}"))?;
        }
        for run in self.runs.values() {
            self.check_run(run, &set).map_err(|why| format!("{} ({}): {why}", run.id, run.target.name()))?;
        }
        self.check_waits(&set)?;
        self.check_keys()?;
        self.check_places()?;
        self.check_stock(&set)?;
        self.check_facts()?;
        for (key, planned) in &self.planned {
            let is_set = self.timers.iter().any(|((due_at, _), kind)| {
                *due_at == planned.due_at
                    && matches!(kind, TimerKind::Planned { plugin, key: set } if (plugin, set) == (&key.0, &key.1))
            });
            must(is_set, || format!("planned {key:?} has no timer"))?;
        }
        Ok(())
    }

    fn timers_by_kind(&self) -> Result<Set, String> {
        let mut set = Set::default();
        for ((due_at, _), kind) in &self.timers {
            let is_new = match kind {
                TimerKind::Fiber { run, fiber } => set.fibers.insert((*run, *fiber), *due_at).is_none(),
                TimerKind::Turn(run) => set.turns.insert(*run),
                TimerKind::Reservation(id) => set.reservations.insert(*id, *due_at).is_none(),
                TimerKind::Message(id) => {
                    set.messages.insert(*id);
                    true
                }
                _ => true,
            };
            must(is_new, || format!("two timers are set for {kind:?}"))?;
        }
        Ok(set)
    }

    fn check_run(&self, run: &Run, set: &Set) -> Checked {
        let lines = self.journal.get(&run.id).map_or(0, Vec::len);
        must(lines == run.journal_rows as usize, || {
            format!("{} lines of its journal are there, it counts {}", lines, run.journal_rows)
        })?;
        let fibers = &run.state.fibers;
        for fiber in fibers {
            let is_parent_there = fiber.parent.is_none_or(|parent| run.state.fiber(parent).is_some());
            must(is_parent_there, || format!("{fiber:?} has lost its parent"))?;
        }
        match &run.status {
            RunStatus::Ended { .. } | RunStatus::Queued => Ok(()),
            // A run that it called may end meanwhile: then its fiber is ready to go on.
            RunStatus::Paused { .. } => fibers.iter().try_for_each(|fiber| {
                let is_still = matches!(fiber.state, FiberState::Halted { .. } | FiberState::Ready);
                must(is_still, || format!("paused, and {fiber:?}"))
            }),
            RunStatus::Live | RunStatus::Undoing { .. } => {
                must(!fibers.is_empty(), || "it is alive and nowhere".to_owned())?;
                fibers.iter().try_for_each(|fiber| self.check_fiber(run, fiber, set))
            }
        }
    }

    /// What a fiber of a run that is alive waits for is there.
    fn check_fiber(&self, run: &Run, fiber: &Fiber, set: &Set) -> Checked {
        let place = (run.id, fiber.id);
        let due_at = fiber.due_at();
        must(set.fibers.get(&place).copied() == due_at, || {
            format!("{fiber:?} is due at {due_at:?}, its timer at {:?}", set.fibers.get(&place))
        })?;
        match &fiber.state {
            FiberState::Ready => must(set.turns.contains(&run.id), || format!("nothing wakes {fiber:?}")),
            FiberState::Waiting { wait, .. } => {
                let row = self.waits.get(wait);
                must(row.is_some_and(|row| (row.run, row.fiber) == place), || {
                    format!("{fiber:?} waits, and its wait is {row:?}")
                })
            }
            FiberState::Sleeping { .. } | FiberState::Retrying { .. } => Ok(()),
            FiberState::Joining(joining) => {
                let below = run.state.fibers.iter().filter(|other| other.parent == Some(fiber.id)).count();
                must(below > 0 && below == joining.alive as usize, || {
                    format!("{fiber:?} waits for {} branches, and {below} are alive", joining.alive)
                })
            }
            FiberState::Calling { run: called } => {
                let known = self.runs.get(called);
                let is_alive =
                    known.is_some_and(|known| known.parent == Some(place) && !known.status.is_terminal());
                must(is_alive, || {
                    format!("{fiber:?} waits for a run that is {:?}", known.map(|known| &known.status))
                })
            }
            FiberState::Halted { .. } => Err(format!("alive, and {fiber:?}")),
        }
    }

    /// Every wait and every timer of a fiber belongs to one that has it.
    fn check_waits(&self, set: &Set) -> Checked {
        let fiber_of = |run: &RunId, fiber: FiberId| {
            let run = self.runs.get(run)?;
            let is_alive = matches!(run.status, RunStatus::Live | RunStatus::Undoing { .. });
            run.state.fiber(fiber).filter(|_| is_alive)
        };
        for row in self.waits.values() {
            let fiber = fiber_of(&row.run, row.fiber);
            let is_its = fiber.is_some_and(
                |fiber| matches!(fiber.state, FiberState::Waiting { wait, .. } if wait == row.id),
            );
            must(is_its, || format!("{row:?} is left of {fiber:?}"))?;
        }
        for ((run, fiber), due_at) in &set.fibers {
            let fiber = fiber_of(run, *fiber);
            must(fiber.is_some_and(|fiber| fiber.due_at() == Some(*due_at)), || {
                format!("a timer of {run} at {due_at} is left of {fiber:?}")
            })?;
        }
        Ok(())
    }

    /// At most one run of a key is alive, and that is the one that the workflow remembers.
    fn check_keys(&self) -> Checked {
        let mut alive: HashMap<(String, &str), RunId> = HashMap::new();
        for run in self.runs.values().filter(|run| !run.status.is_terminal()) {
            if let Some(key) = &run.key {
                let other = alive.insert((run.target.name(), key), run.id);
                must(other.is_none(), || format!("{} and {other:?} of the key {key} are alive", run.id))?;
            }
        }
        for entry in self.entries.values() {
            let is_alive = self.runs.get(&entry.run).is_some_and(|run| !run.status.is_terminal());
            must(is_alive == entry.is_alive, || format!("{entry:?}, and its run says otherwise"))?;
        }
        Ok(())
    }

    /// No more runs have a place than there are, and nobody waits for a free one.
    fn check_places(&self) -> Checked {
        let mut slots: BTreeMap<(String, &str), (usize, usize)> = BTreeMap::new();
        for run in self.runs.values() {
            let Some(slot) = &run.slot else { continue };
            let (alive, queued) = slots.entry((run.target.name(), slot)).or_default();
            match run.status.phase() {
                RunPhase::Queued => *queued += 1,
                RunPhase::Live | RunPhase::Paused | RunPhase::Undoing => *alive += 1,
                _ => {}
            }
        }
        for ((workflow, slot), (alive, queued)) in slots {
            let Some(most) = self.places_max.get(&workflow) else { continue };
            must(alive <= *most, || {
                format!("{alive} runs of {workflow} are in slot `{slot}`, at most {most} may")
            })?;
            must(queued == 0 || alive == *most, || {
                format!(
                    "{queued} runs of {workflow} wait for slot `{slot}`, where only {alive} of {most} are"
                )
            })?;
        }
        Ok(())
    }

    fn check_stock(&self, set: &Set) -> Checked {
        let mut quotas: BTreeMap<String, i64> = BTreeMap::new();
        let mut held: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        for reservation in self.reservations.values() {
            let (reserved, sold) = held.entry(reservation.pool.as_str()).or_default();
            let is_held = reservation.status == ReservationStatus::Held;
            match reservation.status {
                ReservationStatus::Held => *reserved += reservation.units,
                ReservationStatus::Committed => *sold += reservation.units,
                _ => {}
            }
            if matches!(reservation.status, ReservationStatus::Held | ReservationStatus::Committed) {
                for hold in &reservation.counters {
                    *quotas.entry(hold.key.to_string()).or_default() +=
                        i64::try_from(hold.units).unwrap_or(i64::MAX);
                }
            }
            let due_at = set.reservations.get(&reservation.id).copied();
            must(due_at == is_held.then_some(reservation.expires_at), || {
                format!("{reservation:?} has a timer at {due_at:?}")
            })?;
        }
        for (key, pool) in &self.pools {
            let (reserved, committed) = held.get(key.key.as_str()).copied().unwrap_or_default();
            let told = self.books.sold.get(key.key.as_str()).copied().unwrap_or(0);
            let sold = committed + u64::try_from(told).unwrap_or(0);
            must(pool.reserved() == reserved && pool.sold() == sold, || {
                format!("{key:?} is {pool:?}; reservations hold {reserved}, and {sold} were sold")
            })?;
            must(pool.available() + pool.reserved() + pool.sold() == pool.total(), || format!("{pool:?}"))?;
        }
        self.check_counters(&quotas)?;
        self.check_accounts()
    }

    fn check_accounts(&self) -> Checked {
        must(self.accounts == self.posted, || {
            format!("accounts hold {:?}, and transfers make {:?} of them", self.accounts, self.posted)
        })?;
        let below = self.accounts.iter().find(|(key, units)| key.account.customer.is_some() && **units < 0);
        must(below.is_none(), || format!("{below:?} is below 0"))?;
        let sum: i64 = self.accounts.values().sum();
        must(sum == 0, || format!("all accounts together hold {sum}"))
    }

    fn check_counters(&self, quotas: &BTreeMap<String, i64>) -> Checked {
        let mut unseen: BTreeMap<&str, i64> =
            self.books.counters.iter().map(|(key, units)| (key.as_str(), *units)).collect();
        for (key, counter) in &self.counters {
            must(counter.used() <= counter.limit(), || format!("{key:?} is {counter:?}"))?;
            if &*key.plugin != "box" {
                continue;
            }
            let text = key.key.as_str();
            let expected = match text.starts_with("held/") {
                true => quotas.get(text).copied().unwrap_or(0),
                false => unseen.remove(text).unwrap_or(0),
            };
            must(i64::try_from(counter.used()) == Ok(expected), || {
                format!("{text}: {} are used, and journals say {expected}", counter.used())
            })?;
        }
        unseen.retain(|_, units| *units != 0);
        must(unseen.is_empty(), || format!("journals say {unseen:?}, and no counter does"))
    }

    fn check_facts(&self) -> Checked {
        let mut counts: HashMap<_, u64> = HashMap::new();
        for event in self.events.values() {
            if let Some(customer) = event.customer {
                *counts.entry((customer, event.event_type.clone())).or_default() += 1;
            }
        }
        for (place, fact) in &self.facts {
            let counted = counts.remove(place).unwrap_or(0);
            must(fact.count == counted, || {
                format!("{place:?}: the log has {counted}, the fact says {fact:?}")
            })?;
        }
        must(counts.is_empty(), || format!("no facts of {counts:?}"))
    }

    /// What holds once nothing goes wrong any more and time went on: nothing is left that could go on.
    pub fn check_rest(&self) -> Checked {
        for message in self.messages.values() {
            must(message.status != MessageStatus::Planned, || format!("{message:?} never went"))?;
            let was_handed = self.handed.contains_key(&message.id);
            let went = !matches!(
                message.status,
                MessageStatus::Blocked | MessageStatus::Expired | MessageStatus::Cancelled
            );
            must(was_handed || !went, || format!("{message:?} was never handed over"))?;
        }
        for id in self.handed.keys() {
            must(self.messages.contains_key(id), || format!("{id} was handed over and is not in the store"))?;
        }
        for scan in self.scans.values() {
            must(scan.is_done, || format!("{scan:?} never ended"))?;
        }
        for run in self.runs.values() {
            let phase = run.status.phase();
            must(!matches!(phase, RunPhase::Undoing | RunPhase::Paused), || {
                format!("{} is {phase:?}", run.id)
            })?;
        }
        Ok(())
    }
}
