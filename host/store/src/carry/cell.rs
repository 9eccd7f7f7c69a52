//! A row as every database gives it, and its one form in bytes.
//!
//! It knows no table.

/// A value of a row. Yes and no are 1 and 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cell {
    /// Nothing.
    Null,
    /// A whole number.
    Int(i64),
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

/// A row, its cells in the order of its table's columns.
pub(crate) type Row = Vec<Cell>;

impl Cell {
    /// Bytes that it takes, roughly.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Null | Self::Int(_) => 8,
            Self::Text(text) => text.len() + 8,
            Self::Bytes(bytes) => bytes.len() + 8,
        }
    }

    /// Adds its form to a hash: a mark of its kind, the length where it has one, and the value. No two rows have one form.
    pub(crate) fn hash(&self, hasher: &mut blake3::Hasher) {
        let mut long = |mark: u8, bytes: &[u8]| {
            hasher.update(&[mark]);
            hasher.update(&(bytes.len() as u64).to_be_bytes());
            hasher.update(bytes);
        };
        match self {
            Self::Null => {
                hasher.update(&[0]);
            }
            Self::Int(number) => {
                hasher.update(&[1]);
                hasher.update(&number.to_be_bytes());
            }
            Self::Text(text) => long(2, text.as_bytes()),
            Self::Bytes(bytes) => long(3, bytes),
        }
    }

    /// The number, 0 for everything else.
    pub(crate) fn number(&self) -> i64 {
        match self {
            Self::Int(number) => *number,
            _ => 0,
        }
    }

    /// The number or nothing.
    pub(crate) fn int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            _ => None,
        }
    }

    /// The text or nothing.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The bytes or nothing.
    pub(crate) fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }
}
