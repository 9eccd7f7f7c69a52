//! The secrets of one call, open: what a plugin may do with them.
//!
//! It knows only what the call was given, says in no answer what a value is, and keeps nothing when the call is over.

use std::collections::BTreeMap;

use siyu_engine::ports::plugins::{Asked, HostError};
use siyu_engine::ports::secrets::Secrets;
use siyu_model::limits::secrets::SORTED_PARTS_MAX;
use siyu_model::name::SecretName;
use siyu_model::secret::mac::{self, MacAlgorithm};
use siyu_model::secret::{SecretValue, wecom};

/// Values by the plugin's names, those in force first. None is empty.
pub(crate) struct Opened(pub(crate) BTreeMap<SecretName, Vec<SecretValue>>);

impl Opened {
    fn values(&self, secret: &str) -> Asked<&[SecretValue]> {
        let found = self.0.get(secret).map(Vec::as_slice).filter(|values| !values.is_empty());
        found.ok_or_else(|| {
            let known = self.0.keys().map(SecretName::as_str).collect::<Vec<_>>().join(", ");
            let known = if known.is_empty() { "none" } else { &known };
            let found: String = secret.chars().take(64).collect();
            HostError::NotFound(format!("this call has no secret `{found}`: its configuration names {known}"))
        })
    }

    /// What values make of data; which value it was is not said. One that is of no use, such as one that was set by mistake
    /// and replaced, is passed over.
    fn with<T>(
        &self,
        secret: &str,
        rule: &str,
        mut each: impl FnMut(&SecretValue) -> Option<T>,
    ) -> Asked<Vec<T>> {
        let values = self.values(secret)?;
        let made: Vec<T> = values.iter().filter_map(&mut each).collect();
        if made.is_empty() {
            return Err(HostError::Invalid(format!("the secret `{secret}` or the data: expected {rule}")));
        }
        Ok(made)
    }

    fn in_force<T>(
        &self,
        secret: &str,
        rule: &str,
        make: impl FnOnce(&SecretValue) -> Option<T>,
    ) -> Asked<T> {
        let made = self.values(secret)?.first().and_then(make);
        made.ok_or_else(|| HostError::Invalid(format!("the secret `{secret}` or the data: expected {rule}")))
    }
}

/// What a key of a MAC must be.
const MAC_RULE: &str = "a value that is base64 after `whsec_`, when it begins so";
/// What WeCom's cipher takes.
const WECOM_RULE: &str = "43 characters of base64 as the value, and data of 16 bytes or a multiple";

impl Secrets for Opened {
    fn mac(&self, secret: &str, algorithm: MacAlgorithm, data: &[u8]) -> Asked<Vec<u8>> {
        self.in_force(secret, MAC_RULE, |value| mac::mac(value, algorithm, data))
    }

    fn macs(&self, secret: &str, algorithm: MacAlgorithm, data: &[u8]) -> Asked<Vec<Vec<u8>>> {
        self.with(secret, MAC_RULE, |value| mac::mac(value, algorithm, data))
    }

    fn is_mac(&self, secret: &str, algorithm: MacAlgorithm, data: &[u8], expected: &[u8]) -> Asked<bool> {
        let macs = self.macs(secret, algorithm, data)?;
        // All of them are compared, so that the time does not say which one it was.
        Ok(macs.iter().fold(false, |is_one, mac| mac::is_same(mac, expected) | is_one))
    }

    fn is_sorted_sha1(&self, secret: &str, parts: &[String], expected: &str) -> Asked<bool> {
        if parts.len() > SORTED_PARTS_MAX {
            let found = parts.len();
            return Err(HostError::Invalid(format!("{found} parts: expected at most {SORTED_PARTS_MAX}")));
        }
        let sums = self.with(secret, "", |value| Some(mac::sorted_sha1(value, parts)))?;
        Ok(sums.iter().fold(false, |is_one, sum| mac::is_same(sum.as_bytes(), expected.as_bytes()) | is_one))
    }

    fn decrypt_wecom(&self, secret: &str, data: &[u8]) -> Asked<Vec<u8>> {
        let mut plain = self.with(secret, WECOM_RULE, |value| wecom::decrypt(value, data))?;
        let place = plain.iter().position(|plain| wecom::makes_sense(plain)).unwrap_or(0);
        Ok(plain.swap_remove(place))
    }

    fn encrypt_wecom(&self, secret: &str, data: &[u8]) -> Asked<Vec<u8>> {
        self.in_force(secret, WECOM_RULE, |value| wecom::encrypt(value, data))
    }

    fn reveal(&self, secret: &str) -> Asked<SecretValue> {
        self.in_force(secret, "a value", |value| Some(value.clone()))
    }
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;

    const KEY: &str = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C";
    const OLD: &str = "kWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C";

    fn opened(values: &[&str]) -> Opened {
        let value = |text: &&str| SecretValue::new(Zeroizing::new((*text).to_owned())).unwrap();
        Opened([("it".parse().unwrap(), values.iter().map(value).collect())].into())
    }

    #[test]
    fn a_mac_under_any_accepted_value_is_right_and_new_ones_are_made_under_the_one_in_force() {
        let (both, old) = (opened(&["new", "old"]), opened(&["old"]));
        let of = |secrets: &Opened| secrets.mac("it", MacAlgorithm::HmacSha256, b"data").unwrap();
        let is = |mac: &[u8]| both.is_mac("it", MacAlgorithm::HmacSha256, b"data", mac).unwrap();
        assert!(is(&of(&both)) && is(&of(&old)));
        assert_ne!(of(&both), of(&old));
        assert_eq!(both.macs("it", MacAlgorithm::HmacSha256, b"data").unwrap(), [of(&both), of(&old)]);
        assert!(!is(&of(&opened(&["older"]))) && !is(&[]) && !is(&of(&both)[1..]));
        assert!(!both.is_mac("it", MacAlgorithm::HmacSha1, b"data", &of(&both)).unwrap());
    }

    #[test]
    fn a_text_of_wecom_is_decrypted_under_whichever_value_made_it() {
        let plain = [vec![3; 16], vec![0, 0, 0, 2], b"hi".to_vec(), b"corp".to_vec(), vec![6; 6]].concat();
        let (both, old) = (opened(&[KEY, OLD]), opened(&[OLD]));
        for made in [both.encrypt_wecom("it", &plain), old.encrypt_wecom("it", &plain)] {
            assert_eq!(both.decrypt_wecom("it", &made.unwrap()).unwrap(), plain);
        }
    }

    #[test]
    fn what_cannot_be_done_is_said_without_the_value() {
        let canary = opened(&["whsec_canary*"]);
        for fault in [
            canary.mac("it", MacAlgorithm::HmacSha256, b"").unwrap_err(),
            canary.macs("it", MacAlgorithm::HmacSha256, b"").unwrap_err(),
            canary.is_mac("it", MacAlgorithm::HmacSha256, b"", b"").unwrap_err(),
            canary.decrypt_wecom("it", &[0; 16]).unwrap_err(),
            canary.encrypt_wecom("it", &[0; 15]).unwrap_err(),
            canary.is_sorted_sha1("it", &vec![String::new(); 9], "").unwrap_err(),
            canary.reveal("other").unwrap_err(),
        ] {
            assert!(!format!("{fault} {fault:?}").contains("canary"), "{fault}");
        }
        let fault = canary.reveal("other").unwrap_err().to_string();
        assert_eq!(fault, "this call has no secret `other`: its configuration names it");
    }

    #[test]
    fn a_signature_of_wecom_is_right_in_lower_case_alone() {
        let secrets = opened(&["QDG6eK"]);
        let text = "P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvnaqQ==";
        let parts = ["1409659589", "263014780", text].map(str::to_owned);
        let right = "5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3";
        assert!(secrets.is_sorted_sha1("it", &parts, right).unwrap());
        for wrong in ["", &right[1..], &right.to_uppercase(), &format!("{right} ")] {
            assert!(!secrets.is_sorted_sha1("it", &parts, wrong).unwrap(), "{wrong}");
        }
    }
}
