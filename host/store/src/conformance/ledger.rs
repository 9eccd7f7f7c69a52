//! What the ledger promises: what was committed comes back, what breaks its rules does not get in, nothing takes transfers
//! away, and accounts add up when a customer is gone.

use siyu_engine::ports::rows::{AccountKey, LedgerRow, WriteSet};
use siyu_engine::ports::store::{Maintenance, Store, StoreError, Wants};
use siyu_model::clock::UtcMs;
use siyu_model::stock::ledger::Account;

use super::samples::{SECRET, account, account_key, customer, everything, name, of_customer, transfer};
use super::{Checked, Failure, Place, open, same, tenant};

async fn ledger(place: &dyn Place) -> Result<Vec<LedgerRow>, Failure> {
    Ok(place.ledger(&tenant()?, &name("points")?).await?)
}

async fn balances(store: &dyn Store, accounts: &[Account]) -> Result<Vec<(AccountKey, i64)>, Failure> {
    let keys = accounts.iter().map(account_key).collect::<Result<Vec<_>, _>>()?;
    let mut found = store.load(Wants { accounts: keys, ..Wants::default() }).await?.accounts;
    found.sort();
    Ok(found)
}

pub(super) async fn accounts_and_transfers_come_back_as_they_were_committed(place: &dyn Place) -> Checked {
    let store = open(place).await?;
    let first = everything()?;
    let (issued, mine) = (account(None, "issued")?, account(Some(customer(1)), "point s")?);
    let back = transfer(2, mine.clone(), issued.clone(), 7)?;
    let most = (1 << 53) - 1;
    let second = WriteSet {
        accounts: vec![(account_key(&mine)?, most - 7), (account_key(&issued)?, 7 - most)],
        ledger: vec![back.clone()],
        ..WriteSet::default()
    };
    let expected: Vec<LedgerRow> = first.ledger.iter().cloned().chain([back]).collect();
    store.commit(first).await?;
    store.commit(second).await?;
    let held = [(account_key(&issued)?, 7 - most), (account_key(&mine)?, most - 7)];
    let other = account(Some(customer(1)), "issued")?;
    for store in [store, open(place).await?] {
        same("accounts", &balances(&*store, &[issued.clone(), mine.clone(), other.clone()]).await?, &held)?;
        same("transfers", &ledger(place).await?, &expected)?;
    }
    same("of another plugin", &place.ledger(&tenant()?, &name("probe")?).await?, &Vec::<LedgerRow>::new())
}

pub(super) async fn a_commit_that_breaks_a_rule_of_accounts_leaves_nothing(place: &dyn Place) -> Checked {
    let (issued, mine) = (account(None, "issued")?, account(Some(customer(1)), "points")?);
    let good = transfer(1, issued.clone(), mine.clone(), 5)?;
    let holds = |of: &Account, units| -> Result<_, Failure> { Ok(vec![(account_key(of)?, units)]) };
    let beyond = 1 << 53;
    for (what, accounts, rows) in [
        ("a customer who owes", holds(&mine, -1)?, vec![good.clone()]),
        ("more than can be counted", holds(&mine, beyond)?, vec![good.clone()]),
        ("less than can be counted", holds(&issued, -beyond)?, vec![good.clone()]),
        ("a transfer twice", holds(&mine, 5)?, vec![good.clone(), good.clone()]),
    ] {
        let store = open(place).await?;
        let writes = WriteSet { accounts, ledger: rows, ..WriteSet::default() };
        let refused = store.commit(writes).await;
        same(what, &matches!(refused, Err(StoreError::Database(_))), &true)?;
        let store = open(place).await?;
        same(what, &balances(&*store, &[issued.clone(), mine.clone()]).await?.len(), &0)?;
        same(what, &ledger(place).await?.len(), &0)?;
    }
    Ok(())
}

pub(super) async fn retention_takes_no_transfer_away(place: &dyn Place) -> Checked {
    let store = open(place).await?;
    let writes = everything()?;
    let (accounts, expected) = (writes.accounts.clone(), writes.ledger.clone());
    store.commit(writes).await?;
    for _ in 0..10 {
        store.maintain(Maintenance::Purge { before: UtcMs::LAST, rows: 1_000 }).await?;
    }
    let keys: Vec<Account> = accounts.iter().map(|(key, _)| key.account.clone()).collect();
    same("accounts", &balances(&*store, &keys).await?, &accounts)?;
    same("transfers", &ledger(place).await?, &expected)
}

pub(super) async fn an_erased_customers_accounts_keep_what_they_hold_under_the_pseudonym(
    place: &dyn Place,
) -> Checked {
    let store = open(place).await?;
    let (who, pseudonym) = (customer(1), customer(900));
    store.commit(of_customer(1)?).await?;
    store.commit(of_customer(2)?).await?;
    let others = ledger(place).await?.pop();
    store.erase(who, pseudonym).await?;
    let (owed, mine) = (account(None, &format!("owed/{pseudonym}"))?, account(Some(pseudonym), "points")?);
    let was = [account(None, &format!("owed/{who}"))?, account(Some(who), "points")?];
    let theirs = LedgerRow { reference: None, ..transfer(1, owed.clone(), mine.clone(), 5)? };
    for store in [store, open(place).await?] {
        let held = [(account_key(&owed)?, -5), (account_key(&mine)?, 5)];
        same("accounts", &balances(&*store, &[owed.clone(), mine.clone()]).await?, &held)?;
        same("their own", &balances(&*store, &was).await?.len(), &0)?;
        let found = ledger(place).await?;
        same(
            "transfers",
            &found,
            &[Some(theirs.clone()), others.clone()].into_iter().flatten().collect::<Vec<_>>(),
        )?;
        let text = format!("{:?}", found.first());
        same("who they were", &(text.contains(SECRET), text.contains(&who.to_string())), &(false, false))?;
    }
    same("the other's reference", &others.and_then(|row| row.reference).as_deref(), &Some(SECRET))
}
