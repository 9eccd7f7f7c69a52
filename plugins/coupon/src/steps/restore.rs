//! `restore`: what becomes of an order's coupons when it is refunded.

use siyu_plugin::context;
use siyu_plugin::prelude::*;

use crate::batch::{Basis, OnRefund};
use crate::desk::{self, Desk};
use crate::event::{CouponExpired, CouponRestored, CouponRevoked};
use crate::ledger::{self, Count};
use crate::refusal;
use crate::terms::Terms;
use crate::wallet::{Ending, Order, Use};

/// Gives the coupons of a refunded order back (退券), as their batches say: only when all refunds together give the whole
/// payment back. An order that used no coupon is fine.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Restore {
    /// The order's number.
    #[schemars(length(min = 1, max = 64))]
    pub order: String,
    /// What this refund gives back, in fen; all that was paid when absent. Refunds of an order add up.
    #[serde(default)]
    pub refund_fen: Option<u64>,
    /// The refund's number: the same one counts once. The event that started the run when absent.
    #[serde(default)]
    #[schemars(length(min = 1, max = 200))]
    pub refund: Option<String>,
    /// Why, for the events.
    #[serde(default = "Restore::default_reason")]
    #[schemars(length(max = 200))]
    pub reason: String,
    /// Whether it is a refusal, `ORDER_UNKNOWN`, when the order used no coupon.
    #[serde(default)]
    pub required: bool,
}

impl Restore {
    fn default_reason() -> String {
        "refund".to_owned()
    }
}

/// How far the order is refunded, and what became of its coupons.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct Restored {
    /// The order.
    pub order: String,
    /// Whether all that was paid is refunded. Before that, coupons stay used.
    pub is_full: bool,
    /// What was refunded so far, in fen, as far as this plugin was told.
    pub refunded_fen: u64,
    /// What became of the coupons; empty while the refund is partial, and for an order without coupons.
    pub coupons: Vec<Came>,
    /// Whether this refund was counted before.
    pub replayed: bool,
}

/// What became of a coupon.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct Came {
    /// The coupon's id.
    pub coupon: String,
    /// Its batch.
    pub batch: String,
    /// What became of it.
    pub outcome: Fate,
    /// The first instant at which it may not be used any more.
    pub valid_until: Instant,
}

/// What becomes of a coupon when its order is refunded in full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It can be used again.
    Restored,
    /// It is not valid any more.
    Expired,
    /// The batch says that it is gone.
    Void,
}

/// Refunds of one order that are told apart. Further ones are counted, but the oldest are forgotten.
const REFUNDS_KEPT: usize = 32;
/// What `restore_extend_3d` gives at least.
const EXTENSION: Duration = Duration::days(3);

impl Step for Restore {
    const NAME: &'static str = "restore";
    const REFUSALS: &'static [Refusal] = &[refusal::ORDER_UNKNOWN];
    type Output = Restored;

    fn run(self) -> Result<Restored, Stop> {
        desk::check_order(&self.order)?;
        let mut desk = Desk::of_customer()?;
        let Some(mut order) = desk.order(&self.order)? else {
            if self.required {
                return Err(refusal::ORDER_UNKNOWN.into());
            }
            let is_full = self.refund_fen.is_none();
            let refunded_fen = self.refund_fen.unwrap_or(0);
            return Ok(Restored {
                order: self.order,
                is_full,
                refunded_fen,
                coupons: Vec::new(),
                replayed: false,
            });
        };
        let paid_fen = order.amount_fen.saturating_sub(order.discount_fen());
        let refund = self.refund_hash();
        let is_counted = order.refunds.contains(&refund);
        if order.is_settled || is_counted {
            let (is_full, refunded_fen) = (order.is_settled, order.refunded_fen);
            return Ok(Restored {
                order: self.order,
                is_full,
                refunded_fen,
                coupons: Vec::new(),
                replayed: true,
            });
        }
        order.refunds.push(refund);
        if order.refunds.len() > REFUNDS_KEPT {
            order.refunds.remove(0);
        }
        let more_fen = self.refund_fen.unwrap_or(paid_fen);
        order.refunded_fen = order.refunded_fen.saturating_add(more_fen).min(paid_fen);
        let is_full = order.refunded_fen == paid_fen;
        let refunded_fen = order.refunded_fen;
        let coupons = if is_full { self.settle(&mut desk, &mut order)? } else { Vec::new() };
        desk.wallet.put_order(order);
        desk.wallet.save()?;
        Ok(Restored { order: self.order, is_full, refunded_fen, coupons, replayed: false })
    }
}

impl Restore {
    /// What this refund is told apart by.
    fn refund_hash(&self) -> u64 {
        let call = context::current();
        let cause = || call.event::<serde::de::IgnoredAny>().ok().flatten().map(|event| event.id);
        let name = self.refund.clone().or_else(cause).or_else(|| call.run.clone());
        desk::fingerprint(&name.unwrap_or_else(|| call.id.clone()))
    }

    /// The order is refunded in full: its coupons go back.
    fn settle(&self, desk: &mut Desk, order: &mut Order) -> Result<Vec<Came>, Stop> {
        order.is_settled = true;
        let mut came = Vec::with_capacity(order.uses.len());
        for used in order.uses.clone() {
            let batch = &used.coupon.batch;
            Count::CostFen.take_off(batch, used.discount_fen)?;
            ledger::give_back(batch, Basis::Redeemed, used.discount_fen)?;
            let terms = desk.shelf.terms(batch, used.coupon.terms)?;
            came.push(self.give_back(desk, used, &terms)?);
        }
        Ok(came)
    }

    fn give_back(&self, desk: &mut Desk, used: Use, terms: &Terms) -> Result<Came, Stop> {
        let Use { mut coupon, discount_fen } = used;
        if terms.on_refund == OnRefund::RestoreExtend3d {
            coupon.extend_to(desk.now + EXTENSION);
        }
        let outcome = match terms.on_refund {
            OnRefund::Void => Fate::Void,
            _ if desk.now >= coupon.until() => Fate::Expired,
            _ => Fate::Restored,
        };
        let came = Came {
            coupon: coupon.id.clone(),
            batch: coupon.batch.clone(),
            outcome,
            valid_until: coupon.until(),
        };
        let order = self.order.clone();
        match outcome {
            Fate::Restored => {
                coupon.restored += 1;
                Count::Restored.add(&coupon.batch, 1)?;
                desk.emit(&CouponRestored {
                    batch: coupon.batch.clone(),
                    coupon: coupon.id.clone(),
                    order,
                    value_fen: discount_fen,
                    valid_until: coupon.until(),
                    reason: self.reason.clone(),
                })?;
                desk.plan(&coupon)?;
                desk.wallet.add(coupon);
            }
            Fate::Expired => {
                const TOO_LATE: &str = "refunded_too_late";
                Count::Expired.add(&coupon.batch, 1)?;
                ledger::give_back(&coupon.batch, Basis::Issued, coupon.value_fen)?;
                desk.emit(&CouponExpired {
                    batch: coupon.batch.clone(),
                    coupon: coupon.id.clone(),
                    order: Some(order),
                    value_fen: coupon.value_fen,
                    reason: TOO_LATE.to_owned(),
                })?;
                desk.wallet.put_ended(coupon, Ending::Expired, TOO_LATE);
            }
            Fate::Void => {
                Count::Revoked.add(&coupon.batch, 1)?;
                ledger::give_back(&coupon.batch, Basis::Issued, coupon.value_fen)?;
                desk.emit(&CouponRevoked {
                    batch: coupon.batch.clone(),
                    coupon: coupon.id.clone(),
                    order: Some(order),
                    value_fen: coupon.value_fen,
                    reason: self.reason.clone(),
                })?;
                desk.wallet.put_ended(coupon, Ending::Void, &self.reason);
            }
        }
        Ok(came)
    }
}
