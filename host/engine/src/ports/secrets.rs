//! The secrets port: what is kept of secrets, sealed, and how a call uses those that it was given.
//!
//! Rows hold sealed bytes alone: whoever keeps them cannot open them. A plugin never gets a value: it asks what a value
//! makes of data.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use siyu_model::clock::UtcMs;
use siyu_model::name::{SecretName, TenantName};
use siyu_model::secret::SecretValue;
use siyu_model::secret::mac::MacAlgorithm;

use super::access::Note;
use super::plugins::Asked;
use super::store::StoreError;

/// Bytes of the name of a host's key.
pub const KEY_ID_BYTES: usize = 8;

/// A tenant's own key, under which its secrets are sealed, wrapped under a key of the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataKeyRow {
    /// Whose.
    pub tenant: TenantName,
    /// Which key of the host opens it; says nothing about that key.
    pub host_key: [u8; KEY_ID_BYTES],
    /// The key, wrapped.
    pub wrapped: Vec<u8>,
}

/// One value of a secret as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretRow {
    /// Whose.
    pub tenant: TenantName,
    /// What it is called.
    pub name: SecretName,
    /// 1, 2, 3 …: the highest is in force.
    pub version: u32,
    /// The value, sealed under the tenant's key.
    pub sealed: Vec<u8>,
    /// When it was set.
    pub set_at: UtcMs,
    /// Who set it.
    pub set_by: String,
    /// From this instant on it is no longer accepted; none for the one in force.
    pub until: Option<UtcMs>,
    /// When it was last used, exact to [`siyu_model::limits::secrets::USED_MS`].
    pub used_at: Option<UtcMs>,
}

/// A value that is to be in force.
#[derive(Debug, Clone)]
pub struct SetSecret {
    /// The value; its version is one more than the one in force, or 1.
    pub row: SecretRow,
    /// The tenant's key that it is sealed under: kept when the tenant has none, otherwise the one that the tenant has.
    pub key: DataKeyRow,
    /// Until when values before it are accepted; not later than each was already.
    pub previous_until: UtcMs,
}

/// What became of a value that was to be in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetEnd {
    /// It is in force.
    Done,
    /// Somebody set another or changed the tenant's key meanwhile: look again.
    Changed,
    /// The tenant has [`siyu_model::limits::secrets::PER_TENANT_MAX`] secrets.
    Full,
}

/// What is kept of secrets, beside the tenants.
#[async_trait]
pub trait SecretStore: Send + Sync {
    /// A number that grows whenever a secret or a tenant's key is set, changed or removed, and perhaps at other times.
    async fn secrets_revision(&self) -> Result<u64, StoreError>;

    /// The keys of all tenants, in the order of their names.
    async fn data_keys(&self) -> Result<Vec<DataKeyRow>, StoreError>;

    /// The key of a tenant.
    async fn data_key(&self, tenant: &TenantName) -> Result<Option<DataKeyRow>, StoreError>;

    /// All values of a tenant's secrets, also those that are over, by name, the one in force first.
    async fn secrets(&self, tenant: &TenantName) -> Result<Vec<SecretRow>, StoreError>;

    /// Puts a value in force, with the note of it; removes values of that secret that are over at the note's instant, and the
    /// oldest beyond [`siyu_model::limits::secrets::VALUES_MAX`].
    async fn set_secret(&self, set: SetSecret, note: Note) -> Result<SetEnd, StoreError>;

    /// Removes a secret with all its values, or all secrets of a tenant with the tenant's key; with the note of it, when
    /// there was any. Says how many values that were.
    async fn remove_secrets(
        &self,
        tenant: &TenantName,
        name: Option<&SecretName>,
        note: Note,
    ) -> Result<u64, StoreError>;

    /// Replaces keys of tenants by the same keys wrapped anew, each only when it is still what was read; all of them with the
    /// note of it, or none. Says whether it did.
    async fn rewrap(&self, keys: Vec<Rewrap>, note: Note) -> Result<bool, StoreError>;

    /// Secrets were used; an earlier instant than the one that is known changes nothing.
    async fn secrets_used(&self, uses: Vec<(TenantName, SecretName, UtcMs)>) -> Result<(), StoreError>;
}

/// A tenant's key before and after it was wrapped anew.
#[derive(Debug, Clone)]
pub struct Rewrap {
    /// As it was wrapped.
    pub before: DataKeyRow,
    /// As it is to be.
    pub after: DataKeyRow,
}

/// The secrets of one call, by the plugin's own names. A name that the call was not given is not found, whatever the
/// tenant has.
pub trait Secrets: Send + Sync {
    /// A MAC under the value in force. A value that begins with `whsec_` is decoded as Standard Webhooks says; others are
    /// taken as their bytes.
    fn mac(&self, secret: &str, algorithm: MacAlgorithm, data: &[u8]) -> Asked<Vec<u8>>;

    /// MACs under all values that are accepted, the one in force first.
    fn macs(&self, secret: &str, algorithm: MacAlgorithm, data: &[u8]) -> Asked<Vec<Vec<u8>>>;

    /// Whether a MAC is right under any value that is accepted, in constant time.
    fn is_mac(&self, secret: &str, algorithm: MacAlgorithm, data: &[u8], mac: &[u8]) -> Asked<bool>;

    /// Whether `expected`, 40 lower-case hexadecimal digits, is SHA-1 over the sorted concatenation of the value and `parts`,
    /// under any value that is accepted, in constant time (WeCom's signature).
    fn is_sorted_sha1(&self, secret: &str, parts: &[String], expected: &str) -> Asked<bool>;

    /// AES-256-CBC without padding, the key from 43 characters of base64, the IV its first 16 bytes (WeCom's scheme). While a
    /// value is being replaced: under the first one that makes sense of the data, or else the one in force.
    fn decrypt_wecom(&self, secret: &str, data: &[u8]) -> Asked<Vec<u8>>;

    /// The other way round, under the value in force.
    fn encrypt_wecom(&self, secret: &str, data: &[u8]) -> Asked<Vec<u8>>;

    /// The value in force, for the host to fill in where a plugin left its place. It must reach no plugin.
    fn reveal(&self, secret: &str) -> Asked<SecretValue>;
}

/// Why secrets cannot be used. It holds names, never values.
#[derive(Debug, Clone, thiserror::Error)]
pub enum VaultError {
    /// The tenant has no such secret.
    #[error(
        "tenant `{tenant}` has no secret `{name}`: set it with `siyu secrets set {name} --tenant {tenant}`"
    )]
    Missing {
        /// The tenant.
        tenant: TenantName,
        /// The secret.
        name: SecretName,
    },
    /// There is no key of the host, or none that opens the tenant's.
    #[error(
        "the secrets of tenant `{tenant}` are sealed under the host's key {needed}, and this host has {found}: name a file \
         that holds it with --secrets-key-file, or put it into SIYU_SECRETS_KEY"
    )]
    Key {
        /// The tenant.
        tenant: TenantName,
        /// Which key would open them.
        needed: String,
        /// Which keys there are, in words.
        found: String,
    },
    /// What is kept is not what was sealed.
    #[error(
        "{what} of tenant `{tenant}` cannot be opened: what is kept was changed, or belongs to another; remove it and set it \
         again"
    )]
    Broken {
        /// The tenant.
        tenant: TenantName,
        /// A secret, or the tenant's key.
        what: String,
    },
    /// A host without a key for secrets.
    #[error(
        "this host has no key for secrets: name a file that holds it with --secrets-key-file, or put it into \
         SIYU_SECRETS_KEY; `siyu secrets key` makes one"
    )]
    NoKey,
    /// They cannot be read or written now.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Opens secrets for calls.
#[async_trait]
pub trait Vault: Send + Sync {
    /// The secrets of one call: the plugin's name for each, and the tenant's. A value that was replaced is in force within a
    /// second.
    async fn open(
        &self,
        tenant: &TenantName,
        names: &BTreeMap<SecretName, SecretName>,
    ) -> Result<Arc<dyn Secrets>, VaultError>;
}
