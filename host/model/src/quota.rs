//! Quotas: how much of a host one tenant may use, so that many clients' playbooks can share it.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::name::TenantName;

/// How much one tenant may use; what is absent is bound by the host's own limits alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Quotas {
    /// Events a second that come in over HTTP at one host, starts by hand included. Two seconds are saved up.
    pub events_per_second: Option<u32>,
    /// Streams of events that are open at once at one host.
    pub streams: Option<u32>,
    /// Messages a day, of all playbooks, channels and classes; days are those of the playbook's zone.
    pub messages_per_day: Option<u32>,
    /// How long plugins may work, percent of one processor; 250 is two and a half. A second is saved up.
    pub plugin_cpu_percent: Option<u32>,
    /// MiB of the tenant's database with its log; beyond it nothing more comes in.
    pub storage_mib: Option<u64>,
}

impl Quotas {
    /// The same, with what is absent taken from others.
    #[must_use]
    pub fn or(self, others: Self) -> Self {
        Self {
            events_per_second: self.events_per_second.or(others.events_per_second),
            streams: self.streams.or(others.streams),
            messages_per_day: self.messages_per_day.or(others.messages_per_day),
            plugin_cpu_percent: self.plugin_cpu_percent.or(others.plugin_cpu_percent),
            storage_mib: self.storage_mib.or(others.storage_mib),
        }
    }

    /// The quota that nothing could be done under, by its name.
    fn zero(self) -> Option<&'static str> {
        let counts = [
            ("events_per_second", self.events_per_second.map(u64::from)),
            ("plugin_cpu_percent", self.plugin_cpu_percent.map(u64::from)),
            ("storage_mib", self.storage_mib),
        ];
        counts.into_iter().find_map(|(name, count)| (count == Some(0)).then_some(name))
    }
}

/// The quotas of all tenants of a host.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct QuotaTable {
    /// Of each tenant, as far as it has none of its own.
    pub all: Quotas,
    /// Of single tenants.
    pub tenants: BTreeMap<TenantName, Quotas>,
}

impl QuotaTable {
    /// The quotas of a tenant.
    pub fn of(&self, tenant: &TenantName) -> Quotas {
        self.tenants.get(tenant).copied().unwrap_or_default().or(self.all)
    }

    /// A quota under which nothing could be done: whose, and which.
    pub fn zero(&self) -> Option<(Option<&TenantName>, &'static str)> {
        let of_all = self.all.zero().map(|name| (None, name));
        of_all
            .or_else(|| self.tenants.iter().find_map(|(tenant, quotas)| Some((Some(tenant), quotas.zero()?))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_has_its_own_quotas_and_those_of_all_otherwise() {
        let all = Quotas { events_per_second: Some(5), messages_per_day: Some(7), ..Quotas::default() };
        let own = Quotas { events_per_second: Some(50), storage_mib: Some(1), ..Quotas::default() };
        let (shop, other): (TenantName, TenantName) = ("shop".parse().unwrap(), "other".parse().unwrap());
        let table = QuotaTable { all, tenants: BTreeMap::from([(shop.clone(), own)]) };
        assert_eq!(table.of(&shop), Quotas { messages_per_day: Some(7), ..own });
        assert_eq!(table.of(&other), all);
        assert_eq!(table.zero(), None);
    }

    #[test]
    fn a_quota_of_nothing_is_found() {
        let shop: TenantName = "shop".parse().unwrap();
        let none = Quotas { plugin_cpu_percent: Some(0), ..Quotas::default() };
        let table = QuotaTable { all: none, ..QuotaTable::default() };
        assert_eq!(table.zero(), Some((None, "plugin_cpu_percent")));
        let table = QuotaTable { tenants: BTreeMap::from([(shop.clone(), none)]), ..QuotaTable::default() };
        assert_eq!(table.zero(), Some((Some(&shop), "plugin_cpu_percent")));
        // No message at all is a quota that makes sense: a tenant that is tried out.
        let silent = QuotaTable {
            all: Quotas { messages_per_day: Some(0), ..Quotas::default() },
            ..QuotaTable::default()
        };
        assert_eq!(silent.zero(), None);
    }
}
