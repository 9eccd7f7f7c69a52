//! A sale: one occurrence of a session, from its opening to its end. It opens once and ends once, whoever asks how often.

use siyu_plugin::Error;
use siyu_plugin::prelude::*;
use siyu_plugin::{events, pools, records, resources};

use crate::events::{CloseDue, Closed, ClosedItem, Opened, OpenedItem};
use crate::millis;
use crate::session::{Occurrence, Session};

/// How an occurrence stands. Kept under its name, and once more as the session's latest, for those who name none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sale {
    /// Its name within the session.
    pub(crate) occurrence: String,
    /// The first instant of it.
    #[serde(with = "millis")]
    pub(crate) opens_at: Instant,
    /// The first instant after it.
    #[serde(with = "millis")]
    pub(crate) closes_at: Instant,
    /// Whether it goes on.
    pub(crate) state: State,
    /// What opened it.
    pub(crate) by: By,
}

/// Whether a sale goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// It does, until `closes_at`.
    Open,
    /// Its time is over. What is held is honoured, and who waits is still served.
    Ended,
    /// Somebody ended it early. What is held is honoured; nobody else gets anything.
    Closed,
}

/// What opened a sale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum By {
    /// Its window.
    Schedule,
    /// An event, or the step `open`.
    Call,
}

/// The pool of an item in an occurrence.
pub(crate) fn stock_key(session: &str, occurrence: &str, sku: &str) -> String {
    key(&[session, occurrence, sku])
}

/// The plan of a session's next opening.
pub(crate) fn open_key(session: &str) -> String {
    key(&["open", session])
}

/// The plan of an occurrence's end.
pub(crate) fn close_key(session: &str, occurrence: &str) -> String {
    key(&["close", session, occurrence])
}

fn current_key(session: &str) -> String {
    key(&["live", session])
}

fn sale_key(session: &str, occurrence: &str) -> String {
    key(&["sale", session, occurrence])
}

impl Sale {
    /// The latest occurrence of a session.
    pub(crate) fn current(session: &str) -> Result<Option<Self>, Error> {
        records::of_tenant().get(&current_key(session))
    }

    /// An occurrence by its name.
    pub(crate) fn of(session: &str, occurrence: &str) -> Result<Option<Self>, Error> {
        records::of_tenant().get(&sale_key(session, occurrence))
    }

    /// The occurrence of that name, or the latest.
    pub(crate) fn pick(session: &str, occurrence: Option<&str>) -> Result<Option<Self>, Error> {
        occurrence.map_or_else(|| Self::current(session), |occurrence| Self::of(session, occurrence))
    }

    /// Whether customers can buy at an instant.
    pub(crate) fn is_open(&self, at: Instant) -> bool {
        self.state == State::Open && self.opens_at <= at && at < self.closes_at
    }

    /// Opens an occurrence: fresh stock for every item. None when it was opened before.
    pub(crate) fn open(
        session: &str,
        terms: &Session,
        occurrence: Occurrence,
        by: By,
    ) -> Result<Option<Self>, Error> {
        let Occurrence { name, opens_at, closes_at } = occurrence;
        let sale = Self { occurrence: name, opens_at, closes_at, state: State::Open, by };
        if !records::of_tenant().insert(&sale_key(session, &sale.occurrence), &sale)? {
            return Ok(None);
        }
        records::of_tenant().put(&current_key(session), &sale)?;
        let mut items = Vec::with_capacity(terms.items.len());
        for item in &terms.items {
            pools::define(&stock_key(session, &sale.occurrence, &item.sku), item.stock)?;
            items.push(OpenedItem { sku: &item.sku, total: item.stock, price_fen: item.price_fen });
        }
        let due = CloseDue { session: session.to_owned(), occurrence: sale.occurrence.clone() };
        due.plan(&close_key(session, &sale.occurrence), closes_at)?;
        Opened { session, occurrence: &sale.occurrence, opens_at, closes_at, items }.emit()?;
        Ok(Some(sale))
    }

    /// Writes a changed sale.
    pub(crate) fn save(&self, session: &str) -> Result<(), Error> {
        records::of_tenant().put(&sale_key(session, &self.occurrence), self)?;
        let is_current = Self::current(session)?.is_some_and(|current| current.occurrence == self.occurrence);
        if is_current { records::of_tenant().put(&current_key(session), self) } else { Ok(()) }
    }

    /// Ends it before its time.
    pub(crate) fn close(mut self, session: &str, reason: &str) -> Result<(), Error> {
        events::cancel(&close_key(session, &self.occurrence))?;
        self.closes_at = self.closes_at.min(Instant::now());
        self.finish(session, State::Closed, reason)
    }

    /// Its time is over.
    pub(crate) fn end(self, session: &str) -> Result<(), Error> {
        self.finish(session, State::Ended, "ended")
    }

    fn finish(mut self, session: &str, state: State, reason: &str) -> Result<(), Error> {
        self.state = state;
        self.save(session)?;
        let terms = resources::get::<Session>(session)?;
        let mut items = Vec::new();
        for item in terms.iter().flat_map(|terms| &terms.items) {
            let Some(pool) = pools::get(&stock_key(session, &self.occurrence, &item.sku))? else {
                continue;
            };
            items.push(ClosedItem {
                sku: &item.sku,
                total: pool.total,
                available: pool.available,
                reserved: pool.reserved,
                sold: pool.sold,
            });
        }
        Closed { session, occurrence: &self.occurrence, reason, items }.emit()
    }
}
