//! What every keeper of sealed secrets must do.

use std::sync::Arc;

use async_trait::async_trait;
use siyu_engine::ports::access::{Access, Note, Outcome};
use siyu_engine::ports::secrets::{DataKeyRow, Rewrap, SecretRow, SecretStore, SetEnd, SetSecret};
use siyu_engine::ports::store::StoreError;
use siyu_model::clock::UtcMs;
use siyu_model::limits::secrets::{PER_TENANT_MAX, VALUE_BYTES_MAX, VALUES_MAX};
use siyu_model::name::{SecretName, TenantName};

use super::{Checked, Failure, Running, same, samples};

/// What keeps secrets with the notes of their changes.
pub trait Keeper: SecretStore + Access {}

impl<T: SecretStore + Access> Keeper for T {}

/// Where a check of secrets runs: a host, or several hosts of one database, without secrets.
#[async_trait]
pub trait SecretsPlace: Send + Sync {
    /// Opens it, as a host and a command do that run at once.
    async fn open(&self) -> Result<Arc<dyn Keeper>, StoreError>;
}

/// One fact about every keeper of secrets.
pub struct SecretsCheck {
    /// The fact.
    pub name: &'static str,
    run: for<'p> fn(&'p dyn SecretsPlace) -> Running<'p>,
}

impl SecretsCheck {
    /// Runs the check in a place that nothing else uses.
    pub async fn run(&self, place: &dyn SecretsPlace) -> Checked {
        (self.run)(place).await
    }
}

macro_rules! checks {
    ($($name:ident,)*) => {
        /// All checks of secrets.
        pub const SECRETS_CHECKS: &[SecretsCheck] = &[$(SecretsCheck {
            name: stringify!($name),
            run: |place| Box::pin($name(place)),
        }),*];
    };
}

checks! {
    a_value_is_kept_as_it_was_sealed,
    a_value_that_is_replaced_is_accepted_until_it_is_over,
    the_oldest_values_go,
    whoever_comes_second_is_told_that_it_changed,
    a_tenant_has_room_for_so_many,
    a_secret_is_removed_and_a_tenant_forgotten,
    keys_are_wrapped_anew_all_or_none,
    an_earlier_use_changes_nothing,
    every_change_moves_the_revision_and_is_noted,
}

fn tenant(text: &str) -> Result<TenantName, Failure> {
    samples::name(text)
}

fn named(text: &str) -> Result<SecretName, Failure> {
    text.parse().map_err(|_| Failure::Sample(text.to_owned()))
}

fn key(tenant: &TenantName, byte: u8) -> DataKeyRow {
    DataKeyRow { tenant: tenant.clone(), host_key: [byte; 8], wrapped: vec![byte; 72] }
}

fn set(of: &TenantName, name: &str, version: u32) -> Result<SetSecret, Failure> {
    let row = SecretRow {
        tenant: of.clone(),
        name: named(name)?,
        version,
        sealed: vec![u8::try_from(version).unwrap_or(0); 41],
        set_at: samples::at(u64::from(version)),
        set_by: samples::AWKWARD.to_owned(),
        until: None,
        used_at: None,
    };
    Ok(SetSecret { row, key: key(of, 1), previous_until: samples::at(1_000) })
}

fn note(seconds: u64) -> Note {
    Note {
        at: samples::at(seconds),
        actor: "somebody".to_owned(),
        tenant: None,
        action: "secrets.set".to_owned(),
        subject: "it".to_owned(),
        outcome: Outcome::Done,
        detail: String::new(),
    }
}

async fn put(kept: &Arc<dyn Keeper>, wish: SetSecret) -> Checked {
    let at = u64::from(wish.row.version);
    same("set", &kept.set_secret(wish, note(at)).await?, &SetEnd::Done)
}

async fn versions(kept: &Arc<dyn Keeper>, of: &TenantName) -> Result<Vec<(String, u32)>, Failure> {
    let rows = kept.secrets(of).await?;
    Ok(rows.into_iter().map(|row| (row.name.to_string(), row.version)).collect())
}

async fn a_value_is_kept_as_it_was_sealed(place: &dyn SecretsPlace) -> Checked {
    let (one, two) = (place.open().await?, place.open().await?);
    let (a, b) = (tenant("a")?, tenant("b")?);
    let mut long = set(&a, "long", 1)?;
    long.row.sealed = vec![7; VALUE_BYTES_MAX + 40];
    put(&one, long.clone()).await?;
    put(&one, set(&a, "api", 1)?).await?;
    put(&one, set(&b, "api", 1)?).await?;
    same("of a", &two.secrets(&a).await?, &vec![set(&a, "api", 1)?.row, long.row])?;
    same("of b", &two.secrets(&b).await?, &vec![set(&b, "api", 1)?.row])?;
    same("its key", &two.data_key(&a).await?, &Some(key(&a, 1)))?;
    same("keys", &two.data_keys().await?, &vec![key(&a, 1), key(&b, 1)])
}

async fn a_value_that_is_replaced_is_accepted_until_it_is_over(place: &dyn SecretsPlace) -> Checked {
    let kept = place.open().await?;
    let a = tenant("a")?;
    put(&kept, set(&a, "api", 1)?).await?;
    put(&kept, SetSecret { previous_until: samples::at(100), ..set(&a, "api", 2)? }).await?;
    let ends =
        |rows: Vec<SecretRow>| rows.into_iter().map(|row| (row.version, row.until)).collect::<Vec<_>>();
    same("after one", &ends(kept.secrets(&a).await?), &vec![(2, None), (1, Some(samples::at(100)))])?;
    // A later end does not prolong an earlier one.
    put(&kept, set(&a, "api", 3)?).await?;
    let expected = vec![(3, None), (2, Some(samples::at(1_000))), (1, Some(samples::at(100)))];
    same("after two", &ends(kept.secrets(&a).await?), &expected)?;
    // An end at once takes all that were before.
    put(&kept, SetSecret { previous_until: samples::at(4), ..set(&a, "api", 4)? }).await?;
    same("after an end at once", &ends(kept.secrets(&a).await?), &vec![(4, None::<UtcMs>)])
}

async fn the_oldest_values_go(place: &dyn SecretsPlace) -> Checked {
    let kept = place.open().await?;
    let a = tenant("a")?;
    for version in 1..=VALUES_MAX + 2 {
        put(&kept, set(&a, "api", version)?).await?;
    }
    let expected: Vec<_> = (3..=VALUES_MAX + 2).rev().map(|version| ("api".to_owned(), version)).collect();
    same("values", &versions(&kept, &a).await?, &expected)
}

async fn whoever_comes_second_is_told_that_it_changed(place: &dyn SecretsPlace) -> Checked {
    let (one, two) = (place.open().await?, place.open().await?);
    let a = tenant("a")?;
    put(&one, set(&a, "api", 1)?).await?;
    same("the same version", &two.set_secret(set(&a, "api", 1)?, note(1)).await?, &SetEnd::Changed)?;
    same("one too far", &two.set_secret(set(&a, "api", 3)?, note(1)).await?, &SetEnd::Changed)?;
    let other = SetSecret { key: key(&a, 2), ..set(&a, "api", 2)? };
    same("under another key", &two.set_secret(other, note(1)).await?, &SetEnd::Changed)?;
    same("values", &versions(&one, &a).await?, &vec![("api".to_owned(), 1)])?;
    same("notes", &one.notes(None, 10).await?.len(), &1)
}

async fn a_tenant_has_room_for_so_many(place: &dyn SecretsPlace) -> Checked {
    let kept = place.open().await?;
    let (a, b) = (tenant("a")?, tenant("b")?);
    for number in 0..PER_TENANT_MAX {
        put(&kept, set(&a, &format!("s{number}"), 1)?).await?;
    }
    same("one more", &kept.set_secret(set(&a, "more", 1)?, note(1)).await?, &SetEnd::Full)?;
    // What is there can still be replaced, and another tenant has room.
    put(&kept, set(&a, "s0", 2)?).await?;
    put(&kept, set(&b, "more", 1)?).await
}

async fn a_secret_is_removed_and_a_tenant_forgotten(place: &dyn SecretsPlace) -> Checked {
    let (one, two) = (place.open().await?, place.open().await?);
    let (a, b) = (tenant("a")?, tenant("b")?);
    for (of, name, version) in [(&a, "api", 1), (&a, "api", 2), (&a, "else", 1), (&b, "api", 1)] {
        put(&one, set(of, name, version)?).await?;
    }
    same("of one", &two.remove_secrets(&a, Some(&named("api")?), note(9)).await?, &2)?;
    same("again", &two.remove_secrets(&a, Some(&named("api")?), note(9)).await?, &0)?;
    same("left", &versions(&one, &a).await?, &vec![("else".to_owned(), 1)])?;
    same("all of one", &two.remove_secrets(&a, None, note(9)).await?, &1)?;
    same("its key", &one.data_key(&a).await?, &None::<DataKeyRow>)?;
    same("of another", &versions(&one, &b).await?, &vec![("api".to_owned(), 1)])?;
    same("notes", &one.notes(None, 10).await?.len(), &6)?;
    // Whoever begins anew has another key.
    let anew = SetSecret { key: key(&a, 9), ..set(&a, "api", 1)? };
    same("anew", &one.set_secret(anew, note(10)).await?, &SetEnd::Done)
}

async fn keys_are_wrapped_anew_all_or_none(place: &dyn SecretsPlace) -> Checked {
    let (one, two) = (place.open().await?, place.open().await?);
    let (a, b) = (tenant("a")?, tenant("b")?);
    for of in [&a, &b] {
        put(&one, set(of, "api", 1)?).await?;
    }
    let anew =
        |of: &TenantName, before: u8, after: u8| Rewrap { before: key(of, before), after: key(of, after) };
    let half = vec![anew(&a, 1, 2), anew(&b, 7, 2)];
    same("half", &two.rewrap(half, note(1)).await?, &false)?;
    same("as before", &one.data_keys().await?, &vec![key(&a, 1), key(&b, 1)])?;
    let both = vec![anew(&a, 1, 2), anew(&b, 1, 2)];
    same("both", &two.rewrap(both, note(1)).await?, &true)?;
    same("after", &one.data_keys().await?, &vec![key(&a, 2), key(&b, 2)])?;
    same("notes", &one.notes(None, 10).await?.len(), &3)
}

async fn an_earlier_use_changes_nothing(place: &dyn SecretsPlace) -> Checked {
    let kept = place.open().await?;
    let a = tenant("a")?;
    put(&kept, set(&a, "api", 1)?).await?;
    for (seconds, known) in [(20, 20), (10, 20), (30, 30)] {
        kept.secrets_used(vec![(a.clone(), named("api")?, samples::at(seconds))]).await?;
        let found = kept.secrets(&a).await?;
        same("used", &found.first().and_then(|row| row.used_at), &Some(samples::at(known)))?;
    }
    Ok(())
}

async fn every_change_moves_the_revision_and_is_noted(place: &dyn SecretsPlace) -> Checked {
    let (one, two) = (place.open().await?, place.open().await?);
    let a = tenant("a")?;
    let mut before = two.secrets_revision().await?;
    put(&one, set(&a, "api", 1)?).await?;
    let mut grew = two.secrets_revision().await?;
    same("a value", &(before < grew), &true)?;
    before = grew;
    one.secrets_used(vec![(a.clone(), named("api")?, samples::at(1))]).await?;
    same("a use", &two.secrets_revision().await?, &before)?;
    one.rewrap(vec![Rewrap { before: key(&a, 1), after: key(&a, 2) }], note(2)).await?;
    grew = two.secrets_revision().await?;
    same("a key", &(before < grew), &true)?;
    before = grew;
    one.remove_secrets(&a, None, note(3)).await?;
    same("a removal", &(before < two.secrets_revision().await?), &true)?;
    same("notes", &two.notes(None, 10).await?.len(), &3)
}
