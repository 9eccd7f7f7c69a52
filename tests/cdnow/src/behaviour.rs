//! The model of what the order history does not hold: `tests/cdnow/behaviour.toml`, and the chances drawn from it.

use std::path::Path;

use anyhow::Context;
use serde::Deserialize;

/// From and to, both inside.
pub(crate) type Range = [u32; 2];

/// The whole file; what each rate means stands beside it there.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Behaviour {
    pub(crate) seed: u64,
    pub(crate) orders: Orders,
    pub(crate) leads: Vec<Lead>,
    pub(crate) card: Card,
    pub(crate) delivery: Delivery,
    pub(crate) replies: Replies,
    pub(crate) friends: Friends,
    pub(crate) refunds: Refunds,
    pub(crate) flash: Flash,
    pub(crate) delivery_of_events: DeliveryOfEvents,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Orders {
    pub(crate) days_later: u32,
    pub(crate) fen_per_cent: f64,
    pub(crate) hours: Range,
    pub(crate) products: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Lead {
    pub(crate) channel: String,
    pub(crate) share_of_buyers: f64,
    pub(crate) first_order_rate: f64,
    pub(crate) days_before_first_order: Range,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Card {
    pub(crate) scan_first: f64,
    pub(crate) scan_later: f64,
    pub(crate) add: f64,
    pub(crate) minutes_after_arrival: Range,
    pub(crate) scan_again: f64,
    pub(crate) two_people: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Delivery {
    pub(crate) ships_after_hours: Range,
    pub(crate) arrives_after_hours: Range,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Replies {
    pub(crate) address: f64,
    pub(crate) address_minutes: Range,
    pub(crate) group: f64,
    pub(crate) group_minutes: Range,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Friends {
    pub(crate) delete: f64,
    pub(crate) delete_after_days: Range,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Refunds {
    pub(crate) rate: f64,
    pub(crate) after_days: Range,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Flash {
    pub(crate) session: String,
    pub(crate) sku: String,
    pub(crate) price_fen: u64,
    pub(crate) share_of_friday_orders: f64,
    pub(crate) look: f64,
    pub(crate) minutes_after_opening: Range,
    pub(crate) pay_seconds: Range,
    pub(crate) pay_late: f64,
    pub(crate) pay_late_seconds: Range,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeliveryOfEvents {
    pub(crate) twice: f64,
}

impl Behaviour {
    /// Reads the file.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        toml::from_str(&text).with_context(|| format!("{} is no model of behaviour", path.display()))
    }
}

/// The chances of one person: the same seed and person give the same life.
pub(crate) struct Chance(fastrand::Rng);

impl Chance {
    /// Of the person with this number.
    pub(crate) fn of(seed: u64, person: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(person)))
    }

    /// Whether something of this rate happens.
    pub(crate) fn happens(&mut self, rate: f64) -> bool {
        self.0.f64() < rate
    }

    /// A number from a range, with a unit's seconds: any second inside.
    pub(crate) fn seconds(&mut self, range: Range, unit: i64) -> i64 {
        self.0.i64(i64::from(range[0]) * unit..=i64::from(range[1]) * unit)
    }

    /// One of several.
    pub(crate) fn one_of<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        self.0.choice(all)
    }
}
