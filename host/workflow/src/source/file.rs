//! Files as they were handed in, and places in them. Never reads a disk.

use std::ops::Range;
use std::sync::Arc;

/// The number of a file of the bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct FileId(pub(crate) u32);

/// Bytes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span {
    pub(crate) file: FileId,
    /// The first byte.
    pub(crate) start: u32,
    /// The byte after the last one.
    pub(crate) end: u32,
}

impl Span {
    /// Files have at most a megabyte, so places fit into 32 bits.
    pub(crate) fn new(file: FileId, range: Range<usize>) -> Self {
        let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Self { file, start: place(range.start), end: place(range.end.max(range.start)) }
    }

    /// Whether it lies inside another place.
    pub(crate) fn is_inside(self, other: Self) -> bool {
        self.file == other.file && self.start >= other.start && self.end <= other.end
    }

    pub(crate) fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// One file.
#[derive(Debug)]
pub(crate) struct SourceFile {
    /// Its path inside the playbook's folder.
    pub(crate) name: Arc<str>,
    /// What it says; empty when it is no text.
    pub(crate) text: Arc<str>,
    line_starts: Vec<u32>,
}

impl SourceFile {
    pub(crate) fn new(name: &str, text: &str) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let line_starts = std::iter::once(0).chain(breaks.map(|(at, _)| at as u32 + 1)).collect();
        Self { name: name.into(), text: text.into(), line_starts }
    }

    /// Line and column of a byte, both from 1; columns count characters.
    pub(crate) fn position(&self, at: usize) -> (u32, u32) {
        let at = floor_char(&self.text, at);
        let line = self.line_starts.partition_point(|start| *start as usize <= at);
        let start = self.line_starts[line - 1] as usize;
        let column = self.text[start..at].chars().count() + 1;
        (line as u32, u32::try_from(column).unwrap_or(u32::MAX))
    }

    /// The bytes of a line without its break; lines count from 1.
    pub(crate) fn line(&self, line: u32) -> Range<usize> {
        let lines = self.line_starts.len();
        let index = (line.max(1) as usize - 1).min(lines - 1);
        let start = self.line_starts[index] as usize;
        let end = self.line_starts.get(index + 1).map_or(self.text.len(), |next| *next as usize);
        let line = self.text[start..end].trim_end_matches(['\n', '\r']);
        start..start + line.len()
    }

    /// A range that lies in the text, on character boundaries.
    pub(crate) fn clamp(&self, range: Range<usize>) -> Range<usize> {
        let start = floor_char(&self.text, range.start);
        start..floor_char(&self.text, range.end).max(start)
    }
}

fn floor_char(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// All files of a bundle.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    files: Vec<SourceFile>,
}

impl Sources {
    pub(crate) fn add(&mut self, file: SourceFile) -> FileId {
        self.files.push(file);
        FileId(self.files.len() as u32 - 1)
    }

    /// The file of a number that [`Sources::add`] gave.
    pub(crate) fn file(&self, id: FileId) -> &SourceFile {
        &self.files[id.0 as usize]
    }

    pub(crate) fn files(&self) -> &[SourceFile] {
        &self.files
    }

    pub(crate) fn text(&self, span: Span) -> &str {
        let file = self.file(span.file);
        &file.text[file.clamp(span.range())]
    }

    /// The first line of a place: what a caret can stand under.
    pub(crate) fn first_line(&self, span: Span) -> Span {
        let text = self.text(span);
        let line = text.lines().next().unwrap_or_default().trim_end();
        Span::new(span.file, span.start as usize..span.start as usize + line.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_lines_begin_at_one() {
        let file = SourceFile::new("a", "春季: x\r\nb: 2\n");
        assert_eq!(file.position(0), (1, 1));
        assert_eq!(file.position(6), (1, 3), "two Chinese characters are two columns");
        assert_eq!(file.position(7), (1, 4));
        assert_eq!(file.position(1), (1, 1), "inside a character is before it");
        let second = "春季: x\r\n".len();
        assert_eq!(file.position(second + 3), (2, 4));
        assert_eq!(file.position(9_999), (3, 1));
        assert_eq!(&file.text[file.line(1)], "春季: x");
        assert_eq!(&file.text[file.line(2)], "b: 2");
        assert_eq!(&file.text[file.line(99)], "");
    }
}
