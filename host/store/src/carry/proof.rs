//! The proof that two places hold the same tenant: rows and a digest a table, and sums that people know.
//!
//! A table's digest is the sum, modulo 2^256, of the BLAKE3 hashes of its rows, so it is the same in whatever order rows
//! come and wherever they are kept. It finds every accident; it is no seal against somebody who can write both sides.

use serde::{Deserialize, Serialize};

use super::{CarryError, Row, Table};

/// Which columns are summed: what people compare with their own books.
const SUMS: &[(&str, &[&str])] = &[
    ("facts", &["count", "sum_fen"]),
    ("pools", &["total", "available", "reserved", "sold"]),
    ("reservations", &["units"]),
    ("counters", &["used"]),
    ("accounts", &["balance"]),
    ("ledger_entries", &["units"]),
];

/// What a tenant holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// The version of the schema.
    pub schema_version: i64,
    /// Every table, in a fixed order.
    pub tables: Vec<TableProof>,
    /// Sums of columns.
    pub sums: Vec<Sum>,
    /// A BLAKE3 hash over all tables, as 64 hexadecimal digits.
    pub digest: String,
}

/// What a table holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableProof {
    /// Its name.
    pub table: String,
    /// How many rows.
    pub rows: u64,
    /// Their digest, as 64 hexadecimal digits.
    pub digest: String,
}

/// A sum over a column of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sum {
    /// The table.
    pub table: String,
    /// The column.
    pub column: String,
    /// The sum; one beyond 63 bits stays at the last number.
    pub sum: i64,
}

impl Proof {
    /// Rows of all tables.
    pub fn rows(&self) -> u64 {
        self.tables.iter().map(|table| table.rows).sum()
    }

    /// That another place holds the same; the first difference is told.
    pub(crate) fn must_be(&self, expected: &Self) -> Result<(), CarryError> {
        if self == expected {
            return Ok(());
        }
        let pairs = self.tables.iter().zip(&expected.tables);
        let what = pairs.filter(|(found, expected)| found != expected).map(|(found, expected)| {
            let said = |proof: &TableProof| format!("{} rows with the digest {}", proof.rows, proof.digest);
            format!("table {}: found {}, expected {}", found.table, said(found), said(expected))
        });
        let other = || format!("found the digest {}, expected {}", self.digest, expected.digest);
        Err(CarryError::Differs { what: what.into_iter().next().unwrap_or_else(other) })
    }
}

/// A proof while rows go by.
pub(crate) struct Tally {
    version: i64,
    tables: Vec<TableTally>,
}

struct TableTally {
    table: &'static str,
    rows: u64,
    /// The sum of hashes, the lowest 64 bits first.
    digest: [u64; 4],
    /// Places of columns to be summed, and their sums.
    sums: Vec<(usize, &'static str, i64)>,
}

impl Tally {
    /// Of so many tables of no rows yet.
    pub(crate) fn of(version: i64, tables: &'static [Table]) -> Self {
        Self { version, tables: tables.iter().map(TableTally::of).collect() }
    }

    /// Adds rows of the table at a place.
    pub(crate) fn add(&mut self, at: usize, rows: &[Row]) {
        if let Some(tally) = self.tables.get_mut(at) {
            rows.iter().for_each(|row| tally.add(row));
        }
    }

    /// The proof.
    pub(crate) fn proof(self) -> Proof {
        let mut whole = blake3::Hasher::new_derive_key("siyu 2026-11-22 digest of a tenant");
        whole.update(&self.version.to_be_bytes());
        let (mut tables, mut sums) = (Vec::new(), Vec::new());
        for tally in self.tables {
            let digest = tally.digest();
            whole.update(&(tally.table.len() as u64).to_be_bytes());
            whole.update(tally.table.as_bytes());
            whole.update(&tally.rows.to_be_bytes());
            whole.update(&digest);
            let digest = hex(&digest);
            tables.push(TableProof { table: tally.table.to_owned(), rows: tally.rows, digest });
            sums.extend(tally.sums.into_iter().map(|(_, column, sum)| Sum {
                table: tally.table.to_owned(),
                column: column.to_owned(),
                sum,
            }));
        }
        let digest = whole.finalize().to_hex().to_string();
        Proof { schema_version: self.version, tables, sums, digest }
    }
}

impl TableTally {
    fn of(table: &'static Table) -> Self {
        let summed = SUMS.iter().filter(|(name, _)| *name == table.name).flat_map(|(_, columns)| *columns);
        let sums = summed.filter_map(|column| Some((table.place(column)?, *column, 0))).collect();
        Self { table: table.name, rows: 0, digest: [0; 4], sums }
    }

    fn add(&mut self, row: &Row) {
        let mut hasher = blake3::Hasher::new();
        row.iter().for_each(|cell| cell.hash(&mut hasher));
        let hash = hasher.finalize();
        let mut carry = false;
        for (word, bytes) in self.digest.iter_mut().zip(hash.as_bytes().chunks_exact(8)) {
            let mut eight = [0; 8];
            eight.copy_from_slice(bytes);
            let (sum, first) = word.overflowing_add(u64::from_be_bytes(eight));
            let (sum, second) = sum.overflowing_add(u64::from(carry));
            (*word, carry) = (sum, first || second);
        }
        for (place, _, sum) in &mut self.sums {
            *sum = sum.saturating_add(row.get(*place).map_or(0, super::Cell::number));
        }
        self.rows += 1;
    }

    fn digest(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for (place, word) in bytes.chunks_exact_mut(8).zip(self.digest.iter().rev()) {
            place.copy_from_slice(&word.to_be_bytes());
        }
        bytes
    }
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _always = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod unit {
    use super::super::{Cell, tables};
    use super::Tally;

    fn proof(rows: &[Vec<Cell>]) -> super::Proof {
        let tables = tables(1).expect("the first version");
        let at = tables.iter().position(|table| table.name == "counters").expect("a table");
        let mut tally = Tally::of(1, tables);
        rows.iter().for_each(|row| tally.add(at, std::slice::from_ref(row)));
        tally.proof()
    }

    fn row(key: &str, used: i64) -> Vec<Cell> {
        vec![Cell::Text("p".to_owned()), Cell::Text(key.to_owned()), Cell::Int(used), Cell::Int(9)]
    }

    #[test]
    fn the_order_of_rows_does_not_matter_and_everything_else_does() {
        let whole = proof(&[row("a", 1), row("b", 2)]);
        assert_eq!(whole, proof(&[row("b", 2), row("a", 1)]));
        assert_eq!(whole.sums.iter().find(|sum| sum.column == "used").map(|sum| sum.sum), Some(3));
        let without_key = vec![Cell::Text("p".to_owned()), Cell::Null, Cell::Int(1), Cell::Int(9)];
        for other in [
            vec![row("a", 1)],
            vec![row("a", 2), row("b", 1)],
            vec![row("a", 1), row("b", 2), row("b", 2)],
            vec![row("ab", 1), row("", 2)],
            vec![without_key, row("b", 2)],
        ] {
            assert_ne!(whole.digest, proof(&other).digest, "{other:?}");
            assert!(proof(&other).must_be(&whole).is_err());
        }
    }
}
