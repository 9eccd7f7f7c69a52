//! Sources of webhooks: whether each can be used, and whether its tenants have set its secrets.

use std::sync::Arc;

use siyu_engine::ports::clock::SystemClock;
use siyu_engine::ports::secrets::VaultError;
use siyu_model::name::TenantName;
use siyu_secrets::SealedVault;

use super::Finding;
use crate::home::Home;
use crate::session::Session;
use crate::sources::{Configured, Way};

const CHECK: &str = "webhooks";

/// What there is to say of sources; nothing when there are none.
pub(super) async fn look(home: &Home, session: &Session) -> Vec<Finding> {
    // Plugins that cannot be opened are a finding of their own.
    let Ok(installed) = session.plugins_alone() else { return Vec::new() };
    let sources = match Configured::read(home, &installed) {
        Ok(Some(sources)) => sources,
        Ok(None) => return Vec::new(),
        Err(why) => return vec![Finding::fault(CHECK, format!("{why:#}"), "mend sources.toml")],
    };
    let vault = async { anyhow::Ok((home.secrets().await?, session.secrets_keys()?)) };
    let vault = match vault.await {
        Ok((store, keys)) => SealedVault::new(store, Arc::new(SystemClock), keys),
        Err(why) => {
            let help = "look at the key of the host: `siyu secrets key` makes one";
            return vec![Finding::fault(CHECK, format!("{why:#}"), help)];
        }
    };
    let tenants = home.stores(None, None).tenants().await.unwrap_or_default();
    let mut findings = Vec::new();
    for way in sources.ways() {
        findings.extend(secrets(&way, &vault, &tenants).await);
    }
    if findings.is_empty() {
        findings.push(Finding::ok(CHECK, sources.tell().join("; ")));
    }
    findings
}

/// What is missing for a source. One of all tenants is that of those that have its secrets: some must.
async fn secrets(way: &Way<'_>, vault: &SealedVault, tenants: &[TenantName]) -> Vec<Finding> {
    let Way { name, source, tenants: named } = way;
    let asked: Vec<&TenantName> =
        named.map_or_else(|| tenants.iter().collect(), |named| named.iter().collect());
    let (mut findings, mut ready) = (Vec::new(), 0);
    for tenant in &asked {
        match vault.check(tenant, source.secrets.values()).await {
            Ok(()) => ready += 1,
            Err(fault @ VaultError::Missing { .. }) if named.is_some() => {
                let help = "until then its webhooks are answered with 404";
                findings.push(Finding::warn(CHECK, format!("source `{name}`: {fault}"), help));
            }
            Err(VaultError::Missing { .. }) => {}
            Err(fault) => {
                let help = "until then its webhooks are answered with 503";
                findings.push(Finding::fault(CHECK, format!("source `{name}`: {fault}"), help));
            }
        }
    }
    if findings.is_empty() && ready == 0 && !source.secrets.is_empty() {
        let names: Vec<&str> = source.secrets.values().map(|name| name.as_str()).collect();
        let detail = format!("source `{name}`: no tenant has set {}", names.join(", "));
        findings.push(Finding::warn(CHECK, detail, "set them with `siyu secrets set NAME --tenant TENANT`"));
    }
    findings
}
