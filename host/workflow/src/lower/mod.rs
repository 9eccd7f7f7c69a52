//! From what was written and checked to the model. Never reports: what comes here is right.

mod program;
mod reads;
mod scenario;

use std::collections::BTreeMap;
use std::sync::Arc;

use siyu_model::clock::DurationMs;
use siyu_model::expr::Expr;
use siyu_model::name::WorkflowName;
use siyu_model::playbook::{
    Audience, Concurrency, MessageTemplate, Playbook, Resource, Segment, Trigger, Who, Workflow,
};
use siyu_model::scenario::Scenario;

use crate::checks::World;
use crate::shape::trigger::{TriggerKind, WrittenAudience, WrittenWho};
use crate::shape::workflow::WrittenWorkflow;

/// The playbook; none when a part that must be there is not, which has been reported.
pub(crate) fn playbook(world: &World<'_>) -> Option<Playbook> {
    let written = &world.written.playbook;
    let name = written.name.as_ref()?.value.clone();
    let segments = written.segments.iter().map(|segment| {
        let name = segment.name.value.clone();
        let title = segment.title.clone().unwrap_or_else(|| name.to_string());
        let condition = segment.condition.expr.clone();
        (name, Segment { title, condition })
    });
    let templates: Option<BTreeMap<_, _>> = world
        .templates
        .iter()
        .map(|(name, template)| {
            let template = MessageTemplate {
                class: template.class?,
                text: template.text.as_ref()?.0.clone(),
                expires_after: template.expires_after,
            };
            Some(((*name).clone(), template))
        })
        .collect();
    let workflows: Option<BTreeMap<WorkflowName, Arc<Workflow>>> = world
        .workflows
        .iter()
        .map(|(name, written)| Some(((*name).clone(), Arc::new(workflow(written, world)?))))
        .collect();
    Some(Playbook {
        title: written.title.clone().unwrap_or_else(|| name.to_string()),
        name,
        zone: written.zone.clone(),
        vars: written.vars.clone(),
        plugins: world.plugins.uses(),
        channels: written.channels.iter().map(|channel| channel.value.clone()).collect(),
        contact: written.contact.clone(),
        segments: segments.collect(),
        templates: templates?,
        workflows: workflows?,
        resources: resources(world)?,
    })
}

/// The tests.
pub(crate) fn scenarios(world: &World<'_>) -> Vec<Scenario> {
    let sources = world.report.sources();
    let scenarios = world.written.scenarios.iter();
    scenarios.map(|written| scenario::scenario(written, sources)).collect()
}

fn resources(world: &World<'_>) -> Option<Vec<Resource>> {
    let resources = world.written.resources.iter().map(|resource| {
        let (_, node) = resource.define.as_ref()?;
        Some(Resource {
            plugin: resource.target.value.plugin.clone(),
            kind: resource.target.value.offer.clone(),
            name: resource.name.value.clone(),
            body: node.to_value(),
        })
    });
    resources.collect()
}

fn workflow(written: &WrittenWorkflow, world: &World<'_>) -> Option<Workflow> {
    let trigger = written.trigger.as_ref()?;
    let name = written.name.value.clone();
    let concurrency = written.concurrency.as_ref().map(|concurrency| Concurrency {
        key: concurrency.key.as_ref().map(|key| key.expr.clone()),
        limit: concurrency.limit,
        on_conflict: concurrency.on_conflict,
    });
    Some(Workflow {
        title: written.title.clone().unwrap_or_else(|| name.to_string()),
        trigger: self::trigger(&trigger.kind, world),
        key: trigger.key.as_ref().map(|key| key.expr.clone()),
        reentry: trigger.reentry,
        concurrency,
        goals: written.goals.clone(),
        vars: written.vars.clone(),
        program: program::program(written, world)?,
        name,
    })
}

fn trigger(kind: &TriggerKind, world: &World<'_>) -> Trigger {
    match kind {
        TriggerKind::Event { types, condition } => Trigger::Event {
            types: types.iter().map(|event_type| event_type.value.clone()).collect(),
            condition: condition.as_ref().map(|condition| condition.expr.clone()),
        },
        TriggerKind::Schedule { cron, zone, catch_up, audience } => Trigger::Schedule {
            cron: cron.value.clone(),
            zone: zone.clone().unwrap_or_else(|| world.written.playbook.zone.clone()),
            catch_up: *catch_up,
            audience: audience.as_ref().and_then(self::audience),
        },
        TriggerKind::Manual { audience } => {
            Trigger::Manual { audience: audience.as_ref().and_then(self::audience) }
        }
        TriggerKind::Call => Trigger::Call,
    }
}

fn audience(written: &WrittenAudience) -> Option<Audience> {
    let who = match &written.who {
        WrittenWho::Everyone => Who::Condition(Expr::parse("true").ok()?),
        WrittenWho::Segment(segment) => Who::Segment(segment.value.clone()),
        WrittenWho::Condition(condition) => Who::Condition(condition.expr.clone()),
    };
    let spread = written.spread.as_ref().map_or(DurationMs::ZERO, |spread| spread.value);
    Some(Audience { who, spread })
}
