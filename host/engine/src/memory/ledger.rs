//! Accounts in memory, and the transfers that this batch adds. Never decides whether a posting may be.

use std::collections::BTreeMap;

use siyu_model::stock::ledger::Account;

use super::undo::Undo;
use super::{Memory, Worked};
use crate::ports::rows::{AccountKey, LedgerRow};
use crate::ports::store::Wants;

impl Memory {
    /// What accounts hold; nothing when they were never used. One read for all that memory does not know.
    pub(crate) fn balances(&mut self, keys: Vec<AccountKey>) -> Worked<BTreeMap<Account, i64>> {
        let unknown: Vec<AccountKey> = keys.iter().filter(|key| !self.accounts.knows(key)).cloned().collect();
        if !unknown.is_empty() {
            self.fetch(Wants { accounts: unknown, ..Wants::default() })?;
        }
        let batch = self.batch;
        let held = keys.into_iter().map(|key| {
            let units = self.accounts.touch(&key, batch).copied().unwrap_or(0);
            (key.account, units)
        });
        Ok(held.collect())
    }

    /// Writes what an account holds.
    pub(crate) fn set_account(&mut self, key: &AccountKey, units: i64) {
        let (before, is_first) = self.accounts.set(key, Some(units), self.batch);
        self.remember(|| Undo::Account(key.clone(), before));
        if is_first {
            self.changes.accounts.push(key.clone());
        }
    }

    /// Adds a transfer; the accounts are written by [`Memory::set_account`].
    pub(crate) fn add_transfer(&mut self, row: LedgerRow) {
        self.changes.ledger.push(row);
    }
}
