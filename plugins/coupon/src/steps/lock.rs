//! `lock`: an order holds coupons while it is being paid.

use siyu_plugin::prelude::*;

use crate::basket::{Basket, Line};
use crate::desk::{self, Desk, Purpose, Wanted};
use crate::event::CouponLocked;
use crate::ledger::Count;
use crate::pick::{Off, Picked};
use crate::refusal;
use crate::wallet::Lock as Hold;

/// Holds coupons for an order at checkout (锁券): no other order can use them until time runs out. `redeem` of the order
/// uses them, even if they expire meanwhile.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// The order's number.
    #[schemars(length(min = 1, max = 64))]
    pub order: String,
    /// How long: the payment timeout.
    #[serde(default = "Lock::default_ttl")]
    pub ttl: Duration,
    /// What the goods cost, in fen, before coupons and without shipping. May be left out when `lines` are given.
    #[serde(default)]
    pub amount_fen: Option<u64>,
    /// The goods. Coupons for certain goods need them.
    #[serde(default)]
    pub lines: Vec<Line>,
    /// The order's channel, for coupons of certain channels.
    #[serde(default)]
    pub channel: Option<String>,
    /// A coupon's id; the best coupons when none is named.
    #[serde(default)]
    pub coupon: Option<String>,
    /// Several coupons' ids.
    #[serde(default)]
    pub coupons: Vec<String>,
    /// A coupon's code, as somebody typed it.
    #[serde(default)]
    pub code: Option<String>,
    /// Who of the staff typed the code (店员).
    #[serde(default)]
    pub staff: Option<String>,
    /// What the caller's tries of codes are counted by, when the run is for no customer.
    #[serde(default)]
    pub actor: Option<String>,
    /// Whether it is a refusal, `NO_COUPON`, when the choice is free and nothing fits. Otherwise nothing is held.
    #[serde(default)]
    pub required: bool,
}

impl Lock {
    fn default_ttl() -> Duration {
        Duration::minutes(15)
    }
}

/// The longest hold: a week, as other coupon engines hold a session (domain paper §4.2).
const TTL_MAX: Duration = Duration::days(7);

/// What the order holds.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct Locked {
    /// The order.
    pub order: String,
    /// What the coupons will take off, in fen, if the order stays as it is.
    pub discount_fen: u64,
    /// The coupons.
    pub coupons: Vec<Off>,
    /// When they are free again; null when nothing is held.
    pub locked_until: Option<Instant>,
    /// Whether the order held them before.
    pub replayed: bool,
}

impl Step for Lock {
    const NAME: &'static str = "lock";
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
        refusal::NO_COUPON,
        refusal::WALLET_FULL,
        refusal::IDEMPOTENCY_MISMATCH,
    ];
    type Output = Locked;

    fn run(self) -> Result<Locked, Stop> {
        desk::check_order(&self.order)?;
        if self.ttl.is_zero() || self.ttl > TTL_MAX {
            Err(Fault::invalid(
                "/ttl",
                format!("`{}`, expected more than 0s and at most {TTL_MAX}", self.ttl),
            ))?;
        }
        let basket = Basket::new(self.amount_fen, &self.lines, self.channel.as_deref())?;
        let wanted = Wanted {
            coupon: self.coupon.as_deref(),
            coupons: &self.coupons,
            code: self.code.as_deref(),
            staff: self.staff.as_deref(),
            actor: self.actor.as_deref(),
        };
        let (mut desk, named) = Desk::open(&wanted)?;
        let request = desk::request(&basket, &named);
        if desk.order(&self.order)?.is_some() {
            return Err(refusal::ALREADY_REDEEMED.because("the order has used its coupons already").into());
        }
        let purpose = Purpose { order: Some(&self.order), is_paid: false };
        let held = desk.held_by(&self.order);
        if !held.is_empty() {
            return self.replay(&mut desk, &held, &basket, request);
        }
        if desk.holds_others(&self.order)? {
            return Err(mismatch());
        }
        let picked = if named.is_empty() {
            desk.pick_best(&basket, purpose, &[])?
        } else {
            desk.pick_named(&named, &basket, purpose)?.map_err(|rejected| rejected.why)?
        };
        if self.required && picked.applied.uses.is_empty() {
            return Err(refusal::NO_COUPON.into());
        }
        self.hold(desk, &picked, request)
    }
}

fn mismatch() -> Stop {
    refusal::IDEMPOTENCY_MISMATCH
        .because("the order holds coupons for another request: unlock it first")
        .into()
}

impl Lock {
    fn hold(&self, mut desk: Desk, picked: &Picked, request: u64) -> Result<Locked, Stop> {
        let used: Vec<_> = picked.uses().map(|(candidate, _)| candidate.clone()).collect();
        if used.is_empty() {
            return Ok(self.answer(picked, None, false));
        }
        desk.claim(&used)?;
        let until = desk.now + self.ttl;
        for candidate in &used {
            let mut coupon = candidate.coupon.clone();
            desk.drop_stale_lock(&mut coupon)?;
            coupon.lock = Some(Hold::new(&self.order, until, request));
            desk.plan(&coupon)?;
            Count::Locked.add(&coupon.batch, 1)?;
            desk.emit(&CouponLocked {
                batch: coupon.batch.clone(),
                coupon: coupon.id.clone(),
                order: self.order.clone(),
                value_fen: coupon.value_fen,
                locked_until: until,
            })?;
            if let Some(live) = desk.wallet.live_by_id(&coupon.id) {
                *live = coupon;
            }
        }
        desk.wallet.save()?;
        Ok(self.answer(picked, Some(until), false))
    }

    /// The order holds coupons already.
    fn replay(
        &self,
        desk: &mut Desk,
        held: &[String],
        basket: &Basket,
        request: u64,
    ) -> Result<Locked, Stop> {
        let lock = desk.wallet.live_by_id(&held[0]).and_then(|coupon| coupon.lock.clone());
        if lock.as_ref().is_none_or(|lock| lock.request != request) {
            return Err(mismatch());
        }
        let purpose = Purpose { order: Some(&self.order), is_paid: false };
        let picked = desk.pick_named(held, basket, purpose)?.map_err(|rejected| rejected.why)?;
        Ok(self.answer(&picked, lock.map(|lock| lock.until()), true))
    }

    fn answer(&self, picked: &Picked, locked_until: Option<Instant>, replayed: bool) -> Locked {
        let off = |(candidate, discount_fen): (&crate::choice::Candidate, u64)| Off {
            coupon: candidate.coupon.id.clone(),
            batch: candidate.coupon.batch.clone(),
            discount_fen,
        };
        Locked {
            order: self.order.clone(),
            discount_fen: picked.applied.discount_fen(),
            coupons: picked.uses().map(off).collect(),
            locked_until,
            replayed,
        }
    }
}
