//! `quote`: what coupons would take off a purchase. Changes nothing.

use siyu_plugin::prelude::*;

use crate::basket::{Basket, Line};
use crate::choice::{self, Candidate};
use crate::desk::{self, Desk, Purpose, Wanted};
use crate::pick::{LineOff, Off, Rejected, line_offs};
use crate::refusal;

/// Says what coupons would take off a purchase (试算): the named ones, or the best ones. Nothing changes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Quote {
    /// What the goods cost, in fen, before coupons and without shipping. May be left out when `lines` are given.
    #[serde(default)]
    pub amount_fen: Option<u64>,
    /// The goods. Coupons for certain goods need them.
    #[serde(default)]
    pub lines: Vec<Line>,
    /// The order's channel, for coupons of certain channels.
    #[serde(default)]
    pub channel: Option<String>,
    /// The order's number: coupons that it holds count as free.
    #[serde(default)]
    pub order: Option<String>,
    /// A coupon's id.
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
}

/// What coupons would take off.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct Quoted {
    /// What all of them take off, in fen.
    pub discount_fen: u64,
    /// What is left to pay, in fen.
    pub pay_fen: u64,
    /// The coupons, in the order in which they are applied.
    pub coupons: Vec<Off>,
    /// What is taken off each line; empty when no lines were given.
    pub lines: Vec<LineOff>,
    /// Every coupon that could be used, and what it would take off alone.
    pub usable: Vec<Off>,
    /// Every coupon that could not, and why.
    pub unusable: Vec<Unusable>,
}

/// A coupon that does not fit the purchase.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct Unusable {
    /// The coupon's id.
    pub coupon: String,
    /// Its batch; null when the customer has no such coupon.
    pub batch: Option<String>,
    /// The refusal's code that `redeem` would give, such as `MIN_SPEND`.
    pub reason: String,
    /// The reason in words.
    pub message: String,
}

impl Step for Quote {
    const NAME: &'static str = "quote";
    const REFUSALS: &'static [Refusal] =
        &[refusal::CODE_UNKNOWN, refusal::CODE_MALFORMED, refusal::TOO_MANY_TRIES];
    type Output = Quoted;

    fn run(self) -> Result<Quoted, Stop> {
        if let Some(order) = &self.order {
            desk::check_order(order)?;
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
        let asked = if named.is_empty() {
            desk.wallet.live().iter().map(|coupon| coupon.id.clone()).collect()
        } else {
            named.clone()
        };
        let (candidates, usable, mut unusable) = self.each(&mut desk, &asked, &basket)?;
        let applied = if named.is_empty() {
            choice::best(&candidates, &basket)
        } else if unusable.is_empty() {
            match choice::all(&candidates, &basket) {
                Ok(applied) => applied,
                Err((place, why)) => {
                    let coupon = candidates.get(place).or(candidates.last());
                    unusable.extend(coupon.map(|candidate| reject(candidate, why)));
                    choice::Applied::nothing(&basket)
                }
            }
        } else {
            choice::Applied::nothing(&basket)
        };
        let off = |(place, discount_fen): &(usize, u64)| off(&candidates[*place], *discount_fen);
        let discount_fen = applied.discount_fen();
        Ok(Quoted {
            discount_fen,
            pay_fen: basket.amount_fen.saturating_sub(discount_fen),
            coupons: applied.uses.iter().map(off).collect(),
            lines: line_offs(&self.lines, &applied.basket),
            usable,
            unusable,
        })
    }
}

fn off(candidate: &Candidate, discount_fen: u64) -> Off {
    Off { coupon: candidate.coupon.id.clone(), batch: candidate.coupon.batch.clone(), discount_fen }
}

fn reject(candidate: &Candidate, why: Refused) -> Unusable {
    Unusable {
        coupon: candidate.coupon.id.clone(),
        batch: Some(candidate.coupon.batch.clone()),
        reason: why.code.to_owned(),
        message: why.message,
    }
}

/// Coupons on their own: those that fit, what each takes off, and those that do not fit.
type Looked = (Vec<Candidate>, Vec<Off>, Vec<Unusable>);

impl Quote {
    /// Each coupon on its own.
    fn each(&self, desk: &mut Desk, asked: &[String], basket: &Basket) -> Result<Looked, Stop> {
        let purpose = Purpose { order: self.order.as_deref(), is_paid: false };
        let (mut candidates, mut usable, mut unusable) = (Vec::new(), Vec::new(), Vec::new());
        for coupon in asked {
            match desk.look(coupon, purpose)? {
                Err(Rejected { coupon, batch, why }) => {
                    let (reason, message) = (why.code.to_owned(), why.message);
                    unusable.push(Unusable { coupon, batch, reason, message });
                }
                Ok(candidate) => match basket.clone().apply(&candidate.terms) {
                    Err(why) => unusable.push(reject(&candidate, why)),
                    Ok(discount_fen) => {
                        usable.push(off(&candidate, discount_fen));
                        candidates.push(candidate);
                    }
                },
            }
        }
        Ok((candidates, usable, unusable))
    }
}
