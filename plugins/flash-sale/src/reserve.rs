//! Holding units (锁单): the hot path. A wish reads four documents and asks the host once for stock and limit together; it
//! never scans, and what the host refuses was never taken.

#[cfg(test)]
mod tests;

use siyu_plugin::prelude::*;
use siyu_plugin::{context, counters, records, resources};

use crate::events::{self, SoldOut};
use crate::hold::{Got, Hold, HoldState, bought_key, check_order};
use crate::mine::Mine;
use crate::refusals::{
    ABUSE_HOLDING, CHALLENGE_REQUIRED, CLOSED, GATE_GROUP, GATE_INVITES, GATE_MEMBER, IDEMPOTENCY_MISMATCH,
    LIMIT_CUSTOMER, NOT_OPEN, QUEUED, RESERVATION_EXPIRED, SOLD_OUT, TICKET_EXPIRED,
};
use crate::sale::Sale;
use crate::session::{Item, QueueMode, Session};
use crate::{abuse, gate, invites, queue, waitlist};

/// Holds units for the customer until they pay (秒杀锁单).
///
/// Asking again with the same order changes nothing and gives the same answer.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reserve {
    /// The session.
    pub(crate) session: String,
    /// Which opening; the latest when absent.
    #[serde(default)]
    pub(crate) occurrence: Option<String>,
    /// The goods.
    pub(crate) sku: String,
    /// Units.
    #[serde(default = "one")]
    #[schemars(range(min = 1))]
    pub(crate) qty: u64,
    /// The shop's order number (订单号), by which `pay`, `cancel` and `refund` find it; one of its own when absent.
    #[serde(default)]
    pub(crate) order: Option<String>,
    /// The device, for sessions with `one_device`.
    #[serde(default)]
    pub(crate) device: Option<String>,
    /// Whether the customer just passed a challenge, for sessions with `challenge_over_rps`.
    #[serde(default)]
    pub(crate) challenge_passed: bool,
}

/// What is held.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(crate) struct Held {
    /// The host's id of the reservation.
    pub(crate) reservation: String,
    /// The order number.
    pub(crate) order: String,
    /// Which opening of the session.
    pub(crate) occurrence: String,
    /// Units.
    pub(crate) qty: u64,
    /// Price of one unit, in fen.
    pub(crate) price_fen: u64,
    /// What the customer has to pay, in fen.
    pub(crate) amount_fen: u64,
    /// Until when.
    pub(crate) pay_by: Instant,
    /// Where it stands; `held` unless this was asked before.
    pub(crate) state: HoldState,
    /// Whether this was asked before.
    pub(crate) replayed: bool,
}

fn one() -> u64 {
    1
}

impl Step for Reserve {
    const NAME: &'static str = "reserve";
    const REFUSALS: &'static [Refusal] = &[
        NOT_OPEN,
        CLOSED,
        SOLD_OUT,
        LIMIT_CUSTOMER,
        GATE_INVITES,
        GATE_GROUP,
        GATE_MEMBER,
        QUEUED,
        TICKET_EXPIRED,
        RESERVATION_EXPIRED,
        ABUSE_HOLDING,
        CHALLENGE_REQUIRED,
        IDEMPOTENCY_MISMATCH,
    ];
    type Output = Held;

    fn run(self) -> Result<Held, Stop> {
        let order = self.order.clone().unwrap_or_else(|| context::current().id.clone());
        check_order(&order)?;
        if self.qty == 0 {
            Err(Fault::invalid("/qty", "0 units: expected 1 or more"))?;
        }
        if let Some(hold) = Hold::find(&order)? {
            return self.again(order, hold);
        }
        let sale = Sale::pick(&self.session, self.occurrence.as_deref())?;
        let asked = self.decide(order, sale.as_ref());
        if let Err(Stop::Refused(no)) = &asked {
            self.note_refusal(sale.as_ref(), no)?;
        }
        asked
    }
}

impl Reserve {
    /// The same order once more: the same answer. Another wish under its number is a mistake.
    fn again(&self, order: String, hold: Hold) -> Result<Held, Stop> {
        let is_same = (&hold.session, &hold.sku, hold.qty) == (&self.session, &self.sku, self.qty)
            && self.occurrence.as_ref().is_none_or(|occurrence| *occurrence == hold.occurrence);
        if !is_same {
            let message = format!(
                "order `{order}` is for {} of `{}` in `{}`: use another number for another wish",
                hold.qty, hold.sku, hold.session
            );
            Err(IDEMPOTENCY_MISMATCH.because(message))?;
        }
        match hold.state {
            HoldState::Waiting => Err(waitlist::still_waiting(&hold)?)?,
            HoldState::Released | HoldState::RefundDue => Err(self.is_over(&hold))?,
            HoldState::Held if hold.expires_at <= Instant::now() => Err(self.is_over(&hold))?,
            _ => Ok(Held { replayed: true, ..held(order, &hold) }),
        }
    }

    fn is_over(&self, hold: &Hold) -> Refused {
        let message = format!("the hold of this order ended at {}: order anew", hold.expires_at);
        RESERVATION_EXPIRED.because(message).details(json!({ "state": hold.state }))
    }

    fn decide(&self, order: String, sale: Option<&Sale>) -> Result<Held, Stop> {
        let now = Instant::now();
        let Some(terms) = resources::get::<Session>(&self.session)? else {
            return Err(match sale {
                Some(_) => CLOSED.because("the session was taken out of the playbook").into(),
                None => resources::require::<Session>(&self.session)
                    .err()
                    .map_or_else(|| NOT_OPEN.into(), Stop::from),
            });
        };
        let item = terms.item(&self.sku)?;
        let Some(sale) = sale else {
            return Err(not_open(&terms, None, now)?);
        };
        let mut mine = Mine::load(&self.session, &sale.occurrence)?;
        if terms.queue.mode == QueueMode::None && !sale.is_open(now) {
            return Err(not_open(&terms, Some(sale), now)?);
        }
        abuse::pace(&terms, &mut mine, self, (sale, now))?;
        if terms.queue.mode == QueueMode::Fifo {
            queue::pass(&terms, &mine, sale, now)?;
        }
        abuse::check(&terms, &mine, self, (sale, now))?;
        if self.qty > item.per_order() {
            let most = item.per_order();
            Err(LIMIT_CUSTOMER
                .because(format!("{} units, but an order has at most {most}", self.qty))
                .details(json!({ "limit": most, "per": "order" })))?;
        }
        let spent = gate::pass(&terms, self.qty, now)?;
        let hold = self.hold(&terms, item, sale, now);
        let held = self.take(order, Hold { invites: spent, ..hold }, (&terms, &mut mine))?;
        if let Some(ticket) = &mut mine.ticket {
            ticket.is_spent = true;
            mine.save(&self.session, &sale.occurrence)?;
        }
        Ok(held)
    }

    fn hold(&self, terms: &Session, item: &Item, sale: &Sale, now: Instant) -> Hold {
        let pay_by = now + terms.reservation.ttl;
        Hold {
            session: self.session.clone(),
            occurrence: sale.occurrence.clone(),
            sku: self.sku.clone(),
            qty: self.qty,
            price_fen: item.price_fen,
            state: HoldState::Held,
            reservation: String::new(),
            pay_by,
            expires_at: pay_by + terms.reservation.grace_payment,
            per_customer: item.per_customer,
            quota_back: terms.reservation.quota_back_on_timeout,
            keeps_limit: false,
            resell: terms.resell_refunds,
            review: terms.reservation.review,
            invites: Vec::new(),
            paid_fen: 0,
            refunded: 0,
            place: 0,
        }
    }

    fn take(&self, order: String, mut hold: Hold, customer: (&Session, &mut Mine)) -> Result<Held, Stop> {
        match hold.take(&order, hold.expires_at)? {
            Got::Held(reservation) => {
                begin(&order, &mut hold, reservation, "customer")?;
                Ok(held(order, &hold))
            }
            Got::Limit(used) => Err(over_limit(used, hold.per_customer))?,
            Got::SoldOut(available) => Err(self.sold_out(&order, hold, available, customer)?)?,
        }
    }

    /// Nothing is left: says so once to everybody, and puts the customer on the list if there is one.
    fn sold_out(
        &self,
        order: &str,
        hold: Hold,
        available: u64,
        (terms, mine): (&Session, &mut Mine),
    ) -> Result<Refused, Stop> {
        // The host looks at stock first. Who has all they may have needs no place on the list.
        let used = counters::used(&bought_key(&hold.session, &hold.occurrence, &hold.sku)?)?;
        if used.saturating_add(hold.qty) > hold.per_customer {
            return Ok(over_limit(used, hold.per_customer));
        }
        let Hold { session, occurrence, sku, .. } = &hold;
        if available == 0 && records::of_tenant().insert(&sold_out_key(session, occurrence, sku), &true)? {
            SoldOut { session, occurrence, sku }.emit()?;
        }
        let position = if terms.on_sold_out.waitlist {
            waitlist::join(order, hold, mine, terms.on_sold_out.waitlist_max)?
        } else {
            None
        };
        let words = match position {
            Some(position) => format!("{available} are available; number {position} on the waiting list"),
            None => format!("{} wanted, {available} are available", self.qty),
        };
        Ok(SOLD_OUT.because(words).details(json!({
            "available": available,
            "waitlist_position": position,
            "consolation": terms.on_sold_out.consolation,
        })))
    }

    fn note_refusal(&self, sale: Option<&Sale>, no: &Refused) -> Result<(), Stop> {
        let detail = |name: &str| no.details.as_ref().and_then(|details| details.get(name)?.as_str());
        let event = events::Refused {
            session: &self.session,
            occurrence: sale.map(|sale| sale.occurrence.as_str()),
            sku: Some(&self.sku),
            qty: self.qty,
            order: self.order.as_deref(),
            reason: no.code.to_lowercase(),
            consolation: detail("consolation"),
        };
        Ok(event.emit()?)
    }
}

/// Marks that everybody was told that a sku is sold out.
pub(crate) fn sold_out_key(session: &str, occurrence: &str, sku: &str) -> String {
    key(&["sold-out", session, occurrence, sku])
}

/// Writes a hold that now has its units.
pub(crate) fn begin(
    order: &str,
    hold: &mut Hold,
    reservation: String,
    reason: &'static str,
) -> Result<(), Stop> {
    hold.reservation = reservation;
    hold.state = HoldState::Held;
    if !hold.invites.is_empty() {
        invites::spend(&hold.invites, order)?;
    }
    hold.save(order)?;
    let Hold { session, occurrence, sku, reservation, .. } = &*hold;
    let (qty, price_fen, pay_by) = (hold.qty, hold.price_fen, hold.pay_by);
    let event =
        events::Reserved { session, occurrence, sku, qty, price_fen, order, reservation, pay_by, reason };
    Ok(event.emit()?)
}

fn held(order: String, hold: &Hold) -> Held {
    Held {
        reservation: hold.reservation.clone(),
        order,
        occurrence: hold.occurrence.clone(),
        qty: hold.qty,
        price_fen: hold.price_fen,
        amount_fen: hold.amount_fen(),
        pay_by: hold.pay_by,
        state: hold.state,
        replayed: false,
    }
}

/// The customer has so many of so many.
pub(crate) fn over_limit(used: u64, limit: u64) -> Refused {
    LIMIT_CUSTOMER
        .because(format!("the customer holds or has bought {used} of {limit}"))
        .details(json!({ "used": used, "limit": limit, "per": "customer" }))
}

/// Why nobody can buy now: not yet, or no longer. Says what time it is here, so that a page can count down.
pub(crate) fn not_open(terms: &Session, sale: Option<&Sale>, now: Instant) -> Result<Stop, Stop> {
    // An occurrence that is due and not yet opened will be in a moment; one that was closed early will not.
    let due = terms.occurrence_at(now)?.filter(|due| sale.is_none_or(|sale| sale.occurrence != due.name));
    let next = if due.is_some() { due } else { terms.next_after(now)? };
    let (opens_at, closed_at) = (next.map(|next| next.opens_at), sale.map(|sale| sale.closes_at));
    let details = json!({ "now": now, "opens_at": opens_at, "closed_at": closed_at });
    let no = match (opens_at, closed_at) {
        (Some(at), _) => NOT_OPEN.because(format!("it is {now}; the sale opens at {at}")),
        (None, Some(at)) => CLOSED.because(format!("it is {now}; the sale ended at {at}")),
        (None, None) if terms.window.is_some() => CLOSED.because(format!("it is {now}; the sale is over")),
        (None, None) => NOT_OPEN.because("nothing has opened the sale yet"),
    };
    Ok(no.details(details).into())
}
