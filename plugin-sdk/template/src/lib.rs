//! A stamp card: one stamp a day, a gift when the card is full.

use siyu_plugin::prelude::*;
use siyu_plugin::{context, counters, records, resources};

/// A card that customers collect stamps on.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// How many stamps fill the card.
    pub stamps: u32,
    /// How long a stamp counts.
    pub stamp_lasts: Duration,
}

impl Resource for Card {
    const KIND: &'static str = "card";

    fn check(&self, _name: &str, found: &mut Findings) {
        if self.stamps == 0 {
            found.error("/stamps", "CARD_EMPTY", "a card without stamps is never full: expected 1 or more");
        }
    }
}

/// Stamps the customer's card, once a day.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stamp {
    /// The card, a resource of this plugin.
    pub card: String,
}

/// How the card stands.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Stamped {
    /// Stamps that count.
    pub stamps: u32,
    /// Whether this stamp filled the card. The next one begins a new card.
    pub is_full: bool,
}

const STAMPED_TODAY: Refusal = Refusal::new("STAMPED_TODAY", "the customer has a stamp of today");

impl Step for Stamp {
    const NAME: &'static str = "stamp";
    const REFUSALS: &'static [Refusal] = &[STAMPED_TODAY];
    type Output = Stamped;

    fn run(self) -> Result<Stamped, Stop> {
        let card: Card = resources::require(&self.card)?;
        let now = Instant::now();
        let today = now.local(&Zone::of_playbook())?.date();
        let once = key(&["stamped", &self.card, &context::customer()?, &today]);
        STAMPED_TODAY.unless(counters::take(&once, 1, 1)?.ok)?;

        let mine = records::of_customer();
        let mut stamps: Vec<Instant> = mine.get(&self.card)?.unwrap_or_default();
        stamps.retain(|stamp| now.since(*stamp) < card.stamp_lasts);
        stamps.push(now);
        let count = u32::try_from(stamps.len()).unwrap_or(u32::MAX);
        let is_full = count >= card.stamps;
        if is_full {
            stamps.clear();
            CardFilled { card: self.card.clone() }.emit()?;
        }
        mine.put(&self.card, &stamps)?;
        Ok(Stamped { stamps: count, is_full })
    }
}

/// A card is full: the customer has earned the gift.
#[derive(Serialize, JsonSchema)]
pub struct CardFilled {
    /// Which card.
    pub card: String,
}

impl Event for CardFilled {
    const TYPE: &'static str = "stamp_card.filled";
}

siyu_plugin::export! {
    name: "stamp-card",
    version: env!("CARGO_PKG_VERSION"),
    summary: "Stamp cards: one stamp a day, a gift when the card is full.",
    steps: [Stamp],
    resources: [Card],
    events: [CardFilled],
    capabilities: {
        Counters: "gives one stamp a day",
        Events: "says that a card is full",
        Records: "keeps the customer's stamps",
        Resources: "reads the card that an operator defined",
    },
}

#[cfg(test)]
mod tests;
