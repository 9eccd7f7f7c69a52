//! Reading a component from outside, section by section: names, manifests, and how it is built.

use siyu_model::limits::component::STARTUP_BYTES_MAX;
use wasmparser::{Encoding, Parser, Payload};

use super::startup::Startup;
use super::{MANIFEST_SECTION, malformed};
use crate::error::LoadError;

/// What stands in the outer component.
#[derive(Debug, Default)]
pub(super) struct Outside<'a> {
    pub(super) imports: Vec<&'a str>,
    pub(super) exports: Vec<&'a str>,
    pub(super) manifests: Vec<&'a [u8]>,
    pub(super) is_composed: bool,
}

impl<'a> Outside<'a> {
    /// Reads a whole component.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, LoadError> {
        let mut outside = Self::default();
        let mut startup = Startup::default();
        let mut inside = Vec::new();
        for payload in Parser::new(0).parse_all(bytes) {
            match payload.map_err(malformed)? {
                Payload::Version { encoding, .. } => {
                    startup.enter(encoding);
                    inside.push(encoding);
                }
                Payload::End(_) => {
                    if let Some(encoding) = inside.pop() {
                        startup.leave(encoding);
                    }
                }
                payload => {
                    startup.take(&payload).map_err(malformed)?;
                    if inside == [Encoding::Component] {
                        outside.take(payload)?;
                    }
                }
            }
        }
        let found = startup.total();
        if found > STARTUP_BYTES_MAX {
            return Err(LoadError::SlowStart { found, limit: STARTUP_BYTES_MAX });
        }
        outside.is_composed = startup.is_composed();
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
            Payload::CustomSection(section) if section.name() == MANIFEST_SECTION => {
                self.manifests.push(section.data());
            }
            _ => {}
        }
        Ok(())
    }
}
