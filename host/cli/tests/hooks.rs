//! Webhooks against the real program with the shipped plugin: what is signed is taken in once, and nothing else ever is.
//!
//! `SIYU_TAMPERED` says how many requests are tampered with; 10,000 when it is absent.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

#[path = "hooks/senders.rs"]
mod senders;
#[path = "hooks/tricks.rs"]
mod tricks;
#[path = "hooks/wecom.rs"]
mod wecom;
#[path = "hooks/wire.rs"]
mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use senders::{Sender, now_s};
use support::served::Served;
use tricks::TRICKS;
use wire::{Request, Wire};

/// Threads that send.
const SENDERS: u64 = 4;
/// One request in so many is left as it is.
const CONTROL: u64 = 10;

const PLAYBOOK: [(&str, &str); 2] = [
    (
        "playbook.yaml",
        "playbook: shop\ntitle: Shop\nzone: Asia/Shanghai\nevents:\n  hook.came: { fields: { n: integer } }\n",
    ),
    (
        "workflows/came.yaml",
        "workflow: came\non: { event: hook.came }\nsteps:\n  - set: { seen: \"${{ event.n }}\" }\n",
    ),
];

const SOURCES: &str = r#"
[std]
plugin = "signed-hook"
secrets = { key = "std_key" }
config = { scheme = { kind = "standard_webhooks" }, event = { type = { prefix = "hook.came" } } }

[github]
plugin = "signed-hook"
secrets = { key = "github_key" }
config = { scheme = { kind = "github" }, event = { type = { prefix = "hook.came" }, id = { from = { pointer = "/id" } } } }

[shopify]
plugin = "signed-hook"
secrets = { key = "shopify_key" }
config = { scheme = { kind = "shopify" }, event = { type = { prefix = "hook.came" } } }

[only-other]
plugin = "signed-hook"
tenants = ["other"]
secrets = { key = "std_key" }
config = { scheme = { kind = "standard_webhooks" }, event = { type = { prefix = "hook.came" } } }
"#;

/// A data folder with two tenants, sources and secrets.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().expect("a folder") };
        for (name, text) in PLAYBOOK {
            let path = place.path("shop").join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(path, text).expect("a file");
        }
        place.siyu(&format!("secrets key {}", place.path("key").display()), None);
        for tenant in ["shop", "other"] {
            place.siyu(&format!("publish {} --tenant {tenant}", place.path("shop").display()), None);
            for (name, _) in senders::KEYS {
                // A key that was replaced at once, and one that may still come for a day.
                place.set(tenant, name, &senders::rotated_out(tenant, name), 24);
                place.set(tenant, name, &senders::before(tenant, name), 0);
                place.set(tenant, name, &senders::key(tenant, name), 24);
            }
        }
        std::fs::write(place.data().join("sources.toml"), SOURCES).expect("a file");
        place
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn data(&self) -> std::path::PathBuf {
        self.path("data")
    }

    fn siyu(&self, words: &str, input: Option<&Path>) -> String {
        let mut siyu = support::siyu(&self.data());
        siyu.env("SIYU_SECRETS_KEY_FILE", self.path("key")).args(words.split_whitespace());
        siyu.stdin(input.map_or(Stdio::null(), |path| std::fs::File::open(path).expect("a file").into()));
        let output = siyu.output().expect("siyu runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{words}: {said}");
        String::from_utf8(output.stdout).expect("text")
    }

    fn set(&self, tenant: &str, name: &str, value: &str, hours: u32) {
        let path = self.path("value");
        std::fs::write(&path, value).expect("a file");
        self.siyu(&format!("secrets set {name} --tenant {tenant} --keep-previous {hours}"), Some(&path));
        std::fs::remove_file(path).expect("removed");
    }

    fn serve(&self) -> Served {
        // Its own processes alone are given the key.
        Served::start_with(&self.data(), &[("SIYU_SECRETS_KEY_FILE", self.path("key"))])
    }

    /// Events in the log of a tenant.
    fn events(&self, tenant: &str) -> u64 {
        let said = self.siyu(&format!("tenants show {tenant} --json"), None);
        let said: serde_json::Value = serde_json::from_str(&said).expect("JSON");
        said["rows"]["events"].as_u64().unwrap_or_else(|| panic!("{said:#}"))
    }
}

/// What came of requests.
#[derive(Default)]
struct Tally {
    /// How many were tampered with, a trick each, and what they were answered.
    tricked: Mutex<BTreeMap<(&'static str, u16), usize>>,
    /// Ids of those that were not.
    control: Mutex<BTreeSet<String>>,
    sent: AtomicUsize,
}

fn send(address: &str, (thread, count): (u64, u64), tally: &Tally) {
    let mut random = fastrand::Rng::with_seed(7 + thread);
    let mut wire = Wire::new(address);
    for number in 0..count {
        let sender = Sender::ALL[random.usize(..Sender::ALL.len())];
        let id = format!("h{thread}-{number}");
        let body = format!(r#"{{"id":"{id}","n":{number},"text":"{}"}}"#, "x".repeat(random.usize(..200)));
        if number % CONTROL == 0 {
            // The value in force, or the one before, which is accepted for a day.
            let key = if random.bool() { sender.key("shop") } else { sender.key_before("shop") };
            let request = sender.signed("shop", &key, (&id, now_s()), &body);
            for _ in 0..1 + random.usize(..2) {
                let (status, text) = wire.ask(&request);
                assert_eq!(status, 200, "{sender:?} {number}: {text}");
            }
            tally.control.lock().unwrap().insert(format!("{sender:?} {id}"));
        }
        let (name, trick) = TRICKS[random.usize(..TRICKS.len())];
        let Some(request) = trick(sender, (&id, &body), &mut random) else { continue };
        let (status, text) = wire.ask(&request);
        assert!(!(200..300).contains(&status), "{name} for {sender:?} was taken: {request:?}");
        assert!(status < 500, "{name} for {sender:?}: {status} {text}");
        *tally.tricked.lock().unwrap().entry((name, status)).or_default() += 1;
        tally.sent.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn of_ten_thousand_tampered_requests_none_is_taken_and_of_the_others_each_once() {
    let place = Place::new();
    let host = place.serve();
    let (tampered, tally) = (support::number("SIYU_TAMPERED", 10_000), Arc::new(Tally::default()));
    // Some tricks are for some senders alone.
    let each = tampered.div_ceil(SENDERS) * 2;
    std::thread::scope(|scope| {
        for thread in 0..SENDERS {
            let (address, tally) = (host.address(), &tally);
            scope.spawn(move || send(address, (thread, each), tally));
        }
    });
    assert_eq!(host.stop(), Some(0));
    let (sent, control) =
        (tally.sent.load(Ordering::Relaxed) as u64, tally.control.lock().unwrap().len() as u64);
    let tricked = tally.tricked.lock().unwrap();
    let used: BTreeSet<&str> = tricked.keys().map(|(name, _)| *name).collect();
    println!("{sent} tampered requests by {} tricks, {control} others", used.len());
    for ((name, status), count) in tricked.iter() {
        println!("{status} {count:>6} {name}");
    }
    assert!(sent >= tampered && control >= tampered / CONTROL, "{sent} {control}");
    assert_eq!(used.len(), TRICKS.len(), "every trick was tried");
    assert_eq!((place.events("shop"), place.events("other")), (control, 0));
}

#[test]
fn what_is_not_there_and_what_is_too_much_is_said_in_the_same_bytes() {
    let place = Place::new();
    let host = place.serve();
    let mut wire = Wire::new(host.address());
    let right = Sender::Standard.signed("shop", &Sender::Standard.key("shop"), ("a", now_s()), r#"{"n":1}"#);
    let mut answers = BTreeSet::new();
    for path in [
        "/v1/hooks/shop/none",
        "/v1/hooks/nobody/std",
        "/v1/hooks/nobody/none",
        "/v1/hooks/shop/only-other",
        "/v1/hooks/SHOP/std",
        "/v1/hooks/shop/..%2fstd",
        "/v1/hooks/%00/std",
    ] {
        answers.insert(wire.ask(&Request { path: path.to_owned(), ..right.clone() }));
    }
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert_eq!(answers.first().expect("one").0, 404);
    // Beyond 256 KiB nothing is looked at.
    let large = format!(r#"{{"n":1,"text":"{}"}}"#, "x".repeat(256 << 10));
    let large = Sender::Standard.signed("shop", &Sender::Standard.key("shop"), ("b", now_s()), &large);
    assert_eq!(wire.ask(&large).0, 413);
    let full = format!(r#"{{"n":1,"text":"{}"}}"#, "x".repeat((256 << 10) - 100));
    let full = Sender::Standard.signed("shop", &Sender::Standard.key("shop"), ("c", now_s()), &full);
    assert_eq!(wire.ask(&full).0, 200);
    for method in ["PUT", "DELETE", "PATCH"] {
        assert_eq!(wire.ask(&Request { method, ..right.clone() }).0, 405, "{method}");
    }
    assert_eq!(wire.ask(&right).0, 200);
    assert_eq!(host.stop(), Some(0));
    assert_eq!(place.events("shop"), 2);
}

/// Times that the host is killed.
const KILLS: u64 = 10;

/// Sends until the host is gone; keeps the ids that it sent and those of which it heard that they were taken.
fn send_until_gone(
    address: &str,
    (round, thread): (u64, u64),
    heard: &AtomicUsize,
) -> (Vec<String>, Vec<String>) {
    let mut wire = Wire::new(address);
    let (mut sent, mut taken) = (Vec::new(), Vec::new());
    for number in 0.. {
        let id = format!("k{round}-{thread}-{number}");
        sent.push(id.clone());
        match wire.once(&killed_at(&id)) {
            Some((200, _)) => taken.push(id),
            Some((status, text)) => panic!("{id}: {status} {text}"),
            None => break,
        }
        heard.fetch_add(1, Ordering::SeqCst);
    }
    (sent, taken)
}

/// The request of an id, signed now.
fn killed_at(id: &str) -> Request {
    Sender::Standard.signed("shop", &Sender::Standard.key("shop"), (id, now_s()), r#"{"n":1}"#)
}

#[test]
fn what_was_answered_outlives_a_kill_and_what_is_sent_again_counts_once() {
    let place = Place::new();
    let mut random = fastrand::Rng::with_seed(20_261_122);
    let (mut all, mut at_first) = (BTreeSet::new(), 0);
    for round in 0..support::number("SIYU_HOOK_KILLS", KILLS) {
        let host = place.serve();
        let heard = AtomicUsize::new(0);
        let until = 1 + random.usize(..200);
        let ends: Vec<_> = std::thread::scope(|scope| {
            let senders: Vec<_> = (0..SENDERS)
                .map(|thread| {
                    let (address, heard) = (host.address(), &heard);
                    scope.spawn(move || send_until_gone(address, (round, thread), heard))
                })
                .collect();
            support::served::until("the requests", || heard.load(Ordering::SeqCst) >= until);
            host.signal("KILL");
            senders.into_iter().map(|sender| sender.join().expect("a sender")).collect()
        });
        drop(host);
        let taken: BTreeSet<String> = ends.iter().flat_map(|(_, taken)| taken.clone()).collect();
        let sent: BTreeSet<String> = ends.into_iter().flat_map(|(sent, _)| sent).collect();
        let kept = place.events("shop") - at_first;
        // Each connection had one request under way that nobody heard of.
        assert!(
            kept >= taken.len() as u64 && kept <= sent.len() as u64,
            "{kept} of {} and {}",
            taken.len(),
            sent.len()
        );
        // Those that were taken are there: sent again, they are no more; only then the others.
        let host = place.serve();
        let mut wire = Wire::new(host.address());
        for id in &taken {
            assert_eq!(wire.ask(&killed_at(id)).0, 200);
        }
        assert_eq!(host.stop(), Some(0));
        assert_eq!(place.events("shop") - at_first, kept, "round {round}: an answered one was not there");
        let host = place.serve();
        let mut wire = Wire::new(host.address());
        for id in sent.iter().chain(&sent) {
            assert_eq!(wire.ask(&killed_at(id)).0, 200);
        }
        assert_eq!(host.stop(), Some(0));
        all.extend(sent);
        at_first = place.events("shop");
        assert_eq!(at_first, all.len() as u64, "round {round}");
    }
}

#[test]
fn doctor_names_a_source_whose_secret_is_missing() {
    let place = Place::new();
    let webhooks = || {
        let mut siyu = support::siyu(&place.data());
        siyu.env("SIYU_SECRETS_KEY_FILE", place.path("key")).args(["doctor", "--json"]);
        let output = siyu.output().expect("siyu runs");
        let said: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let checks = said["checks"].as_array().expect("checks");
        let found = checks.iter().filter(|found| found["check"] == "webhooks");
        found.map(|found| format!("{}: {}", found["verdict"], found["detail"])).collect::<Vec<_>>()
    };
    let found = webhooks();
    assert!(
        found.len() == 1 && found[0].starts_with("\"ok\": ") && found[0].contains("only-other"),
        "{found:?}"
    );
    place.siyu("secrets remove std_key --tenant other", None);
    let found = webhooks();
    assert_eq!(found.len(), 1, "{found:?}");
    for part in ["\"warn\"", "source `only-other`", "tenant `other` has no secret `std_key`"] {
        assert!(found[0].contains(part), "{part}: {found:?}");
    }
    place.siyu("secrets remove std_key --tenant shop", None);
    let found = webhooks().join(" ");
    assert!(found.contains("source `std`: no tenant has set std_key"), "{found}");
    std::fs::write(place.data().join("sources.toml"), "[std]\nplugin = \"signed-hook\"\n").expect("a file");
    let found = webhooks().join(" ");
    assert!(found.contains("\"fault\": ") && found.contains("source `std`"), "{found}");
}
