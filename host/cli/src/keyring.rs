//! Secrets of tenants for their channels and for webhooks that come in: opened when they are needed, by the names that the
//! configuration gives them.
//!
//! Nothing is kept here but the vault. A host that serves opens it once, for all who need it, and attends it; a command opens
//! it when the first secret is needed.

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
use tokio::sync::{OnceCell, oneshot};
use tokio::task::JoinHandle;

use crate::home::Home;

/// The secrets of a host's tenants.
pub(crate) struct Keyring {
    home: Home,
    vault: OnceCell<SealedVault>,
    /// When it was last noted which secrets were used; none where the vault is attended, which notes it.
    noted_at: Option<Mutex<UtcMs>>,
}

/// A keyring whose vault is open, and attended until it is stopped.
pub(crate) struct Attended {
    /// What opens secrets.
    pub(crate) keyring: Arc<Keyring>,
    end: oneshot::Sender<()>,
    attending: JoinHandle<()>,
}

impl Attended {
    /// Opens the vault of a host that serves. Must be called inside a tokio runtime.
    pub(crate) async fn start(home: &Home) -> anyhow::Result<Self> {
        let keyring = Arc::new(Keyring { noted_at: None, ..Keyring::new(home) });
        keyring.vault().await?;
        let (end, ending) = oneshot::channel();
        let attended = keyring.clone();
        let attending = tokio::spawn(async move {
            if let Some(vault) = attended.vault.get() {
                // A sender that is gone ends it too.
                vault.attend(async { drop(ending.await) }).await;
            }
        });
        Ok(Self { keyring, end, attending })
    }

    /// Notes what is not noted yet, and ends; when nobody uses secrets any more.
    pub(crate) async fn stop(self) {
        drop(self.end);
        if let Err(fault) = self.attending.await {
            tracing::error!(%fault, "a loop of secrets ended badly");
        }
    }
}

impl Keyring {
    /// For a command; nothing is opened yet.
    pub(crate) fn new(home: &Home) -> Self {
        Self { home: home.clone(), vault: OnceCell::new(), noted_at: Some(Mutex::new(UtcMs::EPOCH)) }
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
        let Some(noted_at) = &self.noted_at else { return };
        let now = SystemClock.now();
        let is_time = {
            let mut noted_at = noted_at.lock().unwrap_or_else(PoisonError::into_inner);
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

#[cfg(test)]
mod tests {
    use super::*;
    use siyu_engine::ports::access::{Note, Outcome};
    use siyu_model::secret::SecretValue;
    use siyu_secrets::{HostKey, Keeper, SecretWish};
    use siyu_store::Durability;
    use zeroize::Zeroizing;

    /// A data folder in which the tenant `shop` has the secret `crm_key`.
    async fn home(folder: &std::path::Path) -> Home {
        use std::os::unix::fs::PermissionsExt;
        let key = folder.join("key");
        std::fs::write(&key, HostKey::of(Zeroizing::new([7; 32])).expose().as_bytes()).unwrap();
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
        let home = Home::new(folder.join("data"), "shop".parse().unwrap(), Durability::default())
            .with_secrets_key(Some(key));
        let wish = SecretWish {
            tenant: home.tenant.clone(),
            name: "crm_key".parse().unwrap(),
            value: SecretValue::from_bytes(Zeroizing::new(b"sesame".to_vec())).unwrap(),
            previous_for: DurationMs::from_millis(0),
        };
        let keeper = Keeper::new(home.secrets().await.unwrap(), home.secrets_keys().unwrap());
        let note = Note {
            at: SystemClock.now(),
            actor: "test".to_owned(),
            tenant: Some(home.tenant.clone()),
            action: "secrets.set".to_owned(),
            subject: "crm_key".to_owned(),
            outcome: Outcome::Done,
            detail: String::new(),
        };
        keeper.set(wish, note).await.unwrap();
        home
    }

    #[tokio::test]
    async fn a_host_opens_one_vault_for_all_and_notes_what_was_used() {
        let folder = tempfile::tempdir().unwrap();
        let home = home(folder.path()).await;
        let names = BTreeMap::from([("key".parse().unwrap(), "crm_key".parse().unwrap())]);
        let attended = Attended::start(&home).await.unwrap();
        assert!(attended.keyring.vault.initialized(), "before anybody needs it");
        // A channel, and a webhook that comes in.
        let channel = attended.keyring.of_channel(&home.tenant, &names).unwrap();
        assert!(channel.secret("key").await.unwrap().is_some());
        let vault: Arc<dyn Vault> = attended.keyring.clone();
        assert!(vault.open(&home.tenant, &names).await.unwrap().reveal("key").is_ok());
        attended.stop().await;
        let kept = home.secrets().await.unwrap().secrets(&home.tenant).await.unwrap();
        assert!(kept[0].used_at.is_some(), "noted at the end, by the one loop that there is");
    }
}
