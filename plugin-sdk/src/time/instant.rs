//! Instants: whole milliseconds since 1970 in UTC, written in RFC 3339.
//!
//! A calendar library would be most of a plugin, so the arithmetic of dates stands here: days from and to a date after
//! Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms". Zones are the host's: it has the database.

use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;

use super::{Duration, LocalTime, TimeError, Zone, shortened, text_form};
use crate::context;
use crate::error::Error;
use crate::port;

/// An instant: whole milliseconds since 1970-01-01T00:00:00Z, held inside 1970 to 9999; in JSON and YAML a text in
/// RFC 3339.
///
/// ```
/// use siyu_plugin::{Duration, Instant};
///
/// let noon: Instant = "2026-11-21T12:00:00+08:00".parse()?;
/// assert_eq!((noon + Duration::hours(20)).to_string(), "2026-11-22T00:00:00Z");
/// assert_eq!((noon + Duration::days(1)).since(noon), Duration::days(1));
/// # Ok::<(), siyu_plugin::TimeError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Instant(i64);

/// 9999-12-30T00:00:00Z, the last instant that the host knows.
const LAST_MS: i64 = 253_402_128_000_000;
const DAY_MS: i64 = 86_400_000;

impl Instant {
    /// The first instant: 1970.
    pub const EPOCH: Self = Self(0);
    /// The last instant: the end of the year 9999.
    pub const LAST: Self = Self(LAST_MS);

    /// The instant of this call: the same however often it is repeated.
    pub fn now() -> Self {
        context::now()
    }

    /// From milliseconds since 1970, held inside 1970 to 9999.
    pub const fn from_millis(millis: i64) -> Self {
        Self(if millis < 0 {
            0
        } else if millis > LAST_MS {
            LAST_MS
        } else {
            millis
        })
    }

    /// Milliseconds since 1970.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// How long after `earlier` this is; zero when it is not after it.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0 - earlier.0).unwrap_or(0))
    }

    /// The calendar reading in a zone.
    ///
    /// # Errors
    /// `Invalid` when there is no such zone.
    pub fn local(self, zone: &Zone) -> Result<LocalTime, Error> {
        port::local(self, zone.as_str()).ok_or_else(|| zone.unknown())
    }

    /// The first instant of the local day that holds this one, `days` later (earlier when negative). A coupon that is
    /// valid for seven whole days ends at `now.start_of_day(&zone, 8)?`.
    ///
    /// # Errors
    /// `Invalid` when there is no such zone.
    pub fn start_of_day(self, zone: &Zone, days: i32) -> Result<Self, Error> {
        port::start_of_day(self, zone.as_str(), days).ok_or_else(|| zone.unknown())
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, length: Duration) -> Self {
        Self::from_millis(self.0.saturating_add_unsigned(length.as_millis()))
    }
}

impl Sub<Duration> for Instant {
    type Output = Self;

    fn sub(self, length: Duration) -> Self {
        Self::from_millis(self.0.saturating_sub_unsigned(length.as_millis()))
    }
}

/// Days since 1970 of a date of the proleptic Gregorian calendar.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Year, month and day of so many days since 1970.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

/// Prints RFC 3339 in UTC, with as many decimals as there are, as the host does.
impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil_from_days(self.0.div_euclid(DAY_MS));
        let of_day = self.0.rem_euclid(DAY_MS);
        let (hour, minute, second) = (of_day / 3_600_000, of_day / 60_000 % 60, of_day / 1_000 % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        match of_day % 1_000 {
            0 => {}
            millis if millis % 100 == 0 => write!(f, ".{}", millis / 100)?,
            millis if millis % 10 == 0 => write!(f, ".{:02}", millis / 10)?,
            millis => write!(f, ".{millis:03}")?,
        }
        f.write_str("Z")
    }
}

impl FromStr for Instant {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        let found = || shortened(text);
        let millis =
            Reader(text.as_bytes()).instant().ok_or_else(|| TimeError::Instant { found: found() })?;
        if (0..=LAST_MS).contains(&millis) {
            Ok(Self(millis))
        } else {
            Err(TimeError::Range { found: found() })
        }
    }
}

/// Reads RFC 3339: a date, `T` or a space, a time whose seconds may be absent, and `Z` or an offset.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn instant(mut self) -> Option<i64> {
        let days = self.date()?;
        self.one_of(b"Tt ")?;
        let of_day = self.time()?;
        let offset = self.offset()?;
        self.0.is_empty().then_some(days * DAY_MS + of_day - offset)
    }

    fn date(&mut self) -> Option<i64> {
        let year = self.digits(4)?;
        self.one_of(b"-")?;
        let month = self.digits(2).filter(|month| (1..=12).contains(month))?;
        self.one_of(b"-")?;
        let day = self.digits(2)?;
        let days = days_from_civil(year, month, day);
        (civil_from_days(days) == (year, month, day)).then_some(days)
    }

    fn time(&mut self) -> Option<i64> {
        let hour = self.digits(2).filter(|hour| *hour < 24)?;
        self.one_of(b":")?;
        let minute = self.digits(2).filter(|minute| *minute < 60)?;
        let mut millis = (hour * 60 + minute) * 60_000;
        if self.one_of(b":").is_some() {
            // A leap second is the second before it: the host's clock has none.
            let second = self.digits(2).filter(|second| *second <= 60)?.min(59);
            millis += second * 1_000 + self.fraction()?;
        }
        Some(millis)
    }

    fn fraction(&mut self) -> Option<i64> {
        if self.one_of(b".").is_none() {
            return Some(0);
        }
        let digits = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if !(1..=9).contains(&digits) {
            return None;
        }
        let (fraction, rest) = self.0.split_at(digits);
        self.0 = rest;
        let digit = |place: usize| fraction.get(place).map_or(0, |byte| i64::from(byte - b'0'));
        Some(digit(0) * 100 + digit(1) * 10 + digit(2))
    }

    fn offset(&mut self) -> Option<i64> {
        let sign = match self.one_of(b"Zz+-")? {
            b'+' => 1,
            b'-' => -1,
            _ => return Some(0),
        };
        // The host's calendar takes offsets up to 25:59.
        let hours = self.digits(2).filter(|hours| *hours < 26)?;
        self.one_of(b":")?;
        let minutes = self.digits(2).filter(|minutes| *minutes < 60)?;
        Some(sign * (hours * 60 + minutes) * 60_000)
    }

    fn digits(&mut self, count: usize) -> Option<i64> {
        let (digits, rest) = self.0.split_at_checked(count)?;
        let mut number = 0;
        for byte in digits {
            number = number * 10 + i64::from((*byte as char).to_digit(10)?);
        }
        self.0 = rest;
        Some(number)
    }

    fn one_of(&mut self, expected: &[u8]) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        expected.contains(first).then(|| {
            self.0 = rest;
            *first
        })
    }
}

text_form!(
    Instant,
    "siyu-instant",
    "an instant such as 2026-11-21T09:00:00+08:00",
    "An instant in RFC 3339 with a zone, such as 2026-11-21T09:00:00+08:00."
);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use siyu_model::clock::UtcMs;

    use super::*;

    proptest! {
        #[test]
        fn an_instant_prints_and_reads_as_the_host_does(millis in 0..=LAST_MS) {
            let ours = Instant::from_millis(millis);
            let hosts = UtcMs::from_millis(millis);
            prop_assert_eq!(ours.to_string(), hosts.to_string());
            prop_assert_eq!(ours.to_string().parse::<Instant>(), Ok(ours));
        }

        #[test]
        fn every_date_time_of_rfc_3339_is_read_as_the_host_does(
            text in "(19[67]|20[0-9]|999)[0-9]-(0[0-9]|1[0-3])-[0-3][0-9][Tt ][0-2][0-9]:[0-6][0-9](:[0-6][0-9](\\.[0-9]{1,10})?)?(Z|z|[+-][0-2][0-9]:[0-6][0-9])",
        ) {
            let ours = text.parse::<Instant>().map(Instant::as_millis).ok();
            let hosts = text.parse::<UtcMs>().map(UtcMs::as_millis).ok();
            prop_assert_eq!(ours, hosts, "{}", text);
        }

        #[test]
        fn nothing_is_read_that_the_host_refuses(text in "[0-9]{4}-[01][0-9]-[0-3][0-9][-T:.,Zz+ 0-9]{0,16}") {
            if let Ok(ours) = text.parse::<Instant>() {
                prop_assert_eq!(text.parse::<UtcMs>().map(UtcMs::as_millis), Ok(ours.as_millis()), "{}", text);
            }
        }
    }

    #[test]
    fn instants_stay_between_1970_and_9999() {
        assert_eq!(Instant::from_millis(-5), Instant::EPOCH);
        assert_eq!(Instant::LAST + Duration::seconds(1), Instant::LAST);
        assert_eq!(Instant::EPOCH - Duration::seconds(1), Instant::EPOCH);
        assert!(matches!("1969-12-31T23:59:59Z".parse::<Instant>(), Err(TimeError::Range { .. })));
        assert!(matches!("2026-02-29T00:00:00Z".parse::<Instant>(), Err(TimeError::Instant { .. })));
    }
}
