//! What the files of a playbook say together: every name with its place, plugins, events. Reports names that stand twice.
//! Never looks into steps for anything but names.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;
use siyu_model::name::{EventType, PluginName, TemplateName, WorkflowName};

use super::plugins::Plugins;
use crate::diagnostics::rules::{DUPLICATE_NAME, RESERVED_NAME, SHADOWED_FIELD};
use crate::diagnostics::{Fault, Report, quoted};
use crate::shape::playbook::WrittenPlaybook;
use crate::shape::resource::WrittenResource;
use crate::shape::scenario::{self, WrittenScenario};
use crate::shape::step::Act;
use crate::shape::template::WrittenTemplate;
use crate::shape::trigger::TriggerKind;
use crate::shape::workflow::WrittenWorkflow;
use crate::source::Span;
use crate::types::{EventTypes, Schema, Type};

/// Everything that was written, file by file.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) playbook: WrittenPlaybook,
    pub(crate) templates: Vec<WrittenTemplate>,
    pub(crate) resources: Vec<WrittenResource>,
    pub(crate) workflows: Vec<WrittenWorkflow>,
    pub(crate) scenarios: Vec<WrittenScenario>,
    /// Kinds of file of which one could not be read, so that a name that is missing may stand there.
    pub(crate) unread: BTreeSet<crate::bundle::Kind>,
}

/// An event that exists.
#[derive(Debug)]
pub(crate) struct KnownEvent {
    /// JSON Schema of its data.
    pub(crate) schema: Value,
    pub(crate) origin: Origin,
}

/// Who says that there is an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    Host,
    Plugin(PluginName),
    Playbook(Span),
}

/// What was named, for "nothing uses it".
#[derive(Debug, Default)]
pub(crate) struct Used {
    pub(crate) templates: BTreeSet<TemplateName>,
    pub(crate) segments: BTreeSet<String>,
    pub(crate) plugins: BTreeSet<String>,
    /// Every constant text that a plugin is given, and every literal in expressions: names of resources are among them.
    pub(crate) texts: BTreeSet<Arc<str>>,
}

/// All names.
pub(crate) struct World<'a> {
    pub(crate) report: &'a Report<'a>,
    pub(crate) written: &'a Written,
    pub(crate) plugins: Plugins<'a>,
    pub(crate) events: BTreeMap<Arc<str>, KnownEvent>,
    pub(crate) event_types: EventTypes,
    pub(crate) templates: BTreeMap<&'a TemplateName, &'a WrittenTemplate>,
    pub(crate) workflows: BTreeMap<&'a WorkflowName, &'a WrittenWorkflow>,
    pub(crate) used: RefCell<Used>,
}

impl<'a> World<'a> {
    pub(crate) fn new(written: &'a Written, plugins: Plugins<'a>, report: &'a Report<'a>) -> Self {
        let events = events(written, &plugins, report);
        let unkept = unkept(written, &plugins);
        let templates = first_of(&written.templates, "the template", report, |template| {
            (&template.name.value, template.name.span)
        });
        let workflows = first_of(&written.workflows, "the workflow", report, |workflow| {
            (&workflow.name.value, workflow.name.span)
        });
        first_of(&written.resources, "the resource", report, |resource| {
            let target = &resource.target.value;
            ((&target.plugin, &target.offer, &resource.name.value), resource.name.span)
        });
        once_named(&written.scenarios, report);
        Self {
            report,
            written,
            plugins,
            event_types: EventTypes { known: events.keys().cloned().collect(), unkept },
            events,
            templates,
            workflows,
            used: RefCell::default(),
        }
    }

    /// What is known of an event's data; none for one that does not exist.
    pub(crate) fn event_data(&self, event_type: &EventType) -> Option<Type> {
        let known = self.events.get(event_type.as_str())?;
        Some(Schema::new(&known.schema).to_type(&format!("the event {event_type}")))
    }

    /// Whether a name that is missing may stand in a file that could not be read.
    pub(crate) fn may_be_unread(&self, kind: crate::bundle::Kind) -> bool {
        self.written.unread.contains(&kind)
    }
}

/// What was written first under each name; further ones are reported.
fn first_of<'a, T, N: Ord + std::fmt::Debug>(
    items: &'a [T],
    what: &str,
    report: &Report<'_>,
    name: impl Fn(&'a T) -> (N, Span),
) -> BTreeMap<N, &'a T> {
    let mut found: BTreeMap<N, &'a T> = BTreeMap::new();
    for item in items {
        let (key, span) = name(item);
        if let Some(first) = found.get(&key) {
            let text = report.sources().text(span);
            let fault = Fault::new(DUPLICATE_NAME, span, format!("{what} {} twice", quoted(text)))
                .also(name(first).1, "first here")
                .help("give one of them another name");
            report.add(fault);
        } else {
            found.insert(key, item);
        }
    }
    found
}

fn once_named(scenarios: &[WrittenScenario], report: &Report<'_>) {
    let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
    for scenario in scenarios {
        match seen.get(scenario.name.value.as_str()) {
            Some(first) => scenario::twice(&scenario.name, *first, report),
            None => drop(seen.insert(&scenario.name.value, scenario.name.span)),
        }
    }
}

/// The host's own events with their fields, plugins' events, and those that the playbook declares.
fn events(written: &Written, plugins: &Plugins<'_>, report: &Report<'_>) -> BTreeMap<Arc<str>, KnownEvent> {
    let mut events: BTreeMap<Arc<str>, KnownEvent> = super::host_events::all()
        .map(|(name, schema)| {
            let origin = Origin::Host;
            (Arc::from(name), KnownEvent { schema, origin })
        })
        .collect();
    for (plugin, offer) in plugins.events() {
        let origin = Origin::Plugin(plugin.clone());
        let schema = offer.data.clone();
        events.insert(Arc::from(offer.event_type.as_str()), KnownEvent { schema, origin });
    }
    for event in &written.playbook.events {
        let name = event.event_type.value.as_str();
        let span = event.event_type.span;
        let refused = match events.get(name).map(|known| &known.origin) {
            Some(Origin::Plugin(plugin)) => {
                Some(format!("the plugin `{plugin}` declares the event {}", quoted(name)))
            }
            _ if super::host_events::is_host_family(name) => {
                Some(format!("{} is an event of the host itself", quoted(name)))
            }
            _ => None,
        };
        if let Some(message) = refused {
            report
                .add(Fault::new(RESERVED_NAME, span, message).help("leave it out here: it is known without"));
            continue;
        }
        shadowed_fields(event, report);
        let known = KnownEvent { schema: event.schema.clone(), origin: Origin::Playbook(span) };
        events.insert(Arc::from(name), known);
    }
    events
}

/// Events of the host that are recorded only when somebody listens, and to which nobody here does.
fn unkept(written: &Written, plugins: &Plugins<'_>) -> BTreeSet<Arc<str>> {
    let mut listened: BTreeSet<&str> = plugins.reactions().collect();
    for workflow in &written.workflows {
        if let Some(TriggerKind::Event { types, .. }) = workflow.trigger.as_ref().map(|trigger| &trigger.kind)
        {
            listened.extend(types.iter().map(|event_type| event_type.value.as_str()));
        }
        for step in workflow.block.all() {
            if let Act::WaitEvent(wait) = &step.act {
                listened.extend(wait.types.iter().map(|event_type| event_type.value.as_str()));
            }
        }
    }
    let unkept = super::host_events::all()
        .map(|(name, _)| name)
        .filter(|name| super::host_events::is_kept_when_listened(name) && !listened.contains(name));
    unkept.map(Arc::from).collect()
}

/// The envelope comes first: a field of such a name is read through `event.data`.
fn shadowed_fields(event: &crate::shape::playbook::WrittenEvent, report: &Report<'_>) {
    for (name, span) in &event.fields {
        if ["id", "type", "source", "time", "data"].contains(&&**name) {
            let message = format!("the field `{name}` hides behind the event's own `{name}`");
            let fault = Fault::new(SHADOWED_FIELD, *span, message)
                .help(format!("read it as event.data.{name}, or give it another name"));
            report.add(fault);
        }
    }
}
