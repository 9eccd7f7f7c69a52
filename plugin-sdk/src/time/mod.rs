//! Instants, durations, zones and calendar readings. Never reads a clock: the time is the call's.

mod duration;
mod instant;
mod zone;

pub use duration::Duration;
pub use instant::Instant;
pub use zone::{LocalTime, Zone};

/// Why a text is not an instant or a duration.
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
}

fn shortened(text: &str) -> String {
    text.chars().take(64).collect()
}

/// `Serialize` as the text that `Display` prints, `Deserialize` from what `FromStr` reads (refused where it stands), and
/// a schema whose `format` the host checks when something is published.
macro_rules! text_form {
    ($type:ty, $format:literal, $expected:literal, $description:literal) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Text;
                impl serde::de::Visitor<'_> for Text {
                    type Value = $type;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str($expected)
                    }

                    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<$type, E> {
                        text.parse().map_err(E::custom)
                    }
                }
                deserializer.deserialize_str(Text)
            }
        }

        impl schemars::JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                $format.into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "format": $format, "description": $description })
            }
        }
    };
}
pub(crate) use text_form;
