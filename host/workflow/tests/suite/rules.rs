//! Every code has a page, and what a page shows as wrong is found wrong under that code.

use std::collections::BTreeSet;
use std::fs;

use siyu_workflow::{Bundle, RULES, Severity, Style, explain};

use crate::support::{self, Plugins};

/// What cannot be written down in a page: the bytes for its example.
fn generated(code: &str) -> Option<Bundle> {
    let workflow = |bytes: Vec<u8>| support::laid_over([("workflows/case.yaml".to_owned(), bytes)]);
    Some(match code {
        "E0101" => workflow(vec![b'#'; (1 << 20) + 1]),
        "E0102" => workflow(b"workflow: \xb4\xba\n".to_vec()),
        "E0103" => workflow(b"workflow: a\0b\n".to_vec()),
        "E0104" => workflow(b"\xef\xbb\xbfworkflow: a\n".to_vec()),
        "E0108" => workflow("[".repeat(200_000).into_bytes()),
        "E0109" => workflow("- x\n".repeat(60_000).into_bytes()),
        "E0115" => workflow(b"# nothing yet\n".to_vec()),
        "E0117" => {
            let files = (0..1_001).map(|number| (format!("workflows/w{number}.yaml"), Vec::new()));
            support::laid_over(files)
        }
        "E0118" => {
            let mut bundle = support::base();
            bundle.files.remove("playbook.yaml");
            bundle
        }
        "E0510" => {
            let steps = "  - set: { a: 1 }\n".repeat(1_001);
            workflow(format!("workflow: w\non: {{ manual: true }}\nsteps:\n{steps}").into_bytes())
        }
        _ => return None,
    })
}

/// What needs a plugin that is not among the usual ones.
fn plugins(code: &str) -> Plugins {
    let mut plugins = Plugins::usual();
    if code == "E0313" {
        plugins.add(
            &include_str!("../plugins/tagging.json").replace("\"type\": \"array\"", "\"type\": \"lots\""),
        );
    }
    plugins
}

#[test]
fn what_a_page_shows_as_wrong_is_found_wrong() {
    for rule in RULES {
        let code = rule.code.as_str();
        // Findings of plugins come from outside of this crate.
        if ["E0314", "W1021"].contains(&code) {
            continue;
        }
        let bundle = generated(code).unwrap_or_else(|| {
            let files = support::files_of(rule.page);
            assert!(!files.is_empty(), "{code}: no example");
            support::laid_over(files)
        });
        let compiled = siyu_workflow::compile(&bundle, &plugins(code));
        let codes = support::codes(&compiled);
        assert!(codes.contains(&code), "{code}: found {codes:?}\n{}", compiled.render(Style::Plain));
        let is_error = rule.code.severity() == Severity::Error;
        assert_eq!(compiled.playbook.is_none(), compiled.has_errors(), "{code}");
        assert!(!is_error || compiled.playbook.is_none(), "{code}");
    }
}

#[test]
fn every_page_has_its_parts_and_every_file_its_rule() {
    let mut known = BTreeSet::new();
    for rule in RULES {
        let code = rule.code.as_str();
        assert!(known.insert(format!("{code}.md")), "{code} twice");
        assert!(rule.page.starts_with(&format!("# {code}: ")), "{code}: heading");
        assert!(rule.title().len() >= 8, "{code}: title");
        for part in ["\n## Example\n", "\n## What to do\n"] {
            assert!(rule.page.contains(part), "{code}: {part}");
        }
        assert_eq!(explain(&code.to_lowercase()), Some(rule.page));
    }
    for entry in fs::read_dir(support::crate_folder().join("rules")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(known.contains(&name), "rules/{name} belongs to no rule");
    }
    assert_eq!(explain("E9999"), None);
}
