//! `ledger`: points and stored value in double entry. Never adds up: the host keeps the books.

use siyu_engine::ports::plugins::{self as port, Asked};
use siyu_model::plugin::Capability;
use wasmtime::component::Linker;

use super::{Offer, Weight, count, signed, whole};
use crate::contract::{Account, Posted, Transfer};
use crate::sandbox::state::Call;

type Posting = (Vec<Transfer>, Option<String>);

pub(super) fn link(linker: &mut Linker<Call>) -> wasmtime::Result<()> {
    let mut ledger = Offer::new(linker, Capability::Ledger)?;
    ledger.ask("post", |host, (transfers, reference): Posting| {
        let transfers = transfers.into_iter().map(Transfer::checked).collect::<Asked<Vec<_>>>()?;
        Ok(Posted::from(host.post(port::PostRequest { transfers, reference })?))
    })?;
    ledger.ask("balance", |host, (account,): (Account,)| Ok(signed(host.balance(&account.into())?)))
}

impl Transfer {
    fn checked(self) -> Asked<port::TransferRequest> {
        let units = whole("units", self.units)?;
        Ok(port::TransferRequest { from: self.from.into(), to: self.to.into(), units })
    }
}

impl From<Account> for port::AccountName {
    fn from(account: Account) -> Self {
        Self { customer: account.customer, name: account.name }
    }
}

impl From<port::Posted> for Posted {
    fn from(posted: port::Posted) -> Self {
        match posted {
            port::Posted::Done(id) => Self::Done(id),
            port::Posted::Short(account, holds) => {
                Self::Short((Account { customer: account.customer, name: account.name }, count(holds)))
            }
        }
    }
}

impl Weight for Account {
    fn weight(&self) -> usize {
        self.customer.weight() + self.name.len()
    }
}

impl Weight for Transfer {
    fn weight(&self) -> usize {
        self.from.weight() + self.to.weight()
    }
}

impl Weight for Posted {
    fn weight(&self) -> usize {
        match self {
            Self::Done(id) => id.len(),
            Self::Short((account, _)) => account.weight(),
        }
    }
}
