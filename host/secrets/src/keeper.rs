//! Setting values and changing the key of the host: what people do.
//!
//! It opens no value: what is sealed stays sealed under the tenant's key, and only that key is wrapped anew.

use std::sync::Arc;

use siyu_engine::ports::access::Note;
use siyu_engine::ports::secrets::{
    DataKeyRow, Rewrap, SecretRow, SecretStore, SetEnd, SetSecret, VaultError,
};
use siyu_model::clock::DurationMs;
use siyu_model::limits::secrets::PER_TENANT_MAX;
use siyu_model::name::{SecretName, TenantName};
use siyu_model::secret::SecretValue;
use zeroize::Zeroizing;

use crate::host_key::{HostKeys, hex};
use crate::seal::{DataKey, KEY_BYTES, NONCE_BYTES, Place};

/// How often whoever comes second looks again.
const TRIES: u32 = 8;

/// Why a value is not in force, or a key was not changed.
#[derive(Debug, thiserror::Error)]
pub enum SetError {
    /// It cannot be sealed.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// There are too many.
    #[error("tenant `{0}` has {PER_TENANT_MAX} secrets, which is the most: remove one that nobody uses")]
    Full(TenantName),
    /// Others keep changing the same.
    #[error("others change the same secrets at this moment: try again")]
    Changed,
    /// The system has no randomness.
    #[error("there are no random bytes: {0}")]
    Random(getrandom::Error),
}

/// A value that is to be in force.
pub struct SecretWish {
    /// Whose.
    pub tenant: TenantName,
    /// What it is called.
    pub name: SecretName,
    /// The value.
    pub value: SecretValue,
    /// For how long values before it are still accepted.
    pub previous_for: DurationMs,
}

/// How many keys of tenants were wrapped anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rekeyed {
    /// So many were under another key.
    pub changed: usize,
    /// So many were under the key in force already.
    pub before: usize,
}

/// Sets secrets and changes the key of the host.
pub struct Keeper {
    store: Arc<dyn SecretStore>,
    keys: HostKeys,
}

impl Keeper {
    /// Of what is kept, with the keys of the host.
    pub fn new(store: Arc<dyn SecretStore>, keys: HostKeys) -> Self {
        Self { store, keys }
    }

    /// Puts a value in force, with the note of it; says its version.
    ///
    /// # Errors
    /// There is no key, the tenant's cannot be opened, there is no room, or others are at it.
    pub async fn set(&self, wish: SecretWish, note: Note) -> Result<u32, SetError> {
        for _ in 0..TRIES {
            let (key, row) = self.key_of(&wish.tenant).await?;
            let known = self.store.secrets(&wish.tenant).await.map_err(VaultError::Store)?;
            let last = known.iter().filter(|row| row.name == wish.name).map(|row| row.version).max();
            let version = last.unwrap_or(0).saturating_add(1);
            let place = Place { tenant: &wish.tenant, name: &wish.name, version };
            let sealed = key.seal(place, &wish.value, *random::<NONCE_BYTES>()?).ok_or(SetError::Changed)?;
            let set = SetSecret {
                row: SecretRow {
                    tenant: wish.tenant.clone(),
                    name: wish.name.clone(),
                    version,
                    sealed,
                    set_at: note.at,
                    set_by: note.actor.clone(),
                    until: None,
                    used_at: None,
                },
                key: row,
                previous_until: note.at + wish.previous_for,
            };
            match self.store.set_secret(set, note.clone()).await.map_err(VaultError::Store)? {
                SetEnd::Done => return Ok(version),
                SetEnd::Full => return Err(SetError::Full(wish.tenant)),
                SetEnd::Changed => {}
            }
        }
        Err(SetError::Changed)
    }

    /// Wraps the keys of all tenants under the key in force; all of them, or none.
    ///
    /// # Errors
    /// There is no key, one of the tenants' is under a key that is not given, or others are at it.
    pub async fn rekey(&self, note: Note) -> Result<Rekeyed, SetError> {
        let in_force = self.keys.in_force().ok_or(VaultError::NoKey)?;
        for _ in 0..TRIES {
            let rows = self.store.data_keys().await.map_err(VaultError::Store)?;
            let (before, other): (Vec<_>, Vec<_>) =
                rows.into_iter().partition(|row| row.host_key == in_force.id());
            let mut keys = Vec::with_capacity(other.len());
            for row in other {
                let key = self.unwrap(&row)?;
                let after = key.wrap(&row.tenant, in_force, *random::<NONCE_BYTES>()?);
                keys.push(Rewrap { before: row, after: after.ok_or(SetError::Changed)? });
            }
            let rekeyed = Rekeyed { changed: keys.len(), before: before.len() };
            if keys.is_empty() {
                return Ok(rekeyed);
            }
            if self.store.rewrap(keys, note.clone()).await.map_err(VaultError::Store)? {
                return Ok(rekeyed);
            }
        }
        Err(SetError::Changed)
    }

    /// The tenant's key, made when it has none.
    async fn key_of(&self, tenant: &TenantName) -> Result<(DataKey, DataKeyRow), SetError> {
        if let Some(row) = self.store.data_key(tenant).await.map_err(VaultError::Store)? {
            return Ok((self.unwrap(&row)?, row));
        }
        let host = self.keys.in_force().ok_or(VaultError::NoKey)?;
        let key = DataKey::of(random::<KEY_BYTES>()?);
        let row = key.wrap(tenant, host, *random::<NONCE_BYTES>()?).ok_or(SetError::Changed)?;
        Ok((key, row))
    }

    fn unwrap(&self, row: &DataKeyRow) -> Result<DataKey, VaultError> {
        let host = self.keys.find(&row.host_key).ok_or_else(|| VaultError::Key {
            tenant: row.tenant.clone(),
            needed: hex(&row.host_key),
            found: self.keys.to_string(),
        })?;
        let broken = || VaultError::Broken { tenant: row.tenant.clone(), what: "the key".to_owned() };
        DataKey::unwrap(row, host).ok_or_else(broken)
    }
}

fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>, SetError> {
    let mut bytes = Zeroizing::new([0; N]);
    getrandom::fill(&mut *bytes).map_err(SetError::Random)?;
    Ok(bytes)
}
