//! What is certainly not there is not looked for, and what is there is found, however little of it is in memory.

use std::sync::Arc;

use siyu_engine::tenant::{Admitted, Settings, Tenant};
use siyu_model::id::CustomerId;
use siyu_model::limits::executor::KEYS_READ;
use siyu_tests::{FaultyStores, Place, StoreFault, event, workflows};

use super::support::Case;

/// Takes one of each order, and answers how many of it were taken.
const TAKING: &str = "
workflow: taking
on: { event: order.paid }
steps:
  - id: taken
    uses: probe/take@1
    with: { key: \"order/${{ event.n }}\", limit: 9 }
  - respond: { taken: ${{ steps.taken.used }} }
";

/// A place that keeps nothing in memory between two batches.
fn forgetful() -> Place {
    let mut place = Place::at("2026-11-21T10:00:00+08:00").unwrap();
    place.settings = Settings {
        customers_cached_max: 0,
        runs_cached_max: 0,
        rows_cached_max: 0,
        keys_after_absent: 8,
        ..Settings::default()
    };
    place
}

/// Hands an order in; gives whether it was there already, and its customer when it was not.
async fn pay(tenant: &Tenant, order: usize, customer: usize) -> (bool, Option<CustomerId>) {
    let (id, who) = (format!("o{order}-{customer}"), format!("shop:{customer}"));
    let paid = event(&id, "order.paid", &who, &format!(r#"{{"n":{order}}}"#)).unwrap();
    match tenant.admit(paid).await.unwrap() {
        Admitted::Recorded { admission, .. } => (admission.is_duplicate, admission.customer),
        Admitted::Refused(why) => panic!("{why}"),
    }
}

async fn open(place: &Place) -> (Arc<FaultyStores>, Tenant) {
    let stores = Arc::new(FaultyStores::new(Arc::new(place.stores()), u64::MAX, StoreFault::Before));
    let tenant = place.open_on(stores.clone()).await.unwrap();
    (stores, tenant)
}

/// Hands in orders of new customers until they are answered without a look into the store; gives the next number.
async fn gather(stores: &FaultyStores, tenant: &Tenant, first: usize) -> usize {
    let mut calm = 0;
    for number in first..first + 2_000 {
        let before = stores.loads();
        assert!(!pay(tenant, number, number).await.0);
        calm = if stores.loads() == before { calm + 1 } else { 0 };
        if calm == 20 {
            return number + 1;
        }
    }
    panic!("new orders are still looked for after 2000 of them");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_for_the_first_time_is_not_looked_for_and_what_comes_again_is_known() {
    let place = forgetful();
    let (stores, tenant) = open(&place).await;
    tenant.publish(workflows(&[TAKING]).unwrap()).await.unwrap().unwrap();
    // More keys than one page has, all of them from before the tenant is opened again.
    let old = KEYS_READ + 100;
    let mut orders = Vec::new();
    let tenant = Arc::new(tenant);
    for chunk in 0..old / 64 + 1 {
        let tasks: Vec<_> = (chunk * 64..old.min(chunk * 64 + 64))
            .map(|number| {
                let tenant = tenant.clone();
                tokio::spawn(async move { pay(&tenant, number, number).await })
            })
            .collect();
        for task in tasks {
            orders.push(task.await.unwrap().1);
        }
    }
    Arc::into_inner(tenant).unwrap().stop().await;
    drop(stores);

    let (stores, tenant) = open(&place).await;
    let next = gather(&stores, &tenant, old).await;
    for number in (0..old).step_by(97).chain(old..next) {
        assert!(pay(&tenant, number, number).await.0, "order {number} was recorded");
    }
    // Their names lead to the customers of before.
    for number in (0..old).step_by(211) {
        let (is_duplicate, customer) = pay(&tenant, 2_000_000, number).await;
        assert!(!is_duplicate && customer == orders[number], "customer {number}");
    }
    // Another customer pays a part of the same order: the counter of before goes on.
    let inspect = Arc::new(place.inspect().await.unwrap());
    for number in [0, old - 1, old, next - 1] {
        assert!(!pay(&tenant, number, 1_000_000).await.0);
    }
    tenant.settle().await.unwrap();
    let case = Case { place, tenant, inspect };
    for number in [0, old - 1, old, next - 1] {
        assert_eq!(case.counter(&format!("order/{number}")).await, 2, "order {number}");
    }
    assert_eq!(case.counter("order/1").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_missed_when_commits_fail_while_keys_are_gathered() {
    for fault in [StoreFault::Before, StoreFault::After] {
        let place = forgetful();
        let (stores, tenant) = open(&place).await;
        tenant.publish(workflows(&[TAKING]).unwrap()).await.unwrap().unwrap();
        for number in 0..200 {
            if number % 23 == 22 {
                stores.fail_next(fault);
            }
            let (id, who) = (format!("o{number}"), format!("shop:{}", number % 50));
            let paid = || event(&id, "order.paid", &who, &format!(r#"{{"n":{}}}"#, number % 70)).unwrap();
            if tenant.admit(paid()).await.is_err() {
                // Nobody knows whether it was done.
                tenant.admit(paid()).await.unwrap();
            }
        }
        tenant.settle().await.unwrap();
        let inspect = Arc::new(place.inspect().await.unwrap());
        let case = Case { place, tenant, inspect };
        assert_eq!(case.runs_of("taking").await, 200, "{fault:?}");
        for key in 0..70 {
            let expected = if key < 60 { 3 } else { 2 };
            assert_eq!(case.counter(&format!("order/{key}")).await, expected, "{fault:?}: order {key}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_customer_who_comes_again_is_a_new_one() {
    let place = forgetful();
    let (stores, tenant) = open(&place).await;
    tenant.publish(workflows(&[TAKING]).unwrap()).await.unwrap().unwrap();
    let next = gather(&stores, &tenant, 0).await;
    let (_, before) = pay(&tenant, next, 1).await;
    tenant.erase_customer("shop:1".parse().unwrap()).await.unwrap().unwrap();
    tenant.settle().await.unwrap();
    // Who comes in the same millisecond would have the same id.
    place.clock.set("2026-11-21T10:00:01+08:00".parse().unwrap());
    let (is_duplicate, after) = pay(&tenant, next + 1, 1).await;
    assert!(!is_duplicate && after != before, "{before:?} and {after:?}");
    assert_eq!(pay(&tenant, next + 2, 1).await.1, after);
    // What there is was forgotten with the customer, and is gathered again.
    gather(&stores, &tenant, next + 3).await;
}
