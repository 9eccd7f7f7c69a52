//! Tests as the engine's test bench takes them. Never fails.

use std::sync::Arc;

use siyu_model::event::IncomingEvent;
use siyu_model::json::Value;
use siyu_model::scenario::{Beat, BeatKind, Expectation, Mock, Scenario};

use super::program::place;
use crate::shape::expectation::WrittenExpectation;
use crate::shape::scenario::{WrittenBeatKind, WrittenIncoming, WrittenScenario};
use crate::source::{Node, Sources};

pub(super) fn scenario(written: &WrittenScenario, sources: &Sources) -> Scenario {
    let mocks = written.mocks.iter().map(|mock| Mock {
        plugin: mock.plugin.clone(),
        step: mock.offer.clone(),
        answers: mock.answers.iter().map(|(answer, _)| answer.clone()).collect(),
    });
    let beats = written
        .beats
        .iter()
        .enumerate()
        .map(|(number, beat)| Beat { place: place(sources, beat.span), kind: beat_kind(&beat.kind, number) });
    Scenario {
        name: written.name.value.clone(),
        place: place(sources, written.name.span),
        at: written.at,
        seed: written.seed.clone(),
        mocks: mocks.collect(),
        beats: beats.collect(),
    }
}

fn beat_kind(kind: &WrittenBeatKind, number: usize) -> BeatKind {
    match kind {
        WrittenBeatKind::Event(event) => BeatKind::Event(incoming(event, number)),
        WrittenBeatKind::Start { workflow, customer, data } => BeatKind::Start {
            workflow: workflow.value.clone(),
            customer: customer.clone(),
            data: data.clone(),
        },
        WrittenBeatKind::Advance(length) => BeatKind::Advance(*length),
        WrittenBeatKind::Until(until) => BeatKind::Until(until.value),
        WrittenBeatKind::Expect(expected) => BeatKind::Expect(expectation(expected)),
    }
}

/// An event without an id is a new one: its place in the script names it.
fn incoming(event: &WrittenIncoming, number: usize) -> IncomingEvent {
    IncomingEvent {
        id: event.id.clone().unwrap_or_else(|| format!("test-{}", number + 1)),
        event_type: event.event_type.value.clone(),
        source: event.source.clone(),
        subject: event.customer.clone(),
        time: event.time,
        data: event.data.as_ref().map_or_else(|| Value::Map(Arc::default()), Node::to_value),
    }
}

fn expectation(expected: &WrittenExpectation) -> Expectation {
    use WrittenExpectation as W;
    match expected {
        W::Run { workflow, customer, phase, at, outcome, count } => Expectation::Run {
            workflow: workflow.value.clone(),
            customer: customer.clone(),
            phase: *phase,
            at: at.as_ref().map(|at| at.value.clone()),
            outcome: outcome.clone(),
            count: *count,
        },
        W::Step { workflow, customer, step, went, code, output } => Expectation::Step {
            workflow: workflow.value.clone(),
            customer: customer.clone(),
            step: step.value.clone(),
            went: went.clone(),
            code: code.clone(),
            output: output.clone(),
        },
        W::Messages { customer, template, status, count, contains } => Expectation::Messages {
            customer: customer.clone(),
            template: template.as_ref().map(|template| template.value.clone()),
            status: *status,
            count: *count,
            contains: contains.clone(),
        },
        W::Tags { customer, has, lacks } => {
            Expectation::Tags { customer: customer.clone(), has: has.clone(), lacks: lacks.clone() }
        }
        W::Segment { customer, segment, is_member } => Expectation::Segment {
            customer: customer.clone(),
            segment: segment.value.clone(),
            is_member: *is_member,
        },
        W::Events { event_type, customer, count } => Expectation::Events {
            event_type: event_type.value.clone(),
            customer: customer.clone(),
            count: *count,
        },
        W::Pool { plugin, key, available, reserved, sold } => Expectation::Pool {
            plugin: plugin.value.clone(),
            key: key.clone(),
            available: *available,
            reserved: *reserved,
            sold: *sold,
        },
        W::Holds { customer, condition } => {
            Expectation::Holds { customer: customer.clone(), condition: condition.expr.clone() }
        }
    }
}
