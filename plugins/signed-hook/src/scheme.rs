//! Whether a request is signed as its sender signs: exactly so, and in no other spelling.
//!
//! A field that is there twice, a digit that is none of ASCII and a signature in another spelling are no signature. It
//! looks at the time only after a signature was right, so that nobody without the key learns anything.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use siyu_plugin::secrets::MacAlgorithm;
use siyu_plugin::{Error, Hook, HookRefusal};

use crate::config::{Algorithm, Encoding, Scheme};

/// Signatures that are looked at: a sender has two while it changes its key.
const SIGNATURES_MAX: usize = 8;
/// Bytes of an id.
const ID_BYTES_MAX: usize = 128;
/// Digits of seconds since 1970: until the year 5138.
const SECONDS_DIGITS: usize = 11;
/// What a signature of Standard Webhooks with a shared secret begins with.
const V1: &str = "v1,";

/// What the signature covers beside the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Signed {
    /// What the sender calls the request, when that is signed.
    pub(crate) id: Option<String>,
}

/// Tells whether a MAC over data is right under the sender's key.
pub(crate) type IsMac<'m> = &'m mut dyn FnMut(Algorithm, &[u8], &[u8]) -> Result<bool, Error>;

/// Verifies a request.
pub(crate) fn verify(scheme: &Scheme, hook: &Hook, is_mac: IsMac<'_>) -> Result<Signed, HookRefusal> {
    let (header, prefix, encoding, algorithm) = match scheme {
        Scheme::StandardWebhooks { tolerance_s } => return standard(hook, *tolerance_s, is_mac),
        Scheme::Github {} => ("x-hub-signature-256", "sha256=", Encoding::Hex, Algorithm::Sha256),
        Scheme::Shopify {} => ("x-shopify-hmac-sha256", "", Encoding::Base64, Algorithm::Sha256),
        Scheme::Header { header, prefix, encoding, algorithm } => {
            (header.as_str(), prefix.as_str(), *encoding, *algorithm)
        }
    };
    let text = once(hook, header)?;
    let text = text
        .strip_prefix(prefix)
        .ok_or_else(|| HookRefusal::unverified(format!("`{header}` does not begin with `{prefix}`")))?;
    let mac = decode(text, encoding, algorithm);
    let mac = mac.ok_or_else(|| HookRefusal::unverified(format!("`{header}` holds no MAC of its length")))?;
    if !asked(is_mac(algorithm, &hook.body, &mac))? {
        return Err(HookRefusal::unverified("the signature is not right"));
    }
    Ok(Signed { id: None })
}

/// Standard Webhooks 1.0: a MAC over `id.timestamp.body`.
fn standard(hook: &Hook, tolerance_s: u32, is_mac: IsMac<'_>) -> Result<Signed, HookRefusal> {
    let id = once(hook, "webhook-id")?;
    // A full stop in an id would let it be read as a shorter id with another time.
    let is_id = (1..=ID_BYTES_MAX).contains(&id.len())
        && id.bytes().all(|byte| (0x21..0x7f).contains(&byte) && byte != b'.');
    if !is_id {
        return Err(HookRefusal::unverified(format!(
            "`webhook-id` is no id: expected 1 to {ID_BYTES_MAX} visible characters without a full stop"
        )));
    }
    let seconds = once(hook, "webhook-timestamp")?;
    let is_number = (1..=SECONDS_DIGITS).contains(&seconds.len())
        && seconds.bytes().all(|byte| byte.is_ascii_digit())
        && !seconds.starts_with('0');
    let sent_s: i64 = seconds.parse().ok().filter(|_| is_number).ok_or_else(|| {
        HookRefusal::unverified("`webhook-timestamp` is no whole number of seconds in digits")
    })?;
    let data = [id.as_bytes(), b".", seconds.as_bytes(), b".", &hook.body].concat();
    let list = once(hook, "webhook-signature")?;
    let signatures: Vec<&str> = list.split(' ').collect();
    if signatures.len() > SIGNATURES_MAX {
        let found = signatures.len();
        return Err(HookRefusal::unverified(format!(
            "{found} signatures: expected at most {SIGNATURES_MAX}"
        )));
    }
    let mut is_right = false;
    // Other versions, such as `v1a`, are for keys that this plugin does not have.
    for text in signatures.iter().filter_map(|signature| signature.strip_prefix(V1)) {
        if let Some(mac) = decode(text, Encoding::Base64, Algorithm::Sha256) {
            is_right |= asked(is_mac(Algorithm::Sha256, &data, &mac))?;
        }
    }
    if !is_right {
        return Err(HookRefusal::unverified("none of the signatures is right"));
    }
    let now_s = hook.received_at.as_millis().div_euclid(1_000);
    let apart = now_s.abs_diff(sent_s);
    if apart > u64::from(tolerance_s) {
        return Err(HookRefusal::stale(format!(
            "it was sent {apart} s away from now: expected at most {tolerance_s} s"
        )));
    }
    Ok(Signed { id: Some(id.to_owned()) })
}

/// The value of a field that is there once.
pub(crate) fn once<'h>(hook: &'h Hook, name: &str) -> Result<&'h str, HookRefusal> {
    let mut values = hook.headers.iter().filter(|(found, _)| found == name);
    match (values.next(), values.next()) {
        (Some((_, value)), None) => Ok(value),
        (None, _) => Err(HookRefusal::unverified(format!("there is no field `{name}`"))),
        (Some(_), Some(_)) => {
            Err(HookRefusal::unverified(format!("the field `{name}` is there more than once")))
        }
    }
}

/// The bytes of a MAC in the one spelling that each has; none for another length.
fn decode(text: &str, encoding: Encoding, algorithm: Algorithm) -> Option<Vec<u8>> {
    let length = match algorithm {
        Algorithm::Sha1 => 20,
        Algorithm::Sha256 => 32,
        Algorithm::Sha512 => 64,
    };
    let mac = match encoding {
        Encoding::Hex => hex(text)?,
        Encoding::Base64 => STANDARD.decode(text).ok()?,
    };
    (mac.len() == length).then_some(mac)
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| Some(digit(*pair.first()?)? << 4 | digit(*pair.get(1)?)?)).collect()
}

/// The host refuses only what cannot be computed, such as a secret that is no key.
fn asked(answer: Result<bool, Error>) -> Result<bool, HookRefusal> {
    answer.map_err(|fault| HookRefusal::unverified(format!("it cannot be verified: {fault}")))
}

impl From<Algorithm> for MacAlgorithm {
    fn from(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Sha1 => Self::HmacSha1,
            Algorithm::Sha256 => Self::HmacSha256,
            Algorithm::Sha512 => Self::HmacSha512,
        }
    }
}

#[cfg(test)]
mod tests;
