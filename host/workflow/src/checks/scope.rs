//! What is known on the way through a workflow: outputs, variables, what was asked; and how branches come together.
//! Never reports.

use std::collections::BTreeMap;
use std::sync::Arc;

use siyu_model::json::Value;

use crate::shape::expr::WrittenExpr;
use crate::types::{Field, Kind, Rest, Shape, StepSeen, Type, paths};

/// Questions of conditions that are remembered.
const ASKED_MAX: usize = 200;

/// What is known at a place of a workflow.
#[derive(Debug, Clone)]
pub(super) struct Scope {
    pub(super) seen: Arc<BTreeMap<Arc<str>, StepSeen>>,
    pub(super) vars: BTreeMap<Arc<str>, Field>,
    pub(super) names: Vec<(Arc<str>, Type)>,
    pub(super) asked: Vec<Arc<str>>,
}

impl Scope {
    pub(super) fn new(vars: &[&Value]) -> Self {
        let members = vars.iter().filter_map(|value| value.as_map()).flatten();
        let fields = members.map(|(name, value)| {
            let field = Field { ty: Type::of(value, "a variable"), missing: None };
            (name.clone(), field)
        });
        Self { seen: Arc::default(), vars: fields.collect(), names: Vec::new(), asked: Vec::new() }
    }

    /// The type of `vars`.
    pub(super) fn vars_type(&self) -> Type {
        let shape = Shape { what: "`vars`".to_owned(), fields: self.vars.clone(), rest: Rest::None };
        Kind::Object(Arc::new(shape)).into()
    }

    /// A condition has been evaluated. What was asked last is what later steps depend on: older questions are forgotten.
    pub(super) fn ask(&mut self, condition: &WrittenExpr) {
        self.asked.extend(paths(&condition.expr));
        let beyond = self.asked.len().saturating_sub(ASKED_MAX);
        self.asked.drain(..beyond);
    }

    /// A step with an id has run.
    pub(super) fn see(&mut self, id: Arc<str>, ty: Type) {
        Arc::make_mut(&mut self.seen).insert(id, StepSeen { ty, missing: None });
    }

    /// Takes over what is known after branches of which exactly one is taken. Branches that end the run are left out
    /// before; with `is_certain` one of these is taken whatever happens.
    pub(super) fn choose(&mut self, mut branches: Vec<Self>, is_certain: bool, why: &str) {
        if !is_certain {
            branches.push(self.clone());
        }
        let count = branches.len();
        let why: Arc<str> = why.into();
        let mut vars: BTreeMap<Arc<str>, (Field, usize)> = BTreeMap::new();
        for branch in branches {
            for (id, seen) in branch.seen.iter() {
                if !self.seen.contains_key(id) {
                    let missing = seen.missing.clone().or_else(|| (count > 1).then(|| why.clone()));
                    let ty = seen.ty.clone();
                    Arc::make_mut(&mut self.seen).insert(id.clone(), StepSeen { ty, missing });
                }
            }
            for (name, field) in branch.vars {
                let joined = match vars.remove(&name) {
                    None => (field, 1),
                    Some((known, times)) => (join(known, field), times + 1),
                };
                vars.insert(name, joined);
            }
        }
        let vars = vars.into_iter().map(|(name, (mut field, times))| {
            if times < count && field.missing.is_none() {
                field.missing = Some(why.clone());
            }
            (name, field)
        });
        if count > 0 {
            self.vars = vars.collect();
        }
    }

    /// Takes over what is known after branches that are all taken.
    pub(super) fn gather(&mut self, branches: Vec<Self>) {
        let before = self.seen.clone();
        for branch in branches {
            for (id, seen) in branch.seen.iter().filter(|(id, _)| !before.contains_key(*id)) {
                Arc::make_mut(&mut self.seen).insert(id.clone(), seen.clone());
            }
            for (name, field) in branch.vars {
                let joined = match self.vars.remove(&name) {
                    Some(known) if known != field => join(known, field),
                    _ => field,
                };
                self.vars.insert(name, joined);
            }
        }
    }
}

fn join(a: Field, b: Field) -> Field {
    Field { ty: a.ty.join(b.ty), missing: a.missing.or(b.missing) }
}
