//! Recurring instants: cron patterns in a time zone.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::clock::{UtcMs, Zone};

/// A cron pattern: minute, hour, day of month, month, day of week; with `L`, `W`, `#` and names.
#[derive(Clone)]
pub struct Cron(Box<croner::Cron>);

/// Why a text is not a cron pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{found}` is not a cron pattern: {why}; expected five fields such as `0 10 * * FRI` (minute hour day month weekday)"
)]
pub struct CronError {
    found: String,
    why: String,
}

impl Cron {
    /// As it was written.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The first matching instant after `after`; none when no year up to 5000 has one.
    ///
    /// A local time that a clock change skips is moved to when the clocks have changed; one that happens twice
    /// fires once for a fixed time of day.
    pub fn next_after(&self, after: UtcMs, zone: &Zone) -> Option<UtcMs> {
        let start =
            jiff::Timestamp::from_millisecond(after.as_millis()).ok()?.to_zoned(zone.time_zone().clone());
        let found = self.0.find_next_occurrence(&start, false).ok()?;
        Some(UtcMs::from_millis(found.timestamp().as_millisecond()))
    }
}

impl FromStr for Cron {
    type Err = CronError;

    fn from_str(text: &str) -> Result<Self, CronError> {
        let fault = |why: String| CronError { found: text.chars().take(64).collect(), why };
        let fields = text.split_whitespace().count();
        if !text.starts_with('@') && fields != 5 {
            return Err(fault(format!("it has {fields} fields")));
        }
        let parser =
            croner::parser::CronParser::builder().seconds(croner::parser::Seconds::Disallowed).build();
        parser.parse(text).map(|cron| Self(Box::new(cron))).map_err(|why| fault(why.to_string()))
    }
}

impl fmt::Debug for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cron({})", self.as_str())
    }
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl PartialEq for Cron {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Serialize for Cron {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Cron {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, zone: &str, after: &str, expected: &str) {
        let cron: Cron = pattern.parse().unwrap();
        let next = cron.next_after(after.parse().unwrap(), &zone.parse().unwrap()).unwrap();
        assert_eq!(next, expected.parse().unwrap(), "{pattern} after {after} gave {next}");
    }

    #[test]
    fn patterns_go_by_the_local_clock() {
        check("0 10 * * FRI", "Asia/Shanghai", "2026-11-21T12:00:00Z", "2026-11-27T10:00:00+08:00");
        check("30 9 * * *", "Asia/Shanghai", "2026-11-21T01:30:00Z", "2026-11-22T09:30:00+08:00");
        check("0 0 L * *", "UTC", "2027-02-01T00:00:00Z", "2027-02-28T00:00:00Z");
    }

    #[test]
    fn clock_changes_neither_drop_nor_double_a_daily_tick() {
        check("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00+01:00", "2026-03-29T03:00:00+02:00");
        check("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00+02:00", "2026-10-25T02:30:00+02:00");
        check("30 2 * * *", "Europe/Berlin", "2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00");
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for pattern in ["", "* * * *", "0 0 0 * * *", "61 * * * *", "0 25 * * *", "0 0 * * FOO"] {
            let message = pattern.parse::<Cron>().unwrap_err().to_string();
            assert!(message.contains("is not a cron pattern"), "{message}");
        }
    }
}
