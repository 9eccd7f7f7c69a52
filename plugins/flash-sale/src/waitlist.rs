//! The waiting list (候补): who came when nothing was left gets what comes back, in the order of coming. A place is a
//! document of its own under its number, so that joining, leaving and serving cost the same however long the list is.

#[cfg(test)]
mod tests;

use siyu_plugin::Error;
use siyu_plugin::prelude::*;
use siyu_plugin::{context, events, pools, records, resources};

use crate::events::{Refused as RefusedEvent, WaitlistCalled, WaitlistDue, Waitlisted};
use crate::gate;
use crate::hold::{Got, Hold, HoldState};
use crate::mine::Mine;
use crate::refusals::SOLD_OUT;
use crate::reserve::{begin, over_limit};
use crate::sale::{Sale, State, stock_key};
use crate::session::Session;

/// Customers that one call calls; the rest follows at once in calls of their own. A call emits at most 100 events.
const CALLED_MAX: u32 = 50;

/// Where a list stands: places from `head` on and before `tail` wait.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Line {
    head: u64,
    tail: u64,
}

/// Who waits.
#[derive(Debug, Serialize, Deserialize)]
struct Waiter {
    customer: String,
    order: String,
    qty: u64,
    price_fen: u64,
}

fn line_key(session: &str, occurrence: &str, sku: &str) -> String {
    key(&["line", session, occurrence, sku])
}

fn place_key(session: &str, occurrence: &str, sku: &str, place: u64) -> String {
    key(&["wait", session, occurrence, sku, &place.to_string()])
}

fn line(session: &str, occurrence: &str, sku: &str) -> Result<Option<Line>, Error> {
    records::of_tenant().get(&line_key(session, occurrence, sku))
}

/// Puts the customer on the list; their position, or none when they cannot wait.
pub(crate) fn join(order: &str, mut hold: Hold, mine: &mut Mine, most: u64) -> Result<Option<u64>, Error> {
    let Hold { session, occurrence, sku, .. } = &hold;
    // Places begin at 1: 0 is no place.
    let mut line = line(session, occurrence, sku)?.unwrap_or(Line { head: 1, tail: 1 });
    if let Some(earlier) = mine.waiting.get(sku) {
        let place = Hold::find(earlier)?.map_or(line.head, |earlier| earlier.place);
        return Ok(Some(position(&line, place)));
    }
    let is_possible = pools::get(&hold.pool())?.is_some_and(|pool| hold.qty <= pool.total);
    if line.tail - line.head >= most || !is_possible {
        return Ok(None);
    }
    let place = line.tail;
    line.tail += 1;
    let (qty, price_fen) = (hold.qty, hold.price_fen);
    let waiter = Waiter { customer: context::customer()?, order: order.to_owned(), qty, price_fen };
    let all = records::of_tenant();
    all.put(&place_key(session, occurrence, sku, place), &waiter)?;
    all.put(&line_key(session, occurrence, sku), &line)?;
    mine.waiting.insert(sku.clone(), order.to_owned());
    mine.save(session, occurrence)?;
    let position = position(&line, place);
    Waitlisted { session, occurrence, sku, qty, price_fen, order, position }.emit()?;
    // Friends are spent when it is served.
    (hold.state, hold.place, hold.invites) = (HoldState::Waiting, place, Vec::new());
    hold.save(order)?;
    Ok(Some(position))
}

/// 1 is next. Who left in between is not counted out.
fn position(line: &Line, place: u64) -> u64 {
    place.saturating_sub(line.head) + 1
}

/// What a customer is told who asks again while they wait.
pub(crate) fn still_waiting(hold: &Hold) -> Result<Refused, Error> {
    let line = line(&hold.session, &hold.occurrence, &hold.sku)?;
    let position = line.map_or(1, |line| position(&line, hold.place));
    Ok(SOLD_OUT
        .because(format!("number {position} on the waiting list"))
        .details(json!({ "available": 0, "waitlist_position": position, "replayed": true })))
}

/// Takes the customer off the list.
pub(crate) fn leave(order: &str, hold: &mut Hold) -> Result<(), Error> {
    let Hold { session, occurrence, sku, place, .. } = &*hold;
    records::of_tenant().delete(&place_key(session, occurrence, sku, *place))?;
    let mut mine = Mine::load(session, occurrence)?;
    if mine.waiting.remove(sku).is_some() {
        mine.save(session, occurrence)?;
    }
    (hold.state, hold.place) = (HoldState::Released, 0);
    hold.save(order)
}

/// Calls those who are next, as far as units are there. Strictly in order: a small wish does not overtake a large one.
pub(crate) fn serve(session: &str, occurrence: &str, sku: &str) -> Result<(), Error> {
    let Some(before) = line(session, occurrence, sku)?.filter(|line| line.head < line.tail) else {
        return Ok(());
    };
    if Sale::of(session, occurrence)?.is_none_or(|sale| sale.state == State::Closed) {
        return Ok(());
    }
    let Some(pool) = pools::get(&stock_key(session, occurrence, sku))? else {
        return Ok(());
    };
    let (mut left, mut called, mut now) = (pool.available, 0, before.clone());
    let all = records::of_tenant();
    while now.head < now.tail && left > 0 {
        if called == CALLED_MAX {
            later(session, occurrence, sku)?;
            break;
        }
        called += 1;
        let place = now.head;
        let place_key = place_key(session, occurrence, sku, place);
        // Who left has no document.
        if let Some(waiter) = all.get::<Waiter>(&place_key)? {
            if waiter.qty > left && waiter.qty <= pool.total {
                break;
            }
            all.delete(&place_key)?;
            left = left.saturating_sub(waiter.qty);
            call(session, (occurrence, sku), &waiter, place)?;
        }
        now.head += 1;
    }
    if now == before { Ok(()) } else { all.put(&line_key(session, occurrence, sku), &now) }
}

fn call(session: &str, (occurrence, sku): (&str, &str), waiter: &Waiter, place: u64) -> Result<(), Error> {
    let Waiter { customer, order, qty, price_fen } = waiter;
    let event = WaitlistCalled { session, occurrence, sku, qty: *qty, price_fen: *price_fen, order, place };
    events::emit_for(customer, &event)
}

/// Looks again in a call of its own. A plan is no loop, however often it comes.
fn later(session: &str, occurrence: &str, sku: &str) -> Result<(), Error> {
    let due =
        WaitlistDue { session: session.to_owned(), occurrence: occurrence.to_owned(), sku: sku.to_owned() };
    events::plan(&key(&["wait-due", session, occurrence, sku]), Instant::now(), &due)
}

/// What `flash.waitlist_called` says.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Called {
    /// The session.
    session: String,
    /// Which opening of the session.
    occurrence: String,
    /// The goods.
    sku: String,
    /// The order that waits.
    order: String,
    /// The place in the line.
    place: u64,
}

/// Reacts to `flash.waitlist_called`: holds units for a customer who waited (候补锁单).
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
pub(crate) struct OnCalled(Incoming<Called>);

impl Step for OnCalled {
    const NAME: &'static str = "on-waitlist-called";
    type Output = ();

    fn run(self) -> Result<(), Stop> {
        let Called { session, occurrence, sku, order, place } = self.0.data;
        let is_meant = |hold: &Hold| hold.state == HoldState::Waiting && hold.place == place;
        let hold = Hold::find(&order)?.filter(is_meant);
        let terms = resources::get::<Session>(&session)?;
        let goes_on = Sale::of(&session, &occurrence)?.is_some_and(|sale| sale.state != State::Closed);
        let (Some(mut hold), Some(terms), true) = (hold, terms, goes_on) else {
            return Ok(later(&session, &occurrence, &sku)?);
        };
        let now = Instant::now();
        hold.pay_by = now + terms.reservation.ttl;
        hold.expires_at = hold.pay_by + terms.reservation.grace_payment;
        let got = match gate::pass(&terms, hold.qty, now) {
            Ok(friends) => {
                hold.invites = friends;
                hold.take(&order, hold.expires_at)?
            }
            Err(Stop::Refused(no)) => return give_up(&order, hold, &no),
            Err(fault) => return Err(fault),
        };
        match got {
            Got::Held(reservation) => {
                forget(&hold)?;
                begin(&order, &mut hold, reservation, "waitlist")
            }
            Got::Limit(used) => {
                let no = over_limit(used, hold.per_customer);
                give_up(&order, hold, &no)
            }
            // Somebody was faster: the place is kept.
            Got::SoldOut(_) => Ok(put_back(&order, hold)?),
        }
    }
}

fn forget(hold: &Hold) -> Result<(), Error> {
    let mut mine = Mine::load(&hold.session, &hold.occurrence)?;
    if mine.waiting.remove(&hold.sku).is_some() {
        mine.save(&hold.session, &hold.occurrence)?;
    }
    Ok(())
}

/// They may not buy any more: the next one.
fn give_up(order: &str, mut hold: Hold, no: &Refused) -> Result<(), Stop> {
    leave(order, &mut hold)?;
    let event = RefusedEvent {
        session: &hold.session,
        occurrence: Some(&hold.occurrence),
        sku: Some(&hold.sku),
        qty: hold.qty,
        order: Some(order),
        reason: no.code.to_lowercase(),
        consolation: None,
    };
    event.emit()?;
    Ok(later(&hold.session, &hold.occurrence, &hold.sku)?)
}

/// Puts a customer back to the place they were called from, so that the order of coming stays.
fn put_back(order: &str, mut hold: Hold) -> Result<(), Error> {
    let Hold { session, occurrence, sku, place, .. } = &hold;
    let next = place + 1;
    let mut line = line(session, occurrence, sku)?.unwrap_or(Line { head: next, tail: next });
    line.head = line.head.min(*place);
    let (customer, qty, price_fen) = (context::customer()?, hold.qty, hold.price_fen);
    let waiter = Waiter { customer, order: order.to_owned(), qty, price_fen };
    let all = records::of_tenant();
    all.put(&place_key(session, occurrence, sku, *place), &waiter)?;
    all.put(&line_key(session, occurrence, sku), &line)?;
    hold.invites = Vec::new();
    hold.save(order)
}

/// Reacts to `flash.waitlist_due`: calls those who are next (候补叫号).
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
pub(crate) struct OnWaitlistDue(Incoming<WaitlistDue>);

impl Step for OnWaitlistDue {
    const NAME: &'static str = "on-waitlist-due";
    type Output = ();

    fn run(self) -> Result<(), Stop> {
        let WaitlistDue { session, occurrence, sku } = &self.0.data;
        Ok(serve(session, occurrence, sku)?)
    }
}
