//! The type of an expression, found by walking its tree; what is wrong on the way is reported.
//! Never evaluates, except conditions that read nothing.

use std::ops::Range;
use std::sync::Arc;

use siyu_model::expr::{Filter, Node, NodeKind, Path, Test};
use siyu_model::json::Value;

use super::env::{self, Env, path_text};
use super::{Kind, Rest, Type};
use crate::diagnostics::rules::{
    BAD_ARGUMENT, CONSTANT_CONDITION, MAY_BE_MISSING, STEP_COMES_LATER, STEP_ELSEWHERE, UNKEPT_FACT,
    UNKNOWN_EVENT, UNKNOWN_FIELD, UNKNOWN_ROOT, UNKNOWN_STEP,
};
use crate::diagnostics::{Code, Fault, Report, quoted};
use crate::shape::acts::ROOTS;
use crate::shape::expr::WrittenExpr;
use crate::source::Span;

/// The type of an expression's value.
pub(crate) fn check_value(written: &WrittenExpr, env: &Env<'_>, report: &Report<'_>) -> Type {
    let inference = Inference { env, written, report };
    inference.node(written.expr.root(), &Around::new(env))
}

/// The same for an expression inside a text: its value must have a form as text.
pub(crate) fn check_text(written: &WrittenExpr, env: &Env<'_>, report: &Report<'_>) {
    let inference = Inference { env, written, report };
    let root = written.expr.root();
    let around = Around::new(env);
    let ty = inference.node(root, &around);
    inference.printable(root, &ty, &around);
}

/// The same for a condition, which must not be the same every time.
pub(crate) fn check_condition(written: &WrittenExpr, env: &Env<'_>, report: &Report<'_>) {
    let before = report.len();
    check_value(written, env, report);
    let root = written.expr.root();
    if report.len() > before || !is_constant(root) {
        return;
    }
    let zone = siyu_model::clock::Zone::utc();
    let nothing = Value::Null;
    let scope = siyu_model::expr::Scope::new(siyu_model::clock::UtcMs::EPOCH, &zone, &nothing);
    if let Ok(holds) = written.expr.holds(&scope) {
        let always = if holds { "always holds" } else { "never holds" };
        let fault =
            Fault::new(CONSTANT_CONDITION, written.whole(report), format!("a condition that {always}"))
                .help("it reads nothing: name what it depends on, such as event.amount_fen");
        report.add(fault);
    }
}

/// Whether a part reads no name and no clock.
fn is_constant(node: &Node) -> bool {
    !matches!(node.kind, NodeKind::Root(_) | NodeKind::Call(..))
        && node.children().into_iter().all(is_constant)
}

/// What is known around a part of an expression.
#[derive(Clone)]
pub(super) struct Around<'e> {
    /// Whether a missing name is provided for: under `default` and `is defined`.
    is_lenient: bool,
    /// What conditions around the expression have asked.
    before: &'e [Arc<str>],
    /// What was asked inside the expression.
    inside: Vec<Arc<str>>,
}

impl<'e> Around<'e> {
    fn new(env: &'e Env<'_>) -> Self {
        Self { is_lenient: false, before: &env.asked, inside: Vec::new() }
    }

    fn lenient(&self) -> Self {
        Self { is_lenient: true, ..self.clone() }
    }

    /// Whether a missing path is nothing to report.
    fn provides_for(&self, path: &str) -> bool {
        // Whoever asked which event it is knows its fields.
        let is_known_event = path.starts_with("event.") && self.has_asked_for("event.type");
        self.is_lenient
            || is_known_event
            || Env::has_asked(self.before, path)
            || Env::has_asked(&self.inside, path)
    }

    fn has_asked_for(&self, path: &str) -> bool {
        Env::has_asked_for(self.before, path) || Env::has_asked_for(&self.inside, path)
    }

    /// Whether a condition around has asked for this chain of names.
    pub(super) fn has_asked(&self, node: &Node) -> bool {
        node.path().is_some_and(|path| {
            let text = path_text(path.root, path.names.iter().map(|name| name.0));
            self.has_asked_for(&text)
        })
    }

    /// After a part has been evaluated.
    fn after(&self, part: &Node) -> Self {
        let mut around = self.clone();
        gather_paths(part, &mut around.inside);
        around
    }
}

fn gather_paths(node: &Node, found: &mut Vec<Arc<str>>) {
    match node.path() {
        Some(path) => found.push(path_text(path.root, path.names.iter().map(|name| name.0))),
        None => node.children().into_iter().for_each(|child| gather_paths(child, found)),
    }
}

pub(super) struct Inference<'a, 'r> {
    env: &'a Env<'a>,
    written: &'a WrittenExpr,
    report: &'r Report<'r>,
}

impl Inference<'_, '_> {
    pub(super) fn node(&self, node: &Node, around: &Around<'_>) -> Type {
        match &node.kind {
            NodeKind::Const(value) => Type::of(value, "an object"),
            NodeKind::Root(_) => self.path(node, around),
            NodeKind::Attr(base, name) => match node.path() {
                Some(_) => self.path(node, around),
                None => {
                    let base = self.node(base, around);
                    self.member(&base, name, &node.range, around)
                }
            },
            NodeKind::Item(base, index) => self.item(node, base, index, around),
            NodeKind::Not(inner) => {
                self.node(inner, around);
                Kind::Bool.into()
            }
            NodeKind::Negative(inner) => self.negative(inner, around),
            NodeKind::And(left, right) | NodeKind::Or(left, right) => {
                let left_type = self.node(left, around);
                let right_type = self.node(right, &around.after(left));
                left_type.join(right_type)
            }
            NodeKind::Binary(op, left, right) => self.binary(*op, (left, right), node, around),
            NodeKind::Compare(first, rest) => self.compare(first, rest, around),
            NodeKind::If(test, yes, no) => {
                self.node(test, around);
                let around = around.after(test);
                let yes = self.node(yes, &around);
                match no {
                    Some(no) => yes.join(self.node(no, &around)),
                    None => yes.or_null(),
                }
            }
            NodeKind::List(items) => {
                let item = items.iter().map(|item| self.node(item, around)).reduce(Type::join);
                Type::list(item.unwrap_or_else(Type::any))
            }
            NodeKind::Map(members) => {
                members.iter().for_each(|(_, value)| drop(self.node(value, around)));
                Type::any()
            }
            NodeKind::Filter(Filter::Default, base, args) => {
                let base = self.node(base, &around.lenient());
                let other = self.node(&args[0], around);
                Type { nullable: false, ..base }.join(other)
            }
            NodeKind::Filter(filter, base, args) => self.filter(*filter, base, args, around),
            NodeKind::Test(test, base, _) => {
                let around = if *test == Test::Defined { around.lenient() } else { around.clone() };
                self.node(base, &around);
                Kind::Bool.into()
            }
            NodeKind::Call(function, args) => self.call(*function, args, node, around),
        }
    }

    pub(super) fn span(&self, range: &Range<usize>) -> Span {
        self.written.span(range.clone(), self.report)
    }

    pub(super) fn fault(&self, code: Code, range: &Range<usize>, message: impl Into<String>) -> Fault {
        Fault::new(code, self.span(range), message)
    }

    pub(super) fn report(&self, fault: Fault) {
        self.report.add(fault);
    }

    pub(super) fn env(&self) -> &Env<'_> {
        self.env
    }

    /// As it was written.
    pub(super) fn text(&self, node: &Node) -> &str {
        self.written.expr.source().get(node.range.clone()).unwrap_or_default()
    }

    /// Follows a chain of names.
    fn path(&self, node: &Node, around: &Around<'_>) -> Type {
        let Some(path) = node.path() else {
            return Type::any();
        };
        let Some((mut ty, mut is_told)) = self.root(&path, around) else {
            return Type::any();
        };
        let is_step = path.root == "steps" && !self.is_name("steps");
        let skipped = usize::from(is_step);
        for (place, (name, range)) in path.names.iter().enumerate().skip(skipped) {
            let base = path_text(path.root, path.names[..place].iter().map(|name| name.0));
            let whole = path_text(path.root, path.names[..=place].iter().map(|name| name.0));
            let mut tell = |path: &str, why: &str| {
                // One word about a chain is enough: what lies further down is missing with it.
                if !is_told && !around.provides_for(&base) && !around.provides_for(&whole) {
                    self.may_be_missing(path, why, range);
                    is_told = true;
                }
            };
            if ty.nullable && ty.kind != Kind::Null {
                tell(&base, "it may be null");
            }
            let (next, missing) = self.attr(&ty, name, range);
            if let Some(why) = missing {
                tell(&whole, &why);
            }
            ty = next;
        }
        if is_told {
            ty.nullable = false;
        }
        if ty.nullable && ty.kind != Kind::Null && around.has_asked(node) {
            ty.nullable = false;
        }
        ty
    }

    fn is_name(&self, root: &str) -> bool {
        self.env.names.iter().any(|(name, _)| &**name == root)
    }

    /// The type of the first name, or of `steps.<id>`; and whether it was told that it may be missing.
    fn root(&self, path: &Path<'_>, around: &Around<'_>) -> Option<(Type, bool)> {
        if let Some((_, ty)) = self.env.names.iter().rev().find(|(name, _)| &**name == path.root) {
            return Some((ty.clone(), false));
        }
        let found = match path.root {
            "event" => self.env.event.clone(),
            "customer" => self.env.customer.clone(),
            "vars" => Ok(self.env.vars.clone()),
            "tenant" => Ok(env::tenant()),
            "run" if self.env.has_run => Ok(env::run()),
            "run" => Err("there is no run here"),
            "steps" => return self.step(path, around),
            _ => {
                let names = self.env.names.iter().map(|(name, _)| &**name).chain(ROOTS);
                let message = format!("unknown name {}", quoted(path.root));
                self.report(self.fault(UNKNOWN_ROOT, &path.root_range, message).near(
                    path.root,
                    names,
                    self.report,
                ));
                return None;
            }
        };
        found
            .map_err(|why| {
                let message = format!("`{}` cannot be read here: {why}", path.root);
                self.report(self.fault(UNKNOWN_ROOT, &path.root_range, message));
            })
            .ok()
            .map(|ty| (ty, false))
    }

    fn step(&self, path: &Path<'_>, around: &Around<'_>) -> Option<(Type, bool)> {
        let steps = match &self.env.steps {
            Ok(steps) => steps,
            Err(why) => {
                let message = format!("`steps` cannot be read here: {why}");
                self.report(self.fault(UNKNOWN_ROOT, &path.root_range, message));
                return None;
            }
        };
        let (id, range) = path.names.first()?;
        if let Some(seen) = steps.seen.get(*id) {
            let whole = format!("steps.{id}");
            let missing = seen.missing.as_ref().filter(|_| !around.provides_for(&whole));
            if let Some(why) = missing {
                self.may_be_missing(&whole, why, range);
            }
            return Some((seen.ty.clone(), missing.is_some()));
        }
        let fault = match steps.all.get(*id) {
            Some(at) if at.start >= steps.here.start => {
                let message = format!("the step {} has not run yet here", quoted(id));
                self.fault(STEP_COMES_LATER, range, message).also(*at, "it stands here")
            }
            Some(at) => {
                let message = format!("the step {} is not on the way here", quoted(id));
                self.fault(STEP_ELSEWHERE, range, message)
                    .also(*at, "it stands in another branch, or inside an `each`")
            }
            None if steps.written.contains(*id) => return None,
            None => {
                let known = steps.all.keys().map(|id| &**id);
                self.fault(UNKNOWN_STEP, range, format!("no step has the id {}", quoted(id))).near(
                    id,
                    known,
                    self.report,
                )
            }
        };
        self.report(fault);
        None
    }

    pub(super) fn may_be_missing(&self, path: &str, why: &str, range: &Range<usize>) {
        let is_answer = path.ends_with(".refused") || path.ends_with(".error");
        let help = if is_answer {
            format!("ask `{path} is defined`")
        } else if why == "it may be null" {
            format!("write `{path} | default('…')`, or give the step an `if: {path}`")
        } else {
            format!("write `{path} | default('…')`, or give the step an `if: {path} is defined`")
        };
        let fault =
            self.fault(MAY_BE_MISSING, range, format!("`{path}` may be missing here")).label(why).help(help);
        self.report(fault);
    }

    /// The type of a member, and whether and why it may be absent.
    fn attr(&self, base: &Type, name: &str, range: &Range<usize>) -> (Type, Option<Arc<str>>) {
        let known = |ty: Type| (ty, None);
        let shape = match &base.kind {
            Kind::Any => return known(Type::any()),
            Kind::Facts => return known(self.fact(name, range)),
            Kind::Object(shape) => shape,
            other => {
                let message = format!("`.{name}` of {base}, expected an object");
                let mut fault = self.fault(UNKNOWN_FIELD, range, message);
                if matches!(other, Kind::List(_)) {
                    fault = fault.help("take an item first: x | first, or x[0]");
                }
                self.report(fault);
                return known(Type::any());
            }
        };
        match (shape.fields.get(name), shape.rest) {
            (Some(field), _) => (field.ty.clone(), field.missing.clone()),
            (None, Rest::Open) => known(Type::any()),
            (None, Rest::Uncertain) => {
                (Type::any(), Some(format!("not everybody has it: {}", shape.what).into()))
            }
            (None, Rest::None) => {
                let message = format!("{} has no {}", shape.what, quoted(name));
                let names = shape.fields.keys().map(|name| &**name);
                let fault = self.fault(UNKNOWN_FIELD, range, message);
                self.report(match name {
                    "refused" => {
                        fault.help("say `on_refused: continue` on the step, or give it steps for the refusal")
                    }
                    "error" => {
                        fault.help("say `on_error: continue` on the step, or give it steps for the fault")
                    }
                    _ => fault.near(name, names, self.report),
                });
                known(Type::any())
            }
        }
    }

    /// A member of something that is no chain of names.
    fn member(&self, base: &Type, name: &str, range: &Range<usize>, around: &Around<'_>) -> Type {
        let (ty, missing) = self.attr(base, name, range);
        if let Some(why) = missing.filter(|_| !around.is_lenient) {
            self.may_be_missing(&format!("….{name}"), &why, range);
        }
        ty
    }

    fn fact(&self, event_type: &str, range: &Range<usize>) -> Type {
        self.known_event(event_type, range);
        env::fact()
    }

    /// Reports a type of event that does not exist.
    pub(super) fn known_event(&self, event_type: &str, range: &Range<usize>) {
        let types = self.env.event_types;
        if types.unkept.contains(event_type) {
            let message = format!("{} is not recorded: nothing listens to it", quoted(event_type));
            let fault = self.fault(UNKEPT_FACT, range, message);
            self.report(
                fault.help("let a workflow start with it or wait for it; until then there is none to count"),
            );
        }
        if types.known.contains(event_type) {
            return;
        }
        let known = types.known.iter().map(|name| &**name);
        let fault = self.fault(UNKNOWN_EVENT, range, format!("unknown event {}", quoted(event_type))).near(
            event_type,
            known,
            self.report,
        );
        self.report(fault);
    }

    fn item(&self, node: &Node, base: &Node, index: &Node, around: &Around<'_>) -> Type {
        let base_type = self.node(base, around);
        let index_type = self.node(index, around);
        let wrong = |expected: &str| {
            let message = format!("[{index_type}] of {base_type}, expected {expected}");
            self.report(self.fault(BAD_ARGUMENT, &node.range, message));
            Type::any()
        };
        match (&base_type.kind, &index_type.kind) {
            (Kind::Any, _) => Type::any(),
            (Kind::List(item), Kind::Int | Kind::Number | Kind::Any) => (**item).clone(),
            (Kind::List(_), _) => wrong("a whole number"),
            (Kind::Facts, _) => env::fact(),
            (Kind::Object(_), kind) if kind.is_text() || *kind == Kind::Any => Type::any(),
            (Kind::Object(_), _) => wrong("a text"),
            _ => wrong("a list or an object to take from"),
        }
    }
}
