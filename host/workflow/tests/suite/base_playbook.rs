//! The base playbook compiles without a word, and to what it says.

use siyu_workflow::Style;

use crate::support;

#[test]
fn the_base_playbook_is_without_fault() {
    let compiled = support::compiled(&support::base());
    assert_eq!(compiled.render(Style::Plain), "");
    assert!(compiled.playbook.is_some());
}
