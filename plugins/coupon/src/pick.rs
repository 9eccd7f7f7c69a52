//! Picks the coupons of an order: those that were named, those that the order holds, or the best ones.
//!
//! Never changes a coupon.

use siyu_plugin::prelude::*;

use crate::basket::Basket;
use crate::choice::{self, Applied, Candidate};
use crate::desk::{Desk, Purpose};
use crate::wallet::Order;

/// Coupons that an order uses or would use.
pub(crate) struct Picked {
    pub(crate) candidates: Vec<Candidate>,
    pub(crate) applied: Applied,
}

/// A coupon that cannot be used, and why.
#[derive(Debug)]
pub(crate) struct Rejected {
    /// Its id.
    pub(crate) coupon: String,
    /// Its batch, when the customer has it.
    pub(crate) batch: Option<String>,
    pub(crate) why: Refused,
}

impl Desk {
    /// The named coupons, all of them.
    ///
    /// # Errors
    /// The first one that cannot be used, in `Ok(Err(…))`; what the host says.
    pub(crate) fn pick_named(
        &mut self,
        named: &[String],
        basket: &Basket,
        purpose: Purpose<'_>,
    ) -> Result<Result<Picked, Rejected>, Stop> {
        let mut candidates = Vec::with_capacity(named.len());
        for coupon in named {
            match self.look(coupon, purpose)? {
                Ok(candidate) => candidates.push(candidate),
                Err(rejected) => return Ok(Err(rejected)),
            }
        }
        Ok(match choice::all(&candidates, basket) {
            Ok(applied) => Ok(Picked { candidates, applied }),
            Err((place, why)) => {
                let coupon = candidates.get(place).map(|candidate| &candidate.coupon);
                Err(Rejected {
                    coupon: coupon.map(|coupon| coupon.id.clone()).unwrap_or_default(),
                    batch: coupon.map(|coupon| coupon.batch.clone()),
                    why,
                })
            }
        })
    }

    /// A coupon, or why it cannot be used now.
    ///
    /// # Errors
    /// What the host says.
    pub(crate) fn look(
        &mut self,
        coupon: &str,
        purpose: Purpose<'_>,
    ) -> Result<Result<Candidate, Rejected>, Stop> {
        match self.usable(coupon, purpose) {
            Ok(candidate) => Ok(Ok(candidate)),
            Err(Stop::Refused(why)) => {
                let batch = self.batch_of(coupon);
                Ok(Err(Rejected { coupon: coupon.to_owned(), batch, why }))
            }
            Err(fault) => Err(fault),
        }
    }

    /// The coupons that take most off. `without`: batches that are out of the question.
    ///
    /// # Errors
    /// What the host says.
    pub(crate) fn pick_best(
        &mut self,
        basket: &Basket,
        purpose: Purpose<'_>,
        without: &[String],
    ) -> Result<Picked, Stop> {
        let live: Vec<String> = self.wallet.live().iter().map(|coupon| coupon.id.clone()).collect();
        let mut candidates = Vec::with_capacity(live.len());
        for coupon in &live {
            if let Ok(candidate) = self.look(coupon, purpose)?
                && !without.contains(&candidate.coupon.batch)
            {
                candidates.push(candidate);
            }
        }
        let applied = choice::best(&candidates, basket);
        Ok(Picked { candidates, applied })
    }

    /// The coupons that an order holds now, by id.
    pub(crate) fn held_by(&self, order: &str) -> Vec<String> {
        let now = self.now;
        let live = self.wallet.live().iter();
        let held = live.filter(|coupon| coupon.held_by(now).is_some_and(|lock| lock.order == order));
        held.map(|coupon| coupon.id.clone()).collect()
    }

    fn batch_of(&self, coupon: &str) -> Option<String> {
        let live = self.wallet.live().iter().find(|live| live.id == coupon);
        live.map(|live| live.batch.clone())
    }

    /// What an order's coupons took off each line, worked out again: the same terms and the same purchase give the same.
    ///
    /// # Errors
    /// What the host says.
    pub(crate) fn reapply(&mut self, order: &Order, basket: &Basket) -> Result<Applied, Stop> {
        let mut applied = Applied::nothing(basket);
        for (place, used) in order.uses.iter().enumerate() {
            let terms = self.shelf.terms(&used.coupon.batch, used.coupon.terms)?;
            if let Ok(discount) = applied.basket.apply(&terms) {
                applied.uses.push((place, discount));
            }
        }
        Ok(applied)
    }
}

impl Picked {
    /// The candidates that are used, in the order in which they are applied, and what each takes off.
    pub(crate) fn uses(&self) -> impl Iterator<Item = (&Candidate, u64)> {
        let uses = self.applied.uses.iter();
        uses.filter_map(|(place, discount)| Some((self.candidates.get(*place)?, *discount)))
    }
}

/// What a coupon takes off an order.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct Off {
    /// The coupon's id.
    pub coupon: String,
    /// Its batch.
    pub batch: String,
    /// What it takes off, in fen.
    pub discount_fen: u64,
}

/// What all coupons together take off a line.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct LineOff {
    /// Which goods.
    pub sku: String,
    /// What is taken off, in fen. Over all lines it is the order's discount.
    pub discount_fen: u64,
}

/// What coupons take off the lines of an order, in their order.
pub(crate) fn line_offs(lines: &[crate::basket::Line], basket: &Basket) -> Vec<LineOff> {
    let left = basket.left_fen();
    let pairs = lines.iter().zip(left);
    pairs
        .map(|(line, left_fen)| LineOff {
            sku: line.sku.clone(),
            discount_fen: line.amount_fen.saturating_sub(left_fen),
        })
        .collect()
}
