//! Whole batches of rows as one parameter: an array of arrays in SQLite's JSONB form, which `jsonb_each` takes apart.
//!
//! The form is written here because text would be escaped, parsed and rendered again on its way: measured, one table's
//! rows cost a third less and building them a quarter. Strings are the "raw text" element, so nothing is escaped and no
//! content can end a string early; ids are their bytes in such a string, cast to a BLOB by the statement.
//! Source: the JSONB page of SQLite's documentation, which fixes the form because databases contain it.
//!
//! It never reads JSONB.

use siyu_engine::ports::store::StoreError;

use crate::database::{self, Rows};

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
pub(crate) struct Batch {
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
    /// Rows of one value each, without an array around it.
    fn each<T>(values: impl IntoIterator<Item = T>, mut put: impl FnMut(&mut Self, T)) -> Self {
        let mut batch = Self::default();
        for value in values {
            put(&mut batch, value);
            batch.rows += 1;
        }
        batch
    }

    fn null(&mut self) -> &mut Self {
        self.bytes.push(NULL);
        self
    }
}

impl database::Batch for Batch {
    /// The form says what a row is like, so the shape is not needed.
    fn for_rows(_shape: &'static str, rows: usize) -> Self {
        let mut batch = Self::default();
        batch.bytes.reserve(rows * ROW_BYTES_USUAL);
        batch
    }

    fn keys<'k>(keys: impl IntoIterator<Item = &'k [u8]>) -> Self {
        Self::each(keys, |batch, key| element(&mut batch.bytes, TEXT_RAW, key))
    }

    fn texts<'t>(texts: impl IntoIterator<Item = &'t str>) -> Self {
        Self::keys(texts.into_iter().map(str::as_bytes))
    }

    fn numbers(numbers: impl IntoIterator<Item = i64>) -> Self {
        Self::each(numbers, |batch, number| {
            batch.int(number);
        })
    }

    fn row(&mut self, fill: impl FnOnce(&mut Self)) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; WIDE_HEADER]);
        fill(self);
        close_array(&mut self.bytes, start);
        self.rows += 1;
    }

    fn finish(mut self) -> Result<Rows, StoreError> {
        if let Some(found) = self.too_large {
            return Err(database::too_large(found));
        }
        close_array(&mut self.bytes, 0);
        Ok(Rows { shape: "", bytes: self.bytes, count: self.rows })
    }

    fn opt_int(&mut self, number: Option<i64>) -> &mut Self {
        let Some(number) = number else {
            return self.null();
        };
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
        element(&mut self.bytes, INT, &digits[at..]);
        self
    }

    fn opt_count(&mut self, number: Option<u64>) -> &mut Self {
        match number.map(i64::try_from).transpose() {
            Ok(number) => self.opt_int(number),
            Err(_) => {
                self.too_large = self.too_large.or(number);
                self.null()
            }
        }
    }

    fn flag(&mut self, flag: bool) -> &mut Self {
        self.int(i64::from(flag))
    }

    fn opt_text(&mut self, text: Option<&str>) -> &mut Self {
        self.opt_bytes(text.map(str::as_bytes))
    }

    /// The statement casts them to a BLOB.
    fn opt_bytes(&mut self, bytes: Option<&[u8]>) -> &mut Self {
        match bytes {
            Some(bytes) => {
                element(&mut self.bytes, TEXT_RAW, bytes);
                self
            }
            None => self.null(),
        }
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
