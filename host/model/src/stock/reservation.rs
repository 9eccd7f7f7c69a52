//! Reservations: units of a pool held for somebody until an instant, with the counters that were taken with them.

use serde::{Deserialize, Serialize};

use crate::clock::UtcMs;
use crate::id::{CustomerId, ReservationId};
use crate::name::{Key, PluginName};

/// A claim on units of a pool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reservation {
    /// Its id.
    pub id: ReservationId,
    /// Whose pool it is.
    pub plugin: PluginName,
    /// The pool.
    pub pool: Key,
    /// For whom.
    pub customer: Option<CustomerId>,
    /// Units held.
    pub units: u64,
    /// Counters that were taken with the units and go back with them.
    pub counters: Vec<CounterHold>,
    /// What the plugin calls it, such as an order number.
    pub reference: Option<String>,
    /// Where it stands.
    pub status: ReservationStatus,
    /// When the host gives the units back by itself.
    pub expires_at: UtcMs,
}

/// A part of a counter that a reservation took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CounterHold {
    /// The counter.
    pub key: Key,
    /// How much.
    pub units: u64,
}

/// Where a reservation stands. `Held` is the only state that changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReservationStatus {
    /// The units are reserved.
    Held,
    /// The units are sold.
    Committed,
    /// The units went back because somebody said so.
    Released,
    /// The units went back because time ran out.
    Expired,
}

impl ReservationStatus {
    /// The name that stores and people see.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Committed => "committed",
            Self::Released => "released",
            Self::Expired => "expired",
        }
    }
}

impl std::str::FromStr for ReservationStatus {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Held, Self::Committed, Self::Released, Self::Expired]
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| {
                format!("`{text}` is no reservation status: expected held, committed, released or expired")
            })
    }
}
