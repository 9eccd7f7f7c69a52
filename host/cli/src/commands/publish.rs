//! `siyu publish PLAYBOOK`: checks everything, then puts a version into force, all of it or nothing.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use siyu_engine::operate::{Publication, Published};
use siyu_engine::ports::inspect::Inspect;
use siyu_model::clock::UtcMs;
use siyu_model::name::PlaybookName;
use siyu_model::playbook::Playbook;
use siyu_publishing::{Change, How, in_force};

use crate::checking::{self, Checked, joined};
use crate::components;
use crate::facts::ClockKind;
use crate::home::Home;
use crate::host::{Host, Opening};
use crate::output::{Paint, Screen};
use crate::plugins::Installed;
use crate::serving::{Served, told};
use crate::session::{Exit, Session};

/// Options of `publish`.
#[derive(Args)]
pub(crate) struct Options {
    /// The playbook's folder
    playbook: PathBuf,
    /// A client's overlay: the folder of what it changes in the playbook
    #[arg(long, value_name = "FOLDER")]
    overlay: Option<PathBuf>,
    /// Publish at this instant of a virtual clock: for a tenant that `siyu run --virtual` replays events into
    #[arg(long, value_name = "INSTANT")]
    at: Option<UtcMs>,
    /// Make a new tenant whose ids, draws and codes come out the same from the same seed
    #[arg(long, value_name = "TEXT")]
    seed: Option<String>,
}

pub(crate) fn run(options: &Options, session: &Session) -> anyhow::Result<Exit> {
    let home = session.home();
    let installed = session.plugins(&home)?;
    let mut checked = checking::check(&options.playbook, options.overlay.as_deref(), &installed)?;
    let Some(publication) = checked.publication() else {
        return refused(&checked, &session.screen);
    };
    let name = publication.playbook.name.clone();
    let opening = Opening {
        clock: options.at.map(|_| ClockKind::Virtual),
        from: options.at.unwrap_or_default(),
        seed: options.seed.as_deref(),
    };
    let served = session.wait_for(async {
        let Some(served) = Served::find(&home, &installed).await? else { return Ok(None) };
        let published = elsewhere(&served, &home, &installed, publication.clone()).await;
        served.host.stop().await;
        published.map(Some)
    })?;
    if let Some((published, changes)) = served {
        return answered(&checked, Answer { name, published, changes }, &session.screen);
    }
    let done = session.wait_for(async {
        let host = Host::open(home, installed, opening).await?;
        let done = host.publish(publication).await;
        host.stop().await;
        done
    })?;
    match done {
        Ok((published, changes)) => answered(&checked, Answer { name, published, changes }, &session.screen),
        Err(error) => {
            checked.refuse(&error)?;
            refused(&checked, &session.screen)
        }
    }
}

/// Publishes at the host that executes the tenant, and says what that changes.
async fn elsewhere(
    served: &Served,
    home: &Home,
    installed: &Installed,
    publication: Publication,
) -> anyhow::Result<(Published, Vec<Change>)> {
    let playbook = publication.playbook.clone();
    components::keep(home, installed, &playbook)?;
    components::share(home, &served.fleet, &playbook).await?;
    let before = active(&*home.inspect().await?, &playbook.name).await?;
    let published = told(served.host.publish(&home.tenant, publication).await)?;
    let changes = if published.is_unchanged {
        Vec::new()
    } else {
        siyu_publishing::between(before.as_ref(), &playbook)
    };
    Ok((published, changes))
}

/// The version of a playbook that is in force.
async fn active(inspect: &dyn Inspect, name: &PlaybookName) -> anyhow::Result<Option<Playbook>> {
    let row = in_force(inspect, name).await?;
    Ok(row.map(|row| serde_json::from_str(&row.compiled)).transpose()?)
}

fn answered(checked: &Checked, answer: Answer, screen: &Screen) -> anyhow::Result<Exit> {
    screen.json(&joined(answer.document(), checked.diagnostics()))?;
    checked.show(screen)?;
    checked.show_overlay(screen)?;
    answer.show(screen)?;
    Ok(Exit::Done)
}

/// Tells why nothing was published.
pub(crate) fn refused(checked: &Checked, screen: &Screen) -> anyhow::Result<Exit> {
    screen.json(&joined(json!({ "published": false }), checked.diagnostics()))?;
    checked.show(screen)?;
    screen.say("nothing was published")?;
    Ok(Exit::Found)
}

/// What a publication did.
pub(crate) struct Answer {
    /// Of which playbook.
    pub(crate) name: PlaybookName,
    /// What the tenant says.
    pub(crate) published: Published,
    /// What is different from the version before.
    pub(crate) changes: Vec<Change>,
}

impl Answer {
    fn document(&self) -> serde_json::Value {
        json!({
            "published": true,
            "playbook": self.name,
            "digest": self.published.digest,
            "unchanged": self.published.is_unchanged,
            "resources": self.published.resources,
            "resources_gone": self.published.resources_gone,
            "changes": self.changes,
        })
    }

    /// What people read.
    pub(crate) fn show(&self, screen: &Screen) -> anyhow::Result<()> {
        let version = format!("{} {}", self.name, self.published.digest.short());
        if self.published.is_unchanged {
            return screen.say(format!("{version} is in force already: nothing changed"));
        }
        screen.say(format!("{} {version}", screen.paint(Paint::Green, "published")))?;
        for Change { change, what, name } in &self.changes {
            let paint = match change {
                How::Added => Paint::Green,
                How::Changed => Paint::Yellow,
                How::Removed => Paint::Red,
            };
            let word = screen.paint(paint, format!("{:<8}", change.as_str()));
            screen.say(format!("  {word}{what} {name}").trim_end())?;
        }
        if self.changes.is_empty() {
            screen.say("  nothing but places in files changed")?;
        }
        Ok(())
    }
}
