//! `secrets`: what secrets make of data. For channels and sources only; a plugin never reads a value.
//!
//! A secret is named as the plugin's `SECRETS` name it; whoever configures the channel or source says which of the tenant's
//! secrets that is. While a value is being replaced, the one before is accepted for a time: what verifies takes both, what
//! signs takes the one in force, or both where the other side takes several signatures.
//!
//! ```
//! use siyu_plugin::secrets::{self, MacAlgorithm};
//!
//! fn is_signed(body: &[u8], mac: &[u8]) -> Result<bool, siyu_plugin::Error> {
//!     secrets::is_mac("key", MacAlgorithm::HmacSha256, body, mac)
//! }
//! ```

use crate::error::Error;
use crate::port;

/// How a MAC is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MacAlgorithm {
    /// HMAC with SHA-1: what older senders still use.
    HmacSha1,
    /// HMAC with SHA-256.
    HmacSha256,
    /// HMAC with SHA-512.
    HmacSha512,
}

/// A MAC under the value in force. A value that begins with `whsec_` is decoded as Standard Webhooks says.
///
/// # Errors
/// `NotFound` for a name that the configuration does not give, `Invalid` for a value that is no key.
pub fn mac(secret: &str, algorithm: MacAlgorithm, data: &[u8]) -> Result<Vec<u8>, Error> {
    port::mac(secret, algorithm, data)
}

/// MACs under all values that are accepted, the one in force first, for receivers that take several signatures: the value can
/// be replaced at both ends one after the other.
///
/// # Errors
/// As [`mac`].
pub fn macs(secret: &str, algorithm: MacAlgorithm, data: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
    port::macs(secret, algorithm, data)
}

/// Whether a MAC is right under any value that is accepted, in constant time.
///
/// # Errors
/// As [`mac`].
pub fn is_mac(secret: &str, algorithm: MacAlgorithm, data: &[u8], mac: &[u8]) -> Result<bool, Error> {
    port::is_mac(secret, algorithm, data, mac)
}

/// WeCom: whether `expected`, 40 lower-case hexadecimal digits, is SHA-1 over the sorted concatenation of the secret (the
/// token of the callback) and at most eight parts, in constant time.
///
/// # Errors
/// `NotFound` for a name that the configuration does not give, `Invalid` for too many parts.
pub fn is_sorted_sha1(secret: &str, parts: &[String], expected: &str) -> Result<bool, Error> {
    port::is_sorted_sha1(secret, parts, expected)
}

/// WeCom: AES-256-CBC without padding, under the `EncodingAESKey` that the secret holds. Padding, length and receiver are
/// yours to check.
///
/// # Errors
/// `NotFound` for a name that the configuration does not give, `Invalid` for a value that is no key or data that is no whole
/// blocks of 16 bytes.
pub fn decrypt_wecom(secret: &str, data: &[u8]) -> Result<Vec<u8>, Error> {
    port::decrypt_wecom(secret, data)
}

/// The other way round, under the value in force.
///
/// # Errors
/// As [`decrypt_wecom`].
pub fn encrypt_wecom(secret: &str, data: &[u8]) -> Result<Vec<u8>, Error> {
    port::encrypt_wecom(secret, data)
}
