//! Rules of contact, and what is sent.

use serde::{Deserialize, Serialize};

use crate::clock::{DurationMs, UtcMs, Zone};
use crate::expr::TextTemplate;
use crate::message::MessageClass;

/// When and how often customers may be written to. Holds for marketing; service messages always go.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ContactPolicy {
    /// Marketing messages that fall into these hours wait for their end.
    pub quiet_hours: Option<QuietHours>,
    /// Marketing messages a customer gets on one calendar day; further ones are blocked and the reason is kept.
    pub marketing_per_day: Option<u32>,
    /// The same for any seven calendar days that end with the day of sending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marketing_per_week: Option<u32>,
    /// Whether a customer must have agreed.
    #[serde(default, skip_serializing_if = "Consent::is_default")]
    pub consent: Consent,
}

/// What marketing needs of a customer. They agree by an event `consent.given` and take it back by `consent.withdrawn`; the later
/// one counts, for all playbooks and channels of the tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Consent {
    /// They did not withdraw it. For tenants that ask for it elsewhere, before anybody becomes a customer.
    #[default]
    UntilWithdrawn,
    /// They gave it, and did not withdraw it since.
    Required,
}

impl Consent {
    // What is absent in older playbooks is left out of newer ones that say the same, so that their digests stay.
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// A part of every day, in the customer's zone where it is known, or else the playbook's; may pass midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuietHours {
    /// First quiet minute of the day, 0 to 1439.
    pub from_minute: u16,
    /// First minute that is not quiet any more, 0 to 1439.
    pub to_minute: u16,
}

impl QuietHours {
    /// The first instant at or after `at` that is not quiet.
    pub fn first_open(&self, at: UtcMs, zone: &Zone) -> UtcMs {
        let local = zone.local(at);
        let minute = local.hour() as u16 * 60 + local.minute() as u16;
        let passes_midnight = self.from_minute > self.to_minute;
        let is_quiet = if passes_midnight {
            minute >= self.from_minute || minute < self.to_minute
        } else {
            (self.from_minute..self.to_minute).contains(&minute)
        };
        if !is_quiet {
            return at;
        }
        let days = if passes_midnight && minute >= self.from_minute { 1 } else { 0 };
        let date = zone.local(zone.start_of_day(at, days)).date();
        let (hour, minute) = (self.to_minute / 60, self.to_minute % 60);
        zone.instant(date.at(hour as i8, minute as i8, 0, 0)).max(at)
    }
}

/// What a `send` step sends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MessageTemplate {
    /// Service or marketing.
    pub class: MessageClass,
    /// What the customer reads; sees the variables of the step's `with`, and `customer`, `tenant`, `vars`.
    pub text: TextTemplate,
    /// After this long it is not sent any more.
    pub expires_after: DurationMs,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_hours_end_in_the_morning_of_the_customer() {
        let zone: Zone = "Asia/Shanghai".parse().unwrap();
        let hours = QuietHours { from_minute: 21 * 60, to_minute: 9 * 60 };
        for (at, open) in [
            ("2026-11-21T20:59:59+08:00", "2026-11-21T20:59:59+08:00"),
            ("2026-11-21T21:00:00+08:00", "2026-11-22T09:00:00+08:00"),
            ("2026-11-22T00:30:00+08:00", "2026-11-22T09:00:00+08:00"),
            ("2026-11-22T09:00:00+08:00", "2026-11-22T09:00:00+08:00"),
        ] {
            assert_eq!(hours.first_open(at.parse().unwrap(), &zone), open.parse().unwrap(), "{at}");
        }
        let noon = QuietHours { from_minute: 12 * 60, to_minute: 14 * 60 };
        let at = "2026-11-21T13:30:00+08:00".parse().unwrap();
        assert_eq!(noon.first_open(at, &zone), "2026-11-21T14:00:00+08:00".parse().unwrap());
    }
}
