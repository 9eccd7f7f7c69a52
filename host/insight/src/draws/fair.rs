//! Numbers from a revealed seed: HMAC-SHA-256 (RFC 2104, FIPS 180-4), as the lottery documents it.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// A seed that is public.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seed([u8; 32]);

/// HMAC-SHA-256 under a seed, its key prepared once.
#[derive(Clone)]
pub(super) struct Keyed(Hmac<Sha256>);

impl Seed {
    /// From 64 hexadecimal digits.
    pub(super) fn from_hex(text: &str) -> Option<Self> {
        let digits: Option<Vec<u8>> =
            text.chars().map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
        let digits = digits.filter(|digits| digits.len() == 64)?;
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = pair[0] << 4 | pair[1];
        }
        Some(Self(bytes))
    }

    /// What was published before the first draw: SHA-256 of the 32 bytes.
    pub(super) fn commitment(&self) -> String {
        sha256_hex(&[&self.0])
    }

    /// Prepared for use.
    pub(super) fn keyed(&self) -> Keyed {
        // A key shorter than a block is filled up with zeros.
        let mut block = [0; 64];
        block[..32].copy_from_slice(&self.0);
        Keyed(Hmac::new(&block.into()))
    }

    /// The seed after public randomness was mixed in.
    pub(super) fn mixed_with(&self, source: &str, value: &str) -> Self {
        Self(self.keyed().of(&["public|", source, "|", value]))
    }
}

impl Keyed {
    /// The digest of all parts one after another.
    pub(super) fn of(&self, parts: &[&str]) -> [u8; 32] {
        let mut mac = self.0.clone();
        for part in parts {
            mac.update(part.as_bytes());
        }
        mac.finalize().into_bytes().into()
    }

    /// The number below `total` of a draw, and how many numbers before it were thrown away. `stem` is
    /// `campaign|config_version|entry_key|draw_no`.
    pub(super) fn draw(&self, stem: &str, total: u64) -> (u64, u32) {
        if total == 0 {
            return (0, 0);
        }
        let whole = (1_u128 << 64) / u128::from(total) * u128::from(total);
        let mut ctr = 0;
        loop {
            let digest = self.of(&[stem, "|", &ctr.to_string()]);
            let number = digest[..8].iter().fold(0, |number: u64, byte| number << 8 | u64::from(*byte));
            // The bound makes the loop end; a digest thrown away 2^32 times in a row does not happen.
            if u128::from(number) < whole || ctr == u32::MAX {
                return (number % total, ctr);
            }
            ctr += 1;
        }
    }

    /// Where an entrant of a batch draw stands: the smallest digest is first.
    pub(super) fn rank(&self, campaign: &str, snapshot_hash: &str, entrant: &str) -> [u8; 32] {
        self.of(&[campaign, "|", snapshot_hash, "|", entrant])
    }
}

/// SHA-256 of all parts one after another.
pub(super) fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

/// The same as hexadecimal digits in small letters.
pub(super) fn sha256_hex(parts: &[&[u8]]) -> String {
    hex(&sha256(parts))
}

/// Bytes as hexadecimal digits in small letters.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The published vectors of the scheme: seed 00…1f.
    #[test]
    fn published_vectors_come_out() {
        let seed =
            Seed::from_hex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f").unwrap();
        assert_eq!(seed.commitment(), "630dcd2966c4336691125448bbb25b4ff412a49c732db2c8abc1b8581bd710dd");
        let keyed = seed.keyed();
        for (entry, first, r) in [
            ("card:0001", "0212bbcb71314408", 968),
            ("card:0002", "e9dcab67b74bfefe", 598),
            ("card:0003", "c6bd53dab3be4871", 297),
            ("card:0099", "80674ab791c45de7", 383),
        ] {
            let stem = format!("niukaixi-2026q4|1|{entry}|1");
            assert_eq!(hex(&keyed.of(&[&stem, "|0"])[..8]), first, "{entry}");
            assert_eq!(keyed.draw(&stem, 1_000), (r, 0), "{entry}");
        }
    }

    #[test]
    fn a_number_beyond_the_last_whole_multiple_is_thrown_away() {
        let keyed = Seed([7; 32]).keyed();
        // Almost half of all numbers are thrown away here.
        let total = (1 << 63) + 1;
        let thrown =
            (0..200).map(|entry| keyed.draw(&entry.to_string(), total).1).filter(|ctr| *ctr > 0).count();
        assert!((60..140).contains(&thrown), "{thrown}");
        assert!((0..200).all(|entry| keyed.draw(&entry.to_string(), total).0 < total));
        assert_eq!(keyed.draw("a", 1), (0, 0));
        assert_eq!(keyed.draw("a", 0), (0, 0));
    }

    #[test]
    fn only_64_digits_are_a_seed() {
        for text in ["", "00", &"g".repeat(64), &"0".repeat(63), &"0".repeat(65), &"牛".repeat(64)] {
            assert_eq!(Seed::from_hex(text), None, "{text}");
        }
    }
}
