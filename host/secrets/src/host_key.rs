//! The keys of a host: one that is in force, and those that it replaces.
//!
//! It reads no file and no environment: it is given their text. It prints a key's name, never the key.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use siyu_engine::ports::secrets::KEY_ID_BYTES;
use siyu_model::limits::secrets::HOST_KEYS_MAX;
use zeroize::Zeroizing;

/// Bytes of a key.
const BYTES: usize = 32;
/// What a key's name is derived under.
const NAME_CONTEXT: &str = "siyu 2026-11 name of a key for secrets";

/// Why a text holds no keys. It never holds the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// None or too many.
    #[error("{found} keys: expected 1 to {HOST_KEYS_MAX}, the one in force first")]
    Count {
        /// How many.
        found: usize,
    },
    /// One that is no base64 of so many bytes.
    #[error(
        "key {place} is not base64 of 32 bytes: expected 44 characters, as `siyu secrets key` makes them"
    )]
    Form {
        /// From 1.
        place: usize,
    },
    /// One that is there twice.
    #[error("key {place} is there twice: expected different keys")]
    Twice {
        /// From 1.
        place: usize,
    },
}

/// One key of a host: 256 bits.
#[derive(Clone)]
pub struct HostKey(Zeroizing<[u8; BYTES]>);

impl HostKey {
    /// The key of these random bits.
    pub fn of(random: Zeroizing<[u8; BYTES]>) -> Self {
        Self(random)
    }

    /// The key as text, for whoever keeps it.
    pub fn expose(&self) -> Zeroizing<String> {
        Zeroizing::new(STANDARD.encode(*self.0))
    }

    /// What it is called; says nothing about it.
    pub fn id(&self) -> [u8; KEY_ID_BYTES] {
        let derived = blake3::derive_key(NAME_CONTEXT, &*self.0);
        let mut id = [0; KEY_ID_BYTES];
        id.copy_from_slice(&derived[..KEY_ID_BYTES]);
        id
    }

    pub(crate) fn bytes(&self) -> &[u8; BYTES] {
        &self.0
    }

    fn read(text: &str) -> Option<Self> {
        let mut bytes = Zeroizing::new([0; BYTES]);
        // 44 characters may say 33 bytes, so there is room for one more.
        let mut room = Zeroizing::new([0; BYTES + 1]);
        let length = STANDARD.decode_slice(text, &mut *room).ok()?;
        bytes.copy_from_slice(room.get(..length).filter(|found| found.len() == BYTES)?);
        Some(Self(bytes))
    }
}

/// `key 3f2a…`: its name.
impl fmt::Debug for HostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "key {}", hex(&self.id()))
    }
}

/// The keys of a host; perhaps none.
#[derive(Clone, Default)]
pub struct HostKeys(Vec<HostKey>);

impl HostKeys {
    /// No key: nothing can be sealed or opened.
    pub fn none() -> Self {
        Self::default()
    }

    /// Reads keys in base64 with white space or commas between them; the first one is in force. Lines that begin with `#`
    /// are for people.
    ///
    /// # Errors
    /// There is none, there are too many, or one is none.
    pub fn read(text: &str) -> Result<Self, KeyError> {
        let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
        let words = lines.flat_map(|line| line.split(|c: char| c.is_whitespace() || c == ','));
        let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        if words.is_empty() || words.len() > HOST_KEYS_MAX {
            return Err(KeyError::Count { found: words.len() });
        }
        let mut keys: Vec<HostKey> = Vec::with_capacity(words.len());
        for (word, place) in words.iter().zip(1..) {
            let key = HostKey::read(word).ok_or(KeyError::Form { place })?;
            if keys.iter().any(|known| known.id() == key.id()) {
                return Err(KeyError::Twice { place });
            }
            keys.push(key);
        }
        Ok(Self(keys))
    }

    /// The one that is in force.
    pub(crate) fn in_force(&self) -> Option<&HostKey> {
        self.0.first()
    }

    /// The one of a name.
    pub(crate) fn find(&self, id: &[u8; KEY_ID_BYTES]) -> Option<&HostKey> {
        self.0.iter().find(|key| key.id() == *id)
    }
}

/// Their names.
impl fmt::Display for HostKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("no key");
        }
        for (place, key) in self.0.iter().enumerate() {
            write!(f, "{}{key:?}", if place == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

impl fmt::Debug for HostKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> String {
        HostKey::of(Zeroizing::new([byte; 32])).expose().to_string()
    }

    #[test]
    fn keys_are_read_in_their_order_whatever_is_between_them() {
        let (new, old) = (key(1), key(2));
        for text in [
            format!("{new}\n{old}\n"),
            format!("{new},{old}"),
            format!("# new\n{new}\r\n\n  # old\n  {old}  "),
        ] {
            let keys = HostKeys::read(&text).unwrap();
            assert_eq!(keys.in_force().unwrap().bytes(), &[1; 32]);
            assert!(keys.find(&HostKey::of(Zeroizing::new([2; 32])).id()).is_some());
        }
    }

    #[test]
    fn what_is_no_key_is_refused_without_showing_it() {
        let long = STANDARD.encode([7; 33]);
        let short = STANDARD.encode([7; 31]);
        let many = (1..=5).map(key).collect::<Vec<_>>().join("\n");
        for (text, expected) in [
            ("", KeyError::Count { found: 0 }),
            ("# canary", KeyError::Count { found: 0 }),
            (many.as_str(), KeyError::Count { found: 5 }),
            ("canary", KeyError::Form { place: 1 }),
            (long.as_str(), KeyError::Form { place: 1 }),
            (short.as_str(), KeyError::Form { place: 1 }),
            (&format!("{},{}", key(1), key(1)), KeyError::Twice { place: 2 }),
        ] {
            let fault = HostKeys::read(text).unwrap_err();
            assert_eq!(fault, expected, "{text}");
            assert!(!format!("{fault} {fault:?}").contains("canary"));
        }
    }

    #[test]
    fn a_key_prints_its_name_alone() {
        let keys = HostKeys::read(&key(3)).unwrap();
        let shown = format!("{keys:?} {keys}");
        assert!(
            shown.starts_with("key ") && !shown.contains(&key(3)) && !shown.contains("03030303"),
            "{shown}"
        );
        assert_eq!(HostKeys::none().to_string(), "no key");
    }
}
