//! Looking into a component without compiling or running it: what it imports, exports, and says of itself.
//!
//! It decides by names and sizes only. Whether the code is valid is for the compiler to say.

mod outside;
mod startup;

use std::fmt::Write;

use siyu_model::limits;
use siyu_model::plugin::{
    CONTRACT_MAJOR, CONTRACT_VERSION, Capability, CapabilitySet, Manifest, ManifestError, Version,
};
use wasmparser::Parser;

use crate::error::LoadError;
use crate::wasi;
use outside::Outside;

/// The name of the custom section that holds the manifest.
pub const MANIFEST_SECTION: &str = "siyu:manifest";

/// What a component looks like from outside.
#[derive(Debug)]
pub(crate) struct Inspected<'a> {
    /// Capabilities that it imports.
    pub(crate) imports: CapabilitySet,
    /// Whether it exports `channel`.
    pub(crate) delivers: bool,
    /// Whether it exports `source`.
    pub(crate) receives: bool,
    /// Whether it imports WASI as well.
    pub(crate) uses_wasi: bool,
    /// Whether components inside it have code: what they pass to each other costs time that no fuel measures.
    pub(crate) is_composed: bool,
    /// The text of its manifest; none when it has none.
    pub(crate) manifest: Option<&'a str>,
}

/// Whether a file is a core module; an error when it is no WebAssembly at all.
pub(crate) fn is_core_module(bytes: &[u8]) -> Result<bool, LoadError> {
    let limit = limits::component::BYTES_MAX;
    if bytes.len() > limit {
        return Err(LoadError::TooLarge { found: bytes.len(), limit });
    }
    if !bytes.starts_with(b"\0asm") {
        return Err(LoadError::NotWasm { found: first_bytes(bytes) });
    }
    Ok(Parser::is_core_wasm(bytes))
}

/// Looks into a component.
pub(crate) fn inspect(bytes: &[u8]) -> Result<Inspected<'_>, LoadError> {
    if is_core_module(bytes)? {
        return Err(LoadError::CoreModule);
    }
    let outside = Outside::read(bytes)?;
    outside.check_exports()?;
    let manifest = match outside.manifests.as_slice() {
        [] => None,
        [one] => Some(std::str::from_utf8(one).map_err(|_| LoadError::ManifestEncoding)?),
        several => {
            return Err(LoadError::SeveralManifests { found: several.len() });
        }
    };
    outside.inspected(manifest)
}

impl<'a> Inspected<'a> {
    /// The same from the names of imports and exports, for a component whose file is not at hand.
    pub(crate) fn of_names(
        imports: &[String],
        exports: &[String],
        manifest: Option<&'a str>,
    ) -> Result<Self, LoadError> {
        let outside = Outside::of_names(imports, exports);
        outside.check_exports()?;
        outside.inspected(manifest)
    }

    /// The manifest, which must list every capability that is imported and not free.
    pub(crate) fn checked_manifest(&self) -> Result<Manifest, LoadError> {
        let text = self.manifest.ok_or(LoadError::NoManifest)?;
        let manifest = Manifest::from_json(text)?;
        self.check_declared(&manifest)?;
        if manifest.channel.is_some() != self.delivers {
            return Err(LoadError::Channel { exports: self.delivers });
        }
        if manifest.source.is_some() != self.receives {
            return Err(LoadError::Source { exports: self.receives });
        }
        Ok(manifest)
    }

    /// Whether a manifest lists what is imported.
    pub(crate) fn check_declared(&self, manifest: &Manifest) -> Result<(), LoadError> {
        let declared = manifest
            .capabilities
            .iter()
            .map(|used| used.name)
            .fold(CapabilitySet::free(), CapabilitySet::with);
        let undeclared = self.imports.beyond(declared);
        if undeclared.is_empty() {
            return Ok(());
        }
        Err(LoadError::Undeclared { capabilities: names(undeclared) })
    }
}

/// Names of capabilities for people.
pub(crate) fn names(capabilities: CapabilitySet) -> String {
    let names: Vec<String> = capabilities.iter().map(|one| format!("`{one}`")).collect();
    names.join(", ")
}

impl Outside<'_> {
    fn inspected<'m>(&self, manifest: Option<&'m str>) -> Result<Inspected<'m>, LoadError> {
        Ok(Inspected {
            imports: self.capabilities()?,
            delivers: self.own("channel").is_some(),
            receives: self.own("source").is_some(),
            uses_wasi: self.imports.iter().any(|import| wasi::interface_of(import).is_some()),
            is_composed: self.is_composed,
            manifest,
        })
    }

    /// The capabilities of the imports. Everything else that is imported must be WASI that is linked.
    fn capabilities(&self) -> Result<CapabilitySet, LoadError> {
        let mut capabilities = CapabilitySet::default();
        for import in &self.imports {
            if wasi::interface_of(import).is_some() {
                continue;
            }
            let interface = own_interface(import).ok_or_else(|| unknown(import))?;
            check_version(import)?;
            if interface == "types" || interface == "web" {
                continue;
            }
            let capability: Capability = interface.parse().map_err(|_| unknown(import))?;
            capabilities = capabilities.with(capability);
        }
        Ok(capabilities)
    }

    fn check_exports(&self) -> Result<(), LoadError> {
        if self.own("steps").is_none() {
            return Err(LoadError::World { found: self.exported() });
        }
        ["steps", "resource-kinds", "channel", "source"]
            .iter()
            .filter_map(|role| self.own(role))
            .try_for_each(check_version)
    }

    /// The full name of an interface of the contract that is exported.
    fn own(&self, wanted: &str) -> Option<&str> {
        self.exports.iter().copied().find(|export| own_interface(export) == Some(wanted))
    }

    fn exported(&self) -> String {
        let mut shown: Vec<String> =
            self.exports.iter().take(5).map(|name| format!("`{}`", shortened(name))).collect();
        if self.exports.len() > shown.len() {
            shown.push(format!("{} more", self.exports.len() - shown.len()));
        }
        if shown.is_empty() { "nothing".to_owned() } else { shown.join(", ") }
    }
}

/// `records` of `siyu:plugin/records@1.0.0`.
pub(crate) fn own_interface(name: &str) -> Option<&str> {
    let rest = name.strip_prefix("siyu:plugin/")?;
    Some(rest.split_once('@').map_or(rest, |(interface, _)| interface))
}

/// A host of 1.3 runs what was built for 1.0 to 1.3.
fn check_version(name: &str) -> Result<(), LoadError> {
    let (interface, text) = name.split_once('@').unwrap_or((name, "0.0.0"));
    let unreadable = |_: ManifestError| unknown(name);
    let found: Version = text.parse().map_err(unreadable)?;
    let host: Version = CONTRACT_VERSION.parse()?;
    if found.major == CONTRACT_MAJOR && found.minor <= host.minor {
        return Ok(());
    }
    Err(LoadError::Contract { name: shortened(interface), found })
}

fn unknown(import: &str) -> LoadError {
    let hint = if import.starts_with("wasi:") {
        "of WASI there is only preview 2 (0.2.x) without http; build the plugin without this feature"
            .to_owned()
    } else {
        let all = Capability::ALL.map(Capability::as_str).join(", ");
        format!("the interfaces of siyu:plugin@{CONTRACT_VERSION} are {all}")
    };
    LoadError::UnknownImport { name: shortened(import), hint }
}

pub(crate) fn malformed(fault: wasmparser::BinaryReaderError) -> LoadError {
    LoadError::Malformed { words: shortened(fault.message()), at: place(fault.offset()) }
}

fn place(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

fn shortened(text: &str) -> String {
    text.chars().take(120).map(|c| if c.is_control() { '?' } else { c }).collect()
}

fn first_bytes(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "nothing: it is empty".to_owned();
    }
    bytes.iter().take(8).fold(String::new(), |mut out, byte| {
        let gap = if out.is_empty() { "" } else { " " };
        // Writing to a String does not fail.
        let _ = write!(out, "{gap}{byte:02x}");
        out
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_file_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), as_component: bool) {
            let mut file = b"\0asm\x0d\0\x01\0".to_vec();
            if !as_component {
                file.clear();
            }
            file.extend_from_slice(&bytes);
            let _ = inspect(&file);
        }

        #[test]
        fn no_import_makes_it_panic(name in "\\PC{0,60}|(siyu:plugin/|wasi:)?[a-z/-]{0,12}@?[0-9.]{0,12}") {
            let _ = Inspected::of_names(std::slice::from_ref(&name), &["siyu:plugin/steps@1.0.0".to_owned()], None);
            let _ = Inspected::of_names(&[], &[name], None);
        }
    }

    #[test]
    fn versions_of_the_contract_are_read_from_names() {
        for (name, fits) in [
            ("siyu:plugin/log@1.0.0", true),
            ("siyu:plugin/log@1.0.9", true),
            ("siyu:plugin/log@1.1.0", false),
            ("siyu:plugin/log@2.0.0", false),
            ("siyu:plugin/log@1.0.0-rc1", false),
            ("siyu:plugin/log", false),
        ] {
            assert_eq!(check_version(name).is_ok(), fits, "{name}");
        }
    }
}
