//! `cargo xtask fixture`: a tenant of the newest schema version is kept, so that every later program can be seen to open it.

use crate::commands::{self, cargo};

/// Makes the fixture of the newest version under `tests/fixtures`, once.
pub(crate) fn run() -> anyhow::Result<()> {
    commands::run(cargo().args(["run", "--quiet", "--package", "siyu-tests", "--example", "fixture"]))
}
