//! What a plugin says of the webhooks that it takes in.

use serde::{Deserialize, Serialize};

use super::channel::SecretUse;

/// A source of events that a plugin offers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceOffer {
    /// What it takes in.
    pub summary: String,
    /// JSON Schema of its configuration.
    pub config: serde_json::Value,
    /// Secrets that it uses, by its own names.
    #[serde(default)]
    pub secrets: Vec<SecretUse>,
}
