//! The port of webhooks in: which sources a tenant has, and what a plugin makes of a request.
//!
//! It decides nothing: whether a request is what it says is for the plugin, what becomes of its events for the tenant.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use siyu_model::clock::UtcMs;
use siyu_model::digest::PluginDigest;
use siyu_model::name::{SecretName, SourceName, TenantName};
use siyu_model::plugin::{CallLimits, CallUsage, Fault, LogLine};

use super::plugins::CallHost;

/// Where webhooks of one kind come in, as it is configured.
#[derive(Debug, Clone)]
pub struct Source {
    /// Its name, which its events have as their `source`.
    pub name: SourceName,
    /// The plugin that knows such requests.
    pub digest: PluginDigest,
    /// The same for people: `name@version`.
    pub plugin: String,
    /// What the plugin is told, JSON text that fits the plugin's schema.
    pub config: Arc<str>,
    /// The tenant's secrets, by the plugin's names for them.
    pub secrets: BTreeMap<SecretName, SecretName>,
}

/// Knows the sources of tenants.
pub trait Sources: Send + Sync {
    /// A source of a tenant; none when the tenant has none of that name. Whether there is such a tenant is not its business.
    fn source(&self, tenant: &TenantName, name: &SourceName) -> Option<Arc<Source>>;
}

/// The room that tenants have for events, by their quotas.
#[async_trait]
pub trait Room: Send + Sync {
    /// Takes room for so many events; false when there is none now.
    async fn take(&self, tenant: &TenantName, events: usize) -> bool;
}

/// A request as it came.
#[derive(Clone, PartialEq, Eq)]
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
    pub received_at: UtcMs,
}

/// What a request holds is for its plugin alone: it may hold what is as good as a secret.
impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a {} of {} bytes at {}", self.method, self.body.len(), self.received_at)
    }
}

/// An event that a plugin found in a request.
#[derive(Debug, Clone, PartialEq)]
pub struct HookEvent {
    /// What it is known by, together with the name of the source: the same when the request comes again.
    pub id: String,
    /// What happened.
    pub event_type: String,
    /// To whom.
    pub subject: Option<String>,
    /// When, if the request says it: milliseconds since 1970 in UTC.
    pub time: Option<f64>,
    /// The facts, JSON text of an object.
    pub data: String,
}

/// A request that is what it says.
#[derive(Debug, Clone, PartialEq)]
pub struct Accepted {
    /// Its events; none for one that only asks whether somebody is there.
    pub events: Vec<HookEvent>,
    /// What the sender is answered once they are durable: 200 to 299.
    pub status: u16,
    /// The kind of the answer's body, such as `text/plain`.
    pub content_type: String,
    /// The answer's body.
    pub body: Vec<u8>,
}

/// Why a plugin does not take a request. The text is for the log of the host: the sender is not told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HookRefusal {
    /// It is not signed by whoever it says.
    #[error("not verified: {0}")]
    Unverified(String),
    /// It is signed, and says nothing that the plugin understands.
    #[error("malformed: {0}")]
    Malformed(String),
    /// It is signed, and too old or of the future: it may be a repetition by somebody else.
    #[error("stale: {0}")]
    Stale(String),
}

/// A call of a source.
#[derive(Debug, Clone, Copy)]
pub struct HookCall<'a> {
    /// The component.
    pub digest: &'a PluginDigest,
    /// What the call may use.
    pub limits: &'a CallLimits,
    /// The source's configuration, JSON text.
    pub config: &'a str,
    /// The request.
    pub hook: &'a Hook,
}

/// How a call of a source went.
pub struct HookReport {
    /// What the plugin made of the request, or why it made nothing of it.
    pub outcome: Result<Result<Accepted, HookRefusal>, Fault>,
    /// What it used.
    pub usage: CallUsage,
    /// What it logged.
    pub log: Vec<LogLine>,
    /// The host that the call worked on, given back.
    pub host: Box<dyn CallHost>,
}
