//! What a draw wins by the rules, from the number that was drawn and what was left then.

use super::history::{History, Person};
use super::rules::{Mode, OnExhausted, Rules};

/// Prizes and their weights; none is no prize.
pub(super) type Weights = Vec<(Option<usize>, u64)>;

/// What a draw must come to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Decision {
    /// The sum of the weights that were drawn among.
    pub(super) total: u64,
    pub(super) chosen: Option<usize>,
    pub(super) awarded: Option<usize>,
    pub(super) reason: &'static str,
    /// Units of the awarded prize before it was given.
    pub(super) stock_before: Option<u64>,
    /// Fen of the budget before, when the awarded prize costs some.
    pub(super) budget_before: Option<u64>,
}

/// The moment of a draw.
pub(super) struct Moment<'a> {
    pub(super) rules: &'a Rules,
    pub(super) history: &'a History,
    pub(super) person: &'a Person,
}

impl Moment<'_> {
    /// The weights that the draw is among, and whether a pity draw (保底) was due.
    pub(super) fn weights(&self) -> (Weights, bool) {
        match self.pity() {
            Some(weights) => (weights, true),
            None => (self.shares(), false),
        }
    }

    /// The weights of a draw that is no pity draw.
    pub(super) fn shares(&self) -> Weights {
        let mut weights = self.rules.weights();
        if self.rules.on_exhausted == OnExhausted::Renormalise {
            weights.retain(|(place, _)| {
                !place.is_some_and(|place| matches!(self.obstacle(place), Some("stock" | "cap")))
            });
        }
        weights
    }

    /// The prizes of a pity draw, if one is due and one of them can be given.
    fn pity(&self) -> Option<Weights> {
        let pity = self.rules.pity.as_ref().filter(|pity| self.person.misses >= pity.after_non_top)?;
        let places = self.rules.prizes.iter().enumerate();
        let mut weights: Weights = places
            .filter(|(place, prize)| pity.award.contains(&prize.id) && self.obstacle(*place).is_none())
            .map(|(place, prize)| (Some(place), u64::from(prize.weight)))
            .collect();
        if weights.iter().all(|(_, weight)| *weight == 0) {
            weights.iter_mut().for_each(|(_, weight)| *weight = 1);
        }
        (!weights.is_empty()).then_some(weights)
    }

    /// Why a prize cannot be given, if so: stock first, then the customer's share, then the budget.
    pub(super) fn obstacle(&self, place: usize) -> Option<&'static str> {
        let prize = self.rules.prize(place)?;
        let won = self.person.won.get(&place).copied().unwrap_or(0);
        let cost = self.rules.cost_fen(place);
        if self.history.stock_left(self.rules, place) == Some(0) {
            Some("stock")
        } else if prize.per_customer.is_some_and(|most| won >= most) {
            Some("cap")
        } else if cost > 0 && self.history.budget_left(self.rules).is_some_and(|left| left < cost) {
            Some("budget")
        } else {
            None
        }
    }

    /// What the draw comes to; none when nothing can be given and the lottery has to close.
    pub(super) fn decide(&self, weights: &Weights, is_pity: bool, r: u64) -> Option<Decision> {
        let total = weights.iter().map(|(_, weight)| weight).sum();
        let chosen = walk(weights, r);
        let decision = |awarded: Option<usize>, reason| {
            let costs = awarded.is_some_and(|place| self.rules.cost_fen(place) > 0);
            Decision {
                total,
                chosen,
                awarded,
                reason,
                stock_before: awarded.and_then(|place| self.history.stock_left(self.rules, place)),
                budget_before: self.history.budget_left(self.rules).filter(|_| costs),
            }
        };
        let fallback = |reason| {
            let place = self.rules.prizes.iter().position(|prize| prize.fallback)?;
            let is_left = self.history.stock_left(self.rules, place) != Some(0);
            is_left.then(|| decision(Some(place), reason))
        };
        let is_guaranteed = self.rules.mode == Mode::Guaranteed;
        let Some(place) = chosen else {
            // With no weight at all everything that has one is used up.
            return if total == 0 && is_guaranteed {
                fallback("stock")
            } else {
                Some(decision(None, "drawn"))
            };
        };
        match self.obstacle(place) {
            None => Some(decision(Some(place), if is_pity { "pity" } else { "drawn" })),
            Some("stock" | "budget") if self.rules.on_exhausted == OnExhausted::Close => None,
            Some(why) if is_guaranteed => fallback(why),
            Some(why) => Some(decision(None, why)),
        }
    }
}

/// The first prize whose weight, added to those before it, passes the number.
fn walk(weights: &Weights, r: u64) -> Option<usize> {
    let mut passed = 0;
    let hit = weights.iter().find(|(_, weight)| {
        passed += weight;
        passed > r
    });
    hit.and_then(|(place, _)| *place)
}
