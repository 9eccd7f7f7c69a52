//! How often an API may be called: in a minute, in an hour, and the pause after too much (document 90454).

use std::collections::BTreeMap;

use crate::codes::{Refusal, TOO_OFTEN};
use crate::settings::Limits;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 3_600_000;

/// The calls of each API.
#[derive(Debug, Default)]
pub(crate) struct Rates {
    of_api: BTreeMap<&'static str, Rate>,
}

#[derive(Debug, Default)]
struct Rate {
    minute: Window,
    hour: Window,
    blocked_at_ms: i64,
    blocked_until_ms: i64,
}

#[derive(Debug, Default)]
struct Window {
    begun_ms: i64,
    calls: u32,
}

/// Whether a call came too often.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// It did not.
    Fine,
    /// With it there were too many; nobody could know.
    Over(Refusal),
    /// The API was blocked, and had said so.
    Blocked {
        refusal: Refusal,
        /// How long ago it said so first.
        for_ms: i64,
    },
}

impl Rates {
    /// Counts a call.
    pub(crate) fn count(&mut self, api: &'static str, now_ms: i64, limits: &Limits) -> Pace {
        let rate = self.of_api.entry(api).or_default();
        if now_ms < rate.blocked_until_ms {
            let refusal = refusal(rate.blocked_until_ms - now_ms);
            return Pace::Blocked { refusal, for_ms: now_ms - rate.blocked_at_ms };
        }
        let is_over_minute = rate.minute.count(now_ms, MINUTE_MS) > limits.calls_per_minute;
        let is_over_hour = rate.hour.count(now_ms, HOUR_MS) > limits.calls_per_hour;
        let pause_ms = match (is_over_hour, is_over_minute) {
            (true, _) => HOUR_MS,
            (false, true) => MINUTE_MS,
            (false, false) => return Pace::Fine,
        };
        (rate.blocked_at_ms, rate.blocked_until_ms) = (now_ms, now_ms + pause_ms);
        Pace::Over(refusal(pause_ms))
    }
}

impl Window {
    fn count(&mut self, now_ms: i64, length_ms: i64) -> u32 {
        if now_ms - self.begun_ms >= length_ms {
            *self = Self { begun_ms: now_ms, calls: 0 };
        }
        self.calls = self.calls.saturating_add(1);
        self.calls
    }
}

fn refusal(left_ms: i64) -> Refusal {
    Refusal::new(TOO_OFTEN, format!("api freq out of limit, for {left_ms} ms more"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_calls_block_for_as_long_as_they_were_counted() {
        let limits = Limits { calls_per_minute: 2, calls_per_hour: 5, ..Limits::default() };
        let mut rates = Rates::default();
        let mut at = |second: i64| match rates.count("mark_tag", 1_000_000_000 + second * 1000, &limits) {
            Pace::Fine => "fine",
            Pace::Over(_) => "over",
            Pace::Blocked { .. } => "blocked",
        };
        let seen = [0, 1, 2, 3, 61, 62, 122, 181, 3_721, 3_722, 3_723].map(|second| (second, at(second)));
        let expected = [
            (0, "fine"),
            (1, "fine"),
            (2, "over"),
            (3, "blocked"),
            (61, "blocked"),
            (62, "fine"),
            (122, "fine"),
            (181, "over"),
            (3_721, "blocked"),
            (3_722, "blocked"),
            (3_723, "blocked"),
        ];
        assert_eq!(seen, expected);
    }
}
