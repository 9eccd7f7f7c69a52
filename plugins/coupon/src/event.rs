//! Events of coupons (券事件): what workflows wait for and reports add up. Their fields are stable.
//!
//! Each names `batch` and `coupon`; `value_fen` is what the event is about: the worth of the coupon, or what it took off.

use siyu_plugin::prelude::*;

macro_rules! event_types {
    ($($event:ident: $type:literal),* $(,)?) => {
        $(impl Event for $event {
            const TYPE: &'static str = $type;
        })*
    };
}

event_types! {
    CouponIssued: "coupon.issued",
    CouponIssueRefused: "coupon.issue_refused",
    CouponViewed: "coupon.viewed",
    CouponLocked: "coupon.locked",
    CouponUnlocked: "coupon.unlocked",
    CouponRedeemed: "coupon.redeemed",
    CouponRedeemRefused: "coupon.redeem_refused",
    CouponRestored: "coupon.restored",
    CouponExpiring: "coupon.expiring",
    CouponExpired: "coupon.expired",
    CouponRevoked: "coupon.revoked",
    BudgetThreshold: "budget.threshold",
}

/// A coupon was issued (发券).
#[derive(Debug, Serialize, JsonSchema)]
pub struct CouponIssued {
    /// The batch.
    pub batch: String,
    /// The coupon's id.
    pub coupon: String,
    /// Its code.
    pub code: String,
    /// What it is worth, in fen; 0 when that depends on the order alone.
    pub value_fen: u64,
    /// From when on it may be used.
    pub valid_from: Instant,
    /// The first instant at which it may not be used any more.
    pub valid_until: Instant,
}

/// A coupon was not issued.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CouponIssueRefused {
    /// The batch.
    pub batch: String,
    /// The refusal's code, such as `SOLD_OUT`.
    pub reason: String,
}

/// The customer saw a coupon for the first time (已查看).
#[derive(Debug, Serialize, JsonSchema)]
pub struct CouponViewed {
    /// The batch.
    pub batch: String,
    /// The coupon's id.
    pub coupon: String,
    /// What it is worth, in fen.
    pub value_fen: u64,
}

/// An order holds a coupon while it is being paid (锁券).
#[derive(Debug, Serialize, JsonSchema)]
pub struct CouponLocked {
    /// The batch.
    pub batch: String,
    /// The coupon's id.
    pub coupon: String,
    /// The order.
    pub order: String,
    /// What it is worth, in fen.
    pub value_fen: u64,
    /// When it is free again if the order is not paid.
    pub locked_until: Instant,
}

/// A coupon is free again (解锁).
#[derive(Debug, Serialize, JsonSchema)]
pub struct CouponUnlocked {
    /// The batch.
    pub batch: String,
    /// The coupon's id.
    pub coupon: String,
    /// The order that held it.
    pub order: String,
    /// What it is worth, in fen.
    pub value_fen: u64,
    /// `ttl` when time ran out, else what the step said.
    pub reason: String,
}

/// A coupon was used (核销).
#[derive(Debug, Serialize, JsonSchema)]
pub struct CouponRedeemed {
    /// The batch.
    pub batch: String,
    /// The coupon's id.
    pub coupon: String,
    /// The order.
    pub order: String,
    /// What it took off, in fen.
    pub value_fen: u64,
    /// What the order cost before coupons, in fen.
    pub order_amount_fen: u64,
}

/// A coupon was not used.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CouponRedeemRefused {
    /// The batch, when a coupon was named that exists.
    pub batch: Option<String>,
    /// The coupon's id, when a coupon was named that exists.
    pub coupon: Option<String>,
    /// The order.
    pub order: String,
    /// The refusal's code, such as `MIN_SPEND`.
    pub reason: String,
}

/// A used coupon can be used again, because its order was refunded (退券).
#[derive(Debug, Serialize, JsonSchema)]
pub struct CouponRestored {
    /// The batch.
    pub batch: String,
    /// The coupon's id.
    pub coupon: String,
    /// The order.
    pub order: String,
    /// What it had taken off, in fen.
    pub value_fen: u64,
    /// The first instant at which it may not be used any more.
    pub valid_until: Instant,
    /// Why.
    pub reason: String,
}

/// A coupon ends soon (将过期): for reminders.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CouponExpiring {
    /// The batch.
    pub batch: String,
    /// The coupon's id.
    pub coupon: String,
    /// Its code.
    pub code: String,
    /// What it is worth, in fen.
    pub value_fen: u64,
    /// The first instant at which it may not be used any more.
    pub valid_until: Instant,
    /// How soon: the batch's reminder, such as `1d`.
    pub left: Duration,
}

/// A coupon ended unused (已过期).
#[derive(Debug, Serialize, JsonSchema)]
pub struct CouponExpired {
    /// The batch.
    pub batch: String,
    /// The coupon's id.
    pub coupon: String,
    /// The order whose refund came too late to restore it; none for a coupon that nobody used.
    pub order: Option<String>,
    /// What it was worth, in fen.
    pub value_fen: u64,
    /// `unused`, or `refunded_too_late`.
    pub reason: String,
}

/// A coupon was taken back (作废).
#[derive(Debug, Serialize, JsonSchema)]
pub struct CouponRevoked {
    /// The batch.
    pub batch: String,
    /// The coupon's id.
    pub coupon: String,
    /// The refunded order, when the batch says that its coupons are gone then.
    pub order: Option<String>,
    /// What it was worth, in fen.
    pub value_fen: u64,
    /// Why.
    pub reason: String,
}

/// A batch's budget crossed a percentage at which the operator wants to know (预算预警).
#[derive(Debug, Serialize, JsonSchema)]
pub struct BudgetThreshold {
    /// The batch.
    pub batch: String,
    /// `issued` or `redeemed`: what is counted.
    pub basis: crate::batch::Basis,
    /// The percentage that was crossed.
    pub percent: u32,
    /// What is used, in fen.
    pub used_fen: u64,
    /// The limit, in fen.
    pub limit_fen: u64,
}
