//! The end of a hold without a sale: by time or by the customer. Each hold ends once; what it had goes back.

use siyu_plugin::host_events::ReservationExpired;
use siyu_plugin::pools;
use siyu_plugin::prelude::*;

use crate::events::{LatePayment, Released};
use crate::hold::{Hold, HoldState};
use crate::mine::Mine;
use crate::refusals::{ALREADY_PAID, UNKNOWN_ORDER};
use crate::{invites, waitlist};

#[cfg(test)]
mod tests;

/// Why held units went back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// Nobody paid in time.
    Timeout,
    /// The customer wanted it no more.
    Cancelled,
}

impl Hold {
    /// Notes that the host has its units back. A payment under review then has to be paid back.
    pub(crate) fn has_ended(&mut self, order: &str, why: Why) -> Result<(), Stop> {
        let was_paid = self.state == HoldState::Review;
        self.state = if was_paid { HoldState::RefundDue } else { HoldState::Released };
        let mut mine = Mine::load(&self.session, &self.occurrence)?;
        mine.timeouts += u32::from(why == Why::Timeout && !was_paid);
        mine.let_go += 1;
        mine.save(&self.session, &self.occurrence)?;
        invites::give_back(&self.invites, order)?;
        // With `quota_back` the host gave the limit back together with the units.
        self.keeps_limit = !self.quota_back && why == Why::Timeout && !was_paid;
        if !self.quota_back && !self.keeps_limit {
            self.give_limit_back(self.qty)?;
        }
        self.save(order)?;
        self.say_released(
            order,
            match why {
                Why::Timeout => "timeout",
                Why::Cancelled => "cancelled",
            },
        )?;
        if was_paid {
            self.ask_refund(order, self.paid_fen, "amount_mismatch")?;
        }
        Ok(waitlist::serve(&self.session, &self.occurrence, &self.sku)?)
    }

    /// Records that its reservation has ended without a sale.
    pub(crate) fn say_released(&self, order: &str, reason: &'static str) -> Result<(), Stop> {
        let Self { session, occurrence, sku, reservation, .. } = self;
        let (qty, price_fen) = (self.qty, self.price_fen);
        let event = Released { session, occurrence, sku, qty, price_fen, order, reservation, reason };
        Ok(event.emit()?)
    }

    /// Asks for a payment to be paid back.
    pub(crate) fn ask_refund(&self, order: &str, amount_fen: u64, reason: &'static str) -> Result<(), Stop> {
        let Self { session, occurrence, sku, reservation, .. } = self;
        let (qty, price_fen, refund_required) = (self.qty, self.price_fen, true);
        let event = LatePayment {
            session,
            occurrence,
            sku,
            qty,
            price_fen,
            order,
            reservation,
            amount_fen,
            refund_required,
            reason,
        };
        Ok(event.emit()?)
    }
}

/// Lets a hold go that the customer wants no more (取消锁单), or takes them off the waiting list. Asking again changes nothing.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cancel {
    /// The order number.
    #[serde(default)]
    pub(crate) order: Option<String>,
    /// The reservation, when the order is not known.
    #[serde(default)]
    pub(crate) reservation: Option<String>,
}

/// What became of it.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct Cancelled {
    /// The order number.
    pub(crate) order: String,
    /// Units that went back by this call.
    pub(crate) released: u64,
    /// Where it stands.
    pub(crate) state: HoldState,
}

impl Step for Cancel {
    const NAME: &'static str = "cancel";
    const REFUSALS: &'static [Refusal] = &[ALREADY_PAID, UNKNOWN_ORDER];
    type Output = Cancelled;

    fn run(self) -> Result<Cancelled, Stop> {
        let (order, mut hold) = Hold::meant(self.order.as_deref(), self.reservation.as_deref())?;
        let released = match hold.state {
            HoldState::Committed => Err(ALREADY_PAID.because(format!("order `{order}` is paid: refund it")))?,
            HoldState::Held | HoldState::Review => hold.cancel(&order)?,
            HoldState::Waiting => {
                waitlist::leave(&order, &mut hold)?;
                0
            }
            HoldState::Released | HoldState::RefundDue | HoldState::Refunded => 0,
        };
        Ok(Cancelled { order, released, state: hold.state })
    }
}

impl Hold {
    /// Gives held units back; how many the customer let go. When time was faster, it says so.
    fn cancel(&mut self, order: &str) -> Result<u64, Stop> {
        if pools::release(&self.reservation)? {
            self.has_ended(order, Why::Cancelled)?;
            return Ok(self.qty);
        }
        self.has_ended(order, Why::Timeout)?;
        Ok(0)
    }
}

/// Reacts to `reservation.expired`: notes that a hold ran out, and serves who waits (超时释放).
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
pub(crate) struct OnExpired(Incoming<ReservationExpired>);

impl Step for OnExpired {
    const NAME: &'static str = "on-expired";
    type Output = ();

    fn run(self) -> Result<(), Stop> {
        let ReservationExpired { reservation, reference, .. } = self.0.data;
        let Some(order) = reference else {
            return Ok(());
        };
        // A payment or a cancel that came between the expiry and this may have noted it.
        let is_meant = |hold: &Hold| {
            hold.reservation == reservation && matches!(hold.state, HoldState::Held | HoldState::Review)
        };
        match Hold::find_if_any(&order)?.filter(is_meant) {
            Some(mut hold) => hold.has_ended(&order, Why::Timeout),
            None => Ok(()),
        }
    }
}
