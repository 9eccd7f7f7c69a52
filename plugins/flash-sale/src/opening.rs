//! Opening and ending by time, and by an operator's step. The sale itself keeps that each happens once.

#[cfg(test)]
mod tests;

use siyu_plugin::prelude::*;
use siyu_plugin::resources;

use crate::events::{CloseDue, OpenDue};
use crate::refusals::NOT_OPEN;
use crate::sale::{By, Sale, State};
use crate::session::{Occurrence, Session};

/// Bytes of an occurrence's name that a workflow or an event gives: it is a part of keys.
const NAME_BYTES_MAX: usize = 64;

/// Opens a session by hand (开场): the occurrence of its window if one is due, or one of the given name. An occurrence opens
/// once; asking again changes nothing.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Open {
    /// The session.
    session: String,
    /// The name of the occurrence, such as the id of a live stream: each name opens once. Absent for a session with a
    /// window.
    #[serde(default)]
    occurrence: Option<String>,
    /// How long; the trigger's duration when absent.
    #[serde(default)]
    duration: Option<Duration>,
}

/// The occurrence.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct OpenedSale {
    /// Whether this call opened it.
    pub(crate) opened: bool,
    /// Its name.
    pub(crate) occurrence: String,
    /// When it began.
    pub(crate) opens_at: Instant,
    /// When it ends.
    pub(crate) closes_at: Instant,
}

impl Step for Open {
    const NAME: &'static str = "open";
    const REFUSALS: &'static [Refusal] = &[NOT_OPEN];
    type Output = OpenedSale;

    fn run(self) -> Result<OpenedSale, Stop> {
        let terms: Session = resources::require(&self.session)?;
        let (occurrence, by) = match &self.occurrence {
            Some(name) => (self.named(name, &terms)?, By::Call),
            None => (scheduled(&terms)?, By::Schedule),
        };
        let name = occurrence.name.clone();
        let opened = Sale::open(&self.session, &terms, occurrence, by)?;
        let is_new = opened.is_some();
        let sale = match opened {
            Some(sale) => sale,
            None => Sale::of(&self.session, &name)?
                .ok_or_else(|| Fault::permanent("LOST_SALE", format!("occurrence `{name}` has no record")))?,
        };
        let Sale { occurrence, opens_at, closes_at, .. } = sale;
        Ok(OpenedSale { opened: is_new, occurrence, opens_at, closes_at })
    }
}

impl Open {
    fn named(&self, name: &str, terms: &Session) -> Result<Occurrence, Fault> {
        check_name("/occurrence", name)?;
        let duration = self.duration.or(terms.trigger.as_ref().map(|trigger| trigger.duration));
        let duration = duration.filter(|length| !length.is_zero()).ok_or_else(|| {
            Fault::invalid("/duration", "how long it is open: expected a length such as 120s")
        })?;
        let opens_at = Instant::now();
        Ok(Occurrence { name: name.to_owned(), opens_at, closes_at: opens_at + duration })
    }
}

fn scheduled(terms: &Session) -> Result<Occurrence, Stop> {
    if terms.window.is_none() {
        let message =
            "the session has no window: expected the name of an occurrence, such as a live stream's id";
        Err(Fault::invalid("/occurrence", message))?;
    }
    let now = Instant::now();
    if let Some(occurrence) = terms.occurrence_at(now)? {
        return Ok(occurrence);
    }
    let next = terms.next_after(now)?.map(|next| next.opens_at);
    Err(NOT_OPEN
        .because("no occurrence of its window is due now")
        .details(json!({ "now": now, "opens_at": next })))?
}

/// Whether a text can name an occurrence.
pub(crate) fn check_name(pointer: &str, name: &str) -> Result<(), Fault> {
    let is_plain = |symbol: char| !symbol.is_whitespace() && !symbol.is_control() && !"/%".contains(symbol);
    if (1..=NAME_BYTES_MAX).contains(&name.len()) && name.chars().all(is_plain) {
        return Ok(());
    }
    let shown: String = name.chars().take(NAME_BYTES_MAX).collect();
    Err(Fault::invalid(
        pointer,
        format!("`{shown}` is no name: expected 1 to {NAME_BYTES_MAX} bytes without white space, / and %"),
    ))
}

/// Ends a sale early (提前结束). What is held stays held until it is paid or runs out; nobody else gets anything.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Close {
    /// The session.
    session: String,
    /// Which opening; the latest when absent.
    #[serde(default)]
    occurrence: Option<String>,
    /// Why; `operator` when absent. Stands in `flash.closed`.
    #[serde(default)]
    reason: Option<String>,
}

/// Whether there was anything to end.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct ClosedSale {
    /// Whether this call ended it.
    pub(crate) closed: bool,
    /// Which opening; null when the session never opened.
    pub(crate) occurrence: Option<String>,
}

impl Step for Close {
    const NAME: &'static str = "close";
    type Output = ClosedSale;

    fn run(self) -> Result<ClosedSale, Stop> {
        let Some(sale) = Sale::pick(&self.session, self.occurrence.as_deref())? else {
            // A name that nobody published is a mistake, one that never opened is not.
            resources::require::<Session>(&self.session)?;
            return Ok(ClosedSale { closed: false, occurrence: None });
        };
        let occurrence = Some(sale.occurrence.clone());
        if sale.state != State::Open {
            return Ok(ClosedSale { closed: false, occurrence });
        }
        let reason: String = self.reason.as_deref().unwrap_or("operator").chars().take(128).collect();
        sale.close(&self.session, &reason)?;
        Ok(ClosedSale { closed: true, occurrence })
    }
}

/// Reacts to `flash.open_due`: opens what is to be open and plans the next opening (定时开场).
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
pub(crate) struct OnOpenDue(Incoming<OpenDue>);

impl Step for OnOpenDue {
    const NAME: &'static str = "on-open-due";
    type Output = ();

    fn run(self) -> Result<(), Stop> {
        let name = &self.0.data.session;
        // Taken out of the playbook in the meantime: nothing is to be opened.
        let Some(terms) = resources::get::<Session>(name)? else {
            return Ok(());
        };
        let now = Instant::now();
        if let Some(occurrence) = terms.due(name, now)? {
            Sale::open(name, &terms, occurrence, By::Schedule)?;
        }
        terms.plan_opening(name, now)?;
        Ok(())
    }
}

/// Reacts to `flash.close_due`: ends a sale whose time is over (定时结束).
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
pub(crate) struct OnCloseDue(Incoming<CloseDue>);

impl Step for OnCloseDue {
    const NAME: &'static str = "on-close-due";
    type Output = ();

    fn run(self) -> Result<(), Stop> {
        let CloseDue { session, occurrence } = &self.0.data;
        let Some(sale) = Sale::of(session, occurrence)?.filter(|sale| sale.state == State::Open) else {
            return Ok(());
        };
        if sale.closes_at <= Instant::now() {
            sale.end(session)?;
        }
        Ok(())
    }
}
