//! What a purchase costs, and what a coupon takes off it. Whole fen throughout: nothing is lost or made by rounding.
//!
//! Never asks the host: the same purchase and the same terms give the same discount.

#[cfg(test)]
mod tests;

use siyu_plugin::prelude::*;

use crate::refusal;
use crate::terms::{Terms, Worth};

/// The largest amount of a purchase, in fen: a million million yuan, far below what 2^53 holds.
pub(crate) const AMOUNT_FEN_MAX: u64 = 100_000_000_000_000;
/// Lines of one purchase.
pub(crate) const LINES_MAX: usize = 500;

/// Goods of one kind in a purchase.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Which goods.
    pub sku: String,
    /// What all of them cost, in fen, before coupons and without shipping.
    pub amount_fen: u64,
    /// How many they are.
    #[serde(default = "Line::default_count")]
    #[schemars(range(min = 1))]
    pub count: u64,
}

impl Line {
    fn default_count() -> u64 {
        1
    }
}

/// A purchase that coupons are applied to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Basket {
    lines: Vec<Part>,
    has_skus: bool,
    channel: Option<String>,
    /// All of it before coupons, in fen.
    pub(crate) amount_fen: u64,
}

/// A line and what of it is still to be paid.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    sku: String,
    count: u64,
    left_fen: u64,
}

impl Basket {
    /// A purchase as a step's input gives it: an amount, lines, or both.
    ///
    /// # Errors
    /// An invalid input when neither is given, when they disagree, and when an amount is beyond [`AMOUNT_FEN_MAX`].
    pub(crate) fn new(amount_fen: Option<u64>, lines: &[Line], channel: Option<&str>) -> Result<Self, Fault> {
        if lines.len() > LINES_MAX {
            return Err(Fault::invalid(
                "/lines",
                format!("{} lines, expected at most {LINES_MAX}", lines.len()),
            ));
        }
        let mut sum: u64 = 0;
        for (place, line) in lines.iter().enumerate() {
            if line.count == 0 {
                return Err(Fault::invalid(format!("/lines/{place}/count"), "0 units, expected 1 or more"));
            }
            sum = sum.saturating_add(line.amount_fen);
        }
        let amount = match (amount_fen, lines.is_empty()) {
            (None, true) => return Err(Fault::invalid("/amount_fen", "expected `amount_fen` or `lines`")),
            (Some(amount), true) => amount,
            (Some(amount), false) if amount != sum => {
                let message =
                    format!("{amount} fen, but the lines cost {sum} fen together: expected the same");
                return Err(Fault::invalid("/amount_fen", message));
            }
            (_, false) => sum,
        };
        if amount > AMOUNT_FEN_MAX {
            let message = format!("{amount} fen, expected at most {AMOUNT_FEN_MAX}");
            return Err(Fault::invalid("/amount_fen", message));
        }
        let part = |line: &Line| Part { sku: line.sku.clone(), count: line.count, left_fen: line.amount_fen };
        let lines: Vec<Part> = match lines {
            [] => vec![Part { sku: String::new(), count: 1, left_fen: amount }],
            lines => lines.iter().map(part).collect(),
        };
        let has_skus = lines.iter().any(|line| !line.sku.is_empty());
        Ok(Self { lines, has_skus, channel: channel.map(str::to_owned), amount_fen: amount })
    }

    /// Takes off what a coupon takes off; how much, in fen.
    ///
    /// # Errors
    /// Why it takes nothing off; then nothing has changed.
    pub(crate) fn apply(&mut self, terms: &Terms) -> Result<u64, Refused> {
        let places = self.in_scope(terms)?;
        let base: u64 = places.iter().map(|place| self.lines[*place].left_fen).sum();
        if base < terms.min_spend_fen {
            let missing_fen = terms.min_spend_fen - base;
            let message = format!("the goods cost {base} fen, {} fen are needed", terms.min_spend_fen);
            return Err(refusal::MIN_SPEND.because(message).details(json!({ "missing_fen": missing_fen })));
        }
        let discount = match terms.worth {
            Worth::AmountOff { value_fen } => self.spread(&places, base, value_fen),
            Worth::PercentOff { off_bp, max_discount_fen } => {
                // Fractions of a fen are not given. The product has at most 60 bits.
                let part = base.saturating_mul(u64::from(off_bp)) / 10_000;
                self.spread(&places, base, part.min(max_discount_fen.unwrap_or(u64::MAX)))
            }
            Worth::Exchange { value_fen } => self.one_unit(&places, |unit| unit.min(value_fen)),
            Worth::PriceRight { price_fen, .. } => {
                self.one_unit(&places, |unit| unit.saturating_sub(price_fen))
            }
        };
        if discount == 0 {
            return Err(refusal::NO_DISCOUNT.into());
        }
        Ok(discount)
    }

    /// Places of the lines that the coupon is for.
    fn in_scope(&self, terms: &Terms) -> Result<Vec<usize>, Refused> {
        let scope = &terms.scope;
        let has = |list: &[String], name: &str| list.iter().any(|listed| listed == name);
        if !scope.channels.is_empty()
            && !self.channel.as_deref().is_some_and(|channel| has(&scope.channels, channel))
        {
            let found = self.channel.as_deref().unwrap_or("none");
            return Err(refusal::NOT_IN_SCOPE
                .because(format!("the order's channel is {found}, expected {}", scope.channels.join(", "))));
        }
        let asks_for_skus = !scope.skus.is_empty() || !scope.exclude.is_empty();
        if asks_for_skus && !self.has_skus {
            return Err(refusal::NOT_IN_SCOPE
                .because("the coupon is for certain goods only: the step needs `lines` to know them"));
        }
        let fits = |sku: &str| (scope.skus.is_empty() || has(&scope.skus, sku)) && !has(&scope.exclude, sku);
        let lines = self.lines.iter().enumerate();
        let places: Vec<usize> =
            lines.filter(|(_, line)| !asks_for_skus || fits(&line.sku)).map(|(place, _)| place).collect();
        if places.is_empty() {
            return Err(refusal::NOT_IN_SCOPE.into());
        }
        Ok(places)
    }

    /// Takes an amount off lines in proportion to what they cost, by largest remainder: the parts sum to the whole and no
    /// line goes below nothing.
    fn spread(&mut self, places: &[usize], base: u64, wanted: u64) -> u64 {
        let discount = wanted.min(base);
        if discount == 0 {
            return 0;
        }
        let (wide, whole) = (u128::from(discount), u128::from(base));
        let mut given = 0;
        let mut rests: Vec<(u128, usize)> = Vec::with_capacity(places.len());
        for place in places {
            let line = &mut self.lines[*place];
            let exact = wide * u128::from(line.left_fen);
            // At most what is left, as the discount is at most the base.
            let part = u64::try_from(exact / whole).unwrap_or(0);
            rests.push((exact % whole, *place));
            line.left_fen -= part;
            given += part;
        }
        // The largest remainder first, the earlier line among equals.
        rests.sort_unstable_by(|one, two| two.0.cmp(&one.0).then(one.1.cmp(&two.1)));
        let missing = usize::try_from(discount - given).unwrap_or(0);
        for (_, place) in rests.into_iter().take(missing) {
            self.lines[place].left_fen -= 1;
        }
        discount
    }

    /// Takes something off one unit: the one from which most comes off, the earlier line among equals.
    fn one_unit(&mut self, places: &[usize], off: impl Fn(u64) -> u64) -> u64 {
        let mut best: Option<(u64, usize)> = None;
        for place in places {
            let line = &self.lines[*place];
            let discount = off(line.left_fen / line.count);
            if best.is_none_or(|(most, _)| discount > most) {
                best = Some((discount, *place));
            }
        }
        let Some((discount, place)) = best else {
            return 0;
        };
        self.lines[place].left_fen -= discount;
        discount
    }

    /// What is left to pay of each line, in the order of the input.
    pub(crate) fn left_fen(&self) -> Vec<u64> {
        self.lines.iter().map(|line| line.left_fen).collect()
    }

    /// What a request is told apart by: the same purchase has the same text.
    pub(crate) fn spell(&self, text: &mut String) {
        use std::fmt::Write;
        // Writing to a String does not fail.
        let _ = write!(text, "{}|{:?}", self.amount_fen, self.channel);
        if self.has_skus {
            for line in &self.lines {
                let _ = write!(text, "|{:?}*{}={}", line.sku, line.count, line.left_fen);
            }
        }
    }
}
