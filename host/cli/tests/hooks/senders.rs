//! Senders as they sign.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Sha256, Sha512};
use siyu_engine::ports::clock::{Clock, SystemClock};

use crate::wire::Request;

/// Secrets and what their values begin with.
pub(crate) const KEYS: [(&str, &str); 3] = [("std_key", "whsec_"), ("github_key", ""), ("shopify_key", "")];

/// The value in force. That of Standard Webhooks is base64.
pub(crate) fn key(tenant: &str, name: &str) -> String {
    made("key", tenant, name)
}

/// The value before, which is still accepted.
pub(crate) fn before(tenant: &str, name: &str) -> String {
    made("before", tenant, name)
}

/// One that was replaced and is accepted no longer.
pub(crate) fn rotated_out(tenant: &str, name: &str) -> String {
    made("rotated-out", tenant, name)
}

fn made(what: &str, tenant: &str, name: &str) -> String {
    let prefix = KEYS.iter().find(|(known, _)| *known == name).map_or("", |(_, prefix)| prefix);
    let text = format!("{what} of {tenant} for {name}, long enough.");
    if prefix.is_empty() { text.replace(' ', "-") } else { format!("{prefix}{}", base64(text.as_bytes())) }
}

/// Seconds since 1970.
pub(crate) fn now_s() -> i64 {
    SystemClock.now().as_millis() / 1_000
}

/// Who sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sender {
    Standard,
    Github,
    Shopify,
}

impl Sender {
    pub(crate) const ALL: [Self; 3] = [Self::Standard, Self::Github, Self::Shopify];

    fn secret(self) -> &'static str {
        KEYS[self as usize].0
    }

    /// The bytes that it signs with.
    pub(crate) fn key(self, tenant: &str) -> Vec<u8> {
        bytes(&key(tenant, self.secret()))
    }

    /// Those before.
    pub(crate) fn key_before(self, tenant: &str) -> Vec<u8> {
        bytes(&before(tenant, self.secret()))
    }

    /// Those that were replaced.
    pub(crate) fn key_rotated_out(self, tenant: &str) -> Vec<u8> {
        bytes(&rotated_out(tenant, self.secret()))
    }

    /// The field with the signature.
    pub(crate) fn field(self) -> &'static str {
        match self {
            Self::Standard => "webhook-signature",
            Self::Github => "x-hub-signature-256",
            Self::Shopify => "x-shopify-hmac-sha256",
        }
    }

    /// How a MAC is written.
    pub(crate) fn written(self, mac: &[u8]) -> String {
        match self {
            Self::Standard => format!("v1,{}", base64(mac)),
            Self::Github => format!("sha256={}", hex(mac)),
            Self::Shopify => base64(mac),
        }
    }

    /// What is signed.
    pub(crate) fn content(self, (id, seconds): (&str, &str), body: &[u8]) -> Vec<u8> {
        match self {
            Self::Standard => [format!("{id}.{seconds}.").as_bytes(), body].concat(),
            Self::Github | Self::Shopify => body.to_vec(),
        }
    }

    /// A request that is signed under a key.
    pub(crate) fn signed(self, tenant: &str, key: &[u8], (id, at_s): (&str, i64), body: &str) -> Request {
        self.signed_as(tenant, key, (id, &at_s.to_string()), body)
    }

    /// The same with the time as it is written.
    pub(crate) fn signed_as(
        self,
        tenant: &str,
        key: &[u8],
        (id, seconds): (&str, &str),
        body: &str,
    ) -> Request {
        let mac = sha256(key, &self.content((id, seconds), body.as_bytes()));
        let mut headers = vec![(self.field().to_owned(), self.written(&mac))];
        let source = match self {
            Self::Standard => {
                headers.push(("webhook-id".to_owned(), id.to_owned()));
                headers.push(("webhook-timestamp".to_owned(), seconds.to_owned()));
                "std"
            }
            Self::Github => "github",
            Self::Shopify => "shopify",
        };
        let path = format!("/v1/hooks/{tenant}/{source}");
        Request { method: "POST", path, headers, body: body.as_bytes().to_vec(), is_closed: false }
    }
}

fn bytes(value: &str) -> Vec<u8> {
    match value.strip_prefix("whsec_") {
        Some(text) => unbase64(text),
        None => value.as_bytes().to_vec(),
    }
}

pub(crate) fn sha256(key: &[u8], data: &[u8]) -> Vec<u8> {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key).expect("a key");
    mac.update(data);
    mac.finalize().into_bytes().to_vec()
}

pub(crate) fn sha512(key: &[u8], data: &[u8]) -> Vec<u8> {
    let mut mac = <Hmac<Sha512> as KeyInit>::new_from_slice(key).expect("a key");
    mac.update(data);
    mac.finalize().into_bytes().to_vec()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

pub(crate) fn base64(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = (0..3).fold(0usize, |bits, at| bits << 8 | usize::from(*chunk.get(at).unwrap_or(&0)));
        for (place, shift) in [18, 12, 6, 0].into_iter().enumerate() {
            text.push(if place <= chunk.len() { char::from(ALPHABET[bits >> shift & 63]) } else { '=' });
        }
    }
    text
}

fn unbase64(text: &str) -> Vec<u8> {
    let digits: Vec<usize> = text
        .bytes()
        .filter(|byte| *byte != b'=')
        .map(|byte| ALPHABET.iter().position(|known| *known == byte).expect("base64"))
        .collect();
    let mut bytes = Vec::new();
    for chunk in digits.chunks(4) {
        let bits = (0..4).fold(0usize, |bits, at| bits << 6 | chunk.get(at).unwrap_or(&0));
        bytes.extend((0..chunk.len() - 1).map(|at| (bits >> (16 - 8 * at) & 255) as u8));
    }
    bytes
}
