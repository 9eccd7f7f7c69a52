//! Instants as people of a zone read them.

use serde::{Serialize, Serializer};
use siyu_model::clock::{UtcMs, Zone};

/// An instant in a zone. JSON: RFC 3339 with the zone's offset, such as `2026-11-21T09:00:00+08:00`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Local {
    at: UtcMs,
    rfc3339: String,
}

impl Local {
    /// The instant in the zone.
    pub fn of(zone: &Zone, at: UtcMs) -> Self {
        let stamp = jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        let zoned = stamp.to_zoned(zone.time_zone().clone());
        Self { at, rfc3339: zoned.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string() }
    }

    /// The instant itself.
    pub fn at(&self) -> UtcMs {
        self.at
    }

    /// `2026-11-21 09:00`
    pub fn minute(&self) -> String {
        // Years have four digits: instants end with the year 9999.
        self.rfc3339.get(..16).unwrap_or(&self.rfc3339).replacen('T', " ", 1)
    }

    /// `2026-11-21 09:00:07`
    pub fn second(&self) -> String {
        self.rfc3339.get(..19).unwrap_or(&self.rfc3339).replacen('T', " ", 1)
    }

    /// `2026-11-21`
    pub fn day(&self) -> &str {
        self.rfc3339.get(..10).unwrap_or(&self.rfc3339)
    }
}

impl Serialize for Local {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.rfc3339)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_read_in_its_zone() {
        let at = "2026-11-20T16:30:05.5Z".parse().unwrap();
        for (zone, minute, text) in [
            ("Asia/Shanghai", "2026-11-21 00:30", "\"2026-11-21T00:30:05+08:00\""),
            ("UTC", "2026-11-20 16:30", "\"2026-11-20T16:30:05+00:00\""),
            ("America/St_Johns", "2026-11-20 13:00", "\"2026-11-20T13:00:05-03:30\""),
        ] {
            let local = Local::of(&zone.parse().unwrap(), at);
            assert_eq!((local.minute().as_str(), local.day()), (minute, &minute[..10]));
            assert_eq!(serde_json::to_string(&local).unwrap(), text);
        }
        assert_eq!(Local::of(&Zone::utc(), UtcMs::LAST).second(), "9999-12-30 00:00:00");
    }
}
