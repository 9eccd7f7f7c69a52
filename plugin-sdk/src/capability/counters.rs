//! `counters`: so many within a limit. Budgets, quotas, so many a customer, so many a day. The host never lets one pass
//! its limit.
//!
//! A counter exists from its first use; what it counts and until when is in its key. Numbers are 0 to 2^53 - 1. Money is
//! counted in fen.
//!
//! ```
//! use siyu_plugin::prelude::*;
//! use siyu_plugin::{context, counters};
//!
//! const LIMIT_DAY: Refusal = Refusal::new("LIMIT_DAY", "the customer has had as many today as one may");
//!
//! fn once_a_day(campaign: &str) -> Result<(), Stop> {
//!     let today = context::now().local(&Zone::of_playbook())?.date();
//!     let mine = key(&["draws", campaign, &context::customer()?, &today]);
//!     LIMIT_DAY.unless(counters::take(&mine, 1, 1)?.ok)?;
//!     Ok(())
//! }
//! ```

use super::whole;
use crate::error::Error;
use crate::port;

/// What became of a wish to take units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// Whether the units were taken.
    pub ok: bool,
    /// Used after the call.
    pub used: u64,
}

/// Takes units if that stays within `limit`.
///
/// # Errors
/// `Invalid` for a key or a number that is none.
pub fn take(key: &str, units: u64, limit: u64) -> Result<Taken, Error> {
    port::take_counter(key, whole("units", units)?, whole("limit", limit)?)
}

/// Gives units back.
///
/// # Errors
/// `Conflict` for more than is used.
pub fn give_back(key: &str, units: u64) -> Result<(), Error> {
    port::give_back_counter(key, whole("units", units)?)
}

/// Used so far; 0 for a counter that nobody used.
///
/// # Errors
/// `Invalid` for a key that is none.
pub fn used(key: &str) -> Result<u64, Error> {
    port::counter(key)
}
