//! Stock held against reservations and events.

use siyu_insight::report::{FlashCount, Stock, stock};
use siyu_model::id::ReservationId;
use siyu_model::stock::pool::UNITS_MAX;
use siyu_model::stock::reservation::{Reservation, ReservationStatus};

use crate::support::{Tenant, at, customer, name};

const POOL: &str = "friday-sale/2026-11-27/striploin-200";

async fn checked(tenant: Tenant) -> Stock {
    let place = tenant.open().await;
    let frame = place.frame().await;
    stock(&place.inspect, &frame).await.unwrap()
}

fn reservation(number: u64, units: u64, status: ReservationStatus) -> Reservation {
    Reservation {
        id: ReservationId::derive(at("2026-11-27T12:00:00Z"), &[&number.to_be_bytes()]),
        plugin: name("flash-sale"),
        pool: name(POOL),
        customer: Some(customer(number)),
        units,
        counters: Vec::new(),
        reference: None,
        status,
        expires_at: at("2026-11-27T13:00:00Z"),
    }
}

/// 300 units: 5 held, 290 gone.
fn sale() -> Tenant {
    let mut tenant = Tenant::default();
    tenant.pool("flash-sale", POOL, [5, 5, 290]);
    tenant.pool("coupon", "stock/c66", [UNITS_MAX - 3, 0, 3]);
    for (number, units, status) in [
        (1, 2, ReservationStatus::Held),
        (2, 3, ReservationStatus::Held),
        (3, 290, ReservationStatus::Committed),
        (4, 9, ReservationStatus::Released),
    ] {
        tenant.writes.reservations.push(reservation(number, units, status));
    }
    for (event_type, qty, more) in [
        ("flash.reserved", 304, ""),
        ("flash.reserved", 5, ""),
        ("flash.committed", 295, ""),
        ("flash.released", 9, ""),
        ("flash.refunded", 5, r#","back_on_sale":true"#),
        ("flash.refunded", 1, r#","back_on_sale":false"#),
        ("flash.refused", 1, r#","reason":"SOLD_OUT""#),
        ("flash.refused", 1, r#","reason":"SOLD_OUT""#),
    ] {
        let data = format!(
            r#"{{"session":"friday-sale","occurrence":"2026-11-27","sku":"striploin-200","qty":{qty}{more}}}"#
        );
        tenant.event(Some(1), event_type, "2026-11-27T12:00:00Z", &data);
    }
    tenant.event(Some(1), "flash.refused", "2026-11-27T12:00:00Z", r#"{"session":"friday-sale","qty":1}"#);
    tenant
}

#[tokio::test]
async fn a_pool_agrees_with_its_reservations_and_events() {
    let found = checked(sale()).await;
    assert_eq!((found.checked, found.fault_count, &found.faults), (2, 0, &vec![]));
    let [coupon, flash] = found.pools.as_slice() else { panic!("{:?}", found.pools) };
    assert_eq!((coupon.total, coupon.available, coupon.sold, coupon.events), (None, None, 3, None));
    assert_eq!((flash.total, flash.available, flash.reserved, flash.sold), (Some(300), Some(5), 5, 290));
    assert_eq!((flash.is_balanced, flash.held), (true, 5));
    let events = FlashCount { reserved: 309, committed: 295, released: 9, back_on_sale: 5, refused: 2 };
    assert_eq!(flash.events, Some(events));
}

#[tokio::test]
async fn what_does_not_agree_is_told_with_both_numbers() {
    let mut tenant = sale();
    tenant.writes.reservations.push(reservation(5, 4, ReservationStatus::Held));
    let data = r#"{"session":"friday-sale","occurrence":"2026-11-27","sku":"striploin-200","qty":1}"#;
    tenant.event(Some(1), "flash.committed", "2026-11-27T12:00:00Z", data);
    let found = checked(tenant).await;
    let expected = [
        "flash-sale friday-sale/2026-11-27/striploin-200: 5 units are reserved, held reservations have 9",
        "flash-sale friday-sale/2026-11-27/striploin-200: 5 units are reserved, events tell of 4 (309 reserved − 296 \
         committed − 9 released)",
        "flash-sale friday-sale/2026-11-27/striploin-200: 290 units are sold, events tell of 291 (296 committed − 5 back \
         on sale)",
    ];
    assert_eq!((found.faults.as_slice(), found.fault_count), (&expected.map(str::to_owned)[..], 3));
}

#[tokio::test]
async fn an_empty_tenant_has_no_stock() {
    let found = checked(Tenant::default()).await;
    assert_eq!((found.checked, found.pools, found.faults), (0, vec![], vec![]));
}
