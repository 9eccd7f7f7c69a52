//! `siyu tenants restore FILE --as NAME`.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use serde_json::json;
use siyu_engine::ports::clock::{Clock as _, SystemClock};
use siyu_engine::ports::store::StoreError;
use siyu_model::name::TenantName;
use siyu_store::carry::{self, CarryError, RestoreRequest};

use super::proof::Proven;
use super::{Watched, backup, beside, told};
use crate::lock::Lock;
use crate::output::Paint;
use crate::session::{Exit, Session};

/// What the help says below the options.
const HELP: &str = "\
The tenant stands where it stood when the backup was made, and goes on from there. What happened
since is not in it: events that came since must be handed in again, and messages that left since
leave again. They carry the ids that they had the first time, where they come of the same
events, so that the other side can tell them. What fell due since happens at once. Never let two
tenants of one backup execute at the same time against the same customers.";

/// Options of `restore`.
#[derive(Args)]
#[command(after_help = HELP)]
pub(crate) struct Options {
    /// The backup
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The tenant's name [default: the name that it had]
    #[arg(long = "as", value_name = "NAME")]
    name: Option<TenantName>,
}

pub(crate) fn run(options: &Options, session: &Session) -> anyhow::Result<Exit> {
    let (home, manifest, proven) = session.wait_for(async {
        let manifest = carry::look(&options.file).await.map_err(told)?;
        let home = session.home().of(options.name.clone().unwrap_or_else(|| manifest.tenant.clone()));
        home.make()?;
        let tenants = home.tenants();
        siyu_durable::make_folder(&tenants)
            .with_context(|| format!("{} cannot be made", tenants.display()))?;
        let _lock = Lock::of_tenant(&home)?;
        let watched = Watched::new(&session.screen, 3 * manifest.proof.rows());
        let watch = |progress: carry::Progress<'_>| watched.tell(progress);
        let keep = |file: carry::CarriedFile, content: Vec<u8>| -> carry::Keeping<'_> {
            let (home, backup) = (&home, &options.file);
            Box::pin(async move {
                let kept = beside::keep(&file.name, &content, home).await;
                kept.map_err(|fault| match fault.downcast::<StoreError>() {
                    Ok(fault) => fault.into(),
                    Err(fault) => CarryError::Damaged { file: backup.clone(), why: format!("{fault:#}") },
                })
            })
        };
        let to = home.kept().kept();
        let request = RestoreRequest {
            file: &options.file,
            to: &to,
            tenant: &home.tenant,
            at: SystemClock.now(),
            keep: &keep,
            watch: &watch,
        };
        let restored = carry::restore(request).await;
        watched.end();
        let manifest = restored.map_err(told)?;
        let proven = Proven::of(manifest.proof.clone(), &*home.inspect().await?).await?;
        Ok((home, manifest, proven))
    })?;
    let place = home.kept().kept().place(&home.tenant);
    let mut document = json!({
        "tenant": home.tenant, "was": manifest.tenant, "to": place, "file": options.file, "backup": manifest.id,
        "made_at": manifest.made_at.to_string(), "plugins": backup::plugins(&manifest),
    });
    if let Some(document) = document.as_object_mut() {
        document.extend(proven.json().as_object().cloned().unwrap_or_default());
    }
    let screen = &session.screen;
    screen.json(&document)?;
    proven.show(screen)?;
    screen.say(format!(
        "{} {}: as {} was at {}, in {place}",
        screen.paint(Paint::Green, "✓"),
        home.tenant,
        manifest.tenant,
        manifest.made_at
    ))?;
    Ok(if proven.is_whole() { Exit::Done } else { Exit::Found })
}
