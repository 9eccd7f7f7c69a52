//! What an operator says in `sources.toml`: how requests are signed, and what becomes of them.

use schemars::JsonSchema;
use serde::Deserialize;

/// How requests of one sender are signed, and what event each becomes.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// How requests are signed.
    pub scheme: Scheme,
    /// What event a request becomes.
    pub event: Mapping,
}

/// How requests are signed.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Scheme {
    /// Standard Webhooks: `webhook-id`, `webhook-timestamp` and the body are signed; `webhook-signature` holds one or more
    /// signatures.
    StandardWebhooks {
        /// Seconds by which the sender's clock may differ, and for which a request may be on its way.
        #[serde(default = "tolerance_s")]
        #[schemars(range(min = 1, max = 3600))]
        tolerance_s: u32,
    },
    /// As GitHub does: `x-hub-signature-256: sha256=` and hexadecimal digits, over the body alone.
    Github {},
    /// As Shopify does: `x-shopify-hmac-sha256` in base64, over the body alone.
    Shopify {},
    /// A MAC over the body in a field of the head.
    Header {
        /// The field, in lower case.
        #[schemars(length(min = 1, max = 64))]
        header: String,
        /// What stands before the MAC, such as `sha256=`.
        #[serde(default)]
        #[schemars(length(max = 32))]
        prefix: String,
        /// How the MAC is written.
        encoding: Encoding,
        /// How it is computed.
        #[serde(default)]
        algorithm: Algorithm,
    },
}

/// Standard Webhooks recommends five minutes.
fn tolerance_s() -> u32 {
    300
}

/// How a MAC is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// Lower-case hexadecimal digits.
    Hex,
    /// Base64 with padding.
    Base64,
}

/// How a MAC is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Algorithm {
    /// HMAC with SHA-1.
    Sha1,
    /// HMAC with SHA-256.
    #[default]
    Sha256,
    /// HMAC with SHA-512.
    Sha512,
}

/// What event a request becomes. Places in the body are JSON pointers, such as `/order/id`.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// What the event is known by, so that it counts once however often it comes. Without it: `webhook-id` of Standard
    /// Webhooks, otherwise a hash of the body.
    #[serde(default)]
    pub id: Option<Id>,
    /// Its type.
    #[serde(rename = "type")]
    pub event_type: Type,
    /// The customer that it is about.
    #[serde(default)]
    pub subject: Option<Subject>,
    /// When it happened. Without it: when the request came.
    #[serde(default)]
    pub time: Option<Time>,
    /// The part of the body that becomes the event's data, an object. Without it: all of the body.
    #[serde(default)]
    #[schemars(length(max = 256))]
    pub data: String,
}

/// A part of a request.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Part {
    /// A text or a whole number of the body.
    Pointer(#[schemars(length(max = 256))] String),
    /// A field of the head, in lower case. No sender but those of Standard Webhooks signs any: whoever has seen a request
    /// can send it again with another value.
    Header(#[schemars(length(min = 1, max = 64))] String),
}

/// What an event is known by.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Id {
    /// Where it stands.
    pub from: Part,
    /// What stands before it, such as `order-`.
    #[serde(default)]
    #[schemars(length(max = 64))]
    pub prefix: String,
}

/// The type of an event: a prefix, and what the request says. `orders/create` becomes `orders.create`.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Type {
    /// What stands before it, such as `shop.`; all of the type when `from` is left out.
    #[serde(default)]
    #[schemars(length(max = 64))]
    pub prefix: String,
    /// Where the rest stands.
    #[serde(default)]
    pub from: Option<Part>,
}

/// The customer of an event, by the name that an outside system has for them.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// The outside system, such as `shop`.
    #[schemars(length(min = 1, max = 32))]
    pub namespace: String,
    /// Where the customer's name there stands. An event in which nothing or null stands there is nobody's.
    #[schemars(length(max = 256))]
    pub pointer: String,
}

/// When an event happened.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Time {
    /// Where it stands.
    #[schemars(length(max = 256))]
    pub pointer: String,
    /// How it is written.
    pub format: TimeFormat,
}

/// How an instant is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TimeFormat {
    /// `2026-11-22T09:00:00+08:00`.
    Rfc3339,
    /// Seconds since 1970 in UTC.
    Seconds,
    /// Milliseconds since 1970 in UTC.
    Milliseconds,
}
