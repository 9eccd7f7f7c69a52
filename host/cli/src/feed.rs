//! A file of events, one JSON object a line, read as it is needed.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use siyu_model::digest::Hash16;
use siyu_model::event::{EventError, IncomingEvent};
use siyu_model::limits::json::DOCUMENT_BYTES_MAX;

use crate::fault::Fault;

/// Bytes of a line at most: one event's document.
const LINE_BYTES_MAX: u64 = DOCUMENT_BYTES_MAX as u64;

/// Why a line is no event.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LineError {
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    #[error("the line has more than {DOCUMENT_BYTES_MAX} bytes, the most that an event may have")]
    TooLong,
    #[error("the line is no UTF-8 text")]
    Encoding,
    #[error("the line is empty, expected an event as a JSON object")]
    Empty,
    #[error(transparent)]
    Event(#[from] EventError),
}

/// The lines of a file as events.
pub(crate) struct Feed {
    path: PathBuf,
    reader: BufReader<File>,
    /// What a tenant remembers the feed by: the file's name with a hash of its first line, so that another file of the same
    /// name is another feed and a file that grew is the same.
    pub(crate) name: Arc<str>,
    /// The first event.
    pub(crate) first: IncomingEvent,
    line: Vec<u8>,
}

impl Feed {
    /// Opens a file and reads its first event.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        let wrong = |why: String| {
            Fault::wrong(why).help("a feed is a file with one event a line: {\"id\":…, \"type\":…, \"time\":…, \"subject\":…, \"data\":{…}}")
        };
        let begun = || -> io::Result<(BufReader<File>, Vec<u8>)> {
            let mut reader = BufReader::new(File::open(path)?);
            let mut line = Vec::new();
            next_line(&mut reader, &mut line)?;
            Ok((BufReader::with_capacity(1 << 16, File::open(path)?), line))
        };
        let (reader, line) = begun().map_err(|fault| wrong(format!("{shown} cannot be read: {fault}")))?;
        if line.is_empty() {
            return Err(wrong(format!("{shown} is empty: expected one event a line")).into());
        }
        let first = event_of(&line).map_err(|fault| wrong(format!("{shown}:1: {fault}")))?;
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        let name = format!("{file}#{}", Hash16::of(&[&line]));
        Ok(Self { path: path.to_owned(), reader, name: name.into(), first, line: Vec::new() })
    }

    /// How many lines there are; reads the whole file.
    pub(crate) fn lines_in_all(&self) -> io::Result<u64> {
        let mut reader = BufReader::with_capacity(1 << 16, File::open(&self.path)?);
        let (mut lines, mut ends_whole) = (0, true);
        loop {
            let bytes = reader.fill_buf()?;
            if bytes.is_empty() {
                return Ok(lines + u64::from(!ends_whole));
            }
            lines += bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
            ends_whole = bytes.last() == Some(&b'\n');
            let read = bytes.len();
            reader.consume(read);
        }
    }
}

impl Iterator for Feed {
    type Item = Result<IncomingEvent, LineError>;

    fn next(&mut self) -> Option<Self::Item> {
        match next_line(&mut self.reader, &mut self.line) {
            Ok(()) if self.line.is_empty() => None,
            Ok(()) => Some(event_of(&self.line)),
            Err(fault) => Some(Err(fault.into())),
        }
    }
}

/// Reads a line with its end; empty at the end of the file.
fn next_line(reader: &mut BufReader<File>, line: &mut Vec<u8>) -> io::Result<()> {
    line.clear();
    // Two bytes more than allowed hold the longest line with its end, or show that it is longer.
    reader.by_ref().take(LINE_BYTES_MAX + 2).read_until(b'\n', line).map(drop)
}

fn event_of(line: &[u8]) -> Result<IncomingEvent, LineError> {
    let text = line.strip_suffix(b"\n").unwrap_or(line);
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    if text.len() > DOCUMENT_BYTES_MAX {
        return Err(LineError::TooLong);
    }
    let text = std::str::from_utf8(text).map_err(|_| LineError::Encoding)?;
    if text.trim().is_empty() {
        return Err(LineError::Empty);
    }
    Ok(IncomingEvent::from_json(text)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(text: &[u8]) -> (tempfile::TempDir, anyhow::Result<Feed>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.ndjson");
        std::fs::write(&path, text).unwrap();
        let feed = Feed::open(&path);
        (folder, feed)
    }

    fn line(id: usize) -> String {
        format!("{{\"id\":\"{id}\",\"type\":\"order.paid\"}}")
    }

    #[test]
    fn lines_are_events_with_or_without_a_last_line_break() {
        for (text, events) in [
            (line(1), 1),
            (line(1) + "\n", 1),
            (line(1) + "\r\n" + &line(2), 2),
            (line(1) + "\n" + &line(2) + "\n", 2),
        ] {
            let (_folder, feed) = feed(text.as_bytes());
            let feed = feed.unwrap();
            assert_eq!(feed.lines_in_all().unwrap(), events, "{text}");
            let read: Vec<String> = feed.map(|event| event.unwrap().id).collect();
            assert_eq!(read.len() as u64, events, "{text}");
        }
    }

    #[test]
    fn a_file_that_grew_is_the_same_feed_and_another_file_another() {
        let name = |text: String| feed(text.as_bytes()).1.unwrap().name;
        assert_eq!(name(line(1) + "\n"), name(line(1) + "\n" + &line(2)));
        assert_ne!(name(line(1) + "\n"), name(line(2) + "\n"));
    }

    #[test]
    fn what_is_no_event_is_refused_with_what_was_found() {
        let long = format!("{{\"id\":\"{}\"", "x".repeat(DOCUMENT_BYTES_MAX));
        for (second, part) in [
            ("", "the line is empty"),
            ("{\"id\":\"\"}", "event"),
            (&*long, "more than 262144 bytes"),
            ("{\"id\":\"2\",\"type\":\"Paid\"}", "is not an event type"),
        ] {
            let text = format!("{}\n{second}\n{}\n", line(1), line(3));
            let (_folder, feed) = feed(text.as_bytes());
            let read: Vec<_> = feed.unwrap().collect();
            let fault = read[1].as_ref().unwrap_err().to_string();
            assert!(fault.contains(part), "{fault}");
        }
    }

    #[test]
    fn an_empty_file_is_no_feed() {
        let fault = feed(b"").1.err().unwrap().to_string();
        assert!(fault.ends_with("events.ndjson is empty: expected one event a line"), "{fault}");
    }
}
