//! One way to write a document, so that two programs hash the same bytes: RFC 8785 (JSON Canonicalization Scheme), for
//! documents whose numbers are whole.

use serde_json::Value;

/// The canonical text; none for a document with a number that is not whole, which no log has.
pub(super) fn canonical(document: &Value) -> Option<String> {
    let mut text = String::new();
    write(document, &mut text).then_some(text)
}

fn write(value: &Value, text: &mut String) -> bool {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            // The standard sorts by UTF-16 units.
            members.sort_by_cached_key(|(name, _)| name.encode_utf16().collect::<Vec<_>>());
            text.push('{');
            for (place, (name, value)) in members.into_iter().enumerate() {
                if place > 0 {
                    text.push(',');
                }
                text.push_str(&Value::from(name.as_str()).to_string());
                text.push(':');
                if !write(value, text) {
                    return false;
                }
            }
            text.push('}');
            true
        }
        Value::Array(items) => {
            text.push('[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    text.push(',');
                }
                if !write(item, text) {
                    return false;
                }
            }
            text.push(']');
            true
        }
        Value::Number(number) if !number.is_i64() && !number.is_u64() => false,
        plain => {
            text.push_str(&plain.to_string());
            true
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_are_sorted_and_nothing_is_escaped_without_need() {
        let document = json!({ "b": [{ "d": 1, "c": null }], "a": "牛\"\n\u{1}/", "B": true, "\u{fffd}": 1, "\u{10000}": 2 });
        let expected = "{\"B\":true,\"a\":\"牛\\\"\\n\\u0001/\",\"b\":[{\"c\":null,\"d\":1}],\"\u{10000}\":2,\"\u{fffd}\":1}";
        assert_eq!(canonical(&document).as_deref(), Some(expected));
        assert_eq!(canonical(&json!({ "a": [1.5] })), None);
    }
}
