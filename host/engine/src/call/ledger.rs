//! `ledger`: the host keeps its books in double entry, whatever a plugin asks.

use siyu_model::id::PostingId;
use siyu_model::limits::ledger::TRANSFERS_MAX;
use siyu_model::stock::ledger::{self, Account, PostError, Transfer};

use super::host::{CallScope, key};
use crate::ports::plugins::{AccountName, Asked, HostError, PostRequest, Posted};
use crate::ports::rows::{AccountKey, LedgerRow};

fn fault(error: PostError) -> HostError {
    match error {
        PostError::Beyond { .. } => HostError::Conflict(error.to_string()),
        _ => HostError::Invalid(error.to_string()),
    }
}

fn named(account: &Account) -> AccountName {
    AccountName {
        customer: account.customer.map(|customer| customer.to_string()),
        name: account.name.to_string(),
    }
}

impl CallScope {
    fn account(&mut self, named: &AccountName) -> Asked<Account> {
        let name = key(&named.name)?;
        let customer = match named.customer.as_deref() {
            Some(customer) => Some(self.whom(Some(customer))?),
            None => None,
        };
        Ok(Account { customer, name })
    }

    fn account_key(&self, account: &Account) -> AccountKey {
        AccountKey { plugin: self.plugin.clone(), account: account.clone() }
    }

    /// All transfers, or none.
    pub(super) fn post_transfers(&mut self, request: PostRequest) -> Asked<Posted> {
        let found = request.transfers.len();
        if found > TRANSFERS_MAX {
            return Err(fault(PostError::Transfers { found }));
        }
        let mut transfers = Vec::with_capacity(found);
        for asked in &request.transfers {
            let (from, to) = (self.account(&asked.from)?, self.account(&asked.to)?);
            transfers.push(Transfer { from, to, units: asked.units });
        }
        ledger::check(&transfers, request.reference.as_deref()).map_err(fault)?;
        let keys = transfers.iter().flat_map(|transfer| [&transfer.from, &transfer.to]);
        let keys = keys.map(|account| self.account_key(account)).collect();
        let held = self.memory.balances(keys);
        let held = self.got(held)?;
        let after = match ledger::post(&transfers, |account| held.get(account).copied().unwrap_or(0)) {
            Ok(after) => after,
            Err(PostError::Short { account, holds }) => return Ok(Posted::Short(named(&account), holds)),
            Err(error) => return Err(fault(error)),
        };
        for (account, units) in after {
            let key = self.account_key(&account);
            self.memory.set_account(&key, units);
        }
        let at = self.memory.now;
        self.posted += 1;
        let parts: [&[u8]; 3] = [b"posting", self.context.id.as_bytes(), &self.posted.to_be_bytes()];
        let posting = PostingId::derive(at, &parts);
        for (place, transfer) in (0..).zip(transfers) {
            let (plugin, reference) = (self.plugin.clone(), request.reference.clone());
            self.memory.add_transfer(LedgerRow { posting, place, plugin, transfer, at, reference });
        }
        Ok(Posted::Done(posting.to_string()))
    }

    pub(super) fn balance_of(&mut self, named: &AccountName) -> Asked<i64> {
        let account = self.account(named)?;
        let held = self.memory.balances(vec![self.account_key(&account)]);
        Ok(self.got(held)?.get(&account).copied().unwrap_or(0))
    }
}
