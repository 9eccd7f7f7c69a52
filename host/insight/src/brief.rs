//! Documents in one line, for people. Never the place to look for all of a document.

use siyu_model::clock::{UtcMs, Zone};
use siyu_model::json::{self, Value};

use crate::Local;

/// Characters of one line about a document.
const LINE_CHARS_MAX: usize = 160;
/// Characters of one value in it.
const VALUE_CHARS_MAX: usize = 48;
/// How deep members of members are told.
const DEPTH_MAX: usize = 2;

/// The members of a document: `amount ¥12.90, channel.kind package_card`; instants as people of the zone read them. Empty
/// for what is no document.
pub(crate) fn brief(zone: &Zone, text: &str) -> String {
    json::parse(text).map_or_else(|_| String::new(), |value| brief_of(zone, &value))
}

/// The same of a value.
pub(crate) fn brief_of(zone: &Zone, value: &Value) -> String {
    let mut parts = Vec::new();
    tell(zone, ("", value), DEPTH_MAX, &mut parts);
    shortened(&parts.join(", "), LINE_CHARS_MAX)
}

fn tell(zone: &Zone, (name, value): (&str, &Value), depth: usize, parts: &mut Vec<String>) {
    match value {
        Value::Null => {}
        Value::Map(members) if depth > 0 => {
            for (member, value) in members.iter() {
                let name = if name.is_empty() { member.to_string() } else { format!("{name}.{member}") };
                tell(zone, (&name, value), depth - 1, parts);
            }
        }
        plain => {
            let (name, text) = match (name.strip_suffix("_fen"), plain) {
                (Some(name), Value::Int(fen)) => (name, yuan(*fen)),
                _ => (name, one_line(zone, plain)),
            };
            parts.push(if name.is_empty() { text } else { format!("{name} {text}") });
        }
    }
}

fn one_line(zone: &Zone, value: &Value) -> String {
    let text = match value {
        Value::Text(text) => match instant(text) {
            Some(at) => Local::of(zone, at).minute(),
            None => text.to_string(),
        },
        other => json::print(other).unwrap_or_default(),
    };
    shortened(&text, VALUE_CHARS_MAX)
}

/// An instant as the host and plugins write instants.
fn instant(text: &str) -> Option<UtcMs> {
    (text.len() >= "2026-11-21T00:00:00Z".len() && text.ends_with('Z')).then(|| text.parse().ok()).flatten()
}

/// At most so many characters; what is cut ends with `…`.
pub(crate) fn shortened(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        None => text.to_owned(),
        Some(_) => text.chars().take(chars.saturating_sub(1)).chain(['…']).collect(),
    }
}

/// Fen as yuan: `¥1,290.05`.
pub fn yuan(fen: i64) -> String {
    let sign = if fen < 0 { "-" } else { "" };
    let fen = fen.unsigned_abs();
    let digits = (fen / 100).to_string();
    let mut whole = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            whole.push(',');
        }
        whole.push(digit);
    }
    format!("{sign}¥{whole}.{:02}", fen % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_has_two_digits() {
        for (fen, text) in [
            (0, "¥0.00"),
            (5, "¥0.05"),
            (129_005, "¥1,290.05"),
            (-70, "-¥0.70"),
            (i64::MIN, "-¥92,233,720,368,547,758.08"),
        ] {
            assert_eq!(yuan(fen), text);
        }
    }

    #[test]
    fn a_document_is_told_in_one_line() {
        let zone: Zone = "Asia/Shanghai".parse().unwrap();
        for (text, line) in [
            (
                r#"{"amount_fen":1290,"channel":{"kind":"package_card"},"none":null}"#,
                "amount ¥12.90, channel.kind package_card",
            ),
            (r#"{"a":{"b":{"c":1}},"items":[1,2]}"#, r#"a.b {"c":1}, items [1,2]"#),
            (r#"{"price_fen":"many"}"#, "price_fen many"),
            ("3", "3"),
            ("{}", ""),
            ("no document", ""),
            (
                r#"{"until":"2026-03-09T20:00:00Z","day":"2026-03-09","by":"2026-13-09T20:00:00Z"}"#,
                "by 2026-13-09T20:00:00Z, day 2026-03-09, until 2026-03-10 04:00",
            ),
        ] {
            assert_eq!(brief(&zone, text), line, "{text}");
        }
        let long = format!(r#"{{"text":"{}"}}"#, "牛".repeat(10_000));
        assert_eq!(brief(&zone, &long).chars().count(), "text ".len() + VALUE_CHARS_MAX);
        let many: Vec<String> = (0..1_000).map(|number| format!("\"m{number}\":{number}")).collect();
        assert_eq!(brief(&zone, &format!("{{{}}}", many.join(","))).chars().count(), LINE_CHARS_MAX);
    }
}
