//! Rows as lines of JSON.
//!
//! It holds one row in memory, and changes no value.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use siyu_model::clock::UtcMs;
use siyu_model::id::{CustomerId, MessageId, PostingId, ReservationId, RunId};

use super::super::proof::hex;
use super::super::{CarryError, Cell, Progress, Row, Sink, Table};
use super::ExportedTable;
use super::columns::{ExportFile, Form};

/// The files that a table goes into.
pub(super) struct Lines<'w> {
    folder: PathBuf,
    spec: &'static ExportFile,
    /// Places of the columns.
    places: Vec<Option<usize>>,
    /// The place of the column by whose value files are told apart.
    by: Option<usize>,
    open: BTreeMap<String, (BufWriter<File>, u64)>,
    rows: u64,
    watch: &'w (dyn Fn(Progress<'_>) + Sync),
}

impl<'w> Lines<'w> {
    pub(super) fn new(
        folder: &Path,
        spec: &'static ExportFile,
        table: &Table,
        watch: &'w (dyn Fn(Progress<'_>) + Sync),
    ) -> Result<Self, CarryError> {
        let places = spec.columns.iter().map(|column| table.place(column.from)).collect();
        let by = spec.by.and_then(|column| table.place(column));
        let mut lines =
            Self { folder: folder.to_owned(), spec, places, by, open: BTreeMap::new(), rows: 0, watch };
        if lines.by.is_none() {
            // A table without rows is an empty file, so that nobody wonders where it is.
            lines.file(format!("{}.ndjson", spec.file))?;
        }
        Ok(lines)
    }

    fn file(&mut self, name: String) -> Result<&mut (BufWriter<File>, u64), CarryError> {
        let path = self.folder.join(&name);
        Ok(match self.open.entry(name) {
            std::collections::btree_map::Entry::Occupied(there) => there.into_mut(),
            std::collections::btree_map::Entry::Vacant(empty) => {
                let file = File::create_new(&path).map_err(CarryError::file(&path))?;
                empty.insert((BufWriter::with_capacity(1 << 16, file), 0))
            }
        })
    }

    /// Everything is written and on the disk.
    pub(super) fn end(self) -> Result<Vec<ExportedTable>, CarryError> {
        let mut files = Vec::new();
        for (file, (writer, lines)) in self.open {
            let path = self.folder.join(&file);
            let written = writer.into_inner().map_err(std::io::IntoInnerError::into_error);
            written.and_then(|file| file.sync_all()).map_err(CarryError::file(&path))?;
            files.push(ExportedTable { file, lines });
        }
        Ok(files)
    }

    fn line(&self, row: &Row) -> String {
        let mut line = String::from("{");
        for (column, place) in self.spec.columns.iter().zip(&self.places) {
            let cell = place.and_then(|place| row.get(place)).unwrap_or(&Cell::Null);
            if line.len() > 1 {
                line.push(',');
            }
            line.push_str(&text(column.name));
            line.push(':');
            line.push_str(&value(cell, column.form));
        }
        line.push_str("}\n");
        line
    }
}

#[async_trait]
impl Sink for Lines<'_> {
    async fn take(&mut self, table: &Table, rows: Vec<Row>) -> Result<(), CarryError> {
        for row in &rows {
            let line = self.line(row);
            let of = self.by.and_then(|by| row.get(by)).and_then(Cell::text).map(safe);
            let name = match of {
                Some(of) => format!("{}-{of}.ndjson", self.spec.file),
                None => format!("{}.ndjson", self.spec.file),
            };
            let path = self.folder.join(&name);
            let (writer, lines) = self.file(name)?;
            writer.write_all(line.as_bytes()).map_err(CarryError::file(&path))?;
            *lines += 1;
        }
        self.rows += rows.len() as u64;
        (self.watch)(Progress { table: table.name, rows: self.rows, is_check: false });
        Ok(())
    }
}

/// A value as a part of a file's name: names of plugins are safe by their rule, and the host's own begin with `@`.
fn safe(value: &str) -> String {
    value.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-' || *c == '_').collect()
}

fn value(cell: &Cell, form: Form) -> String {
    let id = |bytes: &[u8], shown: fn([u8; 16]) -> String| match <[u8; 16]>::try_from(bytes) {
        Ok(id) => text(&shown(id)),
        // A document of the tenant's own belongs to no customer.
        Err(_) => "null".to_owned(),
    };
    match (cell, form) {
        (Cell::Null, _) => "null".to_owned(),
        (Cell::Int(number), Form::Instant) => text(&UtcMs::from_millis(*number).to_string()),
        (Cell::Int(number), Form::Flag) => (*number != 0).to_string(),
        (Cell::Int(number), _) => number.to_string(),
        (Cell::Text(document), Form::Json) => compact(document),
        (Cell::Text(words), _) => text(words),
        (Cell::Bytes(bytes), Form::Customer) => id(bytes, |id| CustomerId::from_bytes(id).to_string()),
        (Cell::Bytes(bytes), Form::Run) => id(bytes, |id| RunId::from_bytes(id).to_string()),
        (Cell::Bytes(bytes), Form::Message) => id(bytes, |id| MessageId::from_bytes(id).to_string()),
        (Cell::Bytes(bytes), Form::Reservation) => id(bytes, |id| ReservationId::from_bytes(id).to_string()),
        (Cell::Bytes(bytes), Form::Posting) => id(bytes, |id| PostingId::from_bytes(id).to_string()),
        (Cell::Bytes(bytes), _) => text(&hex(bytes)),
    }
}

/// Text as JSON.
fn text(words: &str) -> String {
    // A text can always be written.
    serde_json::to_string(words).unwrap_or_default()
}

/// A document on one line, every value as it is written; what is no JSON comes as text.
fn compact(document: &str) -> String {
    if serde_json::from_str::<serde::de::IgnoredAny>(document).is_err() {
        return text(document);
    }
    let (mut line, mut is_inside, mut is_escaped) = (String::with_capacity(document.len()), false, false);
    for c in document.chars() {
        if is_inside {
            (is_inside, is_escaped) = (c != '"' || is_escaped, c == '\\' && !is_escaped);
            line.push(c);
        } else if !c.is_ascii_whitespace() {
            is_inside = c == '"';
            line.push(c);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::compact;

    #[test]
    fn a_document_is_one_line_with_every_value_as_it_was_written() {
        for (document, line) in [
            ("{ \"a\" :\n [1.50, 9007199254740993] }", "{\"a\":[1.50,9007199254740993]}"),
            (r#"" a\" b \\" "#, r#"" a\" b \\""#),
            ("[\"\\\\\", \" x \"]", "[\"\\\\\",\" x \"]"),
            ("no json", "\"no json\""),
            ("{\"a\":1", "\"{\\\"a\\\":1\""),
        ] {
            assert_eq!(compact(document), line);
        }
    }
}
