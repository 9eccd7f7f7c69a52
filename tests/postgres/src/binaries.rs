//! Where the programs of Postgres are.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;

/// Where Debian keeps the programs, one folder a version.
const DEBIAN: &str = "/usr/lib/postgresql";

/// The programs of one version of Postgres.
#[derive(Debug, Clone)]
pub struct Binaries {
    folder: PathBuf,
}

impl Binaries {
    /// The programs in the search path, those that `pg_config` names, or the newest that Debian installed.
    pub fn find() -> anyhow::Result<Self> {
        let found = candidates().into_iter().find(|folder| is_whole(folder));
        let folder = found.context(
            "no Postgres is here: expected `initdb`, `postgres` and `pg_basebackup` in the search path, where `pg_config --bindir` \
             says, or under /usr/lib/postgresql. Install Debian's package `postgresql`, or name a server whose user \
             may make databases in SIYU_TEST_POSTGRES",
        )?;
        Ok(Self { folder })
    }

    /// One program.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

fn is_whole(folder: &Path) -> bool {
    ["initdb", "postgres", "pg_basebackup"].iter().all(|program| folder.join(program).is_file())
}

fn candidates() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = Vec::new();
    if let Some(path) = std::env::var_os("PATH") {
        folders.extend(std::env::split_paths(&path));
    }
    if let Ok(said) = Command::new("pg_config").arg("--bindir").output() {
        folders.push(PathBuf::from(String::from_utf8_lossy(&said.stdout).trim()));
    }
    folders.extend(debian());
    folders
}

/// Debian's folders, the newest version first.
fn debian() -> Vec<PathBuf> {
    let versions = std::fs::read_dir(DEBIAN).into_iter().flatten().flatten();
    let mut versions: Vec<(u32, PathBuf)> = versions
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    versions.sort();
    versions.into_iter().rev().map(|(_, folder)| folder).collect()
}
