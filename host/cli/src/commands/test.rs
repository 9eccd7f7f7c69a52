//! `siyu test [PLAYBOOK]`: plays the tests of a playbook on a virtual clock, with the real plugins in their sandbox.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use serde_json::{Value, json};
use siyu_engine::operate::Publication;
use siyu_engine::ports::store::Stores;
use siyu_engine::scenario::{Played, Stage, play};
use siyu_model::clock::DurationMs;
use siyu_model::name::TenantName;
use siyu_model::scenario::Scenario;
use siyu_store::sqlite::Durability;
use siyu_store::{SqliteInspect, SqliteOptions, SqliteStores};

use crate::checking::{self, Checked, joined};
use crate::facts::secret_of;
use crate::fault::Fault;
use crate::output::{Paint, Screen, on_one_line};
use crate::plugins::Installed;
use crate::session::{Exit, Session};

/// Options of `test`.
#[derive(Args)]
pub(crate) struct Options {
    /// The playbook's folder
    #[arg(default_value = ".")]
    playbook: PathBuf,
    /// A client's overlay: the folder of what it changes in the playbook
    #[arg(long, value_name = "FOLDER")]
    overlay: Option<PathBuf>,
    /// Only tests whose names contain this
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
}

pub(crate) fn run(options: &Options, session: &Session) -> anyhow::Result<Exit> {
    let installed = session.plugins_alone()?;
    let screen = &session.screen;
    let checked = checking::check(&options.playbook, options.overlay.as_deref(), &installed)?;
    let Some(publication) = checked.publication() else {
        screen.json(&joined(json!({ "valid": false, "tests": [] }), checked.diagnostics()))?;
        checked.show(screen)?;
        return Ok(Exit::Found);
    };
    let wanted =
        |scenario: &&Scenario| options.filter.as_deref().is_none_or(|part| scenario.name.contains(part));
    let scenarios: Vec<&Scenario> = checked.scenarios().iter().filter(wanted).collect();
    if scenarios.is_empty() {
        let name = &publication.playbook.name;
        let fault = match &options.filter {
            Some(part) => Fault::failed(format!("playbook {name} has no test whose name contains `{part}`")),
            None => Fault::failed(format!("playbook {name} has no tests")).help("write some as tests/*.yaml"),
        };
        return Err(fault.into());
    }
    let mut report = Report { screen, checked: &checked, rows: Vec::new(), failed: 0 };
    session.wait_for(async {
        for scenario in scenarios {
            let played = play_one(scenario, &publication, &installed).await?;
            report.add(scenario, &played)?;
        }
        Ok(())
    })?;
    report.finish(&publication)
}

/// Plays a test on a tenant of its own, which is gone afterwards.
async fn play_one(
    scenario: &Scenario,
    publication: &Publication,
    installed: &Arc<Installed>,
) -> anyhow::Result<Played> {
    let folder = folder().context("no folder for the test's tenant can be made")?;
    let tenant = TenantName::new("test")?;
    let options = SqliteOptions {
        // The tenant does not outlive the test.
        durability: Durability::LosesCommitsOnPowerCut,
        secret: Some(secret_of(&scenario.seed)),
        ..SqliteOptions::default()
    };
    let stores = SqliteStores::new(folder.path(), options);
    // The file must be there before it can be read beside the executor.
    stores.open(&tenant).await?.close().await?;
    let inspect = Arc::new(SqliteInspect::open(stores.path(&tenant)).await?);
    let stage = Stage {
        stores: Arc::new(stores),
        inspect: inspect.clone(),
        plugins: installed.runtime.clone(),
        tenant,
    };
    let played = play(scenario, publication.clone(), stage).await;
    inspect.close().await;
    Ok(played)
}

/// A folder in memory where there is one: syncs would be four fifths of a test's time.
fn folder() -> std::io::Result<tempfile::TempDir> {
    const IN_MEMORY: &str = "/dev/shm";
    tempfile::tempdir_in(IN_MEMORY).or_else(|_| tempfile::tempdir())
}

/// What is printed and counted.
struct Report<'a> {
    screen: &'a Screen,
    checked: &'a Checked,
    rows: Vec<Value>,
    failed: usize,
}

impl Report<'_> {
    fn add(&mut self, scenario: &Scenario, played: &Played) -> anyhow::Result<()> {
        let screen = self.screen;
        // A test that expects nothing shows nothing.
        let is_empty = played.failures.is_empty() && played.held == 0;
        let ok = played.failures.is_empty() && !is_empty;
        self.failed += usize::from(!ok);
        let failures = played.failures.iter().map(|failure| {
            json!({ "file": &*failure.place.file, "line": failure.place.line, "message": failure.message })
        });
        self.rows.push(json!({
            "name": scenario.name,
            "file": &*scenario.place.file,
            "line": scenario.place.line,
            "ok": ok,
            "expectations_held": played.held,
            "virtual_ms": played.virtual_ms,
            "failures": failures.collect::<Vec<_>>(),
        }));
        let mark = if ok { screen.paint(Paint::Green, "✓") } else { screen.paint(Paint::Red, "✗") };
        let passed = DurationMs::from_millis(played.virtual_ms);
        let about = screen.paint(Paint::Dim, format!("({} held, {passed})", played.held));
        screen.say(format!("{mark} {} {about}", on_one_line(&scenario.name)))?;
        if is_empty {
            screen.say(format!("    {}: the test expects nothing: add an `expect`", scenario.place))?;
        }
        for failure in &played.failures {
            screen.say(format!("    {}: {}", failure.place, on_one_line(&failure.message)))?;
            if let Some(line) = self.checked.line(&failure.place.file, failure.place.line) {
                let line = on_one_line(line.trim());
                screen.say(format!("    {} {line}", screen.paint(Paint::Dim, "|")))?;
            }
        }
        Ok(())
    }

    fn finish(self, publication: &Publication) -> anyhow::Result<Exit> {
        let passed = self.rows.len() - self.failed;
        self.screen.json(&joined(
            json!({
                "valid": true,
                "playbook": publication.playbook.name,
                "passed": passed,
                "failed": self.failed,
                "tests": self.rows,
            }),
            self.checked.diagnostics(),
        ))?;
        let total = if self.failed == 0 {
            self.screen.paint(Paint::Green, format!("{passed} passed"))
        } else {
            self.screen.paint(Paint::Red, format!("{} failed, {passed} passed", self.failed))
        };
        self.screen.say(total)?;
        Ok(if self.failed == 0 { Exit::Done } else { Exit::Found })
    }
}
