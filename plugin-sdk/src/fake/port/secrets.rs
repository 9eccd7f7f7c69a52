//! `secrets`: the code of the real host, over values that the test gives.

use siyu_model::limits::secrets::SORTED_PARTS_MAX;
use siyu_model::plugin::Capability;
use siyu_model::secret::mac::{self, MacAlgorithm as Algorithm};
use siyu_model::secret::{SecretValue, wecom};

use super::{Asked, ask};
use crate::error::{Error, ErrorCode};
use crate::secrets::MacAlgorithm;

fn algorithm(algorithm: MacAlgorithm) -> Algorithm {
    match algorithm {
        MacAlgorithm::HmacSha1 => Algorithm::HmacSha1,
        MacAlgorithm::HmacSha256 => Algorithm::HmacSha256,
        MacAlgorithm::HmacSha512 => Algorithm::HmacSha512,
    }
}

/// What the values make of data; one that is of no use is passed over.
fn made<T>(secret: &str, mut make: impl FnMut(&SecretValue) -> Option<T>) -> Asked<Vec<T>> {
    ask(Capability::Secrets, |state| {
        let call = state.call();
        if !call.is_delivery && !call.is_hook {
            return Err(Error::invalid("this call has no secrets: only channels and sources have"));
        }
        let values = state.secrets.get(secret).ok_or_else(|| {
            Error::new(
                ErrorCode::NotFound,
                format!("this call has no secret `{secret}`: give it with `secret`"),
            )
        })?;
        let made: Vec<T> = values.iter().filter_map(&mut make).collect();
        if made.is_empty() {
            return Err(Error::invalid(format!(
                "the secret `{secret}` or the data is not of the right form"
            )));
        }
        Ok(made)
    })
}

fn first<T>(secret: &str, mut make: impl FnMut(&SecretValue) -> Option<T>) -> Asked<T> {
    // The value in force comes first.
    let mut is_first = true;
    let made = made(secret, |value| std::mem::take(&mut is_first).then(|| make(value)).flatten())?;
    made.into_iter().next().ok_or_else(|| Error::invalid("there is no value"))
}

pub(crate) fn mac(secret: &str, how: MacAlgorithm, data: &[u8]) -> Asked<Vec<u8>> {
    first(secret, |value| mac::mac(value, algorithm(how), data))
}

pub(crate) fn macs(secret: &str, how: MacAlgorithm, data: &[u8]) -> Asked<Vec<Vec<u8>>> {
    made(secret, |value| mac::mac(value, algorithm(how), data))
}

pub(crate) fn is_mac(secret: &str, how: MacAlgorithm, data: &[u8], expected: &[u8]) -> Asked<bool> {
    let macs = macs(secret, how, data)?;
    Ok(macs.iter().any(|mac| mac::is_same(mac, expected)))
}

pub(crate) fn is_sorted_sha1(secret: &str, parts: &[String], expected: &str) -> Asked<bool> {
    if parts.len() > SORTED_PARTS_MAX {
        let found = parts.len();
        return Err(Error::invalid(format!("{found} parts: expected at most {SORTED_PARTS_MAX}")));
    }
    let sums = made(secret, |value| Some(mac::sorted_sha1(value, parts)))?;
    Ok(sums.iter().any(|sum| mac::is_same(sum.as_bytes(), expected.as_bytes())))
}

pub(crate) fn decrypt_wecom(secret: &str, data: &[u8]) -> Asked<Vec<u8>> {
    let mut plain = made(secret, |value| wecom::decrypt(value, data))?;
    let place = plain.iter().position(|plain| wecom::makes_sense(plain)).unwrap_or(0);
    Ok(plain.swap_remove(place))
}

pub(crate) fn encrypt_wecom(secret: &str, data: &[u8]) -> Asked<Vec<u8>> {
    first(secret, |value| wecom::encrypt(value, data))
}
