//! Message templates: which variables they read, and what is printed in them. Never renders one.

use std::collections::BTreeMap;
use std::sync::Arc;

use siyu_model::expr::NodeKind;

use super::lints;
use super::world::World;
use crate::diagnostics::rules::{MAY_BE_MISSING, UNEXPECTED_TYPE};
use crate::diagnostics::{Fault, Report};
use crate::shape::acts::ROOTS;
use crate::shape::template::WrittenTemplate;
use crate::source::Span;
use crate::types::{Env, Kind, Type, check_text};

/// A variable that a template reads.
#[derive(Debug, Clone)]
pub(super) struct Variable {
    pub(super) name: Arc<str>,
    /// Where it is read first.
    pub(super) span: Span,
    /// Whether every place provides for its absence.
    pub(super) is_optional: bool,
    /// Whether its bare value is printed somewhere.
    pub(super) is_printed: bool,
}

/// The variables of a template: every first name that is no root.
pub(super) fn variables(template: &WrittenTemplate, report: &Report<'_>) -> Vec<Variable> {
    let mut found: BTreeMap<Arc<str>, Variable> = BTreeMap::new();
    let exprs = template.text.iter().flat_map(|(_, exprs)| exprs);
    for written in exprs {
        let printed = match &written.expr.root().kind {
            NodeKind::Root(name) => Some(name.clone()),
            _ => None,
        };
        for path in written.expr.paths() {
            if ROOTS.contains(&path.root) {
                continue;
            }
            let is_printed = printed.as_deref() == Some(path.root);
            let variable = found.entry(path.root.into()).or_insert_with(|| Variable {
                name: path.root.into(),
                span: written.span(path.root_range.clone(), report),
                is_optional: true,
                is_printed: false,
            });
            variable.is_optional &= path.may_be_missing;
            variable.is_printed |= is_printed;
        }
    }
    found.into_values().collect()
}

/// Reports a value that a template prints and that has no form as text.
pub(super) fn printable(ty: &Type, span: Span, variable: &Variable, report: &Report<'_>) {
    let message = match ty.kind {
        Kind::List(_) | Kind::Object(_) | Kind::Facts | Kind::Null => {
            format!("the template prints `{}`, and {ty} has no form as text", variable.name)
        }
        _ if ty.nullable => {
            let message = format!("it may be null, and the template prints `{}`", variable.name);
            let fault = Fault::new(MAY_BE_MISSING, span, message)
                .help("write x | default('…'), or ask for it in an `if` around this step");
            return report.add(fault);
        }
        _ => return,
    };
    report.add(Fault::new(UNEXPECTED_TYPE, span, message).also(variable.span, "it is printed here"));
}

/// Checks every template by itself.
pub(super) fn check(world: &World<'_>) {
    let written = &world.written.playbook;
    for template in world.templates.values() {
        let vars = Type::of(&written.vars, "`vars`");
        let mut env = Env::of_customer(vars, &world.event_types);
        env.event = Err("a template sees customer, tenant, vars and what `with` gives it");
        env.steps = Err("a template sees customer, tenant, vars and what `with` gives it");
        let names =
            variables(template, world.report).into_iter().map(|variable| (variable.name, Type::any()));
        env.names = names.collect();
        if let Some((text, exprs)) = &template.text {
            exprs.iter().for_each(|expr| check_text(expr, &env, world.report));
            lints::template_text(text, template.name.span, world.report);
        }
    }
}
