//! Steps that hold no steps: what they are given is checked, what they give is known. Never calls a plugin.

use std::collections::BTreeSet;
use std::sync::Arc;

use siyu_model::clock::DurationMs;
use siyu_model::name::{ChannelName, EventType, TemplateName};

use super::fit::{Fit, loose};
use super::flow::{Flow, nothing};
use super::scope::Scope;
use super::templates;
use super::world::Origin;
use super::{lints, matching};
use crate::bundle::Kind as FileKind;
use crate::diagnostics::rules::{
    LONG_WAIT, MISSING_VARIABLE, NO_CHANNEL, NOT_CALLABLE, RESERVED_NAME, UNEXPECTED_TYPE, UNKNOWN_CHANNEL,
    UNKNOWN_EVENT, UNKNOWN_REFUSAL, UNKNOWN_TEMPLATE, UNKNOWN_WORKFLOW, UNUSED_VARIABLE,
    WAIT_WITHOUT_TIMEOUT,
};
use crate::diagnostics::{Fault, quoted};
use crate::shape::expr::{Doc, DocKind, WrittenExpr, WrittenValue};
use crate::shape::step::{Act, EventWait, Length, PluginCall, Refused, Step};
use crate::shape::text::Spanned;
use crate::shape::trigger::TriggerKind;
use crate::source::Span;
use crate::types::{Env, Field, Kind, Rest, Schema, Shape, Type, check_condition, check_value};

/// What a step gives; what is wrong with it is reported.
pub(super) fn of(flow: &Flow<'_>, step: &Step, scope: &mut Scope) -> Type {
    let env = flow.env(scope, step.start);
    match &step.act {
        Act::Uses(call) => {
            refusal_codes(flow, step, call);
            plugin_call(flow, call, &env)
        }
        Act::Send { template, channel, with } => {
            send(flow, (template, channel.as_ref(), with), step.head, &env)
        }
        Act::WaitFor(length) => {
            self::length(flow, length, &env);
            nothing("a wait")
        }
        Act::WaitUntil(at) => {
            until(flow, at, &env);
            nothing("a wait")
        }
        Act::WaitEvent(wait) => wait_event(flow, wait, step.head, &env),
        Act::Set(value) => set(flow, value, scope, &env),
        Act::Emit { event_type, with } => emit(flow, event_type, with, &env),
        Act::Respond(value) => {
            free(flow, &value.doc, &env);
            nothing("`respond`")
        }
        Act::Call { workflow, with } => call(flow, workflow, with, &env),
        _ => Type::any(),
    }
}

/// A document of which only its expressions are checked.
fn free(flow: &Flow<'_>, doc: &Doc, env: &Env<'_>) {
    lints::texts(doc, flow.world);
    loose(doc, env, flow.world.report);
}

/// A call of a plugin's step: its input, and the type of its output.
pub(super) fn plugin_call(flow: &Flow<'_>, call: &PluginCall, env: &Env<'_>) -> Type {
    let world = flow.world;
    let target = &call.target.value;
    world.used.borrow_mut().plugins.insert(target.plugin.to_string());
    lints::texts(&call.with.doc, world);
    let Some(step) = world.plugins.step(&call.target, world.report) else {
        loose(&call.with.doc, env, world.report);
        return Type::any();
    };
    let what = format!("{}/{}", target.plugin, target.offer);
    let inner = Env::of_customer(Type::any(), &world.event_types);
    let fit = Fit {
        env,
        inner: &Env { event: Ok(Type::any()), ..inner },
        report: world.report,
        what: what.clone(),
        head: call.target.span,
    };
    if let Err(why) = fit.check(&call.with.doc, Schema::new(&step.input)) {
        let what = format!("the input of `{}`", step.name);
        world.plugins.bad_schema(&target.plugin, &what, &why, world.report);
    }
    Schema::new(&step.output).to_type(&format!("the output of {what}"))
}

/// Codes that the plugin never says.
fn refusal_codes(flow: &Flow<'_>, step: &Step, call: &PluginCall) {
    let Refused::Arms(arms) = &step.on_refused else { return };
    let target = &call.target.value;
    let offer = flow.world.plugins.known_step(&target.plugin, target.offer.as_str());
    let Some(offer) = offer.flatten() else { return };
    let known: Vec<&str> = offer.refusals.iter().map(|refusal| refusal.code.as_str()).collect();
    for code in arms.iter().filter_map(|(code, _)| code.as_ref()) {
        if !known.contains(&code.value.as_str()) {
            let what = format!("{}/{}", target.plugin, target.offer);
            let message = format!("`{what}` never refuses with {}", quoted(&code.value));
            let fault = Fault::new(UNKNOWN_REFUSAL, code.span, message);
            flow.world.report.add(fault.near(&code.value, known.iter().copied(), flow.world.report));
        }
    }
}

type Sent<'s> = (&'s Spanned<TemplateName>, Option<&'s Spanned<ChannelName>>, &'s WrittenValue);

fn send(flow: &Flow<'_>, (template, channel, with): Sent<'_>, head: Span, env: &Env<'_>) -> Type {
    let report = flow.world.report;
    if let Err(why) = &flow.customer {
        flow.no_customer(head, why);
    }
    self::channel(flow, channel, head);
    lints::texts(&with.doc, flow.world);
    let given = given(flow, &with.doc, env);
    match flow.world.templates.get(&template.value) {
        Some(found) => {
            flow.world.used.borrow_mut().templates.insert(template.value.clone());
            let wanted = templates::variables(found, report);
            variables(flow, template, &given, &wanted);
        }
        None if flow.world.may_be_unread(FileKind::Template) => {}
        None => {
            let known = flow.world.templates.keys().map(|name| name.as_str());
            let name = template.value.as_str();
            let fault = Fault::new(UNKNOWN_TEMPLATE, template.span, format!("no template {}", quoted(name)));
            report.add(fault.near(name, known, report));
        }
    }
    let missing = |ty: Type, why: &str| Field { ty, missing: Some(why.into()) };
    let fields = [
        ("message", Field { ty: Kind::Text.into(), missing: None }),
        ("status", Field { ty: Type::one_of(["planned", "blocked"]), missing: None }),
        ("due_at", missing(Kind::Instant.into(), "a blocked message has none")),
        ("reason", missing(Kind::Text.into(), "a planned message has none")),
    ];
    let shape = Shape {
        what: "`send`".to_owned(),
        fields: fields.into_iter().map(|(name, field)| (Arc::from(name), field)).collect(),
        rest: Rest::None,
    };
    Kind::Object(Arc::new(shape)).into()
}

/// The variables that a `with` gives, with their types and places; none when it is one expression.
type Given = Option<Vec<(Arc<str>, Span, Type, Span)>>;

fn given(flow: &Flow<'_>, doc: &Doc, env: &Env<'_>) -> Given {
    let report = flow.world.report;
    let Some(members) = doc.members() else {
        loose(doc, env, report);
        return None;
    };
    let given = members.iter().map(|(key, value)| {
        let ty = match &value.kind {
            DocKind::Expr(expr) => check_value(expr, env, report),
            DocKind::Const(value, _) => Type::of(value, "a variable"),
            _ => {
                loose(value, env, report);
                match &value.kind {
                    DocKind::Text(_) => Kind::Text.into(),
                    DocKind::List(_) => Type::list(Type::any()),
                    _ => Type::object("a variable", []),
                }
            }
        };
        (key.value.clone(), key.span, ty, value.span)
    });
    Some(given.collect())
}

fn variables(
    flow: &Flow<'_>,
    template: &Spanned<TemplateName>,
    given: &Given,
    wanted: &[templates::Variable],
) {
    let report = flow.world.report;
    let Some(given) = given else { return };
    for variable in wanted.iter().filter(|variable| !variable.is_optional) {
        if !given.iter().any(|(name, ..)| *name == variable.name) {
            let message = format!("the template `{}` needs `{}`", template.value, variable.name);
            let fault = Fault::new(MISSING_VARIABLE, template.span, message)
                .also(variable.span, "it is read here")
                .help(format!("add it: with: {{ {}: … }}", variable.name));
            report.add(fault);
        }
    }
    let names: BTreeSet<&str> = wanted.iter().map(|variable| &*variable.name).collect();
    for (name, span, ty, value_span) in given {
        let Some(variable) = wanted.iter().find(|variable| variable.name == *name) else {
            let message = format!("the template `{}` does not read {}", template.value, quoted(name));
            let fault = Fault::new(UNUSED_VARIABLE, *span, message);
            report.add(fault.near(name, names.iter().copied(), report));
            continue;
        };
        if variable.is_printed {
            templates::printable(ty, *value_span, variable, report);
        }
    }
}

fn channel(flow: &Flow<'_>, channel: Option<&Spanned<ChannelName>>, head: Span) {
    let report = flow.world.report;
    let channels = &flow.world.written.playbook.channels;
    let names = || channels.iter().map(|channel| channel.value.as_str());
    match (channel, channels.as_slice()) {
        (Some(channel), channels) => {
            if !channels.iter().any(|known| known.value == channel.value) {
                let name = channel.value.as_str();
                let message = format!("the playbook does not send over {}", quoted(name));
                let fault = Fault::new(UNKNOWN_CHANNEL, channel.span, message).near(name, names(), report);
                report.add(match channels {
                    [] => fault.help("name it under `channels:` in playbook.yaml"),
                    _ => fault,
                });
            }
        }
        (None, [_]) => {}
        (None, []) => {
            let fault = Fault::new(NO_CHANNEL, head, "a message, and the playbook has no channel")
                .help("name one under `channels:` in playbook.yaml");
            report.add(fault);
        }
        (None, _) => {
            let names: Vec<&str> = names().collect();
            let fault = Fault::new(NO_CHANNEL, head, "over which channel?")
                .help(format!("the playbook has several: write channel: {}", names.join(" or channel: ")));
            report.add(fault);
        }
    }
}

/// Waits longer than this are more likely a slip than a plan.
const LONG_WAIT_MAX: DurationMs = DurationMs::from_millis(365 * 86_400_000);

fn length(flow: &Flow<'_>, length: &Length, env: &Env<'_>) {
    let report = flow.world.report;
    match length {
        Length::Fixed(fixed) if fixed.value > LONG_WAIT_MAX => {
            let written = report.sources().text(fixed.span);
            let message = format!("a wait of {written}, longer than a year");
            let fault = Fault::new(LONG_WAIT, fixed.span, message)
                .help("the run keeps its version of the playbook all that time; a segment or a schedule may do better");
            report.add(fault);
        }
        Length::Fixed(_) => {}
        Length::Computed(expr) => {
            let ty = check_value(expr, env, report);
            expect(flow, expr, &ty, "a duration such as '7d'", |kind| {
                kind.is_text() && *kind != Kind::Instant
            });
        }
    }
}

fn until(flow: &Flow<'_>, at: &WrittenExpr, env: &Env<'_>) {
    let ty = check_value(at, env, flow.world.report);
    expect(flow, at, &ty, "an instant", |kind| matches!(kind, Kind::Instant | Kind::Text));
}

fn expect(flow: &Flow<'_>, expr: &WrittenExpr, ty: &Type, expected: &str, fits: impl Fn(&Kind) -> bool) {
    if ty.kind != Kind::Any && !fits(&ty.kind) {
        let span = expr.whole(flow.world.report);
        let message = format!("this is {ty}, expected {expected}");
        flow.world.report.add(Fault::new(UNEXPECTED_TYPE, span, message));
    }
}

fn wait_event(flow: &Flow<'_>, wait: &EventWait, head: Span, env: &Env<'_>) -> Type {
    let report = flow.world.report;
    let event = event_type(flow, &wait.types);
    let waiting = Env {
        event: Ok(event.clone()),
        // What was asked of the run's own event says nothing of the one that comes.
        asked: env.asked.iter().filter(|path| !path.starts_with("event")).cloned().collect(),
        ..env.clone()
    };
    if let Some(condition) = &wait.condition {
        check_condition(condition, &waiting, report);
    }
    match &wait.matching {
        Some(matching) => {
            check_condition(matching, &waiting, report);
            matching::check(matching, report);
        }
        None => {
            if let Err(why) = &flow.customer {
                let code = crate::diagnostics::rules::NO_CUSTOMER;
                let fault = Fault::new(code, head, format!("whose event? {why}"))
                    .help("say which with match: event.order_no == steps.order.order_no");
                report.add(fault);
            }
        }
    }
    match &wait.timeout {
        Some(timeout) => length(flow, timeout, env),
        None => {
            let fault = Fault::new(WAIT_WITHOUT_TIMEOUT, head, "a wait that may never end")
                .help("add a `timeout`, such as timeout: 7d, and ask for `timed_out` after it");
            report.add(fault);
        }
    }
    let event = if wait.timeout.is_some() { event.or_null() } else { event };
    Type::object("a wait", [("timed_out", Kind::Bool.into()), ("event", event)])
}

/// What `event` is when it is one of these types; types that do not exist are reported.
pub(super) fn event_type(flow: &Flow<'_>, types: &[Spanned<EventType>]) -> Type {
    let types = types.iter().map(|event_type| match flow.world.event_data(&event_type.value) {
        Some(data) => crate::types::event(&data),
        None => {
            unknown_event(flow.world, event_type);
            Type::any()
        }
    });
    types.reduce(Type::join).unwrap_or_else(Type::any)
}

/// Reports an event that nobody emits.
pub(super) fn unknown_event(world: &super::world::World<'_>, event_type: &Spanned<EventType>) {
    if !world.written.playbook.is_whole {
        return;
    }
    let name = event_type.value.as_str();
    let known = world.event_types.known.iter().map(|name| &**name);
    let fault = Fault::new(UNKNOWN_EVENT, event_type.span, format!("unknown event {}", quoted(name)))
        .help("declare it under `events:` in playbook.yaml, or list the plugin that emits it")
        .near(name, known, world.report);
    world.report.add(fault);
}

fn set(flow: &Flow<'_>, value: &WrittenValue, scope: &mut Scope, env: &Env<'_>) -> Type {
    let report = flow.world.report;
    lints::texts(&value.doc, flow.world);
    let Some(members) = value.doc.members() else {
        loose(&value.doc, env, report);
        return Type::any();
    };
    if members.is_empty() {
        let code = crate::diagnostics::rules::EMPTY;
        report.add(Fault::new(code, value.doc.span, "`set` without variables"));
    }
    let mut fields = Vec::new();
    for (key, doc) in members {
        crate::shape::text::identifier(&key.value, key.span, "a variable", report);
        let ty = match &doc.kind {
            DocKind::Expr(expr) => check_value(expr, env, report),
            _ => {
                loose(doc, env, report);
                match doc.constant() {
                    Some(value) => Type::of(&value, "a variable"),
                    None if matches!(doc.kind, DocKind::Text(_)) => Kind::Text.into(),
                    None => Type::any(),
                }
            }
        };
        fields.push((key.value.clone(), Field { ty, missing: None }));
    }
    scope.vars.extend(fields.iter().cloned());
    let shape = Shape { what: "`set`".to_owned(), fields: fields.into_iter().collect(), rest: Rest::None };
    Kind::Object(Arc::new(shape)).into()
}

fn emit(flow: &Flow<'_>, event_type: &Spanned<EventType>, with: &WrittenValue, env: &Env<'_>) -> Type {
    let world = flow.world;
    lints::texts(&with.doc, world);
    let name = event_type.value.as_str();
    let Some(known) = world.events.get(name) else {
        unknown_event(world, event_type);
        loose(&with.doc, env, world.report);
        return Type::any();
    };
    if known.origin == Origin::Host {
        let message = format!("{} is an event of the host itself", quoted(name));
        let fault = Fault::new(RESERVED_NAME, event_type.span, message).help("emit an event of your own");
        world.report.add(fault);
    }
    let fit = Fit { env, inner: env, report: world.report, what: name.to_owned(), head: event_type.span };
    let fitting = fit.check(&with.doc, Schema::new(&known.schema));
    if let (Err(why), Origin::Plugin(plugin)) = (fitting, &known.origin) {
        let what = format!("the event {name}");
        world.plugins.bad_schema(plugin, &what, &why, world.report);
    }
    Schema::new(&known.schema).to_type(&format!("the event {name}"))
}

fn call(
    flow: &Flow<'_>,
    workflow: &Spanned<siyu_model::name::WorkflowName>,
    with: &WrittenValue,
    env: &Env<'_>,
) -> Type {
    let world = flow.world;
    free(flow, &with.doc, env);
    let name = workflow.value.as_str();
    let Some(found) = world.workflows.get(&workflow.value) else {
        if !world.may_be_unread(FileKind::Workflow) {
            let known = world.workflows.keys().map(|name| name.as_str());
            let fault = Fault::new(UNKNOWN_WORKFLOW, workflow.span, format!("no workflow {}", quoted(name)));
            world.report.add(fault.near(name, known, world.report));
        }
        return Type::any();
    };
    if let Some(trigger) = found.trigger.as_ref().filter(|trigger| !matches!(trigger.kind, TriggerKind::Call))
    {
        let fault =
            Fault::new(NOT_CALLABLE, workflow.span, format!("the workflow `{name}` cannot be called"))
                .also(trigger.head, "this starts it")
                .help("only a workflow with `on: { call: true }` is called; move the shared steps into one");
        world.report.add(fault);
    }
    let outcomes: BTreeSet<&str> = found
        .block
        .all()
        .into_iter()
        .filter_map(|step| match &step.act {
            Act::End(outcome) => Some(outcome.as_str()),
            _ => None,
        })
        .chain(["done"])
        .collect();
    let vars = Shape {
        what: "the variables of the called run".to_owned(),
        rest: Rest::Uncertain,
        ..Shape::default()
    };
    Type::object(
        "`call`",
        [("outcome", Type::one_of(outcomes)), ("vars", Kind::Object(Arc::new(vars)).into())],
    )
}
