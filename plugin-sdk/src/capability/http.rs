//! `http`: requests of deliveries, to hosts that the plugin's [`HOSTS`](crate::Channel::HOSTS), the channel's configuration and the
//! host's operator all name. At most 16 a delivery, 1 MiB out and 1 MiB in, 3 s to connect and 10 s in all.
//!
//! Redirects are answers like others, and nothing is decompressed. `{{secret:NAME}}` is filled in by the host; see
//! [`SecretUse`](crate::SecretUse). A step has none of it: it plans a message.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::channel::Verdict;
use crate::port;
use crate::time::Duration;

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// `GET`, `POST` …
    pub method: String,
    /// `https://host[:port]/path?query`.
    pub url: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// What a peer answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// Its status.
    pub status: u16,
    /// Names, in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The body as it was sent.
    pub body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// What kind of failure.
    pub code: ErrorCode,
    /// What was found, what was expected, and the rule.
    pub message: String,
    /// Whether the peer may have got the request.
    pub may_have_arrived: bool,
    /// When to try again, if that is known.
    pub retry_after: Option<Duration>,
}

/// The kinds of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// The request breaks a rule.
    Invalid,
    /// Not everybody who must permits it.
    Denied,
    /// No connection could be made, or it broke.
    Unreachable,
    /// It took too long.
    Timeout,
    /// The answer is larger than one may be.
    TooLarge,
    /// Too many requests of this delivery, or of the tenant at once.
    Limit,
    /// The peer failed several times and is left alone for now.
    OpenCircuit,
}

impl Request {
    /// A request with a method.
    pub fn new(method: &str, url: impl Into<String>) -> Self {
        Self { method: method.to_owned(), url: url.into(), headers: Vec::new(), body: Vec::new() }
    }

    /// A request that reads.
    pub fn get(url: impl Into<String>) -> Self {
        Self::new("GET", url)
    }

    /// A request that hands over.
    pub fn post(url: impl Into<String>) -> Self {
        Self::new("POST", url)
    }

    /// With one more header field.
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// With a body.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// With a body of JSON. What cannot be written as JSON leaves it empty.
    pub fn json(self, value: &impl Serialize) -> Self {
        let body = serde_json::to_vec(value).unwrap_or_default();
        self.header("content-type", "application/json").body(body)
    }

    /// Sends it and waits for the answer, whatever its status is.
    ///
    /// # Errors
    /// When there is no whole answer.
    pub fn send(&self) -> Result<Response, Error> {
        port::send(self)
    }
}

impl Response {
    /// The first header field of a name, in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether the status is 200 to 299.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body as text; what is not UTF-8 is replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON of a type; none when it is something else.
    pub fn json<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.body).ok()
    }

    /// How long the peer wants to be left alone, when it says so in seconds.
    pub fn retry_after(&self) -> Option<Duration> {
        let seconds = self.header("retry-after")?.trim();
        let is_number = !seconds.is_empty() && seconds.bytes().all(|byte| byte.is_ascii_digit());
        // A day is longer than any message should wait for a peer.
        let seconds = seconds.parse().unwrap_or(86_400u32).min(86_400);
        is_number.then(|| Duration::seconds(seconds.into()))
    }

    /// What a status that is no success means for a message, by the rules of HTTP: 408, 425, 429 and 500 to 599 may pass, everything
    /// else will not.
    pub fn verdict(&self) -> Verdict {
        let why = format!("the peer answered {}", self.status);
        match self.status {
            200..300 => Verdict::Sent(None),
            408 | 425 | 429 | 500..600 => Verdict::Later(why, self.retry_after()),
            _ => Verdict::Refused(why),
        }
    }
}
