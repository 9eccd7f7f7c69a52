//! Capabilities: what a plugin may ask of the host, one WIT interface each.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One interface of the contract that a component may import.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    /// Lines for the run's log.
    Log,
    /// Who calls, for whom, and what time it is.
    Context,
    /// Randomness that is the same when the call is repeated.
    Random,
    /// The plugin's own documents.
    Records,
    /// Stock.
    Pools,
    /// Budgets and quotas.
    Counters,
    /// Accounts in double entry: points, stored value.
    Ledger,
    /// Unguessable codes.
    Codes,
    /// Customers: attributes, facts and tags.
    Customers,
    /// Emitting and counting events.
    Events,
    /// Messages to customers.
    Messages,
    /// Published definitions of the plugin's own kinds.
    Resources,
    /// Conditions that operators wrote, in the language of `${{ }}`.
    Expressions,
    /// Requests to hosts that were granted; for deliveries only.
    Http,
    /// What a channel remembers between two deliveries; for deliveries only.
    Cache,
    /// What secrets make of data; for deliveries and sources only.
    Secrets,
}

/// A name that is no capability.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is no capability: expected one of {}", Capability::ALL.map(Capability::as_str).join(", "))]
pub struct UnknownCapability {
    /// The name.
    pub found: String,
}

impl Capability {
    /// All capabilities of this contract version.
    pub const ALL: [Self; 16] = [
        Self::Log,
        Self::Context,
        Self::Random,
        Self::Records,
        Self::Pools,
        Self::Counters,
        Self::Ledger,
        Self::Codes,
        Self::Customers,
        Self::Events,
        Self::Messages,
        Self::Resources,
        Self::Expressions,
        Self::Http,
        Self::Cache,
        Self::Secrets,
    ];

    /// Those that a step may use, and a playbook grants.
    pub const OF_STEPS: [Self; 13] = [
        Self::Log,
        Self::Context,
        Self::Random,
        Self::Records,
        Self::Pools,
        Self::Counters,
        Self::Ledger,
        Self::Codes,
        Self::Customers,
        Self::Events,
        Self::Messages,
        Self::Resources,
        Self::Expressions,
    ];

    /// The name in manifests, playbooks and WIT.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Context => "context",
            Self::Random => "random",
            Self::Records => "records",
            Self::Pools => "pools",
            Self::Counters => "counters",
            Self::Ledger => "ledger",
            Self::Codes => "codes",
            Self::Customers => "customers",
            Self::Events => "events",
            Self::Messages => "messages",
            Self::Resources => "resources",
            Self::Expressions => "expressions",
            Self::Http => "http",
            Self::Cache => "cache",
            Self::Secrets => "secrets",
        }
    }

    /// Whether every plugin has it without a grant: it gives no authority over anything.
    pub fn is_free(self) -> bool {
        matches!(self, Self::Log | Self::Context | Self::Random)
    }

    /// Whether it is for calls that happen outside a transaction. A playbook does not grant it, because a step gets nothing
    /// from it: the entry of a channel or source in the host's configuration does.
    pub fn is_of_network(self) -> bool {
        matches!(self, Self::Http | Self::Cache | Self::Secrets)
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Capability {
    type Err = UnknownCapability;

    fn from_str(text: &str) -> Result<Self, UnknownCapability> {
        Self::ALL
            .into_iter()
            .find(|capability| capability.as_str() == text)
            .ok_or_else(|| UnknownCapability { found: text.chars().take(64).collect() })
    }
}

/// A set of capabilities.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct CapabilitySet(u16);

impl CapabilitySet {
    /// Those that every plugin has.
    pub fn free() -> Self {
        Capability::ALL.into_iter().filter(|capability| capability.is_free()).collect()
    }

    /// Those that no playbook has to grant: the free ones, and the ones that give a step nothing.
    pub fn without_grant() -> Self {
        let needless = |capability: &Capability| capability.is_free() || capability.is_of_network();
        Capability::ALL.into_iter().filter(needless).collect()
    }

    /// With one more.
    pub fn with(self, capability: Capability) -> Self {
        Self(self.0 | 1 << capability as u16)
    }

    /// Whether it holds this one.
    pub fn contains(self, capability: Capability) -> bool {
        self.0 & 1 << capability as u16 != 0
    }

    /// Those of `self` that `granted` does not hold.
    pub fn beyond(self, granted: Self) -> Self {
        Self(self.0 & !granted.0)
    }

    /// Whether it holds none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Its members, in the order of the contract.
    pub fn iter(self) -> impl Iterator<Item = Capability> {
        Capability::ALL.into_iter().filter(move |capability| self.contains(*capability))
    }
}

impl FromIterator<Capability> for CapabilitySet {
    fn from_iter<I: IntoIterator<Item = Capability>>(capabilities: I) -> Self {
        capabilities.into_iter().fold(Self::default(), Self::with)
    }
}

impl fmt::Debug for CapabilitySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(Capability::as_str)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_beyond_a_grant_is_named() {
        let asked: CapabilitySet =
            [Capability::Log, Capability::Pools, Capability::Codes].into_iter().collect();
        let granted = CapabilitySet::free().with(Capability::Codes);
        let beyond = asked.beyond(granted);
        assert_eq!(beyond.iter().collect::<Vec<_>>(), [Capability::Pools]);
        assert!(!beyond.is_empty() && asked.beyond(asked).is_empty());
    }

    #[test]
    fn a_step_may_use_all_but_what_is_of_the_network() {
        let of_steps: Vec<_> = Capability::ALL.into_iter().filter(|one| !one.is_of_network()).collect();
        assert_eq!(of_steps, Capability::OF_STEPS);
        assert!(Capability::ALL.into_iter().all(|one| one.as_str().parse() == Ok(one)));
    }
}
