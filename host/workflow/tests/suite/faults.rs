//! Every case in `tests/faults`: files with faults, and what is said about them.

use std::fs;

use siyu_workflow::Style;

use crate::support;

/// Cases are Markdown: a heading that says the fact, and files in fenced blocks. The name begins with the code.
#[test]
fn every_fault_is_told_as_it_was() {
    let folder = support::crate_folder().join("tests/faults");
    let mut paths: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../faults/snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let mut count = 0;
    for path in paths.into_iter().filter(|path| path.extension().is_some_and(|end| end == "md")) {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&path).unwrap();
        let files = support::files_of(&text);
        assert!(!files.is_empty(), "{name} has no files");
        let compiled = support::compiled(&support::laid_over(files));
        let code = name.split('-').next().unwrap();
        let codes = support::codes(&compiled);
        assert!(codes.contains(&code), "{name}: found {codes:?}\n{}", compiled.render(Style::Plain));
        settings.bind(|| insta::assert_snapshot!(name.as_str(), compiled.render(Style::Plain)));
        count += 1;
    }
    assert!(count >= 45, "{count} cases");
}
