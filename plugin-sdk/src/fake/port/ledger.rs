//! `ledger`: the rules are `siyu_model::stock::ledger`'s.

use siyu_model::id::PostingId;
use siyu_model::limits::ledger::TRANSFERS_MAX;
use siyu_model::plugin::Capability;
use siyu_model::stock::ledger::{Account as Kept, PostError, Transfer, check, post as posted};

use super::{Asked, State, ask, key};
use crate::error::{Error, ErrorCode};
use crate::ledger::{Account, Posted, Posting};

fn fault(error: PostError) -> Error {
    match error {
        PostError::Beyond { .. } => Error::new(ErrorCode::Conflict, error.to_string()),
        _ => Error::invalid(error.to_string()),
    }
}

fn kept(state: &mut State, account: &Account) -> Asked<Kept> {
    let name = key(&account.name)?;
    let customer = account.customer.as_deref().map(|customer| state.whom(Some(customer))).transpose()?;
    Ok(Kept { customer, name })
}

pub(crate) fn post(posting: Posting) -> Asked<Posted> {
    ask(Capability::Ledger, |state| {
        let found = posting.transfers.len();
        if found > TRANSFERS_MAX {
            return Err(fault(PostError::Transfers { found }));
        }
        let mut transfers = Vec::with_capacity(found);
        for asked in &posting.transfers {
            let (from, to) = (kept(state, &asked.from)?, kept(state, &asked.to)?);
            transfers.push(Transfer { from, to, units: asked.units });
        }
        check(&transfers, posting.reference.as_deref()).map_err(fault)?;
        let held = |account: &Kept| state.tables.accounts.get(account).copied().unwrap_or(0);
        let after = match posted(&transfers, held) {
            Ok(after) => after,
            Err(PostError::Short { account, holds }) => {
                let customer = account.customer.map(|customer| customer.to_string());
                let account = Account { customer, name: account.name.to_string() };
                return Ok(Posted::Short { account, holds });
            }
            Err(error) => return Err(fault(error)),
        };
        for (account, units) in after {
            state.tables.accounts.set(&account, Some(units));
        }
        let now = state.now;
        let call = state.call();
        call.posted += 1;
        let id = PostingId::derive(now, &[b"posting", call.id.as_bytes(), &call.posted.to_be_bytes()]);
        Ok(Posted::Done(id.to_string()))
    })
}

pub(crate) fn balance(account: &Account) -> Asked<i64> {
    ask(Capability::Ledger, |state| {
        let account = kept(state, account)?;
        Ok(state.tables.accounts.get(&account).copied().unwrap_or(0))
    })
}
