//! Accounts and transfers as people read them, in both databases: by customer and name, page after page, each once.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;

use siyu_engine::ports::inspect::{Cursor, Inspect, InspectError, LedgerFilter, LedgerTally, Page, Turn};
use siyu_engine::ports::rows::{LedgerRow, WriteSet};
use siyu_engine::ports::store::Stores;
use siyu_model::id::CustomerId;
use siyu_model::limits::ledger::BALANCE_MAX;
use siyu_store::conformance::samples::{account, account_key, customer, name, transfer};
use siyu_store::{PgInspect, PgOptions, PgStores, SqliteInspect, SqliteOptions, SqliteStores};
use siyu_test_postgres::Scratch;

/// The same rows in both databases, with what holds them.
async fn places(writes: WriteSet) -> Vec<(Arc<dyn Inspect>, Box<dyn Send>)> {
    let tenant = name("t").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let files = SqliteStores::new(folder.path(), SqliteOptions::default());
    files.open(&tenant).await.unwrap().commit(writes.clone()).await.unwrap();
    let file = Arc::new(SqliteInspect::open(files.path(&tenant)).await.unwrap());
    let scratch = Scratch::make().unwrap();
    let database = PgStores::new(&scratch.url(), PgOptions::default()).unwrap();
    database.open(&tenant).await.unwrap().commit(writes).await.unwrap();
    let schema = Arc::new(PgInspect::open(&database, &tenant).await.unwrap());
    vec![(file, Box::new(folder)), (schema, Box::new(scratch))]
}

async fn all<T, F>(limit: usize, mut read: impl FnMut(Turn) -> F) -> Vec<T>
where
    F: Future<Output = Result<Page<T>, InspectError>>,
{
    let (mut items, mut turn) = (Vec::new(), Turn::first(limit));
    loop {
        let page = read(turn).await.unwrap();
        assert!(page.items.len() == limit || page.next.is_none(), "{} items", page.items.len());
        items.extend(page.items);
        let Some(next) = page.next else { return items };
        turn = Turn { after: Some(next), limit };
    }
}

fn of(customer: Option<CustomerId>, account: Option<&str>) -> LedgerFilter {
    let account = account.map(|account| name(account).unwrap());
    LedgerFilter { plugin: name("points").unwrap(), customer, account }
}

/// Twelve transfers of the tenant to three customers, by turns into two accounts, and one between two accounts of a customer.
fn writes() -> WriteSet {
    let mut writes = WriteSet::default();
    let issued = account(None, "issued").unwrap();
    for number in 0..12 {
        let called = if number % 2 == 0 { "points" } else { "saved up" };
        let to = account(Some(customer(number % 3 + 1)), called).unwrap();
        writes.ledger.push(transfer(number, issued.clone(), to, number + 1).unwrap());
    }
    let (from, to) = (account(Some(customer(1)), "points"), account(Some(customer(1)), "saved up"));
    writes.ledger.push(transfer(12, from.unwrap(), to.unwrap(), 3).unwrap());
    let mut other = transfer(13, issued.clone(), account(Some(customer(1)), "points").unwrap(), 50).unwrap();
    other.plugin = name("other").unwrap();
    writes.ledger.push(other);
    // What the transfers make of them is the engine's to know; here they only have to be told apart.
    for number in 1..=3 {
        for called in ["points", "saved up"] {
            let key = account_key(&account(Some(customer(number)), called).unwrap()).unwrap();
            writes.accounts.push((key, BALANCE_MAX));
        }
    }
    for number in 0..6 {
        let key = account_key(&account(None, &format!("source {number}")).unwrap()).unwrap();
        writes.accounts.push((key, -BALANCE_MAX));
    }
    writes
}

fn units(rows: &[LedgerRow]) -> Vec<u64> {
    rows.iter().map(|row| row.transfer.units).collect()
}

#[tokio::test]
async fn accounts_come_by_customer_and_name_page_after_page_with_their_sum() {
    for (inspect, _kept) in places(writes()).await {
        let tally = LedgerTally { plugin: name("points").unwrap(), accounts: 12, sum: 0 };
        assert_eq!(inspect.ledgers().await.unwrap(), [tally]);
        for limit in [1, 5, 12, 100] {
            let found = all(limit, |turn| inspect.accounts(of(None, None), turn)).await;
            assert_eq!(found.len(), 12);
            assert!(found.is_sorted_by_key(|(key, _)| key.clone()), "the tenant's come first");
            let theirs = all(limit, |turn| inspect.accounts(of(Some(customer(2)), None), turn)).await;
            let names: Vec<_> = theirs.iter().map(|(key, _)| key.account.name.as_str()).collect();
            assert_eq!(names, ["points", "saved up"]);
            assert_eq!(all(limit, |turn| inspect.accounts(of(None, Some("points")), turn)).await.len(), 3);
        }
        let one = all(1, |turn| inspect.accounts(of(Some(customer(3)), Some("saved up")), turn)).await;
        assert_eq!(one.len(), 1);
        assert_eq!(all(1, |turn| inspect.accounts(of(Some(customer(9)), None), turn)).await, []);
        for cursor in ["nonsense", "cus_1 points", "-"] {
            let turn = Turn { after: Some(Cursor::new(cursor)), limit: 5 };
            let refused = inspect.accounts(of(None, None), turn).await;
            assert!(matches!(refused, Err(InspectError::Cursor { list: "accounts", .. })), "{cursor}");
        }
    }
}

#[tokio::test]
async fn transfers_come_newest_first_by_either_side_and_each_once() {
    for (inspect, _kept) in places(writes()).await {
        for limit in [1, 4, 13, 100] {
            let read = async |filter: LedgerFilter| {
                units(&all(limit, |turn| inspect.ledger(filter.clone(), turn)).await)
            };
            assert_eq!(read(of(None, None)).await, [3, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
            assert_eq!(read(of(Some(customer(1)), None)).await, [3, 10, 7, 4, 1]);
            assert_eq!(read(of(Some(customer(1)), Some("points"))).await, [3, 7, 1]);
            assert_eq!(read(of(None, Some("saved up"))).await, [3, 12, 10, 8, 6, 4, 2]);
            assert_eq!(read(of(Some(customer(9)), None)).await, Vec::<u64>::new());
        }
    }
}
