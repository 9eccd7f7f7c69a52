//! Following the shop's own events (订单事件), for sessions that say so. An order that is none of a flash sale is none of its
//! business, and a refusal is in the events: a reaction has nobody to refuse to.

#[cfg(test)]
mod tests;

use siyu_plugin::prelude::*;

use crate::ending::Cancel;
use crate::hold::{Hold, HoldState};
use crate::pay::Payment;
use crate::refund::give_back;

/// An order of the shop.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct PaidOrder {
    /// The order number.
    order_no: String,
    /// What was paid, in fen.
    amount_fen: u64,
}

/// An order of the shop.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ShopOrder {
    /// The order number.
    order_no: String,
}

/// What the plugin made of it.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct Followed {
    /// Whether the order is one of a flash sale.
    pub(crate) is_flash: bool,
    /// Where it stands; null when it is none.
    pub(crate) state: Option<HoldState>,
}

/// A hold of the call's customer, and how it stands after something was done with it.
fn follow(order: &str, what: impl FnOnce(Hold) -> Result<(), Stop>) -> Result<Followed, Stop> {
    let Some(hold) = Hold::find_if_any(order)? else {
        return Ok(Followed { is_flash: false, state: None });
    };
    match what(hold) {
        Ok(()) | Err(Stop::Refused(_)) => {}
        Err(fault) => return Err(fault),
    }
    Ok(Followed { is_flash: true, state: Hold::find(order)?.map(|hold| hold.state) })
}

/// Reacts to `orders.paid` of a session: takes the payment, like `pay` (跟随支付).
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
pub(crate) struct OrderPaid(Incoming<PaidOrder>);

impl Step for OrderPaid {
    const NAME: &'static str = "order-paid";
    type Output = Followed;

    fn run(self) -> Result<Followed, Stop> {
        let PaidOrder { order_no, amount_fen } = self.0.data;
        let order = order_no.clone();
        follow(&order_no, |hold| Payment { order, amount_fen, accept: false }.settle(hold).map(drop))
    }
}

/// Reacts to `orders.cancelled` of a session: lets the hold go, like `cancel` (跟随取消).
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
pub(crate) struct OrderCancelled(Incoming<ShopOrder>);

impl Step for OrderCancelled {
    const NAME: &'static str = "order-cancelled";
    type Output = Followed;

    fn run(self) -> Result<Followed, Stop> {
        let order = self.0.data.order_no;
        follow(&order, |_| Cancel { order: Some(order.clone()), reservation: None }.run().map(drop))
    }
}

/// Reacts to `orders.refunded` of a session: the whole order is given back, like `refund` (跟随退款).
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
pub(crate) struct OrderRefunded(Incoming<ShopOrder>);

impl Step for OrderRefunded {
    const NAME: &'static str = "order-refunded";
    type Output = Followed;

    fn run(self) -> Result<Followed, Stop> {
        let order = self.0.data.order_no;
        follow(&order, |hold| give_back(order.clone(), hold, None).map(drop))
    }
}
