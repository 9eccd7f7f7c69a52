//! Lengths of time in whole milliseconds, written `7d` or `1h 30m`. The same rules as the host's.

use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;

use super::{TimeError, shortened, text_form};

/// A length of time in whole milliseconds, at most 100 years; in JSON and YAML a text such as `7d` or `1h 30m`.
///
/// ```
/// use siyu_plugin::Duration;
///
/// let ttl: Duration = "1h 30m".parse()?;
/// assert_eq!(ttl, Duration::minutes(90));
/// assert_eq!(Duration::days(14).to_string(), "2w");
/// # Ok::<(), siyu_plugin::TimeError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Duration(u64);

/// Unit, its length in milliseconds; longest first, as they are written.
const UNITS: [(&str, u64); 6] =
    [("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
/// A hundred years: longer waits are mistakes.
const LONGEST_MS: u64 = 36_525 * 86_400_000;

impl Duration {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// From whole milliseconds; held at 100 years.
    pub const fn from_millis(millis: u64) -> Self {
        Self(if millis < LONGEST_MS { millis } else { LONGEST_MS })
    }

    /// So many seconds; held at 100 years.
    pub const fn seconds(number: u64) -> Self {
        Self::from_millis(number.saturating_mul(1_000))
    }

    /// So many minutes; held at 100 years.
    pub const fn minutes(number: u64) -> Self {
        Self::from_millis(number.saturating_mul(60_000))
    }

    /// So many hours; held at 100 years.
    pub const fn hours(number: u64) -> Self {
        Self::from_millis(number.saturating_mul(3_600_000))
    }

    /// So many days of 24 hours; held at 100 years. For calendar days see
    /// [`Instant::start_of_day`](crate::Instant::start_of_day).
    pub const fn days(number: u64) -> Self {
        Self::from_millis(number.saturating_mul(86_400_000))
    }

    /// Whole milliseconds.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Whether it is no time at all.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

/// Held at 100 years.
impl Add for Duration {
    type Output = Self;

    fn add(self, more: Self) -> Self {
        Self::from_millis(self.0.saturating_add(more.0))
    }
}

/// Held at no time at all.
impl Sub for Duration {
    type Output = Self;

    fn sub(self, less: Self) -> Self {
        Self(self.0.saturating_sub(less.0))
    }
}

/// A day is 24 hours here; calendar months and years have no fixed length and are refused.
impl FromStr for Duration {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        let fault = |why| TimeError::Duration { found: shortened(text), why };
        let too_long = || fault("; at most 100 years");
        let mut rest = text.trim();
        let mut total: u64 = 0;
        let mut next_unit = 0;
        if rest.is_empty() {
            return Err(fault(""));
        }
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let number: u64 = rest[..digits].parse().map_err(|_| fault(""))?;
            rest = rest[digits..].trim_start();
            let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
            let (unit, after) = rest.split_at(letters);
            if matches!(unit, "mo" | "month" | "months" | "y" | "year" | "years") {
                return Err(fault("; months and years have no fixed length, write days"));
            }
            let place = UNITS.iter().position(|(name, _)| *name == unit).ok_or_else(|| fault(""))?;
            if place < next_unit {
                return Err(fault("; the longest unit comes first, each at most once"));
            }
            next_unit = place + 1;
            let part = number.checked_mul(UNITS[place].1).ok_or_else(too_long)?;
            total = total.checked_add(part).ok_or_else(too_long)?;
            rest = after.trim_start();
        }
        if total > LONGEST_MS {
            return Err(too_long());
        }
        Ok(Self(total))
    }
}

/// Prints what [`FromStr`] reads: `1d 12h`, `0s`.
impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0s");
        }
        let mut rest = self.0;
        let mut first = true;
        for (unit, length) in UNITS {
            let number = rest / length;
            rest %= length;
            if number > 0 {
                write!(f, "{}{number}{unit}", if first { "" } else { " " })?;
                first = false;
            }
        }
        Ok(())
    }
}

text_form!(
    Duration,
    "siyu-duration",
    "a duration such as 7d or 1h 30m",
    "A length of time such as 7d, 1h 30m or 500ms."
);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use siyu_model::clock::DurationMs;

    use super::*;

    fn check(text: &str) -> Result<(), TestCaseError> {
        let ours = text.parse::<Duration>();
        let hosts = text.parse::<DurationMs>();
        prop_assert_eq!(
            ours.as_ref().map(|length| length.as_millis()).map_err(ToString::to_string),
            hosts.as_ref().map(|length| length.as_millis()).map_err(ToString::to_string),
            "{}",
            text
        );
        if let (Ok(ours), Ok(hosts)) = (ours, hosts) {
            prop_assert_eq!(ours.to_string(), hosts.to_string());
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn a_duration_reads_and_prints_as_the_host_does(text in "([0-9]{1,12} ?(w|d|h|m|s|ms|y|x)? ?){0,4}") {
            check(&text)?;
        }

        #[test]
        fn what_is_printed_is_read(millis in 0..=LONGEST_MS) {
            let length = Duration::from_millis(millis);
            prop_assert_eq!(length.to_string().parse::<Duration>().unwrap(), length);
            check(&length.to_string())?;
        }
    }

    #[test]
    fn lengths_are_held_at_a_hundred_years() {
        assert_eq!(Duration::days(u64::MAX), Duration::from_millis(LONGEST_MS));
        assert_eq!(Duration::hours(36), "1d 12h".parse().unwrap());
        assert_eq!(Duration::hours(36) + Duration::days(u64::MAX), Duration::days(u64::MAX));
        assert_eq!(Duration::hours(1) - Duration::minutes(59), Duration::minutes(1));
        assert!((Duration::hours(1) - Duration::hours(2)).is_zero());
    }
}
