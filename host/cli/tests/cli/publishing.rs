//! `publish`: versions come into force whole, or not at all.

use std::os::unix::fs::PermissionsExt;

use crate::stage::Stage;

#[test]
fn a_first_version_is_published_with_all_that_it_brings() {
    let stage = Stage::new();
    insta::assert_snapshot!(stage.siyu("publish stamps").all());
    let again = stage.siyu("publish stamps");
    assert_eq!(again.status, 0);
    assert_eq!(again.out, "stamps SHORT is in force already: nothing changed\n");
}

#[test]
fn a_second_version_says_what_it_changes() {
    let stage = Stage::new();
    assert_eq!(stage.siyu("publish stamps").status, 0);
    stage.edit("stamps/templates/gift.yaml", "on us", "on the house");
    stage.edit("stamps/resources/cards.yaml", "name: coffee", "name: tea");
    stage.edit("stamps/workflows/visits.yaml", "card: coffee", "card: tea");
    insta::assert_snapshot!(stage.siyu("publish stamps").all());
    let json = stage.siyu("publish stamps --json").json();
    assert_eq!((&json["published"], &json["unchanged"]), (&true.into(), &true.into()));
    let names: Vec<&String> = json.as_object().unwrap().keys().collect();
    assert_eq!(
        names,
        [
            "changes",
            "diagnostics",
            "diagnostics_left_out",
            "digest",
            "overlay_changes",
            "playbook",
            "published",
            "resources",
            "resources_gone",
            "unchanged"
        ]
    );
}

#[test]
fn a_comment_changes_places_and_nothing_else() {
    let stage = Stage::new();
    assert_eq!(stage.siyu("publish stamps").status, 0);
    let text = stage.read("stamps/workflows/visits.yaml");
    stage.write("stamps/workflows/visits.yaml", format!("# a comment\n{text}"));
    let said = stage.siyu("publish stamps");
    assert_eq!(said.out, "published stamps SHORT\n  nothing but places in files changed\n");
}

#[test]
fn a_playbook_with_a_fault_is_not_published() {
    let stage = Stage::new();
    stage.edit("stamps/resources/cards.yaml", "stamps: 3", "stamps: 0");
    let said = stage.siyu("publish stamps");
    assert_eq!(said.status, 1);
    assert!(said.out.contains("E0314") && said.out.ends_with("nothing was published\n"), "{}", said.out);
    assert!(!stage.path("siyu-data/tenants").exists());
    let json = stage.siyu("publish stamps --json");
    assert_eq!((json.status, &json.json()["published"]), (1, &false.into()));
}

#[test]
fn a_definition_that_another_playbook_has_is_refused_at_its_place() {
    let stage = Stage::new();
    assert_eq!(stage.siyu("publish stamps").status, 0);
    stage.edit("stamps/playbook.yaml", "playbook: stamps", "playbook: others");
    insta::assert_snapshot!(stage.siyu("publish stamps").all());
}

#[test]
fn customers_and_keys_are_for_the_owner_only() {
    let stage = Stage::new();
    std::fs::remove_dir_all(stage.path("siyu-data")).unwrap();
    assert_eq!(stage.siyu("publish stamps").status, 0);
    let mode = |name: &str| stage.path(name).metadata().unwrap().permissions().mode() & 0o777;
    for (name, expected) in [
        ("siyu-data", 0o700),
        ("siyu-data/tenants", 0o700),
        ("siyu-data/compiled", 0o700),
        ("siyu-data/components", 0o700),
        ("siyu-data/host.key", 0o600),
        ("siyu-data/tenants/default.db", 0o600),
    ] {
        assert_eq!(mode(name), expected, "{name}");
    }
}

#[test]
fn a_run_keeps_the_plugin_of_its_version() {
    let stage = Stage::new();
    stage.visits("events.ndjson", 1);
    assert_eq!(stage.siyu("run stamps --events events.ndjson").status, 0);
    std::fs::remove_dir_all(stage.path("siyu-data/compiled")).unwrap();
    std::fs::create_dir(stage.path("none")).unwrap();
    let run = stage.runs("siyu-data")[0].id;
    let paused = stage.siyu(&format!("runs pause {run} --plugins none"));
    assert_eq!(paused.status, 0, "{}", paused.err);
    std::fs::remove_dir_all(stage.path("siyu-data/compiled")).unwrap();
    std::fs::remove_dir_all(stage.path("siyu-data/components")).unwrap();
    let lost = stage.siyu(&format!("runs resume {run} --plugins none"));
    insta::assert_snapshot!(lost.all());
}

#[test]
fn runs_of_the_previous_version_of_a_plugin_go_on_beside_those_of_the_new_one() {
    let stage = Stage::new();
    stage.visits("events.ndjson", 40);
    assert_eq!(stage.siyu("run stamps --events events.ndjson").status, 0);
    let live = |words: &str| stage.siyu(&format!("runs list --limit 100 --json {words}")).json();
    let old = live("--phase live")["runs"].as_array().unwrap().len();
    assert!(old > 0, "nothing is under way");
    // Another file of the same plugin: a section without meaning makes another digest.
    let packed = std::fs::read_dir(stage.plugins()).unwrap().next().unwrap().unwrap().path();
    let mut bytes = std::fs::read(&packed).unwrap();
    bytes.extend([0, 6, 4, b'n', b'o', b't', b'e', 2]);
    stage.write("newer/stamp-card.wasm", bytes);
    stage.visits("events.ndjson", 50);
    let run = stage.siyu("run stamps --events events.ndjson --plugins newer --until 2026-12-31T00:00:00Z");
    assert_eq!(run.status, 0, "{}", run.err);
    assert_eq!(live("--phase live")["runs"], serde_json::json!([]));
    assert_eq!(live("--phase failed")["runs"], serde_json::json!([]));
    assert_eq!(stage.siyu("tenants export default --to out").status, 0);
    let versions = stage.read("out/playbooks.ndjson").lines().count();
    let of = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["version"].to_string();
    let runs: Vec<String> = stage.read("out/runs.ndjson").lines().map(of).collect();
    let (first, last) = (&runs[0], &runs[49]);
    assert!(versions == 2 && first != last, "{versions} versions");
    assert_eq!(runs.iter().filter(|version| *version == first).count(), 40);
}

#[test]
fn a_tenant_keeps_its_clock_and_its_seed() {
    let stage = Stage::new();
    assert_eq!(stage.siyu("publish stamps --at 2026-11-20T00:00:00Z --seed a").status, 0);
    stage.visits("events.ndjson", 3);
    let real = stage.siyu("run stamps --events events.ndjson --real");
    assert_eq!(real.status, 2);
    assert!(real.err.contains("goes by a virtual clock"), "{}", real.err);
    let other = stage.siyu("run stamps --events events.ndjson --seed b");
    assert_eq!(other.status, 2);
    assert!(other.err.contains("made with the seed `a`, not with `b`"), "{}", other.err);
    assert_eq!(stage.siyu("run stamps --events events.ndjson").status, 0);
    let back = stage.siyu("publish stamps --at 2026-11-20T00:00:00Z --data other");
    assert_eq!(back.status, 0);
    assert_eq!(stage.siyu("publish stamps --tenant Shop").status, 2, "no name of a tenant");
}
