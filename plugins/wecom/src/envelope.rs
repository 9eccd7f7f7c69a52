//! What a callback is wrapped in (回调加解密): the signed query, its age, and the text under padding, length and receiver (document
//! 91144). The secrets stay with the host, which compares signatures and deciphers.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::xml::{Document, XmlError};

/// How far a request's time may be from the host's: as with other webhooks, five minutes either way.
pub const TOLERANCE_MS: i64 = 300_000;
/// What is padded to. It is 32, not the cipher's 16.
const BLOCK_BYTES: u8 = 32;
/// Random bytes before the length field.
const RANDOM_BYTES: usize = 16;

/// A request that says it comes from WeCom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// `msg_signature`: 40 hex digits.
    pub signature: String,
    /// `timestamp`, seconds.
    pub timestamp: String,
    /// `nonce`.
    pub nonce: String,
    /// The sealed text, base64: `echostr` when a URL is verified, `<Encrypt>` of a callback.
    pub sealed: String,
}

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// Something is missing, or there twice.
    #[error("`{0}` is there {1} times: expected once")]
    Query(&'static str, usize),
    /// The body is not what callbacks are.
    #[error("the body is no callback: {0}")]
    Body(#[from] XmlError),
    /// The body has no sealed text.
    #[error("the body has no `<Encrypt>`")]
    NotSealed,
    /// The body is not UTF-8.
    #[error("the body is not UTF-8")]
    NotText,
    /// The sealed text is not base64.
    #[error("the sealed text is not base64")]
    NotBase64,
    /// The time is none, or not now.
    #[error("the request's time is more than 5 minutes from now, or none")]
    Stale,
    /// Opened, it is not what WeCom seals: another key, or changed on its way.
    #[error("the sealed text opens to nothing that WeCom writes: {0}")]
    Broken(&'static str),
}

impl Envelope {
    /// Of a request that asks whether this URL can read callbacks.
    ///
    /// # Errors
    /// When a part of the query is missing.
    pub fn of_echo(query: &[(String, String)]) -> Result<Self, EnvelopeError> {
        // A plus that was not escaped comes as a space, and base64 has no spaces.
        let sealed = one(query, "echostr")?.replace(' ', "+");
        Self::of(query, sealed)
    }

    /// Of a callback.
    ///
    /// # Errors
    /// When a part of the query or the body is missing.
    pub fn of_callback(query: &[(String, String)], body: &[u8]) -> Result<Self, EnvelopeError> {
        let body = std::str::from_utf8(body).map_err(|_| EnvelopeError::NotText)?;
        let document = Document::read(body)?;
        let sealed = document.text("Encrypt").ok_or(EnvelopeError::NotSealed)?;
        Self::of(query, sealed.to_owned())
    }

    fn of(query: &[(String, String)], sealed: String) -> Result<Self, EnvelopeError> {
        let part = |name| one(query, name).map(str::to_owned);
        Ok(Self {
            signature: part("msg_signature")?,
            timestamp: part("timestamp")?,
            nonce: part("nonce")?,
            sealed,
        })
    }

    /// What is signed beside the callback's token.
    pub fn signed_parts(&self) -> [String; 3] {
        [self.timestamp.clone(), self.nonce.clone(), self.sealed.clone()]
    }

    /// Whether it was sent now. A request that is older may be one that somebody kept.
    ///
    /// # Errors
    /// When it was not.
    pub fn check_age(&self, now_ms: i64) -> Result<(), EnvelopeError> {
        let is_number =
            (1..=12).contains(&self.timestamp.len()) && self.timestamp.bytes().all(|b| b.is_ascii_digit());
        let at_s = self.timestamp.parse::<i64>().ok().filter(|_| is_number).ok_or(EnvelopeError::Stale)?;
        match (now_ms - at_s * 1000).abs() <= TOLERANCE_MS {
            true => Ok(()),
            false => Err(EnvelopeError::Stale),
        }
    }

    /// The sealed bytes, which the host deciphers.
    ///
    /// # Errors
    /// When it is not base64.
    pub fn sealed_bytes(&self) -> Result<Vec<u8>, EnvelopeError> {
        STANDARD.decode(&self.sealed).map_err(|_| EnvelopeError::NotBase64)
    }
}

/// The text in deciphered bytes: padding, length field and receiver are checked.
///
/// # Errors
/// When one of them is wrong.
pub fn open(plain: &[u8], receive_id: &str) -> Result<String, EnvelopeError> {
    let broken = |what| EnvelopeError::Broken(what);
    let pad =
        plain.last().copied().filter(|pad| (1..=BLOCK_BYTES).contains(pad)).ok_or(broken("its padding"))?;
    let end = plain.len().checked_sub(usize::from(pad)).ok_or(broken("its padding"))?;
    let (content, padding) = plain.split_at(end);
    if padding.iter().any(|byte| *byte != pad) {
        return Err(broken("its padding"));
    }
    let content = content.get(RANDOM_BYTES..).ok_or(broken("its length"))?;
    let (length, rest) = content.split_first_chunk::<4>().ok_or(broken("its length"))?;
    let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
    let (text, receiver) = rest.split_at_checked(length).ok_or(broken("its length field"))?;
    if receiver != receive_id.as_bytes() {
        return Err(broken("it is for another receiver"));
    }
    String::from_utf8(text.to_vec()).map_err(|_| broken("it is not UTF-8"))
}

/// The value of a name that is there once.
fn one<'a>(query: &'a [(String, String)], name: &'static str) -> Result<&'a str, EnvelopeError> {
    let mut values = query.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str());
    match (values.next(), values.count()) {
        (Some(value), 0) => Ok(value),
        (Some(_), more) => Err(EnvelopeError::Query(name, more + 1)),
        (None, _) => Err(EnvelopeError::Query(name, 0)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn query(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    const SIGNED: [(&str, &str); 3] =
        [("msg_signature", "5c45"), ("timestamp", "1409659589"), ("nonce", "263")];

    /// What WeCom would encipher.
    fn plain(text: &str, receiver: &str, pad_to: usize) -> Vec<u8> {
        let mut bytes = vec![7; 16];
        bytes.extend(u32::try_from(text.len()).unwrap().to_be_bytes());
        bytes.extend(text.bytes().chain(receiver.bytes()));
        let pad = pad_to - bytes.len() % pad_to;
        bytes.resize(bytes.len() + pad, u8::try_from(pad).unwrap());
        bytes
    }

    #[test]
    fn an_envelope_has_each_part_once() {
        let body = b"<xml><ToUserName>ww1</ToUserName><Encrypt><![CDATA[QUJD]]></Encrypt></xml>";
        let envelope = Envelope::of_callback(&query(&SIGNED), body).unwrap();
        assert_eq!(envelope.signed_parts(), ["1409659589", "263", "QUJD"]);
        assert_eq!(envelope.sealed_bytes().unwrap(), b"ABC");
        let twice = [SIGNED.as_slice(), &[("nonce", "1")]].concat();
        let fault = Envelope::of_callback(&query(&twice), body).unwrap_err();
        assert_eq!(fault.to_string(), "`nonce` is there 2 times: expected once");
        for (name, _) in SIGNED {
            let rest: Vec<_> = SIGNED.into_iter().filter(|(other, _)| *other != name).collect();
            let fault = Envelope::of_callback(&query(&rest), body).unwrap_err();
            assert_eq!(fault, EnvelopeError::Query(name, 0));
        }
        for (body, fault) in [
            (b"<xml></xml>".as_slice(), EnvelopeError::NotSealed),
            (b"\xff", EnvelopeError::NotText),
            (b"<xml><Encrypt><Item/></Encrypt></xml>", EnvelopeError::NotSealed),
        ] {
            assert_eq!(Envelope::of_callback(&query(&SIGNED), body), Err(fault));
        }
        let echo = [SIGNED.as_slice(), &[("echostr", "a b/c=")]].concat();
        assert_eq!(Envelope::of_echo(&query(&echo)).unwrap().sealed, "a+b/c=");
    }

    #[test]
    fn five_minutes_either_way_are_now() {
        let at = |timestamp: &str, now_ms: i64| {
            let mut envelope =
                Envelope::of_echo(&query(&[SIGNED.as_slice(), &[("echostr", "")]].concat())).unwrap();
            envelope.timestamp = timestamp.to_owned();
            envelope.check_age(now_ms).is_ok()
        };
        for (timestamp, now_ms, is_now) in [
            ("1409659589", 1_409_659_589_000, true),
            ("1409659589", 1_409_659_889_000, true),
            ("1409659589", 1_409_659_889_001, false),
            ("1409659589", 1_409_659_289_000, true),
            ("1409659589", 1_409_659_288_999, false),
            ("", 0, false),
            ("-1", 0, false),
            ("+1", 0, false),
            ("1 ", 0, false),
            ("１", 0, false),
            ("999999999999", i64::MIN + 1, false),
            ("9999999999999999999999", 0, false),
        ] {
            if now_ms > i64::MIN + 1 {
                assert_eq!(at(timestamp, now_ms), is_now, "{timestamp} at {now_ms}");
            }
        }
    }

    #[test]
    fn every_padding_up_to_32_is_read_and_no_other() {
        for length in 0..80 {
            let text = "x".repeat(length);
            assert_eq!(open(&plain(&text, "ww1", 32), "ww1").unwrap(), text);
        }
        let good = plain("hello", "ww1", 32);
        let changed = |place: usize, to: u8| {
            let mut bytes = good.clone();
            bytes[place] = to;
            open(&bytes, "ww1")
        };
        let last = good.len() - 1;
        for wrong in [0, 33, 255, good[last] - 1, good[last] + 1] {
            assert!(changed(last, wrong).is_err(), "{wrong}");
        }
        assert_eq!(changed(last - 1, 9), Err(EnvelopeError::Broken("its padding")));
        assert_eq!(changed(16, 1), Err(EnvelopeError::Broken("its length field")));
        assert_eq!(changed(19, 4), Err(EnvelopeError::Broken("it is for another receiver")));
        assert_eq!(open(&good, "ww2"), Err(EnvelopeError::Broken("it is for another receiver")));
        assert_eq!(open(&[], "ww1"), Err(EnvelopeError::Broken("its padding")));
        assert_eq!(open(&[1; 16], "ww1"), Err(EnvelopeError::Broken("its length")));
    }

    proptest! {
        #[test]
        fn nothing_opened_panics(bytes in proptest::collection::vec(any::<u8>(), 0..80), pad in 0u8..40) {
            let mut bytes = bytes;
            bytes.extend(std::iter::repeat_n(pad, usize::from(pad)));
            let _ = open(&bytes, "");
        }
    }
}
