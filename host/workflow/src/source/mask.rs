//! `${{ … }}` as one piece for YAML: `{ code: ${{ steps.coupon.code }} }` needs no quotes.
//!
//! Braces, commas, colons and `#` mean something to YAML, so an unquoted expression inside `{ }` is no YAML, and ` #`
//! would cut it off silently. While YAML is read, those characters of an expression are other ones, one for one, so
//! every place stays where it is. Never changes a text that holds no `${{ … }}`.

use std::borrow::Cow;

use siyu_model::limits::expr::SOURCE_BYTES_MAX;

/// What YAML must not see, and what it sees instead: code points that are no characters, which no file may hold.
const PAIRS: [(char, char); 7] = [
    ('{', '\u{fdd0}'),
    ('}', '\u{fdd1}'),
    ('[', '\u{fdd2}'),
    (']', '\u{fdd3}'),
    (',', '\u{fdd4}'),
    (':', '\u{fdd5}'),
    ('#', '\u{fdd6}'),
];

const OPEN: &str = "${{";

/// The text with the expressions in it masked.
pub(crate) fn mask(text: &str) -> Cow<'_, str> {
    if !text.contains(OPEN) {
        return Cow::Borrowed(text);
    }
    let mut masked = String::with_capacity(text.len() + text.len() / 8);
    let mut rest = text;
    while let Some(open) = rest.find(OPEN) {
        let begin = open + OPEN.len();
        match expression_len(&rest[begin..]) {
            Some(length) => {
                masked.push_str(&rest[..=open]);
                let end = begin + length;
                masked.extend(rest[open + 1..end].chars().map(hidden));
                rest = &rest[end..];
            }
            None => {
                masked.push_str(&rest[..begin]);
                rest = &rest[begin..];
            }
        }
    }
    masked.push_str(rest);
    Cow::Owned(masked)
}

/// The text as it was before [`mask`].
pub(crate) fn unmask(text: &str) -> Cow<'_, str> {
    if text.chars().any(is_mask) {
        Cow::Owned(text.chars().map(shown).collect())
    } else {
        Cow::Borrowed(text)
    }
}

fn is_mask(c: char) -> bool {
    PAIRS.iter().any(|(_, mask)| *mask == c)
}

fn hidden(c: char) -> char {
    PAIRS.iter().find(|(plain, _)| *plain == c).map_or(c, |(_, mask)| *mask)
}

fn shown(c: char) -> char {
    PAIRS.iter().find(|(_, mask)| *mask == c).map_or(c, |(plain, _)| *plain)
}

/// Bytes up to and with the `}}` that closes an expression on the same line, outside of quotes and inner braces. Gives
/// up at the next `${{`, so a text is read once, however many it opens.
fn expression_len(text: &str) -> Option<usize> {
    let mut quote = None;
    let mut braces = 0usize;
    let bytes = text.as_bytes();
    for (at, &byte) in bytes.iter().enumerate().take(SOURCE_BYTES_MAX) {
        match (quote, byte) {
            (_, b'\n' | b'\r') => return None,
            (_, b'$') if text[at..].starts_with(OPEN) => return None,
            (Some(open), byte) if byte == open => quote = None,
            (Some(_), _) => {}
            (None, b'\'' | b'"') => quote = Some(byte),
            (None, b'{') => braces += 1,
            (None, b'}') if braces > 0 => braces -= 1,
            (None, b'}') if bytes.get(at + 1) == Some(&b'}') => return Some(at + 2),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_text_has_no_yaml_in_its_expressions_and_comes_back() {
        for text in [
            "{ a: ${{ {'x': [1, 2]} }}, b: ${{ c # d }} }",
            "a: ${{ x ? 'a' : 'b' }} # ${{ open",
            "'${{ x == ''}}'' }}'",
            "plain {{ x }}",
            "${{${{ a }}",
        ] {
            let masked = mask(text);
            assert_eq!(unmask(&masked), text);
            assert_eq!(masked.chars().count(), text.chars().count(), "{text}");
        }
        assert_eq!(mask("{ a: ${{ b: c }}, d: e }").matches(':').count(), 2);
        assert_eq!(mask("x: ${{ not\nclosed }}"), "x: ${{ not\nclosed }}");
    }

    #[test]
    fn openings_without_end_stay_as_they_are() {
        let text = OPEN.repeat(200_000);
        assert_eq!(mask(&text), text);
    }
}
