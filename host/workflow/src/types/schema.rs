//! JSON Schemas of plugins as types, and finding one's way in them. Never validates values.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Field, Kind, Rest, Shape, Type};
use crate::shape::OPTIONAL;

/// How many references in a row are followed.
const REFERENCES_MAX: usize = 24;
/// How deep a schema is turned into a type; one that refers to itself is unknown below that.
const DEPTH_MAX: usize = 12;
/// How many parts of a schema are turned into one type; further ones are unknown.
const PARTS_MAX: usize = 4_000;

/// What is left of [`PARTS_MAX`].
struct Budget {
    left: Cell<usize>,
}

/// The budget, and how deep the part lies.
type Depth<'b> = (&'b Budget, usize);

/// A part of a schema, with the document that its references lead into.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Schema<'s> {
    root: &'s Value,
    here: &'s Value,
}

impl<'s> Schema<'s> {
    pub(crate) fn new(root: &'s Value) -> Self {
        Self { root, here: root }.resolved()
    }

    fn at(self, here: &'s Value) -> Self {
        Self { here, ..self }.resolved()
    }

    /// Where a reference, or an `allOf` or `anyOf` with one way that is not null, leads.
    fn resolved(mut self) -> Self {
        for _ in 0..REFERENCES_MAX {
            let Some(next) = self.reference().or_else(|| self.only_way()) else {
                break;
            };
            self.here = next;
        }
        self
    }

    fn reference(self) -> Option<&'s Value> {
        let target = self.here.get("$ref")?.as_str()?;
        self.root.pointer(target.strip_prefix('#')?)
    }

    fn only_way(self) -> Option<&'s Value> {
        if self.here.get("properties").is_some() {
            return None;
        }
        let ways =
            ["allOf", "anyOf", "oneOf"].iter().find_map(|keyword| self.here.get(keyword)?.as_array())?;
        let mut ways = ways.iter().filter(|way| !is_null(way));
        let first = ways.next()?;
        ways.next().is_none().then_some(first)
    }

    /// Whether null is allowed by the schema as it was written, before references were followed.
    fn allows_null(written: &Value) -> bool {
        let kinds = written.get("type").and_then(Value::as_array);
        let listed = kinds.is_some_and(|kinds| kinds.iter().any(|kind| kind == "null"));
        let way = ["anyOf", "oneOf"].iter().any(|keyword| {
            let ways = written.get(keyword).and_then(Value::as_array);
            ways.is_some_and(|ways| ways.iter().any(is_null))
        });
        let is_nullable_enum =
            written.get("enum").and_then(Value::as_array).is_some_and(|values| values.contains(&Value::Null));
        listed || way || is_nullable_enum || is_null(written)
    }

    /// The alternatives, when there are several that are not null.
    pub(crate) fn ways(self) -> Vec<Self> {
        let ways = ["anyOf", "oneOf"].iter().find_map(|keyword| self.here.get(keyword)?.as_array());
        let ways = ways.map(Vec::as_slice).unwrap_or_default();
        ways.iter().filter(|way| !is_null(way)).map(|way| self.at(way)).collect()
    }

    /// The schema of a member that is named.
    pub(crate) fn property(self, name: &str) -> Option<Self> {
        self.here.get("properties")?.get(name).map(|here| self.at(here))
    }

    /// The names of members.
    pub(crate) fn property_names(self) -> Vec<&'s str> {
        self.properties()
            .map(|properties| properties.keys().map(String::as_str).collect())
            .unwrap_or_default()
    }

    fn properties(self) -> Option<&'s Map<String, Value>> {
        self.here.get("properties")?.as_object()
    }

    /// Names of members that must be there.
    pub(crate) fn required(self) -> Vec<&'s str> {
        let names = self.here.get("required").and_then(Value::as_array);
        names.into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// Whether members that are not named are mistakes: the schema names some, and does not say that others may come.
    pub(crate) fn is_closed(self) -> bool {
        let open = ["patternProperties", "unevaluatedProperties", "anyOf", "oneOf", "allOf", "if"];
        match self.here.get("additionalProperties") {
            Some(Value::Bool(allowed)) => !allowed,
            Some(_) => false,
            None => {
                self.properties().is_some() && !open.iter().any(|keyword| self.here.get(keyword).is_some())
            }
        }
    }

    /// The schema of members that are not named, when there is one.
    pub(crate) fn additional(self) -> Option<Self> {
        let here = self.here.get("additionalProperties")?;
        here.is_object().then(|| self.at(here))
    }

    /// The schema of items.
    pub(crate) fn items(self) -> Option<Self> {
        let here = self.here.get("items")?;
        here.is_object().then(|| self.at(here))
    }

    /// The format of a text.
    pub(crate) fn format(self) -> Option<&'s str> {
        self.here.get("format")?.as_str()
    }

    /// What the schema says a value is for.
    pub(crate) fn description(self) -> Option<&'s str> {
        self.here.get("description")?.as_str()
    }

    /// A document of its own, with what its references need.
    pub(crate) fn document(self) -> Value {
        let mut here = self.here.clone();
        if let Value::Object(members) = &mut here {
            for keyword in ["$defs", "definitions", "$schema"] {
                if let Some(found) = self.root.get(keyword) {
                    members.insert(keyword.to_owned(), found.clone());
                }
            }
        }
        here
    }

    /// The type of values that fit the schema; `what` names an object of it in messages.
    pub(crate) fn to_type(self, what: &str) -> Type {
        let budget = Budget { left: Cell::new(PARTS_MAX) };
        self.typed(self.here, what, (&budget, 0))
    }

    /// The type of the part, whose written form decides whether null is allowed.
    fn typed(self, written: &Value, what: &str, at: Depth<'_>) -> Type {
        let ty = Type::from(self.kind(what, at));
        if ty.kind != Kind::Any && (Self::allows_null(written) || Self::allows_null(self.here)) {
            ty.or_null()
        } else {
            ty
        }
    }

    fn kind(self, what: &str, (budget, depth): Depth<'_>) -> Kind {
        let left = budget.left.get();
        if depth > DEPTH_MAX || left == 0 {
            return Kind::Any;
        }
        budget.left.set(left - 1);
        if let Some(texts) = self.texts() {
            return Kind::OneOf(texts);
        }
        match self.type_name() {
            Some("null") => Kind::Null,
            Some("boolean") => Kind::Bool,
            Some("integer") => Kind::Int,
            Some("number") => Kind::Number,
            Some("string") => match self.format() {
                Some("date-time" | "siyu-instant") => Kind::Instant,
                _ => Kind::Text,
            },
            Some("array") => {
                let item = self.here.get("items").filter(|items| items.is_object());
                let item = item.map(|written| self.at(written).typed(written, what, (budget, depth + 1)));
                Kind::List(Arc::new(item.unwrap_or_else(Type::any)))
            }
            Some("object") => Kind::Object(Arc::new(self.shape(what, (budget, depth)))),
            None if self.properties().is_some() => Kind::Object(Arc::new(self.shape(what, (budget, depth)))),
            _ => Kind::Any,
        }
    }

    /// The one type that is not null.
    fn type_name(self) -> Option<&'s str> {
        match self.here.get("type")? {
            Value::String(name) => Some(name),
            Value::Array(names) => {
                let mut names = names.iter().filter_map(Value::as_str).filter(|name| *name != "null");
                let first = names.next()?;
                names.next().is_none().then_some(first)
            }
            _ => None,
        }
    }

    /// The texts of an `enum`, a `const`, or of ways that are constants each, as enums with descriptions are written.
    fn texts(self) -> Option<Arc<[Arc<str>]>> {
        if let Some(text) = self.here.get("const").and_then(Value::as_str) {
            return Some(Arc::new([text.into()]));
        }
        if let Some(values) = self.here.get("enum").and_then(Value::as_array) {
            let texts = values.iter().filter(|value| !value.is_null());
            return texts.map(|value| value.as_str().map(Arc::from)).collect();
        }
        let ways = self.ways();
        if ways.len() < 2 {
            return None;
        }
        let texts: Option<Vec<Arc<[Arc<str>]>>> = ways.into_iter().map(Self::texts).collect();
        texts.map(|texts| texts.iter().flat_map(|texts| texts.iter().cloned()).collect())
    }

    fn shape(self, what: &str, (budget, depth): Depth<'_>) -> Shape {
        let required = self.required();
        let mut fields = BTreeMap::new();
        for (name, written) in self.properties().into_iter().flatten() {
            let ty = self.at(written).typed(written, &format!("`{name}`"), (budget, depth + 1));
            // A field that may be null is written as null by who derives schemas from types, unless it is marked.
            let is_written = Self::allows_null(written) && written.get(OPTIONAL).is_none();
            let may_be_missing = !required.contains(&name.as_str()) && !is_written;
            let missing = may_be_missing.then(|| Arc::from(format!("{what} does not always have it")));
            fields.insert(Arc::from(name.as_str()), Field { ty, missing });
        }
        let is_open = match self.here.get("additionalProperties") {
            Some(Value::Bool(allowed)) => *allowed,
            Some(_) => true,
            None => self.properties().is_none() || !self.is_closed(),
        };
        Shape { what: what.to_owned(), fields, rest: if is_open { Rest::Open } else { Rest::None } }
    }
}

fn is_null(schema: &Value) -> bool {
    schema.get("type").is_some_and(|kind| kind == "null") || schema.get("const").is_some_and(Value::is_null)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(schema: Value, expected: &str) {
        assert_eq!(Schema::new(&schema).to_type("x").to_string(), expected, "{schema}");
    }

    #[test]
    fn schemas_as_derived_from_rust_types_become_types() {
        check(json!({"type": "string"}), "text");
        check(json!({"type": "string", "format": "date-time"}), "an instant");
        check(json!({"type": ["integer", "null"]}), "a whole number");
        check(json!({"enum": ["a", "b", null]}), "one of a, b");
        check(json!({"oneOf": [{"const": "a"}, {"type": "string", "enum": ["b", "c"]}]}), "one of a, b, c");
        check(
            json!({"anyOf": [{"$ref": "#/$defs/P"}, {"type": "null"}], "$defs": {"P": {"type": "object"}}}),
            "an object",
        );
        check(json!({}), "anything");
        check(json!(true), "anything");
        check(json!({"type": ["string", "integer"]}), "anything");
    }

    #[test]
    fn an_option_may_be_null_and_what_is_not_required_may_be_missing() {
        let schema = json!({
            "type": "object",
            "properties": {
                "code": {"type": "string"},
                "coupon": {"type": ["string", "null"]},
                "note": {"type": "string"},
                "prize": {"anyOf": [{"$ref": "#/$defs/Prize"}, {"type": "null"}]},
            },
            "required": ["code"],
            "$defs": {"Prize": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}},
        });
        let Kind::Object(shape) = Schema::new(&schema).to_type("the output").kind else {
            panic!("an object")
        };
        let seen = |name: &str| (shape.fields[name].ty.nullable, shape.fields[name].missing.is_some());
        assert_eq!(seen("code"), (false, false));
        assert_eq!(seen("coupon"), (true, false));
        assert_eq!(seen("note"), (false, true));
        assert_eq!(seen("prize"), (true, false));
        assert_eq!(shape.rest, Rest::None);
    }

    #[test]
    fn a_schema_that_refers_to_itself_ends() {
        let schema = json!({"$ref": "#/$defs/N", "$defs": {"N": {"type": "object", "properties": {"next": {"$ref": "#/$defs/N"}}}}});
        assert_eq!(Schema::new(&schema).to_type("x").to_string(), "an object");
        let circle = json!({"$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/A"}}});
        check(circle, "anything");
        // Without a bound on parts this would be 3^12 of them.
        let wide = json!({"$ref": "#/$defs/N", "$defs": {"N": {"type": "object", "properties": {
            "a": {"$ref": "#/$defs/N"}, "b": {"$ref": "#/$defs/N"}, "c": {"$ref": "#/$defs/N"}}}}});
        check(wide, "an object");
    }
}
