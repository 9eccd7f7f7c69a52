//! A tenant's data for people to take away: a folder of files with one JSON object a line, all of one moment.
//!
//! What only an executor needs (keys of waits, timers, the random bytes of the tenant, sealed codes) stays. It is no backup: a
//! tenant cannot be made of it.

mod columns;
mod lines;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use siyu_model::clock::UtcMs;
use siyu_model::name::TenantName;

use super::{CarryError, Kept, Progress, random_id};
use columns::FILES;
use lines::Lines;

/// What was exported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exported {
    /// Whose it is.
    pub tenant: TenantName,
    /// Where from, in words.
    pub from: String,
    /// When.
    pub exported_at: UtcMs,
    /// Its files.
    pub files: Vec<ExportedTable>,
}

/// One file of an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportedTable {
    /// Its name.
    pub file: String,
    /// Lines in it.
    pub lines: u64,
}

/// Writes a tenant's data into a new folder, as it is at one moment. Whoever executes it goes on meanwhile.
///
/// The folder is there whole or not at all; one that is there and not empty is refused.
pub async fn export(
    from: &Kept,
    tenant: &TenantName,
    folder: &Path,
    at: UtcMs,
    watch: &(dyn Fn(Progress<'_>) + Sync),
) -> Result<Exported, CarryError> {
    let is_empty = std::fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none());
    if !is_empty || folder.is_file() {
        return Err(CarryError::Exists { what: folder.display().to_string() });
    }
    if let Some(mark @ super::Mark::Moved(_)) = from.mark(tenant).await? {
        return Err(CarryError::Refused { what: from.place(tenant), why: mark.why() });
    }
    let part = Part::beside(folder)?;
    let mut source = from.snapshot(tenant).await?;
    let tables = super::copy::of(&*source)?;
    let mut files = Vec::new();
    for table in tables {
        let Some(file) = FILES.iter().find(|file| file.table == table.name) else { continue };
        let mut lines = Lines::new(&part.path, file, table, watch)?;
        source.read(table, &mut lines).await?;
        files.extend(lines.end()?);
    }
    source.end().await?;
    let (tenant, from) = (tenant.clone(), from.place(tenant));
    let exported = Exported { tenant, from, exported_at: at, files };
    let text = serde_json::to_string_pretty(&exported).unwrap_or_default() + "\n";
    for (name, text) in [("export.json", text), ("COLUMNS.md", columns::page())] {
        let path = part.path.join(name);
        std::fs::write(&path, text).map_err(CarryError::file(&path))?;
    }
    part.publish(folder)?;
    Ok(exported)
}

/// A folder that is being written; removed unless it is published.
struct Part {
    path: PathBuf,
}

impl Part {
    fn beside(folder: &Path) -> Result<Self, CarryError> {
        let name = folder.file_name().ok_or_else(|| CarryError::Refused {
            what: folder.display().to_string(),
            why: "is no name of a folder".to_owned(),
        })?;
        let random = random_id(&folder.display().to_string())?;
        let path = folder.with_file_name(format!(".{}.{random}.part", name.to_string_lossy()));
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::DirBuilderExt;
            builder.mode(0o700);
        }
        builder.create(&path).map_err(CarryError::file(&path))?;
        Ok(Self { path })
    }

    fn publish(self, folder: &Path) -> Result<(), CarryError> {
        // An empty folder is replaced, any other is not.
        std::fs::rename(&self.path, folder).map_err(CarryError::file(folder))?;
        let above = match folder.parent() {
            Some(above) if !above.as_os_str().is_empty() => above,
            _ => Path::new("."),
        };
        std::fs::File::open(above).and_then(|above| above.sync_all()).map_err(CarryError::file(above))
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // After publishing it is not there any more.
        let _removed = std::fs::remove_dir_all(&self.path);
    }
}
