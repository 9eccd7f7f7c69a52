//! What an expression can see at its place: the roots with their types, and what conditions around it have asked.
//! Never reports.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use siyu_model::expr::Expr;

use super::{Field, Kind, Rest, Shape, Type};
use crate::source::Span;

/// A root: its type, or why it is not there.
pub(crate) type Root = Result<Type, &'static str>;

/// What an expression sees.
#[derive(Debug, Clone)]
pub(crate) struct Env<'a> {
    pub(crate) event: Root,
    pub(crate) customer: Root,
    pub(crate) steps: Result<Steps<'a>, &'static str>,
    pub(crate) vars: Type,
    pub(crate) has_run: bool,
    /// Further names: items of `each`, variables of a template.
    pub(crate) names: Vec<(Arc<str>, Type)>,
    /// All types of events that exist here.
    pub(crate) event_types: &'a EventTypes,
    /// Paths that conditions around this place have read.
    pub(crate) asked: Vec<Arc<str>>,
}

/// The types of events that exist in a playbook.
#[derive(Debug, Default)]
pub(crate) struct EventTypes {
    pub(crate) known: BTreeSet<Arc<str>>,
    /// Those of the host that are recorded only when something listens to them, and nothing here does.
    pub(crate) unkept: BTreeSet<Arc<str>>,
}

/// The steps that an expression may read.
#[derive(Debug, Clone)]
pub(crate) struct Steps<'a> {
    /// Steps that come before on every way here, or that may have.
    pub(crate) seen: Arc<BTreeMap<Arc<str>, StepSeen>>,
    /// Where each step of the workflow with an id stands.
    pub(crate) all: &'a BTreeMap<Arc<str>, Span>,
    /// Ids that stand in the file, in broken steps too.
    pub(crate) written: &'a BTreeSet<Arc<str>>,
    /// Where the step that reads stands.
    pub(crate) here: Span,
}

/// A step's output as later steps see it.
#[derive(Debug, Clone)]
pub(crate) struct StepSeen {
    pub(crate) ty: Type,
    /// Whether and why it may be absent.
    pub(crate) missing: Option<Arc<str>>,
}

impl<'a> Env<'a> {
    /// A place without event, customer, steps and run.
    pub(crate) fn bare(vars: Type, event_types: &'a EventTypes) -> Self {
        Self {
            event: Err("there is no event here"),
            customer: Err("there is no customer here"),
            steps: Err("there are no steps here"),
            vars,
            has_run: false,
            names: Vec::new(),
            event_types,
            asked: Vec::new(),
        }
    }

    /// A place where only a customer is known: segments, audiences, resources.
    pub(crate) fn of_customer(vars: Type, event_types: &'a EventTypes) -> Self {
        Self { customer: Ok(customer()), ..Self::bare(vars, event_types) }
    }

    /// Whether a condition around this place has asked for a path. For outputs of steps, asking for any part of the
    /// output counts: whoever looked at `refused` knows what became of the rest.
    pub(crate) fn has_asked(asked: &[Arc<str>], path: &str) -> bool {
        let step = path.strip_prefix("steps.").map(|rest| {
            let id = rest.split('.').next().unwrap_or(rest);
            &path[.."steps.".len() + id.len()]
        });
        Self::has_asked_for(asked, step.unwrap_or(path))
    }

    /// Whether a condition around this place has asked for exactly this path, or for something inside.
    pub(crate) fn has_asked_for(asked: &[Arc<str>], wanted: &str) -> bool {
        asked.iter().any(|known| {
            known.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    }
}

/// The paths that an expression reads, as text.
pub(crate) fn paths(expr: &Expr) -> impl Iterator<Item = Arc<str>> {
    expr.paths().into_iter().map(|path| path_text(path.root, path.names.iter().map(|name| name.0)))
}

pub(crate) fn path_text<'p>(root: &str, names: impl Iterator<Item = &'p str>) -> Arc<str> {
    let mut text = root.to_owned();
    for name in names {
        text.push('.');
        text.push_str(name);
    }
    text.into()
}

/// `customer`.
pub(crate) fn customer() -> Type {
    let attributes =
        Shape { what: "a customer's attributes".to_owned(), fields: BTreeMap::new(), rest: Rest::Uncertain };
    Type::object(
        "a customer",
        [
            ("id", Kind::Text.into()),
            ("created_at", Kind::Instant.into()),
            ("attributes", Kind::Object(Arc::new(attributes)).into()),
            ("identities", Type::list(Kind::Text.into())),
            ("tags", Type::list(Kind::Text.into())),
            ("facts", Kind::Facts.into()),
        ],
    )
}

/// What the host keeps of a customer and a type of event.
pub(super) fn fact() -> Type {
    let instant = || Type::from(Kind::Instant).or_null();
    Type::object(
        "a fact",
        [
            ("count", Kind::Int.into()),
            ("sum_fen", Kind::Int.into()),
            ("first", instant()),
            ("last", instant()),
        ],
    )
}

/// `tenant`.
pub(super) fn tenant() -> Type {
    Type::object("the tenant", [("id", Kind::Text.into()), ("name", Kind::Text.into())])
}

/// `run`.
pub(super) fn run() -> Type {
    Type::object(
        "the run",
        [("id", Kind::Text.into()), ("started_at", Kind::Instant.into()), ("now", Kind::Instant.into())],
    )
}

/// An event with this data: the envelope, and the members of the data beside it, where the envelope comes first.
pub(crate) fn event(data: &Type) -> Type {
    let Kind::Object(shape) = &data.kind else {
        return Type::any();
    };
    let mut fields = shape.fields.clone();
    let envelope = [
        ("id", Kind::Text.into()),
        ("type", Kind::Text.into()),
        ("source", Kind::Text.into()),
        ("time", Kind::Instant.into()),
        ("data", data.clone()),
    ];
    for (name, ty) in envelope {
        let field = Field { ty, missing: None };
        fields.insert(Arc::from(name), field);
    }
    let shape = Shape { what: shape.what.clone(), fields, rest: shape.rest };
    Kind::Object(Arc::new(shape)).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asking_for_a_part_tells_about_the_whole_step_and_about_nothing_else() {
        let asked: Vec<Arc<str>> = vec!["steps.coupon.refused".into(), "event.note".into()];
        for (path, expected) in [
            ("steps.coupon.code", true),
            ("steps.coupon", true),
            ("steps.coupon2.code", false),
            ("event.note", true),
            ("event", true),
            ("event.not", false),
            ("event.note.x", false),
        ] {
            assert_eq!(Env::has_asked(&asked, path), expected, "{path}");
        }
    }
}
