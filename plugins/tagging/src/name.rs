//! Names of tags: how `group.value` is taken apart, and which spellings are the same tag.
//!
//! It knows no group and asks the host for nothing.

/// Symbols of a group's name, of its title and of a tag's value: WeCom's limit for tag groups and tags (标签名称).
pub(crate) const NAME_SYMBOLS_MAX: usize = 30;

/// The group and the value of a tag; a tag without a dot is in no group.
pub(crate) fn split(tag: &str) -> (&str, &str) {
    tag.split_once('.').unwrap_or(("", tag))
}

/// The tag of a value in a group; the name `""` is no group.
pub(crate) fn join(group: &str, value: &str) -> String {
    if group.is_empty() { value.to_owned() } else { format!("{group}.{value}") }
}

/// Why a text cannot be a tag's value; none when it can.
pub(crate) fn fault_of(value: &str) -> Option<String> {
    let symbols = value.chars().count();
    if symbols == 0 || symbols > NAME_SYMBOLS_MAX {
        return Some(format!("it has {symbols} symbols, expected 1 to {NAME_SYMBOLS_MAX} (WeCom's limit)"));
    }
    let odd = value.chars().find(|symbol| symbol.is_whitespace() || symbol.is_control());
    odd.map(|_| "it holds white space, expected none: write 高端-消费 instead of two words".to_owned())
}

/// What two spellings of one tag share: capital and small letters, full-width and half-width symbols are the same.
pub(crate) fn fold(value: &str) -> String {
    value.trim().chars().map(half_width).flat_map(char::to_lowercase).collect()
}

/// Whether two spellings are the same tag. Most are equal as they stand.
pub(crate) fn is_same(one: &str, other: &str) -> bool {
    one == other || fold(one) == fold(other)
}

/// The half-width form of a full-width symbol (U+FF01 to U+FF5E stand 0xFEE0 above ASCII; U+3000 is the wide space).
fn half_width(symbol: char) -> char {
    match symbol {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(symbol) - 0xfee0).unwrap_or(symbol),
        '\u{3000}' => ' ',
        other => other,
    }
}

/// Whether a text can be the type of an event: dotted words of small letters.
pub(crate) fn is_event_type(text: &str) -> bool {
    let is_word = |word: &str| {
        word.starts_with(|symbol: char| symbol.is_ascii_lowercase())
            && word
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-'))
    };
    text.len() <= 128 && text.split('.').all(is_word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_width_make_no_other_tag() {
        for (one, other, same) in [
            ("VIP", "vip", true),
            ("ＶＩＰ", "vip", true),
            ("高端", "高端", true),
            (" spicy ", "Spicy", true),
            ("ÄRGER", "ärger", true),
            ("vip1", "vip2", false),
            ("高端", "高瑞", false),
        ] {
            assert_eq!(is_same(one, other), same, "{one} {other}");
        }
    }

    #[test]
    fn a_tag_has_a_group_before_the_first_dot() {
        for (tag, parts) in [("a.b", ("a", "b")), ("a", ("", "a")), ("a.b.c", ("a", "b.c"))] {
            assert_eq!(split(tag), parts);
            assert_eq!(join(parts.0, parts.1), tag);
        }
    }

    #[test]
    fn a_value_has_thirty_symbols_and_no_white_space() {
        let longest = "辣".repeat(30);
        for (value, is_fine) in
            [("辣", true), (longest.as_str(), true), ("", false), ("a b", false), ("a\n", false)]
        {
            assert_eq!(fault_of(value).is_none(), is_fine, "{value:?}");
        }
        assert!(fault_of(&"辣".repeat(31)).is_some_and(|fault| fault.contains("31 symbols")));
    }

    #[test]
    fn events_have_dotted_small_words() {
        for (text, is_fine) in
            [("order.paid", true), ("a", true), ("Order.paid", false), ("", false), ("a..b", false)]
        {
            assert_eq!(is_event_type(text), is_fine, "{text}");
        }
    }
}
