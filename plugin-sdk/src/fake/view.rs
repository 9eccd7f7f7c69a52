//! The host as a test looks at it: what was recorded, planned, sent, logged and kept.

use serde::de::DeserializeOwned;
use siyu_model::event::Event;
use siyu_model::name::Key;
use siyu_model::plugin::LogLevel;
use siyu_model::stock::ledger::Account;

use super::host::Host;
use super::outcome::Outcome;
use super::port::instant;
use crate::customers::TagMark;
use crate::pools::Pool;
use crate::time::Instant;

/// An event in the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// Its type.
    pub event_type: String,
    /// Who says so: `test`, `siyu` or `plugin:<name>`.
    pub source: String,
    /// Whose.
    pub customer: Option<String>,
    /// When it happened.
    pub time: Instant,
    /// Its facts.
    pub data: serde_json::Value,
}

/// An event that is planned.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// The plugin's key.
    pub key: String,
    /// When it is recorded.
    pub at: Instant,
    /// Its type.
    pub event_type: String,
    /// Whose.
    pub customer: Option<String>,
    /// Its facts.
    pub data: serde_json::Value,
}

/// A message that was enqueued.
#[derive(Debug, Clone, PartialEq)]
pub struct SentMessage {
    /// Its id.
    pub id: String,
    /// The playbook's template.
    pub template: String,
    /// The playbook's channel.
    pub channel: String,
    /// To whom.
    pub customer: String,
    /// The template's variables.
    pub variables: serde_json::Value,
}

/// A step that ran by itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Reacted {
    /// The event's type.
    pub event_type: String,
    /// The step.
    pub step: String,
    /// How it went.
    pub outcome: Outcome<serde_json::Value>,
}

impl Host {
    /// Every event in the log, oldest first.
    pub fn events(&self) -> Vec<Recorded> {
        self.state().events.iter().map(|event| recorded(event)).collect()
    }

    /// Data of the events of a type, oldest first.
    pub fn events_of(&self, event_type: &str) -> Vec<serde_json::Value> {
        let events = self.state().events.iter().filter(|event| event.event_type.as_str() == event_type);
        events.map(|event| super::plain(&event.data)).collect()
    }

    /// Planned events, the next one first.
    pub fn planned(&self) -> Vec<Planned> {
        let mut planned: Vec<_> = self.state().tables.planned.rows().iter().collect();
        planned.sort_by_key(|(_, row)| row.due_at);
        let planned = planned.into_iter().map(|(key, row)| Planned {
            key: key.to_string(),
            at: instant(row.due_at),
            event_type: row.event.event_type.to_string(),
            customer: row.event.customer.map(|customer| customer.to_string()),
            data: super::plain(&row.event.data),
        });
        planned.collect()
    }

    /// Messages that were enqueued and not blocked.
    pub fn messages(&self) -> Vec<SentMessage> {
        self.state().tables.messages.rows().values().cloned().collect()
    }

    /// Steps that ran by themselves, oldest first.
    pub fn reactions(&self) -> &[Reacted] {
        &self.reacted
    }

    /// Lines that the plugin logged, in failed calls too.
    pub fn log(&self) -> &[(LogLevel, String)] {
        &self.state().log
    }

    /// A pool; none when it was never defined.
    pub fn pool(&self, key: &str) -> Option<Pool> {
        let pool = self.state().tables.pools.get(&Key::new(key).ok()?)?;
        Some(Pool {
            total: pool.total(),
            available: pool.available(),
            reserved: pool.reserved(),
            sold: pool.sold(),
        })
    }

    /// How much of a counter is used.
    pub fn counter(&self, key: &str) -> u64 {
        let key = Key::new(key).ok();
        key.and_then(|key| self.state().tables.counters.get(&key)).map_or(0, |counter| counter.used())
    }

    /// What an account of a customer, or of the tenant, holds; 0 when it was never used.
    ///
    /// # Panics
    /// When there is no such customer.
    #[track_caller]
    pub fn balance(&self, customer: Option<&str>, name: &str) -> i64 {
        let customer = customer.map(|customer| self.known(customer));
        let account = Key::new(name).ok().map(|name| Account { customer, name });
        account.and_then(|account| self.state().tables.accounts.get(&account)).copied().unwrap_or(0)
    }

    /// A document of a customer, or of the tenant.
    ///
    /// # Panics
    /// When it is not of the type.
    #[track_caller]
    pub fn document<T: DeserializeOwned>(&self, customer: Option<&str>, key: &str) -> Option<T> {
        let customer = customer.map(|customer| self.known(customer));
        let body = self.state().tables.records.get(&(customer, Key::new(key).ok()?))?;
        Some(crate::json::read(body).unwrap_or_else(|fault| panic!("the record `{key}`: {fault}")))
    }

    /// A customer's tags.
    ///
    /// # Panics
    /// When there is no such customer.
    #[track_caller]
    pub fn tags(&self, customer: &str) -> Vec<TagMark> {
        let customer = self.state().known(self.known(customer));
        let marks = customer.tags.into_iter().map(|(tag, mark)| TagMark {
            tag: tag.to_string(),
            source: mark.source,
            effective_at: instant(mark.effective_at),
            expires_at: mark.expires_at.map(instant),
            confidence_percent: mark.confidence_percent,
            evidence: mark.evidence,
        });
        marks.collect()
    }

    /// A customer's attributes.
    ///
    /// # Panics
    /// When there is no such customer.
    #[track_caller]
    pub fn attributes(&self, customer: &str) -> serde_json::Value {
        super::plain(&self.state().known(self.known(customer)).attributes)
    }
}

fn recorded(event: &Event) -> Recorded {
    Recorded {
        event_type: event.event_type.to_string(),
        source: event.source.clone(),
        customer: event.customer.map(|customer| customer.to_string()),
        time: instant(event.occurred_at),
        data: super::plain(&event.data),
    }
}
