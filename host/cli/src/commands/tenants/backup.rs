//! `siyu tenants backup NAME --to FILE`.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use siyu_engine::ports::clock::{Clock as _, SystemClock};
use siyu_model::name::TenantName;
use siyu_store::carry::{self, BackupRequest};

use super::{Watched, beside, must_be_there, rows, told};
use crate::output::{Paint, bytes, grouped};
use crate::session::{Exit, Session};

/// What the help says below the options.
const HELP: &str = "\
The file holds the tenant as it is at one moment, with the plugins of its versions: everything
but the plugin folder, the channels and what channels wrote. It also holds the tenant's secret,
so only its owner can read it; keep it like a password. It can be restored into files and into
Postgres, wherever it came from.";

/// Options of `backup`.
#[derive(Args)]
#[command(after_help = HELP)]
pub(crate) struct Options {
    /// The tenant
    #[arg(value_name = "NAME")]
    name: TenantName,
    /// The file; never overwritten
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
}

pub(crate) fn run(options: &Options, session: &Session) -> anyhow::Result<Exit> {
    let home = session.home().of(options.name.clone());
    let from = home.kept().kept();
    let made = session.wait_for(async {
        must_be_there(&from, &home.tenant).await?;
        let belongings = beside::of(&home, &*home.inspect().await?).await?;
        let watched = Watched::new(&session.screen, rows(home.kept(), &home.tenant).await);
        let watch = |progress: carry::Progress<'_>| watched.tell(progress);
        let request = BackupRequest {
            from: &from,
            tenant: &home.tenant,
            file: &options.to,
            at: SystemClock.now(),
            is_virtual: belongings.is_virtual,
            files: &belongings.files,
            watch: &watch,
        };
        let made = carry::backup(request).await;
        watched.end();
        made.map_err(told)
    })?;
    let (manifest, screen) = (&made.manifest, &session.screen);
    screen.json(&json!({
        "tenant": home.tenant, "file": options.to, "bytes": made.bytes, "made_at": manifest.made_at.to_string(),
        "backup": manifest.id, "plugins": plugins(manifest), "proof": manifest.proof,
    }))?;
    screen.say(format!(
        "{} {}: {} rows and {} plugins in {}, {}\ndigest {}",
        screen.paint(Paint::Green, "✓"),
        home.tenant,
        grouped(manifest.proof.rows()),
        plugins(manifest),
        options.to.display(),
        bytes(made.bytes),
        manifest.proof.digest
    ))?;
    Ok(Exit::Done)
}

/// How many plugins go with it.
pub(super) fn plugins(manifest: &carry::Manifest) -> usize {
    manifest.files.iter().filter(|file| file.name.starts_with("plugins/")).count()
}
