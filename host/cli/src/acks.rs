//! Writing down which events were acknowledged, for tests that kill this program: an id a line, synced.
//!
//! An id gets here only after the commit that holds its event; a test may rely on every whole line of the file. Lines are
//! in the order of the feed, so a file that is gone on with says by their number which event comes next.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use anyhow::Context;

/// A file of acknowledged ids.
pub(crate) struct Acks {
    /// How many ids were in the file.
    pub(crate) before: u64,
    ids: Sender<String>,
    writer: JoinHandle<io::Result<()>>,
}

impl Acks {
    /// Goes on with a file, or makes it. A line that a crash cut off is taken away.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let shown = || format!("{} cannot be written", path.display());
        let is_new = !path.exists();
        let file = OpenOptions::new().append(true).create(true).open(path).with_context(shown)?;
        if is_new {
            siyu_durable::sync_name(path).with_context(shown)?;
        }
        let text = std::fs::read(path).with_context(shown)?;
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        file.set_len(whole as u64).with_context(shown)?;
        let before = text[..whole].iter().filter(|byte| **byte == b'\n').count() as u64;
        let (ids, acknowledged) = channel();
        let writer = std::thread::spawn(move || write(file, &acknowledged));
        Ok(Self { before, ids, writer })
    }

    /// Writes an id, soon.
    pub(crate) fn add(&self, id: String) {
        // A writer that failed says why at the end.
        let _ = self.ids.send(id);
    }

    /// Returns once everything is written and synced.
    pub(crate) fn close(self) -> anyhow::Result<()> {
        drop(self.ids);
        let written = self.writer.join().map_err(|_| io::Error::other("the writer of acknowledgements died"));
        written.and_then(|written| written).context("acknowledgements cannot be written")
    }
}

/// Writes whatever has come in one piece, then syncs: as often as the disk can.
fn write(mut file: File, acknowledged: &Receiver<String>) -> io::Result<()> {
    let mut lines = String::new();
    while let Ok(first) = acknowledged.recv() {
        for id in std::iter::once(first).chain(acknowledged.try_iter()) {
            lines.push_str(&id);
            lines.push('\n');
        }
        file.write_all(lines.as_bytes())?;
        file.sync_data()?;
        lines.clear();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_appended_and_a_line_that_was_cut_off_is_taken_away() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("acks");
        let write = |ids: &[&str]| {
            let acks = Acks::open(&path).unwrap();
            let before = acks.before;
            ids.iter().for_each(|id| acks.add((*id).to_owned()));
            acks.close().unwrap();
            (before, std::fs::read_to_string(&path).unwrap())
        };
        assert_eq!(write(&["a", "b"]), (0, "a\nb\n".to_owned()));
        std::fs::write(&path, "a\nb").unwrap();
        assert_eq!(write(&["c"]), (1, "a\nc\n".to_owned()));
        assert_eq!(write(&[]), (2, "a\nc\n".to_owned()));
        std::fs::write(&path, "abc").unwrap();
        assert_eq!(write(&[]), (0, String::new()));
    }
}
