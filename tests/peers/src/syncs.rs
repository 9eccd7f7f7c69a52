//! Waits for the disk, counted: how often an engine really asked that something be durable. Needs `strace` and the right to
//! look at other processes; without them nothing is counted.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::ensure;

use crate::process::Process;

/// What a program calls to wait for the disk.
const CALLS: [&str; 3] = ["fsync(", "fdatasync(", "sync_file_range("];

/// Counts while it lives.
pub(crate) struct Watch {
    strace: Process,
    record: PathBuf,
}

impl Watch {
    /// Begins to count what these processes and all that they started call.
    pub(crate) fn begin(roots: &[u32], folder: &Path) -> anyhow::Result<Self> {
        let record = folder.join("syncs");
        let watched = descendants(roots);
        let mut strace = Process::start("strace".as_ref(), &folder.join("strace.log"), |command| {
            command.args(["-f", "-qq", "-e", "trace=fsync,fdatasync,sync_file_range", "-o"]).arg(&record);
            for process in &watched {
                command.arg("-p").arg(process.to_string());
            }
        })?;
        strace.until(|_| {
            ensure!(watched.iter().all(|process| is_watched(*process)), "not all processes are watched");
            Ok(())
        })?;
        Ok(Self { strace, record })
    }

    /// Ends, and gives how often it was.
    pub(crate) fn end(self) -> anyhow::Result<u64> {
        self.strace.stop()?;
        Ok(count(&fs::read_to_string(&self.record)?))
    }
}

/// Calls of a record; one that was interrupted by another line is counted where it begins.
fn count(record: &str) -> u64 {
    record.lines().filter(|line| CALLS.iter().any(|call| line.contains(call))).count() as u64
}

fn is_watched(process: u32) -> bool {
    // One that has ended meanwhile calls nothing.
    let Ok(status) = fs::read_to_string(format!("/proc/{process}/status")) else { return true };
    let tracer = status.lines().find_map(|line| line.strip_prefix("TracerPid:"));
    tracer.is_none_or(|tracer| tracer.trim() != "0")
}

/// These processes and all that descend from them.
fn descendants(roots: &[u32]) -> BTreeSet<u32> {
    let parents: Vec<(u32, u32)> = fs::read_dir("/proc")
        .map(|all| {
            all.flatten()
                .filter_map(|entry| {
                    let process = entry.file_name().to_str()?.parse().ok()?;
                    Some((process, parent(&fs::read_to_string(entry.path().join("stat")).ok()?)?))
                })
                .collect()
        })
        .unwrap_or_default();
    let mut found: BTreeSet<u32> = roots.iter().copied().collect();
    loop {
        let before = found.len();
        found.extend(
            parents
                .iter()
                .filter(|(_, parent)| found.contains(parent))
                .map(|(own, _)| *own)
                .collect::<Vec<_>>(),
        );
        if found.len() == before {
            return found;
        }
    }
}

/// The parent that a line of `/proc/…/stat` names: the second field after the program's name, which may hold anything.
fn parent(stat: &str) -> Option<u32> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_counted_where_it_begins() {
        let record = "31 fdatasync(9) = 0\n32 fsync(4 <unfinished ...>\n31 fdatasync(9) = 0\n\
                      32 <... fsync resumed>) = 0\n31 +++ exited with 0 +++\n";
        assert_eq!(count(record), 3);
    }

    #[test]
    fn a_parent_is_found_whatever_a_program_is_called() {
        assert_eq!(parent("7 (a) b) (c) S 42 7 7 0"), Some(42));
        assert_eq!(parent("7 (sh"), None);
    }
}
