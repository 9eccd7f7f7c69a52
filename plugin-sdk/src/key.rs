//! Keys of records, pools, counters and planned events, made of parts.

use std::fmt::Write;

/// A key of several parts: different parts give different keys, whatever they hold.
///
/// Parts are joined with `/`. White space, control characters, `/` and `%` inside a part are written as `%` and two
/// hexadecimal digits a byte. The host takes keys of at most 256 bytes; what is longer is refused when it is used.
///
/// ```
/// use siyu_plugin::key;
///
/// assert_eq!(key(&["draw", "autumn-2026", "card:0001"]), "draw/autumn-2026/card:0001");
/// assert_eq!(key(&["a/b", "c"]), "a%2Fb/c");
/// assert_ne!(key(&["a", "b/c"]), key(&["a/b", "c"]));
/// ```
pub fn key(parts: &[&str]) -> String {
    let mut key = String::with_capacity(parts.iter().map(|part| part.len() + 1).sum());
    for (place, part) in parts.iter().enumerate() {
        if place > 0 {
            key.push('/');
        }
        if is_plain(part) {
            key.push_str(part);
            continue;
        }
        for symbol in part.chars() {
            if symbol.is_whitespace() || symbol.is_control() || matches!(symbol, '/' | '%') {
                let mut bytes = [0; 4];
                for byte in symbol.encode_utf8(&mut bytes).bytes() {
                    // Writing to a String does not fail.
                    let _ = write!(key, "%{byte:02X}");
                }
            } else {
                key.push(symbol);
            }
        }
    }
    key
}

/// Whether nothing in a part has to be written otherwise. Most keys are like that, and a plugin makes several a call.
fn is_plain(part: &str) -> bool {
    part.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/' && byte != b'%')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use siyu_model::name::Key;

    use super::*;

    proptest! {
        #[test]
        fn different_parts_give_different_keys(
            a in prop::collection::vec("[a/% \\n牛\u{a0}]{0,3}", 1..4),
            b in prop::collection::vec("[a/% \\n牛\u{a0}]{0,3}", 1..4),
        ) {
            let of = |parts: &[String]| key(&parts.iter().map(String::as_str).collect::<Vec<_>>());
            prop_assert_eq!(of(&a) == of(&b), a == b, "{} {}", of(&a), of(&b));
            prop_assert_eq!(Key::new(&of(&a)).is_ok(), a.len() > 1 || !a[0].is_empty());
        }
    }
}
