//! Plugins of this workspace as they are shipped, and what a host needs beside them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// A plugin folder with one plugin, built from a package and packed by the program.
///
/// # Panics
/// When it does not build.
pub(crate) fn packed(folder: &Path, plugin: (&str, &str)) -> PathBuf {
    packed_with(folder, plugin, None)
}

/// The same, built with a feature of its package, in a folder of its own: tests that run at once do not pack what another built.
///
/// # Panics
/// When it does not build.
pub(crate) fn packed_with(folder: &Path, (package, name): (&str, &str), feature: Option<&str>) -> PathBuf {
    let workspace =
        Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("host/cli lies two folders below");
    let built = feature.map_or_else(|| "siyu-guests".to_owned(), |feature| format!("siyu-guests-{feature}"));
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join(built);
    let status = Command::new(env!("CARGO"))
        .current_dir(workspace)
        .args(["build", "--quiet", "--profile", "plugin", "--lib", "--package", package])
        .args(["--target", "wasm32-unknown-unknown", "--target-dir"])
        .arg(&target)
        .args(feature.into_iter().flat_map(|feature| ["--features", feature]))
        // A guest is not built with the flags of the tests, such as those of coverage.
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .status()
        .expect("cargo runs");
    assert!(status.success(), "{package} does not build");
    let plugins = folder.join("plugins");
    fs::create_dir_all(&plugins).expect("a folder can be made");
    let module = target.join(format!("wasm32-unknown-unknown/plugin/{}.wasm", package.replace('-', "_")));
    let mut pack = Command::new(env!("CARGO_BIN_EXE_siyu"));
    pack.args(["plugins", "pack"]).arg(module).arg("--output").arg(plugins.join(format!("{name}.wasm")));
    let packed = pack.output().expect("the program runs");
    assert!(packed.status.success(), "{}", String::from_utf8_lossy(&packed.stderr));
    plugins
}

/// A key under which secrets are sealed, in a file.
///
/// # Panics
/// When it cannot be made.
pub(crate) fn make_key(file: &Path) {
    let made = Command::new(env!("CARGO_BIN_EXE_siyu")).args(["secrets", "key"]).arg(file).output();
    let made = made.expect("the program runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

/// The program on the folder `data` in this one, with packed plugins that may reach a peer, and the key that [`make_key`] left in `keys`.
pub(crate) fn program(folder: &Path, plugins: &Path, peer: &str) -> Command {
    let mut siyu = Command::new(env!("CARGO_BIN_EXE_siyu"));
    siyu.env_remove("SIYU_DATA").arg("--data").arg(folder.join("data")).arg("--plugins").arg(plugins);
    siyu.args(["--allow-host", peer]).arg("--secrets-key-file").arg(folder.join("keys"));
    siyu
}

/// What the program says as JSON.
///
/// # Panics
/// When it fails, with all that it says.
pub(crate) fn says(mut program: Command, args: &[&str]) -> Value {
    let done = program.arg("--json").args(args).output().expect("siyu runs");
    let (out, err) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{args:?}: {out} {err}");
    serde_json::from_str(&out).unwrap_or_else(|fault| panic!("{args:?}: {fault}: {out}"))
}
