//! What all commands that read a tenant share: which playbook's zone counts, spans of time, and right-aligned numbers.

use std::sync::Arc;

use clap::Args;
use comfy_table::{CellAlignment, Table};
use siyu_engine::ports::inspect::{Cursor, Inspect, Span, Turn};
use siyu_insight::{Frame, InsightError, Local, Rate};
use siyu_model::clock::UtcMs;
use siyu_model::name::PlaybookName;

use crate::fault::Fault;
use crate::session::Session;

/// Whose calendar counts.
#[derive(Args)]
pub(crate) struct Zoned {
    /// Only this playbook; its zone says where days begin [default: all, which must have one zone]
    #[arg(long, value_name = "NAME")]
    pub(crate) playbook: Option<PlaybookName>,
}

/// A span of time.
#[derive(Args)]
pub(crate) struct Spanned {
    /// From this instant or day on, such as 2026-11-21T09:00:00+08:00 or 2026-11-21
    #[arg(long, value_name = "WHEN")]
    from: Option<String>,
    /// Before this instant or day
    #[arg(long, value_name = "WHEN")]
    until: Option<String>,
}

/// A page of a list.
#[derive(Args)]
pub(crate) struct Paged {
    /// How many at most
    #[arg(long, value_name = "NUMBER", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
    /// Go on after the page that ended with this cursor
    #[arg(long, value_name = "CURSOR")]
    after: Option<String>,
}

impl Paged {
    /// Which part of the list.
    pub(crate) fn turn(&self) -> Turn {
        Turn { after: self.after.clone().map(Cursor::new), limit: usize::from(self.limit) }
    }
}

impl Spanned {
    /// The span; days begin at midnight of the frame's zone.
    pub(crate) fn span(&self, frame: &Frame) -> anyhow::Result<Span> {
        let read = |text: &Option<String>| text.as_deref().map(|text| instant(text, frame)).transpose();
        Ok(Span { from: read(&self.from)?, until: read(&self.until)? })
    }
}

fn instant(text: &str, frame: &Frame) -> anyhow::Result<UtcMs> {
    frame
        .instant(text)
        .map_err(|why| Fault::wrong(why.to_string()).help("a day such as 2026-11-21 will do as well").into())
}

/// A tenant to read, with what frames it.
pub(crate) struct Reading {
    pub(crate) inspect: Arc<dyn Inspect>,
    pub(crate) frame: Frame,
}

/// Opens the tenant to be read; another process may execute it meanwhile.
pub(crate) async fn open(session: &Session, zoned: &Zoned) -> anyhow::Result<Reading> {
    let inspect = session.home().inspect().await?;
    let frame = Frame::of(&*inspect, zoned.playbook.as_ref()).await.map_err(told)?;
    Ok(Reading { inspect, frame })
}

/// An error as the user is told: what they gave and can give otherwise is theirs.
pub(crate) fn told(why: InsightError) -> anyhow::Error {
    match why {
        InsightError::Zones { .. } => Fault::wrong(why.to_string()).help("name one with --playbook").into(),
        InsightError::UnknownPlaybook { .. } => Fault::wrong(why.to_string()).into(),
        InsightError::Inspect(siyu_engine::ports::inspect::InspectError::Cursor { .. }) => {
            Fault::wrong(why.to_string()).into()
        }
        why => anyhow::Error::new(why).context("the tenant cannot be read"),
    }
}

/// These columns hold numbers.
pub(crate) fn numbers(table: &mut Table, columns: impl IntoIterator<Item = usize>) {
    for column in columns {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

/// The line above a report.
pub(crate) fn title(name: &str, as_of: &Local) -> String {
    if as_of.at() == UtcMs::EPOCH {
        return format!("{name} · nothing has happened yet");
    }
    format!("{name} · as of {}", as_of.minute())
}

/// `1 pool`, `1,204 pools`
pub(crate) fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", crate::output::grouped(number), if number == 1 { one } else { many })
}

/// `1,204 (23.1 %)`
pub(crate) fn of(rate: &Rate) -> String {
    match rate.rate {
        Some(_) => format!("{} ({})", crate::output::grouped(rate.part), rate.percent()),
        None => crate::output::grouped(rate.part),
    }
}
