//! Instants, durations and time zones.
//!
//! An instant is a whole number of milliseconds since 1970 in UTC; a zone turns it into a calendar day and back. No
//! function here knows what time it is.

use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;

use jiff::civil;
use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// An instant: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UtcMs(i64);

/// 9999-12-30T00:00:00Z: the calendar library and both databases can print it in every zone.
const LAST_INSTANT_MS: i64 = 253_402_128_000_000;

impl UtcMs {
    /// The first instant that Siyu knows: 1970.
    pub const EPOCH: Self = Self(0);
    /// The last instant that Siyu knows: the end of the year 9999.
    pub const LAST: Self = Self(LAST_INSTANT_MS);

    /// From milliseconds since 1970, held inside 1970 to 9999.
    pub fn from_millis(millis: i64) -> Self {
        Self(millis.clamp(0, LAST_INSTANT_MS))
    }

    /// Milliseconds since 1970.
    pub fn as_millis(self) -> i64 {
        self.0
    }

    /// How long after `earlier` this is; zero when it is not after it.
    pub fn since(self, earlier: Self) -> DurationMs {
        DurationMs(u64::try_from(self.0 - earlier.0).unwrap_or(0))
    }

    fn timestamp(self) -> jiff::Timestamp {
        jiff::Timestamp::from_millisecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
    }
}

impl Add<DurationMs> for UtcMs {
    type Output = Self;

    fn add(self, length: DurationMs) -> Self {
        Self::from_millis(self.0.saturating_add_unsigned(length.0))
    }
}

impl Sub<DurationMs> for UtcMs {
    type Output = Self;

    fn sub(self, length: DurationMs) -> Self {
        Self::from_millis(self.0.saturating_sub_unsigned(length.0))
    }
}

/// Prints RFC 3339 in UTC with milliseconds when there are any.
impl fmt::Display for UtcMs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.timestamp())
    }
}

/// Why a text is not an instant, a duration or a zone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// Not RFC 3339.
    #[error("`{found}` is not an instant: expected RFC 3339 with a zone, such as 2026-11-21T09:00:00+08:00")]
    Instant {
        /// The text, shortened.
        found: String,
    },
    /// Before 1970 or after 9999.
    #[error("`{found}` is outside 1970 to 9999")]
    Range {
        /// The text, shortened.
        found: String,
    },
    /// Not a duration.
    #[error(
        "`{found}` is not a duration: expected whole numbers with w, d, h, m, s or ms, such as 7d, 1h 30m or 500ms{why}"
    )]
    Duration {
        /// The text, shortened.
        found: String,
        /// What is wrong with it, when more can be said.
        why: &'static str,
    },
    /// Not an IANA zone.
    #[error("`{found}` is not a time zone: expected an IANA name such as Asia/Shanghai or UTC")]
    Zone {
        /// The text, shortened.
        found: String,
    },
}

fn shortened(text: &str) -> String {
    text.chars().take(64).collect()
}

impl FromStr for UtcMs {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        let found: jiff::Timestamp =
            text.parse().map_err(|_| TimeError::Instant { found: shortened(text) })?;
        let millis = found.as_millisecond();
        if !(0..=LAST_INSTANT_MS).contains(&millis) {
            return Err(TimeError::Range { found: shortened(text) });
        }
        Ok(Self(millis))
    }
}

/// A length of time in whole milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct DurationMs(u64);

/// Unit, its length in milliseconds; longest first, as they are written.
const UNITS: [(&str, u64); 6] =
    [("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
/// A hundred years: longer waits are mistakes.
const LONGEST_MS: u64 = 36_525 * 86_400_000;

impl DurationMs {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// From whole milliseconds.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Whole milliseconds.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// The same length for the standard library.
    pub const fn to_std(self) -> std::time::Duration {
        std::time::Duration::from_millis(self.0)
    }
}

/// `7d`, `1h 30m`, `500ms`: a day is 24 hours here; calendar months and years have no fixed length and are refused.
impl FromStr for DurationMs {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        let fault = |why| TimeError::Duration { found: shortened(text), why };
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
            let unit = &rest[..letters];
            if matches!(unit, "mo" | "month" | "months" | "y" | "year" | "years") {
                return Err(fault("; months and years have no fixed length, write days"));
            }
            let place = UNITS.iter().position(|(name, _)| *name == unit).ok_or_else(|| fault(""))?;
            if place < next_unit {
                return Err(fault("; the longest unit comes first, each at most once"));
            }
            next_unit = place + 1;
            let part = number.checked_mul(UNITS[place].1).ok_or_else(|| fault("; at most 100 years"))?;
            total = total.checked_add(part).ok_or_else(|| fault("; at most 100 years"))?;
            rest = rest[letters..].trim_start();
        }
        if total > LONGEST_MS {
            return Err(fault("; at most 100 years"));
        }
        Ok(Self(total))
    }
}

/// Prints what [`FromStr`] reads: `1d 12h`, `0s`.
impl fmt::Display for DurationMs {
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

impl Serialize for DurationMs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DurationMs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// A time zone by its IANA name, from the database built into the program: the same everywhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone(TimeZone);

impl Zone {
    /// Coordinated universal time.
    pub fn utc() -> Self {
        Self(TimeZone::UTC)
    }

    /// The IANA name.
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// The calendar reading of an instant.
    pub fn local(&self, at: UtcMs) -> civil::DateTime {
        self.0.to_datetime(at.timestamp())
    }

    /// The instant of a calendar reading. A reading that a clock change skips is moved forward by the gap; one that
    /// happens twice means the first.
    pub fn instant(&self, local: civil::DateTime) -> UtcMs {
        self.0
            .to_ambiguous_timestamp(local)
            .compatible()
            .map(|found| UtcMs::from_millis(found.as_millisecond()))
            .unwrap_or(UtcMs::LAST)
    }

    /// The first instant of the calendar day that holds `at`, `days` later.
    pub fn start_of_day(&self, at: UtcMs, days: i32) -> UtcMs {
        let date = self
            .local(at)
            .date()
            .saturating_add(jiff::Span::new().days(i64::from(days.clamp(-400_000, 400_000))));
        self.instant(date.to_datetime(civil::Time::midnight()))
    }

    /// The zone itself, for calendar rules of others (cron).
    pub fn time_zone(&self) -> &TimeZone {
        &self.0
    }
}

impl FromStr for Zone {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        let fault = || TimeError::Zone { found: shortened(text) };
        if text == "UTC" {
            return Ok(Self::utc());
        }
        let known = jiff::tz::TimeZoneDatabase::bundled().get(text).map_err(|_| fault())?;
        // The database finds names whatever their case; a playbook has one spelling.
        if known.iana_name() == Some(text) { Ok(Self(known)) } else { Err(fault()) }
    }
}

impl Serialize for Zone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> UtcMs {
        text.parse().unwrap()
    }

    #[test]
    fn durations_read_and_print() {
        for (text, millis) in [
            ("7d", 604_800_000),
            ("1h 30m", 5_400_000),
            ("1h30m", 5_400_000),
            ("500ms", 500),
            ("2w", 1_209_600_000),
            ("0s", 0),
        ] {
            assert_eq!(text.parse::<DurationMs>().unwrap().as_millis(), millis, "{text}");
        }
        assert_eq!(DurationMs::from_millis(129_600_000).to_string(), "1d 12h");
        assert_eq!(DurationMs::from_millis(604_800_000).to_string(), "1w");
        assert_eq!(DurationMs::ZERO.to_string(), "0s");
    }

    #[test]
    fn what_is_no_duration_is_refused_with_the_rule() {
        for text in ["", "7", "d", "7x", "-7d", "1.5h", "30m 1h", "1h 1h", "9999999999999999w", "200000w"] {
            assert!(text.parse::<DurationMs>().is_err(), "{text}");
        }
        let message = "2 months".parse::<DurationMs>().unwrap_err().to_string();
        assert!(message.contains("no fixed length"), "{message}");
    }

    #[test]
    fn a_seven_day_coupon_of_2359_ends_at_a_local_midnight() {
        let shanghai: Zone = "Asia/Shanghai".parse().unwrap();
        let issued = at("2026-11-21T23:59:00+08:00");
        assert_eq!(shanghai.start_of_day(issued, 8), at("2026-11-29T00:00:00+08:00"));
        assert_eq!(shanghai.start_of_day(issued, 0), at("2026-11-21T00:00:00+08:00"));
    }

    #[test]
    fn a_skipped_local_time_moves_forward_and_a_doubled_one_is_the_first() {
        let berlin: Zone = "Europe/Berlin".parse().unwrap();
        assert_eq!(berlin.instant(civil::date(2026, 3, 29).at(2, 30, 0, 0)), at("2026-03-29T03:30:00+02:00"));
        assert_eq!(
            berlin.instant(civil::date(2026, 10, 25).at(2, 30, 0, 0)),
            at("2026-10-25T02:30:00+02:00")
        );
    }

    #[test]
    fn zones_have_one_spelling() {
        assert_eq!("Asia/Shanghai".parse::<Zone>().unwrap().name(), "Asia/Shanghai");
        assert!("asia/shanghai".parse::<Zone>().is_err());
        assert!("Peking".parse::<Zone>().is_err());
    }

    #[test]
    fn instants_stay_between_1970_and_9999() {
        assert_eq!(UtcMs::from_millis(-5), UtcMs::EPOCH);
        assert_eq!(UtcMs::LAST + DurationMs::from_millis(1), UtcMs::LAST);
        assert_eq!(UtcMs::LAST.to_string(), "9999-12-30T00:00:00Z");
        assert!("1969-12-31T23:59:59Z".parse::<UtcMs>().is_err());
        assert!("2026-11-21 09:00".parse::<UtcMs>().is_err());
    }
}
