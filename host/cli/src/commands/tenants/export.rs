//! `siyu tenants export NAME --to FOLDER`.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use siyu_engine::ports::clock::{Clock as _, SystemClock};
use siyu_model::name::TenantName;
use siyu_store::carry;

use super::{Watched, must_be_there, rows, told};
use crate::commands::reading::numbers;
use crate::output::{Paint, grouped};
use crate::session::{Exit, Session};

/// What the help says below the options.
const HELP: &str = "\
All files are of one moment; a host may execute the tenant meanwhile. What every column means is
in COLUMNS.md beside them. No tenant can be made of an export: that is what `siyu tenants
backup` is for.";

/// Options of `export`.
#[derive(Args)]
#[command(after_help = HELP)]
pub(crate) struct Options {
    /// The tenant
    #[arg(value_name = "NAME")]
    name: TenantName,
    /// The folder; new or empty
    #[arg(long, value_name = "FOLDER")]
    to: PathBuf,
}

pub(crate) fn run(options: &Options, session: &Session) -> anyhow::Result<Exit> {
    let home = session.home().of(options.name.clone());
    let from = home.kept().kept();
    let done = session.wait_for(async {
        must_be_there(&from, &home.tenant).await?;
        let watched = Watched::new(&session.screen, rows(home.kept(), &home.tenant).await);
        let watch = |progress: carry::Progress<'_>| watched.tell(progress);
        let done = carry::export(&from, &home.tenant, &options.to, SystemClock.now(), &watch).await;
        watched.end();
        done.map_err(told)
    })?;
    let screen = &session.screen;
    screen.json(&json!({
        "tenant": done.tenant, "from": done.from, "folder": options.to, "exported_at": done.exported_at.to_string(),
        "files": done.files,
    }))?;
    let mut table = screen.table(&["FILE", "LINES"]);
    numbers(&mut table, [1]);
    for file in &done.files {
        table.add_row([file.file.clone(), grouped(file.lines)]);
    }
    screen.say_table(&table)?;
    screen.say(format!(
        "{} {}: in {}",
        screen.paint(Paint::Green, "✓"),
        done.tenant,
        options.to.display()
    ))?;
    Ok(Exit::Done)
}
