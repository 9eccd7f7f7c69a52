//! What a draw reads and never writes: the secrets of a campaign, and its rules in a short form. Reading a document costs by
//! its bytes, and a draw needs neither the names of fields nor what is told to customers.

use serde::{Deserialize, Serialize};
use siyu_plugin::{Duration, Instant};

use crate::campaign::{
    Campaign, Disclosure, Eligibility, Entry, EntryBy, Grant, Limits, Mode, NoPrize, OnExhausted, Pity,
    Prize, Randomness, Reveal, Stock, Told, Window,
};
use crate::fair::{Keyed, Secret};

/// The secrets and the rules in force. Written when a campaign is published, and when randomness is mixed in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Seal {
    pub(crate) config_version: u32,
    pub(crate) config_hash: String,
    /// What draws come from; told when the campaign is over.
    pub(crate) seed: Secret,
    /// What names in the log come from; never told.
    pub(crate) salt: Secret,
    /// What signs cards; never told.
    pub(crate) card_key: Secret,
    /// The seed with public randomness, once that was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mixed: Option<Secret>,
    rules: Option<Short>,
}

impl Seal {
    /// New secrets, and no rules yet.
    pub(crate) fn new() -> Self {
        Self {
            config_version: 0,
            config_hash: String::new(),
            seed: Secret::random(),
            salt: Secret::random(),
            card_key: Secret::random(),
            mixed: None,
            rules: None,
        }
    }

    /// A new version of the rules.
    pub(crate) fn configure(&mut self, rules: &Campaign, config_hash: String) {
        self.config_version += 1;
        self.config_hash = config_hash;
        self.rules = Some(Short::of(rules));
    }

    /// Whether its rules are in it.
    pub(crate) fn is_whole(&self) -> bool {
        self.rules.is_some()
    }

    /// The rules in force, without what is told to customers; none when they were taken already.
    pub(crate) fn take_rules(&mut self) -> Option<Campaign> {
        self.rules.take().map(Short::into_rules)
    }

    pub(crate) fn is_mixed(&self) -> bool {
        self.mixed.is_some()
    }

    pub(crate) fn mix(&mut self, source: &str, value: &str) {
        self.mixed = Some(self.seed.mixed_with(source, value));
    }

    /// The seed that draws come from.
    pub(crate) fn source(&self) -> Keyed {
        self.mixed.as_ref().unwrap_or(&self.seed).keyed()
    }

    /// A customer's name in the log: the same in the whole campaign, and nobody's once the customer's id is forgotten.
    pub(crate) fn pseudonym(&self, customer: &str) -> String {
        self.salt.pseudonym("customer", customer)
    }
}

/// Rules as a list: window in milliseconds, entry, eligibility if there is any, limits, mode, exhaustion, prizes, no
/// prize, pity, budget, time to claim in milliseconds, restocking, randomness.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Short(
    (i64, i64, u64),
    (EntryBy, bool, bool),
    Option<Box<Eligibility>>,
    (Option<u32>, u32, u32, Option<u32>, Option<u64>, u32),
    Mode,
    OnExhausted,
    Vec<ShortPrize>,
    (String, u32),
    Option<Pity>,
    Option<u64>,
    Option<u64>,
    bool,
    (Option<String>, Reveal),
);

/// A prize as a list: id, name, class, weight, stock, share, value, fallback, coupon.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct ShortPrize(String, String, Option<String>, u32, Stock, Option<u32>, u64, bool, Option<String>);

impl Short {
    fn of(rules: &Campaign) -> Self {
        let Campaign { window, entry, limits, no_prize, .. } = rules.clone();
        let eligibility = Some(rules.eligibility.clone()).filter(|found| *found != Eligibility::default());
        Self(
            (window.start.as_millis(), window.end.as_millis(), window.grace_late_event.as_millis()),
            (entry.by, entry.signed, entry.shipped_only),
            eligibility.map(Box::new),
            (
                limits.per_customer,
                limits.per_card,
                limits.per_order,
                limits.per_customer_per_day,
                limits.per_day_total,
                limits.per_grant,
            ),
            rules.mode,
            rules.on_exhausted,
            rules.prizes.iter().map(ShortPrize::of).collect(),
            (no_prize.name, no_prize.weight),
            rules.pity.clone(),
            rules.budget_fen,
            rules.claim_within.map(Duration::as_millis),
            rules.restock_unclaimed,
            (rules.public_source().map(str::to_owned), rules.rng.reveal),
        )
    }

    fn into_rules(self) -> Campaign {
        let Self(window, entry, eligibility, limits, mode, on_exhausted, prizes, no_prize, pity, ..) = self;
        let (budget_fen, claim_ms, restock_unclaimed, (public, reveal)) = (self.9, self.10, self.11, self.12);
        Campaign {
            title: String::new(),
            window: Window {
                start: Instant::from_millis(window.0),
                end: Instant::from_millis(window.1),
                grace_late_event: Duration::from_millis(window.2),
            },
            entry: Entry { by: entry.0, signed: entry.1, shipped_only: entry.2 },
            eligibility: eligibility.map(|found| *found).unwrap_or_default(),
            limits: Limits {
                per_customer: limits.0,
                per_card: limits.1,
                per_order: limits.2,
                per_customer_per_day: limits.3,
                per_day_total: limits.4,
                per_grant: limits.5,
            },
            mode,
            on_exhausted,
            prizes: prizes.into_iter().map(ShortPrize::into_prize).collect(),
            no_prize: NoPrize { name: no_prize.0, weight: no_prize.1 },
            pity,
            budget_fen,
            expected_entries: None,
            claim_within: claim_ms.map(Duration::from_millis),
            restock_unclaimed,
            rng: Randomness {
                reveal,
                public_randomness: public.unwrap_or_else(|| "none".to_owned()),
                ..Randomness::default()
            },
            disclosure: untold(),
        }
    }
}

/// What is told to customers is not part of the short form.
fn untold() -> Disclosure {
    Disclosure {
        organiser: String::new(),
        contact: String::new(),
        rules_url: String::new(),
        prize_count_or_probability: Told::Both,
        participation: None,
        delivery: None,
        forfeiture: None,
    }
}

impl ShortPrize {
    fn of(prize: &Prize) -> Self {
        let Prize { id, name, tier, weight, stock, per_customer, value_fen, fallback, grant } = prize.clone();
        Self(id, name, tier, weight, stock, per_customer, value_fen, fallback, grant.coupon)
    }

    fn into_prize(self) -> Prize {
        let Self(id, name, tier, weight, stock, per_customer, value_fen, fallback, coupon) = self;
        Prize { id, name, tier, weight, stock, per_customer, value_fen, fallback, grant: Grant { coupon } }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{merge, rules};

    #[test]
    fn the_short_form_loses_nothing_that_a_draw_needs() {
        let full = json!({
            "entry": { "by": "chance" },
            "eligibility": { "require": "friend", "if": "1 == 1", "exclude_tags": ["staff"], "min_age": 18 },
            "limits": { "per_customer": 2, "per_card": 3, "per_order": 4, "per_customer_per_day": 5, "per_day_total": 6, "per_grant": 7 },
            "on_exhausted": "close", "no_prize": { "name": "x", "weight": 8 },
            "pity": { "after_non_top": 9, "award": ["p30"] }, "budget_fen": 10, "claim_within": "11s",
            "restock_unclaimed": true, "rng": { "public_randomness": "drand:12", "reveal": "by_step" },
        });
        for changes in [json!({}), json!({ "mode": "probabilistic" }), full] {
            let mut rules = rules();
            merge(&mut rules, changes);
            let mut whole: Campaign = serde_json::from_value(rules).unwrap();
            let text = serde_json::to_string(&Short::of(&whole)).unwrap();
            whole.disclosure = untold();
            whole.title = String::new();
            whole.expected_entries = None;
            assert_eq!(serde_json::from_str::<Short>(&text).unwrap().into_rules(), whole);
        }
    }
}
