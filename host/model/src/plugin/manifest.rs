//! The manifest: what a plugin offers and asks for, readable without running it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::capability::Capability;
use super::channel::ChannelOffer;
use super::source::SourceOffer;
use crate::limits;
use crate::name::{EventType, OfferName, PluginName};

/// The version of the contract that this host speaks.
pub const CONTRACT_VERSION: &str = "1.0.0";
/// Components built for another major version are refused in words.
pub const CONTRACT_MAJOR: u32 = 1;

/// What a plugin says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Its name.
    pub name: PluginName,
    /// Its version.
    pub version: Version,
    /// The version of the contract it was built for.
    pub contract: Version,
    /// One sentence.
    pub summary: String,
    /// The steps it offers.
    #[serde(default)]
    pub steps: Vec<StepOffer>,
    /// The kinds of resource it defines.
    #[serde(default)]
    pub resources: Vec<ResourceOffer>,
    /// The events it emits.
    #[serde(default)]
    pub events: Vec<EventOffer>,
    /// Its steps that the host runs by itself when an event comes.
    #[serde(default)]
    pub reactions: Vec<Reaction>,
    /// What it asks for, and why.
    #[serde(default)]
    pub capabilities: Vec<CapabilityUse>,
    /// How it delivers messages, when it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<ChannelOffer>,
    /// Which webhooks it takes in, when it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceOffer>,
}

/// A step that a plugin offers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepOffer {
    /// Its name; a workflow says `uses: plugin/name@major`.
    pub name: OfferName,
    /// What it does.
    pub summary: String,
    /// JSON Schema of `with`.
    pub input: serde_json::Value,
    /// JSON Schema of the output.
    pub output: serde_json::Value,
    /// The ways it says no.
    #[serde(default)]
    pub refusals: Vec<RefusalOffer>,
}

/// A way in which a step says no.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefusalOffer {
    /// What YAML branches on.
    pub code: String,
    /// When it happens.
    pub summary: String,
}

/// A kind of resource that operators define for a plugin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResourceOffer {
    /// Its name; a file says `resource: plugin/kind`.
    pub kind: OfferName,
    /// What it is.
    pub summary: String,
    /// JSON Schema of its definition.
    pub schema: serde_json::Value,
}

/// An event that a plugin emits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventOffer {
    /// Its type.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// When it is emitted.
    pub summary: String,
    /// JSON Schema of its data.
    pub data: serde_json::Value,
}

/// A step that the host runs by itself when an event of a type is recorded. Its input is the event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reaction {
    /// The event.
    pub event: EventType,
    /// The step of the same plugin.
    pub step: OfferName,
}

/// A capability that a plugin asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CapabilityUse {
    /// Which.
    pub name: Capability,
    /// Why, for whoever grants it.
    pub why: String,
}

/// A semantic version without pre-release parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// Breaks what was.
    pub major: u32,
    /// Adds to it.
    pub minor: u32,
    /// Mends it.
    pub patch: u32,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

impl std::str::FromStr for Version {
    type Err = ManifestError;

    fn from_str(text: &str) -> Result<Self, ManifestError> {
        let fault = || ManifestError::Version { found: text.chars().take(32).collect() };
        let mut parts = text.split('.').map(|part| {
            let plain = part.bytes().all(|b| b.is_ascii_digit()) && (part == "0" || !part.starts_with('0'));
            if plain { part.parse::<u32>().map_err(|_| fault()) } else { Err(fault()) }
        });
        let mut next = || parts.next().ok_or_else(fault)?;
        let version = Self { major: next()?, minor: next()?, patch: next()? };
        if parts.next().is_some() { Err(fault()) } else { Ok(version) }
    }
}

impl Serialize for Version {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Why a manifest is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// Not a version.
    #[error("`{found}` is not a version: expected three numbers such as 1.4.0")]
    Version {
        /// The text.
        found: String,
    },
    /// Too long.
    #[error("the manifest has {found} bytes, at most {limit} are allowed")]
    TooLong {
        /// Bytes found.
        found: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// Not the shape of a manifest.
    #[error("not a manifest: {0}")]
    Shape(String),
    /// Built for another contract.
    #[error(
        "plugin {plugin} {version} is built for contract {found}, this host speaks {CONTRACT_VERSION}: \
         use a plugin version built for {CONTRACT_MAJOR}.x, or a host that speaks {found}"
    )]
    Contract {
        /// Whose manifest.
        plugin: PluginName,
        /// Its version.
        version: Version,
        /// Its contract.
        found: Version,
    },
    /// The host's own name.
    #[error("a plugin cannot be named `{}`: that is the host itself", PluginName::HOST)]
    Reserved,
    /// Two things of one name.
    #[error("the manifest names {what} `{name}` twice")]
    Twice {
        /// What kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// A reaction names a step that is not there.
    #[error("the manifest's reaction to {event} names the step `{step}`, which it does not offer")]
    ReactionStep {
        /// The event.
        event: EventType,
        /// The step.
        step: OfferName,
    },
}

impl Manifest {
    /// Reads and checks a manifest.
    pub fn from_json(text: &str) -> Result<Self, ManifestError> {
        let limit = limits::component::MANIFEST_BYTES_MAX;
        if text.len() > limit {
            return Err(ManifestError::TooLong { found: text.len(), limit });
        }
        let manifest: Self =
            serde_json::from_str(text).map_err(|fault| ManifestError::Shape(fault.to_string()))?;
        manifest.check()?;
        Ok(manifest)
    }

    fn check(&self) -> Result<(), ManifestError> {
        if self.name == PluginName::host() {
            return Err(ManifestError::Reserved);
        }
        let host: Version = CONTRACT_VERSION.parse()?;
        if self.contract.major != host.major || self.contract.minor > host.minor {
            return Err(ManifestError::Contract {
                plugin: self.name.clone(),
                version: self.version,
                found: self.contract,
            });
        }
        once("the step", self.steps.iter().map(|step| step.name.as_str()))?;
        once("the resource kind", self.resources.iter().map(|resource| resource.kind.as_str()))?;
        once("the event", self.events.iter().map(|event| event.event_type.as_str()))?;
        once("the capability", self.capabilities.iter().map(|used| used.name.as_str()))?;
        if let Some(channel) = &self.channel {
            once("the secret", channel.secrets.iter().map(|used| used.name.as_str()))?;
        }
        if let Some(source) = &self.source {
            once("the secret", source.secrets.iter().map(|used| used.name.as_str()))?;
        }
        for reaction in &self.reactions {
            if self.step(reaction.step.as_str()).is_none() {
                return Err(ManifestError::ReactionStep {
                    event: reaction.event.clone(),
                    step: reaction.step.clone(),
                });
            }
        }
        Ok(())
    }

    /// The step of this name.
    pub fn step(&self, name: &str) -> Option<&StepOffer> {
        self.steps.iter().find(|step| step.name.as_str() == name)
    }

    /// The resource kind of this name.
    pub fn resource(&self, kind: &str) -> Option<&ResourceOffer> {
        self.resources.iter().find(|resource| resource.kind.as_str() == kind)
    }

    /// Whether the plugin says that it needs this capability.
    pub fn asks_for(&self, capability: Capability) -> bool {
        self.capabilities.iter().any(|used| used.name == capability)
    }
}

fn once<'a>(what: &'static str, names: impl Iterator<Item = &'a str>) -> Result<(), ManifestError> {
    let mut seen = std::collections::BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(ManifestError::Twice { what, name: name.to_owned() });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(contract: &str, steps: &str) -> Result<Manifest, ManifestError> {
        Manifest::from_json(&format!(
            r#"{{"name":"a","version":"1.0.0","contract":"{contract}","summary":"s","steps":[{steps}]}}"#
        ))
    }

    #[test]
    fn a_plugin_for_another_contract_is_refused_in_words() {
        assert!(read("1.0.0", "").is_ok());
        assert!(read("1.0.7", "").is_ok());
        for contract in ["2.0.0", "0.9.0", "1.1.0"] {
            let message = read(contract, "").unwrap_err().to_string();
            assert!(
                message.contains(&format!("built for contract {contract}, this host speaks 1.0.0")),
                "{message}"
            );
        }
    }

    #[test]
    fn nobody_is_named_like_the_host() {
        let text = r#"{"contract":"1.0.0","name":"siyu","version":"1.0.0","summary":"s","steps":[]}"#;
        let other = text.replace("siyu", "other");
        assert!(Manifest::from_json(&other).is_ok(), "{:?}", Manifest::from_json(&other));
        assert_eq!(Manifest::from_json(text), Err(ManifestError::Reserved));
    }

    #[test]
    fn a_name_stands_once() {
        let step = r#"{"name":"x","summary":"s","input":{},"output":{}}"#;
        let message = read("1.0.0", &format!("{step},{step}")).unwrap_err().to_string();
        assert_eq!(message, "the manifest names the step `x` twice");
    }

    #[test]
    fn versions_are_three_plain_numbers() {
        assert_eq!("1.20.3".parse::<Version>().unwrap().to_string(), "1.20.3");
        for text in
            ["1", "1.2", "1.2.3.4", "1.2.x", "01.2.3", "1.2.3-beta", "-1.0.0", "1..2", "4294967296.0.0"]
        {
            assert!(text.parse::<Version>().is_err(), "{text}");
        }
    }
}
