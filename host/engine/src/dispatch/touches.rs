//! How often a customer is written to: counted by the day of sending, over all playbooks and channels of the tenant.
//!
//! The count is a document of the customer, so it comes into memory with them and goes with them; days that are over are
//! left out whenever it is written.

use std::collections::BTreeMap;

use siyu_model::id::CustomerId;
use siyu_model::name::{Key, PluginName};

use crate::memory::{Halt, Memory, Worked};
use crate::ports::rows::RecordKey;

/// Touches by day, such as `2026-11-22`.
type Days = BTreeMap<String, u64>;

/// The day of a message, as its customer counts days. Names of days are in the order of the days.
pub(super) struct Day {
    /// Its name.
    pub(super) day: String,
    /// The first day of the week that ends with it.
    pub(super) week_from: String,
    /// A day that nobody looks at any more.
    pub(super) over: String,
}

/// How often at most.
#[derive(Clone, Copy)]
pub(super) struct Caps {
    /// On the day.
    pub(super) day: Option<u32>,
    /// In the week that ends with it.
    pub(super) week: Option<u32>,
}

impl Caps {
    /// Whether nothing is limited.
    pub(super) fn are_none(self) -> bool {
        self.day.is_none() && self.week.is_none()
    }
}

/// Which cap a message would pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    Day,
    Week,
}

/// Counts one more touch on a day, unless a cap is reached: which, and how much it is.
pub(super) fn take(
    memory: &mut Memory,
    customer: CustomerId,
    day: &Day,
    caps: Caps,
) -> Worked<Option<(Rule, u32)>> {
    let broken = |why: String| Halt::Broken(format!("the touches of {customer}: {why}"));
    let name = Key::new("touches").map_err(|fault| broken(fault.to_string()))?;
    let key = RecordKey { plugin: PluginName::host(), customer: Some(customer), key: name };
    let mut days: Days = match memory.record(&key)? {
        Some(text) => serde_json::from_str(&text).map_err(|fault| broken(fault.to_string()))?,
        None => Days::new(),
    };
    days.retain(|known, _| *known > day.over);
    if let Some(passed) = passed(&days, day, caps) {
        return Ok(Some(passed));
    }
    *days.entry(day.day.clone()).or_default() += 1;
    let text = serde_json::to_string(&days).map_err(|fault| broken(fault.to_string()))?;
    memory.set_record(&key, Some(text.into()))?;
    Ok(None)
}

/// The cap that one more touch would pass.
fn passed(days: &Days, day: &Day, caps: Caps) -> Option<(Rule, u32)> {
    let of_day = days.get(&day.day).copied().unwrap_or_default();
    let of_week: u64 = days.range(day.week_from.clone()..=day.day.clone()).map(|(_, count)| count).sum();
    let is_reached = |cap: &u32, count: u64| count >= u64::from(*cap);
    let by_day = caps.day.filter(|cap| is_reached(cap, of_day)).map(|cap| (Rule::Day, cap));
    by_day.or_else(|| caps.week.filter(|cap| is_reached(cap, of_week)).map(|cap| (Rule::Week, cap)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_is_counted_back_from_the_day_and_the_nearer_cap_is_named() {
        let days: Days = [("2026-11-15", 9), ("2026-11-16", 1), ("2026-11-22", 1), ("2026-11-24", 5)]
            .map(|(day, n)| (day.to_owned(), n))
            .into();
        let day = Day {
            day: "2026-11-22".to_owned(),
            week_from: "2026-11-16".to_owned(),
            over: "2026-11-14".to_owned(),
        };
        for (of_day, of_week, expected) in [
            (None, None, None),
            (Some(2), Some(3), None),
            (Some(1), Some(2), Some((Rule::Day, 1))),
            (Some(2), Some(2), Some((Rule::Week, 2))),
            (None, Some(1), Some((Rule::Week, 1))),
        ] {
            assert_eq!(passed(&days, &day, Caps { day: of_day, week: of_week }), expected);
        }
    }
}
