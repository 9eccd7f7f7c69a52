//! Files of a playbook, checked: by the language's rules, and by each plugin's own. Never publishes anything.

use std::sync::Arc;

use serde_json::{Value, json};
use siyu_engine::operate::{Publication, PublishError, Replaces};
use siyu_engine::ports::plugins::Plugins;
use siyu_model::json as document;
use siyu_model::name::{OfferName, PluginName, ResourceName};
use siyu_model::playbook::{Playbook, Resource};
use siyu_model::plugin::{Fault, Finding};
use siyu_model::scenario::Scenario;
use siyu_workflow::{Bundle, Catalog, Change, Compiled, Style, compile};

/// A playbook that was read and checked.
#[derive(Debug)]
pub struct Checked {
    compiled: Compiled,
    bundle: Bundle,
}

/// Checks files with the plugins of a host: `catalog` knows which there are, `plugins` runs them.
pub fn check(bundle: Bundle, catalog: &dyn Catalog, plugins: &dyn Plugins) -> Checked {
    let mut compiled = compile(&bundle, catalog);
    if let Some(playbook) = compiled.playbook.clone() {
        for resource in &playbook.resources {
            check_resource(&mut compiled, &playbook, resource, plugins);
        }
    }
    Checked { compiled, bundle }
}

/// Lets the plugin check a definition; what it finds becomes a diagnostic in the operator's file.
fn check_resource(compiled: &mut Compiled, playbook: &Playbook, resource: &Resource, plugins: &dyn Plugins) {
    let Resource { plugin, kind, name, body } = resource;
    let Some(used) = playbook.plugins.get(plugin) else { return };
    // A body that the language accepted has a JSON form.
    let text = document::print(body).unwrap_or_default();
    let found = plugins.check_resource(&used.digest, kind.as_str(), name.as_str(), &text);
    for finding in found.unwrap_or_else(|fault| vec![of_fault(&fault)]) {
        let diagnostic = compiled.finding(plugin, kind, name, &finding);
        compiled.add(diagnostic);
    }
}

/// A fault of a plugin as a finding about the whole definition.
fn of_fault(fault: &Fault) -> Finding {
    Finding {
        pointer: String::new(),
        is_error: true,
        code: fault.code.clone(),
        message: fault.message.clone(),
    }
}

impl Checked {
    /// The playbook; none when it has errors.
    pub fn playbook(&self) -> Option<&Playbook> {
        self.compiled.playbook.as_ref()
    }

    /// Its tests.
    pub fn scenarios(&self) -> &[Scenario] {
        &self.compiled.scenarios
    }

    /// What an overlay changes in its base.
    pub fn overlay_changes(&self) -> &[Change] {
        &self.compiled.changes
    }

    /// A line of one of its files, as it was written.
    pub fn line(&self, file: &str, line: u32) -> Option<&str> {
        let text = std::str::from_utf8(self.bundle.files.get(file)?).ok()?;
        text.lines().nth(usize::try_from(line).ok()?.checked_sub(1)?)
    }

    /// What is published; none when there are errors.
    pub fn publication(&self) -> Option<Publication> {
        let playbook = Arc::new(self.compiled.playbook.clone()?);
        let texts = self.bundle.files.iter().filter_map(|(path, bytes)| {
            let text = std::str::from_utf8(bytes).ok().filter(|text| !text.is_empty())?;
            Some((path.clone(), text.to_owned()))
        });
        Some(Publication { playbook, files: texts.collect(), replaces: Replaces::Anything })
    }

    /// Adds why a tenant did not take it, at the definition that it is about. Says whether it is about one.
    pub fn refuse(&mut self, error: &PublishError) -> bool {
        match error {
            PublishError::Resource { plugin, kind, name, fault } => {
                self.add(plugin, kind, name, &of_fault(fault));
            }
            PublishError::Taken { plugin, kind, name, by } => {
                let message = format!("playbook `{by}` defines it already: names are unique within a tenant");
                let code = "NAME_TAKEN".to_owned();
                self.add(
                    plugin,
                    kind,
                    name,
                    &Finding { pointer: String::new(), is_error: true, code, message },
                );
            }
            _ => return false,
        }
        true
    }

    fn add(&mut self, plugin: &PluginName, kind: &OfferName, name: &ResourceName, finding: &Finding) {
        let diagnostic = self.compiled.finding(plugin, kind, name, finding);
        self.compiled.add(diagnostic);
    }

    /// All diagnostics with carets; empty when there are none.
    pub fn render(&self, style: Style) -> String {
        self.compiled.render(style)
    }

    /// The diagnostics as they stand in JSON answers: `diagnostics`, how many more there are, and what an overlay changes.
    pub fn diagnostics(&self) -> Value {
        json!({
            "diagnostics": self.compiled.diagnostics,
            "diagnostics_left_out": self.compiled.dropped,
            "overlay_changes": self.compiled.changes,
        })
    }
}
