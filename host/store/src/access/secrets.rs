//! Sealed secrets beside the tenants: rows in, rows out.
//!
//! It opens nothing: it has no key, and what it is given is sealed already.

use async_trait::async_trait;
use siyu_engine::ports::access::{Access, Note};
use siyu_engine::ports::secrets::{DataKeyRow, Rewrap, SecretRow, SecretStore, SetEnd, SetSecret};
use siyu_engine::ports::store::StoreError;
use siyu_model::clock::UtcMs;
use siyu_model::limits::secrets::{PER_TENANT_MAX, VALUES_MAX};
use siyu_model::name::{SecretName, TenantName};

use super::{Ended, HostDatabase, Kept, Wish};
use crate::database::{Args, Cells};
use crate::decode::Fields;

/// What a transaction changes of secrets.
pub(super) enum Change {
    /// A value is put in force; values that are over at the instant go.
    Set(Box<SetSecret>, UtcMs),
    /// A secret is removed, or all of them.
    Remove(TenantName, Option<SecretName>),
    /// Keys of tenants are wrapped anew.
    Rewrap(Vec<Rewrap>),
    /// Secrets were used.
    Used(Vec<(TenantName, SecretName, UtcMs)>),
}

impl<D: HostDatabase> Kept<D> {
    /// Inside a transaction whose turn it is.
    pub(super) async fn carry_out_secrets(
        &self,
        connection: &mut D::Connection,
        change: Change,
    ) -> Result<Ended, StoreError> {
        let sql = D::SQL;
        match change {
            Change::Set(set, at) => self.put_in_force(connection, *set, at).await,
            Change::Remove(tenant, name) => {
                let of = Args::default().text(tenant.as_str());
                let (removed, keys) = match &name {
                    Some(name) => (self.change(connection, sql.secret_end, of.text(name.as_str())).await?, 0),
                    None => (
                        self.change(connection, sql.secrets_end, of.clone()).await?,
                        self.change(connection, sql.data_key_end, of).await?,
                    ),
                };
                Ok(if removed + keys > 0 { Ended::Did(removed) } else { Ended::Refused })
            }
            Change::Rewrap(keys) => {
                for Rewrap { before, after } in &keys {
                    let args = Args::default()
                        .bytes(after.host_key)
                        .bytes(after.wrapped.as_slice())
                        .text(before.tenant.as_str())
                        .bytes(before.wrapped.as_slice());
                    if self.change(connection, sql.data_key_put, args).await? != 1 {
                        return Ok(Ended::Changed);
                    }
                }
                Ok(Ended::Did(keys.len() as u64))
            }
            Change::Used(uses) => {
                for (tenant, name, at) in uses {
                    let args = Args::default().int(at.as_millis()).text(tenant.as_str()).text(name.as_str());
                    self.change(connection, sql.secret_used, args).await?;
                }
                Ok(Ended::Did(0))
            }
        }
    }

    async fn put_in_force(
        &self,
        connection: &mut D::Connection,
        set: SetSecret,
        at: UtcMs,
    ) -> Result<Ended, StoreError> {
        let sql = D::SQL;
        let SetSecret { row, key, previous_until } = set;
        let of = || Args::default().text(row.tenant.as_str());
        let named = |args: Args| args.text(row.tenant.as_str()).text(row.name.as_str());
        let made = of().bytes(key.host_key).bytes(key.wrapped.as_slice());
        self.change(connection, sql.data_key_add, made).await?;
        let kept = self.ask(connection, sql.data_key, of()).await?;
        if kept.first().map(data_key).transpose()? != Some(key) {
            return Ok(Ended::Changed);
        }
        let last = self.ask(connection, sql.secret_last, named(Args::default())).await?;
        let last: u32 = last.first().map_or(Ok(0), |row| Fields::of("secrets", row).number())?;
        if last.checked_add(1) != Some(row.version) {
            return Ok(Ended::Changed);
        }
        if last == 0 {
            let found = self.ask(connection, sql.secrets_count, of()).await?;
            let count: usize = found.first().map_or(Ok(0), |row| Fields::of("secrets", row).number())?;
            if count >= PER_TENANT_MAX {
                return Ok(Ended::Refused);
            }
        }
        let until = previous_until.as_millis();
        self.change(connection, sql.secret_until, named(Args::default().int(until).int(until))).await?;
        let oldest = i64::from(row.version) - i64::from(VALUES_MAX);
        let old = named(Args::default()).int(at.as_millis()).int(oldest);
        self.change(connection, sql.secret_old, old).await?;
        let value = named(Args::default())
            .int(row.version.into())
            .bytes(row.sealed.as_slice())
            .int(row.set_at.as_millis())
            .text(&row.set_by);
        Ok(Ended::Did(self.change(connection, sql.secret_add, value).await?))
    }

    async fn ask(
        &self,
        connection: &mut D::Connection,
        text: &'static str,
        args: Args,
    ) -> Result<Vec<D::Row>, StoreError> {
        self.database.ask(connection, text, args).await.map_err(|fault| self.fault(fault))
    }
}

fn data_key<R: Cells>(row: &R) -> Result<DataKeyRow, StoreError> {
    let mut fields = Fields::of("data_keys", row);
    Ok(DataKeyRow { tenant: fields.parse()?, host_key: fields.bytes()?, wrapped: fields.blob()?.to_owned() })
}

fn secret<R: Cells>(row: &R) -> Result<SecretRow, StoreError> {
    let mut fields = Fields::of("secrets", row);
    Ok(SecretRow {
        tenant: fields.parse()?,
        name: fields.parse()?,
        version: fields.number()?,
        sealed: fields.blob()?.to_owned(),
        set_at: fields.at()?,
        set_by: fields.string()?,
        until: fields.opt_at()?,
        used_at: fields.opt_at()?,
    })
}

#[async_trait]
impl<D: HostDatabase> SecretStore for Kept<D> {
    async fn secrets_revision(&self) -> Result<u64, StoreError> {
        self.revision().await
    }

    async fn data_keys(&self) -> Result<Vec<DataKeyRow>, StoreError> {
        self.rows(D::SQL.data_keys, Args::default()).await?.iter().map(data_key).collect()
    }

    async fn data_key(&self, tenant: &TenantName) -> Result<Option<DataKeyRow>, StoreError> {
        let found = self.rows(D::SQL.data_key, Args::default().text(tenant.as_str())).await?;
        found.first().map(data_key).transpose()
    }

    async fn secrets(&self, tenant: &TenantName) -> Result<Vec<SecretRow>, StoreError> {
        let found = self.rows(D::SQL.secrets, Args::default().text(tenant.as_str())).await?;
        found.iter().map(secret).collect()
    }

    async fn set_secret(&self, set: SetSecret, note: Note) -> Result<SetEnd, StoreError> {
        let change = Change::Set(Box::new(set), note.at);
        Ok(match self.transact(Wish::Secrets(change), Some(note)).await? {
            Ended::Did(_) => SetEnd::Done,
            Ended::Refused => SetEnd::Full,
            Ended::Changed => SetEnd::Changed,
        })
    }

    async fn remove_secrets(
        &self,
        tenant: &TenantName,
        name: Option<&SecretName>,
        note: Note,
    ) -> Result<u64, StoreError> {
        let change = Change::Remove(tenant.clone(), name.cloned());
        Ok(match self.transact(Wish::Secrets(change), Some(note)).await? {
            Ended::Did(removed) => removed,
            Ended::Refused | Ended::Changed => 0,
        })
    }

    async fn rewrap(&self, keys: Vec<Rewrap>, note: Note) -> Result<bool, StoreError> {
        Ok(self.transact(Wish::Secrets(Change::Rewrap(keys)), Some(note)).await?.is_done())
    }

    async fn secrets_used(&self, uses: Vec<(TenantName, SecretName, UtcMs)>) -> Result<(), StoreError> {
        self.transact(Wish::Secrets(Change::Used(uses)), None).await.map(drop)
    }
}
