//! The cipher of WeCom's callbacks: AES-256-CBC, the key from 43 characters of base64.
//!
//! Padding, length and receiver are the plugin's to check: here are the bytes. Source: developer.work.weixin.qq.com,
//! path/91144.

use aes::Aes256;
use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use cbc::cipher::{Block, BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use zeroize::Zeroizing;

use super::SecretValue;

/// Characters of an `EncodingAESKey`.
const KEY_CHARS: usize = 43;
/// Bytes of a block.
const BLOCK_BYTES: usize = 16;
/// Bytes to which texts are padded: twice a block of AES.
const PADDED_TO: u8 = 32;
/// Random bytes before the length of a text, and the four of the length.
const HEAD_BYTES: usize = 20;

/// The last character of a real key has bits beyond 256, which a strict decoder refuses.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The key and the IV, which is the beginning of the key.
struct Keys(Zeroizing<Vec<u8>>);

impl Keys {
    fn of(value: &SecretValue) -> Option<Self> {
        let value = value.expose();
        if value.len() != KEY_CHARS {
            return None;
        }
        let key = Zeroizing::new(LENIENT.decode(value).ok()?);
        (key.len() == 32).then_some(Self(key))
    }

    fn cipher<C: KeyIvInit>(&self) -> Option<C> {
        C::new_from_slices(&self.0, self.0.get(..BLOCK_BYTES)?).ok()
    }
}

/// Whole blocks decrypted; none when the value is no key or a block is not whole.
pub fn decrypt(value: &SecretValue, data: &[u8]) -> Option<Vec<u8>> {
    let mut cipher: cbc::Decryptor<Aes256> = Keys::of(value)?.cipher()?;
    blocks(data, |block| cipher.decrypt_block(block))
}

/// Whole blocks encrypted; none when the value is no key or a block is not whole.
pub fn encrypt(value: &SecretValue, data: &[u8]) -> Option<Vec<u8>> {
    let mut cipher: cbc::Encryptor<Aes256> = Keys::of(value)?.cipher()?;
    blocks(data, |block| cipher.encrypt_block(block))
}

fn blocks(data: &[u8], mut change: impl FnMut(&mut Block<Aes256>)) -> Option<Vec<u8>> {
    if data.is_empty() || !data.len().is_multiple_of(BLOCK_BYTES) {
        return None;
    }
    let mut data = data.to_vec();
    for chunk in data.chunks_exact_mut(BLOCK_BYTES) {
        change(chunk.try_into().ok()?);
    }
    Some(data)
}

/// Whether decrypted bytes look like a text of WeCom: its padding and its length fit. What another key makes of the data
/// passes once in some billions.
pub fn makes_sense(plain: &[u8]) -> bool {
    let Some(&pad) = plain.last() else { return false };
    if !(1..=PADDED_TO).contains(&pad) || usize::from(pad) > plain.len() {
        return false;
    }
    let (body, padding) = plain.split_at(plain.len() - usize::from(pad));
    let length = body.get(HEAD_BYTES - 4..HEAD_BYTES).and_then(|bytes| bytes.first_chunk::<4>());
    let Some(length) = length.map(|bytes| u32::from_be_bytes(*bytes) as usize) else { return false };
    padding.iter().all(|byte| *byte == pad) && length <= body.len() - HEAD_BYTES
}

/// The official sample of a request that asks whether a URL is right.
#[cfg(test)]
pub(super) const ECHO: &str =
    "P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvnaqQ==";
/// The official sample of a message.
#[cfg(test)]
pub(super) const MESSAGE: &str = "RypEvHKD8QQKFhvQ6QleEB4J58tiPdvo+rtK1I9qca6aM/wvqnLSV5zEPeusUiX5L5X/0lWfrf0QADHHhGd3QczcdCUpj911L3vg3W/sYYvuJT\
    s3TUUkSUXxaccAS0qhxchrRYt66wiSpGLYL42aM6A8dTT+6k4aSknmPj48kzJs8qLjvd4Xgpue06DOdnLxAUHzM6+kDZ+HMZfJYuR+LtwGc2hg\
    f5gsijff0ekUNXZiqATP7PF5mZxZ3Izoun1s4zG4LUMnvw2r+KqCKIw+3IQH03v+BCA9nMELNqbSf6tiWSrXJB3LAVGUcallcrw8V2t9EL4Ehz\
    JWrQUax5wLVMNS0+rUPA3k22Ncx4XXZS9o0MBH27Bo6BpNelZpS+/uh9KsNlY6bHCmJU9p8g7m3fVKn28H3KDYA5Pl/T8Z1ptDAVe0lXdQ2Yoy\
    yH2uyPIGHBZZIs2pDBS8R07+qN+E7Q==";

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> SecretValue {
        SecretValue::new(Zeroizing::new(text.to_owned())).unwrap()
    }

    const KEY: &str = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C";

    #[test]
    fn the_official_sample_of_an_echo_opens() {
        let data = LENIENT.decode(ECHO).unwrap();
        let plain = decrypt(&value(KEY), &data).unwrap();
        assert!(makes_sense(&plain));
        assert_eq!(&plain[16..39], b"\0\0\0\x131616140317555161061");
        assert_eq!(&plain[39..57], b"wx5823bf96d3bd56c7");
        assert_eq!(&plain[57..], [7; 7]);
        assert_eq!(encrypt(&value(KEY), &plain).unwrap(), data);
    }

    #[test]
    fn the_official_sample_of_a_message_opens() {
        let data = LENIENT.decode(MESSAGE).unwrap();
        let plain = decrypt(&value(KEY), &data).unwrap();
        assert!(makes_sense(&plain));
        let (head, rest) = plain.split_at(HEAD_BYTES);
        let length = u32::from_be_bytes(*head.last_chunk::<4>().unwrap()) as usize;
        let (text, receiver) = rest.split_at(length);
        let text = str::from_utf8(text).unwrap();
        assert!(text.starts_with("<xml>") && text.contains("<Content><![CDATA[hello]]></Content>"), "{text}");
        assert!(receiver.starts_with(b"wx5823bf96d3bd56c7"));
        assert_eq!(encrypt(&value(KEY), &plain).unwrap(), data);
    }

    #[test]
    fn what_is_no_key_or_no_block_gives_nothing() {
        let data = [0; 32];
        for key in ["a", &KEY[1..], &format!("{KEY}="), &format!("*{}", &KEY[1..])] {
            assert!(decrypt(&value(key), &data).is_none() && encrypt(&value(key), &data).is_none(), "{key}");
        }
        for length in [0, 1, 15, 17] {
            assert!(decrypt(&value(KEY), &vec![0; length]).is_none(), "{length}");
        }
    }

    #[test]
    fn what_another_key_makes_of_a_text_makes_no_sense() {
        let data = LENIENT.decode(ECHO).unwrap();
        let other = format!("k{}", &KEY[1..]);
        assert!(!makes_sense(&decrypt(&value(&other), &data).unwrap()));
        for (plain, expected) in [
            (vec![], false),
            (vec![33; 40], false),
            (vec![0; 32], false),
            ([vec![0; 20], vec![12; 12]].concat(), true),
            ([vec![0; 16], vec![0, 0, 0, 1], vec![12; 12]].concat(), false),
            ([vec![0; 20], vec![2; 11], vec![3]].concat(), false),
        ] {
            assert_eq!(makes_sense(&plain), expected, "{plain:?}");
        }
    }
}
