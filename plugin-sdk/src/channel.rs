//! Channels: how a plugin delivers messages. A delivery is no transaction: what was sent stays sent.

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::customers::Customer;
use crate::error::Error;
use crate::time::{Duration, Instant};

/// A channel that a plugin offers. What its type has as [`Config`](Self::Config) is what `channels.toml` says under `config`; that
/// type's doc comment says what the channel does, in front of whoever configures it.
///
/// The host calls [`deliver`](Self::deliver) once the message is durable, and again, under the same id, until there is a verdict
/// that ends it or its time is over. It does so outside of any transaction: nothing of the tenant can be read or written, and
/// [`http`](crate::http) and [`cache`](crate::cache) are what there is.
///
/// ```
/// use siyu_plugin::prelude::*;
/// use siyu_plugin::http;
///
/// /// Sends text messages.
/// #[derive(Deserialize, JsonSchema)]
/// struct Sms {
///     /// What customers see as the sender.
///     sender: String,
/// }
///
/// impl Channel for Sms {
///     type Config = Self;
///     const HOSTS: &'static [&'static str] = &["https://sms.example.com"];
///     const IS_IDEMPOTENT: bool = true;
///     const SECRETS: &'static [SecretUse] = &[SecretUse::in_header("key", "opens the account")];
///
///     fn deliver(config: Self, message: Message) -> Verdict {
///         let request = http::Request::post("https://sms.example.com/v1/messages")
///             .header("authorization", "Bearer {{secret:key}}")
///             .header("idempotency-key", &message.id)
///             .json(&json!({ "from": config.sender, "text": message.body }));
///         match request.send() {
///             Ok(answer) if answer.is_success() => Verdict::sent(),
///             Ok(answer) => answer.verdict(),
///             Err(error) => Verdict::later(error.message),
///         }
///     }
/// }
/// ```
pub trait Channel {
    /// How it is configured.
    type Config: DeserializeOwned + JsonSchema;
    /// Where it sends requests: `https://api.example.com`, `https://*.example.com`, `https://*` (any) …, the fewer the better.
    const HOSTS: &'static [&'static str];
    /// Whether the other side knows a message by its id, so that one that is handed over twice arrives once. If not, a message of
    /// which nobody knows what became is asked for with [`reconcile`](Self::reconcile), and never handed over again by itself.
    const IS_IDEMPOTENT: bool;
    /// The secrets that it uses.
    const SECRETS: &'static [SecretUse] = &[];

    /// Hands a message over.
    fn deliver(config: Self::Config, message: Message) -> Verdict;

    /// What became of a message that was handed over and of which nothing is known; none when it cannot be told.
    fn reconcile(config: Self::Config, message: Message) -> Option<Verdict> {
        let _ = (config, message);
        None
    }
}

/// A secret that a channel uses without ever reading it: the host fills it in where the channel writes `{{secret:NAME}}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct SecretUse {
    /// The plugin's name for it, of a-z, 0-9, - and _.
    pub name: &'static str,
    /// What it is for, for whoever sets it.
    pub why: &'static str,
    /// Where the host fills it in.
    pub places: &'static [Place],
}

/// A part of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// Values of header fields.
    Header,
    /// The query of the URL.
    Query,
    /// The body. Only where nobody else's words are in it: a customer who writes `{{secret:NAME}}` would get it filled in.
    Body,
}

impl SecretUse {
    /// One that stands in header fields.
    pub const fn in_header(name: &'static str, why: &'static str) -> Self {
        Self { name, why, places: &[Place::Header] }
    }

    /// One that stands in queries.
    pub const fn in_query(name: &'static str, why: &'static str) -> Self {
        Self { name, why, places: &[Place::Query] }
    }

    /// One that stands in no request: it signs.
    pub const fn to_sign(name: &'static str, why: &'static str) -> Self {
        Self { name, why, places: &[] }
    }
}

/// A message to deliver.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// The same on every try: what the other side may know a repetition by.
    pub id: String,
    /// The playbook's name of the channel.
    pub channel: String,
    /// The template it was made from.
    pub template: String,
    /// `service` or `marketing`.
    pub class: String,
    /// What the customer reads.
    pub body: String,
    /// The customer, as JSON; see [`Message::customer`].
    pub customer_json: String,
    /// When it was planned.
    pub planned_at: Instant,
    /// Not to be sent from this instant on.
    pub expires_at: Instant,
    /// 1 for the first try.
    pub attempt: u32,
    /// What the channel said with its last verdict, as JSON.
    pub details_json: Option<String>,
}

impl Message {
    /// The customer as [`customers`](crate::customers) knows them; none when they are gone.
    ///
    /// # Errors
    /// `Invalid` when this version of the SDK does not know the form.
    pub fn customer(&self) -> Result<Option<Customer>, Error> {
        crate::capability::read(|| "the customer".to_owned(), &self.customer_json)
    }

    /// What the channel said with its last verdict.
    ///
    /// # Errors
    /// `Invalid` when it does not fit the type.
    pub fn details<T: DeserializeOwned>(&self) -> Result<Option<T>, Error> {
        let text = self.details_json.as_deref();
        text.map(|text| crate::capability::read(|| "the details".to_owned(), text)).transpose()
    }
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// The other side took it. The object is kept with the message, such as what the other side calls it.
    Sent(Option<serde_json::Value>),
    /// It is a task of a member of staff now.
    TaskCreated(Option<serde_json::Value>),
    /// The customer has it.
    Delivered(Option<serde_json::Value>),
    /// It will never go, and why.
    Refused(String),
    /// It may go later: why not now, and how long to wait at least.
    Later(String, Option<Duration>),
    /// It may have arrived, and asking again could double it: why nobody knows.
    Uncertain(String),
}

impl Verdict {
    /// The other side took it.
    pub fn sent() -> Self {
        Self::Sent(None)
    }

    /// It will never go.
    pub fn refused(why: impl Into<String>) -> Self {
        Self::Refused(why.into())
    }

    /// It may go later.
    pub fn later(why: impl Into<String>) -> Self {
        Self::Later(why.into(), None)
    }
}

/// Hands a message over.
pub(crate) fn deliver<C: Channel>(config: &str, message: Message) -> Verdict {
    match config_of::<C>(config) {
        Ok(config) => C::deliver(config, message),
        // It can be mended while the message waits.
        Err(why) => Verdict::Later(why, None),
    }
}

/// What became of a message.
pub(crate) fn reconcile<C: Channel>(config: &str, message: Message) -> Option<Verdict> {
    C::reconcile(config_of::<C>(config).ok()?, message)
}

fn config_of<C: Channel>(config: &str) -> Result<C::Config, String> {
    crate::json::read(config)
        .map_err(|unreadable| format!("the channel's configuration cannot be read: {unreadable}"))
}
