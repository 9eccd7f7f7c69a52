//! What a customer has done in a campaign: one small document of the customer, which is in memory when a step runs for
//! them. Never holds the customer's id: that goes when the customer is forgotten.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use siyu_plugin::{Error, records};

use crate::campaign::Prize;
use crate::chain::Ledger;
use crate::keys;

/// A customer in a campaign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Standing {
    /// The customer's name in the log.
    pub(crate) name: String,
    /// Draws so far.
    pub(crate) draws: u32,
    /// The last calendar day with a draw; only where days are counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    day: Option<String>,
    /// Draws on that day.
    #[serde(default, skip_serializing_if = "is_zero")]
    day_draws: u32,
    /// Prizes won, by id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) won: BTreeMap<String, u32>,
    /// Draws in a row without a top prize.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) misses: u32,
    /// Chances that were granted.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) granted: u32,
    /// Chances that were used.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) used: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Standing {
    /// A customer's standing; a new one when there is none.
    pub(crate) fn of(ledger: &Ledger, customer: &str) -> Result<Self, Error> {
        let known = records::of(customer).get(&keys::standing(&ledger.campaign))?;
        Ok(known.unwrap_or_else(|| Self {
            name: ledger.seal.pseudonym(customer),
            draws: 0,
            day: None,
            day_draws: 0,
            won: BTreeMap::new(),
            misses: 0,
            granted: 0,
            used: 0,
        }))
    }

    pub(crate) fn save(&self, campaign: &str, customer: &str) -> Result<(), Error> {
        records::of(customer).put(&keys::standing(campaign), self)
    }

    /// Chances that are left.
    pub(crate) fn chances(&self) -> u32 {
        self.granted.saturating_sub(self.used)
    }

    /// How many of a prize the customer has won.
    pub(crate) fn won(&self, prize: &Prize) -> u32 {
        self.won.get(&prize.id).copied().unwrap_or(0)
    }

    /// Draws on a calendar day.
    pub(crate) fn draws_on(&self, day: &str) -> u32 {
        if self.day.as_deref() == Some(day) { self.day_draws } else { 0 }
    }

    /// The last day with a draw, where days are counted.
    pub(crate) fn last_day(&self) -> Option<&str> {
        self.day.as_deref()
    }

    /// One more draw.
    pub(crate) fn count_draw(&mut self, day: Option<String>) {
        self.draws += 1;
        if let Some(day) = day {
            self.day_draws = self.draws_on(&day) + 1;
            self.day = Some(day);
        }
    }

    /// One more prize. Wins are counted of every prize, so that a limit that comes later holds for what was won before.
    pub(crate) fn count_prize(&mut self, prize: &Prize) {
        *self.won.entry(prize.id.clone()).or_default() += 1;
    }
}
