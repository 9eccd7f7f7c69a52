//! A customer who asks to be forgotten: what is under way for them ends, others are told, and then who they were is gone, with a
//! failure at every commit on the way.

use std::sync::Arc;

use siyu_engine::operate::{OperateError, RunAction};
use siyu_engine::ports::inspect::Inspect;
use siyu_engine::tenant::Admitted;
use siyu_model::event::Subject;
use siyu_model::id::CustomerId;
use siyu_model::message::MessageStatus;
use siyu_model::run::RunPhase;
use siyu_store::{SqliteOptions, SqliteStores};
use siyu_tests::{FaultyStores, Place, StoreFault, event, workflows};

use super::support::{Case, act};

/// Quiet hours, so that an offer waits.
const NIGHT: &str = "2026-11-21T22:00:00+08:00";

/// A document, a tag, a plan, stock that is undone, a message that waits, and a long wait.
const CLUB: &str = "
workflow: club
on: { event: go }
steps:
  - uses: probe/note@1
    with: { key: card }
  - uses: probe/tag@1
    with: { tag: vip }
  - uses: probe/plan@1
    with: { key: \"${{ 'soon/' ~ customer.id }}\", after_ms: 172800000 }
  - id: sold
    uses: probe/hold@1
    with: { pool: shelf, units: 1, limit: 9, sell: true }
    compensate: { uses: probe/restock@1, with: { pool: shelf, units: 1 } }
  - send: offer
  - wait: 30d
";

/// Stock that is held for ten minutes.
const CART: &str = "
workflow: cart
on: { event: go }
steps:
  - uses: probe/hold@1
    with: { pool: shelf, units: 1, for_ms: 600000, limit: 9 }
";

/// Tells others, and takes an hour.
const FAREWELL: &str = "
workflow: farewell
on: { event: customer.erasing }
steps:
  - uses: probe/take@1
    with: { key: told, units: 1, limit: 100 }
  - wait: 1h
  - end: told
";

fn named(name: &str) -> Subject {
    name.parse().unwrap()
}

async fn id_of(case: &Case, name: &str) -> Option<CustomerId> {
    case.inspect.customer(named(name)).await.unwrap().map(|image| image.customer.id)
}

async fn erase(case: &Case, name: &str) -> CustomerId {
    let erased = case.tenant.erase_customer(named(name)).await.unwrap().unwrap();
    case.tenant.settle().await.unwrap();
    erased
}

async fn at_night(texts: &[&str]) -> Case {
    Case::open_in(Place::at(NIGHT).unwrap(), texts).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_under_way_for_an_erased_customer_ends_and_who_they_were_is_gone() {
    let case = at_night(&[CLUB]).await;
    let run = case.start("shop:1").await;
    let other = case.start("shop:2").await;
    assert_eq!(case.available("shelf").await, 3);
    let id = id_of(&case, "shop:1").await.unwrap();
    assert_eq!(erase(&case, "shop:1").await, id);
    assert_eq!((id_of(&case, "shop:1").await, id_of(&case, &id.to_string()).await), (None, None));
    assert_eq!(case.phase(run).await, RunPhase::Cancelled);
    assert_eq!(
        case.available("shelf").await,
        4,
        "what was sold to them is undone, like with every cancelled run"
    );
    let messages = case.messages().await;
    let offers: Vec<_> = messages.iter().map(|message| (message.status, message.body.as_str())).collect();
    assert_eq!(offers, [(MessageStatus::Cancelled, ""), (MessageStatus::Planned, "Buy.")]);
    // They come back as somebody whom nobody knows, and time goes on for everybody.
    case.go_on_to("2026-11-21T22:30:00+08:00").await;
    let again = case.start("shop:1").await;
    assert_ne!(id_of(&case, "shop:1").await.unwrap(), id);
    let case = case.reopen().await;
    case.go_on_to("2027-02-01T10:00:00+08:00").await;
    assert_eq!(
        (case.phase(other).await, case.phase(again).await),
        (RunPhase::Completed, RunPhase::Completed)
    );
    assert_eq!(case.phase(run).await, RunPhase::Cancelled);
    let refused = act(&case.tenant, run, RunAction::Retry).await.unwrap_err();
    assert!(matches!(refused, OperateError::State { .. }), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn stock_that_is_held_for_them_runs_out_first() {
    let case = at_night(&[CART]).await;
    case.start("shop:1").await;
    erase(&case, "shop:1").await;
    assert!(id_of(&case, "shop:1").await.is_some());
    case.go_on_to("2026-11-21T22:09:59+08:00").await;
    assert!(id_of(&case, "shop:1").await.is_some());
    case.go_on_to("2026-11-21T22:10:05+08:00").await;
    assert_eq!((id_of(&case, "shop:1").await, case.available("shelf").await), (None, 5));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_must_be_told_is_told_first_and_has_three_days_for_it() {
    let slow = FAREWELL.replace("wait: 1h", "wait: 30d");
    for (text, gone_at, phase) in [
        (FAREWELL, "2026-11-21T23:00:05+08:00", RunPhase::Completed),
        (&slow, "2026-11-24T22:00:05+08:00", RunPhase::Cancelled),
    ] {
        let case = at_night(&[CLUB, text]).await;
        let run = case.start("shop:1").await;
        erase(&case, "shop:1").await;
        // Asking again is asking once.
        erase(&case, "shop:1").await;
        assert_eq!(case.phase(run).await, RunPhase::Cancelled);
        assert_eq!((case.runs_of("farewell").await, case.counter("told").await), (1, 1));
        case.go_on_to("2026-11-21T22:59:59+08:00").await;
        assert!(id_of(&case, "shop:1").await.is_some());
        case.go_on_to(gone_at).await;
        assert_eq!(id_of(&case, "shop:1").await, None);
        let filter = siyu_engine::ports::inspect::RunFilter {
            workflow: Some("farewell".to_owned()),
            ..Default::default()
        };
        let turn = siyu_engine::ports::inspect::Turn::first(2);
        let told = case.inspect.runs(filter, turn).await.unwrap().items;
        assert_eq!(told[0].phase, phase);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_nobody_knows_cannot_be_erased_and_is_not_made_by_asking() {
    let case = at_night(&[CLUB]).await;
    let nobody = case.tenant.erase_customer(named("shop:9")).await.unwrap().unwrap_err();
    assert_eq!(nobody, OperateError::UnknownCustomer("shop:9".to_owned()));
    assert_eq!(id_of(&case, "shop:9").await, None);
}

/// Whatever commit fails, before or after it is durable, they are erased in the end, and nobody else is.
#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_survives_a_failure_at_every_commit() {
    for (at, fault) in (0..14).flat_map(|at| [(at, StoreFault::Before), (at, StoreFault::After)]) {
        let place = Place::at(NIGHT).unwrap();
        let stores = Arc::new(FaultyStores::new(Arc::new(place.stores()), at, fault));
        let tenant = place.open_on(stores).await.unwrap();
        while tenant.publish(workflows(&[CLUB, FAREWELL]).unwrap()).await.is_err() {}
        for customer in 0..2 {
            let go = event(&format!("e{customer}"), "go", &format!("shop:{customer}"), "{}").unwrap();
            while tenant.admit(go.clone()).await.is_err() {}
        }
        while !matches!(
            tenant.erase_customer(named("shop:0")).await,
            // An answer that was lost may have been to a wish that is done already.
            Ok(Ok(_) | Err(OperateError::UnknownCustomer(_)))
        ) {}
        while tenant.settle().await.is_err() {}
        for instant in ["2026-11-21T23:00:05+08:00", "2026-11-21T23:00:15+08:00"] {
            place.clock.set(instant.parse().unwrap());
            while tenant.settle().await.is_err() {}
        }
        let inspect = Arc::new(place.inspect().await.unwrap());
        let case = Case { place, tenant, inspect };
        let what = format!("{fault:?} commit {at}");
        assert_eq!(id_of(&case, "shop:0").await, None, "{what}");
        assert!(id_of(&case, "shop:1").await.is_some(), "{what}");
        assert_eq!((case.counter("told").await, case.available("shelf").await), (1, 4), "{what}");
        let case = case.reopen().await;
        case.go_on_to("2027-01-15T10:00:00+08:00").await;
        assert_eq!(case.runs_of("club").await, 2, "{what}");
    }
}

#[tokio::test]
async fn an_id_can_be_tried_against_names_only_by_who_has_the_tenants_random_bytes() {
    let mut ids = Vec::new();
    for secret in [[1; 32], [1; 32], [2; 32]] {
        let (place, folder) = (Place::at(NIGHT).unwrap(), tempfile::tempdir().unwrap());
        let options = SqliteOptions { secret: Some(secret), ..SqliteOptions::default() };
        let stores = SqliteStores::new(folder.path(), options);
        let tenant = place.open_on(Arc::new(stores)).await.unwrap();
        let tapped = event("e1", "card.tapped", "phone:13800138000", "{}").unwrap();
        let Admitted::Recorded { admission, .. } = tenant.admit(tapped).await.unwrap() else {
            panic!("refused");
        };
        tenant.stop().await;
        ids.push(admission.customer.unwrap());
    }
    assert_eq!(ids[0], ids[1], "a replay gives the same ids");
    assert_ne!(ids[0], ids[2]);
}
