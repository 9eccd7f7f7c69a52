//! Reading what memory does not know, from the store.
//!
//! Code that runs on the executor's lane may block on the store: a lane is a thread of its own, except in simulations, whose
//! stores answer at once. What a batch needs is loaded ahead, so these reads are the exception.

use std::future::Future;
use std::sync::Arc;

use futures_util::FutureExt;
use siyu_model::event::Event;
use siyu_model::json;
use tokio::runtime::Handle;

use super::{Halt, LiveRun, Memory, Person, Worked};
use crate::ports::rows::EventRow;
use crate::ports::store::{Loaded, Store, StoreError, Wants};

/// The store, read from a lane.
#[derive(Clone)]
pub(crate) struct Reader {
    store: Arc<dyn Store>,
    /// Where an answer is waited for; none where nobody may wait.
    runtime: Option<Handle>,
}

impl Reader {
    /// Must be made inside a tokio runtime.
    pub(crate) fn new(store: Arc<dyn Store>, may_wait: bool) -> Self {
        Self { store, runtime: may_wait.then(Handle::current) }
    }

    /// The store.
    pub(super) fn store(&self) -> Arc<dyn Store> {
        self.store.clone()
    }

    /// Waits for an answer of the store; only on a lane.
    pub(crate) fn ask<'a, T, F>(&'a self, question: impl FnOnce(&'a dyn Store) -> F) -> Worked<T>
    where
        F: Future<Output = Result<T, StoreError>> + 'a,
    {
        let answer = question(&*self.store);
        match &self.runtime {
            Some(runtime) => Ok(runtime.block_on(answer)?),
            None => {
                let late = || Halt::Broken("a lane that is no thread had to wait for its store".to_owned());
                Ok(answer.now_or_never().ok_or_else(late)??)
            }
        }
    }
}

/// An event as the store kept it.
pub(crate) fn event_from_row(row: EventRow) -> Worked<Event> {
    let data =
        json::parse(&row.data).map_err(|fault| Halt::Broken(format!("event {}: {fault}", row.seq.0)))?;
    Ok(Event {
        seq: row.seq,
        id: row.id,
        event_type: row.event_type,
        source: row.source,
        customer: row.customer,
        occurred_at: row.occurred_at,
        recorded_at: row.recorded_at,
        data,
        depth: row.depth,
    })
}

impl Memory {
    /// The store, for the few reads that are not by key.
    pub(crate) fn reader(&self) -> Reader {
        self.reader.clone()
    }

    /// Reads rows by key now and takes them in; what is not found is known to be absent from then on.
    pub(crate) fn fetch(&mut self, wants: Wants) -> Worked<()> {
        let asked = Asked::of(&wants);
        let loaded = self.reader.ask(|store| store.load(wants))?;
        self.absorb(asked, loaded)
    }

    /// Takes in rows that were loaded ahead.
    pub(crate) fn absorb(&mut self, asked: Asked, loaded: Loaded) -> Worked<()> {
        self.count_absent(&asked.0, &loaded);
        let batch = self.batch;
        for (key, seq) in loaded.dedupes {
            self.dedupes.learn(key, Some(seq), batch);
        }
        for (identity, customer) in loaded.identities {
            self.identities.learn(identity, Some(customer), batch);
        }
        for image in loaded.customers {
            let person = Person::from_image(image);
            self.people.learn(person.id(), Some(person), batch);
        }
        for loaded in loaded.runs {
            let event = loaded.event.map(event_from_row).transpose()?.map(Arc::new);
            let live = LiveRun { event, journal: Vec::new(), run: loaded.run };
            self.runs.learn(live.run.id, Some(live), batch);
        }
        for hash in &asked.0.matching {
            let waits = loaded.matching.iter().filter(|wait| wait.matching == Some(*hash)).cloned().collect();
            self.matching.learn(*hash, Some(waits), batch);
        }
        for entry in loaded.entries {
            self.entries.learn(entry.hash, Some(entry), batch);
        }
        for (key, body) in loaded.records {
            self.records.learn(key, Some(body.into()), batch);
        }
        for (key, pool) in loaded.pools {
            self.pools.learn(key, Some(pool), batch);
        }
        for reservation in loaded.reservations {
            self.reservations.learn(reservation.id, Some(reservation), batch);
        }
        for (key, counter) in loaded.counters {
            self.counters.learn(key, Some(counter), batch);
        }
        for (key, units) in loaded.accounts {
            self.accounts.learn(key, Some(units), batch);
        }
        for code in loaded.codes {
            self.codes.learn(code.lookup, Some(code), batch);
        }
        for message in loaded.messages {
            self.messages.learn(message.id, Some(message), batch);
        }
        for (key, event) in loaded.planned {
            self.planned.learn(key, Some(event), batch);
        }
        for scan in loaded.scans {
            self.scans.learn(scan.id, Some(scan), batch);
        }
        self.learn_absent(asked);
        Ok(())
    }

    /// What was asked for and did not come is absent.
    fn learn_absent(&mut self, asked: Asked) {
        let batch = self.batch;
        let wants = asked.0;
        wants.dedupes.into_iter().for_each(|key| self.dedupes.learn(key, None, batch));
        wants.identities.into_iter().for_each(|key| self.identities.learn(key, None, batch));
        wants.customers.into_iter().for_each(|key| self.people.learn(key, None, batch));
        wants.runs.into_iter().for_each(|key| self.runs.learn(key, None, batch));
        wants.entries.into_iter().for_each(|key| self.entries.learn(key, None, batch));
        wants.records.into_iter().for_each(|key| self.records.learn(key, None, batch));
        wants.pools.into_iter().for_each(|key| self.pools.learn(key, None, batch));
        wants.reservations.into_iter().for_each(|key| self.reservations.learn(key, None, batch));
        wants.counters.into_iter().for_each(|key| self.counters.learn(key, None, batch));
        wants.accounts.into_iter().for_each(|key| self.accounts.learn(key, None, batch));
        wants.codes.into_iter().for_each(|key| self.codes.learn(key, None, batch));
        wants.messages.into_iter().for_each(|key| self.messages.learn(key, None, batch));
        wants.planned.into_iter().for_each(|key| self.planned.learn(key, None, batch));
        wants.scans.into_iter().for_each(|key| self.scans.learn(key, None, batch));
    }
}

/// What was asked for, to know what is absent.
pub(crate) struct Asked(Wants);

impl Asked {
    pub(crate) fn of(wants: &Wants) -> Self {
        Self(wants.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doubles::MemoryStores;
    use crate::ports::store::Stores;

    /// A lane asks something; `takes` says whether the store needs more than one look to answer.
    fn asked(may_wait: bool, takes: bool) -> Worked<u8> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let name = "huahua".parse().unwrap();
        let store = runtime.block_on(MemoryStores::new().open(&name)).unwrap();
        let reader = runtime.block_on(async { Reader::new(store, may_wait) });
        reader.ask(|_| async move {
            if takes {
                tokio::task::yield_now().await;
            }
            Ok(7)
        })
    }

    #[test]
    fn only_a_lane_that_is_a_thread_waits_for_a_store() {
        for (may_wait, takes) in [(true, false), (true, true), (false, false)] {
            assert!(matches!(asked(may_wait, takes), Ok(7)), "{may_wait} {takes}");
        }
        assert!(matches!(asked(false, true), Err(Halt::Broken(_))));
    }
}
