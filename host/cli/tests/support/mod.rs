//! The real program and the real plugins, for tests that use both.
#![allow(dead_code, reason = "each test file uses a part")]

pub(crate) mod packed;
pub(crate) mod served;

use std::path::{Path, PathBuf};
use std::process::Command;

/// The repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A playbook of the repository.
pub(crate) fn playbook(name: &str) -> PathBuf {
    root().join("workflows").join(name)
}

/// The packed plugins, as `cargo xtask plugins` leaves them beside the program.
///
/// # Panics
/// When they are not there.
pub(crate) fn plugins() -> PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_siyu"));
    let target =
        program.ancestors().nth(2).expect("the program lies in a profile's folder of the target folder");
    let plugins = target.join("plugins");
    assert!(plugins.is_dir(), "{} is not there: `cargo xtask plugins` makes it", plugins.display());
    plugins
}

/// The program, on a data folder, with the repository's plugins.
pub(crate) fn siyu(data: &Path) -> Command {
    let mut siyu = Command::new(env!("CARGO_BIN_EXE_siyu"));
    siyu.env_remove("SIYU_DATA").arg("--data").arg(data).arg("--plugins").arg(plugins());
    siyu
}

/// A number from the environment.
pub(crate) fn number(name: &str, otherwise: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name}={text}: expected a number")),
        Err(_) => otherwise,
    }
}
