//! Prizes drawn against published odds.

use std::collections::BTreeMap;

use serde::Serialize;

use super::chi_square;
use super::decide::Weights;
use super::rules::Rules;

/// The id of no prize.
const NONE: &str = "none";

/// How often prizes were drawn, and how often they should have been.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Odds {
    /// The campaign's name for people.
    pub title: String,
    /// Draws by the published odds: neither pity draws (保底) nor batch draws.
    pub draws: u64,
    /// The prizes, in the order of the rules.
    pub prizes: Vec<PrizeOdds>,
    /// Pearson's χ² of those draws; rare prizes are put together. None with too few draws to tell.
    pub chi_square: Option<f64>,
    /// Its degrees of freedom.
    pub degrees_of_freedom: Option<u32>,
    /// How likely fair draws are as far from the odds as these; below 0.001 somebody should look.
    pub p_value: Option<f64>,
}

/// One prize; `none` for no prize.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PrizeOdds {
    /// Its id.
    pub prize: String,
    /// Its name for people.
    pub name: String,
    /// Its share by the rules in force, 0 to 1.
    pub odds: f64,
    /// How often it should have been drawn.
    pub expected: f64,
    /// How often it was drawn, whether or not it could be given.
    pub drawn: u64,
    /// How often it was given: drawn, as the fallback, as a pity prize or in a batch.
    pub awarded: u64,
    /// How many there are; none without end.
    pub stock: Option<u64>,
    /// What those given are worth, fen.
    pub awarded_fen: u64,
}

/// Counts while a log is read.
#[derive(Default)]
pub(super) struct Counting {
    draws: u64,
    counts: BTreeMap<String, Count>,
}

#[derive(Default, Clone, Copy)]
struct Count {
    expected: f64,
    drawn: u64,
    awarded: u64,
    awarded_fen: u64,
}

impl Counting {
    /// A draw by the published odds.
    pub(super) fn drawn(&mut self, rules: &Rules, shares: &Weights, chosen: Option<usize>) {
        self.draws += 1;
        self.count(rules, chosen).drawn += 1;
        let total: u64 = shares.iter().map(|(_, weight)| weight).sum();
        if total == 0 {
            self.count(rules, None).expected += 1.0;
            return;
        }
        for (place, weight) in shares {
            self.count(rules, *place).expected += *weight as f64 / total as f64;
        }
    }

    /// A prize was given.
    pub(super) fn awarded(&mut self, rules: &Rules, place: usize) {
        let value_fen = rules.prize(place).map_or(0, |prize| prize.value_fen);
        let count = self.count(rules, Some(place));
        count.awarded += 1;
        count.awarded_fen = count.awarded_fen.saturating_add(value_fen);
    }

    fn count(&mut self, rules: &Rules, place: Option<usize>) -> &mut Count {
        let id = rules.id(place).unwrap_or(NONE);
        if !self.counts.contains_key(id) {
            self.counts.insert(id.to_owned(), Count::default());
        }
        self.counts.entry(id.to_owned()).or_default()
    }

    /// The prizes of the rules in force.
    pub(super) fn report(&self, rules: Option<&Rules>) -> Odds {
        let Some(rules) = rules else { return Odds::default() };
        let total: u64 = rules.weights().iter().map(|(_, weight)| weight).sum();
        let mut prizes = Vec::new();
        for (place, weight) in rules.weights() {
            let prize = place.and_then(|place| rules.prize(place));
            let id = prize.map_or(NONE, |prize| &prize.id);
            let count = self.counts.get(id).copied().unwrap_or_default();
            if prize.is_none() && weight == 0 && count.drawn == 0 {
                continue;
            }
            prizes.push(PrizeOdds {
                prize: id.to_owned(),
                name: prize.map_or(&rules.no_prize.name, |prize| &prize.name).clone(),
                odds: if total == 0 { 0.0 } else { weight as f64 / total as f64 },
                expected: count.expected,
                drawn: count.drawn,
                awarded: count.awarded,
                stock: prize.and_then(|prize| prize.stock),
                awarded_fen: count.awarded_fen,
            });
        }
        let cells: Vec<_> = self.counts.values().map(|count| (count.drawn, count.expected)).collect();
        let test = chi_square::test(&cells);
        Odds {
            title: rules.title.clone(),
            draws: self.draws,
            prizes,
            chi_square: test.map(|(square, ..)| square),
            degrees_of_freedom: test.map(|(_, freedom, _)| freedom),
            p_value: test.map(|(.., probability)| probability),
        }
    }
}
