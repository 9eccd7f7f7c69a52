//! The queue (排队): first come, first served, at a steady pace. A ticket is told its instant when it is drawn, so nothing
//! has to be counted down, woken or scanned.

#[cfg(test)]
mod tests;

use siyu_plugin::Error;
use siyu_plugin::prelude::*;
use siyu_plugin::{records, resources};

use crate::events::{self, QueueEntered};
use crate::mine::{Mine, Ticket};
use crate::refusals::{CLOSED, NOT_OPEN, QUEUE_FULL, QUEUED, TICKET_EXPIRED};
use crate::reserve::not_open;
use crate::sale::{Sale, State};
use crate::session::{Occurrence, Queue, QueueMode, Session};

/// Gives the customer a place in the queue of a session (取号排队); the same place when they have one.
///
/// Possible from the session's `warmup` on. Wait until `admitted_at`, then `reserve`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EnterQueue {
    /// The session.
    session: String,
    /// Which opening; the latest or the next when absent.
    #[serde(default)]
    occurrence: Option<String>,
}

/// A place in the queue.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(crate) struct Place {
    /// Which opening of the session.
    pub(crate) occurrence: String,
    /// The ticket's number (排队号).
    pub(crate) ticket: u64,
    /// How many are in front.
    pub(crate) ahead: u64,
    /// When it is the customer's turn.
    pub(crate) admitted_at: Instant,
    /// When the turn is over.
    pub(crate) expires_at: Instant,
    /// Whether the customer had this place before.
    pub(crate) replayed: bool,
}

/// Where the queue of an occurrence stands.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Line {
    /// The number of the last ticket.
    last: u64,
    /// The next free instant, in microseconds since 1970: at 200 a second every 5,000.
    free_us: u64,
}

impl Line {
    fn key(session: &str, occurrence: &str) -> String {
        key(&["queue", session, occurrence])
    }

    fn load(session: &str, occurrence: &str) -> Result<Self, Error> {
        Ok(records::of_tenant().get(&Self::key(session, occurrence))?.unwrap_or_default())
    }
}

fn micros(at: Instant) -> u64 {
    at.as_millis().unsigned_abs().saturating_mul(1_000)
}

/// Microseconds between two customers: never faster than the session's pace.
fn gap_us(queue: &Queue) -> u64 {
    1_000_000_u64.div_ceil(queue.admit_per_second.max(1))
}

impl Step for EnterQueue {
    const NAME: &'static str = "enter-queue";
    const REFUSALS: &'static [Refusal] = &[NOT_OPEN, CLOSED, QUEUE_FULL];
    type Output = Place;

    fn run(self) -> Result<Place, Stop> {
        let entered = self.enter();
        if let Err(Stop::Refused(no)) = &entered {
            let event = events::Refused {
                session: &self.session,
                occurrence: self.occurrence.as_deref(),
                sku: None,
                qty: 0,
                order: None,
                reason: no.code.to_lowercase(),
                consolation: None,
            };
            event.emit()?;
        }
        entered
    }
}

impl EnterQueue {
    fn enter(&self) -> Result<Place, Stop> {
        let now = Instant::now();
        let terms = with_queue(&self.session)?;
        let sale = Sale::pick(&self.session, self.occurrence.as_deref())?;
        let Some(target) = target(&terms, sale.as_ref(), now)? else {
            return Err(not_open(&terms, sale.as_ref(), now)?);
        };
        let mut mine = Mine::load(&self.session, &target.name)?;
        if let Some(ticket) =
            mine.ticket.as_ref().filter(|ticket| !ticket.is_spent && now < ticket.expires_at)
        {
            let ahead = ahead(&terms.queue, ticket, now.max(target.opens_at));
            return Ok(Place { replayed: true, ..place(&target.name, ticket, ahead) });
        }
        let (ticket, ahead) = self.draw(&terms.queue, &target, now)?;
        let place = place(&target.name, &ticket, ahead);
        mine.ticket = Some(ticket);
        mine.save(&self.session, &target.name)?;
        let Place { occurrence, admitted_at, .. } = &place;
        let (session, ticket, admitted_at) = (self.session.as_str(), place.ticket, *admitted_at);
        QueueEntered { session, occurrence, ticket, ahead, admitted_at }.emit()?;
        Ok(place)
    }

    /// Draws the next ticket; how many are before it.
    fn draw(&self, queue: &Queue, target: &Occurrence, now: Instant) -> Result<(Ticket, u64), Stop> {
        let mut line = Line::load(&self.session, &target.name)?;
        let first_us = micros(now.max(target.opens_at));
        let turn_us = line.free_us.max(first_us);
        let ahead = (turn_us - first_us) / gap_us(queue);
        let waits = json!({ "ahead": ahead, "max_waiting": queue.max_waiting });
        if ahead >= queue.max_waiting {
            Err(QUEUE_FULL.because(format!("{ahead} are waiting, more cannot")).details(&waits))?;
        }
        if turn_us >= micros(target.closes_at) {
            let message = format!("{ahead} are waiting, and the sale ends before the next turn");
            Err(QUEUE_FULL.because(message).details(&waits))?;
        }
        line = Line { last: line.last + 1, free_us: turn_us + gap_us(queue) };
        records::of_tenant().put(&Line::key(&self.session, &target.name), &line)?;
        let admitted_at = Instant::from_millis(i64::try_from(turn_us.div_ceil(1_000)).unwrap_or(i64::MAX));
        let expires_at = admitted_at + queue.ticket_ttl;
        Ok((Ticket { number: line.last, admitted_at, expires_at, is_spent: false }, ahead))
    }
}

fn place(occurrence: &str, ticket: &Ticket, ahead: u64) -> Place {
    Place {
        occurrence: occurrence.to_owned(),
        ticket: ticket.number,
        ahead,
        admitted_at: ticket.admitted_at,
        expires_at: ticket.expires_at,
        replayed: false,
    }
}

fn ahead(queue: &Queue, ticket: &Ticket, from: Instant) -> u64 {
    micros(ticket.admitted_at).saturating_sub(micros(from)) / gap_us(queue)
}

fn with_queue(session: &str) -> Result<Session, Stop> {
    let terms: Session = resources::require(session)?;
    if terms.queue.mode == QueueMode::None {
        let message =
            format!("the session `{session}` has no queue: expected one with `queue: {{ mode: fifo }}`");
        Err(Fault::invalid("/session", message))?;
    }
    Ok(terms)
}

/// The occurrence whose queue is open: the one on sale, or the one that is about to begin.
fn target(terms: &Session, sale: Option<&Sale>, now: Instant) -> Result<Option<Occurrence>, Error> {
    if let Some(sale) = sale.filter(|sale| sale.is_open(now)) {
        let Sale { occurrence, opens_at, closes_at, .. } = sale.clone();
        return Ok(Some(Occurrence { name: occurrence, opens_at, closes_at }));
    }
    let warmup = terms.window.as_ref().map_or(Duration::ZERO, |window| window.warmup);
    let due = terms.occurrence_at(now)?.filter(|due| sale.is_none_or(|sale| sale.occurrence != due.name));
    if due.is_some() {
        return Ok(due);
    }
    Ok(terms.next_after(now)?.filter(|next| next.opens_at.since(now) <= warmup))
}

/// Whether it is the customer's turn (叫号): the place when it is, a refusal while it is not.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Admit {
    /// The session.
    session: String,
    /// Which opening; the latest or the next when absent.
    #[serde(default)]
    occurrence: Option<String>,
}

impl Step for Admit {
    const NAME: &'static str = "admit";
    const REFUSALS: &'static [Refusal] = &[NOT_OPEN, CLOSED, QUEUED, TICKET_EXPIRED];
    type Output = Place;

    fn run(self) -> Result<Place, Stop> {
        let now = Instant::now();
        let terms = with_queue(&self.session)?;
        let sale = Sale::pick(&self.session, self.occurrence.as_deref())?;
        if let Some(sale) = &sale {
            let mine = Mine::load(&self.session, &sale.occurrence)?;
            if sale.is_open(now) || mine.ticket.as_ref().is_some_and(|ticket| now < ticket.expires_at) {
                let ticket = turn(&terms, &mine, sale, now)?;
                return Ok(place(&sale.occurrence, ticket, 0));
            }
        }
        let Some(target) = target(&terms, sale.as_ref(), now)? else {
            return Err(not_open(&terms, sale.as_ref(), now)?);
        };
        let mine = Mine::load(&self.session, &target.name)?;
        Err(waiting(&terms.queue, mine.ticket.as_ref(), now.max(target.opens_at)))?
    }
}

/// Lets a customer at the stock whose turn it is. A turn that came before the end may be used after it, until it is over.
pub(crate) fn pass(terms: &Session, mine: &Mine, sale: &Sale, now: Instant) -> Result<(), Stop> {
    turn(terms, mine, sale, now).map(drop)
}

fn turn<'a>(terms: &Session, mine: &'a Mine, sale: &Sale, now: Instant) -> Result<&'a Ticket, Stop> {
    let ticket = mine.ticket.as_ref().filter(|ticket| !ticket.is_spent);
    let in_time = ticket.is_some_and(|ticket| ticket.admitted_at < sale.closes_at);
    if sale.state == State::Closed || !(sale.is_open(now) || in_time) {
        return Err(not_open(terms, Some(sale), now)?);
    }
    match ticket {
        Some(ticket) if now >= ticket.expires_at => Err(TICKET_EXPIRED
            .because(format!("the turn was from {} until {}", ticket.admitted_at, ticket.expires_at))
            .details(json!({ "expired_at": ticket.expires_at })))?,
        Some(ticket) if now >= ticket.admitted_at => Ok(ticket),
        ticket => Err(waiting(&terms.queue, ticket, now))?,
    }
}

fn waiting(queue: &Queue, ticket: Option<&Ticket>, from: Instant) -> Refused {
    match ticket.filter(|ticket| !ticket.is_spent) {
        None => QUEUED.because("the customer has no place yet: enter the queue first"),
        Some(ticket) => {
            QUEUED.because(format!("it is their turn at {}", ticket.admitted_at)).details(json!({
                "ticket": ticket.number,
                "ahead": ahead(queue, ticket, from),
                "admitted_at": ticket.admitted_at,
            }))
        }
    }
}
