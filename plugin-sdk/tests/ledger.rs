//! The ledger on the host for tests: the words, numbers and refusals of the real one.

mod shop;

use shop::Plugin;
use siyu_plugin::fake::Host;
use siyu_plugin::ledger::{Account, Posted, Posting};
use siyu_plugin::{Error, ErrorCode};

const MOST: u64 = (1 << 53) - 1;

/// A host with two customers, and their accounts.
fn host() -> (Host, Account, Account) {
    let mut host = Host::of::<Plugin>();
    let (ann, bob) = (host.customer("shop:ann"), host.customer("shop:bob"));
    (host, Account::of(ann, "points"), Account::of(bob, "points"))
}

fn issued() -> Account {
    Account::of_tenant("issued")
}

fn post(host: &mut Host, posting: Posting) -> Result<Posted, Error> {
    host.during(|| posting.post())
}

fn balances(host: &mut Host, accounts: &[&Account]) -> Vec<i64> {
    host.during(|| accounts.iter().map(|account| account.balance().expect("a balance")).collect())
}

#[test]
fn what_one_account_gets_another_gives() {
    let (mut host, ann, bob) = host();
    let posting = Posting::new().transfer(&issued(), &ann, 10).transfer(&ann, &bob, 4).reference("o1");
    let first = post(&mut host, posting.clone()).unwrap();
    let second = post(&mut host, posting).unwrap();
    assert!(matches!((&first, &second), (Posted::Done(one), Posted::Done(other)) if one != other));
    assert_eq!(balances(&mut host, &[&issued(), &ann, &bob]), [-20, 12, 8]);
    let ann = ann.customer.unwrap();
    assert_eq!((host.balance(Some(&ann), "points"), host.balance(Some(&ann), "other")), (12, 0));
}

#[test]
fn an_account_of_a_customer_that_holds_too_little_moves_nothing_of_the_posting() {
    let (mut host, ann, bob) = host();
    let posting = Posting::new().transfer(&issued(), &ann, 10).transfer(&bob, &issued(), 1);
    assert_eq!(post(&mut host, posting).unwrap(), Posted::Short { account: bob.clone(), holds: 0 });
    let posting = Posting::new().transfer(&issued(), &ann, 10).transfer(&ann, &bob, 11);
    assert_eq!(post(&mut host, posting).unwrap(), Posted::Short { account: ann.clone(), holds: 10 });
    assert_eq!(balances(&mut host, &[&issued(), &ann, &bob]), [0, 0, 0]);
}

#[test]
fn what_breaks_a_rule_is_refused_in_words() {
    let (mut host, ann, _) = host();
    let one = |units| Posting::new().transfer(&issued(), &ann, units);
    let many = |number| (0..number).fold(Posting::new(), |posting, _| posting.transfer(&issued(), &ann, 1));
    let stranger = Account::of("cus_0000000000000000000000000", "points");
    let nobody = Account::of("cus_00000000000000000000000000", "points");
    let long = "x".repeat(257);
    for (posting, code, words) in [
        (many(0), ErrorCode::Invalid, "a posting of 0 transfers: expected 1 to 16"),
        (many(17), ErrorCode::Invalid, "a posting of 17 transfers: expected 1 to 16"),
        (one(0), ErrorCode::Invalid, "a transfer of 0 units: expected 1 to 9007199254740991"),
        (one(MOST + 1), ErrorCode::Invalid, "`units` is 9007199254740992"),
        (Posting::new().transfer(&ann, &ann, 1), ErrorCode::Invalid, "from account `points` to itself"),
        (Posting::new().transfer(&issued(), &nobody, 1), ErrorCode::NotFound, "there is no customer cus_"),
        (Posting::new().transfer(&issued(), &stranger, 1), ErrorCode::Invalid, "is not a customer id"),
        (Posting::new().transfer(&issued(), &Account::of_tenant(" "), 1), ErrorCode::Invalid, "is not a key"),
        (one(1).reference(long), ErrorCode::Invalid, "a reference of 257 bytes: expected at most 256"),
        (one(MOST).transfer(&issued(), &ann, 1), ErrorCode::Conflict, "would hold -9007199254740992"),
    ] {
        let error = post(&mut host, posting).unwrap_err();
        assert_eq!(error.code, code, "{}", error.message);
        assert!(error.message.contains(words), "{}", error.message);
    }
    assert_eq!(balances(&mut host, &[&issued(), &ann]), [0, 0]);
    assert!(matches!(post(&mut host, one(MOST)).unwrap(), Posted::Done(_)));
    assert_eq!(balances(&mut host, &[&issued(), &ann]), [-(MOST as i64), MOST as i64]);
}
