//! The vault: opens what is kept of secrets for one call.
//!
//! It goes by what it knows for a second, so that calls do not wait for a database; what it holds meanwhile is sealed, but
//! for the keys of tenants. It decides nothing about who may use which secret: it is told by the configuration.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use siyu_engine::ports::clock::Clock;
use siyu_engine::ports::secrets::{SecretRow, SecretStore, Secrets, Vault, VaultError};
use siyu_engine::ports::store::StoreError;
use siyu_model::clock::{DurationMs, UtcMs};
use siyu_model::limits::secrets::{FRESH_MS, STALE_MS, TENANTS_OPEN_MAX, USED_MS};
use siyu_model::name::{SecretName, TenantName};
use siyu_model::secret::SecretValue;
use tokio::sync::Mutex as Turn;

use crate::host_key::{HostKeys, hex};
use crate::opened::Opened;
use crate::seal::{DataKey, Place};

/// Secrets of tenants, opened for calls.
pub struct SealedVault {
    store: Arc<dyn SecretStore>,
    clock: Arc<dyn Clock>,
    keys: HostKeys,
    known: Mutex<Known>,
    /// Held by whoever asks what changed.
    asking: Turn<()>,
    /// When secrets were used that is not noted yet.
    uses: Mutex<HashMap<(TenantName, SecretName), UtcMs>>,
}

/// What is known.
#[derive(Default)]
struct Known {
    /// When it was asked, and by which number; never yet when there is none.
    asked: Option<(UtcMs, u64)>,
    tenants: HashMap<TenantName, Arc<Sealed>>,
}

/// The secrets of a tenant. Values stay sealed until a call uses them.
struct Sealed {
    /// None when the tenant has no secrets.
    key: Option<DataKey>,
    rows: Vec<SecretRow>,
}

impl SealedVault {
    /// Of what is kept, with the keys of the host.
    pub fn new(store: Arc<dyn SecretStore>, clock: Arc<dyn Clock>, keys: HostKeys) -> Self {
        Self { store, clock, keys, known: Mutex::default(), asking: Turn::default(), uses: Mutex::default() }
    }

    /// Notes when secrets were used.
    pub async fn flush(&self) {
        let uses = std::mem::take(&mut *self.uses.lock().unwrap_or_else(PoisonError::into_inner));
        if uses.is_empty() {
            return;
        }
        let uses = uses.into_iter().map(|((tenant, name), at)| (tenant, name, at)).collect();
        if let Err(fault) = self.store.secrets_used(uses).await {
            tracing::warn!(%fault, "when secrets were used is not noted");
        }
    }

    /// Notes from time to time when secrets were used, until `stop` is over, and then once more.
    pub async fn attend(&self, stop: impl Future<Output = ()>) {
        tokio::pin!(stop);
        loop {
            let next = self.clock.now() + DurationMs::from_millis(USED_MS);
            tokio::select! {
                () = &mut stop => break,
                () = self.clock.sleep_until(next) => self.flush().await,
            }
        }
        self.flush().await;
    }

    /// Whether the secrets that a configuration names are there and can be opened; for whoever starts a host.
    ///
    /// # Errors
    /// The first that is not there, or why none can be opened.
    pub async fn check<'n>(
        &self,
        tenant: &TenantName,
        names: impl IntoIterator<Item = &'n SecretName>,
    ) -> Result<(), VaultError> {
        let sealed = self.sealed(tenant).await?;
        let now = self.clock.now();
        names.into_iter().try_for_each(|name| sealed.open(tenant, name, now).map(drop))
    }

    /// Whoever panicked while holding the lock left a map that is whole.
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets what changed since; what is known is a second old at most, or as old as it may be when nobody can be asked.
    async fn look(&self) -> Result<(), StoreError> {
        if self.is_fresh(FRESH_MS) {
            return Ok(());
        }
        let _turn = self.asking.lock().await;
        if self.is_fresh(FRESH_MS) {
            return Ok(());
        }
        let now = self.clock.now();
        match self.store.secrets_revision().await {
            Ok(revision) => {
                let mut known = self.lock();
                if known.asked.is_none_or(|(_, before)| before != revision) {
                    known.tenants.clear();
                }
                known.asked = Some((now, revision));
                Ok(())
            }
            Err(fault) if self.is_fresh(STALE_MS) => {
                tracing::warn!(%fault, "secrets cannot be read");
                Ok(())
            }
            Err(fault) => Err(fault),
        }
    }

    /// What was learnt before a clock was set back says nothing about its age.
    fn is_fresh(&self, for_ms: u64) -> bool {
        let now = self.clock.now();
        let since = now - DurationMs::from_millis(for_ms);
        self.lock().asked.is_some_and(|(at, _)| at >= since && at <= now)
    }

    /// What is known of a tenant, read when it is not.
    async fn sealed(&self, tenant: &TenantName) -> Result<Arc<Sealed>, VaultError> {
        self.look().await?;
        let (found, asked) = {
            let known = self.lock();
            (known.tenants.get(tenant).cloned(), known.asked)
        };
        if let Some(found) = found {
            return Ok(found);
        }
        let rows = self.store.secrets(tenant).await?;
        let key = match self.store.data_key(tenant).await? {
            Some(row) => {
                let no_key = || VaultError::Key {
                    tenant: tenant.clone(),
                    needed: hex(&row.host_key),
                    found: self.keys.to_string(),
                };
                let host = self.keys.find(&row.host_key).ok_or_else(no_key)?;
                let broken = || VaultError::Broken { tenant: tenant.clone(), what: "the key".to_owned() };
                Some(DataKey::unwrap(&row, host).ok_or_else(broken)?)
            }
            None => None,
        };
        let sealed = Arc::new(Sealed { key, rows });
        let mut known = self.lock();
        // What was read before a change that somebody else saw meanwhile is used this once.
        if known.asked.map(|(_, revision)| revision) == asked.map(|(_, revision)| revision) {
            if known.tenants.len() >= TENANTS_OPEN_MAX {
                known.tenants.clear();
            }
            known.tenants.insert(tenant.clone(), sealed.clone());
        }
        Ok(sealed)
    }
}

impl Sealed {
    /// The values of a secret that are accepted, the one in force first.
    fn open(
        &self,
        tenant: &TenantName,
        name: &SecretName,
        now: UtcMs,
    ) -> Result<Vec<SecretValue>, VaultError> {
        let rows = self.rows.iter().filter(|row| row.name == *name);
        let accepted = rows.filter(|row| row.until.is_none_or(|until| now < until));
        let broken = || VaultError::Broken { tenant: tenant.clone(), what: format!("the secret `{name}`") };
        let values: Vec<SecretValue> = accepted
            .map(|row| {
                let place = Place { tenant, name, version: row.version };
                self.key.as_ref().and_then(|key| key.open(place, &row.sealed)).ok_or_else(broken)
            })
            .collect::<Result<_, _>>()?;
        if values.is_empty() {
            return Err(VaultError::Missing { tenant: tenant.clone(), name: name.clone() });
        }
        Ok(values)
    }
}

#[async_trait]
impl Vault for SealedVault {
    async fn open(
        &self,
        tenant: &TenantName,
        names: &BTreeMap<SecretName, SecretName>,
    ) -> Result<Arc<dyn Secrets>, VaultError> {
        if names.is_empty() {
            return Ok(Arc::new(Opened(BTreeMap::new())));
        }
        let sealed = self.sealed(tenant).await?;
        let now = self.clock.now();
        let mut opened = BTreeMap::new();
        for (plugins, tenants) in names {
            opened.insert(plugins.clone(), sealed.open(tenant, tenants, now)?);
        }
        let mut uses = self.uses.lock().unwrap_or_else(PoisonError::into_inner);
        uses.extend(names.values().map(|name| ((tenant.clone(), name.clone()), now)));
        Ok(Arc::new(Opened(opened)))
    }
}

#[cfg(test)]
mod tests;
