//! A coupon, the order that used it, and how it ended, as a wallet keeps them. Field names are short: a wallet is read and
//! written in every call.
//!
//! Never asks the host.

use siyu_plugin::prelude::*;

/// A coupon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Coupon {
    #[serde(rename = "i")]
    pub(crate) id: String,
    #[serde(rename = "b")]
    pub(crate) batch: String,
    /// The version of the batch's terms.
    #[serde(rename = "t")]
    pub(crate) terms: u32,
    #[serde(rename = "c")]
    pub(crate) code: String,
    /// What it is worth, in fen; 0 when that depends on the order.
    #[serde(rename = "v")]
    pub(crate) value_fen: u64,
    #[serde(rename = "f")]
    from_ms: i64,
    #[serde(rename = "u")]
    until_ms: i64,
    #[serde(rename = "l", default, skip_serializing_if = "Option::is_none")]
    pub(crate) lock: Option<Lock>,
    /// Whether the customer has seen it.
    #[serde(rename = "s", default, skip_serializing_if = "is_false")]
    pub(crate) seen: bool,
    /// How often it came back from a refunded order.
    #[serde(rename = "r", default, skip_serializing_if = "is_zero")]
    pub(crate) restored: u32,
}

/// An order holds a coupon while it is being paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lock {
    #[serde(rename = "o")]
    pub(crate) order: String,
    #[serde(rename = "u")]
    until_ms: i64,
    /// What the order asked for: another request of the same order is another one.
    #[serde(rename = "h")]
    pub(crate) request: u64,
}

/// What is fixed when a coupon is issued.
pub(crate) struct Issued {
    pub(crate) id: String,
    pub(crate) batch: String,
    pub(crate) terms: u32,
    pub(crate) code: String,
    pub(crate) value_fen: u64,
    pub(crate) from: Instant,
    pub(crate) until: Instant,
}

pub(super) fn is_false(flag: &bool) -> bool {
    !flag
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Coupon {
    pub(crate) fn new(issued: Issued) -> Self {
        Self {
            id: issued.id,
            batch: issued.batch,
            terms: issued.terms,
            code: issued.code,
            value_fen: issued.value_fen,
            from_ms: issued.from.as_millis(),
            until_ms: issued.until.as_millis(),
            lock: None,
            seen: false,
            restored: 0,
        }
    }

    pub(crate) fn from(&self) -> Instant {
        Instant::from_millis(self.from_ms)
    }

    /// The first instant at which it is over.
    pub(crate) fn until(&self) -> Instant {
        Instant::from_millis(self.until_ms)
    }

    pub(crate) fn extend_to(&mut self, until: Instant) {
        self.until_ms = self.until_ms.max(until.as_millis());
    }

    /// The lock that holds it now; one whose time is over holds nothing.
    pub(crate) fn held_by(&self, now: Instant) -> Option<&Lock> {
        self.lock.as_ref().filter(|lock| lock.until() > now)
    }
}

impl Lock {
    pub(crate) fn new(order: &str, until: Instant, request: u64) -> Self {
        Self { order: order.to_owned(), until_ms: until.as_millis(), request }
    }

    pub(crate) fn until(&self) -> Instant {
        Instant::from_millis(self.until_ms)
    }
}

/// Coupons that an order has used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Order {
    #[serde(rename = "o")]
    pub(crate) order: String,
    /// What it cost before coupons, in fen.
    #[serde(rename = "a")]
    pub(crate) amount_fen: u64,
    /// What was asked for: another request for the same order is another one.
    #[serde(rename = "h")]
    pub(crate) request: u64,
    /// In the order in which they were applied.
    #[serde(rename = "c")]
    pub(crate) uses: Vec<Use>,
    /// What was refunded so far, in fen.
    #[serde(rename = "r", default, skip_serializing_if = "is_none_yet")]
    pub(crate) refunded_fen: u64,
    /// The refunds that are counted in it.
    #[serde(rename = "k", default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) refunds: Vec<u64>,
    /// Whether it was refunded in full: its coupons are settled for ever.
    #[serde(rename = "x", default, skip_serializing_if = "is_false")]
    pub(crate) is_settled: bool,
}

fn is_none_yet(number: &u64) -> bool {
    *number == 0
}

/// A coupon in an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Use {
    #[serde(rename = "c")]
    pub(crate) coupon: Coupon,
    /// What it took off, in fen.
    #[serde(rename = "d")]
    pub(crate) discount_fen: u64,
}

impl Order {
    pub(crate) fn new(order: &str, amount_fen: u64, request: u64, uses: Vec<Use>) -> Self {
        Self {
            order: order.to_owned(),
            amount_fen,
            request,
            uses,
            refunded_fen: 0,
            refunds: Vec::new(),
            is_settled: false,
        }
    }

    /// What all coupons took off, in fen.
    pub(crate) fn discount_fen(&self) -> u64 {
        self.uses.iter().map(|used| used.discount_fen).sum()
    }

    pub(super) fn has(&self, coupon: &str) -> bool {
        self.uses.iter().any(|used| used.coupon.id == coupon)
    }
}

/// A coupon that will never be used again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ended {
    #[serde(rename = "c")]
    pub(crate) coupon: Coupon,
    #[serde(rename = "e")]
    pub(crate) how: Ending,
    #[serde(rename = "w", default, skip_serializing_if = "String::is_empty")]
    pub(crate) why: String,
}

/// How a coupon ended without being used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ending {
    Expired,
    Revoked,
    /// Its order was refunded, and the batch says that it is gone then.
    Void,
}
