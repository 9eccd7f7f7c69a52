//! Repurchase on a few customers whose days are known.

use siyu_insight::Rate;
use siyu_insight::report::{CohortLine, repurchase};

use crate::support::{SHANGHAI, Tenant, playbook};

async fn measured(tenant: Tenant) -> siyu_insight::report::Repurchase {
    let place = tenant.open().await;
    let frame = place.frame().await;
    repurchase(&place.inspect, &frame).await.unwrap()
}

fn line(line: &CohortLine) -> (&str, u64, u64, Vec<(u64, bool)>, u64) {
    let within = line.within.iter().map(|within| (within.returned.part, within.is_over)).collect();
    (&line.month, line.customers, line.orders, within, line.ever.part)
}

#[tokio::test]
async fn customers_come_back_on_another_local_day_and_are_counted_by_their_first_month() {
    let mut tenant = Tenant::default();
    tenant.publish(&playbook("club", SHANGHAI, vec![]));
    for (who, instants) in [
        // The last minute of January in UTC is February in Shanghai.
        (1, &["2026-01-31T23:00:00Z"][..]),
        (2, &["2026-01-10T04:00:00Z", "2026-01-10T05:00:00Z"]),
        (3, &["2026-01-10T04:00:00Z", "2026-02-09T04:00:00Z"]),
        (4, &["2026-01-10T04:00:00Z", "2026-02-09T16:00:00Z", "2026-02-09T17:00:00Z"]),
        (5, &["2026-01-10T04:00:00Z", "2026-07-09T04:00:00Z"]),
        (6, &["2026-02-20T04:00:00Z", "2026-02-21T04:00:00Z"]),
    ] {
        for instant in instants {
            tenant.event(Some(who), "order.paid", instant, r#"{"amount_fen":1050}"#);
        }
    }
    tenant.event(None, "page.seen", "2026-07-15T04:00:00Z", "{}");
    let found = measured(tenant).await;
    assert_eq!((found.customers, found.orders, found.amount_fen), (6, 12, 12_600));
    assert_eq!(found.returned.on_more_than_one_day, Rate::of(4, 6));
    assert_eq!(found.returned.more_than_one_record, Rate::of(5, 6));
    let over = [true, true, true, false];
    let within = |counts: [u64; 4]| counts.into_iter().zip(over).collect::<Vec<_>>();
    let expected = [("2026-01", 4, 9, within([1, 2, 2, 3]), 3), ("2026-02", 2, 3, within([1, 1, 1, 1]), 1)];
    assert_eq!(found.cohorts.iter().map(line).collect::<Vec<_>>(), expected);
    assert_eq!(line(&found.total), ("total", 6, 12, within([2, 3, 3, 4]), 4));
}

#[tokio::test]
async fn an_empty_tenant_has_no_cohorts() {
    let found = measured(Tenant::default()).await;
    assert_eq!((found.customers, found.orders, found.amount_fen), (0, 0, 0));
    assert_eq!((found.cohorts, found.total.ever.rate), (vec![], None));
}
