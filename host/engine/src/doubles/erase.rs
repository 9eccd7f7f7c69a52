//! Erasing a customer from the tables in memory: who they were goes, and what is counted stays under a pseudonym.

use std::sync::Arc;

use siyu_model::id::CustomerId;
use siyu_model::json::{self, Value};
use siyu_model::message::MessageStatus;
use siyu_model::name::Key;
use siyu_model::run::{RunEnd, RunState, RunStatus};
use siyu_model::stock::ledger::Account;
use siyu_model::stock::reservation::ReservationStatus;

use super::purge::is_on_its_way;
use super::tables::Tables;
use crate::ports::rows::EventRow;
use crate::ports::store::Unfinished;

impl Tables {
    /// What is under way for a customer, at most so many of each, in the order of their keys.
    pub(super) fn unfinished(&self, customer: CustomerId, limit: usize) -> Unfinished {
        let runs =
            self.runs.values().filter(|run| run.customer == Some(customer) && !run.status.is_terminal());
        let messages = self.messages.values();
        let messages =
            messages.filter(|message| message.customer == customer && is_on_its_way(message.status));
        let planned = self.planned.iter().filter(|(_, event)| event.customer == Some(customer));
        let held = self.reservations.values();
        let held = held.filter(|row| row.customer == Some(customer) && row.status == ReservationStatus::Held);
        Unfinished {
            runs: runs.map(|run| run.id).take(limit).collect(),
            messages: messages.map(|message| message.id).take(limit).collect(),
            planned: planned.map(|(key, _)| key.clone()).take(limit).collect(),
            reservations: held.map(|row| row.id).take(limit).collect(),
        }
    }

    /// Erases a customer for whom nothing is under way.
    pub(super) fn erase(&mut self, customer: CustomerId, pseudonym: CustomerId) {
        if self.customers.remove(&customer).is_none() {
            return;
        }
        self.identities.retain(|_, owner| *owner != customer);
        self.tags.retain(|(owner, _), _| *owner != customer);
        self.segments.retain(|(owner, ..), _| *owner != customer);
        self.entries.retain(|_, row| row.customer != Some(customer));
        let name = customer.to_string();
        self.records.retain(|(owner, _, key), _| match owner {
            Some(owner) => *owner != customer,
            None => !key.as_str().contains(&name),
        });
        self.counters.retain(|key, _| !key.key.as_str().contains(&name));
        let facts = self.facts.extract_if(.., |(owner, _), _| *owner == customer);
        let facts: Vec<_> = facts.map(|((_, event_type), fact)| ((pseudonym, event_type), fact)).collect();
        self.facts.extend(facts);
        self.erase_events(customer, pseudonym);
        self.erase_runs(customer, pseudonym);
        self.erase_ledger(customer, pseudonym);
        for message in self.messages.values_mut().filter(|message| message.customer == customer) {
            message.customer = pseudonym;
            message.body.clear();
            message.reason.take_if(|_| message.status != MessageStatus::Blocked);
        }
        for row in self.reservations.values_mut().filter(|row| row.customer == Some(customer)) {
            row.customer = None;
            row.reference = None;
            row.counters.clear();
        }
    }

    /// Accounts and transfers keep their amounts, so that they add up.
    fn erase_ledger(&mut self, customer: CustomerId, pseudonym: CustomerId) {
        let (name, called) = (customer.to_string(), pseudonym.to_string());
        let moved = |account: &mut Account| {
            let is_theirs = account.customer == Some(customer);
            if is_theirs {
                account.customer = Some(pseudonym);
            }
            // As long as before, so it is still a name.
            if let Ok(renamed) = Key::new(&account.name.as_str().replace(&name, &called)) {
                account.name = renamed;
            }
            is_theirs
        };
        let accounts = std::mem::take(&mut self.accounts);
        self.accounts = accounts
            .into_iter()
            .map(|(mut key, units)| {
                moved(&mut key.account);
                (key, units)
            })
            .collect();
        for row in &mut self.ledger {
            let is_from = moved(&mut row.transfer.from);
            let is_theirs = moved(&mut row.transfer.to) || is_from;
            row.reference.take_if(|reference| is_theirs || reference.contains(&name));
        }
    }

    fn erase_events(&mut self, customer: CustomerId, pseudonym: CustomerId) {
        for event in self.events.values_mut().filter(|event| event.customer == Some(customer)) {
            event.customer = Some(pseudonym);
            event.id.clear();
            event.data = counted(event);
            for hash in event.matches.drain(..) {
                self.matches.remove(&(hash, event.seq));
            }
        }
    }

    fn erase_runs(&mut self, customer: CustomerId, pseudonym: CustomerId) {
        for run in self.runs.values_mut().filter(|run| run.customer == Some(customer)) {
            run.customer = Some(pseudonym);
            run.key = None;
            run.slot = None;
            run.state = RunState::default();
            match &mut run.status {
                RunStatus::Ended { end: RunEnd::Failed { fault }, .. } => {
                    fault.message.clear();
                    fault.fields.clear();
                }
                RunStatus::Ended { end: RunEnd::Cancelled { reason }, .. } => reason.clear(),
                _ => {}
            }
            for (_, line) in self.journal.range_mut((run.id, 0)..=(run.id, u32::MAX)) {
                line.detail = None;
            }
        }
    }
}

/// What of an event's data is counted and says nothing of anybody: a whole amount.
fn counted(event: &EventRow) -> Arc<str> {
    let data = json::parse(&event.data).unwrap_or(Value::Null);
    match data.get("amount_fen").and_then(Value::as_int) {
        Some(amount) => format!("{{\"amount_fen\":{amount}}}").into(),
        None => "{}".into(),
    }
}
