//! Components: what the SDK makes of a plugin, packed and run by the host's own runtime.

mod shop;

use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use siyu_engine::ports::plugins::Plugins;
use siyu_model::plugin::{Capability, HostFault};
use siyu_plugin::fake::Host;
use siyu_plugin::prelude::*;
use siyu_runtime::{Allocation, CacheKey, Compiler, Packed, Runtime, RuntimeConfig, pack};
use wasmparser::{ComponentExternalKind, Parser, Payload};

/// Builds a package for `wasm32-unknown-unknown` as the README says; what the compiler made.
fn build(package: &str, features: &str) -> Vec<u8> {
    // What is built with other features has the same file name.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    // A folder beside the one that this test was built in, which may be locked; guests of other tests are in it as well.
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("siyu-guests");
    let status = Command::new(env!("CARGO"))
        .current_dir(workspace)
        .args(["build", "--quiet", "--profile", "plugin", "--target", "wasm32-unknown-unknown"])
        .args(["--package", package, "--features", features, "--target-dir"])
        .arg(&folder)
        // A component is not built with the flags of the tests, such as those of coverage.
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .status()
        .expect("cargo runs");
    assert!(status.success(), "{package} does not build");
    let file = format!("{}.wasm", package.replace('-', "_"));
    let path = folder.join("wasm32-unknown-unknown/plugin").join(file);
    std::fs::read(&path).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()))
}

fn packed(package: &str, features: &str) -> Packed {
    pack(&build(package, features)).unwrap_or_else(|fault| panic!("{package}: {fault}"))
}

fn runtime() -> Runtime {
    Runtime::new(RuntimeConfig {
        cache_dir: None,
        key: CacheKey::new([7; 32]),
        compiler: Compiler::InProcess,
        allocation: Allocation::OnDemand { calls_max: 1 },
    })
    .expect("a runtime")
}

/// Names of the interfaces that a component exports.
fn exports(component: &[u8]) -> Vec<String> {
    let mut names = Vec::new();
    for payload in Parser::new(0).parse_all(component) {
        // Exports of components inside have no version in their names.
        if let Payload::ComponentExportSection(section) = payload.expect("a component") {
            let exports = section.into_iter().map(|export| export.expect("an export"));
            let instances = exports.filter(|export| export.kind == ComponentExternalKind::Instance);
            names.extend(instances.map(|export| export.name.name.to_owned()));
        }
    }
    names.retain(|name| name.starts_with("siyu:plugin/") && name.contains('@'));
    names.sort();
    names
}

#[test]
fn a_component_describes_itself_as_its_tests_do_and_says_where_it_panics() {
    let packed = packed("siyu-sdk-guest", "");
    assert_eq!(&packed.manifest, Host::of::<shop::Plugin>().manifest());
    assert_eq!(exports(&packed.component), ["siyu:plugin/resource-kinds@1.0.0", "siyu:plugin/steps@1.0.0"]);

    let runtime = runtime();
    let digest = runtime.load(&packed.component).expect("it loads").digest;
    assert_eq!(runtime.imports(&digest), Some(Capability::OF_STEPS.into_iter().collect()));
    let check = |name: &str, definition: &serde_json::Value| {
        runtime.check_resource(&digest, "shelf", name, &definition.to_string())
    };

    let found = check("cup", &json!({ "stock": 0, "ttl": "10m", "colour": "red" })).expect("an answer");
    assert_eq!((found[0].pointer.as_str(), found[0].code.as_str()), ("/colour", "DEFINITION"));
    assert!(check("impure", &json!({ "stock": 1, "ttl": "1h" })).expect("an answer").is_empty());

    let fault = check("panic", &json!({ "stock": 1, "ttl": "1h" })).expect_err("a panic");
    assert!(fault.is_host(HostFault::GuestPanic), "{fault}");
    assert!(fault.message.contains("shop/mod.rs:"), "{fault}");
    assert!(fault.message.ends_with("no shelf is called panic"), "{fault}");
}

#[test]
fn a_document_of_64_levels_fits_the_stack_and_256_kib_fit_the_memory() {
    let runtime = runtime();
    let digest = runtime.load(&packed("siyu-sdk-guest", "").component).expect("it loads").digest;
    let definition = |more: &str| format!(r#"{{"stock":1,"ttl":"1h","more":{more}}}"#);
    let lists = definition(&format!("{}{}", "[".repeat(63), "]".repeat(63)));
    let objects = definition(&format!("{}1{}", r#"{"a":"#.repeat(63), "}".repeat(63)));
    let long = definition(&format!("\"{}\"", "牛".repeat(80_000)));
    for definition in [lists, objects, long] {
        let found = runtime.check_resource(&digest, "shelf", "cup", &definition);
        assert_eq!(found.map(|found| found.len()), Ok(0));
    }
}

#[test]
fn a_component_imports_what_it_uses_and_begins_with_little_memory() {
    let module = build("siyu-plugin-template", "");
    let mut pages = None;
    for payload in Parser::new(0).parse_all(&module) {
        if let Payload::MemorySection(section) = payload.expect("a module") {
            pages = section.into_iter().next().map(|memory| memory.expect("a memory").initial);
        }
    }
    // 256 KiB of stack, 512 KiB of arena, and data: what a fresh call is made of. 1 MiB of stack alone would be 16.
    let pages = pages.expect("a memory");
    assert!(pages <= 16, "{pages} pages of 64 KiB");
    assert!(module.len() < 320 << 10, "{} bytes", module.len());

    let runtime = runtime();
    let digest = runtime.load(&pack(&module).expect("it packs").component).expect("it loads").digest;
    let used = [
        Capability::Log,
        Capability::Context,
        Capability::Records,
        Capability::Counters,
        Capability::Events,
        Capability::Resources,
    ];
    assert_eq!(runtime.imports(&digest), Some(used.into_iter().collect()));
}

#[test]
fn a_plugin_without_kinds_of_resource_exports_steps_alone() {
    let packed = packed("siyu-sdk-guest", "steps-only");
    assert_eq!(exports(&packed.component), ["siyu:plugin/steps@1.0.0"]);
    assert_eq!(packed.manifest.name.as_str(), "nothing");
}
