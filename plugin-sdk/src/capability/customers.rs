//! `customers`: customers of the tenant, their attributes and tags.
//!
//! [`current`] is the call's customer, [`of`] another one by id. A change is recorded as an event of the host
//! (`tag.added`, `tag.removed`) when the call is kept.
//!
//! ```
//! use siyu_plugin::prelude::*;
//! use siyu_plugin::customers::{self, TagMark};
//!
//! fn mark_loyal() -> Result<bool, Stop> {
//!     let me = customers::current();
//!     let paid = me.get()?.map_or(0, |customer| customer.fact("order.paid").count);
//!     let mark = TagMark::new("lifecycle.loyal", "rule:r1").expires_at(Instant::now() + Duration::days(90));
//!     Ok(paid >= 3 && me.put_tag(&mark)?)
//! }
//! ```

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{read, written};
use crate::error::Error;
use crate::port;
use crate::time::Instant;

/// The call's customer. Without one, every function answers `Invalid`.
pub fn current() -> CustomerRef {
    CustomerRef(None)
}

/// A customer by id, `cus_…`.
pub fn of(customer: impl Into<String>) -> CustomerRef {
    CustomerRef(Some(customer.into()))
}

/// Whose attributes and tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerRef(Option<String>);

/// A customer, as the host knows them.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Customer {
    /// Siyu's own id.
    pub id: String,
    /// When the host first met them.
    pub created_at: Instant,
    /// What is known of them, by name.
    #[serde(default)]
    pub attributes: serde_json::Map<String, serde_json::Value>,
    /// Their names in outside systems, such as `shop:00042`.
    #[serde(default)]
    pub identities: Vec<String>,
    /// Their tags; see [`CustomerRef::tags`] for where they came from.
    #[serde(default)]
    pub tags: Vec<String>,
    /// What they did, a type of event each.
    #[serde(default)]
    pub facts: BTreeMap<String, Fact>,
}

/// What the host keeps of one type of event of one customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub struct Fact {
    /// How many.
    #[serde(default)]
    pub count: u64,
    /// Sum of `data.amount_fen`.
    #[serde(default)]
    pub sum_fen: i64,
    /// When the earliest happened; none when none did.
    #[serde(default)]
    pub first: Option<Instant>,
    /// When the latest happened; none when none did.
    #[serde(default)]
    pub last: Option<Instant>,
}

impl Customer {
    /// Whether they have a tag.
    pub fn has_tag(&self, tag: &str) -> bool {
        self.tags.iter().any(|known| known == tag)
    }

    /// The fact of a type of event; all zero when there was none.
    pub fn fact(&self, event_type: &str) -> Fact {
        self.facts.get(event_type).copied().unwrap_or_default()
    }
}

/// A tag and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagMark {
    /// `value` or `group.value`; at most 61 characters without white space.
    pub tag: String,
    /// `rule:<id>`, `manual:<who>`, `import` …
    pub source: String,
    /// Since when it is true: the instant of the event behind it, which may be older than now.
    pub effective_at: Instant,
    /// When the host takes it off and records `tag.expired`.
    pub expires_at: Option<Instant>,
    /// How sure the source is, 0 to 100.
    pub confidence_percent: u8,
    /// The event that is the evidence.
    pub evidence: Option<String>,
}

impl TagMark {
    /// A mark that is true since now, for ever, for sure.
    pub fn new(tag: impl Into<String>, source: impl Into<String>) -> Self {
        Self {
            tag: tag.into(),
            source: source.into(),
            effective_at: Instant::now(),
            expires_at: None,
            confidence_percent: 100,
            evidence: None,
        }
    }

    /// True since another instant.
    pub fn effective_at(mut self, at: Instant) -> Self {
        self.effective_at = at;
        self
    }

    /// Taken off by the host at an instant.
    pub fn expires_at(mut self, at: Instant) -> Self {
        self.expires_at = Some(at);
        self
    }

    /// Less sure, 0 to 100.
    pub fn confidence_percent(mut self, percent: u8) -> Self {
        self.confidence_percent = percent;
        self
    }

    /// With the event that is the evidence.
    pub fn evidence(mut self, event_id: impl Into<String>) -> Self {
        self.evidence = Some(event_id.into());
        self
    }
}

impl CustomerRef {
    fn id(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// The customer; none when there is no such customer.
    ///
    /// # Errors
    /// `Invalid` for an id that is none.
    pub fn get(&self) -> Result<Option<Customer>, Error> {
        port::customer(self.id())?.map(|text| read(|| "the customer".to_owned(), &text)).transpose()
    }

    /// Lays an object over the customer's attributes; null removes one. At most 64 KiB in all.
    ///
    /// # Errors
    /// `Invalid` when `changes` is no object, `NotFound` when there is no such customer, `Limit` beyond 64 KiB.
    pub fn set_attributes(&self, changes: &impl Serialize) -> Result<(), Error> {
        port::set_attributes(self.id(), &written("the attributes", changes)?)
    }

    /// The marks of all tags, in the order of their names.
    ///
    /// # Errors
    /// `NotFound` when there is no such customer.
    pub fn tags(&self) -> Result<Vec<TagMark>, Error> {
        port::tags(self.id())
    }

    /// Puts a tag on, or changes its mark. Records `tag.added` when it was not there; says whether it was not.
    ///
    /// # Errors
    /// `Invalid` for a tag that is none, `NotFound` when there is no such customer.
    pub fn put_tag(&self, mark: &TagMark) -> Result<bool, Error> {
        port::put_tag(self.id(), mark)
    }

    /// Takes a tag off and records `tag.removed` with the reason; says whether it was there.
    ///
    /// # Errors
    /// `Invalid` for a tag that is none, `NotFound` when there is no such customer.
    pub fn remove_tag(&self, tag: &str, reason: &str) -> Result<bool, Error> {
        port::remove_tag(self.id(), tag, reason)
    }
}
