//! What callers get: diagnostics as data, plugins' findings in the operator's file, folders that are read.

use std::fs;
use std::path::PathBuf;

use siyu_model::plugin::{CapabilitySet, Finding, Manifest};
use siyu_workflow::{Bundle, BundleError, Style, compile};

use crate::support::{self, Plugins};

#[test]
fn a_diagnostic_is_data() {
    let compiled = support::compiled(&support::with_workflow(
        "workflow: case\non: { event: order.paid }\nsteps:\n  - id: 订单\n    wait: { event: order.paid, timout: 7d }\n",
    ));
    let json = serde_json::to_string_pretty(&compiled.diagnostics).unwrap();
    insta::assert_snapshot!("diagnostics_as_json", json);
}

#[test]
fn twenty_are_shown_and_the_rest_is_counted() {
    let steps: String = (0..60).map(|n| format!("  - usess{n}: x\n")).collect();
    let text = format!("workflow: case\non: {{ call: true }}\nsteps:\n{steps}");
    let compiled = support::compiled(&support::with_workflow(&text));
    let shown = compiled.render(Style::Plain);
    assert_eq!(shown.matches("error[E0211]").count(), 20);
    assert!(shown.contains("… and 40 more"), "{shown}");
    assert!(shown.ends_with("60 errors\n"), "{shown}");
}

#[test]
fn errors_are_not_lost_behind_warnings() {
    let waits = "  - wait: { event: order.paid }\n".repeat(400);
    let text = format!(
        "workflow: case\non: {{ event: order.paid }}\nsteps:\n{waits}  - set: {{ a: '${{{{ nothing }}}}' }}\n"
    );
    let compiled = support::compiled(&support::with_workflow(&text));
    assert_eq!(support::codes(&compiled)[0], "E0402");
    assert!(compiled.playbook.is_none() && compiled.dropped > 0);
}

#[test]
fn a_finding_of_a_plugin_stands_in_the_operators_file() {
    let mut compiled = support::compiled(&support::base());
    let finding = |pointer: &str, is_error| Finding {
        pointer: pointer.to_owned(),
        is_error,
        code: "WEIGHTS".to_owned(),
        message: "the weights add up to 100, expected 10000".to_owned(),
    };
    let of = |compiled: &siyu_workflow::Compiled, finding: &Finding| {
        let (plugin, kind, name) = ("package-card-lottery", "campaign", "autumn-2026");
        compiled.finding(&plugin.parse().unwrap(), &kind.parse().unwrap(), &name.parse().unwrap(), finding)
    };
    let warning = of(&compiled, &finding("/prizes/0/weight", false));
    insta::assert_snapshot!("finding", compiled.render_one(&warning, Style::Plain));
    // A pointer that leads nowhere ends at the last part that is there.
    let far = of(&compiled, &finding("/prizes/7/nothing", true));
    assert_eq!((far.line, far.code.as_str()), (10, "E0314"));

    compiled.add(warning);
    assert!(compiled.playbook.is_some() && !compiled.has_errors());
    compiled.add(far);
    assert!(compiled.playbook.is_none() && compiled.has_errors());
    assert_eq!(support::codes(&compiled), ["E0314", "W1021"]);
}

#[test]
fn a_finding_about_an_unknown_definition_is_no_panic() {
    let compiled = support::compiled(&support::base());
    let finding =
        Finding { pointer: "/x".to_owned(), is_error: true, code: "X".to_owned(), message: "y".to_owned() };
    let found =
        compiled.finding(&"a".parse().unwrap(), &"b".parse().unwrap(), &"c".parse().unwrap(), &finding);
    assert_eq!(found.file, "playbook.yaml");
    assert!(compiled.render_one(&found, Style::Coloured).contains("E0314"));
}

#[test]
fn what_a_component_imports_counts_whatever_its_manifest_says() {
    let manifest = Manifest::from_json(include_str!("../plugins/tagging.json")).unwrap();
    let mut plugins = Plugins::usual();
    let imports: CapabilitySet = siyu_model::plugin::Capability::OF_STEPS.into_iter().collect();
    plugins.add_importing(manifest, imports);
    let compiled = compile(&support::base(), &plugins);
    assert_eq!(support::codes(&compiled), ["E0306"]);
    assert!(compiled.render(Style::Plain).contains("imported by its component, which gives no reason"));
}

#[test]
fn the_same_files_give_the_same_version_and_a_change_gives_another() {
    let digest = |bundle: &Bundle| support::compiled(bundle).playbook.unwrap().digest();
    let base = support::base();
    assert_eq!(digest(&base), digest(&base.clone()));
    let mut changed = base.clone();
    let text = String::from_utf8(changed.files["templates/reminder.yaml"].clone()).unwrap();
    changed.files.insert("templates/reminder.yaml".to_owned(), text.replace("到期", "过期").into_bytes());
    assert_ne!(digest(&base), digest(&changed));
}

/// A folder of its own for a test.
fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(folder.join("workflows")).unwrap();
    fs::write(folder.join("playbook.yaml"), "playbook: a\n").unwrap();
    folder
}

#[test]
fn a_folder_is_read_without_what_is_hidden_and_what_is_not_its_own() {
    let folder = folder("read");
    fs::create_dir_all(folder.join(".git/objects")).unwrap();
    fs::create_dir_all(folder.join("workflows/deep/deeper")).unwrap();
    for (path, text) in [
        (".git/config", "secret"),
        ("workflows/a.yaml", "workflow: a"),
        ("workflows/.b.yaml.swp", "x"),
        ("workflows/deep/deeper/c.yaml", "x"),
        ("notes.txt", "of no playbook"),
        ("README.md", "# a"),
    ] {
        fs::write(folder.join(path), text).unwrap();
    }
    let bundle = Bundle::read(&folder).unwrap();
    let files: Vec<(&str, usize)> =
        bundle.files.iter().map(|(path, bytes)| (path.as_str(), bytes.len())).collect();
    let expected = [
        ("README.md", 0),
        ("notes.txt", 0),
        ("playbook.yaml", 12),
        ("workflows/a.yaml", 11),
        ("workflows/deep/", 0),
    ];
    assert_eq!(files, expected, "only what a playbook is made of has content");
    let codes = support::codes(&support::compiled(&bundle));
    assert_eq!(codes.iter().filter(|code| **code == "W1009").count(), 2, "notes.txt and workflows/deep/");
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_out_of_the_folder_is_refused() {
    let folder = folder("links");
    std::os::unix::fs::symlink(folder.join("playbook.yaml"), folder.join("workflows/inside.yaml")).unwrap();
    assert!(Bundle::read(&folder).is_ok(), "a link inside is like a file");
    std::os::unix::fs::symlink("/etc/passwd", folder.join("workflows/outside.yaml")).unwrap();
    assert!(matches!(Bundle::read(&folder), Err(BundleError::Outside { .. })));
}

#[test]
fn a_folder_that_is_too_large_is_not_read_to_its_end() {
    let many = folder("many");
    for number in 0..1_001 {
        fs::write(many.join(format!("workflows/{number}.yaml")), "x").unwrap();
    }
    assert!(matches!(Bundle::read(&many), Err(BundleError::TooMany { .. })));
    let large = folder("large");
    for number in 0..10 {
        fs::write(large.join(format!("workflows/{number}.yaml")), vec![b'#'; 3 << 20]).unwrap();
    }
    assert!(matches!(Bundle::read(&large), Err(BundleError::TooLarge { .. })));
    let message = Bundle::read(&large.join("nowhere")).unwrap_err().to_string();
    assert!(message.contains("nowhere"), "{message}");
}
