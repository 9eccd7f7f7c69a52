//! The manifest: what a plugin says of itself. `siyu plugins pack` writes it into the component, so that it is read
//! without running it.

use schemars::Schema;
use serde::Serialize;

use crate::channel::SecretUse;
use crate::resource::Reaction;
use crate::stop::Refusal;

/// The version of the contract that this SDK speaks: the one of the package in `wit/siyu.wit`. A host of the same major
/// version and at least this minor one runs the plugin.
pub const CONTRACT_VERSION: &str = "1.0.0";

/// A capability that a plugin asks for, one interface of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    /// [`log`](crate::log): lines for the run's log. Every plugin has it.
    Log,
    /// [`context`](crate::context): who calls, for whom, what time it is. Every plugin has it.
    Context,
    /// [`random`](crate::random): randomness that is the same when a call is repeated. Every plugin has it.
    Random,
    /// [`records`](crate::records): the plugin's own documents.
    Records,
    /// [`pools`](crate::pools): stock.
    Pools,
    /// [`counters`](crate::counters): budgets and quotas.
    Counters,
    /// [`ledger`](crate::ledger): accounts in double entry.
    Ledger,
    /// [`codes`](crate::codes): unguessable codes.
    Codes,
    /// [`customers`](crate::customers): attributes, facts and tags.
    Customers,
    /// [`events`](crate::events): emitting, planning and counting.
    Events,
    /// [`messages`](crate::messages): messages to customers.
    Messages,
    /// [`resources`](crate::resources): published definitions of the plugin's own kinds.
    Resources,
    /// [`expressions`](crate::expressions): conditions that operators wrote.
    Expressions,
    /// [`http`](crate::http): requests of deliveries.
    Http,
    /// [`cache`](crate::cache): what a channel remembers between two deliveries.
    Cache,
    /// [`secrets`](crate::secrets): what secrets make of data, for channels and sources.
    Secrets,
}

/// What a plugin says of itself, as the host reads it.
#[derive(Serialize)]
pub(crate) struct Manifest {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    pub(crate) contract: &'static str,
    pub(crate) summary: &'static str,
    pub(crate) steps: Vec<StepOffer>,
    pub(crate) resources: Vec<ResourceOffer>,
    pub(crate) events: Vec<EventOffer>,
    pub(crate) reactions: Vec<Reaction>,
    pub(crate) capabilities: Vec<CapabilityUse>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) channel: Option<ChannelOffer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) source: Option<SourceOffer>,
}

#[derive(Serialize)]
pub(crate) struct SourceOffer {
    pub(crate) summary: String,
    pub(crate) config: Schema,
    pub(crate) secrets: &'static [SecretUse],
}

#[derive(Serialize)]
pub(crate) struct ChannelOffer {
    pub(crate) summary: String,
    pub(crate) config: Schema,
    pub(crate) hosts: &'static [&'static str],
    pub(crate) is_idempotent: bool,
    pub(crate) secrets: &'static [SecretUse],
}

#[derive(Serialize)]
pub(crate) struct StepOffer {
    pub(crate) name: &'static str,
    pub(crate) summary: String,
    pub(crate) input: Schema,
    pub(crate) output: Schema,
    pub(crate) refusals: &'static [Refusal],
}

#[derive(Serialize)]
pub(crate) struct ResourceOffer {
    pub(crate) kind: &'static str,
    pub(crate) summary: String,
    pub(crate) schema: Schema,
}

#[derive(Serialize)]
pub(crate) struct EventOffer {
    #[serde(rename = "type")]
    pub(crate) event_type: &'static str,
    pub(crate) summary: String,
    pub(crate) data: Schema,
}

#[derive(Serialize)]
pub(crate) struct CapabilityUse {
    pub(crate) name: Capability,
    pub(crate) why: &'static str,
}
