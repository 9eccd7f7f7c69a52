//! Tenants in Postgres: the same commands with the same answers, and a doctor that looks at the server.

use siyu_test_postgres::Scratch;

use crate::stage::{Said, Stage};

const URL: &str = "SIYU_DATABASE_URL";

/// Calls the program with its tenants in a database.
fn in_database(stage: &Stage, scratch: &Scratch, words: &str) -> Said {
    stage.siyu_with((URL, &scratch.url()), words)
}

#[test]
fn a_replay_in_a_database_ends_as_one_in_files_does() {
    let (stage, scratch) = (Stage::new(), Scratch::make().unwrap());
    stage.visits("visits.ndjson", 120);
    let replay = "run stamps --events visits.ndjson --seed same --until 2026-12-31T00:00:00+08:00";
    let files = stage.siyu(replay);
    assert_eq!(files.status, 0, "{}", files.err);
    let database = in_database(&stage, &scratch, &format!("{replay} --data elsewhere"));
    assert_eq!(database.status, 0, "{}", database.err);
    let asked = [
        "runs list --limit 500 --json",
        "customers show shop:3 --json",
        "report runs --json",
        "report stock --json",
        "report funnel --json",
        "report repurchase --json",
    ];
    for words in asked {
        let (files, database) = (stage.siyu(words), in_database(&stage, &scratch, words));
        assert_eq!((files.status, &files.raw), (database.status, &database.raw), "{words}: {}", database.err);
    }
    assert!(!stage.path("elsewhere/tenants/default.db").exists(), "nothing of the tenant is in a file");
}

#[test]
fn a_replay_that_is_called_again_goes_on_in_the_database() {
    let (stage, scratch) = (Stage::new(), Scratch::make().unwrap());
    stage.visits("visits.ndjson", 40);
    let replay = "run stamps --events visits.ndjson --json";
    assert_eq!(in_database(&stage, &scratch, replay).json()["events"], 40);
    let text = stage.read("visits.ndjson");
    stage.visits("visits.ndjson", 60);
    assert!(stage.read("visits.ndjson").starts_with(&text));
    let again = in_database(&stage, &scratch, replay).json();
    assert_eq!((&again["events_durable_before"], &again["events_recorded"]), (&40.into(), &20.into()));
    let other = in_database(&stage, &scratch, "runs list --tenant other");
    assert_eq!(other.status, 2);
    assert!(other.err.contains("there is no tenant `other` in postgres://siyu@"), "{}", other.err);
}

#[test]
fn the_doctor_looks_at_the_database() {
    let (stage, scratch) = (Stage::new(), Scratch::make().unwrap());
    assert_eq!(in_database(&stage, &scratch, "publish stamps").status, 0);
    let json = in_database(&stage, &scratch, "doctor --json").json();
    let detail = |name: &str| {
        let checks = json["checks"].as_array().unwrap();
        let check = checks.iter().find(|check| check["check"] == name);
        check.map_or(String::new(), |check| format!("{} {}", check["verdict"], check["detail"]))
    };
    let database = detail("database");
    for part in ["\"ok\"", "Postgres ", "fsync on", "synchronous_commit on", "300 connections"] {
        assert!(database.contains(part), "{database}");
    }
    assert!(detail("database time").contains("ms a durable commit"), "{json}");
    assert!(detail("tenants").contains("1 can be read"), "{json}");
}

#[test]
fn a_database_that_is_wrong_or_away_is_told_without_its_password() {
    let stage = Stage::new();
    for (url, says) in [
        ("mysql://me:hush@db/shop", "begins with `mysql`: expected postgres://"),
        ("postgres://me:hush@127.0.0.1:1/shop", "postgres://me@127.0.0.1:1/shop cannot be reached"),
    ] {
        let said = stage.siyu_with((URL, url), "runs list");
        assert_eq!(said.status, 2, "{}", said.err);
        assert!(said.err.contains(says), "{}", said.err);
        let doctor = stage.siyu_with((URL, url), "doctor");
        for text in [&said.err, &said.out, &doctor.err, &doctor.out] {
            assert!(!text.contains("hush"), "{text}");
        }
    }
    let help = stage.siyu_with((URL, "postgres://me:hush@db/shop"), "--help");
    assert!(help.out.contains("SIYU_DATABASE_URL") && !help.out.contains("hush"), "{}", help.out);
}
