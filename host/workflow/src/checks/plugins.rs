//! The plugins of a playbook: found, of the right version, granted what they ask for. Never calls a plugin.

use std::collections::BTreeMap;

use siyu_model::name::PluginName;
use siyu_model::playbook::PluginUse;
use siyu_model::plugin::{Capability, CapabilitySet, EventOffer, Manifest, ResourceOffer, StepOffer};

use crate::catalog::{Catalog, CatalogPlugin};
use crate::diagnostics::rules::{
    BAD_SCHEMA, GRANT_WITHOUT_NEED, NOT_GRANTED, OTHER_MAJOR, PLUGIN_NOT_LISTED, UNKNOWN_PLUGIN,
    UNKNOWN_PLUGIN_STEP, UNKNOWN_RESOURCE_KIND,
};
use crate::diagnostics::{Fault, Report, quoted};
use crate::shape::playbook::WrittenPlugin;
use crate::shape::step::Target;
use crate::shape::text::Spanned;
use crate::source::Span;

/// The plugins that a playbook lists.
pub(crate) struct Plugins<'a> {
    listed: BTreeMap<PluginName, Listed>,
    catalog: &'a dyn Catalog,
}

struct Listed {
    span: Span,
    /// None when the host does not have it, or has another major version.
    found: Option<CatalogPlugin>,
    use_: Option<PluginUse>,
}

impl<'a> Plugins<'a> {
    pub(crate) fn new(written: &[WrittenPlugin], catalog: &'a dyn Catalog, report: &Report<'_>) -> Self {
        let listed = written.iter().map(|plugin| {
            let found = find(plugin, catalog, report);
            let use_ = found.as_ref().map(|found| granted(plugin, found, report));
            let listed = Listed { span: plugin.name.span, found, use_ };
            (plugin.name.value.clone(), listed)
        });
        Self { listed: listed.collect(), catalog }
    }

    /// What the compiled playbook says of its plugins.
    pub(crate) fn uses(&self) -> BTreeMap<PluginName, PluginUse> {
        self.listed.iter().filter_map(|(name, listed)| Some((name.clone(), listed.use_.clone()?))).collect()
    }

    /// Names and places of the plugins that are listed, with whether they react to events by themselves.
    pub(crate) fn listed(&self) -> impl Iterator<Item = (&PluginName, Span, bool)> {
        self.listed.iter().map(|(name, listed)| {
            let reacts = listed.found.as_ref().is_some_and(|found| !found.manifest.reactions.is_empty());
            (name, listed.span, reacts)
        })
    }

    /// Every event that a listed plugin reacts to by itself.
    pub(crate) fn reactions(&self) -> impl Iterator<Item = &str> {
        self.listed.values().flat_map(|listed| {
            let reactions = listed.found.as_ref().map(|found| found.manifest.reactions.as_slice());
            reactions.unwrap_or_default().iter().map(|reaction| reaction.event.as_str())
        })
    }

    /// Every event that a listed plugin emits.
    pub(crate) fn events(&self) -> impl Iterator<Item = (&PluginName, &EventOffer)> {
        self.listed.iter().flat_map(|(name, listed)| {
            let offers = listed.found.as_ref().map(|found| found.manifest.events.as_slice());
            offers.unwrap_or_default().iter().map(move |offer| (name, offer))
        })
    }

    /// The step that a `uses` names.
    pub(crate) fn step(&self, target: &Spanned<Target>, report: &Report<'_>) -> Option<&StepOffer> {
        let plugin = self.plugin(target, report)?;
        let offer = target.value.offer.as_str();
        let step = plugin.manifest.step(offer);
        if step.is_none() {
            let names = plugin.manifest.steps.iter().map(|step| step.name.as_str());
            let message = format!("the plugin `{}` has no step {}", target.value.plugin, quoted(offer));
            report.add(Fault::new(UNKNOWN_PLUGIN_STEP, target.span, message).near(offer, names, report));
        }
        step
    }

    /// The kind that a `resource` names.
    pub(crate) fn resource(&self, target: &Spanned<Target>, report: &Report<'_>) -> Option<&ResourceOffer> {
        let plugin = self.plugin(target, report)?;
        let offer = target.value.offer.as_str();
        let kind = plugin.manifest.resource(offer);
        if kind.is_none() {
            let names = plugin.manifest.resources.iter().map(|resource| resource.kind.as_str());
            let message =
                format!("the plugin `{}` has no kind of resource {}", target.value.plugin, quoted(offer));
            report.add(Fault::new(UNKNOWN_RESOURCE_KIND, target.span, message).near(offer, names, report));
        }
        kind
    }

    /// A step by its names alone, without faults: what tests name.
    pub(crate) fn known_step(&self, plugin: &PluginName, step: &str) -> Option<Option<&StepOffer>> {
        let found = self.listed.get(plugin)?;
        Some(found.found.as_ref().and_then(|found| found.manifest.step(step)))
    }

    /// Whether a plugin is listed and found.
    pub(crate) fn is_known(&self, plugin: &PluginName) -> bool {
        self.listed.get(plugin).is_some_and(|listed| listed.found.is_some())
    }

    fn plugin(&self, target: &Spanned<Target>, report: &Report<'_>) -> Option<&CatalogPlugin> {
        let name = &target.value.plugin;
        let Some(listed) = self.listed.get(name) else {
            self.not_listed(name, target.span, report);
            return None;
        };
        let found = listed.found.as_ref()?;
        let major = found.manifest.version.major;
        if target.value.major != major {
            let message =
                format!("`{name}` in version {}, the playbook uses version {major}", target.value.major);
            let fault = Fault::new(OTHER_MAJOR, target.span, message)
                .also(listed.span, "the version is chosen here")
                .help(format!("write {name}/{}@{major}", target.value.offer));
            report.add(fault);
            return None;
        }
        Some(found)
    }

    /// Reports a plugin that `plugins:` does not name.
    pub(crate) fn not_listed(&self, name: &PluginName, span: Span, report: &Report<'_>) {
        let names = self.listed.keys().map(PluginName::as_str);
        let fault = match self.catalog.plugin(name.as_str()) {
            Some(found) => {
                let manifest = &found.manifest;
                let needed = manifest
                    .capabilities
                    .iter()
                    .map(|used| used.name)
                    .filter(|name| !CapabilitySet::without_grant().contains(*name));
                let needed: Vec<&str> = needed.map(Capability::as_str).collect();
                let (major, grant) = (manifest.version.major, needed.join(", "));
                let message = format!("the playbook does not list the plugin `{name}`");
                Fault::new(PLUGIN_NOT_LISTED, span, message).help(format!(
                    "add to `plugins:` of playbook.yaml: {name}: {{ version: {major}, grant: [{grant}] }}"
                ))
            }
            None => Fault::new(PLUGIN_NOT_LISTED, span, format!("the playbook lists no plugin `{name}`"))
                .near(name.as_str(), names, report),
        };
        report.add(fault);
    }

    /// Reports a schema of a plugin that is none.
    pub(crate) fn bad_schema(&self, name: &PluginName, what: &str, why: &str, report: &Report<'_>) {
        if let Some(listed) = self.listed.get(name) {
            let message = format!("the plugin `{name}` has no usable schema of {what}: {why}");
            let fault =
                Fault::new(BAD_SCHEMA, listed.span, message).help("ask the author of the plugin to mend it");
            report.add(fault);
        }
    }
}

fn find(plugin: &WrittenPlugin, catalog: &dyn Catalog, report: &Report<'_>) -> Option<CatalogPlugin> {
    let name = &plugin.name;
    let Some(found) = catalog.plugin(name.value.as_str()) else {
        let names = catalog.names();
        let message = format!("this host has no plugin {}", quoted(name.value.as_str()));
        let fault = Fault::new(UNKNOWN_PLUGIN, name.span, message);
        report.add(fault.near(name.value.as_str(), names.iter().map(String::as_str), report));
        return None;
    };
    let has = found.manifest.version;
    let wanted = plugin.major.as_ref()?;
    if wanted.value != has.major {
        let message = format!("version {} of `{}`, this host has {has}", wanted.value, name.value);
        let fault = Fault::new(OTHER_MAJOR, wanted.span, message)
            .help(format!("write version: {}, and check what changed", has.major));
        report.add(fault);
        return None;
    }
    Some(found)
}

/// What a plugin needs and does not get, each with the plugin's own reason.
fn not_granted(name: &Spanned<PluginName>, missing: &[Capability], manifest: &Manifest) -> Fault {
    let reason = |capability: &Capability| {
        let asked = manifest.capabilities.iter().find(|used| used.name == *capability);
        let why = asked.map_or("imported by its component, which gives no reason", |used| used.why.as_str());
        format!("{capability} ({why})")
    };
    let names: Vec<&str> = missing.iter().map(|capability| capability.as_str()).collect();
    let reasons: Vec<String> = missing.iter().map(reason).collect();
    let message = format!("the plugin `{}` is not granted what it needs: {}", name.value, names.join(", "));
    Fault::new(NOT_GRANTED, name.span, message).help(format!(
        "it asks for {}: add them to its `grant`, or do without the plugin",
        reasons.join(", ")
    ))
}

fn granted(plugin: &WrittenPlugin, found: &CatalogPlugin, report: &Report<'_>) -> PluginUse {
    let manifest = &found.manifest;
    let name = &plugin.name;
    let granted: CapabilitySet = plugin.grants.iter().map(|grant| grant.value).collect();
    let asked: CapabilitySet = manifest.capabilities.iter().map(|used| used.name).collect();
    let needed: CapabilitySet = asked.iter().chain(found.imports.iter()).collect();
    let missing: Vec<Capability> =
        needed.beyond(CapabilitySet::without_grant()).beyond(granted).iter().collect();
    if !missing.is_empty() {
        report.add(not_granted(name, &missing, manifest));
    }
    for grant in &plugin.grants {
        if !needed.contains(grant.value) && !grant.value.is_free() {
            let message = format!("`{}` is granted, and `{}` does not need it", grant.value, name.value);
            report.add(
                Fault::new(GRANT_WITHOUT_NEED, grant.span, message)
                    .help("take it out: a right that is not needed is only a risk"),
            );
        }
    }
    let mut grants: Vec<_> = granted.iter().collect();
    grants.sort_unstable();
    PluginUse {
        version: manifest.version,
        digest: found.digest,
        grants,
        reactions: manifest.reactions.clone(),
    }
}
