//! One way to write a document, so that two programs hash the same bytes: RFC 8785 (JSON Canonicalization Scheme) for
//! documents whose numbers are whole. Never writes a fraction.

use serde::Serialize;
use serde_json::Value;

/// A document with members sorted by name, no white space, and strings escaped no more than necessary.
pub fn canonical(document: &Value) -> String {
    let mut text = String::new();
    write(document, &mut text);
    text
}

/// The same of anything that has a JSON form; what has none is `null`.
pub(crate) fn canonical_of(document: &impl Serialize) -> String {
    canonical(&serde_json::to_value(document).unwrap_or_default())
}

fn write(value: &Value, text: &mut String) {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| name.as_str());
            text.push('{');
            for (place, (name, value)) in members.into_iter().enumerate() {
                if place > 0 {
                    text.push(',');
                }
                text.push_str(&Value::from(name.as_str()).to_string());
                text.push(':');
                write(value, text);
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    text.push(',');
                }
                write(item, text);
            }
            text.push(']');
        }
        plain => text.push_str(&plain.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_are_sorted_at_every_depth_and_nothing_is_escaped_without_need() {
        let document = json!({ "b": [{ "d": 1, "c": null }], "a": "牛\"\n\u{1}/", "B": true });
        assert_eq!(canonical(&document), r#"{"B":true,"a":"牛\"\n\u0001/","b":[{"c":null,"d":1}]}"#);
    }
}
