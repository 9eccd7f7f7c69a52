//! Whole batches of rows as one parameter: an array of a composite type in Postgres's binary form, which `unnest` takes
//! apart.
//!
//! Nothing is parsed on its way: numbers are 8 bytes, ids and texts their own. The driver has no such array, since only the
//! database knows the numbers of its types, so the form is written here; it is fixed because all drivers use it.
//! Source: `array_recv` and `record_recv` of Postgres.
//!
//! It never reads the form.

use std::collections::HashMap;

use siyu_engine::ports::store::StoreError;
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArgumentBuffer, PgTypeInfo};
use sqlx::{Encode, Postgres, Type};

use super::escape::escaped;
use crate::database::{self, Rows};

/// Numbers of the types that every database has.
pub(super) const BOOL: u32 = 16;
pub(super) const BYTEA: u32 = 17;
pub(super) const INT8: u32 = 20;
pub(super) const TEXT: u32 = 25;
const BYTEA_ARRAY: u32 = 1001;
const TEXT_ARRAY: u32 = 1009;
const INT8_ARRAY: u32 = 1016;

/// The shapes of rows of one value.
const KEYS: &str = "bytea";
const TEXTS: &str = "text";
const NUMBERS: &str = "int8";

/// Bytes before the first element of an array of one dimension.
const HEADER: usize = 20;
/// Where the element's type stands in it.
const ELEMENT_TYPE: std::ops::Range<usize> = 8..12;
/// Where the number of elements stands in it.
const LENGTH: std::ops::Range<usize> = 12..16;
/// Bytes of a row as most tables have it.
const ROW_BYTES_USUAL: usize = 320;

/// The types of one schema that rows can have: their numbers, and those of their arrays.
#[derive(Debug, Default)]
pub(super) struct Shapes(pub(super) HashMap<String, (u32, u32)>);

impl Shapes {
    fn of(&self, shape: &str) -> Option<(u32, u32)> {
        match shape {
            KEYS => Some((BYTEA, BYTEA_ARRAY)),
            TEXTS => Some((TEXT, TEXT_ARRAY)),
            NUMBERS => Some((INT8, INT8_ARRAY)),
            _ => self.0.get(shape).copied(),
        }
    }

    /// The parameter of a batch; NULL without rows.
    pub(super) fn array(&self, mut rows: Rows) -> Result<Array, BoxDynError> {
        let (element, array) =
            self.of(rows.shape).ok_or_else(|| format!("the schema has no type {}", rows.shape))?;
        if let Some(place) = rows.bytes.get_mut(ELEMENT_TYPE) {
            place.copy_from_slice(&element.to_be_bytes());
        }
        Ok(Array { kind: Oid(array), bytes: (rows.count > 0).then_some(rows.bytes) })
    }
}

/// An array that is written already.
pub(super) struct Array {
    kind: Oid,
    bytes: Option<Vec<u8>>,
}

impl Type<Postgres> for Array {
    fn type_info() -> PgTypeInfo {
        // Every value says its own: see `produces`.
        PgTypeInfo::with_oid(Oid(0))
    }
}

impl Encode<'_, Postgres> for Array {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        match &self.bytes {
            Some(bytes) => {
                buffer.extend_from_slice(bytes);
                Ok(IsNull::No)
            }
            None => Ok(IsNull::Yes),
        }
    }

    fn produces(&self) -> Option<PgTypeInfo> {
        Some(PgTypeInfo::with_oid(self.kind))
    }
}

/// The rows of one statement.
#[derive(Debug)]
pub(crate) struct Batch {
    shape: &'static str,
    bytes: Vec<u8>,
    rows: usize,
    /// Cells of the row that is being written.
    cells: i32,
    /// The first number that a database cannot hold.
    too_large: Option<u64>,
}

impl Batch {
    fn of_values<T>(
        shape: &'static str,
        values: impl IntoIterator<Item = T>,
        put: impl Fn(&mut Vec<u8>, T),
    ) -> Self {
        let mut batch: Self = database::Batch::for_rows(shape, 0);
        for value in values {
            put(&mut batch.bytes, value);
            batch.rows += 1;
        }
        batch
    }

    fn cell(&mut self, kind: u32, value: Option<&[u8]>) -> &mut Self {
        self.cells += 1;
        self.bytes.extend_from_slice(&kind.to_be_bytes());
        match value {
            Some(value) => element(&mut self.bytes, value),
            None => self.bytes.extend_from_slice(&(-1_i32).to_be_bytes()),
        }
        self
    }
}

/// A value with its length. None is 2 GiB long: documents and batches have limits far below.
fn element(bytes: &mut Vec<u8>, value: &[u8]) {
    bytes.extend_from_slice(&length(value.len()));
    bytes.extend_from_slice(value);
}

fn length(bytes: usize) -> [u8; 4] {
    i32::try_from(bytes).unwrap_or(i32::MAX).to_be_bytes()
}

impl database::Batch for Batch {
    fn for_rows(shape: &'static str, rows: usize) -> Self {
        let mut bytes = Vec::with_capacity(HEADER + rows * ROW_BYTES_USUAL);
        // One dimension, no NULLs, the type and the length to come, numbered from 1.
        for word in [1_i32, 0, 0, 0, 1] {
            bytes.extend_from_slice(&word.to_be_bytes());
        }
        Self { shape, bytes, rows: 0, cells: 0, too_large: None }
    }

    fn keys<'k>(keys: impl IntoIterator<Item = &'k [u8]>) -> Self {
        Self::of_values(KEYS, keys, element)
    }

    fn texts<'t>(texts: impl IntoIterator<Item = &'t str>) -> Self {
        Self::of_values(TEXTS, texts, |bytes, text| element(bytes, escaped(text).as_bytes()))
    }

    fn numbers(numbers: impl IntoIterator<Item = i64>) -> Self {
        Self::of_values(NUMBERS, numbers, |bytes, number| element(bytes, &number.to_be_bytes()))
    }

    fn row(&mut self, fill: impl FnOnce(&mut Self)) {
        let start = self.bytes.len();
        // Length and number of cells, which come last.
        self.bytes.extend_from_slice(&[0; 8]);
        self.cells = 0;
        fill(self);
        let size = length(self.bytes.len() - start - 4);
        self.bytes[start..start + 4].copy_from_slice(&size);
        self.bytes[start + 4..start + 8].copy_from_slice(&self.cells.to_be_bytes());
        self.rows += 1;
    }

    fn finish(mut self) -> Result<Rows, StoreError> {
        if let Some(found) = self.too_large {
            return Err(database::too_large(found));
        }
        self.bytes[LENGTH].copy_from_slice(&length(self.rows));
        Ok(Rows { shape: self.shape, bytes: self.bytes, count: self.rows })
    }

    fn opt_int(&mut self, number: Option<i64>) -> &mut Self {
        self.cell(INT8, number.map(i64::to_be_bytes).as_ref().map(|bytes| &bytes[..]))
    }

    fn opt_count(&mut self, number: Option<u64>) -> &mut Self {
        match number.map(i64::try_from).transpose() {
            Ok(number) => self.opt_int(number),
            Err(_) => {
                self.too_large = self.too_large.or(number);
                self.opt_int(None)
            }
        }
    }

    fn flag(&mut self, flag: bool) -> &mut Self {
        self.cell(BOOL, Some(&[u8::from(flag)]))
    }

    fn opt_text(&mut self, text: Option<&str>) -> &mut Self {
        let written = text.map(escaped);
        self.cell(TEXT, written.as_ref().map(|text| text.as_bytes()))
    }

    fn opt_bytes(&mut self, bytes: Option<&[u8]>) -> &mut Self {
        self.cell(BYTEA, bytes)
    }
}
