//! The rules of a campaign, as far as they decide what a draw wins.

use serde::{Deserialize, Deserializer, de};

/// The part of a campaign's definition that decides draws.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Rules {
    #[serde(default)]
    pub(super) title: String,
    pub(super) mode: Mode,
    #[serde(default)]
    pub(super) on_exhausted: OnExhausted,
    pub(super) prizes: Vec<Prize>,
    #[serde(default)]
    pub(super) no_prize: NoPrize,
    #[serde(default)]
    pub(super) pity: Option<Pity>,
    #[serde(default)]
    pub(super) budget_fen: Option<u64>,
    #[serde(default)]
    pub(super) restock_unclaimed: bool,
    #[serde(default)]
    pub(super) rng: Randomness,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Mode {
    Guaranteed,
    Probabilistic,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum OnExhausted {
    #[default]
    Fallback,
    Renormalise,
    Close,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Prize {
    pub(super) id: String,
    #[serde(default)]
    pub(super) name: String,
    pub(super) weight: u32,
    /// How many there are; none without end.
    #[serde(deserialize_with = "stock")]
    pub(super) stock: Option<u64>,
    #[serde(default)]
    pub(super) per_customer: Option<u32>,
    #[serde(default)]
    pub(super) value_fen: u64,
    #[serde(default)]
    pub(super) fallback: bool,
    #[serde(default)]
    pub(super) grant: Grant,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Grant {
    #[serde(default)]
    pub(super) coupon: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct NoPrize {
    #[serde(default)]
    pub(super) name: String,
    #[serde(default)]
    pub(super) weight: u32,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Pity {
    pub(super) after_non_top: u32,
    pub(super) award: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Randomness {
    #[serde(default = "Randomness::none")]
    pub(super) public_randomness: String,
}

/// A number, or the word `unlimited`.
fn stock<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    match (value.as_u64(), value.as_str()) {
        (Some(units), _) => Ok(Some(units)),
        (_, Some("unlimited")) => Ok(None),
        _ => Err(de::Error::custom(format!("stock {value}: expected a whole number or `unlimited`"))),
    }
}

impl Randomness {
    fn none() -> String {
        "none".to_owned()
    }
}

impl Default for Randomness {
    fn default() -> Self {
        Self { public_randomness: Self::none() }
    }
}

impl Rules {
    /// Where a prize stands.
    pub(super) fn place_of(&self, id: &str) -> Option<usize> {
        self.prizes.iter().position(|prize| prize.id == id)
    }

    /// The prize at a place.
    pub(super) fn prize(&self, place: usize) -> Option<&Prize> {
        self.prizes.get(place)
    }

    /// The id of a prize; none for no prize.
    pub(super) fn id(&self, place: Option<usize>) -> Option<&str> {
        place.and_then(|place| self.prize(place)).map(|prize| prize.id.as_str())
    }

    /// What a prize takes from the budget, fen: all but the fallback cost their value.
    pub(super) fn cost_fen(&self, place: usize) -> u64 {
        let prize = self.prize(place).filter(|prize| self.budget_fen.is_some() && !prize.fallback);
        prize.map_or(0, |prize| prize.value_fen)
    }

    /// The highest value of a prize: those that have it are top prizes.
    pub(super) fn top_value_fen(&self) -> u64 {
        self.prizes.iter().map(|prize| prize.value_fen).max().unwrap_or(0)
    }

    /// Whether wins of a single customer decide anything.
    pub(super) fn knows_customers(&self) -> bool {
        self.pity.is_some() || self.prizes.iter().any(|prize| prize.per_customer.is_some())
    }

    /// All prizes and no prize, with their weights.
    pub(super) fn weights(&self) -> Vec<(Option<usize>, u64)> {
        let prizes = self.prizes.iter().enumerate();
        let prizes = prizes.map(|(place, prize)| (Some(place), u64::from(prize.weight)));
        prizes.chain([(None, u64::from(self.no_prize.weight))]).collect()
    }
}

impl Prize {
    /// Whether its customer claims it, instead of being granted it by the workflow at once.
    pub(super) fn is_claimed(&self) -> bool {
        self.grant.coupon.is_none() && self.value_fen > 0
    }
}
