//! A client's overlay over an agency's playbook: what it changes, what it cannot reach, and what people read of it.

use std::collections::BTreeMap;

use insta::assert_snapshot;
use siyu_model::json::Value;
use siyu_model::name::WorkflowName;
use siyu_model::playbook::Trigger;
use siyu_workflow::{Bundle, Compiled, Style};

use crate::support;

const HEAD: &str = "overlay: north-ranch\nbase: steak-club\n";

/// The base with an overlay of these files.
fn laid(files: &[(&str, &str)]) -> Compiled {
    let files = files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()));
    support::compiled(&support::base().with_overlay(Bundle { files: files.collect::<BTreeMap<_, _>>() }))
}

fn told(compiled: &Compiled) -> String {
    compiled.changes.iter().map(|change| format!("{change}\n")).collect()
}

#[test]
fn values_words_and_caps_are_the_clients_and_all_else_is_the_bases() {
    let base = support::compiled(&support::base()).playbook.unwrap();
    let head = format!(
        "{HEAD}title: 北牧会员\nvars: {{ brand: 北牧, levels: [5] }}\ncontact: {{ marketing_per_day: 2 }}\n"
    );
    let compiled = laid(&[
        ("overlay.yaml", &head),
        (
            "templates/words.yaml",
            "template: welcome\ntext: |\n  恭喜!您抽中了 ${{ prize }}。\n  北牧等您,券码 ${{ code | default('稍后') }}。\n",
        ),
        (
            "resources/values.yaml",
            "resource: coupon/batch@1\nname: c66\ndefine: { title: 50元券, amount_fen: 5000 }\n",
        ),
    ]);
    assert_eq!(compiled.render(Style::Plain), "");
    assert_snapshot!(told(&compiled), @r#"
title: "牛排会员" → "北牧会员"
vars.brand: "小牛" → "北牧"
vars.levels: [10,20] → [5]
contact.marketing_per_day: 1 → 2
resources.coupon/batch@1 c66.title: "66元券" → "50元券"
resources.coupon/batch@1 c66.amount_fen: 6600 → 5000
templates.welcome.text:
  - 券码 ${{ code | default('稍后发送') }},${{ vars.brand }} 等您。
  + 北牧等您,券码 ${{ code | default('稍后') }}。
"#);
    let mut client = compiled.playbook.unwrap();
    assert_ne!(client, base);
    assert_eq!(client.contact.marketing_per_day, Some(2));
    assert_eq!(client.contact.quiet_hours, base.contact.quiet_hours, "what the overlay does not name stays");
    let batch = client.resources.iter().find(|resource| resource.name.as_str() == "c66").unwrap();
    assert_eq!(batch.body.get("amount_fen"), Some(&Value::Int(5_000)));
    assert_eq!(
        batch.body.get("total"),
        Some(&Value::Int(1_000)),
        "a member that the overlay does not name stays"
    );
    // With the base's values put back, nothing is left of the overlay.
    client.title.clone_from(&base.title);
    client.vars = base.vars.clone();
    client.contact = base.contact.clone();
    client.templates.clone_from(&base.templates);
    client.resources.clone_from(&base.resources);
    assert_eq!(client, base);
}

#[test]
fn the_clients_zone_is_that_of_its_schedules() {
    let zone_of = |compiled: Compiled| {
        let playbook = compiled.playbook.unwrap();
        match &playbook.workflows[&"win-back".parse::<WorkflowName>().unwrap()].trigger {
            Trigger::Schedule { zone, .. } => zone.name().to_owned(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(zone_of(laid(&[("overlay.yaml", HEAD)])), "Asia/Shanghai");
    assert_eq!(zone_of(laid(&[("overlay.yaml", &format!("{HEAD}zone: Asia/Urumqi\n"))])), "Asia/Urumqi");
}

#[test]
fn a_definition_is_changed_member_by_member_and_a_list_as_a_whole() {
    let compiled = laid(&[
        ("overlay.yaml", HEAD),
        (
            "resources/prizes.yaml",
            "resources:\n  - resource: package-card-lottery/campaign@1\n    name: autumn-2026\n    define:\n      prizes: [{ name: 牛排, weight: 1, coupon: c66 }]\n",
        ),
    ]);
    assert_eq!(compiled.render(Style::Plain), "");
    assert_snapshot!(told(&compiled), @r#"resources.package-card-lottery/campaign@1 autumn-2026.prizes: [{"coupon":"c66","name":"66元券","weight":100}] → [{"coupon":"c66","name":"牛排","weight":1}]"#);
}

#[test]
fn a_fault_of_an_overlay_is_shown_in_the_overlays_file() {
    let compiled = laid(&[
        ("overlay.yaml", &format!("{HEAD}zone: China/Beijing\n")),
        ("templates/words.yaml", "template: welcome\ntext: 您好 ${{ prise }}\n"),
        ("resources/values.yaml", "resource: coupon/batch@1\nname: c66\ndefine: { amount_fen: 50元 }\n"),
    ]);
    assert!(compiled.playbook.is_none());
    assert_snapshot!(compiled.render(Style::Plain), @r#"
error[E0208]: `China/Beijing` is not a time zone: expected an IANA name such as Asia/Shanghai or UTC
 --> .overlay/overlay.yaml:3:7
  |
3 | zone: China/Beijing
  |       ^^^^^^^^^^^^^

error[E0310]: found `50元`, expected a whole number
 --> .overlay/resources/values.yaml:3:23
  |
3 | define: { amount_fen: 50元 }
  |                       ^^^^

error[E0413]: the template `welcome` needs `prise`
  --> workflows/parcel-card-first-order.yaml:20:11
   |
20 |   - send: welcome
   |           ^^^^^^^
   |
  ::: .overlay/templates/words.yaml:2:14
   |
 2 | text: 您好 ${{ prise }}
   |                ----- it is read here
   |
   = help: add it: with: { prise: … }

warning[W1004]: the template `welcome` does not read `prize`
  --> workflows/parcel-card-first-order.yaml:22:13
   |
22 |     with: { prize: ${{ steps.draw.prize.name }}, code: ${{ steps.coupon.code | default('') }} }
   |             ^^^^^ did you mean `prise`?

warning[W1004]: the template `welcome` does not read `code`
  --> workflows/parcel-card-first-order.yaml:22:50
   |
22 |     with: { prize: ${{ steps.draw.prize.name }}, code: ${{ steps.coupon.code | default('') }} }
   |                                                  ^^^^
   |
   = help: there are: prise

3 errors, 2 warnings
"#);
}

#[test]
fn the_same_thing_changed_twice_is_told() {
    let compiled = laid(&[
        ("overlay.yaml", HEAD),
        ("templates/a.yaml", "template: welcome\ntext: 一 ${{ prize }} ${{ code | default('') }}\n"),
        ("templates/b.yaml", "template: welcome\ntext: 二 ${{ prize }} ${{ code | default('') }}\n"),
    ]);
    assert_snapshot!(compiled.render(Style::Plain), @r#"
error[E0216]: the overlay changes `templates.welcome.text` twice
 --> .overlay/templates/b.yaml:2:1
  |
2 | text: 二 ${{ prize }} ${{ code | default('') }}
  | ^^^^

1 error
"#);
}

#[test]
fn an_overlay_alone_is_no_playbook() {
    let alone = Bundle { files: BTreeMap::from([("overlay.yaml".to_owned(), HEAD.as_bytes().to_vec())]) };
    assert_snapshot!(support::compiled(&alone).render(Style::Plain), @r#"
error[E0118]: there is no playbook.yaml
--> overlay.yaml
 = help: this folder is an overlay: name the folder of its base, and this one with --overlay

warning[W1009]: this file belongs to no playbook
--> overlay.yaml
 = help: an overlay has a folder of its own, which is named with --overlay

1 error, 1 warning
"#);
    let beside = support::laid_over([("overlay.yaml".to_owned(), HEAD.as_bytes().to_vec())]);
    assert_snapshot!(support::compiled(&beside).render(Style::Plain), @r#"
warning[W1009]: this file belongs to no playbook
--> overlay.yaml
 = help: an overlay has a folder of its own, which is named with --overlay

1 warning
"#);
}

#[test]
fn the_same_overlay_gives_the_same_playbook_and_another_one_another() {
    let of = |brand: &str| {
        let head = format!("{HEAD}vars: {{ brand: {brand} }}\n");
        laid(&[("overlay.yaml", &head)]).playbook.unwrap()
    };
    assert_eq!(of("北牧"), of("北牧"));
    assert_ne!(of("北牧"), of("南牧"));
}

#[test]
fn an_overlay_of_thousands_of_members_is_laid_over_one_of_thousands() {
    let members = |value: u32| (0..9_000).map(|n| format!("  v{n}: {value}\n")).collect::<String>();
    let mut base = support::base();
    let playbook = String::from_utf8(base.files["playbook.yaml"].clone()).unwrap();
    let playbook = playbook.replace("vars: { brand: 小牛,", "vars:\n").replacen(
        " campaign: autumn-2026, levels: [10, 20] }",
        "",
        1,
    );
    let vars = format!("vars:\n  brand: 小牛\n  campaign: autumn-2026\n{}", members(1));
    base.files.insert("playbook.yaml".to_owned(), playbook.replace("vars:\n", &vars).into_bytes());
    let overlay = format!("{HEAD}vars:\n{}", members(2)).into_bytes();
    let overlay = Bundle { files: BTreeMap::from([("overlay.yaml".to_owned(), overlay)]) };
    let compiled = support::compiled(&base.with_overlay(overlay));
    assert_eq!(compiled.render(Style::Plain), "");
    assert_eq!(compiled.changes.len(), 9_000);
}
