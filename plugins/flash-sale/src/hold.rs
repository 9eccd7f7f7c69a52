//! A hold: what one order of a customer has in a sale, from the wish to the refund. One document an order, with all that
//! is needed to end it, so that a hold is honoured whatever becomes of its session.

use siyu_plugin::Error;
use siyu_plugin::pools::{Reserve, Reserved};
use siyu_plugin::prelude::*;
use siyu_plugin::{context, counters, pools, records};

use crate::millis;
use crate::refusals::UNKNOWN_ORDER;
use crate::sale::stock_key;

/// Bytes of an order number: it is a part of a key.
const ORDER_BYTES_MAX: usize = 128;

/// What an order has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Hold {
    /// The session.
    pub(crate) session: String,
    /// Which opening of it.
    pub(crate) occurrence: String,
    /// The goods.
    pub(crate) sku: String,
    /// Units.
    pub(crate) qty: u64,
    /// Price of one, in fen: the customer pays what it was when they got it.
    pub(crate) price_fen: u64,
    /// Where it stands.
    pub(crate) state: HoldState,
    /// The host's reservation; empty while waiting.
    pub(crate) reservation: String,
    /// Until when the customer was told to pay.
    #[serde(with = "millis")]
    pub(crate) pay_by: Instant,
    /// When the host gives the units back.
    #[serde(with = "millis")]
    pub(crate) expires_at: Instant,
    /// What one customer may have.
    pub(crate) per_customer: u64,
    /// Whether the customer's limit comes back with a timeout.
    pub(crate) quota_back: bool,
    /// Whether the limit stayed taken when the hold timed out.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) keeps_limit: bool,
    /// Whether refunded units come back into the sale.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) resell: bool,
    /// How long a payment is held for review.
    #[serde(with = "millis")]
    pub(crate) review: Duration,
    /// Friends that were spent on it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) invites: Vec<String>,
    /// What was paid, in fen; 0 while nothing was.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) paid_fen: u64,
    /// Units that were refunded.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) refunded: u64,
    /// The place in the waiting list; 0 when it never waited.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) place: u64,
}

/// Where a hold stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum HoldState {
    /// On the waiting list (候补).
    Waiting,
    /// Held until it is paid (已锁单).
    Held,
    /// Paid with another amount; held until somebody looked at it (待核对).
    Review,
    /// Sold (已成交).
    Committed,
    /// Given back (已释放).
    Released,
    /// Paid, but nothing was left: the money goes back (待退款).
    RefundDue,
    /// Sold, and given back by the customer (已退款).
    Refunded,
}

fn is_false(holds: &bool) -> bool {
    !*holds
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

fn order_key(order: &str) -> String {
    key(&["order", order])
}

/// The counter of what a customer holds and has bought of a sku.
pub(crate) fn bought_key(session: &str, occurrence: &str, sku: &str) -> Result<String, Error> {
    Ok(key(&["bought", session, occurrence, sku, &context::customer()?]))
}

/// Checks an order number.
pub(crate) fn check_order(order: &str) -> Result<(), Fault> {
    let fits = (1..=ORDER_BYTES_MAX).contains(&order.len()) && !order.chars().any(char::is_control);
    if fits && key(&["order", order]).len() <= 256 {
        return Ok(());
    }
    let shown: String = order.chars().take(64).collect();
    let message = format!(
        "`{shown}` is no order number: expected 1 to {ORDER_BYTES_MAX} bytes without control characters"
    );
    Err(Fault::invalid("/order", message))
}

/// What became of a wish for units.
pub(crate) enum Got {
    /// Held; the reservation.
    Held(String),
    /// Too few units are available: how many there are.
    SoldOut(u64),
    /// The customer has so many already.
    Limit(u64),
}

impl Hold {
    /// The hold of an order of the call's customer.
    pub(crate) fn find(order: &str) -> Result<Option<Self>, Error> {
        records::of_customer().get(&order_key(order))
    }

    /// The hold of what may be an order of the call's customer, or anything else.
    pub(crate) fn find_if_any(text: &str) -> Result<Option<Self>, Error> {
        if check_order(text).is_ok() { Self::find(text) } else { Ok(None) }
    }

    /// The hold that a step means, by its order or its reservation; its order as well.
    pub(crate) fn meant(order: Option<&str>, reservation: Option<&str>) -> Result<(String, Self), Stop> {
        let order = match (order, reservation) {
            (Some(order), _) => order.to_owned(),
            (None, Some(id)) => {
                let reference = pools::find(id)?.and_then(|found| found.reference);
                reference.ok_or_else(|| UNKNOWN_ORDER.because(format!("there is no reservation {id}")))?
            }
            (None, None) => Err(Fault::invalid("/order", "expected `order` or `reservation`"))?,
        };
        check_order(&order)?;
        let hold = Self::find(&order)?.ok_or_else(|| {
            UNKNOWN_ORDER.because(format!("the customer has no order `{order}` in a flash sale"))
        })?;
        Ok((order, hold))
    }

    /// Writes it.
    pub(crate) fn save(&self, order: &str) -> Result<(), Error> {
        records::of_customer().put(&order_key(order), self)
    }

    /// What it costs, in fen.
    pub(crate) fn amount_fen(&self) -> u64 {
        self.price_fen.saturating_mul(self.qty)
    }

    /// The pool of its goods.
    pub(crate) fn pool(&self) -> String {
        stock_key(&self.session, &self.occurrence, &self.sku)
    }

    /// Takes stock and the customer's limit, both or neither, until an instant.
    pub(crate) fn take(&self, order: &str, until: Instant) -> Result<Got, Error> {
        let bought = bought_key(&self.session, &self.occurrence, &self.sku)?;
        let wanted = Reserve::new(self.pool(), self.qty, until).reference(order);
        if self.quota_back {
            return Ok(match wanted.quota(bought, self.qty, self.per_customer).hold()? {
                Reserved::Held(reservation) => Got::Held(reservation),
                Reserved::SoldOut { available } => Got::SoldOut(available),
                Reserved::OverQuota { used, .. } => Got::Limit(used),
            });
        }
        // The host gives quotas of a reservation back with it. Here a timeout must not, so the counter stands apart.
        let taken = counters::take(&bought, self.qty, self.per_customer)?;
        if !taken.ok {
            return Ok(Got::Limit(taken.used));
        }
        match wanted.hold()? {
            Reserved::Held(reservation) => Ok(Got::Held(reservation)),
            Reserved::SoldOut { available } => {
                counters::give_back(&bought, self.qty)?;
                Ok(Got::SoldOut(available))
            }
            Reserved::OverQuota { used, .. } => Ok(Got::Limit(used)),
        }
    }

    /// Takes stock once more for units whose limit is still taken.
    pub(crate) fn take_stock(&self, order: &str, until: Instant) -> Result<Got, Error> {
        Ok(match Reserve::new(self.pool(), self.qty, until).reference(order).hold()? {
            Reserved::Held(reservation) => Got::Held(reservation),
            Reserved::SoldOut { available } => Got::SoldOut(available),
            Reserved::OverQuota { used, .. } => Got::Limit(used),
        })
    }

    /// Gives so many units of the customer's limit back.
    pub(crate) fn give_limit_back(&self, units: u64) -> Result<(), Error> {
        counters::give_back(&bought_key(&self.session, &self.occurrence, &self.sku)?, units)
    }
}
