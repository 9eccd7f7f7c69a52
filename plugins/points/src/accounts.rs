//! Where points come from and go to, and what is done once for a reference.
//!
//! It never decides how many points there are for what.

use siyu_plugin::ledger::{Account, Posted, Posting};
use siyu_plugin::prelude::*;
use siyu_plugin::{context, records};

/// A customer's points.
const POINTS: &str = "points";
/// What the tenant gave, below 0.
const ISSUED: &str = "issued";
/// What came back.
const REDEEMED: &str = "redeemed";

/// Which way points go.
#[derive(Clone, Copy)]
pub(crate) enum Way {
    /// From the tenant to the customer.
    Earned,
    /// From the customer to the tenant.
    Spent,
}

/// What a reference stands for already.
#[derive(Serialize, Deserialize)]
struct Done {
    units: u64,
    posting: String,
}

/// What became of a wish to move points.
pub(crate) enum Moved {
    /// They were moved now, or were before under the same reference; the posting.
    Done { posting: String, is_new: bool },
    /// The customer has too few: how many.
    Short(u64),
    /// The reference stands for another number of points.
    Other(u64),
}

/// The points of the call's customer.
pub(crate) fn mine() -> Result<Account, Stop> {
    Ok(Account::of(context::customer()?, POINTS))
}

/// What the customer has.
pub(crate) fn points() -> Result<u64, Stop> {
    // The host lets no account of a customer go below 0.
    Ok(mine()?.balance()?.max(0).unsigned_abs())
}

impl Way {
    fn as_str(self) -> &'static str {
        match self {
            Self::Earned => "earned",
            Self::Spent => "spent",
        }
    }

    fn posting(self, units: u64) -> Result<Posting, Stop> {
        let mine = mine()?;
        Ok(match self {
            Self::Earned => Posting::new().transfer(&Account::of_tenant(ISSUED), &mine, units),
            Self::Spent => Posting::new().transfer(&mine, &Account::of_tenant(REDEEMED), units),
        })
    }

    /// Moves points, once for each reference.
    pub(crate) fn go(self, units: u64, reference: Option<&str>) -> Result<Moved, Stop> {
        let documents = records::of_customer();
        let once = reference.map(|reference| key(&[self.as_str(), reference]));
        if let Some(once) = &once
            && let Some(done) = documents.get::<Done>(once)?
        {
            let is_same = done.units == units;
            return Ok(if is_same {
                Moved::Done { posting: done.posting, is_new: false }
            } else {
                Moved::Other(done.units)
            });
        }
        let posting = self.posting(units)?;
        let posting = match reference {
            Some(reference) => posting.reference(reference),
            None => posting,
        };
        match posting.post()? {
            Posted::Short { holds, .. } => Ok(Moved::Short(holds)),
            Posted::Done(posting) => {
                if let Some(once) = &once {
                    documents.put(once, &Done { units, posting: posting.clone() })?;
                }
                Ok(Moved::Done { posting, is_new: true })
            }
        }
    }
}
