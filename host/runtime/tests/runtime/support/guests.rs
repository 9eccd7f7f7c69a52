//! Builds guests: once a process, into a target folder of their own, and packed like an author would pack them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use siyu_runtime::pack;

/// What a guest is compiled for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Target {
    /// No system at all.
    Unknown,
    /// A standard library on WASI preview 2.
    Wasip2,
}

impl Target {
    fn triple(self) -> &'static str {
        match self {
            Self::Unknown => "wasm32-unknown-unknown",
            Self::Wasip2 => "wasm32-wasip2",
        }
    }
}

/// The guest `tests/misbehaving`, packed.
pub(crate) fn misbehaving() -> &'static [u8] {
    static PACKED: LazyLock<Vec<u8>> = LazyLock::new(|| packed("siyu-misbehaving", Target::Unknown));
    &PACKED
}

/// The guest `tests/std-guest`, packed.
pub(crate) fn std_guest() -> &'static [u8] {
    static PACKED: LazyLock<Vec<u8>> = LazyLock::new(|| packed("siyu-std-guest", Target::Wasip2));
    &PACKED
}

/// The SDK's template, packed: what an author has after an hour.
pub(crate) fn stamp_card() -> &'static [u8] {
    static PACKED: LazyLock<Vec<u8>> = LazyLock::new(|| packed("siyu-plugin-template", Target::Unknown));
    &PACKED
}

/// A guest, packed.
pub(crate) fn packed(package: &str, target: Target) -> Vec<u8> {
    let built = build(package, target);
    match pack(&built) {
        Ok(packed) => packed.component,
        Err(fault) => panic!("{package} cannot be packed: {fault}"),
    }
}

/// Builds a package of this workspace and gives back what the compiler made.
///
/// The folder is beside the one that the tests are built in, so the two builds do not wait for each other.
pub(crate) fn build(package: &str, target: Target) -> Vec<u8> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("host/runtime");
    let folder = guests_dir();
    let status = Command::new(env!("CARGO"))
        .current_dir(workspace)
        .args(["build", "--quiet", "--profile", "plugin", "--package", package])
        .args(["--target", target.triple(), "--target-dir"])
        .arg(&folder)
        // A guest is not built with the flags of the tests, such as those of coverage.
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .status()
        .expect("cargo runs");
    assert!(status.success(), "{package} does not build for {}", target.triple());
    let file = format!("{}.wasm", package.replace('-', "_"));
    let path = folder.join(target.triple()).join("plugin").join(file);
    std::fs::read(&path).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()))
}

fn guests_dir() -> PathBuf {
    // `CARGO_TARGET_TMPDIR` is set for tests and not for examples.
    let tmp = option_env!("CARGO_TARGET_TMPDIR").map(PathBuf::from);
    tmp.unwrap_or_else(std::env::temp_dir).join("siyu-guests")
}
