//! How a webhook is configured.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Hands each message to an address as signed JSON, as Standard Webhooks says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where messages go, such as `https://shop.example/hooks/siyu`.
    pub url: String,
    /// What is said of the customer.
    #[serde(default)]
    pub customer: Shown,
    /// After how many tries it is given up.
    #[serde(default = "tries")]
    #[schemars(range(min = 1, max = 100))]
    pub tries: u32,
}

/// As many as the spec's example has: about three days.
fn tries() -> u32 {
    10
}

/// What a receiver learns of a customer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Shown {
    /// Their id and the names under which they are known.
    #[default]
    Names,
    /// Everything: attributes, tags and facts too.
    All,
}
