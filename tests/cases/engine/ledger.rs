//! Whatever is posted, in whatever order, with whatever crashes: accounts add up, no customer owes, and every transfer that a
//! balance is made of is there once.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use siyu_engine::ports::inspect::{Inspect, LedgerFilter, LedgerTally, Turn};
use siyu_engine::ports::rows::{AccountKey, LedgerRow};
use siyu_engine::tenant::{Admitted, Unavailable};
use siyu_model::event::Subject;
use siyu_model::id::CustomerId;
use siyu_model::stock::ledger::Account;
use siyu_store::SqliteInspect;
use siyu_tests::{FaultyStores, Place, StoreFault, event, publication};

use super::support::Case;

const PLAYBOOK: &str = "
playbook: points
title: Points
zone: Asia/Shanghai
plugins:
  probe: { version: 1, grant: [records, pools, counters, ledger, codes, customers, events, messages, resources, expressions] }
  other: { version: 1, grant: [records, pools, counters, ledger, codes, customers, events, messages, resources, expressions] }
events:
  earn: { fields: { units: integer } }
  spend: { fields: { units: integer } }
  save: { fields: { units: integer, times: integer } }
  other.earn: { fields: { units: integer } }
";

/// Two steps a run, so that a commit may come between them.
fn workflow(event: &str, plugin: &str, with: &str) -> String {
    let name = event.replace('.', "-");
    format!(
        "workflow: {name}\non: {{ event: {event} }}\nsteps:\n  - uses: {plugin}/post@1\n    with: {{ {with} }}\n    \
         on_error: continue\n    on_refused: continue\n  - uses: {plugin}/note@1\n    with: {{ key: done }}\n"
    )
}

fn texts() -> Vec<String> {
    vec![
        workflow("earn", "probe", "to: points, units: '${{ event.units }}', reference: '${{ event.id }}'"),
        workflow("spend", "probe", "from: points, units: '${{ event.units }}'"),
        workflow(
            "save",
            "probe",
            "from: points, to: saved, units: '${{ event.units }}', times: '${{ event.times }}'",
        ),
        workflow("other.earn", "other", "to: points, units: '${{ event.units }}'"),
    ]
}

fn filter(plugin: &str) -> LedgerFilter {
    LedgerFilter { plugin: plugin.parse().unwrap(), customer: None, account: None }
}

async fn accounts(inspect: &SqliteInspect, plugin: &str) -> Vec<(AccountKey, i64)> {
    inspect.accounts(filter(plugin), Turn::first(1_000)).await.unwrap().items
}

/// Transfers, newest first.
async fn transfers(inspect: &SqliteInspect, plugin: &str) -> Vec<LedgerRow> {
    inspect.ledger(filter(plugin), Turn::first(1_000)).await.unwrap().items
}

async fn who(inspect: &SqliteInspect, name: &str) -> CustomerId {
    inspect.customer(name.parse::<Subject>().unwrap()).await.unwrap().unwrap().customer.id
}

/// What must hold of everything that is durable.
async fn check(inspect: &SqliteInspect) {
    for LedgerTally { plugin, accounts: number, sum } in inspect.ledgers().await.unwrap() {
        let kept = accounts(inspect, plugin.as_str()).await;
        assert_eq!((sum, number), (0, kept.len() as u64), "{plugin}");
        let mut told: BTreeMap<Account, i64> = BTreeMap::new();
        for LedgerRow { transfer, .. } in transfers(inspect, plugin.as_str()).await {
            let units = i64::try_from(transfer.units).unwrap();
            *told.entry(transfer.from).or_default() -= units;
            *told.entry(transfer.to).or_default() += units;
        }
        let kept: BTreeMap<Account, i64> =
            kept.into_iter().map(|(key, units)| (key.account, units)).collect();
        assert!(kept.iter().all(|(account, units)| account.customer.is_none() || *units >= 0), "{kept:?}");
        assert_eq!(kept, told, "{plugin}: balances are what transfers make of them");
    }
}

struct Desk {
    case: Case,
    stores: Arc<FaultyStores>,
    number: u64,
}

impl Desk {
    async fn open() -> Self {
        let place = Place::at("2026-11-21T10:00:00+08:00").unwrap();
        let stores = Arc::new(FaultyStores::new(Arc::new(place.stores()), u64::MAX, StoreFault::Before));
        let tenant = place.open_on(stores.clone()).await.unwrap();
        let inspect = Arc::new(place.inspect().await.unwrap());
        let texts = texts();
        let names: Vec<String> = (0..texts.len()).map(|number| format!("workflows/w{number}.yaml")).collect();
        let mut files = vec![("playbook.yaml", PLAYBOOK)];
        files.extend(names.iter().map(String::as_str).zip(texts.iter().map(String::as_str)));
        tenant.publish(publication(&files).unwrap()).await.unwrap().unwrap();
        Self { case: Case { place, tenant, inspect }, stores, number: 0 }
    }

    /// Hands an event in until it is taken: after a failure nobody knows whether it was.
    async fn hand_in(&self, id: &str, event_type: &str, customer: &str, data: &str) {
        let event = event(id, event_type, customer, data).unwrap();
        loop {
            match self.case.tenant.admit(event.clone()).await {
                Err(Unavailable::Failed(_)) => {}
                other => {
                    assert!(matches!(other, Ok(Admitted::Recorded { .. })), "{other:?}");
                    break;
                }
            }
        }
        while self.case.tenant.settle().await.is_err() {}
    }

    async fn act(mut self, op: &Op) -> Self {
        self.number += 1;
        let id = self.number.to_string();
        match op {
            Op::Post { event_type, customer, units, times } => {
                let customer = format!("shop:{customer}");
                let data = match *event_type {
                    "save" => format!(r#"{{"units":{units},"times":{times}}}"#),
                    _ => format!(r#"{{"units":{units}}}"#),
                };
                self.hand_in(&id, event_type, &customer, &data).await;
            }
            Op::Crash(is_before) => {
                self.stores.fail_next(if *is_before { StoreFault::Before } else { StoreFault::After });
            }
            Op::Restart => {
                self.case.tenant.stop().await;
                let tenant = loop {
                    if let Ok(tenant) = self.case.place.open_on(self.stores.clone()).await {
                        break tenant;
                    }
                };
                self.case = Case { tenant, ..self.case };
            }
        }
        self
    }
}

#[derive(Debug, Clone)]
enum Op {
    Post { event_type: &'static str, customer: u8, units: u64, times: u64 },
    Crash(bool),
    Restart,
}

fn op() -> impl Strategy<Value = Op> {
    let event_type = prop::sample::select(vec!["earn", "spend", "save", "other.earn"]);
    prop_oneof![
        8 => (event_type, 0u8..3, 0u64..20, 1u64..20)
            .prop_map(|(event_type, customer, units, times)| Op::Post { event_type, customer, units, times }),
        3 => any::<bool>().prop_map(Op::Crash),
        1 => Just(Op::Restart),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn accounts_add_up_whatever_is_posted_and_whenever_a_commit_fails(ops in prop::collection::vec(op(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let mut desk = Desk::open().await;
            for op in &ops {
                desk = desk.act(op).await;
                check(&desk.case.inspect).await;
            }
            desk.case.tenant.stop().await;
        });
    }
}

/// The same events, with a commit that fails each time; what is left does not depend on which one it was.
#[tokio::test(flavor = "multi_thread")]
async fn a_crash_at_any_commit_posts_everything_once() {
    let events = [("e1", "earn", 30), ("e2", "spend", 7), ("e3", "spend", 70), ("e4", "earn", 5)];
    let mut without = None;
    for fault in [StoreFault::Before, StoreFault::After] {
        for skipped in 0.. {
            let desk = Desk::open().await;
            for (number, (id, event_type, units)) in events.iter().enumerate() {
                if number == skipped {
                    desk.stores.fail_next(fault);
                }
                desk.hand_in(id, event_type, "shop:1", &format!(r#"{{"units":{units}}}"#)).await;
            }
            let inspect = &desk.case.inspect;
            check(inspect).await;
            let left = (accounts(inspect, "probe").await, transfers(inspect, "probe").await);
            desk.case.tenant.stop().await;
            let held: Vec<i64> = left.0.iter().map(|(_, units)| *units).collect();
            assert_eq!((held, left.1.len()), (vec![-35, 7, 28], 3), "{fault:?} {skipped}");
            assert_eq!(without.get_or_insert(left.clone()), &left, "{fault:?} {skipped}");
            if skipped == events.len() {
                break;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_comes_twice_is_posted_once() {
    let desk = Desk::open().await;
    for _ in 0..3 {
        desk.hand_in("order-1", "earn", "shop:1", r#"{"units":9}"#).await;
    }
    let inspect = &desk.case.inspect;
    let found = transfers(inspect, "probe").await;
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].transfer.units, found[0].reference.as_deref()), (9, Some("order-1")));
    assert_eq!(found[0].transfer.to.customer, Some(who(inspect, "shop:1").await));
    check(inspect).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_plugins_have_accounts_of_the_same_names_and_neither_sees_the_others() {
    let desk = Desk::open().await;
    desk.hand_in("1", "earn", "shop:1", r#"{"units":9}"#).await;
    desk.hand_in("2", "other.earn", "shop:1", r#"{"units":4}"#).await;
    // More than the customer has with one plugin, and less than with both.
    desk.hand_in("3", "spend", "shop:1", r#"{"units":10}"#).await;
    let inspect = &desk.case.inspect;
    for (plugin, units) in [("probe", 9), ("other", 4)] {
        let held: Vec<_> =
            accounts(inspect, plugin).await.into_iter().map(|(key, held)| (key.account, held)).collect();
        let customer = Some(who(inspect, "shop:1").await);
        let account = |customer, name: &str| Account { customer, name: name.parse().unwrap() };
        assert_eq!(
            held,
            [(account(None, "issued"), -units), (account(customer, "points"), units)],
            "{plugin}"
        );
    }
    let tallies = inspect.ledgers().await.unwrap();
    let tallies: Vec<_> =
        tallies.iter().map(|tally| (tally.plugin.as_str(), tally.accounts, tally.sum)).collect();
    assert_eq!(tallies, [("other", 2, 0), ("probe", 2, 0)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_of_an_erased_customer_keep_what_they_hold() {
    let desk = Desk::open().await;
    desk.hand_in("1", "earn", "shop:1", r#"{"units":9}"#).await;
    desk.hand_in("2", "earn", "shop:2", r#"{"units":5}"#).await;
    let inspect = &desk.case.inspect;
    let (gone, other) = (who(inspect, "shop:1").await, who(inspect, "shop:2").await);
    desk.case.tenant.erase_customer(Subject::Customer(gone)).await.unwrap().unwrap();
    desk.case.tenant.settle().await.unwrap();
    desk.hand_in("3", "spend", "shop:2", r#"{"units":2}"#).await;
    // Whoever has the name of the erased one now is somebody else, with nothing.
    desk.hand_in("4", "spend", "shop:1", r#"{"units":1}"#).await;
    check(inspect).await;
    let mut held: Vec<i64> = Vec::new();
    for (key, units) in accounts(inspect, "probe").await {
        assert_ne!(key.account.customer, Some(gone));
        held.extend((key.account.customer != Some(other)).then_some(units));
    }
    assert_eq!(held, [-14, 2, 9], "issued, redeemed, and the pseudonym's");
    let told: Vec<_> = transfers(inspect, "probe").await.into_iter().map(|row| row.reference).collect();
    assert_eq!(told, [None, Some("2".to_owned()), None]);
}
