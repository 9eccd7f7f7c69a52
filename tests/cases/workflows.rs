//! Every playbook under cases/workflows, played by its own tests: undisturbed, and with a crash at each commit.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::PathBuf;

fn check(name: &str) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("cases/workflows").join(name);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    if let Err(failures) = runtime.block_on(siyu_tests::play_all(&folder)) {
        panic!("{failures:#}");
    }
}

macro_rules! cases {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                check(&stringify!($name).replace('_', "-"));
            }
        )*

        #[test]
        fn every_folder_is_played() {
            let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("cases/workflows");
            let mut found: Vec<String> = std::fs::read_dir(folder)
                .unwrap()
                .map(|entry| entry.unwrap().file_name().to_string_lossy().replace('-', "_"))
                .collect();
            found.sort();
            assert_eq!(found, [$(stringify!($name)),*]);
        }
    };
}

cases! {
    branching
    consent
    faults
    ledger
    messages
    people
    stock
    triggers
    waiting
    zones
}
