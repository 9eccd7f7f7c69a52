//! Secrets: values that are used and never shown, and what is made of them.
//!
//! It seals nothing and keeps nothing: a value that exists follows the rule, is wiped when nobody has it any more, and
//! says nothing of itself when it is printed.

pub mod mac;
pub mod wecom;

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::limits::secrets::VALUE_BYTES_MAX;

/// Why a text cannot be the value of a secret. It never holds the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// Nothing.
    #[error("the value is empty: expected 1 to {VALUE_BYTES_MAX} bytes of text")]
    Empty,
    /// Too much.
    #[error("the value has {found} bytes: expected 1 to {VALUE_BYTES_MAX}")]
    TooLong {
        /// How many.
        found: usize,
    },
    /// Not text.
    #[error("the value is no text in UTF-8: expected text, such as base64 for a key of bytes")]
    NotText,
    /// What nobody sees and nobody means.
    #[error(
        "the value has white space at its beginning or end, or a control character that is no line break or tab: \
         expected none; one line break at the end is left away"
    )]
    Stray,
}

/// The value of a secret: 1 to [`VALUE_BYTES_MAX`] bytes of text. Cloning shares it; the last one that is dropped wipes it.
#[derive(Clone)]
pub struct SecretValue(Arc<Zeroizing<String>>);

impl SecretValue {
    /// Checks the rule of values. A line break at the end, which editors and `echo` add, is left away.
    ///
    /// # Errors
    /// It is empty, too long, or has white space that nobody sees.
    pub fn new(text: Zeroizing<String>) -> Result<Self, SecretError> {
        let body = text.strip_suffix('\n').map(|text| text.strip_suffix('\r').unwrap_or(text));
        let text = match body {
            Some(body) => Zeroizing::new(body.to_owned()),
            None => text,
        };
        if text.is_empty() {
            return Err(SecretError::Empty);
        }
        if text.len() > VALUE_BYTES_MAX {
            return Err(SecretError::TooLong { found: text.len() });
        }
        let is_stray = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
        if text.trim() != text.as_str() || text.chars().any(is_stray) {
            return Err(SecretError::Stray);
        }
        Ok(Self(Arc::new(text)))
    }

    /// The same from bytes.
    ///
    /// # Errors
    /// They are no text, or the text is no value.
    pub fn from_bytes(bytes: Zeroizing<Vec<u8>>) -> Result<Self, SecretError> {
        let text = str::from_utf8(&bytes).map_err(|_| SecretError::NotText)?;
        Self::new(Zeroizing::new(text.to_owned()))
    }

    /// The value itself, for what is computed from it or filled in. Whoever calls this must not print it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a secret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Result<SecretValue, SecretError> {
        SecretValue::new(Zeroizing::new(text.to_owned()))
    }

    #[test]
    fn one_line_break_at_the_end_is_left_away() {
        for text in ["hush", "hush\n", "hush\r\n"] {
            assert_eq!(value(text).unwrap().expose(), "hush");
        }
        assert_eq!(value("-----BEGIN-----\nabc\n-----END-----\n").unwrap().expose().lines().count(), 3);
    }

    #[test]
    fn what_is_no_value_is_refused_without_showing_it() {
        let long = "x".repeat(VALUE_BYTES_MAX + 1);
        for (text, expected) in [
            ("", SecretError::Empty),
            ("\n", SecretError::Empty),
            (long.as_str(), SecretError::TooLong { found: VALUE_BYTES_MAX + 1 }),
            (" canary", SecretError::Stray),
            ("canary\n\n", SecretError::Stray),
            ("can\0ary", SecretError::Stray),
            ("can\u{1b}ary", SecretError::Stray),
        ] {
            let fault = value(text).unwrap_err();
            assert_eq!(fault, expected);
            assert!(!format!("{fault} {fault:?}").contains("canary"));
        }
        let bytes = SecretValue::from_bytes(Zeroizing::new(vec![0xff, 0xfe]));
        assert_eq!(bytes.unwrap_err(), SecretError::NotText);
    }

    #[test]
    fn a_value_prints_nothing_of_itself() {
        assert_eq!(format!("{:?}", value("canary").unwrap()), "a secret");
    }
}
