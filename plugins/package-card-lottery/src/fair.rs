//! Fair numbers (公平数字): everything that is drawn comes from a sealed seed by HMAC-SHA-256, so that it can be computed
//! again by anybody once the seed is revealed. Never asks the host for anything but the seed's first bytes.

use std::fmt;
use std::fmt::Write;

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest, Sha256};

/// 32 bytes that only the plugin's own documents hold. Cannot be printed by accident; written as hexadecimal digits.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret([u8; 32]);

/// HMAC-SHA-256 under a secret, its key prepared once.
#[derive(Clone)]
pub struct Keyed(Hmac<Sha256>);

/// What one draw is named by: the message under the seed is `campaign|config_version|entry_key|draw_no|ctr`.
#[derive(Debug, Clone, Copy)]
pub struct Lot<'a> {
    /// The campaign.
    pub campaign: &'a str,
    /// The version of its rules, from 1.
    pub config_version: u32,
    /// What the draw was for, such as a card's token.
    pub entry_key: &'a str,
    /// How many draws the entry has had with this one.
    pub draw_no: u32,
}

/// A number that was drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Number {
    /// From 0 up to, and without, the total weight.
    pub r: u64,
    /// How many numbers before it were thrown away because they would have made some remainders likelier.
    pub ctr: u32,
}

impl Secret {
    /// A new one, from the host's randomness.
    pub(crate) fn random() -> Self {
        let mut secret = [0; 32];
        secret.copy_from_slice(&siyu_plugin::random::bytes(32));
        Self(secret)
    }

    /// These bytes.
    pub const fn of(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// From 64 hexadecimal digits.
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        if text.len() != 64 {
            return None;
        }
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            let digit = |symbol: u8| (symbol as char).to_digit(16);
            *byte = u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok()?;
        }
        Some(Self(bytes))
    }

    /// 64 hexadecimal digits: the secret is told.
    pub(crate) fn revealed(&self) -> String {
        hex(&self.0)
    }

    /// SHA-256 of the 32 bytes as hexadecimal digits: what is published before the first draw.
    pub fn commitment(&self) -> String {
        sha256_hex(&[&self.0])
    }

    /// A name behind which nobody finds the person without this secret: the first 128 bits of the SHA-256 of the secret,
    /// `kind`, a bar and `name`, as 32 hexadecimal digits. What is cut off cannot be extended.
    pub fn pseudonym(&self, kind: &str, name: &str) -> String {
        let mut digits = sha256_hex(&[&self.0, kind.as_bytes(), b"|", name.as_bytes()]);
        digits.truncate(32);
        digits
    }

    /// Prepared for use.
    pub fn keyed(&self) -> Keyed {
        // A key shorter than a block is filled up with zeros: RFC 2104.
        let mut block = [0; 64];
        block[..32].copy_from_slice(&self.0);
        Keyed(Hmac::new(&block.into()))
    }

    /// The seed after public randomness, such as a round of drand, was mixed in: nobody who knew the sealed seed could
    /// know this one.
    pub fn mixed_with(&self, source: &str, value: &str) -> Self {
        Self(self.keyed().of(&["public|", source, "|", value]))
    }
}

impl Keyed {
    /// The digest of a message, which is all parts one after another.
    pub fn of(&self, parts: &[&str]) -> [u8; 32] {
        let mut mac = self.0.clone();
        for part in parts {
            mac.update(part.as_bytes());
        }
        mac.finalize().into_bytes().into()
    }

    /// Draws a number below `total`, each equally likely. No floating point, no biased remainder: a number at or beyond
    /// the last whole multiple of `total` below 2^64 is thrown away.
    pub fn draw(&self, lot: Lot<'_>, total: u64) -> Number {
        if total == 0 {
            return Number { r: 0, ctr: 0 };
        }
        let mut message = String::with_capacity(lot.campaign.len() + lot.entry_key.len() + 32);
        // Writing to a String does not fail.
        let _ = write!(message, "{}|{}|{}|{}|", lot.campaign, lot.config_version, lot.entry_key, lot.draw_no);
        let stem = message.len();
        let whole = (1_u128 << 64) / u128::from(total) * u128::from(total);
        let mut ctr: u32 = 0;
        loop {
            message.truncate(stem);
            let _ = write!(message, "{ctr}");
            let u = first_u64(&self.of(&[&message]));
            // A digest that is thrown away 2^32 times in a row does not happen; the bound makes the loop end.
            if u128::from(u) < whole || ctr == u32::MAX {
                return Number { r: u % total, ctr };
            }
            ctr += 1;
        }
    }

    /// Where an entrant of a batch draw stands: the entrant with the smallest digest is first.
    pub fn rank(&self, campaign: &str, snapshot_hash: &str, entrant: &str) -> [u8; 32] {
        self.of(&[campaign, "|", snapshot_hash, "|", entrant])
    }
}

/// The first 8 bytes, big-endian.
fn first_u64(digest: &[u8; 32]) -> u64 {
    digest[..8].iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// Bytes as hexadecimal digits in small letters.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| DIGITS[usize::from(digit)]).collect()
}

/// SHA-256 of all parts one after another, as hexadecimal digits.
pub fn sha256_hex(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hex(&hash.finalize())
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl fmt::Debug for Keyed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keyed")
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.revealed())
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::from_hex(&text).ok_or_else(|| de::Error::custom("expected 64 hexadecimal digits"))
    }
}

#[cfg(test)]
mod tests;
