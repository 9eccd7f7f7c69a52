//! Tokens: 256 random bits as text that scanners recognise, and the keyed hash that is kept of them.
//!
//! `siyu_`, 43 symbols of base 62 for the bits, and 6 for a CRC-32 of all before: so a token in a log or a repository is
//! found and told from a chance resemblance without asking a host. Source of the form: the tokens of GitHub (2021).
//! A token is never printed by accident; whoever made it shows it once.

use std::fmt;

/// What every token begins with.
const PREFIX: &str = "siyu_";
/// Symbols that hold 256 bits: 62^43 > 2^256.
const SECRET_SYMBOLS: usize = 43;
/// Symbols that hold 32 bits.
const CHECK_SYMBOLS: usize = 6;
/// Symbols, by value.
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A token as its holder has it.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

/// What a host keeps of a token. Two are compared in constant time.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash(blake3::Hash);

impl Token {
    /// The token of these random bits.
    pub fn of(mut random: [u8; 32]) -> Self {
        let mut text = format!("{PREFIX}{}", base62(&mut random, SECRET_SYMBOLS));
        let check = crc32(text.as_bytes());
        text.push_str(&base62(&mut check.to_be_bytes(), CHECK_SYMBOLS));
        Self(text)
    }

    /// Reads what somebody presents; none when it is no token, whoever made it.
    pub fn read(text: &str) -> Option<Self> {
        let body = text.strip_prefix(PREFIX)?;
        let is_whole =
            body.len() == SECRET_SYMBOLS + CHECK_SYMBOLS && body.bytes().all(|b| b.is_ascii_alphanumeric());
        if !is_whole {
            return None;
        }
        let (signed, check) = text.split_at(text.len() - CHECK_SYMBOLS);
        let expected = base62(&mut crc32(signed.as_bytes()).to_be_bytes(), CHECK_SYMBOLS);
        (check == expected).then(|| Self(text.to_owned()))
    }

    /// The token itself, to be shown once to whoever it is for.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is kept of it, under a host's key.
    pub fn hash(&self, key: &[u8; 32]) -> TokenHash {
        TokenHash(blake3::keyed_hash(key, self.0.as_bytes()))
    }
}

impl TokenHash {
    /// The 32 bytes that a store keeps.
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// From the 32 bytes that a store kept.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(blake3::Hash::from_bytes(bytes))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("siyu_…")
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the hash of a token")
    }
}

/// So many digits of a number, most significant first. The number is used up.
fn base62(number: &mut [u8], digits: usize) -> String {
    let mut symbols = vec![b'0'; digits];
    for symbol in symbols.iter_mut().rev() {
        let mut rest = 0u32;
        for byte in number.iter_mut() {
            let value = rest * 256 + u32::from(*byte);
            // Both fit: the rest is below 62.
            *byte = (value / 62) as u8;
            rest = value % 62;
        }
        *symbol = ALPHABET[rest as usize];
    }
    symbols.into_iter().map(char::from).collect()
}

/// CRC-32 as in zip and Ethernet (ISO 3309).
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 32] = [7; 32];

    #[test]
    fn the_checksum_is_the_one_of_zip() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn a_token_holds_all_bits_and_reads_back() {
        let tokens = [[0; 32], [255; 32], *blake3::hash(b"a").as_bytes()].map(Token::of);
        for token in &tokens {
            assert_eq!(token.expose().len(), 54);
            assert_eq!(Token::read(token.expose()).as_ref(), Some(token));
        }
        // 62 = 10 in base 62.
        let mut last = [0; 32];
        last[31] = 62;
        assert_eq!(&Token::of(last).expose()[46..48], "10");
        assert_eq!(&tokens[0].expose()[..48], "siyu_0000000000000000000000000000000000000000000");
    }

    #[test]
    fn any_changed_symbol_and_any_other_length_is_noticed_without_a_host() {
        let token = Token::of(*blake3::hash(b"b").as_bytes());
        let text = token.expose();
        for at in 0..text.len() {
            let mut changed = text.as_bytes().to_vec();
            changed[at] = if changed[at] == b'x' { b'y' } else { b'x' };
            assert_eq!(Token::read(std::str::from_utf8(&changed).unwrap()), None, "symbol {at}");
        }
        let longer = format!("{text}0");
        for wrong in ["", "siyu_", &text[1..], &text[..53], &longer, "siyu_€€€€€€€€€€€€€€€€0"]
        {
            assert_eq!(Token::read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_hash_depends_on_the_key_and_nothing_prints_a_token() {
        let token = Token::of([1; 32]);
        assert_eq!(token.hash(&KEY), token.hash(&KEY));
        assert_ne!(token.hash(&KEY), token.hash(&[8; 32]));
        let hash = token.hash(&KEY);
        assert_eq!(TokenHash::from_bytes(*hash.as_bytes()), hash);
        let printed = format!("{token:?} {hash:?}");
        assert!(!printed.contains(&token.expose()[5..]), "{printed}");
    }
}
