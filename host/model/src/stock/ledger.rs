//! Accounts in double entry: points and stored value. What one account gets, another one gives, so all of them together
//! hold nothing.
//!
//! An account of a customer holds at least 0. An account of the tenant may hold less: it is where units come from and go
//! to, such as what was issued, redeemed and expired. Never knows whose plugin an account is, nor where balances are kept.

use std::collections::BTreeMap;

use crate::id::CustomerId;
use crate::limits::ledger::{BALANCE_MAX, REFERENCE_BYTES_MAX, TRANSFERS_MAX};
use crate::name::Key;

/// An account of a plugin.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Account {
    /// Whose it is; none for the tenant's.
    pub customer: Option<CustomerId>,
    /// What the plugin calls it.
    pub name: Key,
}

/// Units that go from one account to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// Who gives them.
    pub from: Account,
    /// Who gets them.
    pub to: Account,
    /// How many, at least 1.
    pub units: u64,
}

/// Why nothing was posted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PostError {
    /// No transfer, or too many.
    #[error("a posting of {found} transfers: expected 1 to {TRANSFERS_MAX}")]
    Transfers {
        /// How many.
        found: usize,
    },
    /// A transfer of nothing, or of more than an account can hold.
    #[error("a transfer of {units} units: expected 1 to {BALANCE_MAX}")]
    Units {
        /// How many.
        units: u64,
    },
    /// From an account to itself.
    #[error("a transfer from account `{}` to itself: expected two accounts", account.name)]
    Same {
        /// The account.
        account: Account,
    },
    /// The customer's account holds less than it would give.
    #[error("account `{}` holds {holds}", account.name)]
    Short {
        /// The account.
        account: Account,
        /// What it holds, with the earlier transfers of the posting.
        holds: u64,
    },
    /// The account would hold or owe more than can be counted.
    #[error("account `{}` would hold {would}: expected {} to {BALANCE_MAX}", account.name, -BALANCE_MAX)]
    Beyond {
        /// The account.
        account: Account,
        /// What it would hold.
        would: i64,
    },
    /// The reference is too long.
    #[error("a reference of {bytes} bytes: expected at most {REFERENCE_BYTES_MAX}")]
    Reference {
        /// Its length.
        bytes: usize,
    },
}

impl Account {
    /// What it holds as a store kept it; none when no rule of accounts allows it.
    pub fn restore(&self, units: i64) -> Option<i64> {
        let least = if self.customer.is_some() { 0 } else { -BALANCE_MAX };
        (least..=BALANCE_MAX).contains(&units).then_some(units)
    }
}

/// That transfers can be posted at all, whatever their accounts hold.
///
/// # Errors
/// [`PostError::Transfers`], [`PostError::Units`], [`PostError::Same`] and [`PostError::Reference`].
pub fn check(transfers: &[Transfer], reference: Option<&str>) -> Result<(), PostError> {
    if !(1..=TRANSFERS_MAX).contains(&transfers.len()) {
        return Err(PostError::Transfers { found: transfers.len() });
    }
    for transfer in transfers {
        if !(1..=BALANCE_MAX.unsigned_abs()).contains(&transfer.units) {
            return Err(PostError::Units { units: transfer.units });
        }
        if transfer.from == transfer.to {
            return Err(PostError::Same { account: transfer.from.clone() });
        }
    }
    match reference {
        Some(text) if text.len() > REFERENCE_BYTES_MAX => Err(PostError::Reference { bytes: text.len() }),
        _ => Ok(()),
    }
}

/// What the accounts of the transfers hold after all of them, one after another; `holds` says what they held before.
///
/// # Errors
/// Those of [`check`], [`PostError::Short`] and [`PostError::Beyond`]. Nothing is posted then.
pub fn post(
    transfers: &[Transfer],
    holds: impl Fn(&Account) -> i64,
) -> Result<BTreeMap<Account, i64>, PostError> {
    check(transfers, None)?;
    let mut after: BTreeMap<Account, i64> = BTreeMap::new();
    for transfer in transfers {
        let held = |account: &Account| after.get(account).copied().unwrap_or_else(|| holds(account));
        // Both are at most 2^53 in size.
        let units = transfer.units.cast_signed();
        let (from, to) = (held(&transfer.from), held(&transfer.to));
        if transfer.from.customer.is_some() && from < units {
            let holds = from.max(0).unsigned_abs();
            return Err(PostError::Short { account: transfer.from.clone(), holds });
        }
        for (account, would) in [(&transfer.from, from - units), (&transfer.to, to + units)] {
            if account.restore(would).is_none() {
                return Err(PostError::Beyond { account: account.clone(), would });
            }
            after.insert(account.clone(), would);
        }
    }
    Ok(after)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::clock::UtcMs;

    fn account(customer: Option<u8>, name: &str) -> Account {
        let customer = customer.map(|number| CustomerId::derive(UtcMs::EPOCH, &[&[number]]));
        Account { customer, name: Key::new(name).unwrap() }
    }

    fn transfer(from: Account, to: Account, units: u64) -> Transfer {
        Transfer { from, to, units }
    }

    fn nothing(_: &Account) -> i64 {
        0
    }

    fn some_account() -> impl Strategy<Value = Account> {
        (prop::option::of(0u8..3), prop::sample::select(vec!["points", "cash"]))
            .prop_map(|(customer, name)| account(customer, name))
    }

    fn some_units() -> impl Strategy<Value = u64> {
        prop_oneof![8 => 0u64..200, 1 => Just(BALANCE_MAX.unsigned_abs()), 1 => any::<u64>()]
    }

    proptest! {
        #[test]
        fn accounts_sum_to_nothing_and_no_customer_owes(
            postings in prop::collection::vec(
                prop::collection::vec((some_account(), some_account(), some_units()), 0..20), 0..60),
        ) {
            let mut balances: BTreeMap<Account, i64> = BTreeMap::new();
            for posting in postings {
                let transfers: Vec<_> =
                    posting.into_iter().map(|(from, to, units)| transfer(from, to, units)).collect();
                let before = balances.clone();
                let posted = post(&transfers, |account| before.get(account).copied().unwrap_or(0));
                balances.extend(posted.unwrap_or_default());
                prop_assert_eq!(balances.values().map(|units| i128::from(*units)).sum::<i128>(), 0);
                for (account, units) in &balances {
                    prop_assert_eq!(account.restore(*units), Some(*units));
                    prop_assert!(account.customer.is_none() || *units >= 0);
                }
            }
        }
    }

    #[test]
    fn later_transfers_see_the_earlier_ones() {
        let (issued, mine, yours) =
            (account(None, "issued"), account(Some(1), "points"), account(Some(2), "points"));
        let posting = [transfer(issued.clone(), mine.clone(), 10), transfer(mine.clone(), yours.clone(), 4)];
        let after = post(&posting, nothing).unwrap();
        assert_eq!(after, [(issued, -10), (mine.clone(), 6), (yours.clone(), 4)].into_iter().collect());
        let backwards = [posting[1].clone(), posting[0].clone()];
        assert_eq!(post(&backwards, nothing), Err(PostError::Short { account: mine, holds: 0 }));
    }

    #[test]
    fn a_posting_is_refused_whole() {
        let (issued, mine) = (account(None, "issued"), account(Some(1), "points"));
        let one = transfer(issued.clone(), mine.clone(), 1);
        let of = |number: usize| post(&vec![one.clone(); number], nothing);
        assert_eq!(of(0), Err(PostError::Transfers { found: 0 }));
        assert_eq!(of(16).unwrap()[&mine], 16);
        assert_eq!(of(17), Err(PostError::Transfers { found: 17 }));
        let units = |units| post(&[transfer(issued.clone(), mine.clone(), units)], nothing);
        assert_eq!(units(0), Err(PostError::Units { units: 0 }));
        assert_eq!(units(1 << 53), Err(PostError::Units { units: 1 << 53 }));
        assert_eq!(units((1 << 53) - 1).unwrap()[&issued], -BALANCE_MAX);
        let same = transfer(mine.clone(), mine.clone(), 1);
        assert_eq!(post(&[same], |_| 5), Err(PostError::Same { account: mine.clone() }));
        let short = post(&[one.clone(), transfer(mine.clone(), issued.clone(), 9)], |_| 5);
        assert_eq!(short, Err(PostError::Short { account: mine, holds: 6 }));
        let text = "x".repeat(257);
        assert_eq!(check(std::slice::from_ref(&one), Some(&text)), Err(PostError::Reference { bytes: 257 }));
        assert_eq!(check(&[one], Some(&text[1..])), Ok(()));
    }

    #[test]
    fn what_cannot_be_counted_is_refused_and_said() {
        let (issued, mine) = (account(None, "issued"), account(Some(1), "points"));
        let full = |held: &Account| if *held == mine { BALANCE_MAX } else { 0 };
        let more = post(&[transfer(issued.clone(), mine.clone(), 1)], full);
        let would = BALANCE_MAX + 1;
        assert_eq!(more, Err(PostError::Beyond { account: mine.clone(), would }));
        assert_eq!(
            more.unwrap_err().to_string(),
            "account `points` would hold 9007199254740992: expected -9007199254740991 to 9007199254740991"
        );
        let owing = |held: &Account| if *held == issued { -BALANCE_MAX } else { 0 };
        let less = post(&[transfer(issued.clone(), mine, 1)], owing);
        assert_eq!(less, Err(PostError::Beyond { account: issued, would: -would }));
    }

    #[test]
    fn what_a_store_kept_is_checked() {
        let (issued, mine) = (account(None, "issued"), account(Some(1), "points"));
        assert_eq!((issued.restore(-1), mine.restore(-1), mine.restore(0)), (Some(-1), None, Some(0)));
        assert_eq!((issued.restore(-BALANCE_MAX - 1), mine.restore(BALANCE_MAX + 1)), (None, None));
    }
}
