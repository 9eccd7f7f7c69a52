//! How many there are of a prize: a number, or no end. Never counts; that is the host's.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// How many there are of a prize; in YAML a whole number, or `unlimited`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stock {
    /// So many.
    Limited(u64),
    /// As many as are won.
    Unlimited,
}

impl Stock {
    /// The number, when there is one.
    pub fn limit(self) -> Option<u64> {
        match self {
            Self::Limited(units) => Some(units),
            Self::Unlimited => None,
        }
    }
}

impl Serialize for Stock {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Limited(units) => serializer.serialize_u64(*units),
            Self::Unlimited => serializer.serialize_str("unlimited"),
        }
    }
}

impl<'de> Deserialize<'de> for Stock {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Written;
        impl de::Visitor<'_> for Written {
            type Value = Stock;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number of at least 0, or `unlimited`")
            }

            fn visit_u64<E: de::Error>(self, units: u64) -> Result<Stock, E> {
                Ok(Stock::Limited(units))
            }

            fn visit_i64<E: de::Error>(self, units: i64) -> Result<Stock, E> {
                let units = u64::try_from(units);
                units.map(Stock::Limited).map_err(|_| E::custom("a stock is at least 0"))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Stock, E> {
                match text {
                    "unlimited" => Ok(Stock::Unlimited),
                    _ => Err(E::invalid_value(de::Unexpected::Str(text), &self)),
                }
            }
        }
        deserializer.deserialize_any(Written)
    }
}

impl JsonSchema for Stock {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Stock".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "How many there are: a whole number, or `unlimited`.",
            "anyOf": [{ "type": "integer", "minimum": 0 }, { "type": "string", "enum": ["unlimited"] }],
        })
    }
}
