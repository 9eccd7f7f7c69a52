//! JSON: a value that is cheap to share, read from and written to text within limits.
//!
//! Everything that crosses a boundary (events, inputs, outputs, resources) is one of these. Numbers are whole (64 bits,
//! signed) or floating; money is always whole.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::limits;

/// A JSON value. Cloning costs a reference count at most.
#[derive(Clone, PartialEq, Default)]
pub enum Value {
    /// `null`.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number with a fraction, or a whole one beyond 64 bits. Never NaN or infinite.
    Float(f64),
    /// Text.
    Text(Arc<str>),
    /// An array.
    List(Arc<[Value]>),
    /// An object; keys in order.
    Map(Arc<BTreeMap<Arc<str>, Value>>),
}

impl Value {
    /// An object of these members.
    pub fn map<K: Into<Arc<str>>>(members: impl IntoIterator<Item = (K, Value)>) -> Self {
        Self::Map(Arc::new(members.into_iter().map(|(key, value)| (key.into(), value)).collect()))
    }

    /// Text.
    pub fn text(text: impl Into<Arc<str>>) -> Self {
        Self::Text(text.into())
    }

    /// A member of an object; none when this is no object or has no such member.
    pub fn get(&self, key: &str) -> Option<&Value> {
        match self {
            Self::Map(members) => members.get(key),
            _ => None,
        }
    }

    /// The text, when it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The whole number, when it is one.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            _ => None,
        }
    }

    /// The members, when it is an object.
    pub fn as_map(&self) -> Option<&BTreeMap<Arc<str>, Value>> {
        match self {
            Self::Map(members) => Some(members),
            _ => None,
        }
    }

    /// The items, when it is an array.
    pub fn as_list(&self) -> Option<&[Value]> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    /// What kind of value it is, with an article, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Int(_) => "a whole number",
            Self::Float(_) => "a number",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
            Self::Map(_) => "an object",
        }
    }

    /// Whether a condition that gives this value holds: null, false, 0, empty text, lists and objects do not.
    pub fn is_true(&self) -> bool {
        match self {
            Self::Null => false,
            Self::Bool(value) => *value,
            Self::Int(number) => *number != 0,
            Self::Float(number) => *number != 0.0,
            Self::Text(text) => !text.is_empty(),
            Self::List(items) => !items.is_empty(),
            Self::Map(members) => !members.is_empty(),
        }
    }

    /// An object with `changes` laid over `self`; members that become null go.
    pub fn patched(&self, changes: &BTreeMap<Arc<str>, Value>) -> Self {
        let mut members = self.as_map().cloned().unwrap_or_default();
        for (key, value) in changes {
            match value {
                Self::Null => members.remove(key),
                value => members.insert(key.clone(), value.clone()),
            };
        }
        Self::Map(Arc::new(members))
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<Vec<Value>> for Value {
    fn from(items: Vec<Value>) -> Self {
        Self::List(items.into())
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Int(number) => serializer.serialize_i64(*number),
            Self::Float(number) => serializer.serialize_f64(*number),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(items) => serializer.collect_seq(items.iter()),
            Self::Map(members) => serializer.collect_map(members.iter()),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Int(number))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Value, E> {
        Ok(i64::try_from(number).map_or(Value::Float(number as f64), Value::Int))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Value, E> {
        if number.is_finite() {
            Ok(Value::Float(number))
        } else {
            Err(E::custom("a number that is not finite has no JSON form"))
        }
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Value::List(items.into()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members = BTreeMap::new();
        while let Some((key, value)) = map.next_entry::<std::borrow::Cow<'de, str>, Value>()? {
            members.insert(Arc::from(key.as_ref()), value);
        }
        Ok(Value::Map(Arc::new(members)))
    }
}

/// A value that was read and not kept: what [`ValueVisitor`] refuses, this refuses.
struct Checked;

impl<'de> Deserialize<'de> for Checked {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CheckedVisitor)
    }
}

struct CheckedVisitor;

impl<'de> Visitor<'de> for CheckedVisitor {
    type Value = Checked;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        ValueVisitor.expecting(f)
    }

    fn visit_unit<E: de::Error>(self) -> Result<Checked, E> {
        Ok(Checked)
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<Checked, E> {
        Ok(Checked)
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<Checked, E> {
        Ok(Checked)
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<Checked, E> {
        Ok(Checked)
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Checked, E> {
        ValueVisitor.visit_f64(number).map(|_| Checked)
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<Checked, E> {
        Ok(Checked)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Checked, A::Error> {
        while seq.next_element::<Checked>()?.is_some() {}
        Ok(Checked)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Checked, A::Error> {
        while map.next_entry::<std::borrow::Cow<'de, str>, Checked>()?.is_some() {}
        Ok(Checked)
    }
}

/// Why a text is not a JSON document that Siyu accepts, or a value cannot be written as one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// Too long.
    #[error("{found} bytes of JSON, at most {limit} are allowed")]
    TooLong {
        /// Bytes found, or written when the limit was passed.
        found: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// Too deep.
    #[error("JSON nested deeper than {limit} levels at byte {at}")]
    TooDeep {
        /// Where the level is passed.
        at: usize,
        /// Levels allowed.
        limit: usize,
    },
    /// Holds U+0000, which Postgres cannot keep.
    #[error("a NUL character (\\u0000) at byte {at}: text must not hold one")]
    Nul {
        /// Where.
        at: usize,
    },
    /// Not JSON at all.
    #[error("not JSON: {0}")]
    Syntax(String),
}

/// Reads a document of at most [`limits::json::DOCUMENT_BYTES_MAX`] bytes.
pub fn parse(text: &str) -> Result<Value, JsonError> {
    parse_within(text, limits::json::DOCUMENT_BYTES_MAX)
}

/// Reads a document of at most `bytes_max` bytes.
pub fn parse_within(text: &str, bytes_max: usize) -> Result<Value, JsonError> {
    check_within(text, bytes_max)?;
    serde_json::from_str(text).map_err(|fault| JsonError::Syntax(fault.to_string()))
}

/// Checks that a text is a document that [`parse_within`] reads, without building it.
pub fn check_document(text: &str, bytes_max: usize) -> Result<(), JsonError> {
    check_within(text, bytes_max)?;
    serde_json::from_str(text).map(|Checked| ()).map_err(|fault| JsonError::Syntax(fault.to_string()))
}

/// Checks length, depth and NULs without building anything; whether it is JSON at all is not checked.
pub fn check_within(text: &str, bytes_max: usize) -> Result<(), JsonError> {
    check_nested(text, bytes_max, limits::json::DEPTH_MAX)
}

/// The same with another depth than that of documents: for what holds documents.
pub fn check_nested(text: &str, bytes_max: usize, depth_max: usize) -> Result<(), JsonError> {
    if text.len() > bytes_max {
        return Err(JsonError::TooLong { found: text.len(), limit: bytes_max });
    }
    let mut depth = 0usize;
    let mut in_string = false;
    let mut bytes = text.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' => in_string = !in_string,
            b'\\' if in_string => {
                if text.as_bytes()[at..].starts_with(b"\\u0000") {
                    return Err(JsonError::Nul { at });
                }
                bytes.next();
            }
            b'{' | b'[' if !in_string => {
                depth += 1;
                if depth > depth_max {
                    return Err(JsonError::TooDeep { at, limit: depth_max });
                }
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            0 => return Err(JsonError::Nul { at }),
            _ => {}
        }
    }
    Ok(())
}

/// Writes a value as a document: what [`parse`] reads again, or a fault that says why it would not.
pub fn print(value: &Value) -> Result<String, JsonError> {
    let text = print_within(value, limits::json::DOCUMENT_BYTES_MAX)?;
    check_within(&text, limits::json::DOCUMENT_BYTES_MAX)?;
    Ok(text)
}

/// Writes a value as JSON text of at most `bytes_max` bytes, however deep, never holding more than that in memory.
pub fn print_within(value: &Value, bytes_max: usize) -> Result<String, JsonError> {
    let mut out = Bounded { bytes: Vec::with_capacity(256), limit: bytes_max };
    match serde_json::to_writer(&mut out, value) {
        Ok(()) => String::from_utf8(out.bytes).map_err(|fault| JsonError::Syntax(fault.to_string())),
        Err(fault) if fault.is_io() => {
            Err(JsonError::TooLong { found: out.bytes.len() + 1, limit: bytes_max })
        }
        Err(fault) => Err(JsonError::Syntax(fault.to_string())),
    }
}

struct Bounded {
    bytes: Vec<u8>,
    limit: usize,
}

impl std::io::Write for Bounded {
    fn write(&mut self, part: &[u8]) -> std::io::Result<usize> {
        if self.bytes.len() + part.len() > self.limit {
            return Err(std::io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(part);
        Ok(part.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_survives() {
        let text = r#"{"amount_fen":9007199254740993,"name":"牛排 \"A\"","none":null,"tags":["a",1.5,true]}"#;
        assert_eq!(print(&parse(text).unwrap()).unwrap(), text);
    }

    #[test]
    fn depth_length_and_nul_are_bounded_in_words() {
        let deep = "[".repeat(100_000);
        assert!(matches!(parse(&deep), Err(JsonError::TooDeep { at: 64, .. })));
        assert!(parse(&format!("{}{}", "[".repeat(64), "]".repeat(64))).is_ok());
        assert!(matches!(parse_within("[1,2,3]", 3), Err(JsonError::TooLong { found: 7, limit: 3 })));
        assert!(matches!(parse("\"a\\u0000\""), Err(JsonError::Nul { at: 2 })));
        assert!(parse("\"a\\\\u0000\"").is_ok(), "an escaped backslash is not an escape");
        assert!(parse("\"[[[[\"").is_ok(), "brackets in text do not nest");
        assert!(matches!(parse("{"), Err(JsonError::Syntax(_))));
    }

    #[test]
    fn what_is_checked_is_what_is_read() {
        for text in [
            "null",
            "true",
            "-1",
            "1.5",
            "1e400",
            "18446744073709551616",
            "\"a\"",
            "\"\\ud800\"",
            "\"\\x\"",
            "[1,[2,\"b\"]]",
            "{\"a\":{\"b\":[]},\"a\":1}",
            "{\"a\"}",
            "{} {}",
            "[1,]",
            "nul",
            "",
            "{\"\\ud800\":1}",
            "01",
            "\"a\u{1}\"",
        ] {
            assert_eq!(check_document(text, 100), parse_within(text, 100).map(drop), "{text}");
        }
        assert!(matches!(check_document("[1,2,3]", 3), Err(JsonError::TooLong { found: 7, limit: 3 })));
    }

    #[test]
    fn a_value_that_shares_itself_cannot_be_written_beyond_the_limit() {
        let mut value = Value::text("x".repeat(1_000));
        for _ in 0..30 {
            value = Value::from(vec![value.clone(), value]);
        }
        assert!(matches!(print_within(&value, 10_000), Err(JsonError::TooLong { limit: 10_000, .. })));
    }

    #[test]
    fn what_is_written_as_a_document_can_be_read_as_one() {
        let nested = |levels: usize| (0..levels).fold(Value::Int(1), |value, _| Value::from(vec![value]));
        assert!(parse(&print(&nested(64)).unwrap()).is_ok());
        assert!(matches!(print(&nested(65)), Err(JsonError::TooDeep { limit: 64, .. })));
        assert!(matches!(print(&Value::text("a\0")), Err(JsonError::Nul { .. })));
        assert!(print_within(&nested(100), 1_000).is_ok());
    }

    #[test]
    fn a_patch_sets_and_removes() {
        let before = parse(r#"{"a":1,"b":2}"#).unwrap();
        let patch = parse(r#"{"b":null,"c":3}"#).unwrap();
        assert_eq!(print(&before.patched(patch.as_map().unwrap())).unwrap(), r#"{"a":1,"c":3}"#);
    }
}
