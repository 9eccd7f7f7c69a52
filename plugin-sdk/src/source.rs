//! Sources: webhooks in. The plugin tells whether a request is what it says, and what events it becomes.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::channel::SecretUse;
use crate::json;
use crate::time::Instant;

/// A source of events: what answers `POST /v1/hooks/<tenant>/<source>`.
///
/// A call is pure: it has the request, its configuration, and [`secrets`](crate::secrets) that it cannot read; no records
/// and no network. Nothing of a request may be believed before it was verified. The events are recorded before the sender is
/// answered, each once under its id: a sender that asks again changes nothing.
///
/// ```
/// use siyu_plugin::prelude::*;
/// use siyu_plugin::secrets::{self, MacAlgorithm};
///
/// /// Orders of the shop.
/// #[derive(Deserialize, JsonSchema)]
/// #[serde(deny_unknown_fields)]
/// struct Config {
///     /// The field with the signature.
///     field: String,
/// }
///
/// struct Shop;
///
/// impl Source for Shop {
///     type Config = Config;
///     const SECRETS: &'static [SecretUse] = &[SecretUse::to_sign("key", "what the shop signs with")];
///
///     fn receive(config: Config, hook: Hook) -> Result<Accepted, HookRefusal> {
///         let mac = hook.header(&config.field).ok_or(HookRefusal::unverified("no signature"))?.as_bytes();
///         let is_signed = secrets::is_mac("key", MacAlgorithm::HmacSha256, &hook.body, mac)
///             .map_err(|fault| HookRefusal::unverified(fault.to_string()))?;
///         if !is_signed {
///             return Err(HookRefusal::unverified("another signature"));
///         }
///         Ok(Accepted::events([HookEvent::new("o-1", "order.paid", json!({ "amount_fen": 1 }))]))
///     }
/// }
/// ```
pub trait Source: 'static {
    /// How it is configured in `sources.toml`; its doc comment says what the source takes in.
    type Config: DeserializeOwned + JsonSchema;
    /// The secrets that it uses, by its own names.
    const SECRETS: &'static [SecretUse] = &[];

    /// What a request is.
    ///
    /// # Errors
    /// Why it is not taken. The sender is told which of the three it is, and the host's log the words.
    fn receive(config: Self::Config, hook: Hook) -> Result<Accepted, HookRefusal>;
}

/// A request as it came.
#[derive(Debug, Clone, PartialEq)]
pub struct Hook {
    /// `GET` or `POST`.
    pub method: String,
    /// Parts of the query, decoded, in their order.
    pub query: Vec<(String, String)>,
    /// Fields of the head in their order, names in lower case. One that is there twice is there twice.
    pub headers: Vec<(String, String)>,
    /// The body, byte for byte.
    pub body: Vec<u8>,
    /// When it came.
    pub received_at: Instant,
}

impl Hook {
    /// The value of a field that is there once, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        once(&self.headers, name)
    }

    /// The value of a part of the query that is there once.
    pub fn query(&self, name: &str) -> Option<&str> {
        once(&self.query, name)
    }
}

fn once<'p>(parts: &'p [(String, String)], name: &str) -> Option<&'p str> {
    let mut found = parts.iter().filter(|(found, _)| found == name);
    match (found.next(), found.next()) {
        (Some((_, value)), None) => Some(value),
        _ => None,
    }
}

/// An event that a request holds.
#[derive(Debug, Clone, PartialEq)]
pub struct HookEvent {
    /// What it is known by among the events of the source: the same when the sender sends it again. 1 to 256 bytes.
    pub id: String,
    /// What happened, such as `order.paid`.
    pub event_type: String,
    /// To whom: an outside name such as `shop:00042`.
    pub subject: Option<String>,
    /// When; without it, when the request came.
    pub time: Option<Instant>,
    /// The facts, an object.
    pub data: serde_json::Value,
}

impl HookEvent {
    /// An event of nobody, that happened when the request came.
    pub fn new(id: impl Into<String>, event_type: impl Into<String>, data: serde_json::Value) -> Self {
        Self { id: id.into(), event_type: event_type.into(), subject: None, time: None, data }
    }
}

/// A request that is what it says, and what its sender is answered once the events are durable.
#[derive(Debug, Clone, PartialEq)]
pub struct Accepted {
    /// At most 100; none for a request that only asks whether somebody is there.
    pub events: Vec<HookEvent>,
    /// 200 to 299.
    pub status: u16,
    /// The kind of the body.
    pub content_type: String,
    /// At most 16 KiB.
    pub body: Vec<u8>,
}

impl Accepted {
    /// Events, and an answer without a body.
    pub fn events(events: impl IntoIterator<Item = HookEvent>) -> Self {
        let content_type = "text/plain; charset=utf-8".to_owned();
        Self { events: events.into_iter().collect(), status: 200, content_type, body: Vec::new() }
    }

    /// The same with a text as the answer.
    #[must_use]
    pub fn answering(self, text: impl Into<String>) -> Self {
        Self { body: text.into().into_bytes(), ..self }
    }
}

/// Why a request is not taken. The words are for the log of the host; nothing of a secret belongs into them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HookRefusal {
    /// It is not signed by whoever it says (401).
    Unverified(String),
    /// It is signed, and holds something else than expected (400).
    Malformed(String),
    /// It is signed, and too old or of the future (401).
    Stale(String),
}

impl HookRefusal {
    /// It is not signed by whoever it says.
    pub fn unverified(why: impl Into<String>) -> Self {
        Self::Unverified(why.into())
    }

    /// It is signed, and holds something else than expected.
    pub fn malformed(why: impl Into<String>) -> Self {
        Self::Malformed(why.into())
    }

    /// It is signed, and too old or of the future.
    pub fn stale(why: impl Into<String>) -> Self {
        Self::Stale(why.into())
    }
}

/// Calls a source with its configuration as JSON text.
pub(crate) fn receive<S: Source>(config: &str, hook: Hook) -> Result<Accepted, HookRefusal> {
    let config = json::read(config)
        .map_err(|why| HookRefusal::malformed(format!("the source's configuration cannot be read: {why}")))?;
    S::receive(config, hook)
}
