//! Secrets of tenants for their channels: opened when a request is sent, by the names that `channels.toml` gives them.
//!
//! Nothing is kept here but the vault, which is made when the first secret is needed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use siyu_engine::ports::clock::{Clock, SystemClock};
use siyu_engine::ports::network::{NoSecrets, SecretText, SecretValues};
use siyu_engine::ports::secrets::{Secrets, Vault, VaultError};
use siyu_engine::ports::store::StoreError;
use siyu_model::clock::{DurationMs, UtcMs};
use siyu_model::limits::secrets::USED_MS;
use siyu_model::name::{SecretName, TenantName};
use siyu_model::plugin::SecretUse;
use siyu_secrets::SealedVault;
use tokio::sync::OnceCell;

use crate::home::Home;

/// The secrets of a host's tenants.
pub(crate) struct Keyring {
    home: Home,
    vault: OnceCell<SealedVault>,
    /// When it was last noted which secrets were used.
    noted_at: Mutex<UtcMs>,
}

impl Keyring {
    /// Nothing is opened yet.
    pub(crate) fn new(home: &Home) -> Self {
        Self { home: home.clone(), vault: OnceCell::new(), noted_at: Mutex::new(UtcMs::EPOCH) }
    }

    /// Those of a channel: the plugin's name for each, and the tenant's. An error when this host has no readable key for them.
    pub(crate) fn of_channel(
        self: &Arc<Self>,
        tenant: &TenantName,
        names: &BTreeMap<SecretName, SecretName>,
    ) -> anyhow::Result<Arc<dyn SecretValues>> {
        if names.is_empty() {
            return Ok(Arc::new(NoSecrets));
        }
        self.home.secrets_keys()?;
        Ok(Arc::new(OfChannel { keyring: self.clone(), tenant: tenant.clone(), names: names.clone() }))
    }

    async fn vault(&self) -> anyhow::Result<&SealedVault> {
        let made = self.vault.get_or_try_init(async || {
            let keys = self.home.secrets_keys()?;
            anyhow::Ok(SealedVault::new(self.home.secrets().await?, Arc::new(SystemClock), keys))
        });
        made.await
    }

    /// Notes which secrets were used, when that was not done for a while.
    async fn note(&self, vault: &SealedVault) {
        let now = SystemClock.now();
        let is_time = {
            let mut noted_at = self.noted_at.lock().unwrap_or_else(PoisonError::into_inner);
            let is_time = *noted_at + DurationMs::from_millis(USED_MS) <= now;
            if is_time {
                *noted_at = now;
            }
            is_time
        };
        if is_time {
            vault.flush().await;
        }
    }
}

#[async_trait]
impl Vault for Keyring {
    async fn open(
        &self,
        tenant: &TenantName,
        names: &BTreeMap<SecretName, SecretName>,
    ) -> Result<Arc<dyn Secrets>, VaultError> {
        let vault = self.vault().await;
        let vault = vault.map_err(|fault| StoreError::Database(format!("{fault:#}")))?;
        let opened = vault.open(tenant, names).await?;
        self.note(vault).await;
        Ok(opened)
    }
}

/// The secrets of one channel.
struct OfChannel {
    keyring: Arc<Keyring>,
    tenant: TenantName,
    names: BTreeMap<SecretName, SecretName>,
}

#[async_trait]
impl SecretValues for OfChannel {
    async fn secret(&self, name: &str) -> Result<Option<SecretText>, String> {
        let known = self.names.iter().find(|(of_plugin, _)| of_plugin.as_str() == name);
        let Some((of_plugin, of_tenant)) = known else { return Ok(None) };
        let names = BTreeMap::from([(of_plugin.clone(), of_tenant.clone())]);
        let opened = self.keyring.open(&self.tenant, &names).await.map_err(|fault| fault.to_string())?;
        let value = opened.reveal(name).map_err(|fault| fault.to_string())?;
        Ok(Some(SecretText::new(value.expose())))
    }
}

/// Every secret that a plugin uses has a name of the tenant's, and no other has: what was found otherwise, and what helps.
pub(crate) fn check_given(
    given: &BTreeMap<SecretName, SecretName>,
    used: &[SecretUse],
) -> Result<(), (String, String)> {
    if let Some(name) = given.keys().find(|name| !used.iter().any(|used| used.name == name.as_str())) {
        let known = used.iter().map(|used| used.name.as_str()).collect::<Vec<_>>().join(", ");
        let known = if known.is_empty() { "none" } else { &known };
        return Err((format!("secrets: it uses no `{name}`"), format!("it uses {known}")));
    }
    match used.iter().find(|used| !given.contains_key(used.name.as_str())) {
        Some(SecretUse { name, why, .. }) => Err((
            format!("secrets: `{name}` is missing: {why}"),
            format!("write `secrets = {{ {name} = \"NAME\" }}`, the name of a secret of the tenant"),
        )),
        None => Ok(()),
    }
}
