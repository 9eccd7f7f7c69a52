//! How callbacks are signed and sealed: SHA-1 over sorted strings, AES-256-CBC with padding to 32 bytes (document 91144).
//! Written for itself, so that what reads it is held against something that it did not write.

use aes::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use aes::{Aes256, Block};
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use sha1::{Digest, Sha1};

/// What is padded to: 32 bytes, twice the cipher's block.
const BLOCK_BYTES: usize = 32;
const NONCE_BYTES: usize = 16;

/// The 43 characters of a key hold 258 bits, and the last two need not be zero.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Seals and signs for one receiver.
#[derive(Clone)]
pub struct Seal {
    token: String,
    key: [u8; 32],
    /// The first half of the key.
    iv: [u8; 16],
    receive_id: String,
}

/// Why there is no seal, or why something cannot be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The key is not one.
    #[error("`EncodingAESKey` has {found} characters or bytes that are not base64: expected 43 for 32 bytes")]
    Key {
        /// How many characters.
        found: usize,
    },
    /// It was not sealed under this key, or was changed since.
    #[error("the text cannot be opened: {0}")]
    Broken(&'static str),
}

impl Seal {
    /// A seal of a callback's token and key, for a corp.
    ///
    /// # Errors
    /// When the key is not 43 characters of base64.
    pub fn new(token: &str, aes_key: &str, receive_id: &str) -> Result<Self, SealError> {
        let wrong = || SealError::Key { found: aes_key.chars().count() };
        let key = LENIENT.decode(aes_key).map_err(|_| wrong())?;
        let key = <[u8; 32]>::try_from(key).map_err(|_| wrong())?;
        let mut iv = [0; 16];
        iv.copy_from_slice(&key[..16]);
        Ok(Self { token: token.to_owned(), key, iv, receive_id: receive_id.to_owned() })
    }

    /// The signature of a request: hex of SHA-1 over the sorted token, timestamp, nonce and sealed text.
    pub fn sign(&self, timestamp: &str, nonce: &str, sealed: &str) -> String {
        let mut parts = [self.token.as_str(), timestamp, nonce, sealed];
        parts.sort_unstable();
        let digest = Sha1::digest(parts.concat().as_bytes());
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Seals a text. `random` is what it begins with.
    pub fn close(&self, text: &str, random: [u8; NONCE_BYTES]) -> String {
        let mut plain = random.to_vec();
        let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
        plain.extend(length.to_be_bytes());
        plain.extend(text.as_bytes());
        plain.extend(self.receive_id.as_bytes());
        let pad = BLOCK_BYTES - plain.len() % BLOCK_BYTES;
        let filling = u8::try_from(pad).unwrap_or(0);
        plain.resize(plain.len() + pad, filling);
        let (blocks, _) = Block::slice_as_chunks_mut(&mut plain);
        cbc::Encryptor::<Aes256>::new((&self.key).into(), (&self.iv).into()).encrypt_blocks(blocks);
        LENIENT.encode(plain)
    }

    /// Deciphers sealed bytes; the padding stays.
    ///
    /// # Errors
    /// When they are no whole blocks.
    pub fn decipher(&self, mut bytes: Vec<u8>) -> Result<Vec<u8>, SealError> {
        let (blocks, rest) = Block::slice_as_chunks_mut(&mut bytes);
        if !rest.is_empty() {
            return Err(SealError::Broken("its length is no multiple of 16"));
        }
        cbc::Decryptor::<Aes256>::new((&self.key).into(), (&self.iv).into()).decrypt_blocks(blocks);
        Ok(bytes)
    }

    /// Opens what was sealed.
    ///
    /// # Errors
    /// When it is not what this seal closes.
    pub fn open(&self, sealed: &str) -> Result<String, SealError> {
        let bytes = LENIENT.decode(sealed).map_err(|_| SealError::Broken("it is not base64"))?;
        let plain = self.decipher(bytes)?;
        let pad = usize::from(plain.last().copied().unwrap_or(0));
        let end = plain.len().checked_sub(pad).filter(|_| (1..=BLOCK_BYTES).contains(&pad));
        let plain = end.and_then(|end| plain.get(..end)).ok_or(SealError::Broken("its padding"))?;
        let (head, rest) = plain.split_at_checked(NONCE_BYTES + 4).ok_or(SealError::Broken("its length"))?;
        let length = head[NONCE_BYTES..].iter().fold(0, |sum: usize, byte| sum << 8 | usize::from(*byte));
        let (text, receive_id) =
            rest.split_at_checked(length).ok_or(SealError::Broken("its length field"))?;
        if receive_id != self.receive_id.as_bytes() {
            return Err(SealError::Broken("it is for another receiver"));
        }
        String::from_utf8(text.to_vec()).map_err(|_| SealError::Broken("it is not UTF-8"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C";
    const ECHO: &str =
        "P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvnaqQ==";

    fn seal() -> Seal {
        Seal::new("QDG6eK", KEY, "wx5823bf96d3bd56c7").unwrap()
    }

    #[test]
    fn the_official_sample_is_signed_and_opened() {
        let signature = seal().sign("1409659589", "263014780", ECHO);
        assert_eq!(signature, "5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3");
        assert_eq!(seal().open(ECHO).unwrap(), "1616140317555161061");
    }

    #[test]
    fn what_is_closed_opens_at_every_length_of_padding() {
        for length in 0..70 {
            let text = "x".repeat(length);
            let sealed = seal().close(&text, [length as u8; 16]);
            assert_eq!(LENIENT.decode(&sealed).unwrap().len() % BLOCK_BYTES, 0, "{length}");
            assert_eq!(seal().open(&sealed).unwrap(), text);
        }
    }

    #[test]
    fn what_is_not_this_seals_does_not_open() {
        let sealed = seal().close("hello", [7; 16]);
        let other = Seal::new("QDG6eK", KEY, "ww1").unwrap();
        assert_eq!(other.open(&sealed), Err(SealError::Broken("it is for another receiver")));
        for wrong in ["", "?", "AAAA", &sealed[..40]] {
            assert!(seal().open(wrong).is_err(), "{wrong}");
        }
        assert_eq!(Seal::new("t", "short", "c").err(), Some(SealError::Key { found: 5 }));
    }
}
