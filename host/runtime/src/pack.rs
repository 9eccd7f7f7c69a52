//! Packing: from what a compiler made to a plugin, one file with its manifest readable from outside.
//!
//! It runs the plugin's `describe` once, in the sandbox and within limits. The same input gives the same bytes.

use std::borrow::Cow;

use siyu_model::digest::PluginDigest;
use siyu_model::plugin::Manifest;
use wasmparser::Validator;
use wasmtime::component::Linker;
use wit_component::ComponentEncoder;

use crate::contract::Describe;
use crate::error::{CompileError, LoadError, PackError};
use crate::inspect::{Inspected, MANIFEST_SECTION, inspect, is_core_module, malformed};
use crate::linked::{Export, Linked};
use crate::runtime::digest_of;
use crate::sandbox::nobody::{self, Nobody};
use crate::sandbox::{Ran, Sandbox, answer};
use crate::signature::SIGNATURE_SECTION;
use crate::{capabilities, compile, engine, sections};

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
/// [`MANIFEST_SECTION`]. A section that is there already is replaced, and a signature is taken out: it was of another file.
///
/// Compiles in this process: for tools, and for plugins of one's own.
///
/// # Errors
/// Says what is wrong with the file, its imports, its `describe` or its manifest.
pub fn pack(bytes: &[u8]) -> Result<Packed, PackError> {
    let component =
        if is_core_module(bytes)? { Cow::Owned(componentise(bytes)?) } else { Cow::Borrowed(bytes) };
    inspect(&component)?;
    let bare = sections::without(&component, &[MANIFEST_SECTION, SIGNATURE_SECTION])?;
    let inspected = inspect(&bare)?;
    let text = described(&bare, &inspected)?;
    let manifest = Manifest::from_json(&text).map_err(PackError::Manifest)?;
    inspected.check_declared(&manifest)?;
    let component = sections::with(&bare, MANIFEST_SECTION, &text);
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
