//! How often prizes were drawn, and how often they should have been. The only place with fractions, and nothing is
//! decided by them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::history::Shares;
use crate::campaign::Campaign;
use crate::line::DrawLine;

/// How often a prize was drawn, and how often it should have been.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Frequency {
    /// The prize's id; `none` for no prize.
    pub prize: String,
    /// How often it was drawn, whether or not it could be given.
    pub drawn: u64,
    /// How often it should have been, in thousandths.
    pub expected_milli: u64,
}

/// Counted over a log. The last place is of no prize.
#[derive(Default)]
pub(super) struct Frequencies {
    ids: Vec<String>,
    drawn: Vec<u64>,
    expected: Vec<f64>,
}

impl Frequencies {
    pub(super) fn configure(&mut self, rules: &Campaign) {
        let ids = rules.prizes.iter().map(|prize| prize.id.clone()).chain(["none".to_owned()]).collect();
        // Ids differ only while nothing was drawn.
        if self.ids != ids {
            self.ids = ids;
            self.drawn = vec![0; self.ids.len()];
            self.expected = vec![0.0; self.ids.len()];
        }
    }

    pub(super) fn count(&mut self, line: &DrawLine<'_>, shares: &Shares) {
        let last = self.ids.len() - 1;
        let chosen = line.chosen.as_deref().and_then(|id| self.ids.iter().position(|known| known == id));
        self.drawn[chosen.unwrap_or(last)] += 1;
        let total: u64 = shares.iter().map(|(_, weight)| weight).sum();
        if total == 0 {
            self.expected[last] += 1.0;
            return;
        }
        for (place, weight) in shares {
            self.expected[place.unwrap_or(last)] += *weight as f64 / total as f64;
        }
    }

    /// Frequencies, χ² in thousandths, degrees of freedom.
    pub(super) fn report(&self) -> (Vec<Frequency>, u64, u32) {
        let mut chi_square = 0.0;
        let mut possible: u32 = 0;
        let mut found = Vec::new();
        for ((id, drawn), expected) in self.ids.iter().zip(&self.drawn).zip(&self.expected) {
            if *expected > 0.0 {
                let difference = *drawn as f64 - expected;
                chi_square += difference * difference / expected;
                possible += 1;
            } else if *drawn == 0 {
                continue;
            }
            let expected_milli = (expected * 1_000.0).round() as u64;
            found.push(Frequency { prize: id.clone(), drawn: *drawn, expected_milli });
        }
        (found, (chi_square * 1_000.0).round() as u64, possible.saturating_sub(1))
    }
}
