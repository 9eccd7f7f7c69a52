//! Coupons by batch.

use siyu_engine::ports::inspect::Span;
use siyu_engine::ports::rows::StockKey;
use siyu_insight::Rate;
use siyu_insight::report::{Budget, CouponBatch, Coupons, coupons};
use siyu_model::stock::counter::Counter;

use crate::support::{Tenant, at, name};

async fn counted(tenant: Tenant, span: Span) -> Coupons {
    let place = tenant.open().await;
    let frame = place.frame().await;
    coupons(&place.inspect, &frame, span).await.unwrap()
}

fn tenant() -> Tenant {
    let mut tenant = Tenant::default();
    let body = r#"{"title":"66元首单券","total":100,"budget":{"basis":"issued","limit_fen":100000}}"#;
    tenant.resource("coupon", "batch", "c66", body);
    tenant.resource("coupon", "batch", "unused", r#"{"title":""}"#);
    tenant.resource("coupon", "other", "no-batch", "{}");
    let key = StockKey { plugin: "coupon".into(), key: name("budget/c66/issued") };
    tenant.writes.counters.push((key, Counter::restore(33_000, 100_000).unwrap()));
    let when = "2026-03-01T00:00:00Z";
    for (event_type, times, data) in [
        ("coupon.issued", 5, r#"{"batch":"c66","value_fen":6600}"#),
        ("coupon.issue_refused", 2, r#"{"batch":"c66","reason":"LIMIT_CUSTOMER"}"#),
        ("coupon.locked", 4, r#"{"batch":"c66","order":"o","value_fen":6600}"#),
        ("coupon.redeemed", 3, r#"{"batch":"c66","order":"o","value_fen":6000}"#),
        ("coupon.restored", 1, r#"{"batch":"c66","order":"o","value_fen":6000}"#),
        ("coupon.expired", 1, r#"{"batch":"c66","value_fen":6600,"reason":"unused"}"#),
        ("coupon.expired", 1, r#"{"batch":"c66","order":"o","reason":"refunded_too_late"}"#),
        ("coupon.revoked", 1, r#"{"batch":"c66","order":null,"reason":"compliance"}"#),
        ("coupon.issued", 1, r#"{"batch":"gone","value_fen":100}"#),
        ("coupon.issued", 1, "{}"),
    ] {
        for _ in 0..times {
            tenant.event(Some(1), event_type, when, data);
        }
    }
    tenant.event(Some(1), "coupon.issued", "2026-04-01T00:00:00Z", r#"{"batch":"c66","value_fen":6600}"#);
    tenant
}

#[tokio::test]
async fn a_batch_adds_up() {
    let found = counted(tenant(), Span::default()).await;
    let names: Vec<_> = found.batches.iter().map(|line| line.batch.as_str()).collect();
    assert_eq!(names, ["c66", "gone", "no batch", "unused"]);
    let expected = CouponBatch {
        batch: "c66".to_owned(),
        title: Some("66元首单券".to_owned()),
        issued: 6,
        issued_fen: 39_600,
        issue_refused: 2,
        locked: 4,
        redeemed: 3,
        redeemed_fen: 18_000,
        restored: 1,
        restored_fen: 6_000,
        expired: 1,
        revoked: 1,
        ended_after_use: 1,
        live: 2,
        redemption_rate: Some(Rate::of(2, 6)),
        total: Some(100),
        budget: Some(Budget { basis: "issued".to_owned(), used_fen: 33_000, limit_fen: 100_000 }),
    };
    assert_eq!(found.batches[0], expected);
    let unused = &found.batches[3];
    assert_eq!((unused.issued, unused.redemption_rate, &unused.title), (0, None, &None));
    assert_eq!((found.total.issued, found.total.issued_fen, found.total.live), (8, 39_700, 4));
    assert!(!found.is_cut);
}

#[tokio::test]
async fn a_span_counts_its_events_only() {
    let span = Span { from: Some(at("2026-03-15T00:00:00Z")), until: None };
    let found = counted(tenant(), span).await;
    assert_eq!((found.total.issued, found.total.redeemed), (1, 0));
}

#[tokio::test]
async fn an_empty_tenant_has_no_batches() {
    let found = counted(Tenant::default(), Span::default()).await;
    assert_eq!((found.batches, found.total.redemption_rate), (vec![], None));
}
