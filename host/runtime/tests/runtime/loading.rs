//! Loading: what is not a plugin of this host is refused in words, before anything of it is compiled or run.

use insta::assert_snapshot;
use siyu_engine::ports::plugins::Plugins;
use siyu_model::digest::PluginDigest;
use siyu_model::plugin::{CapabilitySet, HostFault};

use crate::support::double::Recorder;
use crate::support::wat::{self, Code};
use crate::support::{MISBEHAVING, RUNTIME, call_with, guests, is, small};

fn refused(bytes: &[u8]) -> String {
    RUNTIME.load(bytes).expect_err("expected a refusal").to_string()
}

/// A component of a world, written as WIT.
fn of(world: &str, more: &str) -> Vec<u8> {
    wat::with_manifest(&wat::of_world(&format!("package a:b; {world} {more}"), "w"), wat::MANIFEST)
}

#[test]
fn what_is_not_a_component_is_named() {
    assert_snapshot!(refused(b""), @r#"not WebAssembly: the file begins with nothing: it is empty, expected `\0asm`"#);
    assert_snapshot!(refused(b"#!/bin/sh\nrm -rf /"), @r#"not WebAssembly: the file begins with 23 21 2f 62 69 6e 2f 73, expected `\0asm`"#);
    assert_snapshot!(refused(b"\0asm"), @"not a whole component: unexpected end-of-file at byte 4");
    let core = ::wat::parse_str("(module)").unwrap();
    assert_snapshot!(refused(&core), @"a core module of WebAssembly, expected a component: pack it first");
    assert_snapshot!(refused(&vec![0; (32 << 20) + 1]), @"the file has 33554433 bytes, a component has at most 33554432");
}

#[test]
fn a_component_cut_anywhere_is_refused() {
    let whole = wat::plugin(Code::default());
    for length in 0..whole.len() {
        assert!(RUNTIME.load(&whole[..length]).is_err(), "cut at {length}");
    }
    assert_snapshot!(refused(&whole[..whole.len() / 2]), @"not a whole component: unexpected end-of-file at byte 1092");
}

#[test]
fn a_component_with_a_changed_byte_is_refused_or_is_another_component() {
    let whole = wat::plugin(Code::default());
    let digest = RUNTIME.load(&whole).unwrap().digest;
    for place in (8..whole.len()).step_by(7) {
        let mut changed = whole.clone();
        changed[place] ^= 0x41;
        if let Ok(loaded) = RUNTIME.load(&changed) {
            assert_ne!(loaded.digest, digest);
            let report = call_with(&RUNTIME, &loaded.digest, ("", ""), &small(), Recorder::kind());
            assert!(report.host.into_any().is::<Recorder>());
            RUNTIME.unload(&loaded.digest);
        }
    }
}

#[test]
fn code_that_is_not_valid_is_refused_by_the_compiler() {
    let mut broken = wat::plugin(Code::default());
    // The first byte of the only `unreachable` of `describe` becomes an instruction that does not exist.
    let body = broken
        .windows(4)
        .position(|window| window == [0x03, 0x00, 0x00, 0x0b])
        .expect("the body of describe");
    broken[body + 2] = 0xff;
    let message = refused(&broken);
    assert!(message.starts_with("the component is not valid: "), "{message}");
}

#[test]
fn a_component_of_another_world_is_named_by_what_it_exports() {
    let command = of("interface run { run: func(); }", "world w { export run; }");
    assert_snapshot!(refused(&command), @"not a plugin: it exports `a:b/run`, expected `siyu:plugin/steps@1.0.0`");
    let nothing = of("", "world w { import siyu:plugin/log@1.0.0; }");
    assert_snapshot!(refused(&nothing), @"not a plugin: it exports nothing, expected `siyu:plugin/steps@1.0.0`");
}

#[test]
fn another_version_of_the_contract_is_named_by_interface() {
    let import = |version: &str| {
        wat::with_manifest(
            &wat::of_world(
                &format!(
                    "package a:b;
                     package siyu:plugin@{version} {{ interface records {{ get: func(key: string) -> string; }} }}
                     world w {{ import siyu:plugin/records@{version}; export siyu:plugin/steps@1.0.0; }}"
                ),
                "w",
            ),
            &wat::MANIFEST.replace('}', r#","capabilities":[{"name":"records","why":"w"}]}"#),
        )
    };
    assert_snapshot!(refused(&import("2.0.0")), @"the plugin needs siyu:plugin/records@2.0.0, this host speaks 1.0.0: use a version of the plugin built for 1.0.0 or an older 1.x, or a host that speaks 2.0.0");
    assert_snapshot!(refused(&import("1.1.0")), @"the plugin needs siyu:plugin/records@1.1.0, this host speaks 1.0.0: use a version of the plugin built for 1.0.0 or an older 1.x, or a host that speaks 1.1.0");
    assert_snapshot!(refused(&import("0.9.0")), @"the plugin needs siyu:plugin/records@0.9.0, this host speaks 1.0.0: use a version of the plugin built for 1.0.0 or an older 1.x, or a host that speaks 0.9.0");
    // The same minor version is taken by its name; this one has another type.
    assert_snapshot!(refused(&import("1.0.7")), @"the component cannot be linked: component imports instance `siyu:plugin/records@1.0.7`, but a matching implementation was not found in the linker: instance export `get` has the wrong type: type mismatch with parameters: expected 2-tuple, found 1-tuple");
    let export = wat::of_world(
        "package a:b;
         package siyu:plugin@2.0.0 { interface steps { run: func(); } }
         world w { export siyu:plugin/steps@2.0.0; }",
        "w",
    );
    assert_snapshot!(refused(&export), @"the plugin needs siyu:plugin/steps@2.0.0, this host speaks 1.0.0: use a version of the plugin built for 1.0.0 or an older 1.x, or a host that speaks 2.0.0");
}

#[test]
fn an_import_that_no_host_has_is_named() {
    let foreign = of(
        "interface files { read: func(path: string) -> list<u8>; }",
        "world w { import files; export siyu:plugin/steps@1.0.0; }",
    );
    assert_snapshot!(refused(&foreign), @"the plugin asks for `a:b/files`, which this host does not have: the interfaces of siyu:plugin@1.0.0 are log, context, random, records, pools, counters, ledger, codes, customers, events, messages, resources, expressions, http, cache, secrets");
    let http = wat::with_manifest(
        &wat::of_world(
            "package a:b;
             package wasi:http@0.2.6 { interface types { get: func() -> string; } }
             world w { import wasi:http/types@0.2.6; export siyu:plugin/steps@1.0.0; }",
            "w",
        ),
        wat::MANIFEST,
    );
    assert_snapshot!(refused(&http), @"the plugin asks for `wasi:http/types@0.2.6`, which this host does not have: of WASI there is only preview 2 (0.2.x) without http; build the plugin without this feature");
    let function = of("", "world w { import f: func(); export siyu:plugin/steps@1.0.0; }");
    assert_snapshot!(refused(&function), @"the plugin asks for `f`, which this host does not have: the interfaces of siyu:plugin@1.0.0 are log, context, random, records, pools, counters, ledger, codes, customers, events, messages, resources, expressions, http, cache, secrets");
}

#[test]
fn a_component_without_a_manifest_is_told_how_to_get_one() {
    assert_snapshot!(refused(&wat::component(Code::default())), @"the component has no section `siyu:manifest`: pack it, which runs its `describe` and adds the section");
    let twice = wat::with_manifest(&wat::plugin(Code::default()), wat::MANIFEST);
    assert_snapshot!(refused(&twice), @"the component has the section `siyu:manifest` 2 times, expected once");
}

#[test]
fn a_manifest_that_breaks_a_rule_is_named() {
    let with = |manifest: &str| wat::with_manifest(&wat::component(Code::default()), manifest);
    assert_snapshot!(refused(&with("{")), @"not a manifest: EOF while parsing an object at line 1 column 1");
    assert_snapshot!(refused(&with(&wat::MANIFEST.replace("\"contract\":\"1.0.0\"", "\"contract\":\"2.1.0\""))), @"plugin by-hand 1.0.0 is built for contract 2.1.0, this host speaks 1.0.0: use a plugin version built for 1.x, or a host that speaks 2.1.0");
    assert_snapshot!(refused(&with(&" ".repeat((256 << 10) + 1))), @"the manifest has 262145 bytes, at most 262144 are allowed");
}

#[test]
fn a_capability_that_the_manifest_keeps_silent_about_is_an_error() {
    let silent = of(
        "",
        "world w { import siyu:plugin/pools@1.0.0; import siyu:plugin/codes@1.0.0; import siyu:plugin/log@1.0.0; \
         export siyu:plugin/steps@1.0.0; }",
    );
    assert_snapshot!(refused(&silent), @"the component imports `pools`, `codes`, which its manifest does not list under `capabilities`: whoever grants it must be able to read why");
}

#[test]
fn exports_beside_the_contract_are_ignored() {
    let more =
        of("interface extra { init: func(); }", "world w { export extra; export siyu:plugin/steps@1.0.0; }");
    assert!(RUNTIME.load(&more).is_ok());
}

#[test]
fn an_export_of_the_right_name_and_the_wrong_type_is_named() {
    let text = r#"(component
        (core module $m (func (export "f")))
        (core instance $i (instantiate $m))
        (func $f (canon lift (core func $i "f")))
        (instance $steps (export "describe" (func $f)) (export "run" (func $f)))
        (export "siyu:plugin/steps@1.0.0" (instance $steps)))"#;
    let wrong = wat::with_manifest(&::wat::parse_str(text).unwrap(), wat::MANIFEST);
    assert_snapshot!(refused(&wrong), @"the component cannot be linked: its export `siyu:plugin/steps@1.0.0#describe` does not fit the contract: expected 1-tuple, found 0-tuple");
}

#[test]
fn the_whole_contract_is_linked_with_its_types() {
    // A component that imports and exports everything in `siyu.wit`, made from the file itself.
    let all = wat::of_world("", "plugin");
    let manifest = siyu_model::plugin::Manifest::from_json(
        std::str::from_utf8(manifest_of(guests::misbehaving())).unwrap(),
    )
    .unwrap();
    let text = serde_json::to_string(&manifest).unwrap();
    let of_steps = RUNTIME.load(&wat::with_manifest(&all, &text)).unwrap();
    let of_network = RUNTIME.load(&wat::with_manifest(&wat::of_world("", "connector"), &of_connector(&text)));
    let all: CapabilitySet = of_steps.imports.iter().chain(of_network.unwrap().imports.iter()).collect();
    assert_eq!(all, crate::support::all_capabilities());
}

const CHANNEL: &str =
    r#""channel":{"summary":"s","config":{},"hosts":["https://a.example"],"is_idempotent":true},"#;
const SOURCE: &str = r#""source":{"summary":"s","config":{}},"#;
const SECRETS: &str = r#",{"name":"secrets","why":"w"}"#;

/// A manifest that says of its plugin all that a connector says.
fn of_connector(manifest: &str) -> String {
    let network =
        format!(r#""capabilities":[{{"name":"http","why":"w"}},{{"name":"cache","why":"w"}}{SECRETS},"#);
    let manifest = manifest.replace(r#""capabilities":["#, &network);
    manifest.replace(r#""capabilities""#, &format!(r#"{CHANNEL}{SOURCE}"capabilities""#))
}

#[test]
fn what_exports_a_role_says_so_and_what_says_so_exports_it() {
    let of_steps = std::str::from_utf8(manifest_of(guests::misbehaving())).unwrap();
    let of_steps = siyu_model::plugin::Manifest::from_json(of_steps).unwrap();
    let of_steps = serde_json::to_string(&of_steps).unwrap();
    let text = of_connector(&of_steps);
    let without = |world: &str, part: &str| {
        assert!(text.contains(part), "{part}: {text}");
        refused(&wat::with_manifest(&wat::of_world("", world), &text.replace(part, "")))
    };
    assert_snapshot!(without("connector", CHANNEL), @"the component exports `channel`, and its manifest has no `channel`: nobody can know where it sends");
    assert_snapshot!(without("connector", SOURCE), @"the component exports `source`, and its manifest has no `source`: nobody can know how it is configured");
    assert_snapshot!(without("source-plugin", SOURCE), @"the component's manifest has a `channel`, and it does not export `channel`");
    assert_snapshot!(without("channel-plugin", CHANNEL), @"the component exports `channel`, and its manifest has no `channel`: nobody can know where it sends");
    let says = of_steps.replace(r#""capabilities""#, &format!(r#"{SOURCE}"capabilities""#));
    assert_snapshot!(refused(&wat::with_manifest(&wat::of_world("", "plugin"), &says)), @"the component's manifest has a `source`, and it does not export `source`");
    assert_snapshot!(without("connector", SECRETS), @"the component imports `secrets`, which its manifest does not list under `capabilities`: whoever grants it must be able to read why");
}

fn manifest_of(component: &[u8]) -> &[u8] {
    let name = siyu_runtime::MANIFEST_SECTION.as_bytes();
    let place = component.windows(name.len()).rposition(|window| window == name).unwrap();
    &component[place + name.len()..]
}

#[test]
fn a_loaded_component_is_known_by_its_digest_and_nothing_else_is() {
    let loaded = RUNTIME.load(guests::misbehaving()).unwrap();
    assert_eq!(loaded.digest, *MISBEHAVING, "loading twice is loading once");
    assert_eq!(RUNTIME.manifest(&loaded.digest).unwrap().name.as_str(), "misbehaving");
    let nobody = PluginDigest([0; 32]);
    assert!(RUNTIME.manifest(&nobody).is_none() && RUNTIME.imports(&nobody).is_none());
    let fault = RUNTIME.check_grants(&nobody, CapabilitySet::default()).unwrap_err();
    assert!(is(&fault, HostFault::NotLoadable));
    assert_snapshot!(fault, @"NOT_LOADABLE: no component 000000000000 is loaded");
    let report = call_with(&RUNTIME, &nobody, ("nop", ""), &small(), Recorder::kind());
    assert!(is(&report.outcome.unwrap_err(), HostFault::NotLoadable));
    assert!(report.host.into_any().is::<Recorder>());
}

#[test]
fn components_of_odd_shapes_are_refused_or_loaded_and_nothing_breaks() {
    let mut nested = ::wat::parse_str("(component)").unwrap();
    for _ in 0..2_000 {
        let mut outer = wasm_encoder::ComponentBuilder::default();
        outer.component_raw(None, &nested);
        nested = outer.finish();
    }
    assert!(RUNTIME.load(&wat::with_manifest(&nested, wat::MANIFEST)).is_err());

    let exports: String = (0..50_000).map(|n| format!(r#"(export "e{n}" (type 0))"#)).collect();
    let many = ::wat::parse_str(format!("(component (type string) {exports})")).unwrap();
    let message = refused(&wat::with_manifest(&many, wat::MANIFEST));
    assert_snapshot!(message, @"not a plugin: it exports `e0`, `e1`, `e2`, `e3`, `e4`, 49995 more, expected `siyu:plugin/steps@1.0.0`");

    let mut onion = wat::component(Code::default());
    for _ in 0..60 {
        onion = wat::nested(&onion, 1);
    }
    let loaded = RUNTIME.load(&onion).unwrap();
    let report = call_with(&RUNTIME, &loaded.digest, ("", ""), &small(), Recorder::kind());
    assert!(report.outcome.is_ok(), "{:?}", report.outcome);
}
