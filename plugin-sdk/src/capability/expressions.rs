//! `expressions`: conditions and values that operators wrote in resources, in the language of `${{ }}`.
//!
//! A field of the type [`Expression`] is checked when the resource is published. It sees `event` (of the call),
//! `customer`, `tenant` and `vars` (what the plugin gives). An undefined name is an error, never silently false.
//!
//! ```
//! use siyu_plugin::prelude::*;
//!
//! /// A rule.
//! #[derive(Deserialize, JsonSchema)]
//! struct Rule {
//!     /// When the tag is put on.
//!     when: Expression,
//! }
//!
//! fn fits(rule: &Rule) -> Result<bool, Stop> {
//!     Ok(rule.when.holds()?)
//! }
//! ```

use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{read, written};
use crate::error::Error;
use crate::port;
use crate::time::{Instant, text_form};

/// An expression that an operator wrote, such as `count('order.paid', '90d') >= 3`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Expression(String);

/// The value of an expression.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluated {
    /// The value.
    pub value: serde_json::Value,
    /// The next instant at which it may be another although nothing happens: when a window ends or an instant becomes old
    /// enough. Plan an event for it to look again.
    pub changes_at: Option<Instant>,
}

impl Evaluated {
    /// Whether it holds: everything but null, false, 0 and empty texts, lists and objects does.
    pub fn holds(&self) -> bool {
        use serde_json::Value;
        match &self.value {
            Value::Null => false,
            Value::Bool(value) => *value,
            Value::Number(number) => number.as_f64() != Some(0.0),
            Value::String(text) => !text.is_empty(),
            Value::Array(items) => !items.is_empty(),
            Value::Object(members) => !members.is_empty(),
        }
    }
}

impl Expression {
    /// As it was written.
    pub fn source(&self) -> &str {
        &self.0
    }

    /// Whether it holds for the call's customer.
    ///
    /// # Errors
    /// `Invalid` with the place in the source when it has no value.
    pub fn holds(&self) -> Result<bool, Error> {
        Ok(self.evaluate(None, &serde_json::Map::new())?.holds())
    }

    /// Its value for the call's customer.
    ///
    /// # Errors
    /// As [`holds`](Self::holds), and `Invalid` when the value is not of the type.
    pub fn value<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let evaluated = self.evaluate(None, &serde_json::Map::new())?;
        serde_json::from_value(evaluated.value)
            .map_err(|fault| Error::invalid(format!("the value of `{}`: {fault}", self.0)))
    }

    /// Its value for a customer (the call's when none), with `vars`, an object.
    ///
    /// # Errors
    /// `Invalid` with the place in the source when it has no value, `NotFound` when there is no such customer.
    pub fn evaluate(&self, customer: Option<&str>, vars: &impl Serialize) -> Result<Evaluated, Error> {
        let (json, changes_at) = port::evaluate(&self.0, customer, &written("`vars`", vars)?)?;
        Ok(Evaluated { value: read(|| format!("the value of `{}`", self.0), &json)?, changes_at })
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Expression {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        // In a sandbox the host has checked the document; in a test this is the host.
        #[cfg(not(target_family = "wasm"))]
        siyu_model::expr::Expr::parse(text)
            .map_err(|fault| Error::invalid(format!("`{text}` is not an expression: {fault}")))?;
        Ok(Self(text.to_owned()))
    }
}

text_form!(
    Expression,
    "siyu-expression",
    "an expression such as count('order.paid', '90d') >= 3",
    "An expression in the language of `${{ }}`, such as count('order.paid', '90d') >= 3."
);
