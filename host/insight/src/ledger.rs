//! Accounts (积分, 储值): what each holds, and the transfers that it is made of. All accounts of a plugin together hold nothing;
//! it is added up here from what is stored.

use serde::Serialize;
use siyu_engine::ports::inspect::{Inspect, LedgerFilter, LedgerTally, Turn};
use siyu_engine::ports::rows::LedgerRow;
use siyu_model::id::{CustomerId, PostingId};
use siyu_model::limits::inspect::PAGE_ROWS_MAX;
use siyu_model::name::{Key, PluginName};
use siyu_model::stock::ledger::Account;

use crate::fault::InsightError;
use crate::frame::Frame;
use crate::local::Local;
use crate::walk::Walk;

/// The accounts of a plugin together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LedgerLine {
    /// Whose.
    pub plugin: PluginName,
    /// How many accounts.
    pub accounts: u64,
    /// What all of them hold together: 0.
    pub sum: i64,
}

/// What an account holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccountLine {
    /// Of whom; none for the tenant's.
    pub customer: Option<CustomerId>,
    /// Which.
    pub account: Key,
    /// What it holds; less than 0 only when it is the tenant's.
    pub balance: i64,
}

/// What a customer has with a plugin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BalanceLine {
    /// Whose ledger it is.
    pub plugin: PluginName,
    /// Which account.
    pub account: Key,
    /// What it holds.
    pub balance: i64,
}

/// A page of accounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccountsPage {
    /// The tenant's first, then those of customers, by name.
    pub accounts: Vec<AccountLine>,
    /// Where the list goes on; none at its end.
    pub next: Option<String>,
}

/// One side of a transfer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SideLine {
    /// Of whom; none for the tenant.
    pub customer: Option<CustomerId>,
    /// Which account.
    pub account: Key,
}

/// A transfer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EntryLine {
    /// Which transfers were made together.
    pub posting: PostingId,
    /// When.
    pub at: Local,
    /// Who gave.
    pub from: SideLine,
    /// Who got.
    pub to: SideLine,
    /// How many.
    pub units: u64,
    /// For what, such as an order.
    pub reference: Option<String>,
}

/// A page of transfers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EntriesPage {
    /// Newest first.
    pub entries: Vec<EntryLine>,
    /// Where the list goes on; none at its end.
    pub next: Option<String>,
}

/// Every plugin that has accounts.
pub async fn ledgers(inspect: &dyn Inspect) -> Result<Vec<LedgerLine>, InsightError> {
    let line =
        |tally: LedgerTally| LedgerLine { plugin: tally.plugin, accounts: tally.accounts, sum: tally.sum };
    Ok(inspect.ledgers().await?.into_iter().map(line).collect())
}

/// What accounts hold.
pub async fn accounts(
    inspect: &dyn Inspect,
    filter: LedgerFilter,
    turn: Turn,
) -> Result<AccountsPage, InsightError> {
    let page = inspect.accounts(filter, turn).await?;
    let accounts = page.items.into_iter().map(|(key, balance)| {
        let Account { customer, name } = key.account;
        AccountLine { customer, account: name, balance }
    });
    Ok(AccountsPage { accounts: accounts.collect(), next: page.next.map(|next| next.to_string()) })
}

/// What a customer's accounts hold, of every plugin, by plugin and name.
pub async fn balances(inspect: &dyn Inspect, customer: CustomerId) -> Result<Vec<BalanceLine>, InsightError> {
    let mut balances = Vec::new();
    for LedgerTally { plugin, .. } in inspect.ledgers().await? {
        let filter = LedgerFilter { plugin: plugin.clone(), customer: Some(customer), account: None };
        let mut accounts =
            Walk::new(Turn::first(PAGE_ROWS_MAX), |turn| inspect.accounts(filter.clone(), turn));
        while let Some((key, balance)) = accounts.next().await? {
            balances.push(BalanceLine { plugin: plugin.clone(), account: key.account.name, balance });
        }
    }
    Ok(balances)
}

/// Transfers from and to accounts.
pub async fn entries(
    inspect: &dyn Inspect,
    frame: &Frame,
    filter: LedgerFilter,
    turn: Turn,
) -> Result<EntriesPage, InsightError> {
    let page = inspect.ledger(filter, turn).await?;
    let entries = page.items.into_iter().map(|row| entry(frame, row)).collect();
    Ok(EntriesPage { entries, next: page.next.map(|next| next.to_string()) })
}

fn entry(frame: &Frame, row: LedgerRow) -> EntryLine {
    let side = |Account { customer, name }| SideLine { customer, account: name };
    EntryLine {
        posting: row.posting,
        at: frame.local(row.at),
        from: side(row.transfer.from),
        to: side(row.transfer.to),
        units: row.transfer.units,
        reference: row.reference,
    }
}
