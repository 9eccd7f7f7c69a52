//! Components made by hand: of any world, and with any code inside.

use std::path::Path;

use wasm_encoder::{
    ComponentBuilder, ComponentExportKind, ComponentSection, ComponentSectionId, ComponentTypeRef,
    CustomSection, InstanceSection, InstanceType, ModuleArg, PrimitiveValType, RawSection, Section,
    TypeBounds,
};
use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{ManglingAndAbi, Resolve, WorldId};

/// A manifest that asks for nothing.
pub(crate) const MANIFEST: &str =
    r#"{"name":"by-hand","version":"1.0.0","contract":"1.0.0","summary":"Made by hand."}"#;

/// The contract, with more packages beside it.
fn resolve(more: &str) -> Resolve {
    let mut resolve = Resolve::default();
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugin-sdk/wit");
    resolve.push_path(wit).expect("the contract is valid");
    if !more.is_empty() {
        resolve.push_str("more.wit", more).expect("the WIT of the test is valid");
    }
    resolve
}

fn world(resolve: &Resolve, name: &str) -> WorldId {
    let found = resolve.worlds.iter().find(|(_, world)| world.name == name);
    found.unwrap_or_else(|| panic!("no world {name}")).0
}

fn encode(resolve: &Resolve, world: WorldId, mut module: Vec<u8>) -> Vec<u8> {
    embed_component_metadata(&mut module, resolve, world, StringEncoding::UTF8).expect("metadata fits");
    ComponentEncoder::default()
        .validate(true)
        .module(&module)
        .and_then(|encoder| encoder.encode())
        .expect("the module fits its world")
}

/// A component of a world, whose functions all trap. `more` is WIT text with its package.
pub(crate) fn of_world(more: &str, name: &str) -> Vec<u8> {
    let resolve = resolve(more);
    let world = world(&resolve, name);
    let module = dummy_module(&resolve, world, ManglingAndAbi::Standard32);
    encode(&resolve, world, module)
}

/// A plugin with one more core module and so many instances of it. The plugin must have one module, like
/// `component(Code::default())`.
pub(crate) fn with_instances(mut plugin: Vec<u8>, module: &str, instances: usize) -> Vec<u8> {
    let module = wat::parse_str(module).expect("valid text");
    RawSection { id: ComponentSectionId::CoreModule.into(), data: &module }.append_to(&mut plugin);
    let mut started = InstanceSection::new();
    for _ in 0..instances {
        started.instantiate(1, Vec::<(&str, ModuleArg)>::new());
    }
    ComponentSection::append_to_component(&started, &mut plugin);
    with_manifest(&plugin, MANIFEST)
}

/// A plugin that is composed of two components: one with steps, and a sink for text that it imports as `a:b/sink`.
pub(crate) fn composed(run: &str) -> Vec<u8> {
    let more = "package a:b;
        interface sink { take: func(text: string); }
        world user { import sink; export siyu:plugin/steps@1.0.0; }
        world taker { export sink; }";
    let user = Code {
        imports: r#"(import "a:b/sink" "take" (func $take (param i32 i32)))"#,
        run,
        ..Code::default()
    };
    let user = component_of(user, more, "user");
    let taker = r#"(module
        (memory (export "memory") 500)
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
        (func (export "a:b/sink#take") (param i32 i32)))"#;
    let resolve = resolve(more);
    let taker = encode(&resolve, world(&resolve, "taker"), wat::parse_str(taker).expect("valid text"));
    with_manifest(&around(&user, &taker), MANIFEST)
}

/// A plugin inside a component, instantiated so often.
pub(crate) fn nested(plugin: &[u8], instances: usize) -> Vec<u8> {
    use ComponentExportKind::Instance;
    let (steps, types) = ("siyu:plugin/steps@1.0.0", "siyu:plugin/types@1.0.0");
    let mut outer = ComponentBuilder::default();
    let types_imported = import_types(&mut outer);
    let plugin = outer.component_raw(None, plugin);
    let mut instance = 0;
    for _ in 0..instances {
        instance = outer.instantiate(None, plugin, [(types, Instance, types_imported)]);
    }
    let exported = outer.alias_export(instance, steps, Instance);
    outer.export(steps, Instance, exported, None);
    with_manifest(&outer.finish(), MANIFEST)
}

/// The types of the contract as an import of an outer component.
fn import_types(outer: &mut ComponentBuilder) -> u32 {
    let mut shared = InstanceType::new();
    shared.ty().defined_type().primitive(PrimitiveValType::String);
    shared.export("json", ComponentTypeRef::Type(TypeBounds::Eq(0)));
    let shared = outer.type_instance(None, &shared);
    outer.import("siyu:plugin/types@1.0.0", ComponentTypeRef::Instance(shared))
}

fn around(user: &[u8], taker: &[u8]) -> Vec<u8> {
    use ComponentExportKind::Instance;
    let (steps, types, sink) = ("siyu:plugin/steps@1.0.0", "siyu:plugin/types@1.0.0", "a:b/sink");
    let mut outer = ComponentBuilder::default();
    let shared = import_types(&mut outer);
    let taker = outer.component_raw(None, taker);
    let taker = outer.instantiate(None, taker, Vec::<(&str, ComponentExportKind, u32)>::new());
    let taken = outer.alias_export(taker, sink, Instance);
    let user = outer.component_raw(None, user);
    let user = outer.instantiate(None, user, [(types, Instance, shared), (sink, Instance, taken)]);
    let exported = outer.alias_export(user, steps, Instance);
    outer.export(steps, Instance, exported, None);
    outer.finish()
}

/// A component with a manifest.
pub(crate) fn with_manifest(component: &[u8], manifest: &str) -> Vec<u8> {
    let mut whole = component.to_vec();
    CustomSection { name: siyu_runtime::MANIFEST_SECTION.into(), data: manifest.as_bytes().into() }
        .append_to(&mut whole);
    whole
}

/// What a hand-made plugin consists of: WebAssembly text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Code<'a> {
    /// Imports of the module.
    pub(crate) imports: &'a str,
    /// What stands at its end.
    pub(crate) items: &'a str,
    /// What `run` does before it answers `{}`.
    pub(crate) run: &'a str,
    /// What `describe` does.
    pub(crate) describe: &'a str,
    /// What gives room for arguments; the last parameter is the size.
    pub(crate) realloc: &'a str,
}

impl Default for Code<'_> {
    fn default() -> Self {
        Self { imports: "", items: "", run: "", describe: "unreachable", realloc: REALLOC }
    }
}

/// Room behind everything else, never given back.
const REALLOC: &str = "
    (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
    (global.set $heap (i32.add (local.get $at) (local.get 3)))
    (local.get $at)";

/// A plugin of hand-made code. Its first memory has one page; an answer of `{}` lies at 1024.
pub(crate) fn plugin(code: Code<'_>) -> Vec<u8> {
    with_manifest(&component(code), MANIFEST)
}

/// The same without a manifest.
pub(crate) fn component(code: Code<'_>) -> Vec<u8> {
    component_of(code, "", "steps-plugin")
}

/// The same in a world of one's own.
pub(crate) fn component_of(code: Code<'_>, more: &str, name: &str) -> Vec<u8> {
    let text = format!(
        r#"(module
            {imports}
            (memory (export "memory") 1)
            (global $heap (mut i32) (i32.const 4096))
            (data (i32.const 512) "{{}}")
            (data (i32.const 1024) "\00\00\00\00\00\00\00\00\00\02\00\00\02\00\00\00")
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (local $at i32)
                {realloc})
            (func $describe (export "siyu:plugin/steps@1.0.0#describe") (result i32)
                {describe})
            (func $run (export "siyu:plugin/steps@1.0.0#run") (param i32 i32 i32 i32) (result i32)
                {run}
                (i32.const 1024))
            {items}
        )"#,
        imports = code.imports,
        items = code.items,
        realloc = code.realloc,
        run = code.run,
        describe = code.describe,
    );
    let module = wat::parse_str(&text).unwrap_or_else(|fault| panic!("{fault}"));
    let resolve = resolve(more);
    let world = world(&resolve, name);
    encode(&resolve, world, module)
}
