//! Whole batches of rows as one parameter: an array of arrays in SQLite's JSONB form, which `jsonb_each` takes apart.
//!
//! The form is written here because text would be escaped, parsed and rendered again on its way: measured, one table's
//! rows cost a third less and building them a quarter. Strings are the "raw text" element, so nothing is escaped and no
//! content can end a string early; ids are their bytes in such a string, cast to a BLOB by the statement.
//! Source: the JSONB page of SQLite's documentation, which fixes the form because databases contain it.
//!
//! It never reads JSONB.

use siyu_engine::ports::store::StoreError;

/// Element types of the form.
const NULL: u8 = 0;
const INT: u8 = 3;
const TEXT_RAW: u8 = 10;
const ARRAY: u8 = 11;
/// A size of up to 11 bytes stands in the first byte itself.
const SIZE_INLINE_MAX: usize = 11;
/// Bytes of a header that has room for any size below 4 GiB, for arrays whose size comes last.
const WIDE_HEADER: usize = 5;
/// Bytes of a row as most tables have it.
const ROW_BYTES_USUAL: usize = 256;

/// The rows of one statement.
#[derive(Debug)]
pub(super) struct Batch {
    bytes: Vec<u8>,
    rows: usize,
    /// The first number that a database cannot hold.
    too_large: Option<u64>,
}

impl Default for Batch {
    fn default() -> Self {
        Self { bytes: vec![0; WIDE_HEADER], rows: 0, too_large: None }
    }
}

impl Batch {
    /// Rows of values, each filled in.
    pub(super) fn of<T>(rows: impl IntoIterator<Item = T>, mut fill: impl FnMut(T, &mut Row<'_>)) -> Self {
        let rows = rows.into_iter();
        let mut batch = Self::for_rows(rows.size_hint().0);
        for row in rows {
            batch.row(|cells| fill(row, cells));
        }
        batch
    }

    /// No rows yet, and room for so many of a usual size.
    pub(super) fn for_rows(rows: usize) -> Self {
        let mut batch = Self::default();
        batch.bytes.reserve(rows * ROW_BYTES_USUAL);
        batch
    }

    /// Rows of one value each, without an array around it: keys.
    pub(super) fn keys<'k>(keys: impl IntoIterator<Item = &'k [u8]>) -> Self {
        let mut batch = Self::default();
        for key in keys {
            element(&mut batch.bytes, TEXT_RAW, key);
            batch.rows += 1;
        }
        batch
    }

    /// Whole numbers, without arrays around them.
    pub(super) fn numbers(numbers: impl IntoIterator<Item = i64>) -> Self {
        let mut batch = Self::default();
        for number in numbers {
            batch.cells().int(number);
            batch.rows += 1;
        }
        batch
    }

    /// Adds a row.
    pub(super) fn row(&mut self, fill: impl FnOnce(&mut Row<'_>)) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; WIDE_HEADER]);
        fill(&mut self.cells());
        close_array(&mut self.bytes, start);
        self.rows += 1;
    }

    fn cells(&mut self) -> Row<'_> {
        Row { bytes: &mut self.bytes, too_large: &mut self.too_large }
    }

    /// Whether there are no rows.
    pub(super) fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The parameter.
    pub(super) fn finish(mut self) -> Result<Vec<u8>, StoreError> {
        if let Some(found) = self.too_large {
            return Err(StoreError::Broken(format!(
                "the number {found} does not fit into a database: expected at most {}",
                i64::MAX
            )));
        }
        close_array(&mut self.bytes, 0);
        Ok(self.bytes)
    }
}

/// Writes the header of an array whose elements are all there.
fn close_array(bytes: &mut [u8], start: usize) {
    // A write set of 4 GiB does not exist: documents and batches have limits far below.
    let size = u32::try_from(bytes.len() - start - WIDE_HEADER).unwrap_or(u32::MAX);
    bytes[start] = 0xe0 | ARRAY;
    bytes[start + 1..start + WIDE_HEADER].copy_from_slice(&size.to_be_bytes());
}

fn element(bytes: &mut Vec<u8>, kind: u8, payload: &[u8]) {
    let size = payload.len();
    if size <= SIZE_INLINE_MAX {
        bytes.push(kind | (size as u8) << 4);
    } else if let Ok(size) = u8::try_from(size) {
        bytes.extend_from_slice(&[0xc0 | kind, size]);
    } else if let Ok(size) = u16::try_from(size) {
        bytes.push(0xd0 | kind);
        bytes.extend_from_slice(&size.to_be_bytes());
    } else {
        bytes.push(0xe0 | kind);
        bytes.extend_from_slice(&u32::try_from(size).unwrap_or(u32::MAX).to_be_bytes());
    }
    bytes.extend_from_slice(payload);
}

/// The cells of one row, in the order of the statement's numbers.
pub(super) struct Row<'b> {
    bytes: &'b mut Vec<u8>,
    too_large: &'b mut Option<u64>,
}

impl Row<'_> {
    /// NULL.
    pub(super) fn null(&mut self) -> &mut Self {
        self.bytes.push(NULL);
        self
    }

    /// A whole number.
    pub(super) fn int(&mut self, number: i64) -> &mut Self {
        let mut digits = [0u8; 20];
        let mut at = digits.len();
        let mut rest = number.unsigned_abs();
        loop {
            at -= 1;
            digits[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        if number < 0 {
            at -= 1;
            digits[at] = b'-';
        }
        element(self.bytes, INT, &digits[at..]);
        self
    }

    /// A number of things; one beyond 63 bits is refused when the batch is finished.
    pub(super) fn count(&mut self, number: u64) -> &mut Self {
        match i64::try_from(number) {
            Ok(number) => self.int(number),
            Err(_) => {
                self.too_large.get_or_insert(number);
                self.null()
            }
        }
    }

    /// Yes or no.
    pub(super) fn flag(&mut self, flag: bool) -> &mut Self {
        self.int(i64::from(flag))
    }

    /// Text.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        self.bytes(text.as_bytes())
    }

    /// Bytes; the statement casts them to a BLOB.
    pub(super) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        element(self.bytes, TEXT_RAW, bytes);
        self
    }

    /// A number or NULL.
    pub(super) fn opt_int(&mut self, number: Option<i64>) -> &mut Self {
        match number {
            Some(number) => self.int(number),
            None => self.null(),
        }
    }

    /// Text or NULL.
    pub(super) fn opt_text(&mut self, text: Option<&str>) -> &mut Self {
        self.opt_bytes(text.map(str::as_bytes))
    }

    /// Bytes or NULL.
    pub(super) fn opt_bytes(&mut self, bytes: Option<&[u8]>) -> &mut Self {
        match bytes {
            Some(bytes) => self.bytes(bytes),
            None => self.null(),
        }
    }
}
