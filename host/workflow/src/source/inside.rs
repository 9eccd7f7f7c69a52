//! From a place in the value of a scalar to the bytes of the file: over quotes, escapes and folded lines.
//! Never guesses: what does not fit together has no place.

use std::ops::Range;

use super::tree::Style;

/// The bytes of `written` that stand for `wanted`, bytes of `value`; none when the two do not fit together.
///
/// `written` is the scalar as it stands in the file, quotes included.
pub(crate) fn locate(written: &str, style: Style, value: &str, wanted: Range<usize>) -> Option<Range<usize>> {
    let mut cursor = match style {
        Style::SingleQuoted | Style::DoubleQuoted => 1,
        Style::Plain | Style::Block => 0,
    };
    let mut start = None;
    let mut end = cursor;
    for (offset, c) in value.char_indices() {
        if offset >= wanted.end {
            break;
        }
        let found = step(written, cursor, style, c)?;
        if start.is_none() && offset >= wanted.start {
            start = Some(found.start);
        }
        cursor = found.end;
        end = found.end;
    }
    let start = start.unwrap_or(end);
    Some(start..end.max(start))
}

/// The bytes from `cursor` on that stand for one character.
fn step(written: &str, mut cursor: usize, style: Style, c: char) -> Option<Range<usize>> {
    loop {
        let rest = written.get(cursor..)?;
        let next = rest.chars().next()?;
        if style == Style::DoubleQuoted && next == '\\' {
            let length = escape_len(rest)?;
            if rest[1..].starts_with(['\n', '\r']) {
                cursor += length;
                continue;
            }
            return Some(cursor..cursor + length);
        }
        if style == Style::SingleQuoted && rest.starts_with("''") {
            return Some(cursor..cursor + 2);
        }
        if next == c {
            return Some(cursor..cursor + next.len_utf8());
        }
        if !next.is_whitespace() {
            return None;
        }
        if c == ' ' || c == '\n' {
            // A folded line: the break and the indentation after it stand for one space.
            let length = rest.len() - rest.trim_start().len();
            return Some(cursor..cursor + length);
        }
        cursor += next.len_utf8();
    }
}

/// Bytes of an escape in double quotes, the backslash included.
fn escape_len(rest: &str) -> Option<usize> {
    Some(match rest[1..].chars().next()? {
        'x' => 4,
        'u' => 6,
        'U' => 10,
        '\r' => 3,
        c => 1 + c.len_utf8(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(written: &str, style: Style, value: &str, part: &str, expected: &str) {
        let at = value.find(part).unwrap();
        let found = locate(written, style, value, at..at + part.len()).unwrap();
        assert_eq!(&written[found], expected, "{written:?}");
    }

    #[test]
    fn places_survive_quotes_escapes_and_folding() {
        check("a 牛 b", Style::Plain, "a 牛 b", "牛", "牛");
        check("'it''s x'", Style::SingleQuoted, "it's x", "x", "x");
        check("'it''s x'", Style::SingleQuoted, "it's x", "'s", "''s");
        check(r#""a\u725b\n\"x""#, Style::DoubleQuoted, "a牛\n\"x", "牛\n", r"\u725b\n");
        check(r#""a\u725b\n\"x""#, Style::DoubleQuoted, "a牛\n\"x", "x", "x");
        check("\"a\\\n   b c\"", Style::DoubleQuoted, "ab c", "c", "c");
        check("line one\n  line two\n", Style::Block, "line one\nline two\n", "two", "two");
        check("folded\n  line", Style::Plain, "folded line", "line", "line");
        check("a\n\n  b c", Style::Plain, "a\nb c", "c", "c");
        check("a\r\n  b\r\n", Style::Block, "a\nb\n", "b", "b");
    }

    #[test]
    fn what_does_not_fit_together_has_no_place() {
        assert_eq!(locate("abc", Style::Plain, "axc", 1..2), None);
        assert_eq!(locate("", Style::DoubleQuoted, "x", 0..1), None);
        assert_eq!(locate("\"\\", Style::DoubleQuoted, "x", 0..1), None);
    }
}
