//! Instants and lengths in the plugin's own documents, as whole milliseconds: a text is for people, and reading one costs a
//! hold more than all its other fields.

use siyu_plugin::prelude::*;
use siyu_plugin::serde::{Deserializer, Serializer};

/// A value that is written as milliseconds.
pub(crate) trait Millis: Sized {
    /// As milliseconds.
    fn into_millis(self) -> i64;
    /// From milliseconds.
    fn of_millis(millis: i64) -> Self;
}

impl Millis for Instant {
    fn into_millis(self) -> i64 {
        self.as_millis()
    }

    fn of_millis(millis: i64) -> Self {
        Self::from_millis(millis)
    }
}

impl Millis for Duration {
    fn into_millis(self) -> i64 {
        i64::try_from(self.as_millis()).unwrap_or(i64::MAX)
    }

    fn of_millis(millis: i64) -> Self {
        Self::from_millis(u64::try_from(millis).unwrap_or(0))
    }
}

/// For `#[serde(with = "millis")]`.
///
/// # Errors
/// The serializer's.
pub(crate) fn serialize<T: Millis + Copy, S: Serializer>(
    value: &T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_i64(value.into_millis())
}

/// For `#[serde(with = "millis")]`.
///
/// # Errors
/// The deserializer's.
pub(crate) fn deserialize<'de, T: Millis, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    Ok(T::of_millis(i64::deserialize(deserializer)?))
}
