//! A playbook's folder, checked with the plugins of this host: the language's rules and each plugin's own.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};
use siyu_engine::operate::{Publication, PublishError};
use siyu_engine::ports::plugins::Plugins;
use siyu_model::json as document;
use siyu_model::playbook::{Playbook, Resource};
use siyu_model::plugin::{Fault as PluginFault, Finding};
use siyu_model::scenario::Scenario;
use siyu_workflow::{Bundle, BundleError, Compiled, Style, compile};

use crate::fault::Fault;
use crate::output::Screen;
use crate::plugins::Installed;

/// A playbook that was read and checked.
pub(crate) struct Checked {
    compiled: Compiled,
    bundle: Bundle,
}

/// Reads and checks a playbook, with a client's overlay when one is named. An error is about the surroundings: a folder, a
/// plugin that cannot be loaded.
pub(crate) fn check(folder: &Path, overlay: Option<&Path>, installed: &Installed) -> anyhow::Result<Checked> {
    let mut bundle = Bundle::read(&root(folder)).map_err(unreadable)?;
    if let Some(overlay) = overlay {
        bundle = bundle.with_overlay(Bundle::read(&root(overlay)).map_err(|fault| {
            Fault::wrong(format!("the overlay cannot be read: {fault}"))
                .help("name the folder that holds overlay.yaml")
        })?);
    }
    let mut compiled = compile(&bundle, installed);
    let faults = installed.faults();
    if !faults.is_empty() {
        return Err(Fault::wrong(faults.join("; "))
            .help("`siyu plugins list` shows all plugins; build and pack the broken ones again")
            .into());
    }
    if let Some(playbook) = compiled.playbook.clone() {
        for resource in &playbook.resources {
            check_resource(&mut compiled, &playbook, resource, installed);
        }
    }
    Ok(Checked { compiled, bundle })
}

/// People complete paths to `playbook.yaml` or `overlay.yaml`: its folder is meant.
fn root(folder: &Path) -> PathBuf {
    let is_head = |name: &std::ffi::OsStr| name == "playbook.yaml" || name == "overlay.yaml";
    let is_file = folder.file_name().is_some_and(is_head) && folder.is_file();
    match folder.parent() {
        Some(parent) if is_file && parent.as_os_str().is_empty() => PathBuf::from("."),
        Some(parent) if is_file => parent.to_owned(),
        _ => folder.to_owned(),
    }
}

fn unreadable(fault: BundleError) -> Fault {
    Fault::wrong(format!("the playbook cannot be read: {fault}"))
        .help("name the folder that holds playbook.yaml")
}

/// Lets the plugin check a definition; what it finds becomes a diagnostic in the operator's file.
fn check_resource(compiled: &mut Compiled, playbook: &Playbook, resource: &Resource, installed: &Installed) {
    let Resource { plugin, kind, name, body } = resource;
    let Some(used) = playbook.plugins.get(plugin) else { return };
    // A body that the language accepted has a JSON form.
    let text = document::print(body).unwrap_or_default();
    let found = installed.runtime.check_resource(&used.digest, kind.as_str(), name.as_str(), &text);
    for finding in found.unwrap_or_else(|fault| vec![of_fault(&fault)]) {
        let diagnostic = compiled.finding(plugin, kind, name, &finding);
        compiled.add(diagnostic);
    }
}

/// A fault of a plugin as a finding about the whole definition.
fn of_fault(fault: &PluginFault) -> Finding {
    Finding {
        pointer: String::new(),
        is_error: true,
        code: fault.code.clone(),
        message: fault.message.clone(),
    }
}

impl Checked {
    /// The playbook; none when it has errors.
    pub(crate) fn playbook(&self) -> Option<&Playbook> {
        self.compiled.playbook.as_ref()
    }

    /// Its tests.
    pub(crate) fn scenarios(&self) -> &[Scenario] {
        &self.compiled.scenarios
    }

    /// A line of one of its files, as it was written.
    pub(crate) fn line(&self, file: &str, line: u32) -> Option<&str> {
        let text = std::str::from_utf8(self.bundle.files.get(file)?).ok()?;
        text.lines().nth(usize::try_from(line).ok()?.checked_sub(1)?)
    }

    /// What is published; none when there are errors.
    pub(crate) fn publication(&self) -> Option<Publication> {
        let playbook = Arc::new(self.compiled.playbook.clone()?);
        let texts = self.bundle.files.iter().filter_map(|(path, bytes)| {
            let text = std::str::from_utf8(bytes).ok().filter(|text| !text.is_empty())?;
            Some((path.clone(), text.to_owned()))
        });
        Some(Publication { playbook, files: texts.collect() })
    }

    /// Adds why the tenant did not take it, at the definition that it is about.
    pub(crate) fn refuse(&mut self, error: &PublishError) -> anyhow::Result<()> {
        let (plugin, kind, name, finding) = match error {
            PublishError::Resource { plugin, kind, name, fault } => (plugin, kind, name, of_fault(fault)),
            PublishError::Taken { plugin, kind, name, by } => {
                let finding = Finding {
                    pointer: String::new(),
                    is_error: true,
                    code: "NAME_TAKEN".to_owned(),
                    message: format!("playbook `{by}` defines it already: names are unique within a tenant"),
                };
                (plugin, kind, name, finding)
            }
            other => return Err(Fault::failed(other.to_string()).into()),
        };
        let diagnostic = self.compiled.finding(plugin, kind, name, &finding);
        self.compiled.add(diagnostic);
        Ok(())
    }

    /// All diagnostics with carets; empty when there are none.
    pub(crate) fn render(&self, screen: &Screen) -> String {
        let style = if screen.is_coloured { Style::Coloured } else { Style::Plain };
        self.compiled.render(style)
    }

    /// Prints all diagnostics, when there are any.
    pub(crate) fn show(&self, screen: &Screen) -> anyhow::Result<()> {
        let text = self.render(screen);
        if text.is_empty() { Ok(()) } else { screen.say(text.trim_end()) }
    }

    /// Prints what the overlay changes in its base, when there is one that does.
    pub(crate) fn show_overlay(&self, screen: &Screen) -> anyhow::Result<()> {
        if self.compiled.changes.is_empty() {
            return Ok(());
        }
        screen.say("The overlay changes:")?;
        let changes = self.compiled.changes.iter().flat_map(|change| {
            change.to_string().lines().map(|line| format!("  {line}")).collect::<Vec<_>>()
        });
        screen.say(changes.collect::<Vec<_>>().join("\n"))
    }

    /// The diagnostics as they stand in JSON answers: `diagnostics`, how many more there are, and what an overlay changes.
    pub(crate) fn diagnostics(&self) -> Value {
        json!({
            "diagnostics": self.compiled.diagnostics,
            "diagnostics_left_out": self.compiled.dropped,
            "overlay_changes": self.compiled.changes,
        })
    }
}

/// Two objects as one.
pub(crate) fn joined(mut one: Value, other: Value) -> Value {
    if let (Some(members), Value::Object(more)) = (one.as_object_mut(), other) {
        members.extend(more);
    }
    one
}
