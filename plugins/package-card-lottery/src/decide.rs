//! What a draw wins: the rules, and nothing else. The same function decides in a draw and in its verification. Never asks
//! the host; what it must know comes through a [`Shelf`].

use crate::campaign::{Campaign, Mode, OnExhausted};
use crate::fair::Number;
use crate::line::Reason;

/// What there is at the moment of a draw.
pub(crate) trait Shelf {
    type Fault;

    /// Units of a prize that are left; none for one without end.
    fn stock_left(&mut self, prize: usize) -> Result<Option<u64>, Self::Fault>;
    /// Fen of the budget that are left; none without a budget.
    fn budget_left(&mut self) -> Result<Option<u64>, Self::Fault>;
    /// How many of a prize the customer has won.
    fn won(&self, prize: usize) -> u32;
    /// Draws of the customer in a row without a top prize.
    fn misses(&self) -> u32;
    /// The number that is drawn below `total`.
    fn number(&mut self, total: u64) -> Result<Number, Self::Fault>;
}

/// What a draw came to. Prizes are places in the rules; none is no prize.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Decision {
    pub(crate) total: u64,
    pub(crate) number: Number,
    pub(crate) chosen: Option<usize>,
    pub(crate) awarded: Option<usize>,
    pub(crate) reason: Reason,
    /// Units of the awarded prize before it was given.
    pub(crate) stock_before: Option<u64>,
    /// Fen of the budget before, when the awarded prize costs some.
    pub(crate) budget_before: Option<u64>,
}

/// How a draw ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Drawn(Decision),
    /// Nothing can be given: the lottery closes.
    Closed,
}

/// Prizes and their weights in a draw; none is no prize.
type Weights = Vec<(Option<usize>, u64)>;

/// Decides a draw.
pub(crate) fn decide<S: Shelf>(rules: &Campaign, shelf: &mut S) -> Result<Ending, S::Fault> {
    let pity = pity_weights(rules, shelf)?;
    let is_pity = pity.is_some();
    let weights = match pity {
        Some(weights) => weights,
        None if rules.on_exhausted == OnExhausted::Renormalise => what_is_left(rules, shelf)?,
        None => everything(rules),
    };
    let total = weights.iter().map(|(_, weight)| weight).sum();
    let number = shelf.number(total)?;
    // With a total of 0 nothing is chosen: everything that has a weight is used up.
    let chosen = walk(&weights, number.r);
    let drawn = Drawn { total, number, chosen };
    let Some(prize) = chosen else {
        let is_empty = total == 0 && rules.mode == Mode::Guaranteed;
        return if is_empty {
            fall_back(rules, shelf, drawn, Reason::Stock)
        } else {
            Ok(drawn.nothing(Reason::Drawn))
        };
    };
    let reason = if is_pity { Reason::Pity } else { Reason::Drawn };
    match obstacle(rules, shelf, prize)? {
        None => award(rules, shelf, drawn, prize, reason),
        Some(Reason::Stock | Reason::Budget) if rules.on_exhausted == OnExhausted::Close => {
            Ok(Ending::Closed)
        }
        Some(why) => match rules.mode {
            Mode::Guaranteed => fall_back(rules, shelf, drawn, why),
            Mode::Probabilistic => Ok(drawn.nothing(why)),
        },
    }
}

/// Misses of a customer after a draw.
pub(crate) fn misses_after(rules: &Campaign, before: u32, awarded: Option<usize>, reason: Reason) -> u32 {
    let top = rules.top_value_fen();
    let is_top = awarded.is_some_and(|prize| rules.prizes[prize].value_fen == top);
    if is_top || reason == Reason::Pity { 0 } else { before.saturating_add(1) }
}

/// What was drawn, before it is known whether it can be given.
#[derive(Clone, Copy)]
struct Drawn {
    total: u64,
    number: Number,
    chosen: Option<usize>,
}

impl Drawn {
    fn nothing(self, reason: Reason) -> Ending {
        let Self { total, number, chosen } = self;
        Ending::Drawn(Decision {
            total,
            number,
            chosen,
            awarded: None,
            reason,
            stock_before: None,
            budget_before: None,
        })
    }
}

fn award<S: Shelf>(
    rules: &Campaign,
    shelf: &mut S,
    drawn: Drawn,
    prize: usize,
    reason: Reason,
) -> Result<Ending, S::Fault> {
    let costs = costs_budget(rules, prize);
    let Drawn { total, number, chosen } = drawn;
    Ok(Ending::Drawn(Decision {
        total,
        number,
        chosen,
        awarded: Some(prize),
        reason,
        stock_before: shelf.stock_left(prize)?,
        budget_before: if costs { shelf.budget_left()? } else { None },
    }))
}

/// The fallback prize, which nothing but its stock can hold back. When that is gone the promise cannot be kept, and the
/// lottery closes.
fn fall_back<S: Shelf>(
    rules: &Campaign,
    shelf: &mut S,
    drawn: Drawn,
    reason: Reason,
) -> Result<Ending, S::Fault> {
    match rules.fallback() {
        Some(prize) if shelf.stock_left(prize)? != Some(0) => award(rules, shelf, drawn, prize, reason),
        _ => Ok(Ending::Closed),
    }
}

/// Whether a prize is paid from the budget: all but the fallback and what is worth nothing.
pub(crate) fn costs_budget(rules: &Campaign, prize: usize) -> bool {
    let prize = &rules.prizes[prize];
    rules.budget_fen.is_some() && !prize.fallback && prize.value_fen > 0
}

/// Why a prize cannot be given, if so: stock first, then the customer's share, then the budget.
pub(crate) fn obstacle<S: Shelf>(
    rules: &Campaign,
    shelf: &mut S,
    prize: usize,
) -> Result<Option<Reason>, S::Fault> {
    if shelf.stock_left(prize)? == Some(0) {
        return Ok(Some(Reason::Stock));
    }
    let found = &rules.prizes[prize];
    if found.per_customer.is_some_and(|most| shelf.won(prize) >= most) {
        return Ok(Some(Reason::Cap));
    }
    if costs_budget(rules, prize) && shelf.budget_left()?.is_some_and(|left| left < found.value_fen) {
        return Ok(Some(Reason::Budget));
    }
    Ok(None)
}

fn everything(rules: &Campaign) -> Weights {
    let prizes = rules.prizes.iter().enumerate().map(|(place, prize)| (Some(place), u64::from(prize.weight)));
    prizes.chain([(None, u64::from(rules.no_prize.weight))]).collect()
}

/// Prizes with stock and room for this customer.
fn what_is_left<S: Shelf>(rules: &Campaign, shelf: &mut S) -> Result<Weights, S::Fault> {
    let mut weights = Weights::with_capacity(rules.prizes.len() + 1);
    for (prize, weight) in everything(rules) {
        let is_gone = match prize {
            Some(place) => matches!(obstacle(rules, shelf, place)?, Some(Reason::Stock | Reason::Cap)),
            None => false,
        };
        if !is_gone {
            weights.push((prize, weight));
        }
    }
    Ok(weights)
}

/// The prizes of a pity draw, if one is due and one of them can be given; otherwise the draw is one like others, and the
/// next one is due again.
fn pity_weights<S: Shelf>(rules: &Campaign, shelf: &mut S) -> Result<Option<Weights>, S::Fault> {
    let Some(pity) = rules.pity.as_ref().filter(|pity| shelf.misses() >= pity.after_non_top) else {
        return Ok(None);
    };
    let mut weights = Weights::new();
    for (place, prize) in rules.prizes.iter().enumerate() {
        if pity.award.contains(&prize.id) && obstacle(rules, shelf, place)?.is_none() {
            weights.push((Some(place), u64::from(prize.weight)));
        }
    }
    if weights.iter().all(|(_, weight)| *weight == 0) {
        weights.iter_mut().for_each(|(_, weight)| *weight = 1);
    }
    Ok((!weights.is_empty()).then_some(weights))
}

/// The first prize whose weight, added to those before it, passes the number.
fn walk(weights: &Weights, r: u64) -> Option<usize> {
    let mut passed = 0;
    let hit = weights.iter().find(|(_, weight)| {
        passed += weight;
        passed > r
    });
    hit.and_then(|(prize, _)| *prize)
}

/// The share of each prize in a draw, for expected frequencies; the last one is of no prize.
pub(crate) fn shares<S: Shelf>(
    rules: &Campaign,
    shelf: &mut S,
) -> Result<Vec<(Option<usize>, u64)>, S::Fault> {
    if rules.on_exhausted == OnExhausted::Renormalise {
        what_is_left(rules, shelf)
    } else {
        Ok(everything(rules))
    }
}

#[cfg(test)]
mod tests;
