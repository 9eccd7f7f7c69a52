//! The machine, as a reader of figures must know it. It never changes anything.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Instant;

use anyhow::Context;

/// Writes of the look at the disk.
const SYNCS: usize = 400;

/// What figures depend on.
pub(crate) struct Machine {
    /// Processors that this process may use.
    pub(crate) cores: usize,
    /// What they are called.
    pub(crate) processor: String,
    /// Bytes of memory.
    pub(crate) memory_bytes: u64,
    /// Release of the kernel.
    pub(crate) kernel: String,
    /// File system and device that the databases are on.
    pub(crate) file_system: String,
    /// Microseconds of overwriting 4 KiB and `fdatasync`, median and 99th percentile.
    pub(crate) sync_us: [f64; 2],
}

impl Machine {
    /// Looks at the machine, and at the disk under `folder`.
    pub(crate) fn look(folder: &Path) -> anyhow::Result<Self> {
        let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let memory_kib: u64 = field(&memory, "MemTotal").trim_end_matches(" kB").parse().unwrap_or(0);
        Ok(Self {
            cores: std::thread::available_parallelism()?.get(),
            processor: field(&processors, "model name").to_owned(),
            memory_bytes: memory_kib << 10,
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned(),
            file_system: file_system(folder),
            sync_us: sync_us(folder)?,
        })
    }
}

fn field<'t>(text: &'t str, name: &str) -> &'t str {
    let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
    line.split_once(':').map_or("", |(_, value)| value.trim())
}

/// The mount with the longest path that `folder` is under.
fn file_system(folder: &Path) -> String {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let fields = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ');
        Some((fields.next()?, fields.next()?, fields.next()?))
    });
    let over = fields.filter(|(_, path, _)| folder.starts_with(path));
    let nearest = over.max_by_key(|(_, path, _)| path.len());
    nearest.map_or_else(|| "unknown".to_owned(), |(device, _, kind)| format!("{kind} on {device}"))
}

fn sync_us(folder: &Path) -> anyhow::Result<[f64; 2]> {
    let path = folder.join("sync");
    let file = OpenOptions::new().create(true).truncate(true).write(true).open(&path);
    let file = file.with_context(|| path.display().to_string())?;
    let mut spent = Vec::new();
    for _ in 0..SYNCS {
        let begun = Instant::now();
        file.write_all_at(&[7; 4_096], 0)?;
        file.sync_data()?;
        spent.push(begun.elapsed().as_secs_f64() * 1e6);
    }
    fs::remove_file(&path)?;
    spent.sort_by(f64::total_cmp);
    Ok([spent[SYNCS / 2], spent[SYNCS * 99 / 100]])
}
