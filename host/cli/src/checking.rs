//! A playbook's folder, read and checked with the plugins of this host, and shown to whoever wrote it.

use std::path::{Path, PathBuf};

use serde_json::Value;
use siyu_engine::operate::{Publication, PublishError};
use siyu_model::playbook::Playbook;
use siyu_model::scenario::Scenario;
use siyu_workflow::{Bundle, BundleError, Style};

use crate::fault::Fault;
use crate::output::Screen;
use crate::plugins::Installed;

/// A playbook that was read and checked.
pub(crate) struct Checked(siyu_publishing::Checked);

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
    let checked = siyu_publishing::check(bundle, installed, &*installed.runtime);
    let faults = installed.faults();
    if faults.is_empty() {
        return Ok(Checked(checked));
    }
    let faults: Vec<String> = faults.into_iter().map(|(_, why)| why).collect();
    Err(Fault::wrong(faults.join("; "))
        .help("`siyu plugins list` shows all plugins; build and pack the broken ones again")
        .into())
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

impl Checked {
    /// The playbook; none when it has errors.
    pub(crate) fn playbook(&self) -> Option<&Playbook> {
        self.0.playbook()
    }

    /// Its tests.
    pub(crate) fn scenarios(&self) -> &[Scenario] {
        self.0.scenarios()
    }

    /// A line of one of its files, as it was written.
    pub(crate) fn line(&self, file: &str, line: u32) -> Option<&str> {
        self.0.line(file, line)
    }

    /// What is published; none when there are errors.
    pub(crate) fn publication(&self) -> Option<Publication> {
        self.0.publication()
    }

    /// Adds why the tenant did not take it, at the definition that it is about.
    pub(crate) fn refuse(&mut self, error: &PublishError) -> anyhow::Result<()> {
        if self.0.refuse(error) { Ok(()) } else { Err(Fault::failed(error.to_string()).into()) }
    }

    /// All diagnostics with carets; empty when there are none.
    pub(crate) fn render(&self, screen: &Screen) -> String {
        self.0.render(if screen.is_coloured { Style::Coloured } else { Style::Plain })
    }

    /// Prints all diagnostics, when there are any.
    pub(crate) fn show(&self, screen: &Screen) -> anyhow::Result<()> {
        let text = self.render(screen);
        if text.is_empty() { Ok(()) } else { screen.say(text.trim_end()) }
    }

    /// Prints what the overlay changes in its base, when there is one that does.
    pub(crate) fn show_overlay(&self, screen: &Screen) -> anyhow::Result<()> {
        let changes = self.0.overlay_changes();
        if changes.is_empty() {
            return Ok(());
        }
        screen.say("The overlay changes:")?;
        let changes = changes.iter().flat_map(|change| {
            change.to_string().lines().map(|line| format!("  {line}")).collect::<Vec<_>>()
        });
        screen.say(changes.collect::<Vec<_>>().join("\n"))
    }

    /// The diagnostics as they stand in JSON answers.
    pub(crate) fn diagnostics(&self) -> Value {
        self.0.diagnostics()
    }
}

/// Two objects as one.
pub(crate) fn joined(mut one: Value, other: Value) -> Value {
    if let (Some(members), Value::Object(more)) = (one.as_object_mut(), other) {
        members.extend(more);
    }
    one
}
