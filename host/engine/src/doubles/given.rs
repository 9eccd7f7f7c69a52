//! Secrets that a test gives: the vault in clear text. It keeps nothing sealed and forgets nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use siyu_model::name::{SecretName, TenantName};
use siyu_model::secret::mac::{self, MacAlgorithm};
use siyu_model::secret::{SecretValue, wecom};

use crate::ports::plugins::{Asked, HostError};
use crate::ports::secrets::{Secrets, Vault, VaultError};

/// Secrets of tenants, by the tenant's names. Cloning copies them.
#[derive(Clone, Default)]
pub struct GivenSecrets(BTreeMap<(TenantName, SecretName), SecretValue>);

impl GivenSecrets {
    /// With one more.
    #[must_use]
    pub fn with(mut self, tenant: TenantName, name: SecretName, value: SecretValue) -> Self {
        self.0.insert((tenant, name), value);
        self
    }
}

#[async_trait]
impl Vault for GivenSecrets {
    async fn open(
        &self,
        tenant: &TenantName,
        names: &BTreeMap<SecretName, SecretName>,
    ) -> Result<Arc<dyn Secrets>, VaultError> {
        let mut given = GivenCall::default();
        for (plugins, tenants) in names {
            let value = self.0.get(&(tenant.clone(), tenants.clone()));
            let missing = || VaultError::Missing { tenant: tenant.clone(), name: tenants.clone() };
            given = given.with(plugins.as_str(), value.cloned().ok_or_else(missing)?);
        }
        Ok(Arc::new(given))
    }
}

/// The secrets of one call, one value each.
#[derive(Clone, Default)]
pub struct GivenCall(BTreeMap<String, SecretValue>);

impl GivenCall {
    /// With one more, by the plugin's name for it.
    #[must_use]
    pub fn with(mut self, name: &str, value: SecretValue) -> Self {
        self.0.insert(name.to_owned(), value);
        self
    }

    fn value(&self, name: &str) -> Asked<&SecretValue> {
        self.0.get(name).ok_or_else(|| HostError::NotFound(format!("this call has no secret `{name}`")))
    }
}

fn of_form<T>(made: Option<T>) -> Asked<T> {
    made.ok_or_else(|| HostError::Invalid("the secret or the data is of the wrong form".to_owned()))
}

impl Secrets for GivenCall {
    fn mac(&self, secret: &str, algorithm: MacAlgorithm, data: &[u8]) -> Asked<Vec<u8>> {
        of_form(mac::mac(self.value(secret)?, algorithm, data))
    }

    fn macs(&self, secret: &str, algorithm: MacAlgorithm, data: &[u8]) -> Asked<Vec<Vec<u8>>> {
        Ok(vec![self.mac(secret, algorithm, data)?])
    }

    fn is_mac(&self, secret: &str, algorithm: MacAlgorithm, data: &[u8], expected: &[u8]) -> Asked<bool> {
        Ok(mac::is_same(&self.mac(secret, algorithm, data)?, expected))
    }

    fn is_sorted_sha1(&self, secret: &str, parts: &[String], expected: &str) -> Asked<bool> {
        Ok(mac::is_same(mac::sorted_sha1(self.value(secret)?, parts).as_bytes(), expected.as_bytes()))
    }

    fn decrypt_wecom(&self, secret: &str, data: &[u8]) -> Asked<Vec<u8>> {
        of_form(wecom::decrypt(self.value(secret)?, data))
    }

    fn encrypt_wecom(&self, secret: &str, data: &[u8]) -> Asked<Vec<u8>> {
        of_form(wecom::encrypt(self.value(secret)?, data))
    }

    fn reveal(&self, secret: &str) -> Asked<SecretValue> {
        self.value(secret).cloned()
    }
}
