//! When a session with a window is open: once, or every week at the same local time. Knows no stock and no customers.

use siyu_plugin::Error;
use siyu_plugin::prelude::*;

use super::{Repeat, Session, Window};

const WEEK: Duration = Duration::days(7);

/// One opening of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Occurrence {
    /// Its name, unique within the session: the local date and time of its start, or stream and threshold.
    pub(crate) name: String,
    /// The first instant of it.
    pub(crate) opens_at: Instant,
    /// The first instant after it.
    pub(crate) closes_at: Instant,
}

impl Occurrence {
    /// Whether an instant is inside: the start is, the end is not.
    pub(crate) fn holds(&self, at: Instant) -> bool {
        self.opens_at <= at && at < self.closes_at
    }
}

impl Session {
    /// The scheduled occurrence that is to be open at an instant.
    pub(crate) fn occurrence_at(&self, at: Instant) -> Result<Option<Occurrence>, Error> {
        self.first_near(at, |occurrence| occurrence.holds(at))
    }

    /// The first scheduled occurrence that begins after an instant.
    pub(crate) fn next_after(&self, at: Instant) -> Result<Option<Occurrence>, Error> {
        self.first_near(at, |occurrence| occurrence.opens_at > at)
    }

    /// The scheduled occurrence that begins at an instant.
    pub(crate) fn occurrence_of(&self, start: Instant) -> Result<Option<Occurrence>, Error> {
        self.first_near(start, |occurrence| occurrence.opens_at == start)
    }

    /// The first fitting one among those around an instant. Weeks of a zone with summer time differ by an hour, so the
    /// neighbours are looked at as well.
    fn first_near(
        &self,
        at: Instant,
        fits: impl Fn(&Occurrence) -> bool,
    ) -> Result<Option<Occurrence>, Error> {
        let Some(window) = &self.window else {
            return Ok(None);
        };
        let about = at.since(window.start).as_millis() / WEEK.as_millis();
        let weeks = if self.repeat.is_some() { about.saturating_sub(1)..=about + 2 } else { 0..=0 };
        for week in weeks {
            let Some(occurrence) = nth(window, self.repeat.as_ref(), week)? else {
                return Ok(None);
            };
            if fits(&occurrence) {
                return Ok(Some(occurrence));
            }
        }
        Ok(None)
    }
}

/// The occurrence so many weeks after the first; none when the repetition is over.
fn nth(window: &Window, repeat: Option<&Repeat>, week: u64) -> Result<Option<Occurrence>, Error> {
    let zone = Zone::of_playbook();
    let opens_at = weeks_later(window.start, week, &zone)?;
    let is_over = repeat.and_then(|repeat| repeat.until).is_some_and(|until| opens_at >= until);
    if week > 0 && (is_over || opens_at == Instant::LAST) {
        return Ok(None);
    }
    let local = opens_at.local(&zone)?;
    let name = format!("{}T{:02}:{:02}", local.date(), local.hour, local.minute);
    Ok(Some(Occurrence { name, opens_at, closes_at: opens_at + window.end.since(window.start) }))
}

/// The same local time so many weeks later. Where the clock skips that time, the first one after it.
fn weeks_later(start: Instant, weeks: u64, zone: &Zone) -> Result<Instant, Error> {
    let Ok(days) = i32::try_from(weeks.saturating_mul(7)) else {
        return Ok(Instant::LAST);
    };
    if days == 0 {
        return Ok(start);
    }
    let of_day = |at: Instant| -> Result<u64, Error> {
        let local = at.local(zone)?;
        let seconds = (u64::from(local.hour) * 60 + u64::from(local.minute)) * 60 + u64::from(local.second);
        Ok(seconds * 1_000)
    };
    let midnight = start.start_of_day(zone, days)?;
    let (wanted, fraction) = (of_day(start)?, start.as_millis().rem_euclid(1_000).unsigned_abs());
    let plain = midnight + Duration::from_millis(wanted + fraction);
    // On the day of a change of the clock the plain sum is off by what the clock jumped.
    let reached = of_day(plain)?;
    if reached > wanted {
        let earlier = plain - Duration::from_millis(reached - wanted);
        return Ok(if of_day(earlier)? == wanted { earlier } else { plain });
    }
    Ok(plain + Duration::from_millis(wanted - reached))
}
