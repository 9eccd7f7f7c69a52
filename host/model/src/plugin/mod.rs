//! Plugins as the host sees them: what they offer, what they may do, what a call gives and costs.

mod answer;
mod capability;
mod channel;
mod hosts;
mod manifest;
mod source;
mod usage;

pub use answer::{Answer, Fault, FaultKind, FieldFault, HostFault, Refusal};
pub use capability::{Capability, CapabilitySet, UnknownCapability};
pub use channel::{ChannelOffer, Place, SecretUse};
pub use hosts::{HostPattern, Origin, OriginHost, PatternError, Scheme};
pub use manifest::{
    CONTRACT_MAJOR, CONTRACT_VERSION, CapabilityUse, EventOffer, Manifest, ManifestError, Reaction,
    RefusalOffer, ResourceOffer, StepOffer, Version,
};
pub use source::SourceOffer;
pub use usage::{CallLimits, CallUsage, Finding, LogLevel, LogLine};
