//! Identifiers: UUIDv7 newtypes with a typed text form such as `run_01k9…`.
//!
//! Ids are *derived*, never drawn: the time part is the instant of the cause and the rest is a hash of the cause, so
//! that re-executing a command after a crash gives the same ids. They are unique and ordered by time, not secret.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

use crate::clock::UtcMs;

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is not {article} {kind} id: expected `{prefix}` and 26 of the characters {ALPHABET}")]
pub struct IdError {
    found: String,
    article: &'static str,
    kind: &'static str,
    prefix: &'static str,
}

/// Crockford's base 32 in lower case: no `i`, `l`, `o`, `u`.
const ALPHABET: &str = "0123456789abcdefghjkmnpqrstvwxyz";
/// 128 bits in groups of five.
const TEXT_LEN: usize = 26;

/// Makes a UUIDv7 from the instant of a cause and a hash of what the id stands for.
///
/// The same arguments give the same id. Parts are length-prefixed, so `["ab", "c"]` and `["a", "bc"]` differ.
pub fn derive_uuid(at: UtcMs, parts: &[&[u8]]) -> Uuid {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    let mut random = [0u8; 10];
    random.copy_from_slice(&hasher.finalize().as_bytes()[..10]);
    let millis = u64::try_from(at.as_millis()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}

fn encode(id: Uuid, prefix: &str, out: &mut String) {
    let bits = id.as_u128();
    out.push_str(prefix);
    for group in (0..TEXT_LEN).rev() {
        let five = (bits >> (5 * group)) & 0x1f;
        out.push(ALPHABET.as_bytes()[five as usize] as char);
    }
}

fn decode(text: &str) -> Option<Uuid> {
    if text.len() != TEXT_LEN {
        return None;
    }
    let mut bits: u128 = 0;
    for (place, byte) in text.bytes().enumerate() {
        let five = ALPHABET.bytes().position(|symbol| symbol == byte)? as u128;
        // The first symbol holds only three bits.
        if place == 0 && five > 7 {
            return None;
        }
        bits = (bits << 5) | five;
    }
    Some(Uuid::from_u128(bits))
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $article:literal, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// What its text form begins with.
            pub const PREFIX: &'static str = $prefix;

            /// The id of what a cause makes; the same arguments give the same id.
            pub fn derive(at: UtcMs, parts: &[&[u8]]) -> Self {
                Self(derive_uuid(at, parts))
            }

            /// The 16 bytes that a store keeps.
            pub fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }

            /// From the 16 bytes that a store kept.
            pub fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut text = String::with_capacity(Self::PREFIX.len() + TEXT_LEN);
                encode(self.0, Self::PREFIX, &mut text);
                f.write_str(&text)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                text.strip_prefix(Self::PREFIX).and_then(decode).map(Self).ok_or_else(|| IdError {
                    found: text.chars().take(64).collect(),
                    article: $article,
                    kind: $kind,
                    prefix: Self::PREFIX,
                })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(de::Error::custom)
            }
        }
    };
}

id!(
    /// A customer: one person, whatever names the outside knows them by.
    CustomerId, "cus_", "a", "customer"
);
id!(
    /// One execution of a workflow.
    RunId, "run_", "a", "run"
);
id!(
    /// A wait of a run for an event or an instant.
    WaitId, "wai_", "a", "wait"
);
id!(
    /// Something that falls due.
    TimerId, "tmr_", "a", "timer"
);
id!(
    /// A message to a customer over a channel.
    MessageId, "msg_", "a", "message"
);
id!(
    /// A claim on units of a pool.
    ReservationId, "rsv_", "a", "reservation"
);
id!(
    /// A posting: transfers between accounts that were made together.
    PostingId, "pst_", "a", "posting"
);
id!(
    /// A pass over many customers that starts runs or re-evaluates a segment.
    ScanId, "scn_", "a", "scan"
);
id!(
    /// A host: one process that executes tenants, drawn anew each time it starts.
    HostId, "hst_", "a", "host"
);
id!(
    /// A token: who may do what, without the secret that proves it.
    TokenId, "tok_", "a", "token"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_its_text_form() {
        let id = RunId::derive(UtcMs::from_millis(1_764_000_000_000), &[b"a", b"b"]);
        let text = id.to_string();
        assert!(text.starts_with("run_"), "{text}");
        assert_eq!(text.len(), 30);
        assert_eq!(text.parse::<RunId>().unwrap(), id);
    }

    #[test]
    fn the_same_cause_gives_the_same_id_and_another_cause_another() {
        let at = UtcMs::from_millis(1);
        assert_eq!(RunId::derive(at, &[b"ab", b"c"]), RunId::derive(at, &[b"ab", b"c"]));
        assert_ne!(RunId::derive(at, &[b"ab", b"c"]), RunId::derive(at, &[b"a", b"bc"]));
    }

    #[test]
    fn ids_sort_by_time() {
        let early = RunId::derive(UtcMs::from_millis(1_000), &[b"z"]);
        let late = RunId::derive(UtcMs::from_millis(2_000), &[b"a"]);
        assert!(early < late);
        assert!(early.to_string() < late.to_string());
    }

    #[test]
    fn an_id_of_another_kind_is_refused_in_words() {
        let id = RunId::derive(UtcMs::from_millis(1), &[b"a"]).to_string();
        let message = id.parse::<CustomerId>().unwrap_err().to_string();
        assert!(message.contains("is not a customer id: expected `cus_`"), "{message}");
        assert!("run_zzzzzzzzzzzzzzzzzzzzzzzzzz".parse::<RunId>().is_err(), "130 bits do not fit");
        assert!("run_".parse::<RunId>().is_err());
    }
}
