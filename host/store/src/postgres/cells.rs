//! Rows of Postgres's answers as cells: records in binary form.
//!
//! An answer to several questions has rows of several kinds, so every row travels as one record. Each cell comes with the
//! number of its type; a cell of another type than expected is a fault.
//! Source: `record_send` of Postgres.

use std::borrow::Cow;
use std::ops::Range;

use sqlx::Row as _;
use sqlx::postgres::PgRow;

use super::composite::{BOOL, BYTEA, INT8, TEXT};
use super::escape::unescaped;
use crate::database::Cells;

const INT2: u32 = 21;
const INT4: u32 = 23;

/// One row.
#[derive(Debug)]
pub(crate) struct Record {
    bytes: Vec<u8>,
    cells: Vec<Cell>,
}

#[derive(Debug, Clone)]
struct Cell {
    kind: u32,
    /// Where the value is; none for NULL.
    place: Option<Range<usize>>,
}

/// Reads numbers of four bytes from left to right.
struct Words<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl Words<'_> {
    fn next(&mut self) -> Option<u32> {
        let bytes = self.bytes.get(self.at..self.at + 4)?;
        self.at += 4;
        Some(u32::from_be_bytes(bytes.try_into().ok()?))
    }

    fn skip(&mut self, length: usize) -> Option<Range<usize>> {
        let place = self.at..self.at.checked_add(length)?;
        self.bytes.get(place.clone())?;
        self.at = place.end;
        Some(place)
    }
}

impl Record {
    /// The row in the second column of an answer, with the number of its question from the first.
    pub(super) fn of(row: &PgRow) -> Result<(usize, Self), sqlx::Error> {
        let question: i32 = row.try_get(0)?;
        let value = row.try_get_raw(1)?;
        let bytes = value.as_bytes().map_err(sqlx::Error::Decode)?.to_vec();
        let cells = cells(&bytes).ok_or_else(|| sqlx::Error::Decode("a record is cut short".into()))?;
        Ok((usize::try_from(question).unwrap_or(usize::MAX), Self { bytes, cells }))
    }

    fn cell(&self, at: usize) -> Result<(u32, Option<&[u8]>), String> {
        let cell = self.cells.get(at).ok_or_else(|| format!("there are {} cells", self.cells.len()))?;
        Ok((cell.kind, cell.place.clone().map(|place| &self.bytes[place])))
    }
}

fn cells(bytes: &[u8]) -> Option<Vec<Cell>> {
    let mut words = Words { bytes, at: 0 };
    let count = words.next()?;
    let mut cells = Vec::with_capacity(count.min(64) as usize);
    for _ in 0..count {
        let kind = words.next()?;
        let place = match words.next()? {
            u32::MAX => None,
            length => Some(words.skip(length as usize)?),
        };
        cells.push(Cell { kind, place });
    }
    Some(cells)
}

fn other(expected: &str, kind: u32) -> String {
    format!("expected {expected}, found a value of type {kind}")
}

impl Cells for Record {
    fn int(&self, at: usize) -> Result<Option<i64>, String> {
        let (kind, value) = self.cell(at)?;
        let Some(value) = value else {
            return Ok(None);
        };
        let number = match (kind, value) {
            (INT8, value) => value.try_into().map(i64::from_be_bytes).ok(),
            (INT4, value) => value.try_into().map(|bytes| i32::from_be_bytes(bytes).into()).ok(),
            (INT2, value) => value.try_into().map(|bytes| i16::from_be_bytes(bytes).into()).ok(),
            (BOOL, [flag]) => Some(i64::from(*flag)),
            _ => None,
        };
        number.map(Some).ok_or_else(|| other("a whole number", kind))
    }

    fn text(&self, at: usize) -> Result<Option<Cow<'_, str>>, String> {
        let (kind, value) = self.cell(at)?;
        let Some(value) = value else {
            return Ok(None);
        };
        if kind != TEXT {
            return Err(other("text", kind));
        }
        let written = std::str::from_utf8(value).map_err(|fault| fault.to_string())?;
        unescaped(written).map(Some).ok_or_else(|| "an escape that this store does not write".to_owned())
    }

    fn bytes(&self, at: usize) -> Result<Option<&[u8]>, String> {
        match self.cell(at)? {
            (_, None) => Ok(None),
            (BYTEA, value) => Ok(value),
            (kind, _) => Err(other("bytes", kind)),
        }
    }

    fn is_null(&self, at: usize) -> Result<bool, String> {
        Ok(self.cell(at)?.1.is_none())
    }

    fn column(&self, at: usize) -> String {
        format!("column {}", at + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::cells;

    #[test]
    fn a_record_that_is_cut_short_is_noticed_wherever_it_is_cut() {
        let mut whole = vec![0, 0, 0, 2];
        whole.extend([0, 0, 0, 20, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 7]);
        whole.extend([0, 0, 0, 25, 0xff, 0xff, 0xff, 0xff]);
        assert_eq!(cells(&whole).map(|cells| cells.len()), Some(2));
        for length in 0..whole.len() {
            assert!(cells(&whole[..length]).is_none(), "{length} bytes");
        }
    }
}
