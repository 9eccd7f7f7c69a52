//! The sections of a component's file, one after another: what can be taken out of it and put at its end.

use wasm_encoder::{CustomSection, Section as _};
use wasmparser::{BinaryReader, BinaryReaderError};

use crate::error::LoadError;
use crate::inspect::malformed;

/// `\0asm`, the version and the layer.
const HEADER_BYTES: usize = 8;
/// The id of a custom section.
const CUSTOM: u8 = 0;

/// An outermost section of a component.
pub(crate) struct Section<'a> {
    /// All of it, its id and its length too.
    pub(crate) bytes: &'a [u8],
    /// Its name and what is in it, when it is a custom one.
    pub(crate) custom: Option<(&'a str, &'a [u8])>,
}

impl Section<'_> {
    /// Whether it is the custom section of this name.
    pub(crate) fn is(&self, name: &str) -> bool {
        self.custom.is_some_and(|(found, _)| found == name)
    }
}

/// All outermost sections of a component.
pub(crate) fn sections(component: &[u8]) -> Result<Vec<Section<'_>>, LoadError> {
    let after_header = component.get(HEADER_BYTES..).unwrap_or_default();
    let mut reader = BinaryReader::new(after_header, 0);
    let mut all = Vec::new();
    while !reader.eof() {
        all.push(next(&mut reader, after_header).map_err(malformed)?);
    }
    Ok(all)
}

fn next<'a>(reader: &mut BinaryReader<'a>, whole: &'a [u8]) -> Result<Section<'a>, BinaryReaderError> {
    let start = reader.current_position();
    let id = reader.read_u8()?;
    let length = reader.read_var_u32()?;
    let contents = reader.read_bytes(usize::try_from(length).unwrap_or(usize::MAX))?;
    let custom = (id == CUSTOM)
        .then(|| {
            let mut inside = BinaryReader::new(contents, 0);
            let name = inside.read_string().ok()?;
            Some((name, &contents[inside.current_position()..]))
        })
        .flatten();
    Ok(Section { bytes: &whole[start..reader.current_position()], custom })
}

/// A component without the custom sections of these names.
pub(crate) fn without(component: &[u8], names: &[&str]) -> Result<Vec<u8>, LoadError> {
    let mut bare = component.get(..HEADER_BYTES).unwrap_or(component).to_vec();
    for section in sections(component)? {
        if !names.iter().any(|name| section.is(name)) {
            bare.extend_from_slice(section.bytes);
        }
    }
    Ok(bare)
}

/// A component with one more custom section at its end.
pub(crate) fn with(component: &[u8], name: &str, text: &str) -> Vec<u8> {
    let mut whole = component.to_vec();
    CustomSection { name: name.into(), data: text.as_bytes().into() }.append_to(&mut whole);
    whole
}
