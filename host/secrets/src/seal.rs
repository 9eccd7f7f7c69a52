//! Sealing: a tenant's key under a key of the host, and values under the tenant's key.
//!
//! XChaCha20-Poly1305 with random nonces of 24 bytes. What is sealed is bound to whose and what it is, so that a row that
//! was moved to another tenant, name or version does not open. It keeps nothing and draws nothing: it is given its
//! randomness.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use siyu_engine::ports::secrets::DataKeyRow;
use siyu_model::name::{SecretName, TenantName};
use siyu_model::secret::SecretValue;
use zeroize::Zeroizing;

use crate::host_key::HostKey;

/// Bytes of a key.
pub(crate) const KEY_BYTES: usize = 32;
/// Bytes of a nonce.
pub(crate) const NONCE_BYTES: usize = 24;

/// A tenant's own key.
pub(crate) struct DataKey(Zeroizing<[u8; KEY_BYTES]>);

impl DataKey {
    /// The key of these random bits.
    pub(crate) fn of(random: Zeroizing<[u8; KEY_BYTES]>) -> Self {
        Self(random)
    }

    /// The key as it is kept.
    pub(crate) fn wrap(
        &self,
        tenant: &TenantName,
        host: &HostKey,
        nonce: [u8; NONCE_BYTES],
    ) -> Option<DataKeyRow> {
        let wrapped = seal(host.bytes(), nonce, &*self.0, &about_key(tenant))?;
        Some(DataKeyRow { tenant: tenant.clone(), host_key: host.id(), wrapped })
    }

    /// From what was kept; none when that was changed, or belongs to another tenant or key.
    pub(crate) fn unwrap(row: &DataKeyRow, host: &HostKey) -> Option<Self> {
        let plain = open(host.bytes(), &row.wrapped, &about_key(&row.tenant))?;
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        key.copy_from_slice(plain.get(..KEY_BYTES).filter(|_| plain.len() == KEY_BYTES)?);
        Some(Self(key))
    }

    /// A value as it is kept.
    pub(crate) fn seal(
        &self,
        of: Place<'_>,
        value: &SecretValue,
        nonce: [u8; NONCE_BYTES],
    ) -> Option<Vec<u8>> {
        seal(&self.0, nonce, value.expose().as_bytes(), &of.about())
    }

    /// A value from what was kept; none when that was changed, or belongs elsewhere.
    pub(crate) fn open(&self, of: Place<'_>, sealed: &[u8]) -> Option<SecretValue> {
        SecretValue::from_bytes(open(&self.0, sealed, &of.about())?).ok()
    }
}

/// What a value is bound to.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) tenant: &'a TenantName,
    pub(crate) name: &'a SecretName,
    pub(crate) version: u32,
}

impl Place<'_> {
    /// No name holds the byte 0, so two places never say the same.
    fn about(&self) -> Vec<u8> {
        format!("siyu secret v1\0{}\0{}\0{}", self.tenant, self.name, self.version).into_bytes()
    }
}

fn about_key(tenant: &TenantName) -> Vec<u8> {
    format!("siyu data key v1\0{tenant}").into_bytes()
}

/// The nonce, and what is sealed. None only for a text beyond what the cipher takes (256 GiB).
fn seal(key: &[u8; KEY_BYTES], nonce: [u8; NONCE_BYTES], msg: &[u8], aad: &[u8]) -> Option<Vec<u8>> {
    let cipher = XChaCha20Poly1305::new(&Key::from(*key));
    let sealed = cipher.encrypt(&XNonce::from(nonce), Payload { msg, aad }).ok()?;
    Some([nonce.as_slice(), &sealed].concat())
}

fn open(key: &[u8; KEY_BYTES], sealed: &[u8], aad: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, msg) = sealed.split_first_chunk::<NONCE_BYTES>()?;
    let cipher = XChaCha20Poly1305::new(&Key::from(*key));
    cipher.decrypt(&XNonce::from(*nonce), Payload { msg, aad }).ok().map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(byte: u8) -> HostKey {
        HostKey::of(Zeroizing::new([byte; 32]))
    }

    fn data_key() -> DataKey {
        DataKey::of(Zeroizing::new([5; 32]))
    }

    fn value() -> SecretValue {
        SecretValue::new(Zeroizing::new("canary".to_owned())).unwrap()
    }

    #[test]
    fn a_value_opens_only_where_it_belongs_and_unchanged() {
        let (a, b): (TenantName, TenantName) = ("a".parse().unwrap(), "b".parse().unwrap());
        let (api, other): (SecretName, SecretName) = ("api".parse().unwrap(), "other".parse().unwrap());
        let here = Place { tenant: &a, name: &api, version: 1 };
        let sealed = data_key().seal(here, &value(), [9; 24]).unwrap();
        assert_eq!(data_key().open(here, &sealed).unwrap().expose(), "canary");
        for place in
            [Place { tenant: &b, ..here }, Place { name: &other, ..here }, Place { version: 2, ..here }]
        {
            assert!(data_key().open(place, &sealed).is_none());
        }
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(data_key().open(here, &changed).is_none(), "byte {at}");
            assert!(data_key().open(here, &sealed[..at]).is_none(), "{at} bytes");
        }
        assert!(!sealed.windows(6).any(|part| part == b"canary"));
    }

    #[test]
    fn the_key_of_a_tenant_opens_under_its_host_key_and_for_its_tenant_alone() {
        let (a, b): (TenantName, TenantName) = ("a".parse().unwrap(), "b".parse().unwrap());
        let row = data_key().wrap(&a, &host(1), [9; 24]).unwrap();
        assert_eq!((row.wrapped.len(), row.host_key), (72, host(1).id()));
        assert!(DataKey::unwrap(&row, &host(1)).is_some_and(|key| *key.0 == [5; 32]));
        assert!(DataKey::unwrap(&row, &host(2)).is_none());
        assert!(DataKey::unwrap(&DataKeyRow { tenant: b, ..row }, &host(1)).is_none());
    }
}
