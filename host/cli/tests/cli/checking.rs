//! `validate` and `test`: what an operator sees while writing.

use crate::stage::Stage;

/// Four faults in three files, one of them found by the plugin itself.
fn broken() -> Stage {
    let stage = Stage::new();
    stage.edit("stamps/workflows/visits.yaml", "stamp-card/stamp@1", "stamp-card/stmap@1");
    stage.edit("stamps/templates/gift.yaml", "class: service", "clas: service");
    stage.edit("stamps/resources/cards.yaml", "stamps: 3", "stamps: many");
    stage
}

#[test]
fn a_valid_playbook_is_told_in_a_line() {
    insta::assert_snapshot!(Stage::new().siyu("validate stamps").all());
}

#[test]
fn all_faults_are_told_at_once_with_carets() {
    insta::assert_snapshot!(broken().siyu("validate stamps").all());
}

#[test]
fn a_plugins_own_check_points_into_the_operators_file() {
    let stage = Stage::new();
    stage.edit("stamps/resources/cards.yaml", "stamps: 3", "stamps: 0");
    insta::assert_snapshot!(stage.siyu("validate stamps").all());
    let json = stage.siyu("--json validate stamps").json();
    let found = &json["diagnostics"][0];
    assert_eq!(
        (&found["code"], &found["file"], &found["line"], &found["label"]),
        (&"E0314".into(), &"resources/cards.yaml".into(), &3.into(), &"CARD_EMPTY".into())
    );
}

#[test]
fn diagnostics_as_json_have_stable_names() {
    let said = broken().siyu("validate stamps --json");
    assert_eq!(said.status, 1);
    let json = said.json();
    assert_eq!(json["valid"], false);
    assert_eq!(json["playbook"], serde_json::Value::Null);
    assert_eq!(json["diagnostics_left_out"], 0);
    let found = json["diagnostics"].as_array().unwrap();
    assert_eq!(found.len(), 4, "{found:#?}");
    for one in found {
        let names: Vec<&String> = one.as_object().unwrap().keys().collect();
        assert_eq!(
            names,
            ["code", "column", "file", "help", "label", "line", "message", "related", "severity", "span"]
        );
    }
    assert_eq!(Stage::new().siyu("validate stamps --json").json()["playbook"], "stamps");
}

#[test]
fn colours_come_only_where_they_are_wanted() {
    let stage = broken();
    let plain = stage.siyu("validate stamps").raw;
    assert!(!plain.contains('\x1b'), "a pipe gets no colours");
    let forced = stage.siyu_with(("CLICOLOR_FORCE", "1"), "validate stamps").raw;
    assert!(forced.contains("\x1b["), "{forced}");
    let mut refused = stage.command("validate stamps");
    let refused = stage.say(refused.env("CLICOLOR_FORCE", "1").env("NO_COLOR", "1"));
    assert_eq!(refused.raw, plain);
}

#[test]
fn the_folder_is_found_by_its_playbook_yaml_and_from_inside() {
    let stage = Stage::new();
    let expected = stage.siyu("validate stamps").out;
    assert_eq!(stage.siyu("validate stamps/playbook.yaml").out, expected);
    let mut inside = stage.command("validate");
    assert_eq!(stage.say(inside.current_dir(stage.path("stamps"))).out, expected);
    let mut inside = stage.command("validate playbook.yaml");
    assert_eq!(stage.say(inside.current_dir(stage.path("stamps"))).out, expected);
}

#[test]
fn what_is_no_playbook_is_refused() {
    let stage = Stage::new();
    stage.write("empty/notes.md", "nothing");
    let missing = stage.siyu("validate nowhere");
    insta::assert_snapshot!(missing.all());
    assert_eq!(stage.siyu("validate stamps/tests/visits.yaml").status, 2);
    let empty = stage.siyu("validate empty");
    assert_eq!(empty.status, 1);
    assert!(empty.out.contains("there is no playbook.yaml"), "{}", empty.out);
    let json = stage.siyu("validate nowhere --json");
    assert_eq!(json.status, 2);
    assert!(json.json()["error"]["message"].as_str().unwrap().contains("cannot be read"));
    assert_eq!(json.err, "");
}

#[test]
fn tests_are_played_on_the_virtual_clock() {
    insta::assert_snapshot!(Stage::new().siyu("test stamps").all());
}

#[test]
fn a_failing_test_says_what_was_expected_found_and_where() {
    let stage = Stage::new();
    stage.edit("stamps/tests/visits.yaml", "contains: 3 stamps", "contains: 4 stamps");
    stage.edit("stamps/tests/visits.yaml", "outcome: stamped today", "outcome: stamped");
    insta::assert_snapshot!(stage.siyu("test stamps").all());
    let said = stage.siyu("test stamps --json");
    assert_eq!(said.status, 1);
    let json = said.json();
    assert_eq!((&json["passed"], &json["failed"]), (&0.into(), &2.into()));
    let test = &json["tests"][0];
    assert_eq!(
        (&test["ok"], &test["file"], &test["failures"][0]["line"]),
        (&false.into(), &"tests/visits.yaml".into(), &12.into())
    );
}

#[test]
fn a_test_is_chosen_by_its_name_and_one_that_expects_nothing_fails() {
    let stage = Stage::new();
    let chosen = stage.siyu("test stamps --filter second");
    assert_eq!(chosen.status, 0);
    assert_eq!(chosen.out.matches('✓').count(), 1);
    let none = stage.siyu("test stamps --filter third");
    assert_eq!(none.status, 1);
    assert!(none.err.contains("has no test whose name contains `third`"), "{}", none.err);
    stage.write(
        "stamps/tests/visits.yaml",
        "test: nothing\nat: 2026-11-21T10:00:00Z\nscript: [{ advance: 1d }]\n",
    );
    let empty = stage.siyu("test stamps");
    assert_eq!(empty.status, 1);
    assert!(empty.out.contains("the test expects nothing"), "{}", empty.out);
}

#[test]
fn a_playbook_with_faults_is_not_tested() {
    let said = broken().siyu("test stamps");
    assert_eq!(said.status, 1);
    assert!(said.out.contains("E0303"), "{}", said.out);
    assert!(!said.out.contains('✓'));
}
