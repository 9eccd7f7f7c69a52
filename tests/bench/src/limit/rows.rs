//! Rows as one parameter: an array of arrays in SQLite's JSONB form, the fastest that was measured.

/// Element types and sizes of the form: see the JSONB page of SQLite's documentation.
const INT: u8 = 3;
const TEXT_RAW: u8 = 10;
const ARRAY_WIDE: u8 = 0xe0 | 11;
const WIDE_HEADER: usize = 5;

/// Rows of one statement.
pub(super) struct RowsOf {
    bytes: Vec<u8>,
}

impl RowsOf {
    pub(super) fn new() -> Self {
        Self { bytes: vec![0; WIDE_HEADER] }
    }

    /// Adds a row: numbers first, then texts, as all tables of the bare loop have them.
    pub(super) fn add(&mut self, numbers: &[i64], texts: &[&str]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; WIDE_HEADER]);
        numbers.iter().for_each(|number| self.element(INT, number.to_string().as_bytes()));
        texts.iter().for_each(|text| self.element(TEXT_RAW, text.as_bytes()));
        self.close(start);
    }

    /// The parameter.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.close(0);
        self.bytes
    }

    fn close(&mut self, start: usize) {
        let size = u32::try_from(self.bytes.len() - start - WIDE_HEADER).unwrap_or(u32::MAX);
        self.bytes[start] = ARRAY_WIDE;
        self.bytes[start + 1..start + WIDE_HEADER].copy_from_slice(&size.to_be_bytes());
    }

    fn element(&mut self, kind: u8, payload: &[u8]) {
        match payload.len() {
            size @ 0..=11 => self.bytes.push(kind | (size as u8) << 4),
            size @ 12..=255 => self.bytes.extend_from_slice(&[0xc0 | kind, size as u8]),
            size => {
                self.bytes.push(0xe0 | kind);
                self.bytes.extend_from_slice(&u32::try_from(size).unwrap_or(u32::MAX).to_be_bytes());
            }
        }
        self.bytes.extend_from_slice(payload);
    }
}
