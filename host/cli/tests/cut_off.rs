//! Two hosts and their Postgres, each in a network of its own. The cable of one host is pulled: it acknowledges nothing any
//! more, the other goes on with its tenants, and when the cable is back nothing is lost, doubled or written over.
//!
//! Needs root and the command `ip` (Debian's iproute2), and says so where it cannot be done.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::print_stdout, reason = "what was measured is told")]

mod support;

use std::fs::File;
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use serde_json::{Value, json};
use siyu_engine::ports::inspect::{EventFilter, Inspect, Turn};
use siyu_model::limits::fleet::ANSWER_MS;
use siyu_store::{PgInspect, PgOptions, PgStores};
use siyu_test_postgres::{Binaries, Server};

use support::served::{self, Served, until};

const TENANTS: [&str; 4] = ["one", "two", "three", "four"];

/// Networks of this test; they go with it.
struct Networks {
    names: [String; 3],
}

impl Networks {
    /// One for the server, one for each host, and a cable from the server's to each. None where that cannot be made.
    fn make() -> Option<Self> {
        let names = ["db", "a", "b"].map(|name| format!("siyu-{}-{name}", std::process::id()));
        let networks = Self { names };
        for name in &networks.names {
            if !ip(&format!("netns add {name}")) {
                return None;
            }
            assert!(ip(&format!("-n {name} link set lo up")));
        }
        for (number, host) in [(1, 1), (2, 2)] {
            let (db, own) = (&networks.names[0], &networks.names[host]);
            assert!(ip(&format!("-n {db} link add to{number} type veth peer name cable netns {own}")));
            assert!(ip(&format!("-n {db} address add 10.231.{number}.1/30 dev to{number}")));
            assert!(ip(&format!("-n {own} address add 10.231.{number}.2/30 dev cable")));
            assert!(ip(&format!("-n {db} link set to{number} up")));
            assert!(ip(&format!("-n {own} link set cable up")));
        }
        Some(networks)
    }

    /// Does something in one of the networks, on a thread of its own; what it starts stays there.
    fn inside<T: Send>(&self, network: usize, work: impl FnOnce() -> T + Send) -> T {
        let file = File::open(Path::new("/run/netns").join(&self.names[network])).unwrap();
        thread::scope(|scope| {
            let inside = scope.spawn(|| {
                move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
                work()
            });
            inside.join().unwrap()
        })
    }

    /// Pulls the cable of a host, or puts it back.
    fn cable(&self, host: usize, state: &str) {
        assert!(ip(&format!("-n {} link set to{host} {state}", self.names[0])));
    }
}

impl Drop for Networks {
    fn drop(&mut self) {
        for name in &self.names {
            ip(&format!("netns delete {name}"));
        }
    }
}

fn ip(words: &str) -> bool {
    let mut ip = Command::new("ip");
    ip.args(words.split(' ')).stdout(Stdio::null()).stderr(Stdio::null());
    ip.status().is_ok_and(|status| status.success())
}

/// A server that both hosts reach over their cables, and this test over a socket.
fn server(networks: &Networks) -> Server {
    let server = networks.inside(0, || {
        Server::start_with(&Binaries::find().unwrap(), &["listen_addresses=10.231.1.1,10.231.2.1"]).unwrap()
    });
    let folder = server.url().rsplit_once("host=").unwrap().1;
    let rules = Path::new(folder).join("data/pg_hba.conf");
    let text = std::fs::read_to_string(&rules).unwrap() + "host all all 10.231.0.0/16 trust\n";
    std::fs::write(&rules, text).unwrap();
    wait(async {
        use sqlx::Connection as _;
        let mut connection = sqlx::PgConnection::connect(server.url()).await.unwrap();
        sqlx::query("SELECT pg_reload_conf()").execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    });
    server
}

fn wait<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

fn tap(id: &str) -> Value {
    json!({
        "id": id, "type": "order.created", "subject": format!("shop:{id}"), "data": { "order_no": format!("o-{id}") }
    })
}

/// The ids of a tenant's events of the type that is handed in, sorted.
fn ids(url: &str, tenant: &str) -> Vec<String> {
    wait(async {
        let stores = PgStores::new(url, PgOptions::default()).unwrap();
        let inspect = PgInspect::open(&stores, &tenant.parse().unwrap()).await.unwrap();
        let filter =
            EventFilter { event_type: Some("order.created".parse().unwrap()), ..EventFilter::default() };
        let page = inspect.events(filter, Turn::first(1_000)).await.unwrap();
        assert!(page.next.is_none());
        let mut ids: Vec<String> = page.items.iter().map(|event| event.id.clone()).collect();
        ids.sort();
        ids
    })
}

#[test]
fn a_host_that_is_cut_off_acknowledges_nothing_and_comes_back() {
    let Some(networks) = Networks::make() else {
        println!("skipped: networks of its own need root and the command `ip` (Debian's iproute2)");
        return;
    };
    let server = server(&networks);
    let folder = tempfile::tempdir().unwrap();
    let data = |name: &str| folder.path().join(name);
    for tenant in TENANTS {
        let mut publish = support::siyu(&data("commands"));
        publish.env("SIYU_DATABASE_URL", server.url()).args(["publish", "--tenant", tenant]);
        let done = publish.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/playbooks/rush")).output();
        let done = done.unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
    let host = |number: usize, name: &str| {
        let url = format!("postgres://siyu@10.231.{number}.1:5432/postgres?sslmode=disable");
        let data = data(name);
        networks.inside(number, move || Served::start(&data, Some(&url), name))
    };
    let (first, second) = (host(1, "first"), host(2, "second"));
    let tenants = |number: usize, host: &Served| networks.inside(number, || host.tenants());
    until("an even share", || tenants(1, &first).len() == 2 && tenants(2, &second).len() == 2);
    let mut acknowledged: Vec<(String, String)> = Vec::new();
    let mut post = |number: usize, host: &Served, tenant: &str, id: &str| {
        let answer =
            networks.inside(number, || served::try_post(&served::agent(), host.address(), tenant, &tap(id)));
        if let Ok((200, _)) = answer {
            acknowledged.push((tenant.to_owned(), id.to_owned()));
        }
        answer.map(|(status, _)| status)
    };
    for (number, tenant) in TENANTS.iter().enumerate() {
        assert_eq!(post(1, &first, tenant, &format!("before-{number}")), Ok(200));
    }
    let theirs = tenants(1, &first);
    networks.cable(1, "down");
    let (told, took) = thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let agent = served::agent_for(Duration::from_millis(ANSWER_MS));
            networks.inside(1, || served::try_post(&agent, first.address(), &theirs[0], &tap("waiting")))
        });
        let took = until("the take-over", || tenants(2, &second).len() == TENANTS.len());
        (waiting.join().unwrap(), took)
    });
    println!("took over {took:?} after the cable was pulled");
    let (status, problem) = told.unwrap();
    assert_eq!((status, &problem["code"]), (503, &json!("CUT_OFF")), "{problem}");
    for (number, tenant) in TENANTS.iter().enumerate() {
        assert_eq!(post(2, &second, tenant, &format!("cut-{number}")), Ok(200));
    }
    // The host that is alone cannot make anything durable, and says so at once: its lease is over.
    for tenant in TENANTS {
        assert_eq!(post(1, &first, tenant, "alone"), Ok(503));
    }
    networks.cable(1, "up");
    until("an even share again", || tenants(1, &first).len() == 2 && tenants(2, &second).len() == 2);
    for (number, tenant) in TENANTS.iter().enumerate() {
        until("an answer", || matches!(post(1, &first, tenant, &format!("after-{number}")), Ok(200)));
    }
    for tenant in TENANTS {
        let found = ids(server.url(), tenant);
        let mut once = found.clone();
        once.dedup();
        assert_eq!(found, once, "each event is there once");
        for (_, id) in acknowledged.iter().filter(|(of, _)| of == tenant) {
            assert!(found.contains(id), "{id} was acknowledged: {found:?}");
        }
    }
    let stopped = [networks.inside(1, || first.stop()), networks.inside(2, || second.stop())];
    assert_eq!(stopped, [Some(0), Some(0)]);
}
