//! `siyu validate [PLAYBOOK]`: everything that publishing checks, and nothing else.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::checking::{self, Checked, joined};
use crate::session::{Exit, Session};

/// Options of `validate`.
#[derive(Args)]
pub(crate) struct Options {
    /// The playbook's folder
    #[arg(default_value = ".")]
    playbook: PathBuf,
    /// A client's overlay: the folder of what it changes in the playbook
    #[arg(long, value_name = "FOLDER")]
    overlay: Option<PathBuf>,
}

pub(crate) fn run(options: &Options, session: &Session) -> anyhow::Result<Exit> {
    let installed = session.plugins_alone()?;
    let checked = checking::check(&options.playbook, options.overlay.as_deref(), &installed)?;
    let screen = &session.screen;
    let name = checked.playbook().map(|playbook| playbook.name.clone());
    screen.json(&joined(json!({ "valid": name.is_some(), "playbook": name }), checked.diagnostics()))?;
    checked.show(screen)?;
    if name.is_none() {
        return Ok(Exit::Found);
    }
    checked.show_overlay(screen)?;
    screen.say(summary(&checked))?;
    Ok(Exit::Done)
}

/// `steak-club is valid: 3 workflows, 2 resources, 5 tests`
fn summary(checked: &Checked) -> String {
    let Some(playbook) = checked.playbook() else { return String::new() };
    let counts = [
        (playbook.workflows.len(), "workflow"),
        (playbook.resources.len(), "resource"),
        (playbook.templates.len(), "template"),
        (playbook.segments.len(), "segment"),
        (checked.scenarios().len(), "test"),
    ];
    let told = counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| {
        let plural = if *count == 1 { "" } else { "s" };
        format!("{count} {what}{plural}")
    });
    format!("{} is valid: {}", playbook.name, told.collect::<Vec<_>>().join(", "))
}
