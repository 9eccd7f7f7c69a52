//! The real order history: numbers that its README states must come out, through the store, to the last customer.

use siyu_insight::report::{funnel, repurchase};
use siyu_model::clock::{UtcMs, Zone};

use crate::support::{SHANGHAI, Tenant, playbook};

const HISTORY: &str = include_str!("../../../../tests/cdnow/orders.txt");
/// 2025-01-01: the history moved by 28 years, as the demo reads it.
const FIRST_DAY: &str = "2025-01-01T00:00:00";
const DAY_MS: i64 = 86_400_000;

/// Every record as an order, in the local evening, a minute after the one before it.
fn history() -> Tenant {
    let mut tenant = Tenant::default();
    tenant.publish(&playbook("club", SHANGHAI, vec![]));
    let zone: Zone = SHANGHAI.parse().unwrap();
    let midnight = zone.instant(FIRST_DAY.parse().unwrap()).as_millis();
    let mut orders = Vec::new();
    for (line, customer) in HISTORY.lines().zip(0..) {
        let mut day = 0;
        for (place, record) in line.split(' ').enumerate() {
            let mut parts = record.split(',');
            let days: i64 = parts.next().unwrap().parse().unwrap();
            let cents: i64 = parts.next_back().unwrap().parse().unwrap();
            day += days;
            // 20:00 in Shanghai and later: noon in UTC would hide a wrong zone less well than 23:00.
            let at = midnight + day * DAY_MS + 23 * 3_600_000 + place as i64 * 1_000;
            orders.push((UtcMs::from_millis(at), customer, cents));
        }
    }
    orders.sort();
    for (at, customer, cents) in orders {
        tenant.event_at(Some(customer), "order.paid", at, &format!(r#"{{"amount_fen":{cents}}}"#));
    }
    tenant
}

#[tokio::test]
async fn the_order_history_repeats_its_published_numbers() {
    let place = history().open().await;
    let frame = place.frame().await;
    let found = repurchase(&place.inspect, &frame).await.unwrap();
    assert_eq!((found.customers, found.orders, found.amount_fen), (23_570, 69_659, 250_031_563));
    let returned = &found.returned;
    assert_eq!((returned.on_more_than_one_day.part, returned.on_more_than_one_day.whole), (11_516, 23_570));
    assert_eq!((returned.more_than_one_record.part, returned.more_than_one_record.whole), (11_662, 23_570));
    let months: Vec<_> = found.cohorts.iter().map(|line| (line.month.as_str(), line.customers)).collect();
    assert_eq!(months.iter().map(|(_, customers)| customers).sum::<u64>(), 23_570);
    assert_eq!(months.iter().map(|(month, _)| *month).collect::<Vec<_>>(), ["2025-01", "2025-02", "2025-03"]);
    assert!(found.cohorts.iter().flat_map(|line| &line.within).all(|within| within.is_over));
    for line in &found.cohorts {
        let within: Vec<_> = line.within.iter().map(|within| within.returned.part).collect();
        assert!(within.is_sorted() && within[3] <= line.ever.part, "{line:?}");
    }
    let funnel = funnel(&place.inspect, &frame, Default::default()).await.unwrap();
    assert_eq!((funnel.strangers_who_bought, funnel.total.added), (23_570, 0));
}
