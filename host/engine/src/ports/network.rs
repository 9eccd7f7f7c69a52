//! The network port: requests of deliveries. It decides nothing about messages, and nothing but a delivery reaches it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use siyu_model::name::TenantName;
use siyu_model::plugin::{HostPattern, Place};
use tokio::time::Instant;

/// A field of the head of a request or a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// A request that a plugin wants to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// `GET`, `POST` …
    pub method: String,
    /// `https://host[:port]/path?query`.
    pub url: String,
    /// Fields of the head; what the connection needs is the host's to add.
    pub headers: Vec<Header>,
    /// The body.
    pub body: Vec<u8>,
}

/// What a peer answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// 200 to 599.
    pub status: u16,
    /// Fields of the head; names in lower case.
    pub headers: Vec<Header>,
    /// The body as it was sent: not decompressed.
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendErrorCode {
    /// The request breaks a rule.
    Invalid,
    /// Nobody, or not everybody who must, permits it.
    Denied,
    /// No connection could be made.
    Unreachable,
    /// It took too long.
    Timeout,
    /// The answer is larger than one may be.
    TooLarge,
    /// The delivery, the tenant or the host sends too much at once.
    Limit,
    /// The peer failed several times and is left alone for now.
    OpenCircuit,
}

/// Why there is no answer, and what that means for the message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SendError {
    /// What kind of failure.
    pub code: SendErrorCode,
    /// What was found, what was expected, and the rule; never a secret.
    pub message: String,
    /// Whether the peer may have got the request.
    pub may_have_arrived: bool,
    /// When to try again, if that is known, in milliseconds from now.
    pub retry_after_ms: Option<u32>,
}

impl SendError {
    /// A failure before anything was sent.
    pub fn before(code: SendErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), may_have_arrived: false, retry_after_ms: None }
    }

    /// A failure after the request began to be sent.
    pub fn after(code: SendErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), may_have_arrived: true, retry_after_ms: None }
    }

    /// What is not permitted.
    pub fn denied(message: impl Into<String>) -> Self {
        Self::before(SendErrorCode::Denied, message)
    }
}

/// On whose behalf a request is sent, and what that permits.
#[derive(Clone)]
pub struct Sender {
    /// The tenant.
    pub tenant: TenantName,
    /// What the plugin says that it needs.
    pub manifest: Vec<HostPattern>,
    /// What whoever configured the channel grants.
    pub granted: Vec<HostPattern>,
    /// Where its secrets may be filled in, by the plugin's names for them.
    pub places: BTreeMap<String, Vec<Place>>,
    /// Where their values are.
    pub secrets: Arc<dyn SecretValues>,
}

/// Sends requests.
#[async_trait]
pub trait Network: Send + Sync {
    /// Sends a request to a host that the sender and this host permit, and gives back what was answered by `until`.
    async fn send(&self, sender: &Sender, request: Request, until: Instant) -> Result<Response, SendError>;
}

/// The values of a channel's secrets, by the plugin's own names for them.
#[async_trait]
pub trait SecretValues: Send + Sync {
    /// The value that is in force; none when the channel has no such secret, or nobody has set it.
    ///
    /// # Errors
    /// In words, when it cannot be read now.
    async fn secret(&self, name: &str) -> Result<Option<SecretText>, String>;
}

/// A channel without secrets.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoSecrets;

#[async_trait]
impl SecretValues for NoSecrets {
    async fn secret(&self, _: &str) -> Result<Option<SecretText>, String> {
        Ok(None)
    }
}

/// A text that must not be shown.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(String);

impl SecretText {
    /// From its value.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// Its value, for whoever sends it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(…)")
    }
}
