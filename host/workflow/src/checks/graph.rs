//! Workflows that call each other, and what nothing uses. Never looks at types.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use siyu_model::name::WorkflowName;

use super::world::World;
use crate::bundle::Kind;
use crate::diagnostics::Fault;
use crate::diagnostics::rules::{CALL_CYCLE, UNUSED};
use crate::shape::resource::WrittenResource;
use crate::shape::step::Act;
use crate::source::Span;

type Calls<'w> = BTreeMap<&'w WorkflowName, Vec<(&'w WorkflowName, Span)>>;

/// Reports workflows that call each other in a circle; each circle once.
pub(super) fn cycles(world: &World<'_>) {
    let calls: Calls<'_> = world
        .workflows
        .iter()
        .map(|(name, workflow)| {
            let called = workflow.block.all().into_iter().filter_map(|step| match &step.act {
                Act::Call { workflow, .. } => Some((&workflow.value, workflow.span)),
                _ => None,
            });
            (*name, called.collect())
        })
        .collect();
    let mut search = Search { calls: &calls, path: Vec::new(), done: BTreeMap::new(), world };
    for name in calls.keys() {
        search.visit(name);
    }
}

struct Search<'s, 'w> {
    calls: &'s Calls<'w>,
    path: Vec<(&'w WorkflowName, Option<Span>)>,
    done: BTreeMap<&'w WorkflowName, ()>,
    world: &'s World<'w>,
}

impl<'w> Search<'_, 'w> {
    /// At most one workflow deep for each of at most a thousand files.
    fn visit(&mut self, name: &'w WorkflowName) {
        if self.done.contains_key(name) {
            return;
        }
        self.path.push((name, None));
        for (called, span) in self.calls.get(name).into_iter().flatten() {
            if let Some(last) = self.path.last_mut() {
                last.1 = Some(*span);
            }
            match self.path.iter().position(|(known, _)| known == called) {
                Some(place) => self.circle(place, *span),
                None => self.visit(called),
            }
        }
        self.path.pop();
        self.done.insert(name, ());
    }

    fn circle(&self, from: usize, span: Span) {
        let names: Vec<&str> = self.path[from..].iter().map(|(name, _)| name.as_str()).collect();
        let first = names.first().copied().unwrap_or_default();
        let message = format!("workflows that call each other: {} → {first}", names.join(" → "));
        let mut fault = Fault::new(CALL_CYCLE, span, message).label("this call closes the circle");
        for (_, call) in &self.path[from..self.path.len() - 1] {
            if let Some(call) = call {
                fault = fault.also(*call, "called here");
            }
        }
        self.world.report.add(fault);
    }
}

/// Reports templates, segments, resources and plugins that nothing uses. Says nothing when a file that could use them
/// was not read.
pub(super) fn unused(world: &World<'_>) {
    if world.may_be_unread(Kind::Workflow) || world.may_be_unread(Kind::Resource) {
        return;
    }
    let used = world.used.borrow();
    let unused = |span: Span, what: &str, name: &str| {
        world.report.add(Fault::new(UNUSED, span, format!("nothing uses the {what} `{name}`")));
    };
    for (name, template) in &world.templates {
        // Plugins send messages too: they name templates in their input and in definitions.
        if !used.templates.contains(*name) && !used.texts.contains(name.as_str()) {
            unused(template.name.span, "template", name.as_str());
        }
    }
    for segment in &world.written.playbook.segments {
        let name = segment.name.value.as_str();
        let is_listened = world.written.workflows.iter().any(listens_to_segments);
        if !used.segments.contains(name) && !used.texts.contains(name) && !is_listened {
            unused(segment.name.span, "segment", name);
        }
    }
    for resource in &world.written.resources {
        let name = resource.name.value.as_str();
        if !used.texts.contains(name) && is_named_by_others(resource, world, &used.texts) {
            unused(resource.name.span, "resource", name);
        }
    }
    for (name, span, reacts) in world.plugins.listed() {
        if !reacts && !used.plugins.contains(name.as_str()) && world.plugins.is_known(name) {
            unused(span, "plugin", name.as_str());
        }
    }
}

/// Whether a workflow begins with people entering or leaving segments: which ones, its condition says.
fn listens_to_segments(workflow: &crate::shape::workflow::WrittenWorkflow) -> bool {
    use crate::shape::trigger::TriggerKind;
    let is_segment = |name: &str| name.starts_with("segment.");
    let starts = workflow.trigger.as_ref().is_some_and(|trigger| match &trigger.kind {
        TriggerKind::Event { types, .. } => types.iter().any(|name| is_segment(name.value.as_str())),
        _ => false,
    });
    starts
        || workflow.block.all().into_iter().any(|step| match &step.act {
            Act::WaitEvent(wait) => wait.types.iter().any(|name| is_segment(name.value.as_str())),
            _ => false,
        })
}

/// Whether definitions of this kind are used by name at all: others of the kind are named, and no step of the plugin is
/// given a name that is computed. Plugins may also go through all definitions of a kind, as rules of tags.
fn is_named_by_others(resource: &WrittenResource, world: &World<'_>, texts: &BTreeSet<Arc<str>>) -> bool {
    let target = &resource.target.value;
    let is_sibling = |other: &&WrittenResource| {
        other.target.value.plugin == target.plugin && other.target.value.offer == target.offer
    };
    let mut siblings = world.written.resources.iter().filter(is_sibling);
    let is_computed = world.written.workflows.iter().any(|workflow| {
        workflow.block.all().into_iter().any(|step| match &step.act {
            Act::Uses(call) => {
                call.target.value.plugin == target.plugin && !call.with.doc.expressions().is_empty()
            }
            _ => false,
        })
    });
    !is_computed && siblings.any(|sibling| texts.contains(sibling.name.value.as_str()))
}
