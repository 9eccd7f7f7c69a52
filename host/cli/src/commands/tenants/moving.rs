//! `siyu tenants move NAME --to PLACE`: a tenant goes to another place, with the proof that nothing changed.

use anyhow::Context;
use clap::Args;
use serde_json::json;
use siyu_engine::ports::clock::{Clock as _, SystemClock};
use siyu_model::name::TenantName;
use siyu_store::carry::{Mark, MoveEnd, MoveRequest, Moved, cancel, move_tenant};

use super::proof::Proven;
use super::{Target, Watched, beside, must_be_there, rows, told};
use crate::fault::Fault;
use crate::home::Home;
use crate::lock::Lock;
use crate::output::Paint;
use crate::session::{Exit, Session};

/// What the help says below the options.
const HELP: &str = "\
The tenant is closed first: a host that executes it is fenced, and none opens it, until the move
is done or taken back with --cancel. Everything is copied to where nobody looks, read again,
compared, and put in its place at once. Interrupted at any moment, the same command goes on.
What is left behind stays where it is, refused to everybody with the place where the tenant is
now; moved back, it is kept under another name.";

/// Options of `move`.
#[derive(Args)]
#[command(after_help = HELP)]
pub(crate) struct Options {
    /// The tenant
    #[arg(value_name = "NAME")]
    name: TenantName,
    /// A data folder, or a database: postgres://USER@HOST/NAME
    #[arg(long, value_name = "PLACE")]
    to: Target,
    /// Take an interrupted move to this place back: the tenant is open again where it was
    #[arg(long)]
    cancel: bool,
}

pub(crate) fn run(options: &Options, session: &Session) -> anyhow::Result<Exit> {
    let home = session.home().of(options.name.clone());
    let there = target(&options.to, &home)?;
    if options.cancel {
        return take_back(&home, &there, session);
    }
    let (moved, proven) = session.wait_for(work(&home, &there, session))?;
    let (from, to) = (home.kept().kept(), there.kept().kept());
    let end = match moved.end {
        MoveEnd::Done => "moved",
        MoveEnd::Finished => "finished",
        MoveEnd::Before => "moved_before",
    };
    let mut document = json!({
        "tenant": home.tenant, "from": from.place(&home.tenant), "to": to.place(&home.tenant), "end": end,
        "move": moved.mark.id,
    });
    if let (Some(proven), Some(document)) = (&proven, document.as_object_mut()) {
        document.extend(proven.json().as_object().cloned().unwrap_or_default());
    }
    let screen = &session.screen;
    screen.json(&document)?;
    if let Some(proven) = &proven {
        proven.show(screen)?;
    }
    let said = match moved.end {
        MoveEnd::Done => "moved",
        MoveEnd::Finished => "an earlier call had copied and compared it all; the rest is done now: moved",
        MoveEnd::Before => "nothing to do: an earlier call moved it",
    };
    let place = to.place(&home.tenant);
    screen.say(format!("{} {}: {said} to {place}", screen.paint(Paint::Green, "✓"), home.tenant))?;
    Ok(if proven.is_none_or(|proven| proven.is_whole()) { Exit::Done } else { Exit::Found })
}

/// The home that the tenant is to have.
fn target(to: &Target, home: &Home) -> anyhow::Result<Home> {
    Ok(match to {
        Target::Folder(folder) => home.in_folder(folder.clone()),
        Target::Database(url) => home.clone().with_database(Some(url.stores()?)),
    })
}

async fn work(home: &Home, there: &Home, session: &Session) -> anyhow::Result<(Moved, Option<Proven>)> {
    let (from, to) = (home.kept().kept(), there.kept().kept());
    must_be_there(&from, &home.tenant).await?;
    let tenants = home.tenants();
    siyu_durable::make_folder(&tenants).with_context(|| format!("{} cannot be made", tenants.display()))?;
    // Whoever executes it here is told; whoever executes it elsewhere is fenced.
    let _lock = Lock::of_tenant(home)?;
    let is_virtual = make_ready(home, there).await?;
    let watched = Watched::new(&session.screen, 2 * rows(home.kept(), &home.tenant).await);
    let watch = |progress: siyu_store::carry::Progress<'_>| watched.tell(progress);
    let request = MoveRequest {
        from: &from,
        to: &to,
        tenant: &home.tenant,
        is_virtual,
        at: SystemClock.now(),
        watch: &watch,
    };
    let moved = move_tenant(request).await;
    watched.end();
    let moved = moved.map_err(told)?;
    let proven = match moved.proof.clone() {
        Some(proof) => Some(Proven::of(proof, &*there.inspect().await?).await?),
        None => None,
    };
    Ok((moved, proven))
}

/// What lies beside the database is there before the tenant is; says whether the tenant goes by a virtual clock.
async fn make_ready(home: &Home, there: &Home) -> anyhow::Result<bool> {
    there.make()?;
    if matches!(home.kept().kept().mark(&home.tenant).await.map_err(told)?, Some(Mark::Moved(_))) {
        // An earlier call has done it.
        return Ok(false);
    }
    let belongings = beside::of(home, &*home.inspect().await?).await?;
    let to = there.kept().kept();
    let is_free = !to.has(&home.tenant).await?
        || matches!(to.mark(&home.tenant).await.map_err(told)?, Some(Mark::Moved(_)));
    // What another tenant of this name has stays as it is: the move will be refused.
    if is_free {
        for (name, content) in &belongings.files {
            beside::keep(name, content, there).await?;
        }
    }
    Ok(belongings.is_virtual)
}

fn take_back(home: &Home, there: &Home, session: &Session) -> anyhow::Result<Exit> {
    let (from, to) = (home.kept().kept(), there.kept().kept());
    let mark = session.wait_for(async {
        must_be_there(&from, &home.tenant).await?;
        let cancelled = cancel(&from, &to, &home.tenant).await;
        cancelled.map_err(|fault| match fault {
            siyu_store::carry::CarryError::Store(_) => anyhow::Error::new(fault).context(
                Fault::wrong(format!("whether the move to {} is complete cannot be seen", to.words())).help(
                    "only with both places can a move be taken back: otherwise the tenant might live twice",
                ),
            ),
            fault => told(fault),
        })
    })?;
    session.screen.json(&json!({ "tenant": home.tenant, "end": "cancelled", "move": mark.id }))?;
    session.screen.say(format!(
        "{}: taken back, it is open again in {}",
        home.tenant,
        from.place(&home.tenant)
    ))?;
    Ok(Exit::Done)
}
