//! Which coupons a purchase uses: whether those that were named fit together, and which set of a wallet takes most off.
//!
//! Never asks the host, and never depends on anything but the coupons and the purchase.

use siyu_plugin::prelude::*;

use crate::basket::Basket;
use crate::refusal;
use crate::terms::Terms;
use crate::wallet::Coupon;

/// Coupons of one order.
pub(crate) const STACK_MAX: usize = 5;
/// Sets that a choice tries: more than any wallet needs whose groups say with what they combine, and half a millisecond at
/// the most. What was best so far is taken then.
const TRIES_MAX: usize = 256;

/// A coupon that an order could use.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    pub(crate) coupon: Coupon,
    pub(crate) terms: Terms,
}

/// Coupons that fit a purchase together.
#[derive(Debug, Clone)]
pub(crate) struct Applied {
    /// Places of the candidates and what each takes off, in the order in which they are applied.
    pub(crate) uses: Vec<(usize, u64)>,
    /// The purchase after them.
    pub(crate) basket: Basket,
}

impl Applied {
    /// Nothing is used.
    pub(crate) fn nothing(basket: &Basket) -> Self {
        Self { uses: Vec::new(), basket: basket.clone() }
    }

    /// What all of them take off, in fen.
    pub(crate) fn discount_fen(&self) -> u64 {
        self.uses.iter().map(|(_, discount)| discount).sum()
    }
}

/// Applies all of the candidates.
///
/// # Errors
/// Which one does not fit, and why.
pub(crate) fn all(candidates: &[Candidate], basket: &Basket) -> Result<Applied, (usize, Refused)> {
    let mut places: Vec<usize> = (0..candidates.len()).collect();
    if places.len() > STACK_MAX {
        let message = format!("{} coupons, at most {STACK_MAX} are used together", places.len());
        return Err((STACK_MAX, refusal::NOT_COMBINABLE.because(message)));
    }
    for (later, two) in candidates.iter().enumerate() {
        for one in &candidates[..later] {
            if !one.terms.combines_with(&two.terms) {
                let message = format!(
                    "`{}` and `{}` cannot be used together: each must allow the other's stacking group",
                    one.coupon.batch, two.coupon.batch
                );
                return Err((later, refusal::NOT_COMBINABLE.because(message)));
            }
        }
    }
    places.sort_by(|one, two| applied_before(&candidates[*one], &candidates[*two]));
    apply(candidates, &places, basket)
}

/// The order of application: goods, parts, amounts; what ends earlier first, so that the result never hangs on the order
/// of a list.
fn applied_before(one: &Candidate, two: &Candidate) -> std::cmp::Ordering {
    let rank = |candidate: &Candidate| (candidate.terms.worth.rank(), candidate.coupon.until());
    rank(one).cmp(&rank(two)).then_with(|| one.coupon.id.cmp(&two.coupon.id))
}

fn apply(candidates: &[Candidate], places: &[usize], basket: &Basket) -> Result<Applied, (usize, Refused)> {
    let mut applied = Applied::nothing(basket);
    for place in places {
        let discount = applied.basket.apply(&candidates[*place].terms).map_err(|why| (*place, why))?;
        applied.uses.push((*place, discount));
    }
    Ok(applied)
}

/// The set that takes most off. Among equals: fewer coupons, then those that end earlier.
pub(crate) fn best(candidates: &[Candidate], basket: &Basket) -> Applied {
    // What a coupon takes off alone bounds what it takes off after others: those only make the purchase cheaper.
    let mut alone: Vec<(usize, u64)> = Vec::with_capacity(candidates.len());
    for (place, candidate) in candidates.iter().enumerate() {
        if let Ok(discount) = basket.clone().apply(&candidate.terms) {
            alone.push((place, discount));
        }
    }
    alone.sort_by(|one, two| {
        let (a, b) = (&candidates[one.0].coupon, &candidates[two.0].coupon);
        two.1.cmp(&one.1).then_with(|| a.until().cmp(&b.until())).then_with(|| a.id.cmp(&b.id))
    });
    let mut search = Search { candidates, basket, tries: 0, best: Applied::nothing(basket), best_fen: 0 };
    search.extend(&mut Vec::new(), &alone, 0);
    search.best
}

/// A search through sets of coupons that combine, the promising ones first.
struct Search<'a> {
    candidates: &'a [Candidate],
    basket: &'a Basket,
    tries: usize,
    best: Applied,
    best_fen: u64,
}

impl Search<'_> {
    /// Tries every set that holds `chosen`, which takes `sure_fen` off, and some of `rest`.
    fn extend(&mut self, chosen: &mut Vec<usize>, rest: &[(usize, u64)], sure_fen: u64) {
        if chosen.len() == STACK_MAX {
            return;
        }
        for (place, (next, alone_fen)) in rest.iter().enumerate() {
            let after = &rest[place + 1..];
            let room = STACK_MAX - chosen.len() - 1;
            let more: u64 = after.iter().take(room).map(|(_, fen)| fen).sum();
            // The rest is sorted: no set that begins here, nor one that begins later, is better.
            if sure_fen + alone_fen + more <= self.best_fen || self.tries == TRIES_MAX {
                return;
            }
            let candidate = &self.candidates[*next];
            let fits = |other: &usize| self.candidates[*other].terms.combines_with(&candidate.terms);
            if !chosen.iter().all(fits) {
                continue;
            }
            self.tries += 1;
            chosen.push(*next);
            if let Ok(applied) = self.apply(chosen) {
                let fen = applied.discount_fen();
                if fen > self.best_fen {
                    self.best_fen = fen;
                    self.best = applied;
                }
                self.extend(chosen, after, fen);
            }
            chosen.pop();
        }
    }

    fn apply(&self, chosen: &[usize]) -> Result<Applied, (usize, Refused)> {
        let mut places = chosen.to_vec();
        places.sort_by(|one, two| applied_before(&self.candidates[*one], &self.candidates[*two]));
        apply(self.candidates, &places, self.basket)
    }
}
