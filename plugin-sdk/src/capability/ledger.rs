//! `ledger`: accounts in double entry. Points (积分), stored value (储值). What one account gets, another one gives, so the
//! accounts of a plugin always sum to zero.
//!
//! An account is there from its first use and holds 0 until then. An account of a customer never goes below 0; one of the
//! tenant may, for it is where units come from and go to. Numbers of units are 1 to 2^53 - 1.
//!
//! ```
//! use siyu_plugin::prelude::*;
//! use siyu_plugin::ledger::{Account, Posted, Posting};
//!
//! const SHORT: Refusal = Refusal::new("SHORT", "the customer has too few points");
//!
//! fn spend(customer: &str, points: u64, order: &str) -> Result<i64, Stop> {
//!     let mine = Account::of(customer, "points");
//!     let posting = Posting::new().transfer(&mine, &Account::of_tenant("redeemed"), points).reference(order);
//!     match posting.post()? {
//!         Posted::Done(_) => Ok(mine.balance()?),
//!         Posted::Short { holds, .. } => Err(SHORT.because(format!("{holds} of {points}")).into()),
//!     }
//! }
//! ```

use super::whole;
use crate::error::Error;
use crate::port;

/// An account of this plugin; no other plugin sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Whose; none for the tenant's.
    pub customer: Option<String>,
    /// Its name: a key, see [`key`](crate::key).
    pub name: String,
}

impl Account {
    /// An account of a customer, which never goes below 0.
    pub fn of(customer: impl Into<String>, name: impl Into<String>) -> Self {
        Self { customer: Some(customer.into()), name: name.into() }
    }

    /// An account of the tenant, which may.
    pub fn of_tenant(name: impl Into<String>) -> Self {
        Self { customer: None, name: name.into() }
    }

    /// What it holds, at most 2^53 - 1 in size.
    ///
    /// # Errors
    /// `Invalid` for a name that is none, `NotFound` for a customer who is none.
    pub fn balance(&self) -> Result<i64, Error> {
        port::balance(self)
    }
}

/// Transfers that are made together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Posting {
    pub(crate) transfers: Vec<Transfer>,
    pub(crate) reference: Option<String>,
}

/// Units that go from one account to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Transfer {
    pub(crate) from: Account,
    pub(crate) to: Account,
    pub(crate) units: u64,
}

/// What became of a posting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Posted {
    /// All transfers are made; the posting's id.
    Done(String),
    /// An account of a customer holds too little, and nothing was moved.
    Short {
        /// Which.
        account: Account,
        /// What it holds, with the transfers of the posting before.
        holds: u64,
    },
}

impl Posting {
    /// A posting without transfers; it needs 1 to 16.
    pub fn new() -> Self {
        Self::default()
    }

    /// Moves units after the transfers before.
    pub fn transfer(mut self, from: &Account, to: &Account, units: u64) -> Self {
        self.transfers.push(Transfer { from: from.clone(), to: to.clone(), units });
        self
    }

    /// The plugin's own name for it, such as an order number, at most 256 bytes; people see it with each transfer.
    pub fn reference(mut self, reference: impl Into<String>) -> Self {
        self.reference = Some(reference.into());
        self
    }

    /// Makes all transfers, or none.
    ///
    /// # Errors
    /// `Invalid` for no transfers or more than 16, for no units, for a transfer from an account to itself, for a name or
    /// a reference that is none. `NotFound` for a customer who is none. `Conflict` when an account would hold or owe more
    /// than 2^53 - 1.
    pub fn post(self) -> Result<Posted, Error> {
        for transfer in &self.transfers {
            whole("units", transfer.units)?;
        }
        port::post(self)
    }
}
