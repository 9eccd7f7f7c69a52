//! Tests against the playbook that they test: names, data, answers, and time that goes forward. Never plays one.

use std::collections::BTreeSet;

use siyu_model::clock::UtcMs;
use siyu_model::name::{StepId, WorkflowName};
use siyu_model::scenario::MockAnswer;

use super::fit::Fit;
use super::outputs::unknown_event;
use super::world::World;
use crate::bundle::Kind;
use crate::diagnostics::rules::{
    NOT_CALLABLE, TIME_GOES_BACK, UNKNOWN_PLUGIN_STEP, UNKNOWN_REFUSAL, UNKNOWN_SEGMENT, UNKNOWN_STEP,
    UNKNOWN_TEMPLATE, UNKNOWN_WORKFLOW,
};
use crate::diagnostics::{Fault, quoted};
use crate::shape::expectation::WrittenExpectation;
use crate::shape::expr::{self, Doc, WrittenValue};
use crate::shape::scenario::{WrittenBeatKind, WrittenIncoming, WrittenMock, WrittenScenario};
use crate::shape::text::Spanned;
use crate::shape::trigger::TriggerKind;
use crate::shape::workflow::WrittenWorkflow;
use crate::types::{Env, Schema, Type, check_condition};

/// Checks every test.
pub(super) fn check(world: &World<'_>) {
    for scenario in &world.written.scenarios {
        scenario.mocks.iter().for_each(|mock| self::mock(mock, world));
        times(scenario, world);
        for beat in &scenario.beats {
            match &beat.kind {
                WrittenBeatKind::Event(event) => incoming(event, world),
                WrittenBeatKind::Start { workflow, .. } => start(workflow, world),
                WrittenBeatKind::Expect(expected) => expectation(expected, world),
                WrittenBeatKind::Advance(_) | WrittenBeatKind::Until(_) => {}
            }
        }
    }
}

fn times(scenario: &WrittenScenario, world: &World<'_>) {
    let mut now: UtcMs = scenario.at;
    for beat in &scenario.beats {
        match &beat.kind {
            WrittenBeatKind::Advance(length) => now = now + *length,
            WrittenBeatKind::Until(until) if until.value < now => {
                let message = format!("until {}, and it is {now} already", until.value);
                let fault = Fault::new(TIME_GOES_BACK, until.span, message).help("time only goes forward");
                world.report.add(fault);
            }
            WrittenBeatKind::Until(until) => now = until.value,
            _ => {}
        }
    }
}

fn mock(mock: &WrittenMock, world: &World<'_>) {
    let what = format!("{}/{}", mock.plugin, mock.offer);
    let Some(offer) = world.plugins.known_step(&mock.plugin, mock.offer.as_str()) else {
        world.plugins.not_listed(&mock.plugin, mock.span, world.report);
        return;
    };
    let Some(offer) = offer else {
        if world.plugins.is_known(&mock.plugin) {
            let message = format!("the plugin `{}` has no step {}", mock.plugin, quoted(mock.offer.as_str()));
            world.report.add(Fault::new(UNKNOWN_PLUGIN_STEP, mock.span, message));
        }
        return;
    };
    for (answer, node) in &mock.answers {
        match answer {
            MockAnswer::Done(_) => {
                let what = format!("the output of {what}");
                fits(&what, &expr::constant(node), &offer.output, world);
            }
            MockAnswer::Refused(code) => {
                let known: Vec<&str> = offer.refusals.iter().map(|refusal| refusal.code.as_str()).collect();
                if !known.contains(&code.as_str()) {
                    let message = format!("`{what}` never refuses with {}", quoted(code));
                    let fault = Fault::new(UNKNOWN_REFUSAL, node.span, message);
                    world.report.add(fault.near(code, known.iter().copied(), world.report));
                }
            }
            MockAnswer::Transient(_) | MockAnswer::Permanent(_) => {}
        }
    }
}

/// Holds a constant of a test against a schema. A schema that is none is reported where the plugin is used.
fn fits(what: &str, doc: &Doc, schema: &serde_json::Value, world: &World<'_>) {
    let env = Env::bare(Type::any(), &world.event_types);
    let fit = Fit { env: &env, inner: &env, report: world.report, what: what.to_owned(), head: doc.span };
    fit.check(doc, Schema::new(schema)).unwrap_or_default();
}

fn incoming(event: &WrittenIncoming, world: &World<'_>) {
    let name = event.event_type.value.as_str();
    let Some(known) = world.events.get(name) else {
        return unknown_event(world, &event.event_type);
    };
    let doc = match &event.data {
        Some(data) => expr::constant(data),
        None => WrittenValue::empty(event.event_type.span).doc,
    };
    fits(name, &doc, &known.schema, world);
}

fn start(name: &Spanned<WorkflowName>, world: &World<'_>) {
    let Some(trigger) = workflow(name, world).and_then(|found| found.trigger.as_ref()) else {
        return;
    };
    if !matches!(trigger.kind, TriggerKind::Manual { .. }) {
        let message = format!("the workflow `{}` is not started by hand", name.value);
        let fault = Fault::new(NOT_CALLABLE, name.span, message)
            .also(trigger.head, "this starts it")
            .help("let the event come in, or let time pass until the schedule ticks");
        world.report.add(fault);
    }
}

fn workflow<'w>(name: &Spanned<WorkflowName>, world: &'w World<'_>) -> Option<&'w WrittenWorkflow> {
    let found = world.workflows.get(&name.value).copied();
    if found.is_none() && !world.may_be_unread(Kind::Workflow) {
        let known = world.workflows.keys().map(|name| name.as_str());
        let text = name.value.as_str();
        let fault = Fault::new(UNKNOWN_WORKFLOW, name.span, format!("no workflow {}", quoted(text)));
        world.report.add(fault.near(text, known, world.report));
    }
    found
}

fn step(id: &Spanned<StepId>, workflow: &WrittenWorkflow, world: &World<'_>) {
    let text = id.value.as_str();
    let known: BTreeSet<&str> = workflow.ids_seen.iter().map(|id| &**id).collect();
    if !known.contains(text) {
        let message = format!("no step of `{}` has the id {}", workflow.name.value, quoted(text));
        world.report.add(Fault::new(UNKNOWN_STEP, id.span, message).near(text, known, world.report));
    }
}

fn expectation(expected: &WrittenExpectation, world: &World<'_>) {
    match expected {
        WrittenExpectation::Run { workflow, at, .. } => {
            let found = self::workflow(workflow, world);
            if let (Some(found), Some(at)) = (found, at) {
                step(at, found, world);
            }
        }
        WrittenExpectation::Step { workflow, step: id, .. } => {
            if let Some(found) = self::workflow(workflow, world) {
                step(id, found, world);
            }
        }
        WrittenExpectation::Messages { template: Some(template), .. } => {
            let name = template.value.as_str();
            if !world.templates.contains_key(&template.value) && !world.may_be_unread(Kind::Template) {
                let known = world.templates.keys().map(|name| name.as_str());
                let fault =
                    Fault::new(UNKNOWN_TEMPLATE, template.span, format!("no template {}", quoted(name)));
                world.report.add(fault.near(name, known, world.report));
            }
        }
        WrittenExpectation::Segment { segment, .. } => {
            let name = segment.value.as_str();
            let segments = &world.written.playbook.segments;
            if !segments.iter().any(|known| known.name.value == segment.value)
                && world.written.playbook.is_whole
            {
                let known = segments.iter().map(|known| known.name.value.as_str());
                let fault = Fault::new(UNKNOWN_SEGMENT, segment.span, format!("no segment {}", quoted(name)));
                world.report.add(fault.near(name, known, world.report));
            }
        }
        WrittenExpectation::Events { event_type, .. } => {
            if !world.events.contains_key(event_type.value.as_str()) {
                unknown_event(world, event_type);
            }
        }
        WrittenExpectation::Pool { plugin, .. } => {
            if world.plugins.known_step(&plugin.value, "").is_none() {
                world.plugins.not_listed(&plugin.value, plugin.span, world.report);
            }
        }
        WrittenExpectation::Holds { condition, .. } => {
            let vars = Type::of(&world.written.playbook.vars, "`vars`");
            let env = Env::of_customer(vars, &world.event_types);
            check_condition(condition, &env, world.report);
        }
        WrittenExpectation::Messages { .. } | WrittenExpectation::Tags { .. } => {}
    }
}
