//! `redeem`: an order uses coupons.

use siyu_plugin::prelude::*;

use crate::basket::{Basket, Line};
use crate::batch::Basis;
use crate::desk::{self, Desk, Purpose, Wanted};
use crate::due;
use crate::event::{CouponRedeemRefused, CouponRedeemed};
use crate::ledger::{self, Count};
use crate::pick::{LineOff, Off, Picked, Rejected, line_offs};
use crate::refusal;
use crate::wallet::{Order, Use};

/// Uses coupons for an order (核销): the named ones, those that the order holds, or else the best ones. The same order is
/// handled once, however often.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Redeem {
    /// The order's number.
    #[schemars(length(min = 1, max = 64))]
    pub order: String,
    /// What the goods cost, in fen, before coupons and without shipping. May be left out when `lines` are given.
    #[serde(default)]
    pub amount_fen: Option<u64>,
    /// The goods. Coupons for certain goods need them.
    #[serde(default)]
    pub lines: Vec<Line>,
    /// The order's channel, for coupons of certain channels.
    #[serde(default)]
    pub channel: Option<String>,
    /// A coupon's id.
    #[serde(default)]
    pub coupon: Option<String>,
    /// Several coupons' ids.
    #[serde(default)]
    pub coupons: Vec<String>,
    /// A coupon's code, as somebody typed it.
    #[serde(default)]
    pub code: Option<String>,
    /// Who of the staff typed the code (店员核销): they may use everybody's.
    #[serde(default)]
    pub staff: Option<String>,
    /// What the caller's tries of codes are counted by, when the run is for no customer: a device, an address.
    #[serde(default)]
    pub actor: Option<String>,
    /// Whether `order.paid` of this order is recorded already. Say `false` when coupons are used before the payment.
    #[serde(default = "Redeem::default_paid")]
    pub paid: bool,
    /// Whether it is a refusal, `NO_COUPON`, when the choice is free and nothing fits. Otherwise nothing is taken off.
    #[serde(default)]
    pub required: bool,
}

impl Redeem {
    fn default_paid() -> bool {
        true
    }
}

/// What coupons took off the order.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct Redeemed {
    /// The order.
    pub order: String,
    /// What all coupons took off, in fen.
    pub discount_fen: u64,
    /// What is left to pay, in fen.
    pub pay_fen: u64,
    /// The coupons, in the order in which they were applied.
    pub coupons: Vec<Off>,
    /// What was taken off each line; empty when no lines were given.
    pub lines: Vec<LineOff>,
    /// Whether the order was handled before.
    pub replayed: bool,
}

impl Step for Redeem {
    const NAME: &'static str = "redeem";
    const REFUSALS: &'static [Refusal] = &[
        refusal::COUPON_UNKNOWN,
        refusal::CODE_UNKNOWN,
        refusal::CODE_MALFORMED,
        refusal::TOO_MANY_TRIES,
        refusal::NOT_STARTED,
        refusal::EXPIRED,
        refusal::REVOKED,
        refusal::ALREADY_REDEEMED,
        refusal::LOCKED_BY_OTHER_ORDER,
        refusal::STOPPED,
        refusal::NOT_ELIGIBLE,
        refusal::MIN_SPEND,
        refusal::NOT_IN_SCOPE,
        refusal::NO_DISCOUNT,
        refusal::NOT_COMBINABLE,
        refusal::BUDGET_EXHAUSTED,
        refusal::NO_COUPON,
        refusal::WALLET_FULL,
        refusal::ORDER_REFUNDED,
        refusal::IDEMPOTENCY_MISMATCH,
    ];
    type Output = Redeemed;

    fn run(self) -> Result<Redeemed, Stop> {
        desk::check_order(&self.order)?;
        let basket = Basket::new(self.amount_fen, &self.lines, self.channel.as_deref())?;
        let wanted = Wanted {
            coupon: self.coupon.as_deref(),
            coupons: &self.coupons,
            code: self.code.as_deref(),
            staff: self.staff.as_deref(),
            actor: self.actor.as_deref(),
        };
        let (mut desk, named) = match Desk::open(&wanted) {
            Ok(opened) => opened,
            Err(Stop::Refused(why)) => return self.refuse_code(why),
            Err(fault) => return Err(fault),
        };
        let request = desk::request(&basket, &named);
        if let Some(order) = desk.order(&self.order)? {
            return self.replay(&mut desk, &order, &basket, request);
        }
        match self.settle(&mut desk, named, &basket)? {
            Ok(picked) => self.write(desk, picked, request),
            Err(rejected) => self.refuse(&desk, rejected),
        }
    }
}

impl Redeem {
    fn purpose(&self) -> Purpose<'_> {
        Purpose { order: Some(&self.order), is_paid: self.paid }
    }

    /// Picks coupons for which the budgets suffice, and takes from these.
    fn settle(
        &self,
        desk: &mut Desk,
        mut named: Vec<String>,
        basket: &Basket,
    ) -> Result<Result<Picked, Rejected>, Stop> {
        if named.is_empty() {
            named = desk.held_by(&self.order);
        }
        if !named.is_empty() {
            let picked = match desk.pick_named(&named, basket, self.purpose())? {
                Ok(picked) => picked,
                Err(rejected) => return Ok(Err(rejected)),
            };
            return Ok(match spend(desk, &picked)? {
                None => Ok(picked),
                Some(exhausted) => Err(exhausted),
            });
        }
        let mut without = Vec::new();
        loop {
            let picked = desk.pick_best(basket, self.purpose(), &without)?;
            // Each turn rules out one more batch, and a wallet has few.
            match spend(desk, &picked)? {
                None => return Ok(Ok(picked)),
                Some(Rejected { batch: Some(batch), .. }) => without.push(batch),
                Some(rejected) => return Ok(Err(rejected)),
            }
        }
    }

    fn write(&self, mut desk: Desk, picked: Picked, request: u64) -> Result<Redeemed, Stop> {
        let used: Vec<_> = picked.uses().map(|(candidate, _)| candidate.clone()).collect();
        if used.is_empty() {
            if self.required {
                return self.refuse(
                    &desk,
                    Rejected { coupon: String::new(), batch: None, why: refusal::NO_COUPON.into() },
                );
            }
            // Nothing is written: a coupon that comes later may still be used for the order.
            return Ok(self.answer(Vec::new(), &picked.applied.basket, false));
        }
        desk.claim(&used)?;
        let mut uses = Vec::with_capacity(used.len());
        let mut offs = Vec::with_capacity(used.len());
        for (candidate, discount_fen) in picked.uses() {
            let Some(mut coupon) = desk.wallet.remove(&candidate.coupon.id) else {
                continue;
            };
            due::cancel(&coupon.id)?;
            desk.drop_stale_lock(&mut coupon)?;
            if coupon.lock.take().is_some() {
                Count::Locked.take_off(&coupon.batch, 1)?;
            }
            Count::Redeemed.add(&coupon.batch, 1)?;
            Count::CostFen.add(&coupon.batch, discount_fen)?;
            desk.emit(&CouponRedeemed {
                batch: coupon.batch.clone(),
                coupon: coupon.id.clone(),
                order: self.order.clone(),
                value_fen: discount_fen,
                order_amount_fen: picked.applied.basket.amount_fen,
            })?;
            offs.push(Off { coupon: coupon.id.clone(), batch: coupon.batch.clone(), discount_fen });
            uses.push(Use { coupon, discount_fen });
        }
        let amount_fen = picked.applied.basket.amount_fen;
        desk.wallet.put_order(Order::new(&self.order, amount_fen, request, uses));
        desk.wallet.save()?;
        Ok(self.answer(offs, &picked.applied.basket, false))
    }

    fn answer(&self, coupons: Vec<Off>, basket: &Basket, replayed: bool) -> Redeemed {
        let discount_fen = coupons.iter().map(|off| off.discount_fen).sum();
        Redeemed {
            order: self.order.clone(),
            discount_fen,
            pay_fen: basket.amount_fen.saturating_sub(discount_fen),
            coupons,
            lines: line_offs(&self.lines, basket),
            replayed,
        }
    }

    /// What came of the order before.
    fn replay(
        &self,
        desk: &mut Desk,
        order: &Order,
        basket: &Basket,
        request: u64,
    ) -> Result<Redeemed, Stop> {
        if order.request != request {
            return Err(refusal::IDEMPOTENCY_MISMATCH
                .because(format!(
                    "the order was handled with {} fen and {} coupons before",
                    order.amount_fen,
                    order.uses.len()
                ))
                .into());
        }
        if order.is_settled {
            return Err(refusal::ORDER_REFUNDED.into());
        }
        let applied = desk.reapply(order, basket)?;
        let offs = order.uses.iter().map(|used| Off {
            coupon: used.coupon.id.clone(),
            batch: used.coupon.batch.clone(),
            discount_fen: used.discount_fen,
        });
        Ok(self.answer(offs.collect(), &applied.basket, true))
    }

    fn refuse(&self, desk: &Desk, rejected: Rejected) -> Result<Redeemed, Stop> {
        let Rejected { coupon, batch, why } = rejected;
        let coupon = (!coupon.is_empty()).then_some(coupon);
        let event =
            CouponRedeemRefused { batch, coupon, order: self.order.clone(), reason: why.code.to_owned() };
        desk.emit(&event)?;
        Err(why.into())
    }

    fn refuse_code(&self, why: Refused) -> Result<Redeemed, Stop> {
        let event = CouponRedeemRefused {
            batch: None,
            coupon: None,
            order: self.order.clone(),
            reason: why.code.to_owned(),
        };
        event.emit()?;
        Err(why.into())
    }
}

/// Takes what the coupons cost from the budgets that count it: from all of them, or from none. The first one that does
/// not suffice.
fn spend(desk: &mut Desk, picked: &Picked) -> Result<Option<Rejected>, Stop> {
    let mut spent: Vec<(String, u64)> = Vec::new();
    for (candidate, discount_fen) in picked.uses() {
        let batch = &candidate.coupon.batch;
        let budget = desk.shelf.book(batch)?.budget.clone();
        let Some(budget) = budget.filter(|budget| budget.basis == Basis::Redeemed) else {
            continue;
        };
        if ledger::spend(batch, &budget, discount_fen)? {
            spent.push((batch.clone(), discount_fen));
            continue;
        }
        for (batch, fen) in spent {
            ledger::give_back(&batch, Basis::Redeemed, fen)?;
        }
        return Ok(Some(Rejected {
            coupon: candidate.coupon.id.clone(),
            batch: Some(batch.clone()),
            why: refusal::BUDGET_EXHAUSTED.into(),
        }));
    }
    Ok(None)
}
