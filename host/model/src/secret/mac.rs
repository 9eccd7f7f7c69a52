//! Message authentication codes under a secret.
//!
//! Comparing takes the same time whatever differs. It never says which value was right.

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use hmac::{Hmac, KeyInit, Mac};
use sha1::{Digest, Sha1};
use sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::SecretValue;

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

/// What a secret of Standard Webhooks begins with; base64 of the key follows.
const STANDARD_WEBHOOKS: &str = "whsec_";
/// Base64 as people copy it: with or without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The bytes of a key; none when it begins with `whsec_` and is no base64.
fn key_of(value: &str) -> Option<Zeroizing<Vec<u8>>> {
    match value.strip_prefix(STANDARD_WEBHOOKS) {
        Some(text) => BASE64.decode(text).ok().filter(|key| !key.is_empty()).map(Zeroizing::new),
        None => Some(Zeroizing::new(value.as_bytes().to_vec())),
    }
}

/// A MAC under a value; none when the value is no key. A value that begins with `whsec_` is decoded as Standard Webhooks
/// says; others are taken as their bytes.
pub fn mac(value: &SecretValue, algorithm: MacAlgorithm, data: &[u8]) -> Option<Vec<u8>> {
    let key = key_of(value.expose())?;
    match algorithm {
        MacAlgorithm::HmacSha1 => under::<Hmac<Sha1>>(&key, data),
        MacAlgorithm::HmacSha256 => under::<Hmac<Sha256>>(&key, data),
        MacAlgorithm::HmacSha512 => under::<Hmac<Sha512>>(&key, data),
    }
}

/// HMAC takes keys of every length, so there is always one.
fn under<M: Mac + KeyInit>(key: &[u8], data: &[u8]) -> Option<Vec<u8>> {
    let mut mac = <M as KeyInit>::new_from_slice(key).ok()?;
    mac.update(data);
    Some(mac.finalize().into_bytes().to_vec())
}

/// Whether two texts are the same, in the same time whatever differs; how long they are is no secret.
pub fn is_same(one: &[u8], other: &[u8]) -> bool {
    one.ct_eq(other).into()
}

/// SHA-1 over the sorted concatenation of a value and parts, in lower-case hexadecimal digits (WeCom's signature).
pub fn sorted_sha1(value: &SecretValue, parts: &[String]) -> String {
    let mut all: Vec<&str> = parts.iter().map(String::as_str).collect();
    all.push(value.expose());
    all.sort_unstable();
    let mut hasher = Sha1::new();
    all.iter().for_each(|part| hasher.update(part.as_bytes()));
    hex(&hasher.finalize())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> SecretValue {
        SecretValue::new(Zeroizing::new(text.to_owned())).unwrap()
    }

    #[test]
    fn macs_are_those_of_rfc_4231_and_rfc_2202() {
        let data = b"what do ya want for nothing?";
        for (algorithm, expected) in [
            (MacAlgorithm::HmacSha1, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
            (MacAlgorithm::HmacSha256, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
            (
                MacAlgorithm::HmacSha512,
                "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554\
                 9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
            ),
        ] {
            let found = mac(&value("Jefe"), algorithm, data).map(|mac| hex(&mac));
            assert_eq!(found.as_deref(), Some(expected));
        }
    }

    #[test]
    fn a_secret_of_standard_webhooks_is_decoded() {
        // The example of the specification.
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let signed = b"msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{\"test\": 2432232314}";
        let found = mac(&value(secret), MacAlgorithm::HmacSha256, signed).unwrap();
        assert_eq!(BASE64.encode(found), "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        for none in ["whsec_", "whsec_*"] {
            assert!(mac(&value(none), MacAlgorithm::HmacSha256, signed).is_none());
        }
    }

    #[test]
    fn the_official_samples_of_wecom_are_signed_so() {
        for (timestamp, nonce, text, expected) in [
            (
                "1409659589",
                "263014780",
                crate::secret::wecom::ECHO,
                "5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3",
            ),
            (
                "1409659813",
                "1372623149",
                crate::secret::wecom::MESSAGE,
                "477715d11cdb4164915debcba66cb864d751f3e6",
            ),
        ] {
            let parts = [timestamp.to_owned(), nonce.to_owned(), text.to_owned()];
            assert_eq!(sorted_sha1(&value("QDG6eK"), &parts), expected);
        }
    }
}
