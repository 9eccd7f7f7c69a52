//! `LANGUAGE.md`: every example in it is read, and none has a fault.

use siyu_workflow::{Bundle, Style, host_events};

use crate::support;

fn text() -> String {
    std::fs::read_to_string(support::crate_folder().join("LANGUAGE.md")).unwrap()
}

/// A block names its file (`yaml workflows/a.yaml`) and stands alone or on the base playbook, or it is a list of steps
/// (`yaml steps`) or what starts a workflow (`yaml on`).
fn bundle(words: &str, text: &str) -> Bundle {
    match words {
        "steps" => {
            let steps: String = text.lines().map(|line| format!("  {line}\n")).collect();
            let workflow = format!(
                "workflow: example\non: {{ event: friend.added }}\nsteps:\n  \
                 - {{ id: draw, uses: package-card-lottery/draw@1, with: {{ campaign: autumn-2026, entry: x }} }}\n  \
                 - {{ id: first, wait: {{ event: order.paid, timeout: 7d }} }}\n  \
                 - if: steps.first.timed_out\n    end: no_order\n{steps}"
            );
            support::laid_over([
                ("workflows/case.yaml".to_owned(), workflow.into_bytes()),
                (
                    "workflows/shared.yaml".to_owned(),
                    b"workflow: thank\non: { call: true }\nsteps: [end: thanked]\n".to_vec(),
                ),
            ])
        }
        "on" => {
            let workflow = format!("workflow: example\n{text}steps: [end: done]\n");
            support::with_workflow(&workflow)
        }
        path => support::laid_over([
            // Files of an overlay have one that says whose they are; the example may be that one.
            (
                if path.starts_with(".overlay/") { ".overlay/overlay.yaml" } else { "NOTES.md" }.to_owned(),
                b"overlay: a-client\nbase: steak-club\n".to_vec(),
            ),
            (path.to_owned(), text.as_bytes().to_vec()),
            (
                "workflows/call-back.yaml".to_owned(),
                b"workflow: call-back\non: { manual: true }\nsteps: [end: done]\n".to_vec(),
            ),
        ]),
    }
}

#[test]
fn every_example_is_without_a_fault() {
    let text = text();
    let blocks = support::fenced(&text, "yaml");
    assert!(blocks.len() >= 20, "{} examples", blocks.len());
    let mut wrong = Vec::new();
    for block in blocks {
        let compiled = support::compiled(&bundle(&block.words, &block.text));
        let found = compiled.diagnostics.iter().filter(|found| found.code.as_str() != "W1003");
        wrong.extend(found.map(|found| {
            format!("LANGUAGE.md:{}: {}", block.line, compiled.render_one(found, Style::Plain))
        }));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn every_event_of_the_host_is_listed_with_its_fields() {
    let text = text();
    for (name, fields) in host_events() {
        let row = text.lines().find(|line| line.starts_with(&format!("| `{name}` ")));
        let row = row.unwrap_or_else(|| panic!("{name} is not in LANGUAGE.md"));
        for (field, word) in fields {
            assert!(row.contains(&format!("{field}: {word}")), "{name}: {field}: {word}");
        }
    }
}

#[test]
fn every_function_filter_and_test_is_listed() {
    let text = text();
    let functions = siyu_model::expr::FUNCTIONS.iter().map(|entry| entry.3);
    let filters = siyu_model::expr::FILTERS.iter().map(|entry| entry.3);
    let tests = siyu_model::expr::TESTS.iter().map(|entry| entry.3);
    for words in functions.chain(filters).chain(tests) {
        let (form, _) = words.split_once(": ").unwrap_or((words, ""));
        let form = form.replace('|', "\\|");
        assert!(text.contains(&format!("`{form}`")), "{form}");
    }
}
