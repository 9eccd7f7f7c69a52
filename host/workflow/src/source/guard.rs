//! What no file may hold, checked on its bytes before any parser sees them. Never looks at YAML.

use std::ops::Range;

use siyu_model::limits::playbook::FILE_BYTES_MAX;

/// Why a file is not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// So many bytes.
    TooLong(usize),
    /// Not UTF-8 from this byte on; whether it looks like UTF-16.
    NotUtf8 { at: usize, is_utf16: bool },
    /// A byte order mark at the beginning.
    ByteOrderMark,
    /// Characters that must not be there, each with its place.
    Characters(Vec<(Range<usize>, char)>),
}

/// How many forbidden characters of a file are shown.
const SHOWN_MAX: usize = 5;

/// The text of a file, or why it has none that may be read.
pub(crate) fn check(bytes: &[u8]) -> Result<&str, Refusal> {
    if bytes.len() > FILE_BYTES_MAX {
        return Err(Refusal::TooLong(bytes.len()));
    }
    let text = std::str::from_utf8(bytes).map_err(|fault| Refusal::NotUtf8 {
        at: fault.valid_up_to(),
        is_utf16: bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]),
    })?;
    if text.starts_with('\u{feff}') {
        return Err(Refusal::ByteOrderMark);
    }
    let found: Vec<(Range<usize>, char)> = text
        .char_indices()
        .filter(|(at, c)| is_forbidden(*c) || is_lone_return(text, *at, *c))
        .map(|(at, c)| (at..at + c.len_utf8(), c))
        .take(SHOWN_MAX)
        .collect();
    if found.is_empty() { Ok(text) } else { Err(Refusal::Characters(found)) }
}

/// A carriage return that no line feed follows: parsers do not agree whether it ends a line.
fn is_lone_return(text: &str, at: usize, c: char) -> bool {
    c == '\r' && !text[at + 1..].starts_with('\n')
}

/// Characters that change what a reader sees, that parsers do not agree on, or that a store cannot keep.
pub(crate) fn is_forbidden(c: char) -> bool {
    match c {
        '\t' | '\n' | '\r' => false,
        c if c.is_control() => true,
        // Direction marks: a line that reads differently from what it says ("Trojan Source", CVE-2021-42574).
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        // Line breaks for YAML 1.1 and not for 1.2.
        '\u{2028}' | '\u{2029}' => true,
        // A byte order mark inside, and characters that are none: `mask` uses some of them.
        '\u{feff}' | '\u{fdd0}'..='\u{fdef}' => true,
        c => c as u32 & 0xfffe == 0xfffe,
    }
}

/// What kind of forbidden character it is, in words.
pub(crate) fn describe(c: char) -> &'static str {
    match c {
        '\0' => "a NUL character",
        '\r' => "a carriage return without a line feed",
        '\u{85}' | '\u{2028}' | '\u{2029}' => "a line separator that not every parser takes for one",
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            "an invisible mark that changes the direction of writing"
        }
        '\u{feff}' => "a byte order mark",
        c if c.is_control() => "a control character",
        _ => "a code point that is no character",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_text_in_any_script_passes() {
        for text in ["a: 1\n", "标题: 牛排 🥩👨‍👩‍👧\r\n", "", "\ta"] {
            assert_eq!(check(text.as_bytes()), Ok(text));
        }
    }

    #[test]
    fn what_parsers_or_readers_could_be_fooled_with_is_refused() {
        for text in [
            "a\0b",
            "a\rb",
            "a\u{85}b",
            "a\u{2028}b",
            "a\u{202e}b",
            "a\u{feff}b",
            "a\u{fdd0}b",
            "a\u{1b}[31mb",
            "a\u{7f}b",
            "a\u{1fffe}b",
        ] {
            let Err(Refusal::Characters(found)) = check(text.as_bytes()) else {
                panic!("{text:?} passed");
            };
            assert_eq!(found[0].0.start, 1, "{text:?}");
        }
        assert_eq!(check("\u{feff}a".as_bytes()), Err(Refusal::ByteOrderMark));
        assert_eq!(check(&[0xff, 0xfe, b'a', 0]), Err(Refusal::NotUtf8 { at: 0, is_utf16: true }));
        assert_eq!(check(b"abc\xff"), Err(Refusal::NotUtf8 { at: 3, is_utf16: false }));
        let long = vec![b'a'; FILE_BYTES_MAX + 1];
        assert_eq!(check(&long), Err(Refusal::TooLong(FILE_BYTES_MAX + 1)));
    }
}
