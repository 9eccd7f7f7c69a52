//! 10,000 buyers want 500 units at once, over 200 connections. 30 % tap twice, 10 % of those who hold a unit change their
//! mind: exactly 500 are sold, none to a customer twice. On a file with one host, on Postgres with two.
//!
//! `SIYU_BUYERS` says how many buyers (10,000 when absent), `SIYU_OVERSELL_SEED` in which order they come.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::print_stdout, reason = "what was measured is told")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use siyu_engine::ports::inspect::{Inspect, StockFilter, Turn};
use siyu_model::stock::reservation::ReservationStatus;
use siyu_store::{PgInspect, PgOptions, PgStores, SqliteInspect};
use siyu_test_postgres::Scratch;

use support::served::{self, Served, until};

/// What `rush` has on its shelf.
const UNITS: usize = 500;
const CONNECTIONS: usize = 200;
/// Waves of those who found it sold out and tap again, in case somebody changed their mind.
const WAVES_MAX: usize = 20;

fn rush() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/playbooks/rush")
}

/// What the buyers saw.
#[derive(Default)]
struct Seen {
    sold: BTreeMap<usize, usize>,
    cancelled: usize,
    refused: BTreeSet<usize>,
    requests: usize,
    duplicates: usize,
}

struct Rush<'a> {
    addresses: &'a [String],
    seen: Mutex<Seen>,
    seed: u64,
}

impl Rush<'_> {
    /// One wave: each of these buyers taps once, over so many connections.
    fn wave(&self, wave: usize, mut buyers: Vec<usize>) {
        let mut random = fastrand::Rng::with_seed(self.seed + wave as u64);
        random.shuffle(&mut buyers);
        let next = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for connection in 0..CONNECTIONS {
                let (next, buyers) = (&next, &buyers);
                scope.spawn(move || {
                    let agent = served::agent();
                    let address = &self.addresses[connection % self.addresses.len()];
                    while let Some(buyer) = buyers.get(next.fetch_add(1, Ordering::Relaxed)) {
                        self.buy(&agent, address, wave, *buyer);
                    }
                });
            }
        });
    }

    /// A buyer taps, perhaps twice; then pays or changes their mind.
    fn buy(&self, agent: &ureq::Agent, address: &str, wave: usize, buyer: usize) {
        let mut random = fastrand::Rng::with_seed(self.seed ^ ((buyer as u64) << 8) ^ wave as u64);
        let order = format!("o-{buyer}-{wave}");
        let tap = event("order.created", &order, buyer, json!({}));
        let answer = self.post(agent, address, &tap);
        if random.f64() < 0.3 {
            let other = &self.addresses[random.usize(..self.addresses.len())];
            let again = self.post(agent, other, &tap);
            assert_eq!(again["is_duplicate"], json!(true), "{again}");
        }
        let said = response(&answer);
        if said.get("held").is_none() {
            let code = said["refused"].as_str().unwrap_or_else(|| panic!("{answer}"));
            assert_eq!(code, "SOLD_OUT", "each buyer holds one unit at most, so nothing else is refused");
            self.seen.lock().unwrap().refused.insert(buyer);
            return;
        }
        if random.f64() < 0.1 {
            let answer = self.post(agent, address, &event("order.cancelled", &order, buyer, json!({})));
            assert_eq!(response(&answer)["cancelled"], json!(order), "{answer}");
            self.seen.lock().unwrap().cancelled += 1;
            return;
        }
        let paid = event("order.paid", &order, buyer, json!({ "amount_fen": 10 }));
        let answer = self.post(agent, address, &paid);
        assert_eq!(response(&answer)["sold"], json!(order), "{answer}");
        *self.seen.lock().unwrap().sold.entry(buyer).or_default() += 1;
    }

    /// Hands an event in until it is done: a host that is busy says so, and is asked again.
    fn post(&self, agent: &ureq::Agent, address: &str, event: &Value) -> Value {
        let mut is_again = false;
        loop {
            let (status, mut answer) = served::post(agent, address, "shop", event);
            match status {
                200 => {
                    let mut seen = self.seen.lock().unwrap();
                    seen.requests += 1;
                    seen.duplicates += usize::from(answer["is_duplicate"] == json!(true));
                    if is_again {
                        answer["is_duplicate"] = json!(true);
                    }
                    return answer;
                }
                429 | 503 => std::thread::sleep(std::time::Duration::from_millis(50)),
                // It is durable; what it answered is in the run.
                202 => panic!("no host answered for a long time: {answer}"),
                _ => panic!("{status}: {answer}"),
            }
            is_again = status == 503;
        }
    }
}

fn event(event_type: &str, order: &str, buyer: usize, mut data: Value) -> Value {
    data["order_no"] = json!(order);
    json!({ "id": format!("{event_type}-{order}"), "type": event_type, "subject": format!("shop:{buyer}"), "data": data })
}

/// What the one run that an event started answered.
fn response(answer: &Value) -> &Value {
    let responses = answer["responses"].as_object().unwrap_or_else(|| panic!("{answer}"));
    responses.values().next().unwrap_or_else(|| panic!("{answer}"))
}

/// Buyers come in waves until everything is sold; then the books are looked at.
fn rush_at(hosts: &[&Served]) -> Seen {
    let addresses: Vec<String> = hosts.iter().map(|host| host.address().to_owned()).collect();
    let seed = support::number("SIYU_OVERSELL_SEED", 20_261_122);
    let rush = Rush { addresses: &addresses, seen: Mutex::default(), seed };
    let buyers = usize::try_from(support::number("SIYU_BUYERS", 10_000)).unwrap();
    rush.wave(0, (0..buyers).collect());
    for wave in 1..=WAVES_MAX {
        let (sold, again) = {
            let mut seen = rush.seen.lock().unwrap();
            (seen.sold.len(), std::mem::take(&mut seen.refused))
        };
        if sold == UNITS {
            break;
        }
        // As many come again as units came back, and some more.
        let count = ((UNITS - sold) * 4).max(20);
        rush.wave(wave, again.into_iter().take(count).collect());
    }
    rush.seen.into_inner().unwrap()
}

async fn check(inspect: &dyn Inspect, seen: &Seen) {
    assert_eq!(seen.sold.len(), UNITS, "so many buyers were told that they have one");
    assert!(seen.sold.values().all(|units| *units == 1), "nobody was told so twice");
    let filter = StockFilter { plugin: "flash-sale".into(), prefix: String::new() };
    let pools = inspect.pools(filter.clone(), Turn::first(10)).await.unwrap().items;
    let (_, pool) = pools.iter().find(|(key, _)| key.key.as_str().contains("cup")).unwrap_or(&pools[0]);
    assert_eq!((pool.total(), pool.available(), pool.reserved(), pool.sold()), (500, 0, 0, 500));
    let mut owners = BTreeMap::new();
    let mut turn = Turn::first(1_000);
    let mut released = 0;
    loop {
        let page = inspect.reservations(filter.clone(), turn).await.unwrap();
        for reservation in page.items {
            match reservation.status {
                ReservationStatus::Committed => {
                    *owners.entry(reservation.customer).or_insert(0) += reservation.units
                }
                ReservationStatus::Released => released += 1,
                other => panic!("{other:?} is left"),
            }
        }
        match page.next {
            Some(after) => turn = Turn { after: Some(after), limit: 1_000 },
            None => break,
        }
    }
    assert_eq!((owners.len(), released), (UNITS, seen.cancelled));
    assert!(owners.values().all(|units| *units == 1), "{owners:?}");
    println!(
        "{} requests, {} of them duplicates, {} changed their mind: {} sold",
        seen.requests,
        seen.duplicates,
        seen.cancelled,
        seen.sold.len()
    );
}

fn publish(data: &Path, database: Option<&str>) {
    let mut publish = support::siyu(data);
    if let Some(url) = database {
        publish.env("SIYU_DATABASE_URL", url);
    }
    let done = publish.args(["publish", "--tenant", "shop"]).arg(rush()).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

fn wait<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

#[test]
fn exactly_what_is_there_is_sold_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    publish(folder.path(), None);
    let host = Served::start(folder.path(), None, "only");
    let seen = rush_at(&[&host]);
    assert_eq!(host.stop(), Some(0));
    wait(async {
        let inspect = SqliteInspect::open(folder.path().join("tenants/shop.db")).await.unwrap();
        check(&inspect, &seen).await;
    });
}

#[test]
fn exactly_what_is_there_is_sold_from_postgres_by_two_hosts() {
    let (folder, database) = (tempfile::tempdir().unwrap(), Scratch::make().unwrap());
    let data = |name: &str| folder.path().join(name);
    publish(&data("commands"), Some(&database.url()));
    let hosts = ["first", "second"].map(|name| Served::start(&data(name), Some(&database.url()), name));
    until("a host of the tenant", || hosts.iter().any(|host| host.tenants() == ["shop"]));
    let seen = rush_at(&[&hosts[0], &hosts[1]]);
    for host in hosts {
        assert_eq!(host.stop(), Some(0));
    }
    wait(async {
        let stores = PgStores::new(&database.url(), PgOptions::default()).unwrap();
        let inspect = PgInspect::open(&stores, &"shop".parse().unwrap()).await.unwrap();
        check(&inspect, &seen).await;
    });
}
