//! `siyu draws verify`: a lottery's log, computed again.

use clap::{Args, Subcommand};
use serde_json::json;
use siyu_insight::draws::{CampaignAudit, SeedState};

use super::reading::counted;
use crate::fault::Fault;
use crate::output::{Paint, Screen, on_one_line};
use crate::session::{Exit, Session};

/// What can be done with draws.
#[derive(Subcommand)]
pub(crate) enum Draws {
    /// Compute the log of draws again: hashes, numbers, prizes and stock
    Verify(Verify),
}

/// Options of `verify`.
#[derive(Args)]
pub(crate) struct Verify {
    /// Only this campaign
    #[arg(long, value_name = "NAME")]
    campaign: Option<String>,
}

pub(crate) fn run(command: &Draws, session: &Session) -> anyhow::Result<Exit> {
    let Draws::Verify(options) = command;
    let audits = session.wait_for(async {
        let inspect = session.home().inspect().await?;
        Ok(siyu_insight::draws::verify(&*inspect, options.campaign.as_deref()).await?)
    })?;
    if let (Some(campaign), true) = (&options.campaign, audits.is_empty()) {
        return Err(
            Fault::failed(format!("there is no log of a campaign `{}`", on_one_line(campaign))).into()
        );
    }
    session.screen.json(&json!({ "campaigns": audits }))?;
    if audits.is_empty() {
        session.screen.say("no lottery has a log here")?;
    }
    for audit in &audits {
        show(&session.screen, audit)?;
    }
    let is_whole = audits.iter().all(|audit| audit.broken.is_none());
    Ok(if is_whole { Exit::Done } else { Exit::Found })
}

fn show(screen: &Screen, audit: &CampaignAudit) -> anyhow::Result<()> {
    let mark = match audit.broken {
        None => screen.paint(Paint::Green, "✓ whole"),
        Some(_) => screen.paint(Paint::Red, "✗ broken"),
    };
    let (lines, draws) = (counted(audit.lines, "line", "lines"), counted(audit.draws, "draw", "draws"));
    screen.say(format!("{mark}  {}: {lines}, {draws}", on_one_line(&audit.campaign)))?;
    if let Some(broken) = &audit.broken {
        screen.say(format!("  line {}: {}", broken.line, on_one_line(&broken.what)))?;
        screen.say(format!("    found     {}", on_one_line(&broken.found)))?;
        screen.say(format!("    expected  {}", on_one_line(&broken.expected)))?;
        return screen.say("  Nothing after a broken line proves anything.");
    }
    screen.say(format!("  last hash  {}", audit.head))?;
    screen.say(format!(
        "  events     {} with the hash of the line",
        counted(audit.anchored, "draw", "draws")
    ))?;
    screen.say(match audit.seed {
        SeedState::Recomputed => "  seed       public, fits its commitment, and every number follows from it",
        SeedState::Sealed => {
            "  seed       sealed: numbers can be computed again once the lottery has revealed it"
        }
    })
}
