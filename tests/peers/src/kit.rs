//! What every measurement is given: folders, the program and the number of starters.

use std::path::PathBuf;

use anyhow::Context;

/// Folders, programs and settings of one run of the command.
pub(crate) struct Kit {
    /// Where peers are installed.
    pub(crate) peers: PathBuf,
    /// Where stores are made.
    pub(crate) folder: PathBuf,
    /// The program `siyu`.
    pub(crate) siyu: PathBuf,
    /// The step of Siyu, as the compiler made it.
    pub(crate) modules: PathBuf,
    /// The step and the workflow of Obelisk, as the compiler made them.
    pub(crate) components: PathBuf,
    /// How many start workflows at once.
    pub(crate) starters: usize,
}

/// Where the programs of peers are: what they execute for us.
pub(crate) fn programs() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("programs")
}

/// Where peers are installed when nobody says where.
pub(crate) fn cache() -> anyhow::Result<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")));
    Ok(cache
        .context("neither XDG_CACHE_HOME nor HOME is set: name a folder with --peers")?
        .join("siyu-peers"))
}
