//! Hosts as processes on one database: one that is killed, one that is stopped in its tracks and wakes again, one that
//! goes when it is told. Whatever happens, each event is there once and one host at a time writes a tenant.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::print_stdout, reason = "what was measured is told")]

mod support;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::{Value, json};
use siyu_engine::ports::inspect::{EventFilter, Inspect, Turn};
use siyu_store::{PgInspect, PgOptions, PgStores};
use siyu_test_postgres::Scratch;

use support::served::{self, Served, until};

const TENANTS: [&str; 4] = ["one", "two", "three", "four"];

struct Stage {
    folder: tempfile::TempDir,
    database: Scratch,
}

impl Stage {
    /// Four tenants with the playbook `rush`, and no host.
    fn new() -> Self {
        let stage = Self { folder: tempfile::tempdir().unwrap(), database: Scratch::make().unwrap() };
        for tenant in TENANTS {
            let mut publish = support::siyu(&stage.data("commands"));
            publish.env("SIYU_DATABASE_URL", stage.database.url()).args(["publish", "--tenant", tenant]);
            let done = publish.arg(rush()).output().unwrap();
            assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        }
        stage
    }

    fn data(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// Hosts have folders of their own: what they need of each other is in the database.
    fn host(&self, name: &str) -> Served {
        Served::start(&self.data(name), Some(&self.database.url()), name)
    }

    /// How often each event of this type is in a tenant's log.
    fn events(&self, tenant: &str, event_type: &str) -> BTreeMap<String, usize> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let stores = PgStores::new(&self.database.url(), PgOptions::default()).unwrap();
            let inspect = PgInspect::open(&stores, &tenant.parse().unwrap()).await.unwrap();
            let filter =
                EventFilter { event_type: Some(event_type.parse().unwrap()), ..EventFilter::default() };
            let mut found = BTreeMap::new();
            let mut turn = Turn::first(1_000);
            loop {
                let page = inspect.events(filter.clone(), turn).await.unwrap();
                for event in page.items {
                    *found.entry(event.id.clone()).or_default() += 1;
                }
                match page.next {
                    Some(after) => turn = Turn { after: Some(after), limit: 1_000 },
                    None => return found,
                }
            }
        })
    }
}

fn rush() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/playbooks/rush")
}

fn tap(id: usize) -> Value {
    json!({
        "id": format!("tap-{id}"), "type": "order.created", "subject": format!("shop:{id}"),
        "data": { "order_no": format!("o-{id}") }
    })
}

#[test]
fn a_host_that_is_killed_is_followed_by_the_others() {
    let stage = Stage::new();
    let (first, second) = (stage.host("first"), stage.host("second"));
    until("an even share", || first.tenants().len() == 2 && second.tenants().len() == 2);
    first.signal("KILL");
    let took = until("the take-over", || second.tenants().len() == TENANTS.len());
    println!("took over {took:?} after the kill");
    for (number, tenant) in TENANTS.iter().enumerate() {
        let (status, answer) = second.post(tenant, &tap(number));
        assert_eq!((status, &answer["is_duplicate"]), (200, &json!(false)), "{answer}");
    }
    assert_eq!(second.stop(), Some(0));
}

#[test]
fn a_host_that_goes_when_it_is_told_hands_over_at_once_and_loses_no_request() {
    let stage = Stage::new();
    let (first, second) = (stage.host("first"), stage.host("second"));
    until("an even share", || first.tenants().len() == 2 && second.tenants().len() == 2);
    let (is_over, done) = (AtomicBool::new(false), AtomicUsize::new(0));
    let addresses = [first.address().to_owned(), second.address().to_owned()];
    std::thread::scope(|scope| {
        for (caller, tenant) in TENANTS.iter().enumerate() {
            let (is_over, done, addresses) = (&is_over, &done, &addresses);
            scope.spawn(move || {
                let agent = served::agent();
                let mut number = caller;
                while !is_over.load(Ordering::Relaxed) || number < 40 {
                    let event = tap(number);
                    // Whoever finds the first host gone, or is told to come again, goes to the second one.
                    let at_first = served::try_post(&agent, &addresses[number % 2], tenant, &event);
                    let mut answer = at_first;
                    while !matches!(answer, Ok((200, _))) {
                        if let Ok((status, body)) = &answer {
                            assert!(matches!(status, 202 | 429 | 503), "{status}: {body}");
                        }
                        answer = served::try_post(&agent, &addresses[1], tenant, &event);
                    }
                    done.fetch_add(1, Ordering::Relaxed);
                    number += 4;
                }
            });
        }
        until("some requests", || done.load(Ordering::Relaxed) > 40);
        assert_eq!(first.stop(), Some(0));
        let took = until("the hand-over", || second.tenants().len() == TENANTS.len());
        println!("handed over {took:?} after the end");
        let at_end = done.load(Ordering::Relaxed);
        until("more requests", || done.load(Ordering::Relaxed) > at_end + 40);
        is_over.store(true, Ordering::Relaxed);
    });
    let mut all = 0;
    for tenant in TENANTS {
        let events = stage.events(tenant, "order.created");
        assert!(events.values().all(|times| *times == 1), "{events:?}");
        all += events.len();
    }
    assert_eq!(all, done.load(Ordering::Relaxed));
    assert_eq!(second.stop(), Some(0));
}

#[test]
fn a_host_that_was_stopped_in_its_tracks_writes_nothing_when_it_wakes() {
    const CALLS: usize = 24;
    let stage = Stage::new();
    let (first, second) = (stage.host("first"), stage.host("second"));
    until("an even share", || first.tenants().len() == 2 && second.tenants().len() == 2);
    let theirs = first.tenants();
    for tenant in &theirs {
        assert_eq!(first.post(tenant, &tap(0)).0, 200);
    }
    first.signal("STOP");
    std::thread::scope(|scope| {
        // Requests that came in before it wakes: it reads them when its tenants are another host's.
        let calls: Vec<_> = (1..=CALLS)
            .map(|number| {
                let (tenant, address) = (&theirs[number % 2], first.address());
                scope.spawn(move || served::post(&served::agent(), address, tenant, &tap(number)))
            })
            .collect();
        let took = until("the take-over", || second.tenants().len() == TENANTS.len());
        println!("took over {took:?} after the stop");
        for tenant in &theirs {
            assert_eq!(second.post(tenant, &tap(100)).0, 200);
        }
        first.signal("CONT");
        for call in calls {
            let (status, answer) = call.join().unwrap();
            // It asked the host that has the tenant, or says that it cannot.
            assert!(matches!(status, 200 | 202 | 503), "{status}: {answer}");
        }
    });
    // It learns what happened, gets its part again, and everything that was acknowledged is there once.
    until("an even share again", || first.tenants().len() == 2 && second.tenants().len() == 2);
    let mut found = 0;
    for tenant in &theirs {
        let events = stage.events(tenant, "order.created");
        assert!(events.values().all(|times| *times == 1), "{events:?}");
        assert!(events.contains_key("tap-0") && events.contains_key("tap-100"));
        found += events.len();
    }
    assert!(found >= 4);
    assert_eq!((first.stop(), second.stop()), (Some(0), Some(0)));
}

#[test]
fn what_operators_do_reaches_the_host_that_executes_the_tenant() {
    let stage = Stage::new();
    let host = stage.host("first");
    until("all tenants", || host.tenants().len() == TENANTS.len());
    let siyu = |words: &[&str]| {
        let mut siyu = support::siyu(&stage.data("commands"));
        siyu.env("SIYU_DATABASE_URL", stage.database.url()).args(["--tenant", "one", "--json"]).args(words);
        let said = siyu.output().unwrap();
        (said.status.code(), String::from_utf8(said.stdout).unwrap(), String::from_utf8(said.stderr).unwrap())
    };
    let rush = rush();
    let (status, out, err) = siyu(&["publish", rush.to_str().unwrap()]);
    assert_eq!(status, Some(0), "{err}");
    let answer: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&answer["published"], &answer["unchanged"]), (&json!(true), &json!(true)));
    let (_, answer) = host.post("one", &tap(1));
    let run = answer["started"][0].as_str().unwrap().to_owned();
    let (status, _, err) = siyu(&["runs", "pause", &run]);
    assert_eq!(status, Some(1), "{err}");
    let (status, out, _) = siyu(&["runs", "cancel", &run]);
    assert_eq!(status, Some(1));
    assert!(out.contains("only a run that is"), "{out}");
    // A replay needs the tenant for itself.
    let feed = stage.data("feed.ndjson");
    std::fs::write(&feed, tap(2).to_string() + "\n").unwrap();
    let (status, out, _) =
        siyu(&["run", rush.to_str().unwrap(), "--real", "--events", feed.to_str().unwrap()]);
    assert_eq!(status, Some(2));
    assert!(out.contains("tenant `one` is being executed by host first"), "{out}");
    assert_eq!(host.stop(), Some(0));
}
