//! A customer: attributes, outside names, tags and facts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::clock::UtcMs;
use crate::event::Identity;
use crate::id::CustomerId;
use crate::json::Value;
use crate::name::{EventType, Tag};

/// One person, as the host knows them.
#[derive(Debug, Clone)]
pub struct Customer {
    /// Siyu's own id.
    pub id: CustomerId,
    /// When the host first met them.
    pub created_at: UtcMs,
    /// What is known of them, by name; an object.
    pub attributes: Value,
    /// Their names in outside systems.
    pub identities: Vec<Identity>,
    /// What they are marked with.
    pub tags: BTreeMap<Tag, TagMark>,
    /// What they did, a type of event each.
    pub facts: BTreeMap<EventType, Fact>,
}

impl Customer {
    /// A customer of whom nothing is known yet.
    pub fn new(id: CustomerId, created_at: UtcMs) -> Self {
        Self {
            id,
            created_at,
            attributes: Value::Map(Default::default()),
            identities: Vec::new(),
            tags: BTreeMap::new(),
            facts: BTreeMap::new(),
        }
    }
}

/// Where a tag on a customer came from and how long it stays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TagMark {
    /// Who set it: `rule:<id>`, `manual:<actor>`, `import`, `plugin:<name>` …
    pub source: String,
    /// When it was put on.
    pub added_at: UtcMs,
    /// Since when it is true: the instant of the event behind it, which may be older.
    pub effective_at: UtcMs,
    /// When the host takes it off by itself.
    pub expires_at: Option<UtcMs>,
    /// How sure the source is, 0 to 100.
    pub confidence_percent: u8,
    /// The event that is the evidence.
    pub evidence: Option<String>,
}

/// What the host keeps of one type of event of one customer. Recomputable from the event log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// How many.
    pub count: u64,
    /// Sum of `data.amount_fen`, where it is a whole number.
    pub sum_fen: i64,
    /// When the earliest happened.
    pub first_at: UtcMs,
    /// When the latest happened.
    pub last_at: UtcMs,
    /// Place in the log of the one that was recorded last.
    pub last_seq: crate::event::EventSeq,
}

impl Fact {
    /// Adds one event. Events may arrive late: first and last go by when they happened.
    pub fn add(fact: Option<Self>, occurred_at: UtcMs, amount_fen: i64, seq: crate::event::EventSeq) -> Self {
        match fact {
            None => Self {
                count: 1,
                sum_fen: amount_fen,
                first_at: occurred_at,
                last_at: occurred_at,
                last_seq: seq,
            },
            Some(fact) => Self {
                count: fact.count + 1,
                sum_fen: fact.sum_fen.saturating_add(amount_fen),
                first_at: fact.first_at.min(occurred_at),
                last_at: fact.last_at.max(occurred_at),
                last_seq: fact.last_seq.max(seq),
            },
        }
    }
}

/// The amount of an event for its customer's facts: `data.amount_fen` where it is a whole number, else nothing.
pub fn amount_fen(data: &Value) -> i64 {
    data.get("amount_fen").and_then(Value::as_int).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::EventSeq;

    #[test]
    fn a_late_event_counts_but_does_not_move_the_last_time() {
        let day = |n: i64| UtcMs::from_millis(n * 86_400_000);
        let fact = Fact::add(None, day(10), 500, EventSeq(1));
        let fact = Fact::add(Some(fact), day(3), 700, EventSeq(2));
        assert_eq!((fact.count, fact.sum_fen, fact.first_at, fact.last_at), (2, 1_200, day(3), day(10)));
        assert_eq!(fact.last_seq, EventSeq(2));
    }

    #[test]
    fn only_whole_amounts_count() {
        for (text, amount) in [
            (r#"{"amount_fen":12}"#, 12),
            (r#"{"amount_fen":1.5}"#, 0),
            (r#"{"amount_fen":"12"}"#, 0),
            ("{}", 0),
        ] {
            assert_eq!(amount_fen(&crate::json::parse(text).unwrap()), amount, "{text}");
        }
    }
}
