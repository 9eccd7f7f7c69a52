//! `siyu audit …`: who changed what over HTTP, and who made and revoked tokens.

use std::sync::Arc;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use siyu_engine::ports::access::{Access, NoteRow, Outcome};

use crate::fault::Fault;
use crate::output::{Paint, grouped, on_one_line};
use crate::session::{Exit, Session};

/// Notes that are read at once.
const PAGE: usize = 1_000;

/// What can be done with notes of changes.
#[derive(Subcommand)]
pub(crate) enum Audit {
    /// List changes, newest first
    List(List),
    /// Check that no note was edited, removed or put in between
    Verify,
}

/// Options of `list`.
#[derive(Args)]
pub(crate) struct List {
    /// Only before this place
    #[arg(long, value_name = "NUMBER")]
    before: Option<u64>,
    /// How many
    #[arg(long, value_name = "NUMBER", default_value_t = 40, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    limit: u16,
}

pub(crate) fn run(command: &Audit, session: &Session) -> anyhow::Result<Exit> {
    session.wait_for(async {
        let access = session.home().access().await?;
        match command {
            Audit::List(options) => list(options, session, &access).await,
            Audit::Verify => verify(session, &access).await,
        }
    })
}

async fn list(options: &List, session: &Session, access: &Arc<dyn Access>) -> anyhow::Result<Exit> {
    let rows = access.notes(options.before, usize::from(options.limit)).await?;
    session.screen.json(&json!({ "changes": rows.iter().map(document).collect::<Vec<_>>() }))?;
    if rows.is_empty() {
        session.screen.say("no changes")?;
        return Ok(Exit::Done);
    }
    let mut table =
        session.screen.table(&["PLACE", "WHEN", "WHO", "TENANT", "WHAT", "TO", "OUTCOME", "DETAIL"]);
    for NoteRow { place, note, .. } in &rows {
        let paint = match note.outcome {
            Outcome::Done => Paint::Green,
            Outcome::Asked => Paint::Dim,
            Outcome::Refused => Paint::Yellow,
            Outcome::Unknown => Paint::Red,
        };
        table.add_row([
            place.to_string(),
            note.at.to_string(),
            on_one_line(&note.actor),
            note.tenant.as_ref().map(ToString::to_string).unwrap_or_default(),
            on_one_line(&note.action),
            on_one_line(&note.subject),
            session.screen.paint(paint, note.outcome.as_str()),
            on_one_line(&note.detail),
        ]);
    }
    session.screen.say_table(&table)?;
    Ok(Exit::Done)
}

fn document(row: &NoteRow) -> Value {
    let NoteRow { place, note, .. } = row;
    json!({
        "place": place, "at": note.at.to_string(), "actor": note.actor, "tenant": note.tenant, "action": note.action,
        "subject": note.subject, "outcome": note.outcome, "detail": note.detail,
    })
}

/// Follows the chain from its newest note to its first.
async fn verify(session: &Session, access: &Arc<dyn Access>) -> anyhow::Result<Exit> {
    let (mut after, mut count, mut newest): (Option<NoteRow>, u64, Option<[u8; 32]>) = (None, 0, None);
    loop {
        let rows = access.notes(after.as_ref().map(|row| row.place), PAGE).await?;
        if rows.is_empty() {
            break;
        }
        for row in rows {
            newest.get_or_insert(row.link);
            if let Some(after) = &after {
                follows(after, row.place, &row.link)?;
            }
            count += 1;
            after = Some(row);
        }
    }
    if let Some(first) = &after {
        follows(first, 0, &[0; 32])?;
    }
    let newest: String = newest.unwrap_or_default().iter().map(|byte| format!("{byte:02x}")).collect();
    session.screen.json(&json!({ "changes": count, "newest": newest }))?;
    session.screen.say(format!("{} changes are one chain, which ends with {newest}", grouped(count)))?;
    Ok(Exit::Done)
}

fn follows(row: &NoteRow, before: u64, link: &[u8; 32]) -> anyhow::Result<()> {
    if row.place == before + 1 && row.note.link(row.place, link) == row.link {
        return Ok(());
    }
    Err(Fault::failed(format!(
        "note {} is not what followed note {before}: one of them was edited",
        row.place
    ))
    .help("compare with an earlier `siyu audit verify` or a backup")
    .into())
}
