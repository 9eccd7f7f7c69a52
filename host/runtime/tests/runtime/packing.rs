//! Packing: what compilers make becomes one file with its manifest, always the same one.

use insta::assert_snapshot;
use siyu_runtime::{digest_of, pack};

use crate::support::guests::{self, Target};
use crate::support::wat::{self, Code};

fn refused(bytes: &[u8]) -> String {
    pack(bytes).expect_err("expected a refusal").to_string()
}

#[test]
fn a_core_module_becomes_a_plugin_and_packing_twice_changes_nothing() {
    let module = guests::build("siyu-misbehaving", Target::Unknown);
    let packed = pack(&module).unwrap();
    assert_eq!(packed.manifest.name.as_str(), "misbehaving");
    assert_eq!(packed.digest, digest_of(&packed.component));
    assert_eq!(pack(&module).unwrap().component, packed.component, "the same input, the same bytes");
    assert_eq!(pack(&packed.component).unwrap().component, packed.component, "packed again, the same bytes");
}

#[test]
fn a_component_of_a_standard_library_is_packed_as_it_is() {
    let component = guests::build("siyu-std-guest", Target::Wasip2);
    let packed = pack(&component).unwrap();
    assert!(packed.component.starts_with(&component));
    assert_eq!(packed.manifest.name.as_str(), "std-guest");
}

#[test]
fn what_cannot_be_packed_is_named() {
    assert_snapshot!(refused(b"text"), @r#"not WebAssembly: the file begins with 74 65 78 74, expected `\0asm`"#);
    let plain = ::wat::parse_str("(module (func (export \"f\")))").unwrap();
    assert_snapshot!(refused(&plain), @"not a plugin: it exports nothing, expected `siyu:plugin/steps@1.0.0`");
    let preview_1 = ::wat::parse_str(
        r#"(module (import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32))))"#,
    )
    .unwrap();
    assert_snapshot!(refused(&preview_1), @"the module cannot be made a component: failed to decode world from module: module was not valid: failed to resolve import `wasi_snapshot_preview1::fd_write`: module requires an import interface named `wasi_snapshot_preview1`: build it for wasm32-unknown-unknown or wasm32-wasip2 instead of wasm32-wasip1");
}

/// A component whose `describe` does this and answers a text at 2048.
fn describing(describe: &str, text: &str) -> Vec<u8> {
    let data = format!(
        r#"(data (i32.const 2000) "\00\08\00\00\{:02x}\{:02x}\00\00") (data (i32.const 2048) "{}")"#,
        text.len() & 0xff,
        text.len() >> 8,
        text.replace('"', "\\22"),
    );
    wat::component(Code {
        describe: &format!("{describe} (i32.const 2000)"),
        items: &data,
        ..Code::default()
    })
}

#[test]
fn a_describe_that_misbehaves_is_contained_and_named() {
    assert_snapshot!(refused(&describing("unreachable", "")), @"the plugin's `describe` failed: TRAP: the plugin trapped: wasm `unreachable` instruction executed in `describe`; a panic looks like this when the SDK's panic hook is not installed");
    assert_snapshot!(refused(&describing("(loop $more (br $more))", "")), @"the plugin's `describe` failed: FUEL_EXHAUSTED: the call used all of its 1000000000 fuel: it loops without end, or has more to do than a call may");
    assert_snapshot!(refused(&describing("", "not json")), @"the plugin's `describe` gave no manifest: not a manifest: expected ident at line 1 column 2");
    assert_snapshot!(refused(&describing("", "{}")), @"the plugin's `describe` gave no manifest: not a manifest: missing field `name` at line 1 column 2");
    let other = wat::MANIFEST.replace("\"contract\":\"1.0.0\"", "\"contract\":\"3.0.0\"");
    assert_snapshot!(refused(&describing("", &other)), @"the plugin's `describe` gave no manifest: plugin by-hand 1.0.0 is built for contract 3.0.0, this host speaks 1.0.0: use a plugin version built for 1.x, or a host that speaks 3.0.0");
    let packed = pack(&describing("", wat::MANIFEST)).unwrap();
    assert_eq!(packed.manifest.name.as_str(), "by-hand");
}

#[test]
fn a_module_that_ends_early_is_refused_wherever_it_ends() {
    let small =
        ::wat::parse_str(r#"(module (func (export "run")) (@custom "component-type:a" "text"))"#).unwrap();
    let real = guests::build("siyu-misbehaving", Target::Unknown);
    let ends = (0..small.len()).map(|end| &small[..end]);
    let ends = ends.chain((0..real.len()).step_by(real.len() / 200).map(|end| &real[..end]));
    for cut in ends {
        assert!(pack(cut).is_err(), "{} bytes", cut.len());
    }
    // What fuzzing found: the code section ends behind its count.
    let found = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x07\x07\x01\x03run\0\0\x0a\x04\x01";
    assert_snapshot!(refused(found), @"not a whole component: unexpected end-of-file at byte 30");
}
