//! Requests as senders sign them, for tests.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Sha256, Sha512};
use siyu_plugin::{Error, Hook, Instant};

use crate::config::Algorithm;

/// The key that senders sign with.
pub(crate) const SIGNED_WITH: &[u8] = b"hush";
/// When requests come: a second of 2026.
pub(crate) const NOW_S: i64 = 1_790_000_000;

/// A MAC under a key.
pub(crate) fn mac(key: &[u8], algorithm: Algorithm, data: &[u8]) -> Vec<u8> {
    fn under<M: Mac + KeyInit>(key: &[u8], data: &[u8]) -> Vec<u8> {
        let mut mac = <M as KeyInit>::new_from_slice(key).expect("a key");
        mac.update(data);
        mac.finalize().into_bytes().to_vec()
    }
    match algorithm {
        Algorithm::Sha1 => under::<Hmac<sha1::Sha1>>(key, data),
        Algorithm::Sha256 => under::<Hmac<Sha256>>(key, data),
        Algorithm::Sha512 => under::<Hmac<Sha512>>(key, data),
    }
}

/// What the host says of a MAC.
pub(crate) fn is_mac(algorithm: Algorithm, data: &[u8], found: &[u8]) -> Result<bool, Error> {
    Ok(mac(SIGNED_WITH, algorithm, data) == found)
}

/// A request with fields.
pub(crate) fn hook(fields: &[(&str, &str)], body: &str) -> Hook {
    Hook {
        method: "POST".to_owned(),
        query: Vec::new(),
        headers: fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        body: body.as_bytes().to_vec(),
        received_at: Instant::from_millis(NOW_S * 1_000),
    }
}

/// Hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Base64.
pub(crate) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The signature of Standard Webhooks.
pub(crate) fn standard(key: &[u8], id: &str, seconds: &str, body: &str) -> String {
    let data = format!("{id}.{seconds}.{body}");
    format!("v1,{}", base64(&mac(key, Algorithm::Sha256, data.as_bytes())))
}
