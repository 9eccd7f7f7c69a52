//! The types of expressions: what is known before anything runs. Never evaluates.

mod calls;
mod env;
mod infer;
mod operators;
mod schema;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use siyu_model::json::Value;

pub(crate) use env::{Env, EventTypes, StepSeen, Steps, customer, event, paths};
pub(crate) use infer::{check_condition, check_text, check_value};
pub(crate) use schema::Schema;

/// What is known of a value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Type {
    pub(crate) kind: Kind,
    /// Whether it may be null.
    pub(crate) nullable: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    /// Nothing is known.
    Any,
    Null,
    Bool,
    Int,
    /// Whole or not.
    Number,
    Text,
    /// One of these texts.
    OneOf(Arc<[Arc<str>]>),
    /// A text that is an instant.
    Instant,
    List(Arc<Type>),
    Object(Arc<Shape>),
    /// `customer.facts`: a fact by type of event.
    Facts,
}

/// The members of an object.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Shape {
    /// What the object is, for messages, such as "the output of coupon/issue".
    pub(crate) what: String,
    pub(crate) fields: BTreeMap<Arc<str>, Field>,
    /// Whether and how there may be members that are not named here.
    pub(crate) rest: Rest,
}

/// A member.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Field {
    pub(crate) ty: Type,
    /// Whether and why it may be absent.
    pub(crate) missing: Option<Arc<str>>,
}

/// Members that are not named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Rest {
    /// There are none.
    #[default]
    None,
    /// There may be any, and a playbook that reads one knows that it is there.
    Open,
    /// There may be any, and each may be absent.
    Uncertain,
}

impl From<Kind> for Type {
    fn from(kind: Kind) -> Self {
        Self { nullable: kind == Kind::Null, kind }
    }
}

impl Type {
    pub(crate) fn any() -> Self {
        Kind::Any.into()
    }

    pub(crate) fn or_null(self) -> Self {
        Self { nullable: true, ..self }
    }

    pub(crate) fn list(item: Self) -> Self {
        Kind::List(Arc::new(item)).into()
    }

    pub(crate) fn one_of<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        Kind::OneOf(texts.into_iter().map(Arc::from).collect()).into()
    }

    /// An object with these members.
    pub(crate) fn object(what: &str, fields: impl IntoIterator<Item = (&'static str, Self)>) -> Self {
        let fields = fields.into_iter().map(|(name, ty)| {
            let field = Field { ty, missing: None };
            (Arc::from(name), field)
        });
        let shape = Shape { what: what.to_owned(), fields: fields.collect(), rest: Rest::None };
        Kind::Object(Arc::new(shape)).into()
    }

    /// The type of a constant.
    pub(crate) fn of(value: &Value, what: &str) -> Self {
        match value {
            Value::Null => Kind::Null.into(),
            Value::Bool(_) => Kind::Bool.into(),
            Value::Int(_) => Kind::Int.into(),
            Value::Float(_) => Kind::Number.into(),
            Value::Text(_) => Kind::Text.into(),
            Value::List(items) => {
                let item = items.iter().map(|item| Self::of(item, what)).reduce(Self::join);
                Self::list(item.unwrap_or_else(Self::any))
            }
            Value::Map(members) => {
                let fields = members.iter().map(|(name, value)| {
                    let field = Field { ty: Self::of(value, what), missing: None };
                    (name.clone(), field)
                });
                let shape = Shape { what: what.to_owned(), fields: fields.collect(), rest: Rest::None };
                Kind::Object(Arc::new(shape)).into()
            }
        }
    }

    /// What both have in common: the type of a value that is one or the other.
    pub(crate) fn join(self, other: Self) -> Self {
        let nullable = self.nullable || other.nullable;
        let kind = match (self.kind, other.kind) {
            (a, b) if a == b => a,
            (Kind::Null, kind) | (kind, Kind::Null) => kind,
            (Kind::Int | Kind::Number, Kind::Int | Kind::Number) => Kind::Number,
            (Kind::OneOf(a), Kind::OneOf(b)) => {
                let mut texts: Vec<Arc<str>> = a.iter().chain(b.iter()).cloned().collect();
                texts.sort_unstable();
                texts.dedup();
                Kind::OneOf(texts.into())
            }
            (a, b) if a.is_text() && b.is_text() => Kind::Text,
            (Kind::List(a), Kind::List(b)) => Kind::List(Arc::new((*a).clone().join((*b).clone()))),
            (Kind::Object(a), Kind::Object(b)) => Kind::Object(Arc::new(a.join(&b))),
            _ => Kind::Any,
        };
        Self { kind, nullable }
    }

    /// Whether no value can be of both types; null does not count.
    pub(crate) fn excludes(&self, other: &Self) -> bool {
        match (&self.kind, &other.kind) {
            (Kind::Any | Kind::Null, _) | (_, Kind::Any | Kind::Null) => false,
            (Kind::Int | Kind::Number, Kind::Int | Kind::Number) => false,
            (Kind::OneOf(a), Kind::OneOf(b)) => !a.iter().any(|text| b.contains(text)),
            (a, b) if a.is_text() && b.is_text() => false,
            (Kind::List(a), Kind::List(b)) => a.excludes(b),
            (Kind::Object(_) | Kind::Facts, Kind::Object(_) | Kind::Facts) => false,
            (a, b) => std::mem::discriminant(a) != std::mem::discriminant(b),
        }
    }
}

impl Kind {
    pub(crate) fn is_text(&self) -> bool {
        matches!(self, Self::Text | Self::OneOf(_) | Self::Instant)
    }

    pub(crate) fn is_number(&self) -> bool {
        matches!(self, Self::Int | Self::Number)
    }
}

impl Shape {
    fn join(&self, other: &Self) -> Self {
        let mut fields = BTreeMap::new();
        for name in self.fields.keys().chain(other.fields.keys()) {
            let field = match (self.fields.get(name), other.fields.get(name)) {
                (Some(a), Some(b)) => Field {
                    ty: a.ty.clone().join(b.ty.clone()),
                    missing: a.missing.clone().or_else(|| b.missing.clone()),
                },
                (Some(one), None) | (None, Some(one)) => {
                    Field { ty: one.ty.clone(), missing: Some("it is not always there".into()) }
                }
                (None, None) => continue,
            };
            fields.insert(name.clone(), field);
        }
        Self {
            what: self.what.clone(),
            fields,
            rest: if self.rest == other.rest { self.rest } else { Rest::Open },
        }
    }
}

/// In words, with an article.
impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Any => f.write_str("anything"),
            Kind::Null => f.write_str("null"),
            Kind::Bool => f.write_str("true or false"),
            Kind::Int => f.write_str("a whole number"),
            Kind::Number => f.write_str("a number"),
            Kind::Text => f.write_str("text"),
            Kind::OneOf(texts) if texts.len() == 1 => write!(f, "the text '{}'", texts[0]),
            Kind::OneOf(texts) if texts.len() <= 6 => write!(f, "one of {}", texts.join(", ")),
            Kind::OneOf(texts) => write!(f, "one of {} words", texts.len()),
            Kind::Instant => f.write_str("an instant"),
            Kind::List(_) => f.write_str("a list"),
            Kind::Object(_) | Kind::Facts => f.write_str("an object"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joining_keeps_what_is_common() {
        let int: Type = Kind::Int.into();
        let text: Type = Kind::Text.into();
        assert_eq!(int.clone().join(Kind::Number.into()), Kind::Number.into());
        assert_eq!(int.clone().join(Kind::Null.into()), int.clone().or_null());
        assert_eq!(int.clone().join(text.clone()), Type::any());
        assert_eq!(Type::one_of(["a"]).join(Kind::Instant.into()), text);
        let joined = Type::object("a", [("x", int.clone()), ("y", text.clone())])
            .join(Type::object("a", [("x", int.clone())]));
        let Kind::Object(shape) = joined.kind else { panic!("an object") };
        assert_eq!(shape.fields["x"].missing, None);
        assert!(shape.fields["y"].missing.is_some());
    }

    #[test]
    fn only_what_cannot_be_equal_excludes_each_other() {
        let excludes = |a: Type, b: Type| a.excludes(&b);
        assert!(excludes(Kind::Int.into(), Kind::Text.into()));
        assert!(excludes(Type::one_of(["a", "b"]), Type::one_of(["c"])));
        assert!(!excludes(Type::one_of(["a", "b"]), Type::one_of(["b"])));
        assert!(!excludes(Kind::Int.into(), Kind::Number.into()));
        assert!(!excludes(Type::any(), Kind::Text.into()));
        assert!(!excludes(Kind::Null.into(), Kind::Text.into()));
        assert!(!excludes(Kind::Instant.into(), Kind::Text.into()));
    }
}
