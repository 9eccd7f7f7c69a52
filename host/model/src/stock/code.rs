//! Codes that people type: no look-alike symbols, one check symbol, one spelling.
//!
//! Alphabet of 31 symbols without 0, O, 1, I and L. A code of n symbols and a check symbol satisfies
//! `Σ i·v_i ≡ 0 (mod 31)` with places i = 1…n+1: as 31 is prime and larger than the number of places, every single
//! substitution and every transposition of two different symbols is detected. (Source: domain paper §4.2.)

/// The symbols, in the order of their values.
pub const ALPHABET: &str = "23456789ABCDEFGHJKMNPQRSTUVWXYZ";
/// Number of symbols; prime.
const BASE: usize = 31;
/// The fewest random symbols: 8 symbols are 39.6 bits.
pub const RANDOM_LEN_MIN: usize = 8;
/// The most random symbols: places must stay below the base.
pub const RANDOM_LEN_MAX: usize = 24;
/// The usual number of random symbols: 59.5 bits.
pub const RANDOM_LEN: usize = 12;

/// Why a text is not a code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// Not the right number of symbols.
    #[error("{found} symbols, expected {RANDOM_LEN_MIN} to {RANDOM_LEN_MAX} and a check symbol")]
    Length {
        /// Symbols found.
        found: usize,
    },
    /// A symbol that no code has.
    #[error("`{found}` at place {place} is in no code{hint}")]
    Symbol {
        /// The symbol.
        found: char,
        /// Its place, counted from 1.
        place: usize,
        /// What may have been meant.
        hint: &'static str,
    },
    /// The check symbol does not fit: a typing mistake.
    #[error("the check symbol does not fit: one symbol is mistyped or two are swapped")]
    Check,
}

fn value(symbol: u8) -> Option<usize> {
    ALPHABET.bytes().position(|known| known == symbol)
}

/// The check symbol of a body of symbols; none when a symbol is in no code.
pub fn check_symbol(body: &str) -> Option<char> {
    let mut sum = 0;
    let mut places = 0;
    for (place, symbol) in body.bytes().enumerate() {
        sum += (place + 1) * value(symbol)?;
        places = place + 1;
    }
    // Σ i·v_i + (n+1)·c ≡ 0, and n+1 < 31 has an inverse: try the 31 values.
    (0..BASE)
        .find(|check| (sum + (places + 1) * check).is_multiple_of(BASE))
        .map(|check| ALPHABET.as_bytes()[check] as char)
}

/// Makes a code of `random_len` symbols and its check symbol from random bytes, without bias: bytes from 248 up are
/// skipped, so it takes about 3 % more bytes than symbols. None when the bytes run out.
pub fn mint(random: impl IntoIterator<Item = u8>, random_len: usize) -> Option<String> {
    let unbiased = 256 / BASE * BASE;
    let mut code: String = random
        .into_iter()
        .filter(|byte| usize::from(*byte) < unbiased)
        .take(random_len)
        .map(|byte| ALPHABET.as_bytes()[usize::from(byte) % BASE] as char)
        .collect();
    if code.len() < random_len {
        return None;
    }
    let check = check_symbol(&code)?;
    code.push(check);
    Some(code)
}

/// What a person typed, in the one spelling: full-width letters become half-width, small become capital, and
/// hyphens, dots, underscores and spaces go.
pub fn normalise(typed: &str) -> String {
    typed
        .chars()
        .map(|c| match c {
            // The full-width forms of ! to ~ lie 0xFEE0 above them.
            '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
            '\u{3000}' => ' ',
            _ => c,
        })
        .filter(|c| !matches!(c, '-' | '_' | '.') && !c.is_whitespace())
        .map(|c| c.to_ascii_uppercase())
        .take(256)
        .collect()
}

/// Checks a normalised code of our own making, before any database is asked.
pub fn check(code: &str) -> Result<(), CodeError> {
    let found = code.chars().count();
    for (place, symbol) in code.chars().enumerate() {
        if !symbol.is_ascii() || value(symbol as u8).is_none() {
            let hint = match symbol {
                '0' | 'O' => ": codes have neither 0 nor O",
                '1' | 'I' | 'L' => ": codes have no 1, I or L",
                _ => "",
            };
            return Err(CodeError::Symbol { found: symbol, place: place + 1, hint });
        }
    }
    if !(RANDOM_LEN_MIN + 1..=RANDOM_LEN_MAX + 1).contains(&found) {
        return Err(CodeError::Length { found });
    }
    let (body, last) = code.split_at(code.len() - 1);
    if check_symbol(body).is_some_and(|symbol| last == symbol.to_string()) {
        Ok(())
    } else {
        Err(CodeError::Check)
    }
}

/// `7K9QW2XZ4MPTY` as people read it: `7K9Q-W2XZ-4MPT-Y`.
pub fn display(code: &str) -> String {
    let mut shown = String::with_capacity(code.len() + code.len() / 4);
    for (place, symbol) in code.chars().enumerate() {
        if place > 0 && place % 4 == 0 {
            shown.push('-');
        }
        shown.push(symbol);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_vectors_hold() {
        for (body, symbol) in [("222222222222", '2'), ("ABCDEFGHJKMN", '3'), ("7K9QW2XZ4MPT", 'Y')] {
            assert_eq!(check_symbol(body), Some(symbol), "{body}");
        }
        assert_eq!(display("7K9QW2XZ4MPTY"), "7K9Q-W2XZ-4MPT-Y");
    }

    #[test]
    fn every_substitution_and_every_transposition_is_detected() {
        let mut state = 1u64;
        let mut tried = (0u32, 0u32);
        for _ in 0..300 {
            let bytes = std::iter::repeat_with(|| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 56) as u8
            });
            let code = mint(bytes.take(100), RANDOM_LEN).unwrap();
            assert_eq!(check(&code), Ok(()));
            for place in 0..code.len() {
                for symbol in ALPHABET.chars().filter(|symbol| *symbol as u8 != code.as_bytes()[place]) {
                    let mut wrong = code.clone();
                    wrong.replace_range(place..=place, &symbol.to_string());
                    assert_eq!(check(&wrong), Err(CodeError::Check), "{code} -> {wrong}");
                    tried.0 += 1;
                }
                for other in place + 1..code.len() {
                    let mut swapped = code.clone().into_bytes();
                    swapped.swap(place, other);
                    let swapped = String::from_utf8(swapped).unwrap();
                    if swapped != code {
                        assert_eq!(check(&swapped), Err(CodeError::Check), "{code} -> {swapped}");
                        tried.1 += 1;
                    }
                }
            }
        }
        assert_eq!(tried.0, 117_000);
        assert!(tried.1 > 22_000, "{}", tried.1);
    }

    #[test]
    fn what_people_type_has_one_spelling() {
        for typed in ["7K9Q-W2XZ-4MPT-Y", " 7k9q w2xz 4mpt y ", "７Ｋ９Ｑ－Ｗ２ＸＺ.4MPT_Y", "7K9QW2XZ4MPTY"]
        {
            assert_eq!(normalise(typed), "7K9QW2XZ4MPTY", "{typed}");
        }
    }

    #[test]
    fn malformed_codes_are_refused_with_a_hint() {
        assert!(matches!(check("7K9QW2XZ4MP0Y"), Err(CodeError::Symbol { found: '0', place: 12, .. })));
        assert!(matches!(check("ABC"), Err(CodeError::Length { found: 3 })));
        assert!(matches!(check("优惠券"), Err(CodeError::Symbol { place: 1, .. })));
        assert!(check("").is_err());
        assert!(mint([255u8; 100], 12).is_none(), "biased bytes are never used");
    }
}
