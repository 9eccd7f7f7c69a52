//! An agency's playbook with a client's overlay: checked, tested and published as one.

use insta::assert_snapshot;

use crate::stage::Stage;

const HEAD: &str = "overlay: north-ranch\nbase: stamps\ntitle: 北牧集点卡\n";

/// The playbook `stamps` and a client's overlay.
fn with_client() -> Stage {
    let stage = Stage::new();
    stage.write("north/overlay.yaml", HEAD);
    stage.write(
        "north/resources/cards.yaml",
        "resource: stamp-card/card@1\nname: coffee\ndefine: { stamps: 2 }\n",
    );
    stage.write("north/templates/gift.yaml", "template: gift\ntext: \"${{ stamps }} 个章:下一杯北牧请。\"\n");
    stage.write(
        "north/tests/visits.yaml",
        "tests:\n  - test: Two visits fill the client's card\n    at: 2026-11-21T10:00:00+08:00\n    customer: shop:1\n    \
         script:\n      - event: { type: visit.made, data: { shop: a } }\n      - advance: 1d\n      \
         - event: { type: visit.made, data: { shop: a } }\n      \
         - expect:\n          - { messages: gift, count: 1, contains: 北牧请 }\n",
    );
    stage
}

#[test]
fn what_an_overlay_changes_is_shown_before_it_is_published() {
    let stage = with_client();
    assert_snapshot!(stage.siyu("validate stamps --overlay north").all(), @r#"
exit 0
--- out
The overlay changes:
  title: "Stamp cards" → "北牧集点卡"
  resources.stamp-card/card@1 coffee.stamps: 3 → 2
  templates.gift.text: "You have ${{ stamps }} stamps: the next coffee is on us." → "${{ stamps }} 个章:下一杯北牧请。"
stamps is valid: 1 workflow, 1 resource, 1 template, 3 tests
--- err
"#);
    let changes =
        &stage.siyu("validate stamps --overlay north/overlay.yaml --json").json()["overlay_changes"];
    assert_eq!(
        changes[1],
        serde_json::json!({ "place": "resources.stamp-card/card@1 coffee.stamps", "before": 3, "after": 2 })
    );
}

#[test]
fn the_tests_of_the_client_run_beside_those_of_the_base() {
    let said = with_client().siyu("test stamps --overlay north --filter client's");
    assert_eq!(said.status, 0, "{}", said.all());
    // What the base's tests expect is not what the client gets.
    let said = with_client().siyu("test stamps --overlay north --filter Three");
    assert_eq!(said.status, 1, "{}", said.all());
}

#[test]
fn base_and_overlay_are_one_version_and_what_the_clients_customers_get() {
    let stage = with_client();
    assert_eq!(stage.siyu("publish stamps").status, 0);
    let published = stage.siyu("publish stamps --overlay north");
    assert_snapshot!(published.all(), @r#"
exit 0
--- out
The overlay changes:
  title: "Stamp cards" → "北牧集点卡"
  resources.stamp-card/card@1 coffee.stamps: 3 → 2
  templates.gift.text: "You have ${{ stamps }} stamps: the next coffee is on us." → "${{ stamps }} 个章:下一杯北牧请。"
published stamps SHORT
  changed resource stamp-card/card coffee
  changed template gift
  changed title
--- err
"#);
    let again = stage.siyu("publish stamps --overlay north --json").json();
    assert_eq!(again["unchanged"], true);
    // Without the overlay it is the base again.
    let base = stage.siyu("publish stamps --json").json();
    assert_eq!((&base["unchanged"], &base["overlay_changes"]), (&false.into(), &serde_json::json!([])));
}

#[test]
fn an_overlay_that_cannot_be_read_or_belongs_elsewhere_publishes_nothing() {
    let stage = with_client();
    assert_snapshot!(stage.siyu("publish stamps --overlay south").all(), @r#"
exit 2
--- out
--- err
error: the overlay cannot be read: south: No such file or directory (os error 2)
help: name the folder that holds overlay.yaml
"#);
    stage.write("north/overlay.yaml", HEAD.replace("stamps", "noodles"));
    assert_snapshot!(stage.siyu("publish stamps --overlay north").all(), @r#"
exit 1
--- out
error[E0602]: an overlay for playbook `noodles`, this one is `stamps`
 --> .overlay/overlay.yaml:2:7
  |
2 | base: noodles
  |       ^^^^^^^

1 error
nothing was published
--- err
"#);
    assert_snapshot!(stage.siyu("validate north").all(), @r#"
exit 1
--- out
error[E0118]: there is no playbook.yaml
--> overlay.yaml
 = help: this folder is an overlay: name the folder of its base, and this one with --overlay

error[E0202]: a template without `class`
 --> templates/gift.yaml:1:1
  |
1 | template: gift
  | ^^^^^^^^

warning[W1009]: this file belongs to no playbook
--> overlay.yaml
 = help: an overlay has a folder of its own, which is named with --overlay

2 errors, 1 warning
--- err
"#);
}
