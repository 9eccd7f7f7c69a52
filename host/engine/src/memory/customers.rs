//! Customers in memory: what belongs to them, who waits for them, and what workflows remember of them.

use std::sync::Arc;

use siyu_model::clock::UtcMs;
use siyu_model::customer::{Customer, Fact, TagMark};
use siyu_model::event::{EventSeq, Identity};
use siyu_model::id::{CustomerId, WaitId};
use siyu_model::name::{EventType, PlaybookName, SegmentName, Tag};

use super::read::read;
use super::undo::Undo;
use super::{Halt, Memory, Person, Worked};
use crate::ports::rows::{EntryRow, Hash16, SegmentRow, TimerKind, WaitRow};
use crate::ports::store::Wants;

impl Memory {
    /// A customer; none when there is no such customer.
    pub(crate) fn person(&mut self, id: CustomerId) -> Worked<Option<&Person>> {
        Ok(read!(self.people, &id, customers))
    }

    /// A customer that must be there because something of theirs is.
    pub(crate) fn known_person(&mut self, id: CustomerId) -> Worked<&Person> {
        self.person(id)?.ok_or_else(|| Halt::Broken(format!("customer {id} is gone")))
    }

    /// A customer when memory has them already.
    pub(crate) fn person_in_memory(&self, id: &CustomerId) -> Option<&Person> {
        self.people.get(id)
    }

    pub(super) fn person_mut(&mut self, id: CustomerId) -> Worked<&mut Person> {
        self.known_person(id)?;
        let batch = self.batch;
        let found = self.people.change(&id, batch).map(|(person, _)| person);
        found.ok_or_else(|| Halt::Broken(format!("customer {id} is gone")))
    }

    /// Customers in the order of their ids, after one; at most `limit`.
    pub(crate) fn customer_ids(
        &mut self,
        after: Option<CustomerId>,
        limit: usize,
    ) -> Worked<Vec<CustomerId>> {
        let stored = self.reader().ask(|store| store.customer_ids(after, limit))?;
        let is_complete = stored.len() < limit;
        let last = stored.last().copied();
        let new = self.new_customers.keys().copied();
        let new =
            new.filter(|id| after.is_none_or(|after| *id > after) && (is_complete || Some(*id) <= last));
        let all: std::collections::BTreeSet<CustomerId> = stored.into_iter().chain(new).collect();
        Ok(all.into_iter().take(limit).collect())
    }

    /// Whose outside name this is.
    pub(crate) fn identity(&mut self, identity: &Identity) -> Worked<Option<CustomerId>> {
        Ok(read!(self.identities, identity, identities).copied())
    }

    /// Makes the customer of an outside name. Their id is derived with the tenant's random bytes: ids go out to plugins,
    /// receivers and reports, and must not be something to try names against.
    pub(crate) fn create_customer(&mut self, identity: &Identity, at: UtcMs) -> CustomerId {
        let mut keyed = [0; 16];
        self.derive_bytes("customer", identity.to_string().as_bytes(), 0, &mut keyed);
        let id = CustomerId::derive(at, &[&keyed]);
        self.identities.set(identity, Some(id), self.batch);
        self.changes.identities.push((identity.clone(), id));
        let mut customer = Customer::new(id, at);
        customer.identities.push(identity.clone());
        self.people.set(&id, Some(Person::new(customer)), self.batch);
        self.customer_total += 1;
        self.new_customers.insert(id, self.batch);
        self.changes.customers.insert(id);
        id
    }

    /// Adds an event to its customer's facts.
    pub(crate) fn add_fact(
        &mut self,
        id: CustomerId,
        event_type: &EventType,
        occurred_at: UtcMs,
        amount: (i64, EventSeq),
    ) -> Worked<()> {
        let person = self.person_mut(id)?;
        let facts = &mut Arc::make_mut(&mut person.customer).facts;
        let fact = Fact::add(facts.get(event_type).copied(), occurred_at, amount.0, amount.1);
        facts.insert(event_type.clone(), fact);
        self.changes.facts.insert((id, event_type.clone()));
        Ok(())
    }

    /// Changes a customer's attributes or tags, remembering how they were.
    fn change_customer(&mut self, id: CustomerId, change: impl FnOnce(&mut Customer)) -> Worked<()> {
        let before = self.known_person(id)?.customer.clone();
        self.remember(|| Undo::Customer(id, before));
        change(Arc::make_mut(&mut self.person_mut(id)?.customer));
        Ok(())
    }

    /// Replaces a customer's attributes.
    pub(crate) fn set_attributes(
        &mut self,
        id: CustomerId,
        attributes: siyu_model::json::Value,
    ) -> Worked<()> {
        self.change_customer(id, |customer| customer.attributes = attributes)?;
        self.changes.customers.insert(id);
        Ok(())
    }

    /// Puts a tag on, changes its mark, or takes it off; its timer follows. Gives the mark that was there.
    pub(crate) fn set_tag(
        &mut self,
        id: CustomerId,
        tag: &Tag,
        mark: Option<TagMark>,
    ) -> Worked<Option<TagMark>> {
        let before = self.known_person(id)?.customer.tags.get(tag).cloned();
        let timer = |at: Option<UtcMs>| at.map(|at| (at, TimerKind::Tag { customer: id, tag: tag.clone() }));
        if let Some((at, kind)) = timer(before.as_ref().and_then(|mark| mark.expires_at)) {
            self.clear_timer(at, &kind);
        }
        if let Some((at, kind)) = timer(mark.as_ref().and_then(|mark| mark.expires_at)) {
            self.set_timer(at, kind);
        }
        self.change_customer(id, |customer| {
            match mark {
                Some(mark) => customer.tags.insert(tag.clone(), mark),
                None => customer.tags.remove(tag),
            };
        })?;
        self.changes.tags.insert((id, tag.clone()));
        Ok(before)
    }

    /// Writes a membership; its timer follows.
    pub(crate) fn set_segment(&mut self, row: SegmentRow) -> Worked<()> {
        let key = (row.playbook.clone(), row.segment.clone());
        let kind = |row: &SegmentRow| TimerKind::Segment {
            customer: row.customer,
            playbook: row.playbook.clone(),
            segment: row.segment.clone(),
        };
        let before = self.known_person(row.customer)?.segments.get(&key).and_then(|row| row.check_at);
        if before != row.check_at {
            if let Some(at) = before {
                self.clear_timer(at, &kind(&row));
            }
            if let Some(at) = row.check_at {
                self.set_timer(at, kind(&row));
            }
        }
        self.changes.segments.insert((row.customer, key.0.clone(), key.1.clone()));
        self.person_mut(row.customer)?.segments.insert(key, row);
        Ok(())
    }

    /// The membership of a customer in a segment.
    pub(crate) fn segment(
        &mut self,
        id: CustomerId,
        playbook: &PlaybookName,
        segment: &SegmentName,
    ) -> Worked<Option<SegmentRow>> {
        Ok(self.known_person(id)?.segments.get(&(playbook.clone(), segment.clone())).cloned())
    }

    /// Which workflow ran for a key.
    pub(crate) fn entry(&mut self, customer: Option<CustomerId>, hash: Hash16) -> Worked<Option<EntryRow>> {
        match customer {
            Some(customer) => Ok(self.known_person(customer)?.entries.get(&hash).cloned()),
            None => Ok(read!(self.entries, &hash, entries).cloned()),
        }
    }

    /// Writes an entry.
    pub(crate) fn set_entry(&mut self, entry: EntryRow) -> Worked<()> {
        self.changes.entries.insert((entry.customer, entry.hash));
        match entry.customer {
            Some(customer) => {
                self.person_mut(customer)?.entries.insert(entry.hash, entry);
            }
            None => {
                let hash = entry.hash;
                self.entries.set(&hash, Some(entry), self.batch);
            }
        }
        Ok(())
    }

    /// Adds a wait.
    pub(crate) fn add_wait(&mut self, wait: WaitRow) -> Worked<()> {
        self.changes.waits.insert(wait.id, wait.clone());
        if let Some(customer) = wait.customer {
            self.person_mut(customer)?.waits.push(wait);
        } else if let Some(hash) = wait.matching {
            let mut waits = self.matching(hash)?;
            waits.push(wait);
            self.matching.set(&hash, Some(waits), self.batch);
        }
        Ok(())
    }

    /// Takes a wait away: one of a customer, or one with `match`.
    pub(crate) fn remove_wait(
        &mut self,
        id: WaitId,
        customer: Option<CustomerId>,
        matching: Option<Hash16>,
    ) -> Worked<()> {
        self.end_wait(id);
        if let Some(hash) = matching {
            let mut waits = self.matching(hash)?;
            waits.retain(|other| other.id != id);
            self.matching.set(&hash, Some(waits), self.batch);
        } else if let Some(customer) = customer {
            self.person_mut(customer)?.remove_wait(id);
        }
        Ok(())
    }

    fn end_wait(&mut self, id: WaitId) {
        // A wait that began in this batch was never written.
        if self.changes.waits.remove(&id).is_none() {
            self.changes.waits_over.push(id);
        }
    }

    /// Waits with `match` under a key.
    pub(crate) fn matching(&mut self, hash: Hash16) -> Worked<Vec<WaitRow>> {
        Ok(read!(self.matching, &hash, matching).cloned().unwrap_or_default())
    }
}
