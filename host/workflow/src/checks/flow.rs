//! Going through a workflow step by step, as a run would: every expression is typed with what is known at its place.
//! Never runs anything.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::outputs;
use super::scope::Scope;
use super::world::World;
use crate::diagnostics::Fault;
use crate::diagnostics::rules::{SWITCH_WITHOUT_ELSE, UNEXPECTED_TYPE, UNREACHABLE};
use crate::shape::expr::WrittenExpr;
use crate::shape::step::{Act, Block, Errored, Refused, Step, SwitchBranch};
use crate::shape::trigger::TriggerKind;
use crate::shape::workflow::WrittenWorkflow;
use crate::source::Span;
use crate::types::{Env, Field, Kind, Rest, Shape, Steps, Type, check_condition, check_value};

/// The way through one workflow.
pub(super) struct Flow<'a> {
    pub(super) world: &'a World<'a>,
    pub(super) workflow: &'a WrittenWorkflow,
    /// Where each step with an id stands.
    ids: &'a BTreeMap<Arc<str>, Span>,
    /// What `event` and `customer` are in this workflow's runs.
    pub(super) event: Result<Type, &'static str>,
    pub(super) customer: Result<Type, &'static str>,
}

impl<'a> Flow<'a> {
    pub(super) fn new(
        world: &'a World<'a>,
        workflow: &'a WrittenWorkflow,
        ids: &'a BTreeMap<Arc<str>, Span>,
        (event, customer): (Result<Type, &'static str>, Result<Type, &'static str>),
    ) -> Self {
        Self { world, workflow, ids, event, customer }
    }

    /// Checks all steps.
    pub(super) fn check(&self) {
        let mut scope = Scope::new(&[&self.world.written.playbook.vars, &self.workflow.vars]);
        // A run exists because the trigger's condition held.
        let trigger = self.workflow.trigger.as_ref().map(|trigger| &trigger.kind);
        if let Some(TriggerKind::Event { condition: Some(condition), .. }) = trigger {
            scope.ask(condition);
        }
        self.block(&self.workflow.block, &mut scope);
    }

    /// What an expression at a step sees.
    pub(super) fn env(&self, scope: &Scope, here: Span) -> Env<'a> {
        Env {
            event: self.event.clone(),
            customer: self.customer.clone(),
            steps: Ok(Steps {
                seen: scope.seen.clone(),
                all: self.ids,
                written: &self.workflow.ids_seen,
                here,
            }),
            vars: scope.vars_type(),
            has_run: true,
            names: scope.names.clone(),
            event_types: &self.world.event_types,
            asked: scope.asked.clone(),
        }
    }

    /// Goes through steps; says whether the run may go on after them.
    pub(super) fn block(&self, block: &Block, scope: &mut Scope) -> bool {
        let mut goes_on = true;
        for step in &block.steps {
            if !goes_on {
                let fault = Fault::new(UNREACHABLE, step.head, "this step is never reached")
                    .label("every way before it ends the run");
                self.world.report.add(fault);
                // What follows is unreachable too; one word about it is enough.
                return false;
            }
            goes_on = self.step(step, scope);
        }
        goes_on
    }

    fn step(&self, step: &Step, scope: &mut Scope) -> bool {
        let before = scope.clone();
        if let Some(condition) = &step.condition {
            check_condition(condition, &self.env(scope, step.start), self.world.report);
            scope.ask(condition);
        }
        let (output, goes_on) = self.act(step, scope);
        let is_skippable = step.condition.is_some();
        if let (Some(output), Some(id)) = (output, &step.id) {
            scope.see(id.value.as_str().into(), output);
        }
        if let Some(compensate) = &step.compensate {
            outputs::plugin_call(self, compensate, &self.env(scope, step.start));
        }
        let goes_on = self.answers(step, scope, goes_on);
        if !is_skippable {
            return goes_on;
        }
        let done = std::mem::replace(scope, before);
        if goes_on {
            scope.choose(vec![done], false, "the step has an `if` and may be skipped");
        } else if let Some(condition) = &step.condition {
            // Whoever comes here did not fulfil the condition.
            scope.ask(condition);
        }
        true
    }

    /// What a step gives, and whether the run goes on after it.
    fn act(&self, step: &Step, scope: &mut Scope) -> (Option<Type>, bool) {
        let here = step.start;
        match &step.act {
            Act::Switch(branches) => {
                let goes_on = self.switch(branches, step, scope);
                (Some(nothing("a switch")), goes_on)
            }
            Act::Parallel(blocks) => {
                let goes_on = self.parallel(blocks, scope);
                (Some(nothing("`parallel`")), goes_on)
            }
            Act::Each { items, item, body, .. } => {
                let item_type = self.items(items, scope, here);
                let mut inner = scope.clone();
                inner.names.push((item.value.as_str().into(), item_type));
                self.block(body, &mut inner);
                (Some(results(scope, &inner)), true)
            }
            Act::Split { arms, .. } => {
                let names = Type::one_of(arms.iter().map(|arm| arm.name.as_str()));
                let ways: Vec<Option<Scope>> = arms.iter().map(|arm| self.way(&arm.block, scope)).collect();
                let goes_on = ways.iter().any(Option::is_some);
                let ways = ways.into_iter().flatten().collect();
                scope.choose(ways, true, "the customer may be in another arm");
                (Some(Type::object("a split", [("arm", names)])), goes_on)
            }
            Act::End(_) => (None, false),
            Act::Broken => (Some(Type::any()), true),
            _ => (Some(outputs::of(self, step, scope)), true),
        }
    }

    /// A block on its own; what is known after it when the run goes on.
    fn way(&self, block: &Block, scope: &Scope) -> Option<Scope> {
        let mut inner = scope.clone();
        self.block(block, &mut inner).then_some(inner)
    }

    fn switch(&self, branches: &[SwitchBranch], step: &Step, scope: &mut Scope) -> bool {
        let mut asking = scope.clone();
        let mut ways = Vec::new();
        let mut ended = false;
        for branch in branches {
            if let Some(condition) = &branch.condition {
                check_condition(condition, &self.env(&asking, step.start), self.world.report);
                // Later branches are looked at after this condition has been.
                asking.ask(condition);
            }
            match self.way(&branch.block, &asking) {
                Some(way) => ways.push(way),
                None => ended = true,
            }
        }
        let has_else = branches.last().is_some_and(|branch| branch.condition.is_none());
        if !has_else {
            let fault = Fault::new(SWITCH_WITHOUT_ELSE, step.head, "a switch without `else`")
                .label("when no condition holds, the run goes on after it")
                .help("say so with `- else: []`, or say what happens then");
            self.world.report.add(fault);
        }
        let goes_on = !has_else || !ways.is_empty();
        if ended {
            // Whoever comes out did not take the branch that ends.
            scope.asked = asking.asked;
        }
        scope.choose(ways, has_else, "another branch may have been taken");
        goes_on
    }

    fn parallel(&self, blocks: &[Block], scope: &mut Scope) -> bool {
        let ways: Vec<Option<Scope>> = blocks.iter().map(|block| self.way(block, scope)).collect();
        let goes_on = ways.iter().all(Option::is_some);
        scope.gather(ways.into_iter().flatten().collect());
        goes_on
    }

    /// The type of the items of `each`.
    fn items(&self, items: &WrittenExpr, scope: &Scope, here: Span) -> Type {
        let ty = check_value(items, &self.env(scope, here), self.world.report);
        match ty.kind {
            Kind::List(item) => (*item).clone(),
            Kind::Any => Type::any(),
            _ => {
                let message = format!("this is {ty}, `each` expects a list");
                let span = items.whole(self.world.report);
                self.world.report.add(Fault::new(UNEXPECTED_TYPE, span, message));
                Type::any()
            }
        }
    }

    /// What refusals and faults lead to, and what is known once the ways come together.
    fn answers(&self, step: &Step, scope: &mut Scope, goes_on: bool) -> bool {
        let id = step.id.as_ref().map(|id| Arc::<str>::from(id.value.as_str()));
        let mut ways: Vec<Scope> = Vec::new();
        let mut is_refusable = false;
        match &step.on_refused {
            Refused::Fail => {}
            Refused::Continue => {
                is_refusable = true;
                ways.push(answered(scope, id.as_ref(), "refused"));
            }
            Refused::Arms(arms) => {
                is_refusable = true;
                if !arms.iter().any(|(code, _)| code.is_none()) {
                    ways.push(answered(scope, id.as_ref(), "refused"));
                }
                for (_, block) in arms {
                    ways.extend(self.way(block, &answered(scope, id.as_ref(), "refused")));
                }
            }
        }
        match &step.on_error {
            Errored::Fail => {}
            Errored::Continue => ways.push(answered(scope, id.as_ref(), "error")),
            Errored::Steps(block) => ways.extend(self.way(block, &answered(scope, id.as_ref(), "error"))),
        }
        if ways.is_empty() {
            return goes_on;
        }
        let does_err = !matches!(step.on_error, Errored::Fail);
        let output = id.as_ref().and_then(|id| scope.seen.get(id).map(|seen| seen.ty.clone()));
        let done = scope.clone();
        if goes_on {
            ways.push(done);
        }
        scope.choose(ways, true, "it ran only after a refusal or a fault");
        if let (Some(id), Some(output)) = (id, output) {
            scope.see(id, with_answers(output, is_refusable, does_err));
        }
        true
    }

    /// Reports a message in a workflow without a customer.
    pub(super) fn no_customer(&self, span: Span, why: &str) {
        let code = crate::diagnostics::rules::NO_CUSTOMER;
        let fault = Fault::new(code, span, format!("`send` needs a customer: {why}"))
            .help("give the trigger an `audience`");
        self.world.report.add(fault);
    }
}

/// An output without members.
pub(super) fn nothing(what: &str) -> Type {
    Type::object(what, [])
}

/// The scope of a way that a refusal or a fault takes.
fn answered(scope: &Scope, id: Option<&Arc<str>>, member: &'static str) -> Scope {
    let mut scope = scope.clone();
    if let Some(id) = id {
        let what = if member == "refused" { "a refused step" } else { "a failed step" };
        scope.see(id.clone(), Type::object(what, [(member, answer(member))]));
    }
    scope
}

/// `refused` and `error`.
fn answer(member: &str) -> Type {
    let mut fields: Vec<(&'static str, Type)> =
        vec![("code", Kind::Text.into()), ("message", Kind::Text.into())];
    if member == "refused" {
        fields.push(("details", Type::any()));
    }
    let what = if member == "refused" { "a refusal" } else { "a fault" };
    Type::object(what, fields)
}

/// An output that may be a refusal or a fault instead.
fn with_answers(output: Type, is_refusable: bool, does_err: bool) -> Type {
    let Kind::Object(shape) = &output.kind else {
        return output;
    };
    let mut shape: Shape = (**shape).clone();
    let why: Arc<str> = "the step may have been refused or have failed".into();
    for field in shape.fields.values_mut() {
        field.missing.get_or_insert_with(|| why.clone());
    }
    for (member, is_there) in [("refused", is_refusable), ("error", does_err)] {
        if is_there {
            let field =
                Field { ty: answer(member), missing: Some("it is there only when that happened".into()) };
            shape.fields.insert(member.into(), field);
        }
    }
    Kind::Object(Arc::new(shape)).into()
}

/// `results` of an `each`: an object an item, with the outputs of the steps of its body.
fn results(outer: &Scope, inner: &Scope) -> Type {
    let fields = inner.seen.iter().filter(|(id, _)| !outer.seen.contains_key(*id)).map(|(id, seen)| {
        let field = Field { ty: seen.ty.clone(), missing: seen.missing.clone() };
        (id.clone(), field)
    });
    let shape = Shape { what: "a result of `each`".to_owned(), fields: fields.collect(), rest: Rest::None };
    let item = Type::from(Kind::Object(Arc::new(shape)));
    Type::object("`each`", [("results", Type::list(item))])
}

/// The steps of a workflow by id; ids that stand twice are reported.
pub(super) fn ids(workflow: &WrittenWorkflow, world: &World<'_>) -> BTreeMap<Arc<str>, Span> {
    let mut ids: BTreeMap<Arc<str>, Span> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for step in workflow.block.all() {
        let Some(id) = &step.id else { continue };
        let name: Arc<str> = id.value.as_str().into();
        if !seen.insert(name.clone()) {
            let fault = Fault::new(
                crate::diagnostics::rules::DUPLICATE_NAME,
                id.span,
                format!("two steps with the id `{name}`"),
            )
            .also(ids[&name], "the first one");
            world.report.add(fault);
            continue;
        }
        ids.insert(name, id.span);
    }
    ids
}
