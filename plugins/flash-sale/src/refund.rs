//! Giving back what was sold (退款). Units come back into the sale only if the session says so.

#[cfg(test)]
mod tests;

use siyu_plugin::pools;
use siyu_plugin::prelude::*;

use crate::events;
use crate::hold::{Hold, HoldState};
use crate::refusals::UNKNOWN_ORDER;
use crate::waitlist;

/// Notes that an order was refunded (退款), whole or in part. Units, and the customer's limit, come back into the sale if the
/// session says `resell_refunds`. Asking again for the whole changes nothing.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Refund {
    /// The order number.
    #[serde(default)]
    pub(crate) order: Option<String>,
    /// The reservation, when the order is not known.
    #[serde(default)]
    pub(crate) reservation: Option<String>,
    /// Units; all that are left of the order when absent.
    #[serde(default)]
    pub(crate) qty: Option<u64>,
}

/// What was given back.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct GivenBack {
    /// The order number.
    pub(crate) order: String,
    /// Units given back by this call.
    pub(crate) qty: u64,
    /// What is paid back for them, in fen.
    pub(crate) refund_fen: u64,
    /// Whether they can be bought again.
    pub(crate) back_on_sale: bool,
    /// Where the order stands.
    pub(crate) state: HoldState,
}

impl Step for Refund {
    const NAME: &'static str = "refund";
    const REFUSALS: &'static [Refusal] = &[UNKNOWN_ORDER];
    type Output = GivenBack;

    fn run(self) -> Result<GivenBack, Stop> {
        let (order, hold) = Hold::meant(self.order.as_deref(), self.reservation.as_deref())?;
        give_back(order, hold, self.qty)
    }
}

/// Gives back so many units of an order, or all that are left of it.
pub(crate) fn give_back(order: String, mut hold: Hold, units: Option<u64>) -> Result<GivenBack, Stop> {
    let back_on_sale = hold.resell && hold.state == HoldState::Committed;
    let (qty, refund_fen) = match hold.state {
        HoldState::Committed => sold(&mut hold, units)?,
        // Nothing was sold; this only ends what `flash.late_payment` began.
        HoldState::RefundDue => {
            hold.state = HoldState::Refunded;
            (hold.qty, hold.paid_fen)
        }
        HoldState::Refunded => (0, 0),
        HoldState::Waiting | HoldState::Held | HoldState::Review | HoldState::Released => {
            let message = format!("order `{order}` is not paid: cancel it instead");
            Err(UNKNOWN_ORDER.because(message).details(json!({ "state": hold.state })))?
        }
    };
    if qty > 0 {
        hold.save(&order)?;
        note(&order, &hold, (qty, refund_fen, back_on_sale))?;
        if back_on_sale {
            pools::restock(&hold.pool(), qty)?;
            hold.give_limit_back(qty)?;
            waitlist::serve(&hold.session, &hold.occurrence, &hold.sku)?;
        }
    }
    Ok(GivenBack { order, qty, refund_fen, back_on_sale, state: hold.state })
}

/// Units of a sold order and their part of what was paid: parts that add up to the whole.
fn sold(hold: &mut Hold, units: Option<u64>) -> Result<(u64, u64), Fault> {
    let left = hold.qty - hold.refunded;
    let units = units.unwrap_or(left);
    if !(1..=left).contains(&units) {
        let message = format!("{units} units, expected 1 to the {left} that are left of the order");
        return Err(Fault::invalid("/qty", message));
    }
    let part = |so_far: u64| hold.paid_fen.saturating_mul(so_far) / hold.qty;
    let refund_fen = part(hold.refunded + units) - part(hold.refunded);
    hold.refunded += units;
    if hold.refunded == hold.qty {
        hold.state = HoldState::Refunded;
    }
    Ok((units, refund_fen))
}

fn note(order: &str, hold: &Hold, (qty, refund_fen, back_on_sale): (u64, u64, bool)) -> Result<(), Stop> {
    let Hold { session, occurrence, sku, reservation, .. } = hold;
    let price_fen = hold.price_fen;
    let event = events::Refunded {
        session,
        occurrence,
        sku,
        qty,
        price_fen,
        order,
        reservation,
        refund_fen,
        back_on_sale,
    };
    Ok(event.emit()?)
}
