//! What ships with the program holds what it says: every playbook is valid without a warning and passes its tests, and so does
//! every client's overlay over its base.

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

/// The folders of a folder that hold a file of this name.
fn folders(inside: &Path, head: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(inside).expect("a folder");
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    folders.retain(|folder| folder.join(head).is_file());
    folders.sort();
    folders
}

/// Calls the program about a playbook; gives the JSON that it answered, and whether it found nothing wrong.
fn ask(command: &str, playbook: &Path, overlay: Option<&Path>) -> (serde_json::Value, bool) {
    let data = tempfile::tempdir().expect("a folder");
    let mut siyu = Command::new(env!("CARGO_BIN_EXE_siyu"));
    siyu.arg("--data").arg(data.path()).arg("--plugins").arg(support::plugins()).args(["--json", command]);
    siyu.arg(playbook);
    if let Some(overlay) = overlay {
        siyu.arg("--overlay").arg(overlay);
    }
    let output = siyu.output().expect("siyu starts");
    let said = String::from_utf8_lossy(&output.stdout);
    let json = serde_json::from_str(&said)
        .unwrap_or_else(|why| panic!("{why}: {said}{}", String::from_utf8_lossy(&output.stderr)));
    (json, output.status.success())
}

#[test]
fn every_playbook_is_valid_without_a_warning_and_passes_its_tests() {
    let playbooks = folders(&support::playbook(""), "playbook.yaml");
    assert!(!playbooks.is_empty(), "no playbooks");
    for playbook in playbooks {
        let (said, is_fine) = ask("validate", &playbook, None);
        assert!(is_fine && said["diagnostics"].as_array().is_some_and(Vec::is_empty), "{said:#}");
        let (said, is_fine) = ask("test", &playbook, None);
        assert!(is_fine && said["passed"].as_u64() > Some(0), "{said:#}");
    }
}

#[test]
fn every_overlay_changes_its_base_without_a_warning() {
    let overlays = folders(&support::playbook("clients"), "overlay.yaml");
    assert!(!overlays.is_empty(), "no overlays");
    for overlay in overlays {
        let text = std::fs::read_to_string(overlay.join("overlay.yaml")).expect("overlay.yaml");
        let base = text.lines().find_map(|line| line.strip_prefix("base: ")).expect("a base");
        let (said, is_fine) = ask("validate", &support::playbook(base), Some(&overlay));
        assert!(is_fine && said["diagnostics"].as_array().is_some_and(Vec::is_empty), "{said:#}");
        assert!(said["overlay_changes"].as_array().is_some_and(|changes| !changes.is_empty()), "{said:#}");
    }
}
