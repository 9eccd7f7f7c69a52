//! One callback: its signature, its age and its seal are checked, and then it is read. The host has the secrets; it says yes or no.

use crate::envelope::{self, Envelope, EnvelopeError};
use crate::happening::{Happening, happenings};
use crate::xml::Document;

/// What only the host can do.
pub trait Vault {
    /// Whether a signature is that of the callback's token and these parts.
    ///
    /// # Errors
    /// When there is no such secret.
    fn is_signed(&self, parts: &[String], signature: &str) -> Result<bool, String>;
    /// Deciphers under the callback's key; the padding stays.
    ///
    /// # Errors
    /// When there is no such secret, or these cannot be deciphered.
    fn decipher(&self, sealed: &[u8]) -> Result<Vec<u8>, String>;
}

/// A request that came in.
#[derive(Debug, Clone, Copy)]
pub struct Hook<'a> {
    /// GET asks whether this URL is ours; POST is a callback.
    pub method: &'a str,
    /// Decoded.
    pub query: &'a [(String, String)],
    /// Its body.
    pub body: &'a [u8],
    /// When it came, in milliseconds since 1970.
    pub at_ms: i64,
}

/// What is answered to WeCom, and what it told.
#[derive(Debug, Clone, PartialEq)]
pub struct Accepted {
    /// The events.
    pub happenings: Vec<Happening>,
    /// The answer's body.
    pub answer: String,
}

/// Why a request is refused. Nothing of a secret is in the words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// It is not WeCom's.
    Unverified(String),
    /// It is not of its kind.
    Malformed(String),
    /// It is not of now.
    Stale(String),
}

/// Reads a request.
///
/// # Errors
/// When it is not one of WeCom's for this receiver, of now.
pub fn receive(vault: &dyn Vault, receive_id: &str, hook: Hook<'_>) -> Result<Accepted, Refused> {
    let is_echo = hook.method == "GET";
    let envelope = match is_echo {
        true => Envelope::of_echo(hook.query),
        false => Envelope::of_callback(hook.query, hook.body),
    };
    let envelope = envelope.map_err(malformed)?;
    let is_signed = vault.is_signed(&envelope.signed_parts(), &envelope.signature);
    match is_signed {
        Ok(true) => {}
        Ok(false) => {
            return Err(Refused::Unverified("`msg_signature` is not that of this request".to_owned()));
        }
        Err(why) => return Err(Refused::Unverified(why)),
    }
    envelope.check_age(hook.at_ms).map_err(|fault| Refused::Stale(fault.to_string()))?;
    let sealed = envelope.sealed_bytes().map_err(malformed)?;
    let plain = vault.decipher(&sealed).map_err(Refused::Unverified)?;
    let text = envelope::open(&plain, receive_id).map_err(|fault| Refused::Unverified(fault.to_string()))?;
    if is_echo {
        return Ok(Accepted { happenings: Vec::new(), answer: text });
    }
    let document = Document::read(&text).map_err(|fault| malformed(fault.into()))?;
    Ok(Accepted { happenings: happenings(&document), answer: "success".to_owned() })
}

fn malformed(fault: EnvelopeError) -> Refused {
    Refused::Malformed(fault.to_string())
}
