//! `siyu secrets …`: what plugins use and nobody reads: passwords of shops and messengers, keys of webhooks.
//!
//! A value comes in over standard input or a file, never as an argument, and is never shown again. A host that serves uses
//! what is set here within a second.

use std::io::{IsTerminal, Read};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use siyu_engine::ports::access::{Note, Outcome};
use siyu_engine::ports::clock::{Clock, SystemClock};
use siyu_engine::ports::secrets::{SecretRow, SecretStore, VaultError};
use siyu_model::clock::{DurationMs, UtcMs};
use siyu_model::limits::secrets::{PREVIOUS_HOURS, PREVIOUS_HOURS_MAX, VALUE_BYTES_MAX};
use siyu_model::name::{SecretName, TenantName};
use siyu_model::secret::{SecretError, SecretValue};
use siyu_secrets::{HostKey, Keeper, SecretWish, SetError};
use zeroize::Zeroizing;

use super::tokens::me;
use crate::fault::Fault;
use crate::session::{Exit, Session};

/// What the help of `rekey` says below its options.
const REKEY: &str = "\
How to replace the key of a host without an interruption:
  siyu secrets key NEW                 make a key
  cat NEW OLD > BOTH; chmod 600 BOTH   the new one first: new secrets are sealed under it
  restart hosts with --secrets-key-file BOTH
  siyu secrets rekey --secrets-key-file BOTH
  restart hosts with --secrets-key-file NEW";

/// What can be done with secrets.
#[derive(Subcommand)]
pub(crate) enum Secrets {
    /// Set a secret of the tenant; its value is read from standard input
    Set(Set),
    /// List the tenant's secrets: when each was set and last used, never a value
    List,
    /// Remove secrets of the tenant: what uses them fails from then on
    Remove(Remove),
    /// Make a key under which secrets are sealed, in a file for its owner alone
    Key(MakeKey),
    /// Wrap the keys of all tenants under the host's first key
    #[command(after_help = REKEY)]
    Rekey,
}

/// Options of `set`.
#[derive(Args)]
pub(crate) struct Set {
    /// What channels.toml and sources.toml call it, such as shop_token
    name: SecretName,
    /// Read the value from a file [default: standard input]
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Hours for which the value before is still accepted; 0 ends it at once
    #[arg(long, value_name = "HOURS", default_value_t = PREVIOUS_HOURS, value_parser = clap::value_parser!(u32).range(0..=i64::from(PREVIOUS_HOURS_MAX)))]
    keep_previous: u32,
}

/// Options of `remove`.
#[derive(Args)]
pub(crate) struct Remove {
    /// Secrets by name
    #[arg(value_name = "NAME", required_unless_present = "all")]
    names: Vec<SecretName>,
    /// All of the tenant, with the key that they are sealed under
    #[arg(long, conflicts_with = "names")]
    all: bool,
}

/// Options of `key`.
#[derive(Args)]
pub(crate) struct MakeKey {
    /// A file that is not there yet
    file: PathBuf,
}

pub(crate) fn run(command: &Secrets, session: &Session) -> anyhow::Result<Exit> {
    if let Secrets::Key(options) = command {
        return make_key(options, session);
    }
    session.wait_for(async {
        let home = session.home();
        let store = home.secrets().await?;
        match command {
            Secrets::Set(options) => set(options, session, store).await,
            Secrets::List => list(session, &*store, &home.tenant).await,
            Secrets::Remove(options) => remove(options, session, &*store).await,
            Secrets::Rekey => rekey(session, store).await,
            Secrets::Key(options) => make_key(options, session),
        }
    })
}

async fn set(options: &Set, session: &Session, store: Arc<dyn SecretStore>) -> anyhow::Result<Exit> {
    let keeper = Keeper::new(store, session.secrets_keys()?);
    let value = value(options)?;
    let tenant = session.home().tenant;
    let hours = options.keep_previous;
    let wish = SecretWish {
        tenant: tenant.clone(),
        name: options.name.clone(),
        value,
        previous_for: DurationMs::from_millis(u64::from(hours) * 3_600_000),
    };
    let detail = format!("the value before is accepted for {hours} hours");
    let note = noted("secrets.set", Some(&tenant), options.name.as_str(), detail);
    let version = keeper.set(wish, note).await.map_err(told)?;
    session.screen.json(&json!({ "tenant": tenant, "name": options.name, "version": version }))?;
    let before = match (version, hours) {
        (1, _) => String::new(),
        (_, 0) => "; the value before is accepted no longer".to_owned(),
        (_, hours) => format!("; the value before is accepted for {hours} hours"),
    };
    session.screen.say(format!("set {} of tenant {tenant}, version {version}{before}", options.name))?;
    Ok(Exit::Done)
}

/// The value, from wherever it is read.
fn value(options: &Set) -> anyhow::Result<SecretValue> {
    let most = VALUE_BYTES_MAX as u64 + 3;
    let mut bytes = Zeroizing::new(Vec::with_capacity(VALUE_BYTES_MAX + 3));
    match &options.file {
        Some(path) => {
            let shown = || format!("{} cannot be read", path.display());
            let file = std::fs::File::open(path).with_context(shown)?;
            file.take(most).read_to_end(&mut bytes).with_context(shown)?;
        }
        None if std::io::stdin().is_terminal() => {
            return Err(Fault::wrong("the value is read from standard input, which is a terminal")
                .help(format!(
                    "pipe it in: `read -rs V; printf %s \"$V\" | siyu secrets set {}`, or name a file with --file",
                    options.name
                ))
                .into());
        }
        None => {
            std::io::stdin().take(most).read_to_end(&mut bytes).context("standard input cannot be read")?;
        }
    }
    SecretValue::from_bytes(bytes).map_err(|fault: SecretError| Fault::wrong(fault.to_string()).into())
}

async fn list(session: &Session, store: &dyn SecretStore, tenant: &TenantName) -> anyhow::Result<Exit> {
    let now = SystemClock.now();
    let rows = store.secrets(tenant).await?;
    let of_name = |name: &SecretName| {
        let accepted = |row: &&SecretRow| row.until.is_some_and(|until| now < until);
        rows.iter().filter(|row| row.name == *name).filter(accepted).collect::<Vec<_>>()
    };
    let in_force: Vec<&SecretRow> = rows.iter().filter(|row| row.until.is_none()).collect();
    let documents: Vec<Value> = in_force.iter().map(|row| document(row, &of_name(&row.name))).collect();
    session.screen.json(&json!({ "tenant": tenant, "secrets": documents }))?;
    if in_force.is_empty() {
        session.screen.say(format!("tenant {tenant} has no secrets"))?;
        return Ok(Exit::Done);
    }
    let mut table = session.screen.table(&["SECRET", "VERSION", "SET", "LAST USED", "VALUES BEFORE"]);
    for row in in_force {
        let before: Vec<String> =
            of_name(&row.name).iter().filter_map(|row| Some(format!("until {}", row.until?))).collect();
        table.add_row([
            row.name.to_string(),
            row.version.to_string(),
            row.set_at.to_string(),
            row.used_at.map_or_else(|| "never".to_owned(), |at| at.to_string()),
            before.join(", "),
        ]);
    }
    session.screen.say_table(&table)?;
    Ok(Exit::Done)
}

fn document(row: &SecretRow, before: &[&SecretRow]) -> Value {
    let at = |at: Option<UtcMs>| at.map(|at| at.to_string());
    json!({
        "name": row.name,
        "version": row.version,
        "set_at": row.set_at.to_string(),
        "set_by": row.set_by,
        "used_at": at(row.used_at),
        "before": before.iter().map(|row| json!({ "version": row.version, "until": at(row.until) })).collect::<Vec<_>>(),
    })
}

async fn remove(options: &Remove, session: &Session, store: &dyn SecretStore) -> anyhow::Result<Exit> {
    let tenant = session.home().tenant;
    let (mut removed, mut failed) = (Vec::new(), Vec::new());
    if options.all {
        removed = store.secrets(&tenant).await?.into_iter().map(|row| row.name).collect();
        removed.dedup();
        let note = noted("secrets.remove", Some(&tenant), "all", format!("{} secrets", removed.len()));
        store.remove_secrets(&tenant, None, note).await?;
    }
    for name in &options.names {
        let note = noted("secrets.remove", Some(&tenant), name.as_str(), String::new());
        if store.remove_secrets(&tenant, Some(name), note).await? > 0 {
            removed.push(name.clone());
        } else {
            failed.push(format!("tenant {tenant} has no secret {name}"));
        }
    }
    session.screen.json(&json!({ "tenant": tenant, "removed": removed, "failed": failed }))?;
    for name in &removed {
        session.screen.say(format!("removed {name} of tenant {tenant}"))?;
    }
    match (failed.is_empty(), session.screen.is_json) {
        (true, _) => Ok(Exit::Done),
        (false, true) => Ok(Exit::Found),
        (false, false) => Err(Fault::failed(failed.join("; ")).into()),
    }
}

fn make_key(options: &MakeKey, session: &Session) -> anyhow::Result<Exit> {
    let shown = options.file.display();
    let mut random = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *random).context("there are no random bytes")?;
    let key = HostKey::of(random);
    let text = Zeroizing::new(format!("{}\n", &*key.expose()));
    if options.file.exists() {
        return Err(Fault::wrong(format!("{shown} is there already: expected a new file"))
            .help("a key that is replaced is lost with all that is sealed under it: `siyu secrets rekey --help`")
            .into());
    }
    siyu_durable::write_once(&options.file, text.as_bytes())
        .with_context(|| format!("{shown} cannot be written"))?;
    session.screen.json(&json!({ "file": options.file, "key": format!("{key:?}") }))?;
    session.screen.say(format!(
        "{key:?} is in {shown}. Keep a copy apart from the database: without it no secret can be opened."
    ))?;
    Ok(Exit::Done)
}

async fn rekey(session: &Session, store: Arc<dyn SecretStore>) -> anyhow::Result<Exit> {
    let keys = session.secrets_keys()?;
    let note = noted("secrets.rekey", None, "all", format!("under the first of {keys}"));
    let rekeyed = Keeper::new(store, keys).rekey(note).await.map_err(told)?;
    session.screen.json(&json!({ "changed": rekeyed.changed, "before": rekeyed.before }))?;
    session.screen.say(format!(
        "wrapped the keys of {} tenants anew; {} were under the host's first key already",
        rekeyed.changed, rekeyed.before
    ))?;
    Ok(Exit::Done)
}

fn noted(action: &str, tenant: Option<&TenantName>, subject: &str, detail: String) -> Note {
    Note {
        at: SystemClock.now(),
        actor: me(),
        tenant: tenant.cloned(),
        action: action.to_owned(),
        subject: subject.to_owned(),
        outcome: Outcome::Done,
        detail,
    }
}

/// An error of the keeper as the user is told.
fn told(fault: SetError) -> anyhow::Error {
    match fault {
        SetError::Vault(VaultError::Store(fault)) => fault.into(),
        SetError::Vault(VaultError::NoKey | VaultError::Key { .. }) => Fault::wrong(fault.to_string()).into(),
        fault => Fault::failed(fault.to_string()).into(),
    }
}
