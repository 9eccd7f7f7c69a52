//! Whatever is asked of stock, in whatever order, with whatever crashes: nothing is sold twice and nothing is lost.

use std::sync::Arc;

use super::support::Case;
use proptest::prelude::*;
use siyu_engine::ports::inspect::{Inspect, StockFilter, Turn};
use siyu_engine::tenant::{Admitted, Unavailable};
use siyu_model::clock::{DurationMs, UtcMs};
use siyu_model::stock::reservation::{Reservation, ReservationStatus};
use siyu_tests::{FaultyStores, Place, StoreFault, event, publication};

const PLAYBOOK: &str = "
playbook: shop
title: A shop
zone: Asia/Shanghai
plugins:
  probe: { version: 1, grant: [records, pools, counters, ledger, codes, customers, events, messages, resources, expressions] }
events:
  hold: { fields: { units: integer, for_ms: integer, limit: integer, sell: boolean } }
  settle: { fields: { reservation: string, sell: boolean } }
  sell: { fields: { units: integer } }
  restock: { fields: { units: integer } }
  take: { fields: { units: integer, limit: integer } }
  give: { fields: { units: integer } }
";

/// A workflow a kind of event: the event's fields are the input of the step of the same name, and half of the runs fail
/// after it and give back what they took.
fn workflow(step: &str, with: &str) -> String {
    format!(
        "workflow: {step}\non: {{ event: {step} }}\nsteps:\n  - uses: probe/{step}@1\n    with: {{ {with} }}\n    on_error: continue\n    on_refused: continue\n"
    )
}

#[derive(Debug, Clone)]
enum Op {
    Hold {
        customer: u8,
        units: u64,
        for_ms: u64,
        limit: u64,
        sell: bool,
    },
    /// One of the reservations there are, whatever its state.
    Settle {
        which: usize,
        sell: bool,
    },
    Sell(u64),
    Restock(u64),
    Take {
        units: u64,
        limit: u64,
    },
    Give(u64),
    Pass(u64),
    /// The shelf is published with another size.
    Resize(u64),
    Crash(bool),
    Restart,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => (0u8..3, 0u64..4, 0u64..5_000, 1u64..4, any::<bool>())
            .prop_map(|(customer, units, for_ms, limit, sell)| Op::Hold { customer, units, for_ms, limit, sell }),
        4 => (0usize..20, any::<bool>()).prop_map(|(which, sell)| Op::Settle { which, sell }),
        2 => (0u64..3).prop_map(Op::Sell),
        2 => (0u64..3).prop_map(Op::Restock),
        2 => (0u64..3, 0u64..6).prop_map(|(units, limit)| Op::Take { units, limit }),
        2 => (0u64..3).prop_map(Op::Give),
        3 => (1u64..3_000).prop_map(Op::Pass),
        1 => (0u64..12).prop_map(Op::Resize),
        3 => any::<bool>().prop_map(Op::Crash),
        1 => Just(Op::Restart),
    ]
}

struct Shop {
    case: Case,
    stores: Arc<FaultyStores>,
    now: UtcMs,
    number: u64,
}

impl Shop {
    async fn open() -> Self {
        let place = Place::at("2026-11-21T10:00:00+08:00").unwrap();
        let stores = Arc::new(FaultyStores::new(Arc::new(place.stores()), u64::MAX, StoreFault::Before));
        let tenant = place.open_on(stores.clone()).await.unwrap();
        let inspect = Arc::new(place.inspect().await.unwrap());
        let shop = Self {
            case: Case { place, tenant, inspect },
            stores,
            now: "2026-11-21T10:00:00+08:00".parse().unwrap(),
            number: 0,
        };
        shop.publish(8).await;
        shop
    }

    /// A size below what is held and sold is refused, and then nothing changes.
    async fn publish(&self, total: u64) {
        let stock =
            format!("resource: probe/stock@1\nname: shelf\ndefine: {{ pool: shelf, total: {total} }}\n");
        let workflows = [
            workflow(
                "hold",
                "pool: shelf, units: ${{ event.units }}, for_ms: ${{ event.for_ms }}, limit: ${{ event.limit }}, sell: ${{ event.sell }}",
            ),
            workflow("settle", "reservation: ${{ event.reservation }}, sell: ${{ event.sell }}"),
            workflow("sell", "pool: shelf, units: ${{ event.units }}"),
            workflow("restock", "pool: shelf, units: ${{ event.units }}"),
            workflow("take", "key: budget, units: ${{ event.units }}, limit: ${{ event.limit }}"),
            workflow("give", "key: budget, units: ${{ event.units }}"),
        ];
        let names: Vec<String> =
            (0..workflows.len()).map(|number| format!("workflows/w{number}.yaml")).collect();
        let mut files = vec![("playbook.yaml", PLAYBOOK), ("resources/shelf.yaml", stock.as_str())];
        files.extend(names.iter().map(String::as_str).zip(workflows.iter().map(String::as_str)));
        let publication = publication(&files).unwrap();
        loop {
            match self.case.tenant.publish(publication.clone()).await {
                Err(Unavailable::Failed(_)) => {}
                other => {
                    let _refused = other.unwrap();
                    return;
                }
            }
        }
    }

    async fn admit(&mut self, event_type: &str, customer: u8, data: String) {
        self.number += 1;
        let event = event(&self.number.to_string(), event_type, &format!("shop:{customer}"), &data).unwrap();
        loop {
            match self.case.tenant.admit(event.clone()).await {
                Err(Unavailable::Failed(_)) => {}
                other => {
                    assert!(matches!(other, Ok(Admitted::Recorded { .. })), "{other:?}");
                    return;
                }
            }
        }
    }

    async fn reservations(&self) -> Vec<Reservation> {
        let filter = StockFilter { plugin: "probe".into(), prefix: String::new() };
        self.case.inspect.reservations(filter, Turn::first(1_000)).await.unwrap().items
    }

    async fn act(mut self, op: Op) -> Self {
        match op {
            Op::Hold { customer, units, for_ms, limit, sell } => {
                let data = format!(r#"{{"units":{units},"for_ms":{for_ms},"limit":{limit},"sell":{sell}}}"#);
                self.admit("hold", customer, data).await;
            }
            Op::Settle { which, sell } => {
                let all = self.reservations().await;
                if let Some(chosen) = all.get(which % all.len().max(1)) {
                    let data = format!(r#"{{"reservation":"{}","sell":{sell}}}"#, chosen.id);
                    self.admit("settle", 0, data).await;
                }
            }
            Op::Sell(units) => self.admit("sell", 0, format!(r#"{{"units":{units}}}"#)).await,
            Op::Restock(units) => self.admit("restock", 0, format!(r#"{{"units":{units}}}"#)).await,
            Op::Take { units, limit } => {
                self.admit("take", 0, format!(r#"{{"units":{units},"limit":{limit}}}"#)).await;
            }
            Op::Give(units) => self.admit("give", 0, format!(r#"{{"units":{units}}}"#)).await,
            Op::Pass(millis) => {
                self.now = self.now + DurationMs::from_millis(millis);
                self.case.place.clock.set(self.now);
            }
            Op::Resize(total) => self.publish(total).await,
            Op::Crash(is_before) => {
                self.stores.fail_next(if is_before { StoreFault::Before } else { StoreFault::After });
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
        while self.case.tenant.settle().await.is_err() {}
        self
    }

    /// What must hold of everything that is durable.
    async fn check(&self) {
        let pool = self.case.pool("shelf").await;
        assert_eq!(pool.available() + pool.reserved() + pool.sold(), pool.total());
        let all = self.reservations().await;
        let held = all.iter().filter(|reservation| reservation.status == ReservationStatus::Held);
        assert_eq!(held.clone().map(|reservation| reservation.units).sum::<u64>(), pool.reserved());
        for reservation in held {
            assert!(reservation.expires_at > self.now, "{reservation:?} should have ended by {}", self.now);
        }
        let filter = StockFilter { plugin: "probe".into(), prefix: "held/".to_owned() };
        for (key, counter) in self.case.inspect.counters(filter, Turn::first(9)).await.unwrap().items {
            assert!(counter.used() <= counter.limit());
            let counted = all.iter().filter(|reservation| {
                let is_kept =
                    matches!(reservation.status, ReservationStatus::Held | ReservationStatus::Committed);
                is_kept && reservation.counters.iter().any(|hold| hold.key == key.key)
            });
            assert_eq!(counted.count() as u64, counter.used(), "{key:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn stock_balances_whatever_is_asked_and_whenever_a_commit_fails(ops in prop::collection::vec(op(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let mut shop = Shop::open().await;
            for op in ops {
                shop = shop.act(op).await;
                shop.check().await;
            }
            shop.case.tenant.stop().await;
        });
    }
}
