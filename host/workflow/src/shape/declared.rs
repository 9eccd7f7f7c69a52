//! Field types of events in a small language of their own (`order_no: string`, `items: list`, `note: 'string?'`), as
//! JSON Schema: so declared events, plugins' events and the host's own are checked alike.
//! Never knows which events there are.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::fields::wrong_kind;
use super::text;
use crate::diagnostics::rules::BAD_FIELD_TYPE;
use crate::diagnostics::{Fault, Report, quoted};
use crate::source::{Node, NodeKind, Span};

/// Marks a field that may be absent, not only null: what comes from outside leaves out what it does not know.
pub(crate) const OPTIONAL: &str = "x-siyu-optional";

/// The words of the language.
const WORDS: [&str; 8] = ["string", "integer", "number", "boolean", "instant", "list", "object", "any"];

/// Names of fields, each with its place.
pub(crate) type FieldNames = Vec<(Arc<str>, Span)>;

/// The schema of data with these fields, and the fields' names; none after a fault.
pub(super) fn fields(node: &Node, report: &Report<'_>) -> Option<(Value, FieldNames)> {
    let Some(entries) = node.as_map() else {
        wrong_kind(node, "fields with their types, an object", report);
        return None;
    };
    let names = entries.iter().map(|entry| (entry.key.clone(), entry.key_span)).collect();
    Some((object(node, report)?, names))
}

/// The schema of data without fields.
pub(super) fn no_fields() -> Value {
    schema_of(&[])
}

/// The schema of fields that the host itself declares; a word that is none counts as `any`.
pub(crate) fn schema_of(fields: &[(&str, &str)]) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for (name, word) in fields {
        let (schema, is_optional) = word_schema(word).unwrap_or((json!({}), true));
        properties.insert((*name).to_owned(), schema);
        if !is_optional {
            required.push(Value::from(*name));
        }
    }
    closed(properties, required)
}

fn closed(properties: Map<String, Value>, required: Vec<Value>) -> Value {
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}

fn object(node: &Node, report: &Report<'_>) -> Option<Value> {
    let mut properties = Map::new();
    let mut required = Vec::new();
    let mut is_whole = true;
    for entry in node.as_map()? {
        let is_named = text::identifier(&entry.key, entry.key_span, "a field", report).is_some();
        match field(&entry.value, report) {
            Some((schema, is_optional)) if is_named => {
                properties.insert(entry.key.to_string(), schema);
                if !is_optional {
                    required.push(Value::from(&*entry.key));
                }
            }
            _ => is_whole = false,
        }
    }
    is_whole.then(|| closed(properties, required))
}

/// The schema of one field, and whether it may be absent.
fn field(node: &Node, report: &Report<'_>) -> Option<(Value, bool)> {
    match &node.kind {
        NodeKind::Map(_) => object(node, report).map(|schema| (schema, false)),
        NodeKind::List(items) => match items.as_slice() {
            [item] => {
                let (schema, _) = field(item, report)?;
                Some((json!({"type": "array", "items": schema}), false))
            }
            _ => {
                let message = format!("a list of {} types, expected the type of its items", items.len());
                let span = report.sources().first_line(node.span);
                report.add(Fault::new(BAD_FIELD_TYPE, span, message).help("such as items: [string]"));
                None
            }
        },
        NodeKind::Scalar(_) => {
            let word = text::text(node, "a field type such as string", report)?;
            let found = word_schema(word);
            if found.is_none() {
                let known = WORDS.into_iter();
                let fault =
                    Fault::new(BAD_FIELD_TYPE, node.span, format!("{} is no field type", quoted(word)))
                        .near(word.trim_end_matches('?'), known, report)
                        .help(format!("there are: {}; with ? at the end: may be absent", WORDS.join(", ")));
                report.add(fault);
            }
            found
        }
    }
}

fn word_schema(word: &str) -> Option<(Value, bool)> {
    let (plain, is_optional) = match word.strip_suffix('?') {
        Some(plain) => (plain, true),
        None => (word, false),
    };
    let kind = match plain {
        "string" | "integer" | "number" | "boolean" | "object" => plain,
        "instant" => "string",
        "list" => "array",
        "any" => return Some((json!({}), is_optional)),
        _ => return None,
    };
    let mut schema = Map::new();
    let kinds = if is_optional { json!([kind, "null"]) } else { json!(kind) };
    schema.insert("type".to_owned(), kinds);
    if is_optional {
        schema.insert(OPTIONAL.to_owned(), json!(true));
    }
    if plain == "instant" {
        schema.insert("format".to_owned(), json!("siyu-instant"));
    }
    Some((Value::Object(schema), is_optional))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_schemas() {
        assert_eq!(
            schema_of(&[("order_no", "string"), ("at", "instant?")]),
            json!({
                "type": "object",
                "properties": {
                    "order_no": {"type": "string"},
                    "at": {"type": ["string", "null"], "x-siyu-optional": true, "format": "siyu-instant"},
                },
                "required": ["order_no"],
                "additionalProperties": false,
            })
        );
        assert_eq!(word_schema("text"), None);
        assert_eq!(word_schema("string??"), None);
    }
}
