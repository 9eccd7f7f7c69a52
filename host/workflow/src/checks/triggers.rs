//! What starts workflows: its events, conditions and audiences; and what runs then see as `event` and `customer`.
//! Never asks what time it is.

use std::collections::BTreeMap;
use std::sync::Arc;

use siyu_model::clock::UtcMs;
use siyu_model::json::Value;
use siyu_model::name::WorkflowName;

use super::flow::{Flow, ids};
use super::host_events::SCHEDULE_TICKED;
use super::outputs;
use super::scope::Scope;
use super::world::World;
use crate::diagnostics::rules::{CRON_NEVER, UNKNOWN_SEGMENT};
use crate::diagnostics::{Fault, quoted};
use crate::shape::schema_of;
use crate::shape::step::Act;
use crate::shape::trigger::{TriggerKind, WrittenAudience, WrittenTrigger, WrittenWho};
use crate::shape::workflow::WrittenWorkflow;
use crate::types::{
    Env, Field, Kind, Rest, Schema, Shape, Type, check_condition, check_value, customer, event,
};

/// Checks a workflow: its trigger, then its steps.
pub(super) fn workflow(workflow: &WrittenWorkflow, world: &World<'_>) {
    let ids = ids(workflow, world);
    let roots = roots(workflow, world);
    let flow = Flow::new(world, workflow, &ids, roots);
    if let Some(trigger) = &workflow.trigger {
        let event_type = match &trigger.kind {
            TriggerKind::Event { types, .. } => Some(outputs::event_type(&flow, types)),
            _ => None,
        };
        let flow = Flow::new(
            world,
            workflow,
            &ids,
            (event_type.map_or(flow.event.clone(), Ok), flow.customer.clone()),
        );
        self::trigger(&flow, trigger);
        flow.check();
    } else {
        flow.check();
    }
}

type Roots = (Result<Type, &'static str>, Result<Type, &'static str>);

/// What runs of a workflow see as `event` and `customer`.
fn roots(workflow: &WrittenWorkflow, world: &World<'_>) -> Roots {
    let open = |what: &str| {
        let shape = Shape { what: what.to_owned(), rest: Rest::Open, ..Shape::default() };
        event(&Kind::Object(Arc::new(shape)).into())
    };
    let somebody = Ok(customer());
    match workflow.trigger.as_ref().map(|trigger| &trigger.kind) {
        Some(TriggerKind::Schedule { audience, .. }) => {
            let schema = schema_of(SCHEDULE_TICKED);
            let ticked = event(&Schema::new(&schema).to_type("a tick of a schedule"));
            let nobody = Err("a schedule without an audience starts runs of nobody");
            (Ok(ticked), if audience.is_some() { somebody } else { nobody })
        }
        Some(TriggerKind::Call) => (Ok(called(&workflow.name.value, world)), somebody),
        Some(TriggerKind::Manual { .. }) => (Ok(open("what a person gave")), somebody),
        _ => (Ok(Type::any()), somebody),
    }
}

/// What a called workflow sees as `event`: what all who call it give it.
fn called(name: &WorkflowName, world: &World<'_>) -> Type {
    let mut given: Vec<Vec<Arc<str>>> = Vec::new();
    for caller in world.workflows.values() {
        for step in caller.block.all() {
            let Act::Call { workflow, with } = &step.act else { continue };
            if workflow.value != *name {
                continue;
            }
            match with.doc.members() {
                Some(members) => given.push(members.iter().map(|(key, _)| key.value.clone()).collect()),
                // One expression: nobody knows what it gives.
                None => return Type::any(),
            }
        }
    }
    let all: std::collections::BTreeSet<Arc<str>> = given.iter().flatten().cloned().collect();
    let fields: BTreeMap<Arc<str>, Field> = all
        .into_iter()
        .map(|name| {
            let is_everywhere = given.iter().all(|names| names.contains(&name));
            let missing = (!is_everywhere).then(|| Arc::from("not every `call` gives it"));
            let ty = Type::any();
            (name, Field { ty, missing })
        })
        .collect();
    let shape = Shape {
        what: "what `call` gives".to_owned(),
        fields,
        rest: if given.is_empty() { Rest::Open } else { Rest::None },
    };
    event(&Kind::Object(Arc::new(shape)).into())
}

fn trigger(flow: &Flow<'_>, trigger: &WrittenTrigger) {
    let world = flow.world;
    let vars = Scope::new(&[&world.written.playbook.vars, &flow.workflow.vars]).vars_type();
    let env = Env {
        event: flow.event.clone(),
        customer: flow.customer.clone(),
        steps: Err("no step has run when a workflow starts"),
        ..Env::bare(vars, &world.event_types)
    };
    match &trigger.kind {
        TriggerKind::Event { condition: Some(condition), .. } => {
            check_condition(condition, &env, world.report)
        }
        TriggerKind::Schedule { cron, zone, .. } => {
            let zone = zone.as_ref().unwrap_or(&world.written.playbook.zone);
            if cron.value.next_after(UtcMs::EPOCH, zone).is_none() {
                let fault = Fault::new(CRON_NEVER, cron.span, "a pattern that never fires")
                    .help("no year has such a day; the fields are minute hour day month weekday");
                world.report.add(fault);
            }
        }
        _ => {}
    }
    let keys = [
        trigger.key.as_ref(),
        flow.workflow.concurrency.as_ref().and_then(|concurrency| concurrency.key.as_ref()),
    ];
    for key in keys.into_iter().flatten() {
        check_value(key, &env, world.report);
    }
    if let Some(audience) = trigger.audience() {
        self::audience(audience, world);
    }
}

fn audience(audience: &WrittenAudience, world: &World<'_>) {
    match &audience.who {
        WrittenWho::Everyone => {}
        WrittenWho::Condition(condition) => {
            check_condition(condition, &of_customer(&world.written.playbook.vars, world), world.report);
        }
        WrittenWho::Segment(segment) => {
            let name = segment.value.as_str();
            world.used.borrow_mut().segments.insert(name.to_owned());
            let segments = &world.written.playbook.segments;
            let is_known = segments.iter().any(|known| known.name.value == segment.value);
            if !is_known && world.written.playbook.is_whole {
                let known = segments.iter().map(|known| known.name.value.as_str());
                let fault = Fault::new(UNKNOWN_SEGMENT, segment.span, format!("no segment {}", quoted(name)));
                world.report.add(fault.near(name, known, world.report));
            }
        }
    }
}

/// What a segment or an audience sees.
fn of_customer<'w>(vars: &Value, world: &'w World<'_>) -> Env<'w> {
    let mut env = Env::of_customer(Scope::new(&[vars]).vars_type(), &world.event_types);
    env.event = Err("only customers are looked at, not events: use customer.facts");
    env
}

/// Checks every segment.
pub(super) fn segments(world: &World<'_>) {
    let playbook = &world.written.playbook;
    let env = of_customer(&playbook.vars, world);
    for segment in &playbook.segments {
        check_condition(&segment.condition, &env, world.report);
    }
}
