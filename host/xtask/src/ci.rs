//! `cargo xtask ci`: what has to hold for every commit, the tests apart.

use crate::commands::{self, cargo, part};

/// Format, lints with warnings denied, documentation without broken links.
pub(crate) fn run() -> anyhow::Result<()> {
    part("format", || commands::run(cargo().args(["fmt", "--all", "--check"])))?;
    part("lints", || {
        commands::run(cargo().args([
            "clippy",
            "--workspace",
            "--all-targets",
            "--quiet",
            "--",
            "-D",
            "warnings",
        ]))
    })?;
    part("documentation", || {
        let flags = "-D warnings";
        commands::run(cargo().args(["doc", "--workspace", "--no-deps", "--quiet"]).env("RUSTDOCFLAGS", flags))
    })
}
