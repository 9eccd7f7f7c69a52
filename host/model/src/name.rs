//! Names that people choose: each kind is a type, and a name that exists follows its rule.
//!
//! Names reach file names, SQL keys and expressions, so their alphabets are narrow on purpose.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Why a text is not a name of its kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is not {what}: expected {rule}")]
pub struct NameError {
    found: String,
    what: &'static str,
    rule: &'static str,
}

/// Lower-case words with hyphens: safe as a file name, in a URL and in a shell.
fn is_slug(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
}

/// An identifier of the expression language.
fn is_identifier(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Dotted lower-case words.
fn is_dotted(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text.split('.').all(|word| {
            word.starts_with(|c: char| c.is_ascii_lowercase())
                && word
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-')
        })
}

/// A key that a plugin or an outside system chose: printable, no white space at the ends, no control characters.
fn is_key(text: &str) -> bool {
    (1..=256).contains(&text.len()) && text.trim() == text && !text.chars().any(char::is_control)
}

/// A tag: `value` or `group.value`, in any script.
fn is_tag(text: &str) -> bool {
    is_key(text) && text.chars().count() <= 61 && !text.chars().any(char::is_whitespace)
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $check:path, $what:literal, $rule:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks the rule of this kind of name.
            pub fn new(text: &str) -> Result<Self, NameError> {
                if $check(text) {
                    Ok(Self(text.into()))
                } else {
                    Err(NameError { found: text.chars().take(80).collect(), what: $what, rule: $rule })
                }
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::new(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                Self::new(&text).map_err(de::Error::custom)
            }
        }
    };
}

name!(
    /// A tenant: one client of the host, one store.
    TenantName, is_slug, "a tenant name", "1 to 64 of a-z, 0-9, - and _"
);
name!(
    /// A playbook: the folder that an agency sells to a client.
    PlaybookName, is_slug, "a playbook name", "1 to 64 of a-z, 0-9, - and _"
);
name!(
    /// A workflow inside a playbook.
    WorkflowName, is_slug, "a workflow name", "1 to 64 of a-z, 0-9, - and _"
);
name!(
    /// A plugin.
    PluginName, is_slug, "a plugin name", "1 to 64 of a-z, 0-9, - and _"
);
impl PluginName {
    /// Under which name the host keeps documents of its own. No plugin may have it.
    pub const HOST: &'static str = "siyu";

    /// The host itself.
    pub fn host() -> Self {
        Self(Self::HOST.into())
    }
}

name!(
    /// A step that a plugin offers, or a kind of resource that it defines.
    OfferName, is_slug, "the name of a plugin's step or resource kind", "1 to 64 of a-z, 0-9, - and _"
);
name!(
    /// A resource that an operator defines for a plugin, such as a coupon batch.
    ResourceName, is_slug, "a resource name", "1 to 64 of a-z, 0-9, - and _"
);
name!(
    /// A way to reach a customer.
    ChannelName, is_slug, "a channel name", "1 to 64 of a-z, 0-9, - and _"
);
name!(
    /// A message template.
    TemplateName, is_slug, "a template name", "1 to 64 of a-z, 0-9, - and _"
);
name!(
    /// A named expression over a customer.
    SegmentName, is_slug, "a segment name", "1 to 64 of a-z, 0-9, - and _"
);
name!(
    /// A secret of a tenant, or what a plugin calls one.
    SecretName, is_slug, "the name of a secret", "1 to 64 of a-z, 0-9, - and _"
);
name!(
    /// A source of webhooks; events that come by it have it as their `source`.
    SourceName, is_slug, "the name of a source", "1 to 64 of a-z, 0-9, - and _"
);
name!(
    /// The id of a step inside its workflow; expressions read `steps.<id>`.
    StepId, is_identifier, "a step id", "1 to 64 letters, digits and _, not beginning with a digit"
);
name!(
    /// The type of an event, such as `order.paid`.
    EventType, is_dotted, "an event type", "dotted lower-case words such as order.paid, at most 128 characters"
);
name!(
    /// A key that a plugin chose for a pool, a counter, an account, a record or a planned event.
    Key, is_key, "a key", "1 to 256 bytes without control characters or white space at the ends"
);
name!(
    /// A tag of a customer, `value` or `group.value`.
    Tag, is_tag, "a tag", "at most 61 characters without white space, such as lifecycle.loyal"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_escape_a_path_or_an_expression_are_refused() {
        for text in ["", "..", "a/b", "A", "a b", "a\0", "-a", &"a".repeat(65), "名"] {
            assert!(PlaybookName::new(text).is_err(), "{text:?}");
        }
        for text in ["", "a-b", "1a", "a.b", "步骤"] {
            assert!(StepId::new(text).is_err(), "{text:?}");
        }
        for text in ["", "Order.paid", "order..paid", "order.", "order paid"] {
            assert!(EventType::new(text).is_err(), "{text:?}");
        }
        assert!(Tag::new("生命周期.忠诚").is_ok());
        assert!(Key::new(" a").is_err());
        assert!(Key::new("a\nb").is_err());
    }

    #[test]
    fn the_message_says_what_was_found_and_the_rule() {
        let message = StepId::new("get-coupon").unwrap_err().to_string();
        assert_eq!(
            message,
            "`get-coupon` is not a step id: expected 1 to 64 letters, digits and _, not beginning with a digit"
        );
    }
}
