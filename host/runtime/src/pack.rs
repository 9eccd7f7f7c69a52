//! Packing: from what a compiler made to a plugin, one file with its manifest readable from outside.
//!
//! It runs the plugin's `describe` once, in the sandbox and within limits. The same input gives the same bytes.

use std::borrow::Cow;

use siyu_model::digest::PluginDigest;
use siyu_model::plugin::Manifest;
use wasm_encoder::{CustomSection, Section};
use wasmparser::{BinaryReader, Validator};
use wasmtime::component::Linker;
use wit_component::ComponentEncoder;

use crate::contract::Describe;
use crate::error::{CompileError, LoadError, PackError};
use crate::inspect::{Inspected, MANIFEST_SECTION, inspect, is_core_module, malformed};
use crate::linked::{Export, Linked};
use crate::runtime::digest_of;
use crate::sandbox::nobody::{self, Nobody};
use crate::sandbox::{Ran, Sandbox, answer};
use crate::{capabilities, compile, engine};

/// A plugin that is ready to be installed.
#[derive(Debug, Clone)]
pub struct Packed {
    /// The file.
    pub component: Vec<u8>,
    /// SHA-256 of the file.
    pub digest: PluginDigest,
    /// What it says of itself.
    pub manifest: Manifest,
}

/// Makes a plugin of a core module (target `wasm32-unknown-unknown`) or of a component (target `wasm32-wasip2`): makes it
/// a component if it is none, asks it for its manifest, checks that, and embeds it as the section
/// [`MANIFEST_SECTION`]. A section that is there already is replaced.
///
/// Compiles in this process: for tools, and for plugins of one's own.
///
/// # Errors
/// Says what is wrong with the file, its imports, its `describe` or its manifest.
pub fn pack(bytes: &[u8]) -> Result<Packed, PackError> {
    let component =
        if is_core_module(bytes)? { Cow::Owned(componentise(bytes)?) } else { Cow::Borrowed(bytes) };
    let bare = without_manifests(&component)?;
    let inspected = inspect(&bare)?;
    let text = described(&bare, &inspected)?;
    let manifest = Manifest::from_json(&text).map_err(PackError::Manifest)?;
    inspected.check_declared(&manifest)?;
    let component = with_manifest(&bare, &text);
    // What was made is read once more, the way a host reads it.
    inspect(&component)?.checked_manifest()?;
    Ok(Packed { digest: digest_of(&component), component, manifest })
}

fn componentise(module: &[u8]) -> Result<Vec<u8>, PackError> {
    // The encoder takes a section at its word: one that is cut short makes it panic.
    Validator::new().validate_all(module).map_err(malformed)?;
    let failed = |fault: &dyn std::fmt::Display| {
        let words = format!("{fault:#}");
        let hint = if words.contains("wasi_snapshot_preview1") {
            ": build it for wasm32-unknown-unknown or wasm32-wasip2 instead of wasm32-wasip1"
        } else {
            ""
        };
        PackError::Component(format!("{words}{hint}"))
    };
    ComponentEncoder::default()
        .validate(true)
        .module(module)
        .and_then(|encoder| encoder.encode())
        .map_err(|fault| failed(&fault))
}

/// The id of a custom section.
const CUSTOM: u8 = 0;
/// `\0asm`, the version and the layer.
const HEADER_BYTES: usize = 8;

/// The component as it was before a manifest was added.
fn without_manifests(component: &[u8]) -> Result<Vec<u8>, LoadError> {
    inspect(component)?;
    let (header, sections) = component.split_at(HEADER_BYTES);
    let mut bare = header.to_vec();
    let mut reader = BinaryReader::new(sections, 0);
    while !reader.eof() {
        let section = next_section(&mut reader, sections).map_err(malformed)?;
        if !section.is_manifest {
            bare.extend_from_slice(section.bytes);
        }
    }
    Ok(bare)
}

/// A section with its header.
struct OuterSection<'a> {
    bytes: &'a [u8],
    is_manifest: bool,
}

fn next_section<'a>(
    reader: &mut BinaryReader<'a>,
    sections: &'a [u8],
) -> Result<OuterSection<'a>, wasmparser::BinaryReaderError> {
    let start = reader.current_position();
    let id = reader.read_u8()?;
    let length = reader.read_var_u32()?;
    let contents = reader.read_bytes(usize::try_from(length).unwrap_or(usize::MAX))?;
    let is_manifest = id == CUSTOM
        && BinaryReader::new(contents, 0).read_string().is_ok_and(|name| name == MANIFEST_SECTION);
    Ok(OuterSection { bytes: &sections[start..reader.current_position()], is_manifest })
}

fn with_manifest(component: &[u8], text: &str) -> Vec<u8> {
    let mut whole = component.to_vec();
    CustomSection { name: MANIFEST_SECTION.into(), data: text.as_bytes().into() }.append_to(&mut whole);
    whole
}

fn described(component: &[u8], inspected: &Inspected<'_>) -> Result<String, PackError> {
    let engine_failed = |fault: wasmtime::Error| LoadError::Link(format!("{fault:#}"));
    let made = engine::on_demand(u32::MAX).map_err(engine_failed)?;
    let mut linker = Linker::new(&made.engine);
    capabilities::link(&mut linker).map_err(engine_failed)?;
    let code =
        compile::in_process(&made.engine, component).map_err(|fault: CompileError| LoadError::from(fault))?;
    let compiled = code.component(&made.engine).map_err(engine_failed)?;
    let linked = Linked::new(&linker, &compiled, inspected)?;
    let limits = nobody::limits();
    let Some(target) = linked.target(Export::Describe, &limits) else {
        return Err(LoadError::World { found: "no `describe`".to_owned() }.into());
    };
    let ran: Ran<(String,)> = Sandbox::new(made.engine, made.units).run::<<Describe as Split>::Arguments, _>(
        &target,
        (),
        Box::new(Nobody),
    );
    let (text,) = ran.result.map_err(PackError::Describe)?;
    answer::of_describe(text).map_err(PackError::Describe)
}

trait Split {
    type Arguments;
}

impl<A, R> Split for (A, R) {
    type Arguments = A;
}
