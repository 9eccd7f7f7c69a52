//! What a delivery reaches the world through: requests, what is remembered between deliveries, time and chance. The host is one
//! implementation; tests have another, which speaks to an emulator.

use crate::judge::Failure;

/// A request to WeCom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The whole URL; the host fills secrets in.
    pub url: String,
    /// JSON to post; without it the request is a GET.
    pub body: Option<String>,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
    /// `retry-after`, in milliseconds.
    pub retry_after_ms: Option<u32>,
}

/// The world of a delivery.
pub trait Wire {
    /// Sends a request.
    ///
    /// # Errors
    /// When there is no answer.
    fn send(&self, request: &Request) -> Result<Response, Failure>;
    /// A value that is remembered; without one this delivery has to fetch it, and others wait for it.
    fn remembered(&self, key: &str) -> Option<String>;
    /// The same, without having to fetch and without waiting.
    fn seen(&self, key: &str) -> Option<String>;
    /// Remembers a value until an instant, in milliseconds since 1970.
    fn remember(&self, key: &str, value: &str, until_ms: i64);
    /// Forgets a value.
    fn forget(&self, key: &str);
    /// Milliseconds since 1970 in UTC.
    fn now_ms(&self) -> i64;
    /// Any number.
    fn chance(&self) -> u32;
}
