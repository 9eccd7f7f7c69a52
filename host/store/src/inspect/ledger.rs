//! Accounts of a plugin in the order of their keys, and transfers between them, newest first.

use siyu_engine::ports::inspect::{InspectError, LedgerFilter, LedgerTally, Page, Turn};
use siyu_engine::ports::rows::{AccountKey, LedgerRow};
use siyu_engine::ports::store::StoreError;
use siyu_model::id::CustomerId;

use super::{Numbered, not_a_cursor, page};
use crate::database::{Args, Database};
use crate::decode::{Fields, all};

/// What a cursor of accounts has in the place of the customer of an account of the tenant.
const NOBODY: &str = "-";

pub(super) async fn ledgers<D: Database>(database: &D) -> Result<Vec<LedgerTally>, StoreError> {
    let found = database.rows(D::SQL.inspect_ledgers, Args::default()).await?;
    all("accounts", &found, |row| {
        Ok(LedgerTally { plugin: row.parse()?, accounts: row.number()?, sum: row.int()? })
    })
}

/// Whose account a page ended with, and its name, which may hold anything.
fn after(turn: &Turn) -> Result<(Option<CustomerId>, &str), InspectError> {
    const LIST: &str = "accounts";
    let Some(cursor) = &turn.after else { return Ok((None, "")) };
    let (customer, name) = cursor.as_str().split_once(' ').ok_or_else(|| not_a_cursor(cursor, LIST))?;
    match customer {
        NOBODY => Ok((None, name)),
        text => Ok((Some(text.parse().map_err(|_| not_a_cursor(cursor, LIST))?), name)),
    }
}

fn cursor(key: &AccountKey) -> String {
    let customer = key.account.customer.map_or_else(|| NOBODY.to_owned(), |customer| customer.to_string());
    format!("{customer} {}", key.account.name)
}

pub(super) async fn accounts<D: Database>(
    database: &D,
    filter: LedgerFilter,
    turn: Turn,
) -> Result<Page<(AccountKey, i64)>, InspectError> {
    let (customer, name) = after(&turn)?;
    let (text, customer) = match filter.customer {
        Some(whose) => (D::SQL.inspect_accounts_of_customer, Some(whose)),
        None => (D::SQL.inspect_accounts, customer),
    };
    let args = Args::default()
        .text(filter.plugin.as_str())
        .bytes(customer.map(|id| id.as_bytes().to_vec()).unwrap_or_default())
        .text(name)
        .opt_text(filter.account.map(|name| name.to_string()))
        .limit(turn.rows() + 1);
    let found = database.rows(text, args).await?;
    let rows = all("accounts", &found, Fields::account)?;
    Ok(page(rows, turn.rows(), |(key, _)| cursor(key), |row| row))
}

pub(super) async fn entries<D: Database>(
    database: &D,
    filter: LedgerFilter,
    turn: Turn,
) -> Result<Page<LedgerRow>, InspectError> {
    let numbered = Numbered::of(&turn, "entries")?;
    let args = Args::default()
        .text(filter.plugin.as_str())
        .int(numbered.before)
        .opt_text(filter.account.map(|name| name.to_string()))
        .int(numbered.asked());
    let (text, args) = match filter.customer {
        Some(whose) => (D::SQL.inspect_ledger_of_customer, args.bytes(*whose.as_bytes())),
        None => (D::SQL.inspect_ledger, args),
    };
    let found = database.rows(text, args).await?;
    let rows = all("ledger_entries", &found, |row| Ok((row.ledger()?, row.int()?)))?;
    Ok(numbered.page(rows))
}
