//! Events: what happened, once. Names after CloudEvents 1.0.

use serde::{Deserialize, Serialize};

use crate::clock::UtcMs;
use crate::id::CustomerId;
use crate::json::{JsonError, Value};
use crate::limits;
use crate::name::{EventType, NameError};

/// The place of an event in its tenant's log: 1, 2, 3 …
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventSeq(pub u64);

/// What the outside hands in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IncomingEvent {
    /// Unique within `source`; the pair decides whether an event was seen before. 1 to 256 bytes.
    pub id: String,
    /// What happened.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// Who says so, such as `shop` or `wecom.callback`.
    #[serde(default = "IncomingEvent::default_source")]
    pub source: String,
    /// Who it happened to: `cus_…`, or an outside name such as `shop:00042`; absent for events of nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Subject>,
    /// When it happened, RFC 3339. Absent: when it is admitted.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "rfc3339_option")]
    pub time: Option<UtcMs>,
    /// The facts of this event; an object.
    #[serde(default = "IncomingEvent::no_data")]
    pub data: Value,
}

impl IncomingEvent {
    fn default_source() -> String {
        "api".to_owned()
    }

    fn no_data() -> Value {
        Value::Map(Default::default())
    }

    /// Reads one event from JSON text, with the limits of outside documents.
    pub fn from_json(text: &str) -> Result<Self, EventError> {
        crate::json::check_within(text, limits::json::DOCUMENT_BYTES_MAX)?;
        let event: Self = serde_json::from_str(text).map_err(|fault| EventError::Shape(fault.to_string()))?;
        event.check()?;
        Ok(event)
    }

    /// Checks what the types alone do not hold.
    pub fn check(&self) -> Result<(), EventError> {
        for (field, text) in [("id", &self.id), ("source", &self.source)] {
            if text.is_empty() || text.len() > 256 || text.chars().any(char::is_control) {
                return Err(EventError::Field { field, found: text.chars().take(64).collect() });
            }
        }
        if self.data.as_map().is_none() {
            return Err(EventError::Data { found: self.data.kind() });
        }
        Ok(())
    }
}

/// Who an event happened to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A customer by Siyu's own id.
    Customer(CustomerId),
    /// A customer by an outside name; unknown names make a new customer.
    Identity(Identity),
}

/// A customer's name in an outside system.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Identity {
    /// The outside system: `external_userid`, `shop`, `openid` … lower-case letters, digits, `_` and `-`.
    pub namespace: String,
    /// The name there, 1 to 128 bytes.
    pub value: String,
}

impl std::fmt::Display for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.namespace, self.value)
    }
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Customer(id) => id.fmt(f),
            Self::Identity(identity) => identity.fmt(f),
        }
    }
}

impl std::str::FromStr for Subject {
    type Err = EventError;

    fn from_str(text: &str) -> Result<Self, EventError> {
        if text.starts_with(CustomerId::PREFIX) {
            return text
                .parse()
                .map(Self::Customer)
                .map_err(|_| EventError::Subject { found: shortened(text) });
        }
        let fault = || EventError::Subject { found: shortened(text) };
        let (namespace, value) = text.split_once(':').ok_or_else(fault)?;
        let named = (1..=32).contains(&namespace.len())
            && namespace
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-');
        let valued = (1..=128).contains(&value.len()) && !value.chars().any(char::is_control);
        if named && valued {
            Ok(Self::Identity(Identity { namespace: namespace.to_owned(), value: value.to_owned() }))
        } else {
            Err(fault())
        }
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(64).collect()
}

impl Serialize for Subject {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Subject {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Why an event is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// A field breaks its rule.
    #[error("event field `{field}` is `{found}`: expected 1 to 256 bytes without control characters")]
    Field {
        /// Its name.
        field: &'static str,
        /// What it holds, shortened.
        found: String,
    },
    /// `subject` is neither an id nor an outside name.
    #[error("event subject `{found}`: expected a customer id cus_… or an outside name such as shop:00042")]
    Subject {
        /// What it holds, shortened.
        found: String,
    },
    /// `data` is not an object.
    #[error("event data is {found}: expected an object")]
    Data {
        /// What kind of value it is.
        found: &'static str,
    },
    /// Not the shape of an event.
    #[error("not an event: {0}")]
    Shape(String),
    /// Not an acceptable document.
    #[error("event: {0}")]
    Json(#[from] JsonError),
    /// A name inside breaks its rule.
    #[error("event: {0}")]
    Name(#[from] NameError),
}

/// An event in a tenant's log.
#[derive(Debug, Clone)]
pub struct Event {
    /// Its place in the log.
    pub seq: EventSeq,
    /// As handed in, or derived from the cause for events that Siyu makes.
    pub id: String,
    /// What happened.
    pub event_type: EventType,
    /// Who says so; `siyu` and `plugin:<name>` for the host's own.
    pub source: String,
    /// Who it happened to.
    pub customer: Option<CustomerId>,
    /// When it happened.
    pub occurred_at: UtcMs,
    /// When it was admitted.
    pub recorded_at: UtcMs,
    /// Its facts, an object.
    pub data: Value,
    /// How many causes lie behind it; an event from outside has none.
    pub depth: u32,
}

mod rfc3339_option {
    use serde::{Deserialize, Deserializer, Serializer, de};

    use crate::clock::UtcMs;

    pub(super) fn serialize<S: Serializer>(at: &Option<UtcMs>, serializer: S) -> Result<S::Ok, S::Error> {
        match at {
            Some(at) => serializer.collect_str(at),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<UtcMs>, D::Error> {
        let text = Option::<std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.map(|text| text.parse().map_err(de::Error::custom)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<IncomingEvent, EventError> {
        IncomingEvent::from_json(text)
    }

    #[test]
    fn an_event_reads_with_defaults() {
        let event =
            read(r#"{"id":"1","type":"order.paid","subject":"shop:00042","data":{"amount_fen":1177}}"#)
                .unwrap();
        assert_eq!(event.source, "api");
        assert_eq!(event.subject.unwrap().to_string(), "shop:00042");
        assert_eq!(event.time, None);
        assert_eq!(event.data.get("amount_fen").unwrap().as_int(), Some(1177));
    }

    #[test]
    fn faults_say_what_was_found_and_expected() {
        for (text, part) in [
            (r#"{"id":"","type":"a"}"#, "event field `id` is ``"),
            (r#"{"id":"1","type":"Order Paid"}"#, "not an event type"),
            (r#"{"id":"1","type":"a","subject":"nobody"}"#, "expected a customer id cus_"),
            (r#"{"id":"1","type":"a","data":[1]}"#, "event data is a list: expected an object"),
            (r#"{"id":"1","type":"a","time":"yesterday"}"#, "is not an instant"),
            (r#"{"id":"1","type":"a","tiem":"x"}"#, "unknown field `tiem`"),
            (r#"{"id":"1""#, "not an event: EOF"),
        ] {
            let message = read(text).unwrap_err().to_string();
            assert!(message.contains(part), "{text}: {message}");
        }
    }
}
