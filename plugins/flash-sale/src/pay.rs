//! Paying (支付): held units become sold. A payment that comes late is served from what is left, or has to be paid back, once.

#[cfg(test)]
mod tests;

use siyu_plugin::pools;
use siyu_plugin::prelude::*;

use crate::ending::Why;
use crate::events::{self, Committed};
use crate::hold::{Got, Hold, HoldState};
use crate::invites;
use crate::refusals::{AMOUNT_MISMATCH, RESERVATION_EXPIRED, UNKNOWN_ORDER};

/// Takes the payment of an order (支付成交). The same payment again changes nothing.
///
/// Within the hold and its grace the units are sold. Later they are sold if some are left and the customer's limit allows
/// it; otherwise the step refuses, and `flash.late_payment` asks for the money to be paid back, once.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pay {
    /// The order number.
    #[serde(default)]
    pub(crate) order: Option<String>,
    /// The reservation, when the order is not known.
    #[serde(default)]
    pub(crate) reservation: Option<String>,
    /// What was paid for these goods, in fen, without postage.
    pub(crate) amount_fen: u64,
    /// Takes the amount as it is: what a person says who has looked at a mismatch (财务核对通过).
    #[serde(default)]
    pub(crate) accept_amount: bool,
}

/// What was sold.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(crate) struct Paid {
    /// The order number.
    pub(crate) order: String,
    /// The session.
    pub(crate) session: String,
    /// Which opening of the session.
    pub(crate) occurrence: String,
    /// The goods.
    pub(crate) sku: String,
    /// Units.
    pub(crate) qty: u64,
    /// What was paid, in fen.
    pub(crate) amount_fen: u64,
    /// The host's id of the reservation.
    pub(crate) reservation: String,
    /// Whether it came after the hold had ended.
    pub(crate) late: bool,
    /// Whether it was paid before; then nothing changed.
    pub(crate) replayed: bool,
}

impl Step for Pay {
    const NAME: &'static str = "pay";
    const REFUSALS: &'static [Refusal] = &[AMOUNT_MISMATCH, RESERVATION_EXPIRED, UNKNOWN_ORDER];
    type Output = Paid;

    fn run(self) -> Result<Paid, Stop> {
        let (order, hold) = Hold::meant(self.order.as_deref(), self.reservation.as_deref())?;
        Payment { order, amount_fen: self.amount_fen, accept: self.accept_amount }.settle(hold)
    }
}

/// A payment on its way to its order.
pub(crate) struct Payment {
    /// The order number.
    pub(crate) order: String,
    /// What was paid.
    pub(crate) amount_fen: u64,
    /// Whether another amount than the price is fine.
    pub(crate) accept: bool,
}

impl Payment {
    /// Turns the hold into a sale, or says why not.
    pub(crate) fn settle(self, mut hold: Hold) -> Result<Paid, Stop> {
        match hold.state {
            HoldState::Committed | HoldState::Refunded => {
                let amount_fen = hold.paid_fen;
                Ok(Paid { replayed: true, ..self.paid(hold, amount_fen, false) })
            }
            HoldState::RefundDue => Err(refund_due(&hold))?,
            HoldState::Held | HoldState::Review => self.settle_held(hold),
            // Nobody on the waiting list was asked to pay.
            HoldState::Waiting | HoldState::Released => {
                if hold.state == HoldState::Waiting {
                    crate::waitlist::leave(&self.order, &mut hold)?;
                }
                self.settle_late(hold)
            }
        }
    }

    fn is_price(&self, hold: &Hold) -> bool {
        self.accept || self.amount_fen == hold.amount_fen()
    }

    fn settle_held(self, mut hold: Hold) -> Result<Paid, Stop> {
        if !self.is_price(&hold) {
            return self.review(hold);
        }
        if pools::commit(&hold.reservation)? {
            let reason = if hold.state == HoldState::Review { "reviewed" } else { "in_time" };
            return self.commit(hold, reason);
        }
        // Time was faster than the payment; the host's word of it is still on its way.
        hold.has_ended(&self.order, Why::Timeout)?;
        if hold.state == HoldState::RefundDue {
            Err(refund_due(&hold))?;
        }
        self.settle_late(hold)
    }

    /// After the hold: from what is left, within the customer's limit, with the same friends.
    fn settle_late(self, mut hold: Hold) -> Result<Paid, Stop> {
        if !self.is_price(&hold) {
            return self.pay_back(hold, "amount_mismatch");
        }
        if !invites::are_unspent(&hold.invites)? {
            return self.pay_back(hold, "gate_invites");
        }
        // It is sold in this call, so the end of the hold never comes.
        let until = Instant::now() + hold.review;
        let order = &self.order;
        let got = if hold.keeps_limit { hold.take_stock(order, until)? } else { hold.take(order, until)? };
        match got {
            Got::SoldOut(_) => self.pay_back(hold, "sold_out"),
            Got::Limit(_) => self.pay_back(hold, "limit_customer"),
            Got::Held(reservation) => {
                crate::reserve::begin(&self.order, &mut hold, reservation, "late_payment")?;
                pools::commit(&hold.reservation)?;
                self.commit(hold, "late_ok")
            }
        }
    }

    fn commit(self, mut hold: Hold, reason: &'static str) -> Result<Paid, Stop> {
        hold.state = HoldState::Committed;
        hold.paid_fen = self.amount_fen;
        hold.save(&self.order)?;
        let Hold { session, occurrence, sku, reservation, qty, price_fen, .. } = &hold;
        let (order, amount_fen) = (self.order.as_str(), self.amount_fen);
        let (qty, price_fen) = (*qty, *price_fen);
        Committed { session, occurrence, sku, qty, price_fen, order, reservation, amount_fen, reason }
            .emit()?;
        Ok(self.paid(hold, amount_fen, reason == "late_ok"))
    }

    fn paid(&self, hold: Hold, amount_fen: u64, late: bool) -> Paid {
        Paid {
            order: self.order.clone(),
            session: hold.session,
            occurrence: hold.occurrence,
            sku: hold.sku,
            qty: hold.qty,
            amount_fen,
            reservation: hold.reservation,
            late,
            replayed: false,
        }
    }

    /// Not the price: the units stay held while a person looks at it.
    fn review(self, mut hold: Hold) -> Result<Paid, Stop> {
        let is_known = hold.state == HoldState::Review && hold.paid_fen == self.amount_fen;
        if hold.state == HoldState::Held {
            if !pools::release(&hold.reservation)? {
                hold.has_ended(&self.order, Why::Timeout)?;
                return self.pay_back(hold, "amount_mismatch");
            }
            if !hold.quota_back {
                hold.give_limit_back(hold.qty)?;
            }
            // What was just given back is taken again, for longer.
            let until = Instant::now() + hold.review;
            let Got::Held(reservation) = hold.take(&self.order, until)? else {
                return Err(Fault::permanent("LOST_STOCK", "units that were given back were gone"))?;
            };
            // One reservation has ended and another has begun: reports see each begin and end once.
            hold.say_released(&self.order, "review")?;
            hold.expires_at = until;
            crate::reserve::begin(&self.order, &mut hold, reservation, "review")?;
        }
        (hold.state, hold.paid_fen) = (HoldState::Review, self.amount_fen);
        hold.save(&self.order)?;
        let no = mismatch(&hold, self.amount_fen);
        if !is_known {
            self.note_mismatch(&hold)?;
        }
        Err(no)?
    }

    fn note_mismatch(&self, hold: &Hold) -> Result<(), Stop> {
        let event = events::Refused {
            session: &hold.session,
            occurrence: Some(&hold.occurrence),
            sku: Some(&hold.sku),
            qty: hold.qty,
            order: Some(&self.order),
            reason: "amount_mismatch".to_owned(),
            consolation: None,
        };
        Ok(event.emit()?)
    }

    /// Nothing can be sold: the money goes back, and that is asked for once.
    fn pay_back(self, mut hold: Hold, reason: &'static str) -> Result<Paid, Stop> {
        (hold.state, hold.paid_fen) = (HoldState::RefundDue, self.amount_fen);
        hold.save(&self.order)?;
        hold.ask_refund(&self.order, self.amount_fen, reason)?;
        Err(match reason {
            "amount_mismatch" => mismatch(&hold, self.amount_fen),
            _ => refund_due(&hold),
        })?
    }
}

fn mismatch(hold: &Hold, amount_fen: u64) -> Refused {
    let (expected, refund) = (hold.amount_fen(), hold.state == HoldState::RefundDue);
    AMOUNT_MISMATCH
        .because(format!("{amount_fen} fen were paid, the price is {expected} fen"))
        .details(json!({ "expected_fen": expected, "amount_fen": amount_fen, "refund_required": refund }))
}

fn refund_due(hold: &Hold) -> Refused {
    RESERVATION_EXPIRED
        .because("the hold had ended and nothing was left to sell: pay the money back")
        .details(json!({ "refund_required": true, "amount_fen": hold.paid_fen }))
}
