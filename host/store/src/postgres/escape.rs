//! Texts with the character 0, which Postgres cannot hold.
//!
//! A customer's name or a key may come from outside with any character in it, and must not stop a tenant. The characters
//! 0 and 1 are written as two: 1 and a digit. That keeps the order of texts and what they begin with, and touches no
//! other text: JSON never holds either of them unescaped.

use std::borrow::Cow;

const ESCAPE: char = '\u{1}';

/// The text as it is written.
pub(super) fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(['\0', ESCAPE]) {
        return Cow::Borrowed(text);
    }
    let mut written = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            '\0' => written.extend([ESCAPE, '0']),
            ESCAPE => written.extend([ESCAPE, '1']),
            other => written.push(other),
        }
    }
    Cow::Owned(written)
}

/// The text that was written; none when this store did not write it.
pub(super) fn unescaped(written: &str) -> Option<Cow<'_, str>> {
    if !written.contains(ESCAPE) {
        return Some(Cow::Borrowed(written));
    }
    let mut text = String::with_capacity(written.len());
    let mut characters = written.chars();
    while let Some(character) = characters.next() {
        match character {
            ESCAPE => text.push(match characters.next()? {
                '0' => '\0',
                '1' => ESCAPE,
                _ => return None,
            }),
            other => text.push(other),
        }
    }
    Some(Cow::Owned(text))
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::{escaped, unescaped};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_text_comes_back_in_its_order(one in "[\0-\u{3}a]{0,5}", other in "[\0-\u{3}a]{0,5}") {
            let (first, second) = (escaped(&one), escaped(&other));
            prop_assert!(!first.contains('\0'));
            prop_assert_eq!(unescaped(&first), Some(Cow::Borrowed(&*one)));
            prop_assert_eq!(first.cmp(&second), one.cmp(&other));
            prop_assert_eq!(first.starts_with(&*second), one.starts_with(&other));
        }
    }

    #[test]
    fn what_was_not_written_here_is_noticed() {
        for text in ["\u{1}", "a\u{1}2", "\u{1}\u{1}0"] {
            assert_eq!(unescaped(text), None, "{text:?}");
        }
    }
}
