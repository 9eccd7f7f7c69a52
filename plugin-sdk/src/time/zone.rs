//! Time zones and calendar readings. The database of zones is the host's.

use std::fmt;
use std::str::FromStr;

use super::text_form;
use crate::context;
use crate::error::Error;

/// A time zone by its IANA name, such as `Asia/Shanghai`.
///
/// In a resource or an input the host checks the name when it is published, and so do tests. A name that a plugin makes
/// up itself is checked when it is used.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Zone(String);

impl Zone {
    /// The playbook's zone.
    pub fn of_playbook() -> Self {
        Self(context::current().zone.clone())
    }

    /// A zone by its name.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The IANA name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn unknown(&self) -> Error {
        let found: String = self.0.chars().take(64).collect();
        Error::invalid(format!(
            "`{found}` is not a time zone: expected an IANA name such as Asia/Shanghai or UTC"
        ))
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Zone {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        // In a sandbox the host has checked the document; in a test this is the host.
        #[cfg(not(target_family = "wasm"))]
        if text.parse::<siyu_model::clock::Zone>().is_err() {
            return Err(Self::new(text).unknown());
        }
        Ok(Self::new(text))
    }
}

text_form!(
    Zone,
    "siyu-zone",
    "a time zone such as Asia/Shanghai",
    "A time zone by its IANA name, such as Asia/Shanghai."
);

/// What clocks and calendars show at an instant in a zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LocalTime {
    /// Such as 2026.
    pub year: i32,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
    /// 1 is Monday, 7 is Sunday.
    pub weekday: u8,
}

impl LocalTime {
    /// The calendar day, `2026-11-21`: what a counter a day is named by.
    pub fn date(&self) -> String {
        format!("{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}
