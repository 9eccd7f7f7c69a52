//! What is kept of secrets, in memory.
//!
//! It keeps the promises of the [`SecretStore`] port and is never durable.

use async_trait::async_trait;
use siyu_model::clock::UtcMs;
use siyu_model::limits::secrets::{PER_TENANT_MAX, VALUES_MAX};
use siyu_model::name::{SecretName, TenantName};

use super::MemoryAccess;
use super::access::Kept;
use crate::ports::access::Note;
use crate::ports::secrets::{DataKeyRow, Rewrap, SecretRow, SecretStore, SetEnd, SetSecret};
use crate::ports::store::StoreError;

impl Kept {
    fn versions(&self, tenant: &TenantName, name: &SecretName) -> Vec<u32> {
        let of = self.secrets.keys().filter(|(whose, called, _)| whose == tenant && called == name);
        of.map(|(_, _, version)| *version).collect()
    }

    fn names(&self, tenant: &TenantName) -> usize {
        let mut names: Vec<&SecretName> =
            self.secrets.keys().filter(|(whose, ..)| whose == tenant).map(|(_, name, _)| name).collect();
        names.dedup();
        names.len()
    }
}

#[async_trait]
impl SecretStore for MemoryAccess {
    async fn secrets_revision(&self) -> Result<u64, StoreError> {
        Ok(self.ask()?.revision)
    }

    async fn data_keys(&self) -> Result<Vec<DataKeyRow>, StoreError> {
        Ok(self.ask()?.data_keys.values().cloned().collect())
    }

    async fn data_key(&self, tenant: &TenantName) -> Result<Option<DataKeyRow>, StoreError> {
        Ok(self.ask()?.data_keys.get(tenant).cloned())
    }

    async fn secrets(&self, tenant: &TenantName) -> Result<Vec<SecretRow>, StoreError> {
        let kept = self.ask()?;
        let mut rows: Vec<SecretRow> =
            kept.secrets.values().filter(|row| row.tenant == *tenant).cloned().collect();
        rows.sort_by(|one, other| (&one.name, other.version).cmp(&(&other.name, one.version)));
        Ok(rows)
    }

    async fn set_secret(&self, set: SetSecret, note: Note) -> Result<SetEnd, StoreError> {
        let mut kept = self.ask()?;
        let SetSecret { row, key, previous_until } = set;
        if kept.data_keys.get(&row.tenant).is_some_and(|known| *known != key) {
            return Ok(SetEnd::Changed);
        }
        let versions = kept.versions(&row.tenant, &row.name);
        let last = versions.last().copied().unwrap_or(0);
        if last.checked_add(1) != Some(row.version) {
            return Ok(SetEnd::Changed);
        }
        if last == 0 && kept.names(&row.tenant) >= PER_TENANT_MAX {
            return Ok(SetEnd::Full);
        }
        kept.data_keys.insert(row.tenant.clone(), key);
        for version in versions {
            let place = (row.tenant.clone(), row.name.clone(), version);
            let Some(old) = kept.secrets.get_mut(&place) else { continue };
            let until = old.until.unwrap_or(previous_until).min(previous_until);
            old.until = Some(until);
            if until <= note.at || version + VALUES_MAX <= row.version {
                kept.secrets.remove(&place);
            }
        }
        kept.secrets.insert((row.tenant.clone(), row.name.clone(), row.version), row);
        kept.revision += 1;
        kept.write(note);
        Ok(SetEnd::Done)
    }

    async fn remove_secrets(
        &self,
        tenant: &TenantName,
        name: Option<&SecretName>,
        note: Note,
    ) -> Result<u64, StoreError> {
        let mut kept = self.ask()?;
        let before = kept.secrets.len();
        kept.secrets
            .retain(|(whose, called, _), _| whose != tenant || name.is_some_and(|name| name != called));
        let removed = before - kept.secrets.len();
        let had_key = name.is_none() && kept.data_keys.remove(tenant).is_some();
        if removed > 0 || had_key {
            kept.revision += 1;
            kept.write(note);
        }
        Ok(removed as u64)
    }

    async fn rewrap(&self, keys: Vec<Rewrap>, note: Note) -> Result<bool, StoreError> {
        let mut kept = self.ask()?;
        let is_known = |Rewrap { before, .. }: &Rewrap| {
            kept.data_keys.get(&before.tenant).is_some_and(|known| known.wrapped == before.wrapped)
        };
        if !keys.iter().all(is_known) {
            return Ok(false);
        }
        for Rewrap { after, .. } in keys {
            kept.data_keys.insert(after.tenant.clone(), after);
        }
        kept.revision += 1;
        kept.write(note);
        Ok(true)
    }

    async fn secrets_used(&self, uses: Vec<(TenantName, SecretName, UtcMs)>) -> Result<(), StoreError> {
        let mut kept = self.ask()?;
        for (tenant, name, at) in uses {
            let in_force = kept
                .secrets
                .values_mut()
                .find(|row| row.tenant == tenant && row.name == name && row.until.is_none());
            if let Some(row) = in_force {
                row.used_at = row.used_at.max(Some(at));
            }
        }
        Ok(())
    }
}
