//! What a sale remembers of one customer beside their orders. Written only when something of it changes.

use std::collections::BTreeMap;

use siyu_plugin::Error;
use siyu_plugin::prelude::*;
use siyu_plugin::records;

use crate::millis;

/// One customer in one occurrence.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Mine {
    /// Holds that ran out.
    #[serde(skip_serializing_if = "none")]
    pub(crate) timeouts: u32,
    /// Holds that were let go, timeouts included.
    #[serde(skip_serializing_if = "none")]
    pub(crate) let_go: u32,
    /// The ticket of the queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ticket: Option<Ticket>,
    /// The order that waits, by sku.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) waiting: BTreeMap<String, String>,
    /// The second of the last wish and how many there were in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) asked: Option<(i64, u32)>,
}

/// A place in the queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ticket {
    /// Its number.
    pub(crate) number: u64,
    /// When it is its turn.
    #[serde(with = "millis")]
    pub(crate) admitted_at: Instant,
    /// When the turn is over.
    #[serde(with = "millis")]
    pub(crate) expires_at: Instant,
    /// Whether something was bought with it.
    pub(crate) is_spent: bool,
}

fn none(number: &u32) -> bool {
    *number == 0
}

fn mine_key(session: &str, occurrence: &str) -> String {
    key(&["mine", session, occurrence])
}

impl Mine {
    /// Of the call's customer.
    pub(crate) fn load(session: &str, occurrence: &str) -> Result<Self, Error> {
        Ok(records::of_customer().get(&mine_key(session, occurrence))?.unwrap_or_default())
    }

    /// Writes it.
    pub(crate) fn save(&self, session: &str, occurrence: &str) -> Result<(), Error> {
        records::of_customer().put(&mine_key(session, occurrence), self)
    }
}
