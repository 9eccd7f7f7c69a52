//! How many bytes a folder holds.

use std::fs;
use std::path::Path;

use anyhow::Context;

/// Bytes of all files under a folder. A file that goes meanwhile holds none.
pub(crate) fn bytes(folder: &Path) -> anyhow::Result<u64> {
    let mut sum = 0;
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let entry = entry?;
        let Ok(found) = entry.metadata() else { continue };
        sum += if found.is_dir() { bytes(&entry.path())? } else { found.len() };
    }
    Ok(sum)
}
