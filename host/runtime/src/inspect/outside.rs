//! Reading a component from outside, section by section: names, manifests, and what starting an instance costs.
//!
//! Two things cost the host time that no fuel measures, so they are bounded here: what an instance writes before its
//! first instruction, and text that is copied between components inside one another.

use siyu_model::limits::component::STARTUP_BYTES_MAX;
use wasmparser::{Encoding, Instance, Parser, Payload};

use super::{MANIFEST_SECTION, malformed, place};
use crate::error::LoadError;

/// What stands in the outer component.
#[derive(Debug, Default)]
pub(super) struct Outside<'a> {
    pub(super) imports: Vec<&'a str>,
    pub(super) exports: Vec<&'a str>,
    pub(super) manifests: Vec<&'a [u8]>,
    startup: Startup,
}

/// What the start of an instance writes.
#[derive(Debug, Default)]
struct Startup {
    /// Bytes that one instance of each core module writes.
    modules: Vec<usize>,
    /// The core modules that are instantiated, as often as they are.
    instantiated: Vec<u32>,
}

/// Bytes that a byte of an element section stands for: an element is a pointer, and takes a byte at least.
const ELEMENT_BYTES: usize = 8;

impl<'a> Outside<'a> {
    /// Reads a whole component. What it nests must be core modules and interfaces, and must be complete.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, LoadError> {
        let mut outside = Self::default();
        let mut inside = Vec::new();
        for payload in Parser::new(0).parse_all(bytes) {
            match payload.map_err(malformed)? {
                Payload::Version { encoding, range, .. } => {
                    check_nesting(&inside, encoding, range.start)?;
                    if encoding == Encoding::Module {
                        outside.startup.modules.push(0);
                    }
                    inside.push(encoding);
                }
                Payload::End(_) => drop(inside.pop()),
                payload => match inside.as_slice() {
                    [Encoding::Component] => outside.take(payload)?,
                    [.., Encoding::Module] => outside.startup.take(&payload),
                    _ => {}
                },
            }
        }
        outside.startup.check()?;
        Ok(outside)
    }

    /// The same from names alone.
    pub(super) fn of_names(imports: &'a [String], exports: &'a [String]) -> Self {
        Self {
            imports: imports.iter().map(String::as_str).collect(),
            exports: exports.iter().map(String::as_str).collect(),
            ..Self::default()
        }
    }

    fn take(&mut self, payload: Payload<'a>) -> Result<(), LoadError> {
        match payload {
            Payload::ComponentImportSection(section) => {
                for import in section {
                    self.imports.push(import.map_err(malformed)?.name.name);
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section {
                    self.exports.push(export.map_err(malformed)?.name.name);
                }
            }
            Payload::InstanceSection(section) => {
                for instance in section {
                    if let Instance::Instantiate { module_index, .. } = instance.map_err(malformed)? {
                        self.startup.instantiated.push(module_index);
                    }
                }
            }
            Payload::CustomSection(section) if section.name() == MANIFEST_SECTION => {
                self.manifests.push(section.data());
            }
            _ => {}
        }
        Ok(())
    }
}

/// The first thing is a component; inside it are core modules, and components that only hold types.
fn check_nesting(inside: &[Encoding], found: Encoding, at: u64) -> Result<(), LoadError> {
    match (inside, found) {
        ([], Encoding::Component) | ([Encoding::Component], Encoding::Module) | (_, Encoding::Component) => {
            Ok(())
        }
        ([], Encoding::Module) => Err(LoadError::CoreModule),
        (_, Encoding::Module) => Err(LoadError::Composed { at: place(at) }),
    }
}

impl Startup {
    fn take(&mut self, payload: &Payload<'_>) {
        let (range, factor) = match payload {
            Payload::DataSection(section) => (section.range(), 1),
            Payload::ElementSection(section) => (section.range(), ELEMENT_BYTES),
            _ => return,
        };
        let bytes = place(range.end.saturating_sub(range.start)).saturating_mul(factor);
        if let Some(module) = self.modules.last_mut() {
            *module = module.saturating_add(bytes);
        }
    }

    fn check(&self) -> Result<(), LoadError> {
        let found = self
            .instantiated
            .iter()
            .filter_map(|module| self.modules.get(usize::try_from(*module).ok()?))
            .fold(0usize, |sum, bytes| sum.saturating_add(*bytes));
        if found > STARTUP_BYTES_MAX {
            return Err(LoadError::SlowStart { found, limit: STARTUP_BYTES_MAX });
        }
        Ok(())
    }
}
