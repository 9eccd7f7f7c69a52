//! Memory while a customer is erased: what is under way for them, and forgetting what the store forgot.

use std::collections::BTreeSet;

use siyu_model::clock::UtcMs;
use siyu_model::id::{CustomerId, MessageId, RunId};
use siyu_model::message::MessageStatus;
use siyu_model::name::{Key, PluginName};

use super::keys::Gathering;
use super::{Memory, Worked};
use crate::ports::store::Unfinished;

/// How much of what is under way for a customer is ended at a time.
const AT_A_TIME: usize = 1_000;

impl Memory {
    /// What is under way for a customer and can be ended, as memory and store together have it: stock that is held runs
    /// out by itself.
    pub(crate) fn unfinished(&mut self, customer: CustomerId) -> Worked<Unfinished> {
        let stored = self.reader().ask(|store| store.unfinished(customer, AT_A_TIME))?;
        let committed = self.committed_batch;
        let runs = self.runs.uncommitted(committed, |_| true).into_iter().map(|(id, _)| id);
        let runs: BTreeSet<RunId> = stored.runs.into_iter().chain(runs).collect();
        let messages = self.messages.uncommitted(committed, |_| true).into_iter().map(|(id, _)| id);
        let messages: BTreeSet<MessageId> = stored.messages.into_iter().chain(messages).collect();
        let planned = self.planned.uncommitted(committed, |_| true).into_iter().map(|(key, _)| key);
        let planned: BTreeSet<(PluginName, Key)> = stored.planned.into_iter().chain(planned).collect();
        let mut found = Unfinished::default();
        for id in runs {
            let run = self.run(id)?.map(|live| &live.run);
            if run.is_some_and(|run| run.customer == Some(customer) && !run.status.is_terminal()) {
                found.runs.push(id);
            }
        }
        for id in messages {
            let message = self.message(id)?;
            let can_end = |status: MessageStatus| status.can_become(MessageStatus::Cancelled);
            if message.is_some_and(|message| message.customer == customer && can_end(message.status)) {
                found.messages.push(id);
            }
        }
        for key in planned {
            if self.planned(&key)?.is_some_and(|event| event.customer == Some(customer)) {
                found.planned.push(key);
            }
        }
        Ok(found)
    }

    /// Under which id an erased customer is counted: whoever has no access to the tenant's random bytes cannot find it for a
    /// known customer.
    pub(crate) fn pseudonym(&self, customer: CustomerId) -> CustomerId {
        let mut bytes = [0; 16];
        self.derive_bytes("pseudonym", customer.as_bytes(), 0, &mut bytes);
        CustomerId::derive(UtcMs::EPOCH, &[&bytes])
    }

    /// Forgets all rows: the store has them, and one of its customers was erased. Nothing may wait for a commit.
    pub(crate) fn forget_rows(&mut self) {
        self.people.clear();
        self.identities.clear();
        self.runs.clear();
        self.records.clear();
        self.reservations.clear();
        self.counters.clear();
        self.accounts.clear();
        self.messages.clear();
        self.planned.clear();
        self.matching.clear();
        self.entries.clear();
        // Its names and counters are under other keys now.
        self.gathering = Gathering::default();
        self.event_text = None;
        self.customer_total = self.customer_total.saturating_sub(1);
    }
}
