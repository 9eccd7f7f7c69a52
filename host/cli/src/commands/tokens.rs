//! `siyu tokens …`: who may enter a host over HTTP.
//!
//! A token is shown once, when it is made. A host that serves sees what is made or revoked here within a second.

use std::sync::Arc;

use anyhow::Context;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use siyu_engine::ports::access::{Access, NewToken, Note, Outcome, TokenRow};
use siyu_engine::ports::clock::{Clock, SystemClock};
use siyu_model::access::{Grant, Reach, Role, Scope};
use siyu_model::clock::UtcMs;
use siyu_model::id::TokenId;
use siyu_model::limits::access::{DAYS, DAYS_MAX, TOKENS_MAX};

use crate::fault::Fault;
use crate::output::{Paint, Screen, on_one_line};
use crate::session::{Exit, Session};

/// What can be done with tokens.
#[derive(Subcommand)]
pub(crate) enum Tokens {
    /// Make a token, and show it once
    Create(Create),
    /// List tokens: who has them, what they open, when they were last used
    List(List),
    /// Revoke tokens: hosts refuse them within a second
    Revoke(Revoke),
}

/// Options of `create`.
#[derive(Args)]
pub(crate) struct Create {
    /// What people call it, such as the program or person that gets it
    name: String,
    /// host-admin, agency, operator, integrator or viewer
    #[arg(long)]
    role: Role,
    /// The tenants that it reaches, with commas between them, or * for all [default: the tenant of --tenant; all for
    /// host-admin]
    #[arg(long, value_name = "NAMES")]
    tenants: Option<Reach>,
    /// Only this scope of the role, such as runs:read; may be given several times [default: all of the role]
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<Scope>,
    /// Days after which it expires
    #[arg(long, value_name = "NUMBER", default_value_t = DAYS, value_parser = clap::value_parser!(u32).range(1..=i64::from(DAYS_MAX)))]
    days: u32,
}

/// Options of `list`.
#[derive(Args)]
pub(crate) struct List {
    /// Also those that expired or were revoked
    #[arg(long)]
    all: bool,
}

/// Options of `revoke`.
#[derive(Args)]
pub(crate) struct Revoke {
    /// Tokens by id, such as tok_01k9…
    #[arg(required = true, value_name = "TOKEN")]
    tokens: Vec<TokenId>,
}

pub(crate) fn run(command: &Tokens, session: &Session) -> anyhow::Result<Exit> {
    session.wait_for(async {
        let access = session.home().access().await?;
        match command {
            Tokens::Create(options) => create(options, session, &access).await,
            Tokens::List(options) => list(options, session, &access).await,
            Tokens::Revoke(options) => revoke(options, session, &access).await,
        }
    })
}

async fn create(options: &Create, session: &Session, access: &Arc<dyn Access>) -> anyhow::Result<Exit> {
    let new = NewToken {
        name: options.name.clone(),
        grant: grant(options, session)?,
        days: options.days,
        made_by: me(),
    };
    let mut random = [0; 32];
    getrandom::fill(&mut random).context("there are no random bytes")?;
    let now = SystemClock.now();
    let made = new.make(random, &access.key().await?, now);
    let (token, row) = made.map_err(|why| Fault::wrong(why.to_string()))?;
    let note = noted(now, "tokens.create", row.id, row.about());
    if !access.add(row.clone(), note).await? {
        return Err(Fault::failed(format!("there are {TOKENS_MAX} valid tokens already"))
            .help("revoke those that nobody uses: `siyu tokens list` says when each was last used")
            .into());
    }
    let mut document = document(&row, now);
    document["token"] = token.expose().into();
    session.screen.json(&document)?;
    session.screen.say(token.expose())?;
    session.screen.say(format!(
        "{} {}: {} on {}, until {}. It is not shown again.",
        row.id,
        on_one_line(&row.name),
        row.grant.role,
        tenants(&row.grant.reach),
        row.expires_at
    ))?;
    Ok(Exit::Done)
}

fn grant(options: &Create, session: &Session) -> anyhow::Result<Grant> {
    let is_admin = options.role == Role::HostAdmin;
    let reach = match &options.tenants {
        Some(Reach::Tenants(_)) if is_admin => {
            return Err(Fault::wrong("a host-admin is for all tenants: expected no --tenants, or *")
                .help("an agency runs the tenants that it names")
                .into());
        }
        Some(reach) => reach.clone(),
        None if is_admin => Reach::All,
        None => Reach::Tenants([session.home().tenant].into()),
    };
    let only = (!options.scopes.is_empty()).then(|| options.scopes.clone());
    Ok(Grant { role: options.role, only, reach })
}

async fn list(options: &List, session: &Session, access: &Arc<dyn Access>) -> anyhow::Result<Exit> {
    let now = SystemClock.now();
    let mut rows = access.tokens().await?;
    rows.retain(|row| options.all || row.is_valid(now));
    let documents: Vec<Value> = rows.iter().map(|row| document(row, now)).collect();
    session.screen.json(&json!({ "tokens": documents }))?;
    show(&session.screen, &rows, now)?;
    Ok(Exit::Done)
}

fn show(screen: &Screen, rows: &[TokenRow], now: UtcMs) -> anyhow::Result<()> {
    if rows.is_empty() {
        return screen.say("no tokens");
    }
    let mut table = screen.table(&["TOKEN", "NAME", "ROLE", "TENANTS", "STATE", "LAST USED", "EXPIRES"]);
    for row in rows {
        let state = row.state(now);
        let paint = if state == "valid" { Paint::Green } else { Paint::Dim };
        let role = match &row.grant.only {
            Some(only) => {
                format!(
                    "{} ({})",
                    row.grant.role,
                    only.iter().map(|s| s.as_str()).collect::<Vec<_>>().join(" ")
                )
            }
            None => row.grant.role.to_string(),
        };
        table.add_row([
            row.id.to_string(),
            on_one_line(&row.name),
            role,
            tenants(&row.grant.reach),
            screen.paint(paint, state),
            row.used_at.map_or_else(|| "never".to_owned(), |at| at.to_string()),
            row.expires_at.to_string(),
        ]);
    }
    screen.say_table(&table)
}

async fn revoke(options: &Revoke, session: &Session, access: &Arc<dyn Access>) -> anyhow::Result<Exit> {
    let (mut done, mut failed) = (Vec::new(), Vec::new());
    for id in &options.tokens {
        let note = noted(SystemClock.now(), "tokens.revoke", *id, String::new());
        if access.revoke(*id, note).await? {
            session.screen.say(format!("revoked {id}"))?;
            done.push(*id);
        } else {
            failed.push(format!("there is no token {id} that is not revoked already"));
        }
    }
    session.screen.json(&json!({ "revoked": done, "failed": failed }))?;
    match (failed.is_empty(), session.screen.is_json) {
        (true, _) => Ok(Exit::Done),
        (false, true) => Ok(Exit::Found),
        (false, false) => Err(Fault::failed(failed.join("; ")).into()),
    }
}

/// Who calls the program, as notes name them.
pub(crate) fn me() -> String {
    format!("command line, user {}", rustix::process::getuid().as_raw())
}

fn noted(at: UtcMs, action: &str, id: TokenId, detail: String) -> Note {
    Note {
        at,
        actor: me(),
        tenant: None,
        action: action.to_owned(),
        subject: id.to_string(),
        outcome: Outcome::Done,
        detail,
    }
}

fn tenants(reach: &Reach) -> String {
    match reach {
        Reach::All => "all tenants".to_owned(),
        named => named.to_string(),
    }
}

fn document(row: &TokenRow, now: UtcMs) -> Value {
    json!({
        "id": row.id,
        "name": row.name,
        "role": row.grant.role,
        "scopes": row.grant.scopes().collect::<Vec<_>>(),
        "tenants": row.grant.reach,
        "state": row.state(now),
        "made_at": row.made_at.to_string(),
        "made_by": row.made_by,
        "expires_at": row.expires_at.to_string(),
        "revoked_at": row.revoked_at.map(|at| at.to_string()),
        "used_at": row.used_at.map(|at| at.to_string()),
    })
}
