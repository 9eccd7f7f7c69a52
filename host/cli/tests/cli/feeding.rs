//! `run`: feeds are taken in durably, once, and gone on with.

use std::io::{BufRead, BufReader};
use std::process::Child;

use siyu_engine::ports::inspect::{EventFilter, MessageFilter, Turn};

use crate::stage::{Said, Stage};

/// Lines of a summary without what depends on the machine.
fn summary(said: &Said) -> String {
    let is_steady = |line: &&str| !line.starts_with("commits") && !line.starts_with("time");
    let steady = said.out.lines().filter(is_steady);
    steady
        .map(|line| {
            line.split("  ").filter(|part| !part.ends_with("/s")).collect::<Vec<_>>().join("  ") + "\n"
        })
        .collect()
}

/// Everything that a tenant holds and people read, for comparing two of them.
fn state(stage: &Stage, data: &str) -> String {
    let runs = stage.runs(data);
    stage.inspect(data, async |inspect| {
        let messages =
            inspect.messages(MessageFilter::default(), Turn::first(1_000)).await.expect("messages").items;
        let events = inspect.events(EventFilter::default(), Turn::first(1_000)).await.expect("events").items;
        format!("{runs:#?}\n{messages:#?}\n{events:#?}")
    })
}

#[test]
fn a_feed_is_replayed_and_gone_on_with() {
    let stage = Stage::new();
    stage.visits("events.ndjson", 40);
    let first = stage.siyu("run stamps --events events.ndjson --acks acks");
    assert_eq!((first.status, &*first.err), (0, ""));
    insta::assert_snapshot!(summary(&first));
    let ids: String = (0..40).map(|visit| format!("v{visit}\n")).collect();
    assert_eq!(stage.read("acks"), ids);
    let again = stage.siyu("run stamps --events events.ndjson --acks acks");
    insta::assert_snapshot!(summary(&again));
    assert_eq!(stage.read("acks"), ids);
    stage.visits("events.ndjson", 50);
    let grown = stage.siyu("run stamps --events events.ndjson --json").json();
    assert_eq!((&grown["events"], &grown["events_durable_before"]), (&10.into(), &40.into()));
}

#[test]
fn a_summary_as_json_has_stable_names() {
    let stage = Stage::new();
    stage.visits("events.ndjson", 12);
    let json = stage.siyu("run stamps --events events.ndjson --json").json();
    let names: Vec<&String> = json.as_object().unwrap().keys().collect();
    let expected = "commits commits_per_second events events_duplicate events_durable_before events_recorded \
                    interrupted last_event_at messages playbook plugin_calls runs seconds steps steps_per_second";
    assert_eq!(names, expected.split_whitespace().collect::<Vec<_>>());
    assert_eq!(
        (&json["events"], &json["runs"], &json["plugin_calls"], &json["last_event_at"]),
        (&12.into(), &12.into(), &12.into(), &"2026-11-21T00:11:00Z".into())
    );
}

#[test]
fn the_same_seed_gives_the_same_state_and_time_passes_until_an_instant() {
    let stage = Stage::new();
    stage.visits("events.ndjson", 60);
    for data in ["one", "two"] {
        let said = stage.siyu(&format!("run stamps --events events.ndjson --seed s --data {data}"));
        assert_eq!(said.status, 0, "{}", said.err);
    }
    assert_eq!(state(&stage, "one"), state(&stage, "two"));
    assert!(stage.runs("one").iter().any(|run| run.ended_at.is_none()), "runs wait for a day");
    let later = "run stamps --events events.ndjson --until 2026-11-23T00:00:00Z --data one";
    assert_eq!(stage.siyu(later).status, 0);
    assert!(stage.runs("one").iter().all(|run| run.ended_at.is_some()));
}

#[test]
fn events_after_the_end_are_left() {
    let stage = Stage::new();
    stage.visits("events.ndjson", 60);
    let part = stage.siyu("run stamps --events events.ndjson --until 2026-11-21T00:29:30Z --json").json();
    assert_eq!(part["events"], 30);
    let rest = stage.siyu("run stamps --events events.ndjson --json").json();
    assert_eq!((&rest["events"], &rest["events_durable_before"]), (&30.into(), &30.into()));
}

/// Waits until so many events are acknowledged.
fn acknowledged(stage: &Stage, running: &mut Child, count: usize) {
    loop {
        let acks = std::fs::read_to_string(stage.path("acks")).unwrap_or_default();
        if acks.lines().count() >= count {
            return;
        }
        assert!(running.try_wait().expect("a process").is_none(), "it ended before anybody stopped it");
        std::thread::yield_now();
    }
}

#[test]
fn an_interrupted_run_ends_well_and_goes_on_to_the_same_end() {
    let stage = Stage::new();
    stage.visits("events.ndjson", 60);
    let undisturbed = "run stamps --events events.ndjson --seed s --data undisturbed";
    assert_eq!(stage.siyu(undisturbed).status, 0);
    // A minute of the feed takes 20 ms.
    let slow = "run stamps --events events.ndjson --seed s --acks acks --speed 3000";
    let mut running = stage.command(slow).spawn().unwrap();
    acknowledged(&stage, &mut running, 5);
    let second = stage.siyu("run stamps --events events.ndjson --seed s");
    assert_eq!(second.status, 2);
    assert!(second.err.contains(&format!("is being executed by process {}", running.id())), "{}", second.err);
    let kill = std::process::Command::new("kill").args(["-INT", &running.id().to_string()]).status();
    assert!(kill.unwrap().success());
    let said = stage.said(running.wait_with_output().unwrap());
    assert_eq!(said.status, 130, "{}", said.err);
    assert!(said.out.contains("interrupted: what was taken in is durable"), "{}", said.out);
    let rest = stage.siyu("run stamps --events events.ndjson --seed s --acks acks");
    assert_eq!(rest.status, 0, "{}", rest.err);
    assert_eq!(stage.read("acks").lines().count(), 60);
    assert_eq!(state(&stage, "siyu-data"), state(&stage, "undisturbed"));
}

#[test]
fn a_killed_run_goes_on_to_the_same_end() {
    let stage = Stage::new();
    stage.visits("events.ndjson", 600);
    let undisturbed = "run stamps --events events.ndjson --seed s --data undisturbed";
    assert_eq!(stage.siyu(undisturbed).status, 0);
    for life in 1..4 {
        let slow = "run stamps --events events.ndjson --seed s --acks acks --speed 60000";
        let mut running = stage.command(slow).spawn().unwrap();
        acknowledged(&stage, &mut running, life * 100);
        running.kill().unwrap();
        running.wait().unwrap();
    }
    let rest = stage.siyu("run stamps --events events.ndjson --seed s --acks acks");
    assert_eq!(rest.status, 0, "{}", rest.err);
    let ids: String = (0..600).map(|visit| format!("v{visit}\n")).collect();
    assert_eq!(stage.read("acks"), ids);
    assert_eq!(state(&stage, "siyu-data"), state(&stage, "undisturbed"));
}

#[test]
fn a_wrong_line_stops_a_feed_until_it_is_mended() {
    let stage = Stage::new();
    stage.visits("events.ndjson", 10);
    let whole = stage.read("events.ndjson");
    for (from, to, told) in [
        ("\"id\":\"v4\"", "\"id\":\"\"", "events.ndjson:5: event field `id` is ``"),
        (
            "00:04:00Z",
            "00:01:00Z",
            "events.ndjson:5: the event is of 2026-11-21T00:01:00Z, and the one before it",
        ),
        ("\"time\":\"2026-11-21T00:04:00Z\",", "", "events.ndjson:5: the event has no `time`"),
        (
            "\"subject\":\"shop:4\"",
            "\"subject\":\"cus_00000000000000000000000000\"",
            "events.ndjson:5: the event is refused: there is no customer cus_",
        ),
    ] {
        let data = format!("data-{}", told.len());
        stage.write("events.ndjson", whole.replace(from, to));
        let said = stage.siyu(&format!("run stamps --events events.ndjson --data {data}"));
        assert_eq!(said.status, 1, "{}", said.err);
        assert!(said.err.contains(told), "{}", said.err);
        assert!(said.err.contains("mend the line and run again"), "{}", said.err);
        stage.write("events.ndjson", &whole);
        let mended = stage.siyu(&format!("run stamps --events events.ndjson --data {data} --json")).json();
        assert_eq!((&mended["events"], &mended["events_durable_before"]), (&6.into(), &4.into()), "{told}");
    }
}

#[test]
fn wrong_feeds_and_options_are_refused_in_words() {
    let stage = Stage::new();
    stage.visits("events.ndjson", 3);
    stage.write("empty.ndjson", "");
    stage.write("words.ndjson", "hello\n");
    stage.write("timeless.ndjson", "{\"id\":\"1\",\"type\":\"visit.made\"}\n");
    for (words, told) in [
        ("run stamps --events nowhere.ndjson", "nowhere.ndjson cannot be read: No such file"),
        ("run stamps --events empty.ndjson", "empty.ndjson is empty: expected one event a line"),
        ("run stamps --events words.ndjson", "words.ndjson:1: not an event"),
        ("run stamps --events timeless.ndjson", "has no `time`: on a virtual clock events carry one"),
        ("run nowhere --events events.ndjson", "the playbook cannot be read"),
        ("run stamps", "--events <FILE>"),
        ("run stamps --events events.ndjson --speed 0", "expected a number above 0"),
        ("run stamps --events events.ndjson --real --virtual", "cannot be used with"),
        ("run stamps --events events.ndjson --until tomorrow", "is not an instant: expected RFC 3339"),
        ("run stamps --events events.ndjson --acks nowhere/acks", "nowhere/acks cannot be written"),
    ] {
        let said = stage.siyu(words);
        assert_eq!(said.status, 2, "{words}: {}", said.err);
        assert!(said.err.contains(told), "{words}: {}", said.err);
    }
}

#[test]
fn a_virtual_clock_does_not_go_back() {
    let stage = Stage::new();
    stage.visits("events.ndjson", 5);
    assert_eq!(stage.siyu("run stamps --events events.ndjson").status, 0);
    std::fs::rename(stage.path("events.ndjson"), stage.path("other.ndjson")).unwrap();
    insta::assert_snapshot!(stage.siyu("run stamps --events other.ndjson").all());
}

#[test]
fn by_the_machines_clock_events_happen_now() {
    let stage = Stage::new();
    stage.visits("events.ndjson", 7);
    let json = stage.siyu("run stamps --events events.ndjson --real --json").json();
    assert_eq!((&json["events"], &json["runs"]), (&7.into(), &7.into()));
    let later = "2026-11-21T01:00:00Z".parse().unwrap();
    assert!(stage.runs("siyu-data").iter().all(|run| run.started_at > later));
}

#[test]
fn messages_go_where_the_channels_lead() {
    let stage = Stage::new();
    stage.visits("events.ndjson", 3_000);
    assert_eq!(stage.siyu("run stamps --events events.ndjson").status, 0);
    let sent = stage.read("siyu-data/outbox/default.ndjson");
    assert_eq!(sent.lines().count(), 10, "each customer filled a card");
    assert!(sent.contains("You have 3 stamps: the next coffee is on us."));
    stage.write("named/channels.toml", "[wecom]\nto = \"console\"\n");
    let mut told = stage.command("run stamps --events events.ndjson --data named");
    let mut child = told.spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let told = lines.map(Result::unwrap).filter(|line| line.contains("\"template\":\"gift\"")).count();
    assert!(child.wait().unwrap().success());
    assert_eq!(told, 10);
    stage.write("named/channels.toml", "[wecom]\nto = \"pigeon\"\n");
    let wrong = stage.siyu("run stamps --events events.ndjson --data named");
    assert_eq!(wrong.status, 2);
    assert!(wrong.err.contains("unknown variant `pigeon`"), "{}", wrong.err);
}
