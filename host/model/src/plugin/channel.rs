//! What a plugin says of the way in which it delivers messages.

use serde::{Deserialize, Serialize};

use super::hosts::HostPattern;

/// A channel that a plugin offers: where it sends, and what a host must know to try a message again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChannelOffer {
    /// What it does.
    pub summary: String,
    /// JSON Schema of its configuration.
    pub config: serde_json::Value,
    /// Where it may send requests; whoever configures it narrows that down.
    pub hosts: Vec<HostPattern>,
    /// Whether the other side knows a message by its id, so that a message that is handed over twice arrives once. If not,
    /// a message of which nobody knows what became is never handed over again by itself.
    pub is_idempotent: bool,
    /// Secrets that it uses, by its own names.
    #[serde(default)]
    pub secrets: Vec<SecretUse>,
}

/// A secret that a plugin uses without ever reading it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretUse {
    /// The plugin's name for it.
    pub name: String,
    /// What it is for, for whoever sets it.
    pub why: String,
    /// Where in a request the host fills it in, for `{{secret:NAME}}`; nowhere when it is only used to sign.
    #[serde(default)]
    pub places: Vec<Place>,
}

/// A part of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// Values of header fields.
    Header,
    /// The query of the URL.
    Query,
    /// The body.
    Body,
}

impl Place {
    /// The name for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::Query => "query",
            Self::Body => "body",
        }
    }
}

impl ChannelOffer {
    /// What it says of a secret.
    pub fn secret(&self, name: &str) -> Option<&SecretUse> {
        self.secrets.iter().find(|used| used.name == name)
    }
}
